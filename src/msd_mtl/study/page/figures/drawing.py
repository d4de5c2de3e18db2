"""A figure is a row of panels: on the page each is an SVG that finds its place, in the files they are one picture."""

import math
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from msd_mtl.study.page.colours import Dash, named, style_of
from msd_mtl.study.page.figures.basis import Basis
from msd_mtl.study.page.figures.bounds import within
from msd_mtl.study.page.figures.style import ALONE, ALONE_MARKER, MUTED, PANEL_HEIGHT, PANEL_WIDTH, SETTINGS, THICK
from msd_mtl.study.page.figures.svg import inline_svg, lay_out
from msd_mtl.study.together import work_together

MANY = 24  # panels; of fewer, a second process saves less than a second
COLUMNS = 3  # panels beside each other in a file
DPI = 150
LONGEST = 46  # characters of a line of a legend
UNBROKEN = "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}"
HEADING, MOST_LINES = 38, 3  # characters of a line of a panel's title: as many as are as wide as its axes
LINE = 0.17  # inches that a further line takes
LEGEND_MARGIN = 0.15  # inches below a legend


@dataclass(frozen=True)
class Panel:
    """One set of axes.

    Attributes:
        title: What tells it from the others; may be empty.
        draw: Draws it.
        height: Inches, with a title of one line.
        unit: What its axes measure, where panels of a picture differ in it: only those of one share limits.
        bounds: Values beyond which an axis, ``x`` or ``y``, does not go.
    """

    title: str
    draw: Callable[[Axes], None]
    height: float = PANEL_HEIGHT
    unit: str = ""
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def heading(self) -> str:
        """The title in lines that are as wide as the axes."""
        return wrapped(self.title, HEADING)

    @property
    def full_height(self) -> float:
        """Inches, with the title that it has."""
        return self.height + LINE * self.heading.count("\n")


@dataclass(frozen=True)
class Mark:
    """A line of the legend that is no mask.

    Attributes:
        label: What it stands for.
        dash: Line style of matplotlib, one of ``colours.DASHES`` or ``colours.LONG``.
        colour: Ink.
        marker: Marker of matplotlib; empty for none.
        width: Of the line, points.
        size: Of the marker, points.
    """

    label: str
    dash: Dash
    colour: str = MUTED
    marker: str = ""
    width: float = 1.5
    size: float = 4.5


TARGET_ALONE = Mark("target alone", ALONE.dash, ALONE.colour, ALONE.marker, THICK, ALONE_MARKER)


@dataclass(frozen=True)
class Picture:
    """A figure before it is drawn.

    Attributes:
        name: File name without its ending, unique in the page.
        title: What it shows.
        about: How to read it.
        basis: What it rests on.
        panels: Its axes, one or more.
        masks: Masks in it, for the legend.
        marks: Other lines in it.
        shared: Axes with the same limits in all panels of one unit, of ``x`` and ``y``.
        bounds: Values beyond which an axis, ``x`` or ``y``, goes in no panel.
        notes: What its caption ends with: what is cut or not drawn.
    """

    name: str
    title: str
    about: str
    basis: Basis
    panels: Sequence[Panel]
    masks: Sequence[str] = ()
    marks: Sequence[Mark] = ()
    shared: str = "xy"
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    notes: str = ""

    @property
    def caption(self) -> str:
        """All that stands below it."""
        return " ".join(part for part in (self.about, str(self.basis), self.notes.strip()) if part)


@dataclass(frozen=True)
class Drawn:
    """A figure as the page holds it.

    Attributes:
        picture: What was drawn.
        panels: One SVG a panel.
    """

    picture: Picture
    panels: tuple[Markup, ...]


def draw_all(pictures: Sequence[Picture], folder: Path) -> dict[str, Drawn]:
    """Draw figures: PDF and PNG into a folder, SVGs for the page.

    Args:
        pictures: What to draw, of different names.
        folder: Where ``NAME.pdf`` and ``NAME.png`` of each go.

    Returns:
        The figures by name.
    """
    costs = [len(one.panels) for one in pictures]
    panels = work_together(lambda one: _panels(one, folder), pictures, costs, MANY)
    return {one.name: Drawn(one, svgs) for one, svgs in zip(pictures, panels, strict=True)}


def _panels(picture: Picture, folder: Path) -> tuple[Markup, ...]:
    with mpl.rc_context(SETTINGS):
        figure, limits = whole(picture)
        path = folder / picture.name
        lay_out(figure, FigureCanvasPdf)
        figure.savefig(f"{path}.pdf", metadata={"CreationDate": None, "Creator": None, "Producer": None})
        figure.savefig(f"{path}.png", dpi=DPI, facecolor="white", metadata={"Software": None})
        return tuple(_svg(picture, place, limits) for place in range(len(picture.panels)))


def whole(picture: Picture) -> tuple[Figure, list[tuple[tuple[float, float], tuple[float, float]]]]:
    """All panels in one figure, and the limits that sharing axes and bounds gave each.

    Args:
        picture: What to draw.
    """
    panels = picture.panels
    columns = min(COLUMNS, len(panels))
    rows = math.ceil(len(panels) / columns)
    heights = [max(p.full_height for p in panels[row * columns : (row + 1) * columns]) for row in range(rows)]
    figure = Figure(figsize=(PANEL_WIDTH * columns, sum(heights)), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, height_ratios=heights)
    _share(picture, grid.flat)
    for place, axes in enumerate(grid.flat):
        if place >= len(panels):
            axes.set_visible(False)
            continue
        panels[place].draw(axes)
        axes.set_title(panels[place].heading)
        axes.tick_params(labelbottom=True, labelleft=True)
    for panel, axes in zip(panels, grid.flat, strict=False):  # the last row may have room left
        _keep_within(axes, {**picture.bounds, **panel.bounds})
    if handles := _handles(picture):
        figure.set_figheight(sum(heights) + _legend(figure, handles, most=3 * columns))
    return figure, [(axes.get_xlim(), axes.get_ylim()) for axes in grid.flat]


def _share(picture: Picture, grid: Iterable[Axes]) -> None:
    """Let panels of one unit have the same limits."""
    first: dict[str, Axes] = {}
    for panel, axes in zip(picture.panels, grid, strict=False):
        other = first.setdefault(panel.unit, axes)
        if other is not axes:
            for side in picture.shared:
                (axes.sharex if side == "x" else axes.sharey)(other)


def _svg(picture: Picture, place: int, limits: list[tuple[tuple[float, float], tuple[float, float]]]) -> Markup:
    panel = picture.panels[place]
    figure = Figure(figsize=(PANEL_WIDTH, panel.full_height), layout="constrained")
    axes = figure.subplots()
    panel.draw(axes)
    axes.set_title(panel.heading)
    _keep_within(axes, {**picture.bounds, **panel.bounds})
    if "x" in picture.shared:
        axes.set_xlim(limits[place][0])
    if "y" in picture.shared:
        axes.set_ylim(limits[place][1])
    colours = {style_of(mask).colour: f"--m{mask}" for mask in picture.masks}
    title = f"{picture.title}: {panel.title}" if panel.title else picture.title
    return inline_svg(figure, f"{picture.name}-{place}", title, colours)


def _legend(figure: Figure, handles: list[Line2D], most: int) -> float:
    """A legend above the axes, in as many columns as the figure has room for; returns the inches that it takes."""
    for columns in range(min(len(handles), most), 0, -1):
        legend = figure.legend(handles=handles, ncols=columns, loc="outside upper left", handlelength=2.6)
        box = legend.get_window_extent()
        if columns == 1 or box.width <= figure.bbox.width:
            break
        legend.remove()
    return float(box.height) / figure.dpi + LEGEND_MARGIN


def _keep_within(axes: Axes, bounds: Mapping[str, tuple[float, float]]) -> None:
    for side, ends in bounds.items():
        axis = axes.xaxis if side == "x" else axes.yaxis
        low, high = axis.get_view_interval()
        axis.set_view_interval(within(low, ends), within(high, ends), ignore=True)


def _handles(picture: Picture) -> list[Line2D]:
    handles = [
        Line2D([], [], color=s.colour, marker=s.marker, linestyle=s.dash, label=named(mask))
        for mask, s in ((mask, style_of(mask)) for mask in picture.masks)
    ]
    return handles + [
        Line2D(
            *([], []),
            color=m.colour,
            linestyle=m.dash,
            linewidth=m.width,
            marker=m.marker,
            markersize=m.size,
            label=short(m.label),
        )
        for m in picture.marks
    ]


def short(text: str, longest: int = LONGEST) -> str:
    """Text that fits."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def wrapped(text: str, longest: int = LONGEST) -> str:
    """Text in lines that fit, no more than ``MOST_LINES``; what equals a value stays beside it."""
    lines = textwrap.wrap(
        text.replace(" = ", UNBROKEN), longest, break_on_hyphens=False, max_lines=MOST_LINES, placeholder=" …"
    )
    return "\n".join(lines).replace(UNBROKEN, " = ")
