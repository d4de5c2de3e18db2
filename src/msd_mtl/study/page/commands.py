"""Commands that make the runs of a study again: as they were given, or found and then compared with the runs."""

import re
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

from hydra.errors import HydraException

from msd_mtl.app import conf_dir, read_conf
from msd_mtl.errors import UserError
from msd_mtl.study.answers.arms import is_below, is_one_task
from msd_mtl.study.answers.paths import without_folders
from msd_mtl.study.identity import value_of
from msd_mtl.study.sweep import GRID, jobs
from msd_mtl.study.unfilled import unfilled_sizes

# Settings of one place: they change no number, and a path may tell more than its owner wants.
LEFT_OUT = ("runs_dir", "trainer.enable_progress_bar", "trainer.enable_model_summary", "logger", "hydra", "baselines")
MASK = ("sharing", "model.mask")

Claim = Literal["exact", "more", "given", "unknown"]
Job = tuple[str, ...]


@dataclass(frozen=True)
class Making:
    """What makes the runs of a sweep again.

    Attributes:
        settings: Of its command; of one that is not known those that all its runs share.
        claim: ``exact`` where it makes these runs and no others, ``more`` where it makes others too, ``given`` where
            the command line said so, and what it makes now cannot be told.
        is_sweep: Whether it takes more than a single run.
    """

    settings: Job
    claim: Claim
    is_sweep: bool = True

    @property
    def command(self) -> str:
        """The command."""
        return f"msd-mtl train {'-m ' if self.is_sweep else ''}{self.shown}"

    @property
    def shown(self) -> str:
        """Its settings, as in a shell."""
        return shown(self.settings)

    def having(self, override: str, *instead_of: str) -> "Making":
        """The same with one more setting, and without those whose place it takes."""
        kept = [one for one in self.settings if _key(one) not in instead_of]
        return Making((*kept, override), self.claim, self.is_sweep)


def shown(settings: Sequence[str]) -> str:
    """Settings as in a shell, with the names of their files, not of their folders."""
    return shlex.join(map(without_folders, settings))


def making(
    overrides: Sequence[Sequence[str]],
    command: Sequence[str] = (),
    left_out: Sequence[str] = (),
    idle: tuple[str, ...] = (),
) -> Making:
    """What makes the runs of a sweep.

    Args:
        overrides: What it set in each run, as on a command line.
        command: What its command line said; empty where nobody has kept that.
        left_out: What it said of the sizes that the data cannot fill: what it leaves out again.
        idle: Settings that change none of its runs: of runs that differ in them alone a sweep makes the first.
    """
    runs = list(dict.fromkeys(map(_kept, overrides)))
    wanted = set(map(frozenset, runs))
    more = []
    if given := _kept(command):
        made = _planned(given, idle)
        if made is None:
            is_sweep = {frozenset(one for one in given if not one.startswith("--"))} != wanted
            return Making(given, "given", is_sweep)
        if _is_exact(made, wanted, left_out):
            return Making(given, "exact")
        more += [given] if made > wanted else []
    if len(runs) == 1:
        return Making(_ordered(runs[0]), "exact", is_sweep=False)
    found = {settings: _planned(settings, idle) or set() for settings in _candidates(runs)}
    exact = [settings for settings, made in found.items() if _is_exact(made, wanted, left_out)]
    more += [settings for settings, made in found.items() if made > wanted]
    if exact or more:
        return Making(_ordered([*exact, *more][0]), "exact" if exact else "more")
    return unknown(runs)


def unknown(overrides: Sequence[Sequence[str]]) -> Making:
    """What is told of a sweep where no command is known that makes its runs: what they share."""
    return Making(_ordered(_shared(list(map(_kept, overrides)))), "unknown")


def _is_exact(made: set[frozenset[str]], wanted: set[frozenset[str]], left_out: Sequence[str]) -> bool:
    """Whether a command makes these runs and no others, but as many of the left-out sizes as there were."""
    lacking = unfilled_sizes(left_out)
    found: Counter[tuple[str, int]] = Counter()
    for run in made - wanted:
        said = {key: int(value) for key, _, value in (one.partition("=") for one in run) if value.isdecimal()}
        of_run = [size for size in lacking if size in said.items()]
        if not of_run:
            return False
        found[of_run[0]] += 1
    return made >= wanted and (not found or found == lacking)


def _planned(settings: Sequence[str], idle: tuple[str, ...] = ()) -> set[frozenset[str]] | None:
    """What a command would set in its runs, as far as it is shown; nothing of a study that is not one of ``conf/``.

    None where that is not told by ``conf/`` and it alone.
    """
    if any(one.startswith("--") or is_below(_key(one), GRID) for one in settings):
        return None
    name = next((one.partition("=")[2] for one in settings if _key(one) == "study"), "none")
    file = conf_dir() / "study" / f"{name}.yaml"
    if not file.is_file():
        return set()
    said = read_conf(file)
    params, grids = (value_of(said, key) for key in GRID)
    try:
        runs = [frozenset(_kept(job)) for job in jobs(params, grids, settings)]
    except UserError as error:
        if isinstance(error.__cause__, HydraException):  # choices of the file that cannot be read: runs need it no more
            return None
        raise
    except (HydraException, ValueError):  # patterns of names, or edited by hand
        return None
    return set({_alike(run, idle): run for run in reversed(runs)}.values())


def _alike(run: frozenset[str], idle: tuple[str, ...]) -> frozenset[str]:
    """What is set in all runs that are one: a task alone shares nothing, so of its masks a sweep makes the first."""
    said = {_key(one): one.partition("=")[2] for one in run}
    names = said.get("tasks.names")
    is_alone = is_one_task(said.get("tasks", "")) if names is None else re.fullmatch(r"\[[^,]+\]", names)
    without_effect = idle + (MASK if is_alone else ())
    return frozenset(one for one in run if not is_below(_key(one), without_effect))


def _candidates(runs: Sequence[Job]) -> Iterator[Job]:
    """Commands that may make runs: a product; a study; that with other choices of what it sweeps."""
    choices = _choices(runs)
    if all(len(run) == len(choices) for run in runs) and _is_small(choices, runs):
        yield _written(choices)
    shared = _shared(runs)
    if any(_key(one) == "study" for one in shared):
        yield shared
        swept = _choices([tuple(one) for one in _planned(shared) or ()])
        other = {key: own for key, own in choices.items() if key in swept and set(own) != set(swept[key])}
        if _is_small(other, runs):
            yield (*shared, *_written(other))


def _is_small(choices: dict[str, list[str]], runs: Sequence[Job]) -> bool:
    """Whether a product of choices could be these runs, so that it is worth to be listed."""
    return prod(map(len, choices.values())) <= len(runs)


def _choices(runs: Sequence[Job]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for run in runs:
        for override in run:
            key, _, value = override.partition("=")
            if value not in found.setdefault(key, []):
                found[key].append(value)
    return found


def _written(choices: dict[str, list[str]]) -> Job:
    return tuple(f"{key}={','.join(values)}" for key, values in choices.items())


def _shared(runs: Sequence[Job]) -> Job:
    """What all runs set."""
    everywhere = set.intersection(*map(set, runs))
    return tuple(one for one in runs[0] if one in everywhere)


def _ordered(settings: Sequence[str]) -> Job:
    return tuple(sorted(settings, key=lambda one: not one.startswith(("study=", "study.name="))))


def _kept(settings: Sequence[str]) -> Job:
    """What is shown of settings; groups lie in groups, as keys in keys."""
    keys = [(one, _key(one).replace("/", ".")) for one in settings]
    return tuple(one for one, key in keys if not is_below(key, LEFT_OUT) or is_below(key, GRID))


def _key(override: str) -> str:
    return override.partition("=")[0].lstrip("+~")
