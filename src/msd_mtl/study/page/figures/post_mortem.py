"""Curves that an earlier study reported, beside ours: by epoch at its training size, and against training size."""

import math
from collections.abc import Sequence
from functools import partial
from statistics import mean

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from msd_mtl.study.answers.types import Analysis, Run
from msd_mtl.study.page.colours import Style, style_of
from msd_mtl.study.page.figures.basis import Basis
from msd_mtl.study.page.figures.bounds import bounds_of, cut_note
from msd_mtl.study.page.figures.drawing import TARGET_ALONE, Mark, Panel, Picture
from msd_mtl.study.page.figures.style import ALONE, ALONE_MARKER, BAND, INK, MUTED, THICK, size_axis
from msd_mtl.study.page.groups import Group, groups, ordered_masks
from msd_mtl.study.page.hints import Reported
from msd_mtl.study.page.histories import MEANS, Curve, error_curve
from msd_mtl.study.page.words import brief, counted

MOST_PANELS = 12
SINGLE = "alone"
Ours = dict[str, list[Run]]  # mask, or SINGLE, to its runs


def draw_post_mortem(analysis: Analysis, reported: Reported) -> list[Picture]:
    """Both figures; none of the study has no runs like those that were reported.

    Args:
        analysis: The study.
        reported: What an earlier study reported.
    """
    found = [group for group in groups(analysis) if group.target == reported.target]
    return [picture for picture in (_by_epoch(found, reported), _by_size(found, reported)) if picture is not None]


def _by_epoch(found: Sequence[Group], reported: Reported) -> Picture | None:
    panels: list[Panel] = []
    counts: list[int] = []
    drawn: list[Run] = []
    ends: list[float] = []
    left = 0
    for group in found:
        for task_set in _task_sets(group, reported):
            runs = _ours(group, task_set, [reported.train_size])
            curves = {mask: curve for mask, ones in runs.items() if (curve := error_curve(ones)) is not None}
            if any(mask != SINGLE for mask in curves):
                if len(panels) == MOST_PANELS:
                    left += 1
                    continue
                base = _base_rate([run for ones in runs.values() for run in ones])
                draw = partial(_epoch_panel, task_set=task_set, curves=curves, reported=reported, base=base)
                panels.append(Panel(_title(task_set, group), draw))
                drawn += [run for ones in runs.values() for run in ones]
                counts += [curve.n for curve in curves.values()]
                ends += [end for curve in curves.values() for end in (*curve.low, *curve.high)]
    if not panels:
        return None
    return Picture(
        name="post-mortem",
        title=f"Error of {reported.target} by epoch, as reported by {reported.by} and as it comes out here",
        about=f"{reported.about} Grey: the error of predicting the commoner class for every song, then (dotted) and "
        f"now (dashed). Ours: {MEANS}.",
        basis=Basis([reported.train_size], counts, "Shaded: 95 % intervals (t over seeds)", "val", drawn),
        panels=panels,
        masks=ordered_masks(mask for _, mask, _ in reported.error if mask != SINGLE),
        marks=[TARGET_ALONE, Mark("reported: thin and dotted", ":", INK)],
        bounds={"y": bounds_of("error")},
        notes=_further(left) + cut_note("error", ends),
    )


def _by_size(found: Sequence[Group], reported: Reported) -> Picture | None:
    panels: list[Panel] = []
    counts: list[int] = []
    drawn: list[Run] = []
    left = 0
    sizes = sorted({size for group in found for size in group.sizes})
    for group in found:
        for task_set in _task_sets(group, reported):
            runs = _ours(group, task_set, group.sizes)
            if len(group.sizes) > 1 and any(mask != SINGLE for mask in runs):
                if len(panels) == MOST_PANELS:
                    left += 1
                    continue
                draw = partial(_size_panel, runs=runs, reported=reported, sizes=sizes)
                panels.append(Panel(_title(task_set, group), draw))
                counts += [len({run.seed for run in ones}) for ones in runs.values()]
                drawn += [run for ones in runs.values() for run in ones]
    if not panels:
        return None
    return Picture(
        name="post-mortem-size",
        title=f"Error of {reported.target} by training size, beside that of {reported.by}",
        about=f"Dotted: {reported.base_rate:g}, the error of every model of {reported.by} at every size. Ours: "
        "validation error of the chosen epoch, means over seeds.",
        basis=Basis({run.arm.train_size for run in drawn}, counts, "No intervals are drawn", "val", drawn),
        panels=panels,
        masks=ordered_masks(mask for _, mask, _ in reported.error if mask != SINGLE),
        marks=[TARGET_ALONE, Mark("reported", ":", MUTED)],
        bounds={"y": bounds_of("error")},
        notes=_further(left),
    )


def _further(left: int) -> str:
    return f" {counted(left, 'further panel')} not drawn." if left else ""


def _ours(group: Group, task_set: str, sizes: Sequence[int]) -> Ours:
    """Runs of a task set, and of the target alone, at these sizes: one a mask, size and seed.

    The target alone is the same network whatever its mask, so a second run of a seed would be no second draw.
    """
    found: dict[str, dict[tuple[int, int], Run]] = {}
    for run in group.runs:
        arm = run.arm
        if arm.train_size in sizes and (arm.is_alone or arm.task_set == task_set):
            of_mask = found.setdefault(SINGLE if arm.is_alone else arm.mask, {})
            of_mask.setdefault((arm.train_size, run.seed), run)
    return {mask: list(of_mask.values()) for mask, of_mask in found.items()}


def _task_sets(group: Group, reported: Reported) -> list[str]:
    """Task sets of a group that were reported, in its order."""
    told = {name for name, mask, _ in reported.error if mask != SINGLE}
    return [name for name in dict.fromkeys(cell.arm.task_set for cell in group.cells) if name in told]


def _title(task_set: str, group: Group) -> str:
    return ", ".join(part for part in (task_set, brief(group.context)) if part)


def _base_rate(runs: Sequence[Run]) -> float | None:
    """Validation error of the constant prediction, as the records have it."""
    scores = (run.record.get("baselines", {}).get("val", {}).get(run.arm.target, {}) for run in runs)
    known = [error for score in scores if (error := score.get("trivial", {}).get("error")) is not None]
    return mean(known) if known else None


def _epoch_panel(axes: Axes, task_set: str, curves: dict[str, Curve], reported: Reported, base: float | None) -> None:
    axes.axhline(reported.base_rate, color=MUTED, linestyle=":", linewidth=0.8)
    if base is not None:
        axes.axhline(base, color=MUTED, linestyle="--", linewidth=0.8)
    for name, mask, errors in reported.error:
        if name == task_set or mask == SINGLE:
            colour = INK if mask == SINGLE else style_of(mask).colour
            axes.plot(reported.epochs, errors, color=colour, linestyle=":", linewidth=1.1)
    for mask, curve in curves.items():
        style = ALONE if mask == SINGLE else style_of(mask)
        if np.isfinite(curve.low).any():
            low, high = np.clip([curve.low, curve.high], *bounds_of("error"))
            axes.fill_between(curve.epochs, low, high, color=style.colour, alpha=BAND, linewidth=0)
        every = max(reported.epochs[-1] // 10, 1)  # the same in all panels: a short line is not all marks
        _line(axes, curve.epochs.tolist(), curve.mean.tolist(), style, markevery=every)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axes.set(xlabel="epoch", ylabel="error (1 \N{MINUS SIGN} accuracy)")


def _size_panel(axes: Axes, runs: Ours, reported: Reported, sizes: Sequence[int]) -> None:
    axes.axhline(reported.base_rate, color=MUTED, linestyle=":", linewidth=1.2)
    for mask, ones in runs.items():
        errors: dict[int, list[float]] = {}
        for run in ones:
            error = run.record["metrics"]["val"][run.arm.target].get("error")
            errors.setdefault(run.arm.train_size, []).append(math.nan if error is None else error)
        style = ALONE if mask == SINGLE else style_of(mask)
        _line(axes, sorted(errors), [mean(values) for _, values in sorted(errors.items())], style)
    size_axis(axes, sizes)
    axes.set_ylabel("error (1 \N{MINUS SIGN} accuracy)")


def _line(axes: Axes, x: Sequence[float], y: Sequence[float], style: Style, markevery: int = 1) -> None:
    """A line of ours."""
    width, size = (THICK, ALONE_MARKER - 1) if style is ALONE else (1.5, 3.5)
    axes.plot(
        x,
        y,
        color=style.colour,
        linestyle=style.dash,
        linewidth=width,
        marker=style.marker,
        markersize=size,
        markevery=markevery,
    )
