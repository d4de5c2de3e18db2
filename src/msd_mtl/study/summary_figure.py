"""The picture of a small study: the target's score and what sharing adds to it, with intervals."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from msd_mtl.study.files import drawn, whole_file
from msd_mtl.study.page.colours import NAMES, Style, style_of
from msd_mtl.study.page.figures.bounds import bounds_of, cut_note, within
from msd_mtl.study.page.words import metric_name
from msd_mtl.study.summary import CellSummary, Estimate


def draw_summary(path: Path, cells: Sequence[CellSummary], target: str, metric: str) -> None:
    """Draw score and paired gain of every cell.

    Args:
        path: PNG file to write.
        cells: Summaries of the cells.
        target: Name of the target.
        metric: Metric of the score.
    """
    couplings = list(dict.fromkeys(cell.arm.coupling for cell in cells))
    masks = list(dict.fromkeys(cell.arm.mask for cell in cells))
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    scores, gains = figure.subplots(1, 2)
    of_score, of_gain = bounds_of(metric), bounds_of(metric, gain=True)
    for cell in cells:
        place = couplings.index(cell.arm.coupling) + (masks.index(cell.arm.mask) - (len(masks) - 1) / 2) * 0.16
        label = f"sharing {NAMES.get(cell.arm.mask, cell.arm.mask)}" if cell.arm.coupling == couplings[0] else None
        _point(scores, place, cell.score, style_of(cell.arm.mask), of_score, label)
        if cell.gain is not None:
            _point(gains, place, cell.gain, style_of(cell.arm.mask), of_gain, None)
    _line(scores, [cell.possible for cell in cells], "best possible", "-")
    _line(scores, [cell.linear for cell in cells], "linear model", "--")
    gains.axhline(0, color="0.6", linewidth=1)
    for axes, bounds in ((scores, of_score), (gains, of_gain)):
        axes.set_ylim([within(limit, bounds) for limit in axes.get_ylim()])
        axes.set_xticks(range(len(couplings)), [f"coupling {'–' if c is None else f'{c:g}'}" for c in couplings])
        axes.margins(x=0.15)
    scores.set_title(f"{drawn(target)}: test {metric_name(metric)}", loc="left")
    gains.set_title("gain over no sharing (above 0: better)", loc="left")
    n_seeds = len(cells[0].score.values)
    figure.legend(frameon=False, ncols=len(masks) + 2, loc="outside upper center")
    figure.supxlabel(
        f"small dots: {n_seeds} seeds; large marks: their mean with its 95 % interval (t); gains are paired by seed"
        + _cut(cells, metric),
        fontsize=8,
    )
    with whole_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)


def _point(
    axes: Axes, place: float, value: Estimate, style: Style, bounds: tuple[float, float], label: str | None
) -> None:
    seeds = np.full(len(value.values), place - 0.05)
    axes.scatter(seeds, value.values, s=9, color=style.colour, linewidths=0, clip_on=False, in_layout=False)
    bars = None
    if not np.isnan(value.half_width):
        low, high = (within(value.mean + sign * value.half_width, bounds) for sign in (-1, 1))
        bars = [[value.mean - low], [high - value.mean]]
    axes.errorbar(
        *([place], [value.mean], bars),
        fmt=style.marker,
        markersize=5,
        color=style.colour,
        capsize=3,
        label=label,
        clip_on=False,
        in_layout=False,
    )


def _cut(cells: Sequence[CellSummary], metric: str) -> str:
    """Where intervals are cut, on a line of its own."""
    scores = [cell.score.mean + sign * cell.score.half_width for cell in cells for sign in (-1, 1)]
    gains = [c.gain.mean + sign * c.gain.half_width for c in cells if c.gain is not None for sign in (-1, 1)]
    note = cut_note(metric, scores) + cut_note(metric, gains, gain=True)
    return f"\n{note.strip()}" if note else ""


def _line(axes: Axes, values: Sequence[float], label: str, style: str) -> None:
    """A level that all cells share; nothing where it is not known."""
    if not np.isnan(values).all():
        axes.axhline(float(np.nanmean(values)), color="0.45", linestyle=style, linewidth=1, label=label)
