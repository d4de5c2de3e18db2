"""Runs that were not begun, placed by what their sweep sets in them: they leave no record that would say."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from msd_mtl.study.answers.arms import is_below, mask_of
from msd_mtl.study.answers.types import Arm
from msd_mtl.study.identity import WITHOUT_EFFECT

COUPLING = ("tasks.coupling", "data.coupling")  # data has that of the tasks, unless it is given one of its own
LAST = ("sharing.mask=", "data.coupling=")  # go before a name of a mask, and before the coupling of the tasks


def placed(
    absent: Mapping[str, Sequence[str]], begun: Iterable[tuple[Sequence[str], Arm]]
) -> dict[str, tuple[Arm, int]]:
    """Arm and seed of runs that were not begun.

    Such a run has the arm of one that was begun and in which all else is set alike, but for what an override says in so
    many words: the mask, the training size, the planted coupling. One that is like no other is not placed.

    Args:
        absent: What is set in each of them, as on a command line, by ``run_id``.
        begun: The same of runs that have a record, with their arms.
    """
    alike: dict[tuple[frozenset[str], frozenset[str]], set[Arm]] = defaultdict(set)
    for overrides, arm in begun:
        rest, said = _read(overrides)
        blank: dict[str, Any] = dict.fromkeys(said.keys() - {"seed"})
        if "coupling" in said and arm.coupling is not None:  # of real data no coupling is planted, whatever is set
            blank["coupling"] = 0.0
        alike[rest, frozenset(said)].add(replace(arm, **blank))
    found = {}
    for run, overrides in absent.items():
        rest, said = _read(overrides)
        arms = alike.get((rest, frozenset(said)), set())
        if len(arms) == 1 and "seed" in said:
            seed, (arm,) = said.pop("seed"), arms
            if arm.coupling is None:
                said.pop("coupling", None)
            found[run] = replace(arm, **said), seed
    return found


def likeness(overrides: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
    """What runs have in common of which one is placed by the other: what is set, and which places are said."""
    rest, said = _read(overrides)
    return rest, frozenset(said)


def said(overrides: Sequence[str], place: str) -> set[int]:
    """The ``seed`` or ``train_size``, where an override says it."""
    found = _read(overrides)[1].get(place)
    return set() if found is None else {found}


def _read(overrides: Sequence[str]) -> tuple[frozenset[str], dict[str, Any]]:
    """Overrides that are no place of an arm or that only composing would tell, and places that the others say."""
    rest: set[str] = set()
    said: dict[str, Any] = {}
    for override in sorted(overrides, key=lambda one: one.startswith(LAST)):
        key, _, value = override.partition("=")
        if key == "sharing" and (mask := mask_of(value)):
            said["mask"] = mask
        elif key == "sharing.mask" and re.fullmatch(r"\[[01](, ?[01])*\]", value):
            said["mask"] = re.sub(r"[^01]", "", value)
        elif key in ("seed", "data.train_size") and value.isdecimal():
            said[key.rpartition(".")[2]] = int(value)
        elif key in COUPLING and re.fullmatch(r"\d+(\.\d+)?", value):
            said["coupling"] = float(value)
        elif not is_below(key.lstrip("+~"), WITHOUT_EFFECT):
            rest.add(override)
    return frozenset(rest), said
