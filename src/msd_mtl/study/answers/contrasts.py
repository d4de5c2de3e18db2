"""The contrasts that the four questions ask for, of the arms that a study has."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

from msd_mtl.study.answers.arms import mask_name, mask_order
from msd_mtl.study.answers.comparisons import Comparison, comparisons, planted_levels
from msd_mtl.study.answers.gains import UNCOUNTED, Group, Level, average, level_name
from msd_mtl.study.answers.terms import Combination, Terms, change, mean, total
from msd_mtl.study.answers.types import Question


def benefit(group: Group) -> list[Combination]:
    """RQ1: the gain of each task set, coupling and sharing, averaged over training sizes."""
    return _asked(group, _benefits)


def size(group: Group) -> list[Combination]:
    """RQ2: how much the gain changes from the smallest to the largest training size, along log2 of the size."""
    return _asked(group, _over_sizes)


def _benefits(group: Group) -> list[Combination]:
    return [
        Combination(
            f"{level_name(level)}, {mask_name(mask)}",
            average(gains),
            *(level[0], mask, level[1]),
            notes=_absent(group, level, mask),
        )
        for level, masks in group.gains.items()
        for mask, gains in masks.items()
        if "1" in mask
    ]


def _over_sizes(group: Group) -> list[Combination]:
    return [
        Combination(
            f"{level_name(level)}, {mask_name(mask)}, from {min(gains):,} to {max(gains):,} tracks",
            change([math.log2(n) for n in gains], list(gains.values())),
            *(level[0], mask, level[1]),
            notes=_absent(group, level, mask),
        )
        for level, masks in group.gains.items()
        for mask, gains in masks.items()
        if "1" in mask and len(gains) > 1
    ]


def coupling(group: Group) -> list[Combination]:
    """RQ3: how much the gain of each sharing changes with coupling."""
    return _asked(group, partial(_cancelling_first, _over_coupling))


def depth(group: Group) -> list[Combination]:
    """RQ4: how the gain changes with the number of shared layers, whether coupling changes that, and where to share."""
    makes = (_over_depths, _over_depth_and_coupling, _wheres)
    return [one for make in makes for one in _asked(group, partial(_cancelling_first, make))]


def _asked(group: Group, make: Callable[[Group], list[Combination]]) -> list[Combination]:
    """What would be asked if all runs were there: each as it then were, else of the runs that there are."""
    there = {one.about: one for one in make(group)}
    found = []
    for one in make(group.asked):
        made = there.get(one.about, one)  # tells what is lost, also where that does not count in it
        found.append(one if group.has_all(one.terms) and made.terms != one.terms else made)
    return found


def _cancelling_first(make: Callable[[Group], list[Combination]], group: Group) -> list[Combination]:
    """Combinations in which the reference cancels, whether or not it is there, and such as have theirs."""
    cancelling = [one for one in make(group.supposing) if group.has_all(one.terms)]
    about = {one.about for one in cancelling}
    return [*cancelling, *(one for one in make(group) if one.about not in about)]


def _over_coupling(group: Group) -> list[Combination]:
    found = []
    for compared in comparisons(group):
        masks = {mask for level in compared.levels for mask in group.gains[level] if "1" in mask}
        for mask in sorted(masks, key=mask_order):
            own = _having(group, compared, mask)
            sizes = _sizes(group, own.levels, [mask]) if own else []
            if own and sizes:
                parts = [average(group.gains[level][mask], sizes) for level in own.levels]
                notes = (
                    *_without(group, compared, mask, own.levels),
                    *_left_out(group, own.levels, [mask], sizes),
                )
                name = f"{own.name}, {mask_name(mask)}"
                found.append(Combination(name, change(own.places, parts), own.task_set, mask, notes=notes))
    return found


def _having(group: Group, compared: Comparison, mask: str) -> Comparison | None:
    """The levels that have a gain of a mask; None where too few are left to be compared."""
    levels = [level for level in compared.levels if mask in group.gains[level]]
    if len(levels) == len(compared.levels):
        return compared
    if compared.task_set is None or len(levels) < 2:
        return None
    return planted_levels(compared.task_set, levels)


def _over_depths(group: Group) -> list[Combination]:
    alone = [Comparison(level_name(level), level[0], (level,), ()) for level in group.gains]
    return [one for level in alone for one in _over_depth(group, level, level.levels[0][1], lambda slopes: slopes[0])]


def _over_depth_and_coupling(group: Group) -> list[Combination]:
    return [
        one
        for compared in comparisons(group)
        for one in _over_depth(group, compared, None, partial(change, compared.places))
    ]


def _wheres(group: Group) -> list[Combination]:
    return [one for level, masks in group.gains.items() for one in _where(group, level, masks)]


ASKED: Mapping[Question, Callable[[Group], list[Combination]]] = {
    "benefit": benefit,
    "size": size,
    "coupling": coupling,
    "depth": depth,
}


def _over_depth(
    group: Group, compared: Comparison, planted: float | None, put_together: Callable[[list[Terms]], Terms]
) -> list[Combination]:
    """Change of the gain from the fewest to the most shared layers, of one level or compared between several."""
    gains = [group.gains[level] for level in compared.levels]
    masks = [mask for mask in gains[0] if all(mask in other for other in gains)]
    layers = [mask.count("1") for mask in masks]
    sizes = _sizes(group, compared.levels, masks)
    if len(set(layers)) < 2 or not sizes:
        return []
    slopes = [change(layers, [average(of_level[mask], sizes) for mask in masks]) for of_level in gains]
    name = f"{compared.name}, from {min(layers)} to {max(layers)} shared layers"
    absent = {mask for level in compared.levels for mask in group.absent_masks(level)}
    others = {mask for of_level in gains for mask in of_level} - set(masks)
    notes = (
        *(_without(group, compared) if compared.places else ()),
        *_masks(absent - others, UNCOUNTED),
        *_masks(others, "not every task set or coupling has it"),
        *_left_out(group, compared.levels, masks, sizes),
    )
    return [Combination(name, put_together(list(slopes)), compared.task_set, None, planted, notes)]


def _where(group: Group, level: Level, gains: Mapping[str, Mapping[int, Terms]]) -> list[Combination]:
    """Sharing layers next to the lyrics minus sharing as many next to the tasks."""
    absent = group.absent_masks(level)
    asked = gains.keys() | absent
    lowest = [mask for mask in (*gains, *absent) if "10" in mask and "01" not in mask and mask[::-1] in asked]
    below = [mask for mask in lowest if not {mask, mask[::-1]} & absent]
    alone = {mask for low in lowest if low not in below for mask in (low, low[::-1])}
    above = [mask[::-1] for mask in below]
    sizes = _sizes(group, [level], [*below, *above])
    if not sizes:
        return []
    parts = [[average(gains[mask], sizes) for mask in masks] for masks in (below, above)]
    name = f"{level_name(level)}, {' and '.join(below)} minus {' and '.join(above)}"
    notes = (
        *_masks(absent & alone, UNCOUNTED),
        *_masks(alone - absent, "no run of its mirror image counts"),
        *_left_out(group, [level], [*below, *above], sizes),
    )
    return [Combination(name, total((1, mean(parts[0])), (-1, mean(parts[1]))), level[0], None, level[1], notes)]


def _sizes(group: Group, levels: Sequence[Level], masks: Sequence[str]) -> list[int]:
    """Training sizes at which all these masks have a gain in all these levels."""
    found = [set(group.gains[level][mask]) for level in levels for mask in masks]
    return sorted(set.intersection(*found)) if found else []


def _left_out(group: Group, levels: Sequence[Level], masks: Sequence[str], sizes: Sequence[int]) -> tuple[str, ...]:
    """Training sizes that some of the arms have or were to have, and not all."""
    there = {n for level in levels for mask in masks for n in group.gains[level][mask]}
    begun = {n for level in levels for mask in masks for n in group.absent_sizes(level, mask)}
    return tuple(f"n={n:,} is left out: not every arm has it" for n in sorted((there | begun) - set(sizes)))


def _without(
    group: Group, compared: Comparison, mask: str | None = None, kept: Collection[Level] = ()
) -> tuple[str, ...]:
    """Couplings of a task set, or task sets, that were to be compared too, or are not in what is kept for a mask."""
    left = group.levels_without_gain(compared.task_set)
    if mask is not None:
        left |= {level: group.why_without(level, mask) for level in compared.levels if level not in kept}
    return tuple(
        f"{level_name(level) if compared.task_set is None else f'coupling {level[1]:g}'} is left out: {why}"
        for level, why in left.items()
        if compared.task_set is None or level[1] is not None
    )


def _masks(masks: Collection[str], why: str) -> tuple[str, ...]:
    return tuple(f"{mask_name(mask)} is left out: {why}" for mask in sorted(masks, key=mask_order))


def _absent(group: Group, level: Level, mask: str) -> tuple[str, ...]:
    return tuple(f"n={n:,} is left out: {why}" for n, why in group.absent_sizes(level, mask).items())
