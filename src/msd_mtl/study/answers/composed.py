"""Runs composed once more, from what their sweep set in them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from msd_mtl.app import conf_dir
from msd_mtl.errors import UserError
from msd_mtl.study.identity import Config, data_fingerprint, resolved, run_id
from msd_mtl.study.record import Record


def composed(overrides: Sequence[str], fingerprints: Collection[str]) -> dict[str, tuple[Config, str]]:
    """Resolved configuration of a run, as files of the configuration are now.

    Args:
        overrides: What is set in it, as on a command line.
        fingerprints: Data that it may be of.

    Returns:
        Configuration and data by the ``run_id`` that they have together; nothing where what is set makes no run.
    """
    with suppress(Exception), _composing():  # of files that are edited anything may be raised
        config = resolved(compose("train", list(overrides)))
        return {run_id(config, data): (config, data) for data in fingerprints}
    return {}


def still_make(sweep: Mapping[str, Sequence[str]], records: Collection[Record]) -> bool:
    """Whether what was set in the runs of a sweep gives these runs today, or its study or a group was edited since.

    Composed are the last run, which has another seed than the first, and one for each group that any chooses.

    Args:
        sweep: What it set in each run, as on a command line, by ``run_id``.
        records: Of runs of its study, which say what data is in which store.
    """
    looked_at, seen = list(sweep)[-1:], set[str]()
    for run, overrides in sweep.items():
        chosen = {one for one in overrides if "." not in one.partition("=")[0] and not one.startswith("seed=")}
        looked_at += [] if chosen <= seen else [run]
        seen |= chosen
    return all(_still_makes(run, sweep[run], records) for run in dict.fromkeys(looked_at))


def _still_makes(run: str, overrides: Sequence[str], records: Collection[Record]) -> bool:
    with suppress(Exception), _composing():
        config = resolved(compose("train", list(overrides)))
        data = _data(config["data"], records)
        return not data or any(run_id(config, one) == run for one in data)
    return False


def _data(data: Config, records: Collection[Record]) -> set[str]:
    """Fingerprints that data may have; none where nobody here knows their store."""
    of_store = [one for one in records if one["config"]["data"].get("store") == data.get("store")]
    with suppress(UserError):
        return {one["data"]["fingerprint"] for one in of_store} or {data_fingerprint(data)}
    return set()


@contextmanager
def _composing() -> Iterator[None]:
    """Hydra as the command has set it up, which knows its ``--config-dir``; in no command as the package is."""
    is_up = GlobalHydra.instance().is_initialized()
    with nullcontext() if is_up else initialize_config_dir(str(conf_dir()), version_base="1.3"):
        yield
