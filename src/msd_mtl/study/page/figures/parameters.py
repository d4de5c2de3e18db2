"""Gain against the number of parameters: a gain that only follows capacity is no gain of sharing."""

import math
from collections.abc import Container
from functools import partial
from statistics import mean

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from msd_mtl.study.page.colours import style_of
from msd_mtl.study.page.figures.drawing import Panel, Picture
from msd_mtl.study.page.figures.style import zero_line
from msd_mtl.study.page.groups import Facet, Group, by_mask, common_sizes, has_gain
from msd_mtl.study.page.words import metric_name

MOST_PANELS = 6


def draw_parameters(group: Group) -> Picture | None:
    """The figure of a group; None where no cell has a gain."""
    facets = [f for f in group.facets() if any(has_gain(cell) for cell in f.cells)]
    if not facets:
        return None
    sizes, said = common_sizes(cell for facet in facets for cell in facet.cells if has_gain(cell))
    return Picture(
        name=f"parameters-{group.name}",
        title=f"Gain in {metric_name(group.metric)} of {group.title} by number of parameters",
        caption=f"Mean gain over the reference of the same seed, {said}, with the widest 95 % interval of its cells. "
        "Test split.",
        panels=[
            Panel(f.title, partial(_panel, facet=f, sizes=sizes, metric=group.metric)) for f in facets[:MOST_PANELS]
        ],
        masks=[m for m in group.masks if any(c.gain and c.arm.mask == m for c in group.cells)],
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
            axes.plot([x, x], [y - below, y + above], color=style.colour, linewidth=1)
        axes.plot([x], [y], color=style.colour, marker=style.marker, linestyle="none")
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: millions(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set(xlabel="parameters", ylabel=f"gain in {metric_name(metric)}")


def millions(value: float) -> str:
    """``90k``, ``6.1M``."""
    return f"{value / 1e6:.3g}M" if value >= 1e6 else f"{value / 1e3:.3g}k"
