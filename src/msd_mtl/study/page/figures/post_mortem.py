"""Curves that an earlier study reported, beside ours: by epoch at its training size, and against training size."""

from collections.abc import Sequence
from functools import partial
from statistics import mean

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from msd_mtl.study.answers.types import Analysis, Run
from msd_mtl.study.page.colours import style_of
from msd_mtl.study.page.figures.drawing import Mark, Panel, Picture
from msd_mtl.study.page.figures.style import BAND, INK, MUTED, size_axis
from msd_mtl.study.page.groups import Group, groups, is_alone, ordered_masks
from msd_mtl.study.page.hints import Reported
from msd_mtl.study.page.histories import Curve, error_curve
from msd_mtl.study.page.words import brief, spread

MOST_PANELS = 12
ALONE = "alone"
Ours = dict[str, list[Run]]  # mask, or ALONE, to its runs


def draw_post_mortem(analysis: Analysis, reported: Reported) -> list[Picture]:
    """Both figures; none of the study has no runs like those that were reported.

    Args:
        analysis: The study.
        reported: What an earlier study reported.
    """
    found = [group for group in groups(analysis) if group.target == reported.target]
    return [picture for picture in (_by_epoch(found, reported), _by_size(found, reported)) if picture is not None]


def _by_epoch(found: Sequence[Group], reported: Reported) -> Picture | None:
    panels, counts = [], []
    for group in found:
        for task_set in sorted({name for name, mask, _ in reported.error if mask != ALONE}):
            runs = _ours(group, task_set, [reported.train_size])
            curves = {mask: curve for mask, ones in runs.items() if (curve := error_curve(ones)) is not None}
            if any(mask != ALONE for mask in curves):
                base = _base_rate([run for ones in runs.values() for run in ones])
                draw = partial(_epoch_panel, task_set=task_set, curves=curves, reported=reported, base=base)
                panels.append(Panel(_title(task_set, group), draw))
                counts += [curve.n for curve in curves.values()]
    if not panels:
        return None
    return Picture(
        name="post-mortem",
        title=f"Error of {reported.target} by epoch, as reported by {reported.by} and as it comes out here",
        caption=f"{reported.about} Ours: mean over {spread(counts)} seeds at the same size, on validation, with its "
        "95 % interval (t). Grey: the error of predicting the commoner class for every song, then (dotted) and now "
        "(dashed). Validation split.",
        panels=panels[:MOST_PANELS],
        masks=ordered_masks(mask for _, mask, _ in reported.error if mask != ALONE),
        marks=[Mark("target alone", "-", INK), Mark("reported: thin and dotted", ":", INK)],
    )


def _by_size(found: Sequence[Group], reported: Reported) -> Picture | None:
    panels, counts = [], []
    sizes = sorted({size for group in found for size in group.sizes})
    for group in found:
        for task_set in sorted({name for name, mask, _ in reported.error if mask != ALONE}):
            runs = _ours(group, task_set, group.sizes)
            if len(group.sizes) > 1 and any(mask != ALONE for mask in runs):
                draw = partial(_size_panel, runs=runs, reported=reported, sizes=sizes)
                panels.append(Panel(_title(task_set, group), draw))
                counts += [len({run.seed for run in ones}) for ones in runs.values()]
    if not panels:
        return None
    return Picture(
        name="post-mortem-size",
        title=f"Error of {reported.target} by training size, beside that of {reported.by}",
        caption=f"Dotted: {reported.base_rate:g}, the error of every model of {reported.by} at every size. Ours: "
        f"validation error of the chosen epoch, mean over {spread(counts)} seeds. Validation split.",
        panels=panels[:MOST_PANELS],
        masks=ordered_masks(mask for _, mask, _ in reported.error if mask != ALONE),
        marks=[Mark("target alone", "-", INK, "o"), Mark("reported", ":", MUTED)],
    )


def _ours(group: Group, task_set: str, sizes: Sequence[int]) -> Ours:
    """Runs of a task set, and of the target alone, at these sizes."""
    found: Ours = {}
    for run in group.runs:
        arm = run.arm
        if arm.train_size in sizes and (is_alone(arm) or arm.task_set == task_set):
            found.setdefault(ALONE if is_alone(arm) else arm.mask, []).append(run)
    return found


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
        if name == task_set or mask == ALONE:
            colour = INK if mask == ALONE else style_of(mask).colour
            axes.plot(reported.epochs, errors, color=colour, linestyle=":", linewidth=1.1)
    for mask, curve in curves.items():
        style = style_of(mask) if mask != ALONE else None
        colour, marker = (style.colour, style.marker) if style else (INK, "none")
        if np.isfinite(curve.low).any():
            axes.fill_between(curve.epochs, curve.low, curve.high, color=colour, alpha=BAND, linewidth=0)
        every = max(len(curve.epochs) // 6, 1)
        axes.plot(curve.epochs, curve.mean, color=colour, marker=marker, markevery=every, markersize=3.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axes.set(xlabel="epoch", ylabel="error (1 \N{MINUS SIGN} accuracy)")


def _size_panel(axes: Axes, runs: Ours, reported: Reported, sizes: Sequence[int]) -> None:
    axes.axhline(reported.base_rate, color=MUTED, linestyle=":", linewidth=1.2)
    for mask, ones in runs.items():
        errors: dict[int, list[float]] = {}
        for run in ones:
            errors.setdefault(run.arm.train_size, []).append(run.record["metrics"]["val"][run.arm.target]["error"])
        style = style_of(mask) if mask != ALONE else None
        colour, marker, dash = (style.colour, style.marker, style.dash) if style else (INK, "o", "-")
        points = [(size, mean(values)) for size, values in sorted(errors.items())]
        axes.plot([x for x, _ in points], [y for _, y in points], color=colour, marker=marker, linestyle=dash)
    size_axis(axes, sizes)
    axes.set_ylabel("error (1 \N{MINUS SIGN} accuracy)")
