"""Gain against the number of parameters: a gain that only follows capacity is no gain of sharing."""

import math
from collections.abc import Container
from functools import partial
from statistics import mean

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from msd_mtl.study.page.colours import style_of
from msd_mtl.study.page.figures.basis import INTERVALS, Basis
from msd_mtl.study.page.figures.bounds import bounds_of, cut_note, within
from msd_mtl.study.page.figures.drawing import Panel, Picture
from msd_mtl.study.page.figures.style import zero_line
from msd_mtl.study.page.groups import Facet, Group, by_mask, common_sizes, has_gain
from msd_mtl.study.page.words import metric_name

MOST_PANELS = 6
SAME = 1.01  # as many parameters, but for the rounding of widths to whole units


def draw_parameters(group: Group) -> Picture | None:
    """The figure of a group; None where no cell has a gain, or all networks are as large as each other."""
    facets = [f for f in group.facets() if any(has_gain(cell) for cell in f.cells)]
    parameters = [cell.n_parameters for facet in facets for cell in facet.cells if has_gain(cell)]
    if not parameters or max(parameters) < SAME * min(parameters):
        return None
    sizes, over = common_sizes(cell for facet in facets for cell in facet.cells if has_gain(cell))
    gains = [cell.gain for facet in facets for cell in facet.cells if cell.gain and cell.arm.train_size in sizes]
    ends = [end for gain in gains for end in (gain.low, gain.high)]
    return Picture(
        name=f"parameters-{group.name}",
        title=f"Gain in {metric_name(group.metric)} of {group.title} by number of parameters",
        about=f"Mean gain over the reference of the same seed{over}.",
        basis=Basis(
            sizes,
            [gain.n_pairs for gain in gains if math.isfinite(gain.estimate)],
            f"Bars: {INTERVALS}{', as wide as the widest of these sizes' if len(sizes) > 1 else ''}",
            "test",
            group.runs,
        ),
        notes=cut_note(group.metric, ends, gain=True, in_full="the table of cells"),
        panels=[
            Panel(f.title, partial(_panel, facet=f, sizes=sizes, metric=group.metric)) for f in facets[:MOST_PANELS]
        ],
        masks=[m for m in group.masks if any(c.gain and c.arm.mask == m for c in group.cells)],
        bounds={"y": bounds_of(group.metric, gain=True)},
    )


def _panel(axes: Axes, facet: Facet, sizes: Container[int], metric: str) -> None:
    zero_line(axes, across=True)
    known = [cell for cell in facet.cells if has_gain(cell) and cell.arm.train_size in sizes]
    for mask, cells in by_mask(known, lambda cell: cell.arm.train_size).items():
        gains = [cell.gain for cell in cells if cell.gain]
        style = style_of(mask)
        x, y = mean(cell.n_parameters for cell in cells), mean(gain.estimate for gain in gains)
        below = max((g.estimate - g.low for g in gains if math.isfinite(g.low)), default=math.nan)
        above = max((g.high - g.estimate for g in gains if math.isfinite(g.high)), default=math.nan)
        if math.isfinite(below):
            ends = [within(end, bounds_of(metric, gain=True)) for end in (y - below, y + above)]
            axes.plot([x, x], ends, color=style.colour, linewidth=1)
        axes.plot([x], [y], color=style.colour, marker=style.marker, linestyle="none")
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: millions(value)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set(xlabel="parameters", ylabel=f"gain in {metric_name(metric)}")


def millions(value: float) -> str:
    """``90k``, ``6.1M``."""
    return f"{value / 1e6:.3g}M" if value >= 1e6 else f"{value / 1e3:.3g}k"
