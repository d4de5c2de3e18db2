"""Which task sets and planted couplings of a study are compared to tell what coupling does."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from msd_mtl.study.answers.gains import Group, Level, level_name


@dataclass(frozen=True)
class Comparison:
    """Levels whose coupling is compared.

    Attributes:
        name: In words.
        task_set: Where all are of one.
        levels: In the order of coupling.
        places: Where each stands.
    """

    name: str
    task_set: str | None
    levels: tuple[Level, ...]
    places: tuple[float, ...]


def comparisons(group: Group) -> list[Comparison]:
    """Levels whose coupling may be compared.

    The planted couplings of each task set that has several; else the most against the least coupled task set of those
    that are asked, by what was planted or by what the labels show; none where one of the two has no gain.
    """
    found = []
    for task_set, same in groupby(_sharing(group), key=lambda level: level[0]):
        own = [level for level in same if level[1] is not None]
        if len(own) > 1:
            found.append(planted_levels(task_set, own))
    if found:
        return found
    ends = _ends(group.asked)
    return [ends] if ends is not None and group.gains.keys() >= set(ends.levels) else []


def _sharing(group: Group) -> list[Level]:
    """Levels with a gain of sharing."""
    return [level for level, masks in group.gains.items() if any("1" in mask for mask in masks)]


def _ends(group: Group) -> Comparison | None:
    """The most against the least coupled level; all against each other where one has no run that shows how coupled."""
    strengths = {
        level: level[1] if level[1] is not None else group.measured_coupling(level) for level in _sharing(group)
    }
    known = {level: strength for level, strength in strengths.items() if not math.isnan(strength)}
    if lost := [level for level in strengths if level not in known and not group.has_run(level)]:
        levels = (*lost, *known)  # one that is lost at an end, or it would not be weighed
        name = " against ".join(map(level_name, levels))
        return Comparison(name, None, levels, tuple(range(len(levels)))) if len(levels) > 1 else None
    if len(set(known.values())) < 2:
        return None
    loose, tight = min(known, key=known.__getitem__), max(known, key=known.__getitem__)
    return Comparison(f"{tight[0]} minus {loose[0]}", None, (loose, tight), (0.0, 1.0))


def planted_levels(task_set: str, levels: Sequence[Level]) -> Comparison:
    """Levels of a task set, by their planted coupling.

    Args:
        task_set: Its name.
        levels: Its levels, at least two, each with a planted coupling.
    """
    places = tuple(coupling for _, coupling in levels if coupling is not None)
    name = f"{task_set}, from coupling {min(places):g} to {max(places):g}"
    return Comparison(name, task_set, tuple(levels), places)
