"""Score of the target against training size, one line a sharing, between what knows nothing and what can be known."""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import mean

from matplotlib.axes import Axes

from msd_mtl.study.answers.types import CellResult
from msd_mtl.study.page.colours import Dash, Style, named, style_of
from msd_mtl.study.page.figures.basis import INTERVALS, Basis
from msd_mtl.study.page.figures.bounds import bounds_of, cut_note, within
from msd_mtl.study.page.figures.drawing import TARGET_ALONE, Mark, Panel, Picture
from msd_mtl.study.page.figures.style import ALONE, ALONE_MARKER, BAND, MUTED, THICK, size_axis, zero_line
from msd_mtl.study.page.groups import Facet, Group, by_mask, has_gain, ordered_masks
from msd_mtl.study.page.words import counted, metric_name, number, spread

MOST_PANELS = 6
MOST_NAMES = 5  # masks with their names side by side below the axes
LEVELS: dict[str, tuple[str, Dash]] = {
    "bayes": ("best possible", "-."),
    "linear": ("linear model", "--"),
    "trivial": ("without lyrics", ":"),
}
IN_FULL = "the table of cells"
Point = tuple[float, float, float, float]  # place, mean, low, high


def draw_scores(group: Group) -> Picture:
    """The score figure of a group."""
    axis = _axis(group)
    facets = group.facets(by_coupling=axis != "coupling")
    panels = [Panel(f.title, partial(_panel, facet=f, axis=axis, group=group)) for f in facets[:MOST_PANELS]]
    marks = "Bars and band" if axis == "mask" and group.masks and any(f.alone for f in facets) else "Bars"
    against = {"size": " by training size", "coupling": f" by {group.coupling}", "mask": " by sharing"}[axis]
    return Picture(
        name=f"scores-{group.name}",
        title=f"Test {metric_name(group.metric)} of {group.title}{against if group.masks or axis != 'mask' else ''}",
        about=_about(group),
        basis=Basis(group.sizes, [cell.n for cell in group.cells], f"{marks}: {INTERVALS}", "test", group.runs),
        panels=panels,
        masks=group.masks,
        marks=[
            *([TARGET_ALONE] if any(f.alone for f in facets) else []),
            *(Mark(label, dash) for label, dash in _levels(group)),
        ],
        bounds={"y": bounds_of(group.metric)},
        notes=_notes(group, len(facets)),
    )


def draw_gains_by_size(group: Group) -> Picture | None:
    """Gain over the reference against training size; None with one size, or where no gain is known."""
    facets = [facet for facet in group.facets() if any(map(has_gain, facet.cells))]
    known = [cell for facet in facets[:MOST_PANELS] for cell in facet.cells if has_gain(cell)]
    if len(group.sizes) < 2 or not known:
        return None
    gains = [cell.gain for cell in known if cell.gain]
    cut = cut_note(group.metric, (end for g in gains for end in (g.low, g.high)), gain=True, in_full=IN_FULL)
    return Picture(
        name=f"gain-by-size-{group.name}",
        title=f"Gain in {metric_name(group.metric)} of {group.title} by training size",
        about="Mean gain over the reference of the same seed; above the line, sharing helps.",
        basis=Basis(group.sizes, [g.n_pairs for g in gains], f"Bars: {INTERVALS}", "test", group.runs),
        panels=[Panel(facet.title, partial(_gain_panel, facet=facet, group=group)) for facet in facets[:MOST_PANELS]],
        masks=ordered_masks(cell.arm.mask for cell in known),
        bounds={"y": bounds_of(group.metric, gain=True)},
        notes=_further(len(facets)) + cut,
    )


def _axis(group: Group) -> str:
    if len(group.sizes) > 1:
        return "size"
    return "coupling" if len({c.arm.coupling for c in group.cells if c.arm.coupling is not None}) > 1 else "mask"


def _place(axis: str, masks: Sequence[str]) -> Callable[[CellResult], float]:
    if axis == "size":
        return lambda cell: float(cell.arm.train_size)
    if axis == "coupling":
        return lambda cell: cell.arm.coupling or 0.0
    return lambda cell: float(masks.index(cell.arm.mask)) if cell.arm.mask in masks else -1.0


def _panel(axes: Axes, facet: Facet, axis: str, group: Group) -> None:
    place = _place(axis, group.masks)
    _levels_of(axes, [*facet.cells, *facet.alone], place, axis)
    lines = by_mask(facet.cells, place)
    bounds = bounds_of(group.metric)
    for at, (mask, cells) in enumerate(lines.items()):
        points = [(place(cell), cell.mean, cell.low, cell.high) for cell in cells]
        _line(axes, _aside(points, at, len(lines), axis, group.sizes), style_of(mask), bounds)
    alone = sorted(facet.alone, key=place)
    if axis == "mask" and not group.masks:
        for at, cell in enumerate(alone):
            _line(axes, [(float(at), cell.mean, cell.low, cell.high)], ALONE, bounds)
        axes.set_xticks([])
    elif axis == "mask":
        for cell in alone:
            axes.axhline(cell.mean, color=ALONE.colour, linestyle=ALONE.dash, linewidth=THICK, zorder=0.9)
            if math.isfinite(cell.low):
                ends = (within(end, bounds) for end in (cell.low, cell.high))
                axes.axhspan(*ends, color=ALONE.colour, alpha=BAND, linewidth=0, zorder=0.8)
        many = len(group.masks) > MOST_NAMES
        labels = [mask if many else named(mask).replace(" (", "\n(") for mask in group.masks]
        axes.set_xticks(range(len(group.masks)), labels, rotation=90 if many else 0)
    else:
        points = [(place(cell), cell.mean, cell.low, cell.high) for cell in alone]
        _line(axes, points, ALONE, bounds)
        _scale(axes, axis, group)
    axes.set_ylabel(f"test {metric_name(group.metric)}")


def _gain_panel(axes: Axes, facet: Facet, group: Group) -> None:
    zero_line(axes, across=True)
    place = _place("size", group.masks)
    lines = by_mask(filter(has_gain, facet.cells), place)
    for at, (mask, cells) in enumerate(lines.items()):
        points = [(place(c), c.gain.estimate, c.gain.low, c.gain.high) for c in cells if c.gain]
        bounds = bounds_of(group.metric, gain=True)
        _line(axes, _aside(points, at, len(lines), "size", group.sizes), style_of(mask), bounds)
    size_axis(axes, group.sizes)
    axes.set_ylabel(f"gain in {metric_name(group.metric)}")


def _scale(axes: Axes, axis: str, group: Group) -> None:
    if axis == "size":
        size_axis(axes, group.sizes)
    else:
        axes.set_xticks(sorted({cell.arm.coupling for cell in group.cells if cell.arm.coupling is not None}))
        axes.set_xlabel(group.coupling)


def _line(axes: Axes, points: Sequence[Point], style: Style, bounds: tuple[float, float]) -> None:
    """Means with their intervals, joined; intervals end where the metric does."""
    width, size = (THICK, ALONE_MARKER) if style is ALONE else (1.4, 4.5)
    axes.plot(
        [x for x, *_ in points],
        [y for _, y, *_ in points],
        color=style.colour,
        marker=style.marker,
        linestyle=style.dash if len(points) > 1 else "none",
        linewidth=width,
        markersize=size,
        clip_on=False,  # a mark at the bound stays whole
        in_layout=False,  # which is no reason to make the axes smaller
    )
    bars = [(x, within(low, bounds), within(high, bounds)) for x, _, low, high in points if math.isfinite(low)]
    x, low, high = zip(*bars, strict=True) if bars else ((),) * 3
    axes.vlines(x, low, high, colors=style.colour, linewidth=0.9, alpha=0.7)


def _aside(points: Sequence[Point], place: int, n: int, axis: str, sizes: Sequence[int]) -> list[Point]:
    """Points moved a little, so that intervals of lines at one place stand side by side."""
    shift = (place - (n - 1) / 2) / max(n - 1, 1)
    factor = (sizes[-1] / sizes[0]) ** (0.03 * shift) if axis == "size" else 1.0
    step = 0.04 * shift if axis == "coupling" else 0.0
    return [(x * factor + step, mean, low, high) for x, mean, low, high in points]


def _levels_of(axes: Axes, cells: Sequence[CellResult], place: Callable[[CellResult], float], axis: str) -> None:
    """What the lines are to be read against, at each place its mean over cells."""
    for name, (_, dash) in LEVELS.items():
        found: dict[float, list[float]] = {}
        for cell in cells:
            value = getattr(cell, name)
            if math.isfinite(value):
                found.setdefault(place(cell), []).append(value)
        points = [(x, sum(values) / len(values)) for x, values in sorted(found.items())]
        if axis == "mask" or len(points) == 1:
            if points:
                axes.axhline(sum(y for _, y in points) / len(points), color=MUTED, linestyle=dash, linewidth=1)
        else:
            axes.plot([x for x, _ in points], [y for _, y in points], color=MUTED, linestyle=dash, linewidth=1)


def _levels(group: Group) -> Iterator[tuple[str, Dash]]:
    for name, (label, dash) in LEVELS.items():
        if any(math.isfinite(getattr(cell, name)) for cell in group.cells):
            yield label, dash


def _fewer_seeds(group: Group, level: str) -> str:
    """How many seeds a level rests on, where they are not those of the scores."""
    counts = [(cell.known[level], cell.n) for cell in group.cells if cell.known[level]]
    return "" if all(n == of for n, of in counts) else f" (over {spread(n for n, _ in counts)} seeds)"


def _about(group: Group) -> str:
    """Means over the figure of what the lines are to be read against."""
    levels = {name: [getattr(c, name) for c in group.cells if math.isfinite(getattr(c, name))] for name in LEVELS}
    known = [f"{LEVELS[name][0]} {number(mean(v))}{_fewer_seeds(group, name)}" for name, v in levels.items() if v]
    shares = [run.record["data"]["prevalence"]["test"].get(group.target) for run in group.runs]
    positive = [share for share in shares if share is not None]
    parts = [
        "Means over seeds",
        f"Grey lines, means over the figure: {', '.join(known)}" if known else "",
        f"Prevalence of {group.target}: {number(mean(positive))}" if positive else "",
    ]
    return "".join(f"{part}. " for part in parts if part).strip()


def _further(n_panels: int) -> str:
    left = n_panels - MOST_PANELS
    return f" {counted(left, 'further panel')} in {IN_FULL}." if left > 0 else ""


def _notes(group: Group, n_panels: int) -> str:
    ends = (end for cell in group.cells for end in (cell.low, cell.high))
    return _further(n_panels) + cut_note(group.metric, ends, in_full=IN_FULL)
