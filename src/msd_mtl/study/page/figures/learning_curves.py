"""How the target's validation scores went by epoch: the error that the original drew, and what it is compared by."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from msd_mtl.study.answers.types import Arm, CellResult, Run
from msd_mtl.study.page.colours import style_of
from msd_mtl.study.page.figures.drawing import Mark, Panel, Picture
from msd_mtl.study.page.figures.style import BAND, INK
from msd_mtl.study.page.groups import Facet, Group, by_mask, chosen
from msd_mtl.study.page.histories import Curve, curve_of, error_curve, error_name
from msd_mtl.study.page.words import counted, metric_name, spread

MOST_SIZES, MOST_PANELS, MOST_BANDS = 3, 6, 6
Lines = list[tuple[CellResult, Curve]]
Reader = Callable[[Sequence[Run]], Curve | None]


def draw_curves(group: Group) -> list[Picture]:
    """Learning curves of a group: of the error, and of the metric of its scores."""
    runs: dict[Arm, list[Run]] = {}
    for run in group.runs:
        runs.setdefault(run.arm, []).append(run)
    score = partial(curve_of, column=f"val/{group.target}/{group.metric}")
    pictures = [
        _picture(group, runs, "error", error_name(group.target), error_curve),
        _picture(group, runs, group.metric, metric_name(group.metric), score),
    ]
    return [picture for picture in pictures if picture is not None]


def _picture(group: Group, runs: dict[Arm, list[Run]], key: str, label: str, read: Reader) -> Picture | None:
    sizes = chosen(group.sizes, MOST_SIZES)
    places = [(facet, size) for size in sizes for facet in group.facets()]
    panels, bands = [], len(group.masks) <= MOST_BANDS
    for facet, size in places[:MOST_PANELS]:
        lines = _lines(facet, size, runs, read)
        if lines:
            title = f"{facet.title}, {size:,} tracks" if len(sizes) > 1 else facet.title
            panels.append(Panel(title, partial(_panel, lines=lines, label=label, bands=bands)))
    if not panels:
        return None
    n = [curve.n for panel in panels for _, curve in panel.draw.keywords["lines"]]  # type: ignore[attr-defined]
    left = len(group.sizes) * len(group.facets()) - len(places[:MOST_PANELS])
    shaded = "shaded: its 95 % interval (t)" if bands else "intervals are left out for so many lines"
    return Picture(
        name=f"curves-{key}-{group.name}",
        title=f"Validation {label} of {group.title} by epoch",
        caption=f"Mean over {spread(n)} seeds; {shaded}. Validation split."
        + (f" {counted(left, 'further panel')} (other sizes or task sets) not drawn." if left else ""),
        panels=panels,
        masks=group.masks,
        marks=[Mark("target alone", "-", INK)] if any(f.alone for f in group.facets()) else [],
    )


def _lines(facet: Facet, size: int, runs: dict[Arm, list[Run]], read: Reader) -> Lines:
    lines = []
    for cells in [*by_mask(facet.cells, lambda cell: cell.arm.train_size).values(), facet.alone]:
        for cell in cells:
            if cell.arm.train_size == size and runs.get(cell.arm):
                curve = read(runs[cell.arm])
                if curve is not None:
                    lines.append((cell, curve))
    return lines


def _panel(axes: Axes, lines: Lines, label: str, bands: bool) -> None:
    for cell, curve in lines:
        alone = len(cell.arm.tasks) == 1
        style = style_of(cell.arm.mask)
        colour, dash = (INK, "-") if alone else (style.colour, style.dash)
        if bands and np.isfinite(curve.low).any():
            axes.fill_between(curve.epochs, curve.low, curve.high, color=colour, alpha=BAND, linewidth=0)
        axes.plot(
            curve.epochs,
            curve.mean,
            color=colour,
            linestyle=dash,
            linewidth=2.0 if alone else 1.4,
            marker="none" if alone else style.marker,
            markevery=max(len(curve.epochs) // 6, 1),
            markersize=3.5,
        )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axes.set(xlabel="epoch", ylabel=f"validation {label}")
