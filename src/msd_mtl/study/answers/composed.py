"""Runs composed once more, from what their sweep set in them."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from msd_mtl.app import conf_dir
from msd_mtl.errors import UserError
from msd_mtl.study.answers.arms import is_below, settings_of
from msd_mtl.study.composer import Composer
from msd_mtl.study.identity import Config, data_fingerprint, resolved, run_id
from msd_mtl.study.record import Record

MOST = 100  # choices of groups that are composed: each takes Hydra a tenth of a second or more


@contextmanager
def composing() -> Iterator[Callable[[Sequence[str]], DictConfig]]:
    """Composes runs as files of the configuration are now, from what is set in them but for what is of a place.

    Hydra is as the command has set it up, which knows its ``--config-dir``; in no command as the package is.
    """
    is_up = GlobalHydra.instance().is_initialized()
    with nullcontext() if is_up else initialize_config_dir(str(conf_dir()), version_base="1.3"):
        composer = Composer(GlobalHydra.instance().config_loader(), partial(compose, "train"), MOST)
        yield lambda overrides: _placed(composer([one for one in overrides if not _is_of_place(one)]))


def still_made(sweeps: Sequence[Mapping[str, Sequence[str]]], records: Mapping[str, Record]) -> list[bool]:
    """Whether what was set in the runs of each sweep gives these runs today, or its study or a group was edited since.

    Composed are the last run and, of each group that any chooses, the last with a record if there is one; of sweeps
    that choose alike, and whose records differ in no more than what was set in them, only those of one.

    Args:
        sweeps: What each set in its runs, as on a command line, by ``run_id``, from the first sweep to the last.
        records: Of runs of their study, by ``run_id``.
    """
    found: list[bool] = []
    known: dict[frozenset[str], list[_Compared]] = defaultdict(list)
    for sweep in reversed(sweeps):  # the last run of all has the latest seed: an edit may spare the first
        likes = {run: frozenset(map(_group_or_key, sweep[run])) for run in sweep}
        by_record = sorted(sweep, key=lambda run: run in records)
        looked_at = {*list(sweep)[-1:], *{one: run for run in by_record for one in likes[run]}.values()}
        is_made = []
        for run in looked_at:
            settings, like = settings_of(records[run]) if run in records else None, known[likes[run]]
            one = next((one for one in like if one.stands_for(sweep[run], settings)), None)
            if one is None:
                one = _Compared(sweep[run], settings, *_still_makes(run, sweep[run], records))
                like.append(one)
            is_made.append(one.is_made)
        found.append(all(is_made))
    return found[::-1]


@dataclass(frozen=True)
class _Compared:
    """A run that was composed once more.

    Attributes:
        overrides: What was set in it.
        settings: Of its record, if it has one.
        is_made: Whether it is made today.
        follows: Settings that refer to others; None where nothing is made.
    """

    overrides: Sequence[str]
    settings: Mapping[str, str] | None
    is_made: bool
    follows: Collection[str] | None

    def stands_for(self, overrides: Sequence[str], settings: Mapping[str, str] | None) -> bool:
        """Whether no edit is between it and a run that chose alike: the records differ in what was set, or follows it.

        Where neither has a record, nothing tells.
        """
        if self.follows is None:
            return True
        if self.settings is None or settings is None:
            return self.settings is settings
        own, others = _values(self.overrides), _values(overrides)
        was_set = {(value, others.get(key)) for key, value in own.items()}
        differ = [key for key in self.settings.keys() | settings.keys() if self.settings.get(key) != settings.get(key)]
        return all(
            (key in own or key in self.follows) and (self.settings.get(key), settings.get(key)) in was_set
            for key in differ
        )


def _values(overrides: Sequence[str]) -> dict[str, str]:
    return {key: value for key, _, value in (one.partition("=") for one in overrides)}


def _group_or_key(override: str) -> str:
    """A group with what is chosen of it, or the key of a value, which no file can change."""
    key = override.partition("=")[0]
    return key if "." in key or key == "seed" else override


def _still_makes(
    run: str, overrides: Sequence[str], records: Mapping[str, Record]
) -> tuple[bool, Collection[str] | None]:
    """Whether a run is made today, and the settings that refer to others."""
    with suppress(Exception), composing() as composer:  # of files that are edited anything may be raised
        known = composer(overrides)
        config = resolved(known)
        data = _data(run, config["data"], records)
        is_made = not data or any(run_id(config, one) == run for one in data)
        written = settings_of({"config": OmegaConf.to_container(known), "data": {"fingerprint": None}})
        return is_made, {key for key, value in written.items() if "${" in value}
    return False, None


def _is_of_place(override: str) -> bool:
    """Whether it changes no number, and may refer to what is not known on another machine."""
    return is_below(override.partition("=")[0], ("runs_dir", "logger"))


def _placed(known: DictConfig) -> DictConfig:
    """The same without a store that an environment variable names which is not set here."""
    if "store" in known.data.keys() and OmegaConf.is_interpolation(known.data, "store"):  # noqa: SIM118  # known or not
        store = OmegaConf.select(known, "data.store", throw_on_resolution_failure=False)
        known.data.store = "" if store is None else store
    return known


def _data(run: str, data: Config, records: Mapping[str, Record]) -> set[str]:
    """Fingerprints that the data of a run may have; none where nobody here knows its store."""
    if run in records:
        return {records[run]["data"]["fingerprint"]}
    of_store = [one for one in records.values() if one["config"]["data"].get("store") == data.get("store")]
    found = {one["data"]["fingerprint"] for one in of_store}
    with suppress(UserError):
        found.add(data_fingerprint(data))
    return found
