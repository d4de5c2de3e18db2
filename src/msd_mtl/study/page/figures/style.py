"""What all figures have in common: sizes, inks, and the parts of axes that carry no data kept faint."""

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from msd_mtl.study.page.colours import LONG, Style

# Stand-ins for the page's inks: in the inlined SVG each becomes a variable of the style sheet, for light and dark.
INK, MUTED, FAINT, PAPER = "#1d2125", "#5b6570", "#d9dde1", "#fefefe"
PANEL_WIDTH, PANEL_HEIGHT = 3.9, 2.9  # inches, at 72 pixels an inch on the page
BAND = 0.13  # opacity of an interval drawn as an area
ALONE = Style(colour=INK, night=INK, marker="X", dash=LONG)  # the target alone, which shares nothing: no mask's style
THICK, ALONE_MARKER = 2.2, 6.5  # of its line, points

SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: it can be read aloud, searched, and takes the page's font
    "text.parse_math": False,  # a tag may hold dollars
    "svg.hashsalt": "msd-mtl",  # the same figure is the same bytes
    "font.size": 10.0,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.titlecolor": INK,
    "axes.facecolor": "none",
    "axes.linewidth": 0.7,
    "axes.unicode_minus": True,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "lines.linewidth": 1.5,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
}


def size_axis(axes: Axes, sizes: Sequence[int]) -> None:
    """A logarithmic axis of training sizes with ticks where there are runs, no more than fit."""
    axes.set_xscale("log", base=2)
    kept: list[int] = []
    for size in sorted(set(sizes)):
        if not kept or math.log(size / kept[-1]) > 0.12 * math.log(max(sizes) / min(sizes)):
            kept.append(size)
    axes.xaxis.set_major_locator(FixedLocator(kept))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda size, _: thousands(size)))
    axes.set_xlabel("training tracks")


def thousands(size: float) -> str:
    """``500``, ``2.5k``, ``25k``: short enough for an axis."""
    return f"{size:g}" if size < 1000 else f"{size / 1000:.3g}k"


def zero_line(axes: Axes, *, across: bool) -> None:
    """The line of no gain."""
    (axes.axhline if across else axes.axvline)(0, color=MUTED, linewidth=0.9, zorder=0.5)
