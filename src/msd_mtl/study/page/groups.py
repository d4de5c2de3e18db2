"""Parts of a study that one figure can show: a target under a context, its panels split by task set and coupling."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from msd_mtl.study.answers.arms import mask_order
from msd_mtl.study.answers.types import Analysis, Arm, CellResult, Contrast, Run, Settings
from msd_mtl.study.page.words import setting


@dataclass(frozen=True)
class Facet:
    """A panel: cells that may be compared directly.

    Attributes:
        title: Task set, and coupling where it differs.
        task_set: Name of the task set.
        coupling: Planted coupling, None on real data and where the panel shows several.
        cells: Multi-task cells.
        alone: Cells of the target alone that belong beside them.
    """

    title: str
    task_set: str
    coupling: float | None
    cells: tuple[CellResult, ...]
    alone: tuple[CellResult, ...]


@dataclass(frozen=True)
class Group:
    """Cells of one target under one context.

    Attributes:
        name: Unique in the study and fit for a file name.
        target: The target.
        metric: What it is compared by.
        context: Other settings.
        cells: Its cells, multi-task and alone.
        runs: Its runs.
    """

    name: str
    target: str
    metric: str
    context: Settings
    cells: tuple[CellResult, ...]
    runs: tuple[Run, ...]

    @property
    def title(self) -> str:
        """Target and context in one line."""
        return ", ".join(part for part in (self.target, setting(self.context)) if part)

    @property
    def plants(self) -> bool:
        """Whether its synthetic worlds have the coupling that was set."""
        return all(run.plants for run in self.runs)

    @property
    def coupling(self) -> str:
        """What its couplings of synthetic data are called."""
        return "planted coupling" if self.plants else "coupling that was set"

    @property
    def sizes(self) -> list[int]:
        """Training sizes, from small to large."""
        return sorted({cell.arm.train_size for cell in self.cells})

    @property
    def masks(self) -> list[str]:
        """Masks of multi-task cells, from few shared layers to many."""
        return ordered_masks(cell.arm.mask for cell in self.cells if not cell.arm.is_alone)

    def facets(self, *, by_coupling: bool = True) -> list[Facet]:
        """Panels of the group; those of one task set differ in coupling, unless they are to be one."""
        several = len({cell.arm.coupling for cell in self.cells if not cell.arm.is_alone}) > 1
        found: dict[tuple[str, float | None], list[CellResult]] = {}
        for cell in self.cells:
            if not cell.arm.is_alone:
                found.setdefault((cell.arm.task_set, cell.arm.coupling if by_coupling else None), []).append(cell)
        alone = [cell for cell in self.cells if cell.arm.is_alone]
        if not found:
            return _of_alone(alone, by_coupling=by_coupling)
        return [
            Facet(_title(task_set, coupling, several), task_set, coupling, tuple(cells), _beside(alone, coupling))
            for (task_set, coupling), cells in found.items()
        ]


def groups(analysis: Analysis) -> list[Group]:
    """Groups of a study, those in which only the target alone was trained last."""
    found: dict[tuple[str, Settings], list[CellResult]] = {}
    for cell in analysis.cells:
        found.setdefault((cell.arm.target, cell.arm.context), []).append(cell)
    ordered = sorted(found.items(), key=lambda item: all(cell.arm.is_alone for cell in item[1]))
    return [
        Group(
            name=f"{place}",
            target=target,
            metric=cells[0].metric,
            context=context,
            cells=tuple(cells),
            runs=tuple(r for r in analysis.runs if (r.arm.target, r.arm.context) == (target, context)),
        )
        for place, ((target, context), cells) in enumerate(ordered, start=1)
    ]


def is_within(arm: Arm, contrast: Contrast) -> bool:
    """Whether an arm has target and context of a contrast; one between splits has arms of both."""
    return arm.target == contrast.target and {*contrast.context} <= {*arm.context}


def has_gain(cell: CellResult) -> bool:
    """Whether the gain of a cell is known."""
    return cell.gain is not None and math.isfinite(cell.gain.estimate)


def common_sizes(cells: Iterable[CellResult]) -> tuple[set[int], str]:
    """Training sizes that all task sets, couplings and masks have, so that their means may stand side by side.

    Args:
        cells: At least one.

    Returns:
        The sizes, all that there are where there is no such; how means are taken over several, in words.
    """
    found: dict[tuple[object, ...], set[int]] = {}
    for cell in cells:
        arm = cell.arm
        found.setdefault((arm.task_set, arm.coupling, arm.mask), set()).add(arm.train_size)
    common = set.intersection(*found.values())
    if not common:
        return set.union(*found.values()), ", averaged over training sizes, which are not the same for all"
    return common, ", averaged over training sizes" if len(common) > 1 else ""


def ordered_masks(masks: Iterable[str]) -> list[str]:
    """Different masks from few shared layers to many, from low to high."""
    return sorted(set(masks), key=mask_order)


def chosen(values: Sequence[int], most: int) -> list[int]:
    """At most so many of sorted values, spread evenly, with the first and the last."""
    if len(values) <= most:
        return list(values)
    return [values[round(place * (len(values) - 1) / (most - 1))] for place in range(most)]


def by_mask(cells: Iterable[CellResult], key: Callable[[CellResult], float]) -> dict[str, list[CellResult]]:
    """Cells of each mask, in the order of a key."""
    found: dict[str, list[CellResult]] = {}
    for cell in sorted(cells, key=key):
        found.setdefault(cell.arm.mask, []).append(cell)
    return {mask: found[mask] for mask in ordered_masks(found)}


def _title(task_set: str, coupling: float | None, several: bool) -> str:
    return f"{task_set}, coupling {coupling:g}" if several and coupling is not None else task_set


def _of_alone(alone: Sequence[CellResult], *, by_coupling: bool) -> list[Facet]:
    """Panels of a target that was only trained alone, at least one cell."""
    found: dict[float | None, list[CellResult]] = {}
    for cell in alone:
        found.setdefault(cell.arm.coupling if by_coupling else None, []).append(cell)
    name = alone[0].arm.task_set
    return [Facet(_title(name, at, len(found) > 1), name, at, (), tuple(cells)) for at, cells in found.items()]


def _beside(alone: list[CellResult], coupling: float | None) -> tuple[CellResult, ...]:
    """Cells of the target alone: those of the same coupling, else all, for its labels do not depend on coupling."""
    same = [cell for cell in alone if coupling is not None and cell.arm.coupling == coupling]
    return tuple(same or alone)
