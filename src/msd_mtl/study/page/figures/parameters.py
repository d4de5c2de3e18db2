"""Gain against the number of parameters: a gain that only follows capacity is no gain of sharing."""

import math
from collections.abc import Container, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import mean

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from msd_mtl.study.page.colours import style_of
from msd_mtl.study.page.figures.basis import INTERVALS, Basis
from msd_mtl.study.page.figures.bounds import bounds_of, cut_note, within
from msd_mtl.study.page.figures.drawing import Panel, Picture
from msd_mtl.study.page.figures.style import zero_line
from msd_mtl.study.page.groups import Facet, Group, by_mask, common_sizes, has_gain, ordered_masks
from msd_mtl.study.page.words import counted, metric_name

MOST_PANELS = 6
SAME = 1.01  # as many parameters, but for the rounding of widths to whole units


def draw_parameters(group: Group) -> Picture | None:
    """The figure of a group; None where no cell has a gain, or all networks are as large as each other."""
    facets = [f for f in group.facets() if any(has_gain(cell) for cell in f.cells)]
    left = len(facets[MOST_PANELS:])
    cells = [cell for facet in facets[:MOST_PANELS] for cell in facet.cells if has_gain(cell)]
    parameters = [cell.n_parameters for cell in cells]
    if not parameters or max(parameters) < SAME * min(parameters):
        return None
    sizes, over = common_sizes(cells)
    panels = [(facet.title, _points(facet, sizes)) for facet in facets[:MOST_PANELS]]
    ends = [end for _, points in panels for point in points for end in (point.low, point.high)]
    return Picture(
        name=f"parameters-{group.name}",
        title=f"Gain in {metric_name(group.metric)} of {group.title} by number of parameters",
        about=f"Mean gain over the reference of the same seed{over}.",
        basis=Basis(
            sizes,
            [cell.gain.n_pairs for cell in cells if cell.gain and cell.arm.train_size in sizes],
            f"Bars: {INTERVALS}{', as wide as the widest of these sizes' if len(sizes) > 1 else ''}",
            "test",
            group.runs,
        ),
        notes=(f" {counted(left, 'further panel')} in the table of cells." if left else "")
        + cut_note(group.metric, ends, gain=True, in_full="" if len(sizes) > 1 else "the table of cells"),
        panels=[Panel(title, partial(_panel, points=points, metric=group.metric)) for title, points in panels],
        masks=ordered_masks(point.mask for _, points in panels for point in points),
        bounds={"y": bounds_of(group.metric, gain=True)},
    )


@dataclass(frozen=True)
class Point:
    """A mask in a panel: its parameters, its gain averaged over sizes, and the ends of its interval (NaN for none)."""

    mask: str
    parameters: float
    gain: float
    low: float
    high: float


def _points(facet: Facet, sizes: Container[int]) -> list[Point]:
    known = [cell for cell in facet.cells if has_gain(cell) and cell.arm.train_size in sizes]
    found = []
    for mask, cells in by_mask(known, lambda cell: cell.arm.train_size).items():
        gains = [cell.gain for cell in cells if cell.gain]
        gain = mean(one.estimate for one in gains)
        below = max((one.estimate - one.low for one in gains if math.isfinite(one.low)), default=math.nan)
        above = max((one.high - one.estimate for one in gains if math.isfinite(one.high)), default=math.nan)
        found.append(Point(mask, mean(cell.n_parameters for cell in cells), gain, gain - below, gain + above))
    return found


def _panel(axes: Axes, points: Sequence[Point], metric: str) -> None:
    zero_line(axes, across=True)
    for point in points:
        style, x = style_of(point.mask), point.parameters
        if math.isfinite(point.low):
            ends = [within(end, bounds_of(metric, gain=True)) for end in (point.low, point.high)]
            axes.plot([x, x], ends, color=style.colour, linewidth=1)
        axes.plot([x], [point.gain], color=style.colour, marker=style.marker, linestyle="none")
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: millions(value)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set(xlabel="parameters", ylabel=f"gain in {metric_name(metric)}")


def millions(value: float) -> str:
    """``90k``, ``6.1M``."""
    return f"{value / 1e6:.3g}M" if value >= 1e6 else f"{value / 1e3:.3g}k"
