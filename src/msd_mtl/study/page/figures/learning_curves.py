"""How the target's validation scores went by epoch: the error that the original drew, and what it is compared by."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from msd_mtl.data.task import task_of
from msd_mtl.study.answers.types import Arm, CellResult, Run
from msd_mtl.study.page.colours import style_of
from msd_mtl.study.page.figures.basis import Basis
from msd_mtl.study.page.figures.bounds import bounds_of, cut_note
from msd_mtl.study.page.figures.drawing import TARGET_ALONE, Panel, Picture
from msd_mtl.study.page.figures.style import ALONE, ALONE_MARKER, BAND, THICK
from msd_mtl.study.page.groups import Facet, Group, by_mask, chosen
from msd_mtl.study.page.histories import MEANS, Curve, curve_of, error_curve, error_name
from msd_mtl.study.page.words import counted, metric_name

MOST_SIZES, MOST_PANELS, MOST_BANDS = 3, 6, 6
Lines = list[tuple[CellResult, Curve]]
Reader = Callable[[Sequence[Run]], Curve | None]


def draw_curves(group: Group) -> list[Picture]:
    """Learning curves of a group: of the error, and of the metric of its scores."""
    runs: dict[Arm, list[Run]] = {}
    for run in group.runs:
        runs.setdefault(run.arm, []).append(run)
    score = partial(curve_of, column=f"val/{group.target}/{group.metric}")
    error = "rmse" if task_of(group.target).kind == "regression" else "error"
    pictures = [
        _picture(group, runs, ("error", error, error_name(group.target)), error_curve),
        _picture(group, runs, (group.metric, group.metric, metric_name(group.metric)), score),
    ]
    return [picture for picture in pictures if picture is not None]


def _picture(group: Group, runs: dict[Arm, list[Run]], names: tuple[str, str, str], read: Reader) -> Picture | None:
    """Curves of a score, given its names in the file, as a metric and in words."""
    key, metric, label = names
    bounds = bounds_of(metric)
    sizes = chosen(group.sizes, MOST_SIZES)
    places = [(facet, size) for size in sizes for facet in group.facets()]
    panels, drawn, bands = [], set(), len(group.masks) <= MOST_BANDS
    for facet, size in places[:MOST_PANELS]:
        lines = _lines(facet, size, runs, read)
        if lines:
            title = f"{facet.title}, {size:,} tracks" if len(sizes) > 1 else facet.title
            drawn.add(size)
            panels.append(Panel(title, partial(_panel, lines=lines, label=label, bands=bands, bounds=bounds)))
    if not panels:
        return None
    curves = [curve for panel in panels for _, curve in panel.draw.keywords["lines"]]  # type: ignore[attr-defined]
    ends = np.concatenate([[*curve.low, *curve.high] for curve in curves]).tolist() if bands else []
    left = len(group.sizes) * len(group.facets()) - len(places[:MOST_PANELS])
    t = "95 % intervals (t over seeds)"
    return Picture(
        name=f"curves-{key}-{group.name}",
        title=f"Validation {label} of {group.title} by epoch",
        about=f"{MEANS.capitalize()}.",
        basis=Basis(
            drawn,
            [curve.n for curve in curves],
            f"Shaded: {t}" if bands else f"{t} are left out for so many lines",
            "val",
            [run for run in group.runs if run.arm.train_size in drawn],
        ),
        panels=panels,
        masks=group.masks,
        marks=[TARGET_ALONE] if any(f.alone for f in group.facets()) else [],
        bounds={"y": bounds},
        notes=cut_note(metric, ends)
        + (f" {counted(left, 'further panel')} (other sizes or task sets) not drawn." if left else ""),
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


def _panel(axes: Axes, lines: Lines, label: str, bands: bool, bounds: tuple[float, float]) -> None:
    for cell, curve in lines:
        alone = cell.arm.is_alone
        style = ALONE if alone else style_of(cell.arm.mask)
        if bands and np.isfinite(curve.low).any():
            low, high = np.clip([curve.low, curve.high], *bounds)
            axes.fill_between(curve.epochs, low, high, color=style.colour, alpha=BAND, linewidth=0)
        axes.plot(
            curve.epochs,
            curve.mean,
            color=style.colour,
            linestyle=style.dash,
            linewidth=THICK if alone else 1.4,
            marker=style.marker,
            markevery=max(len(curve.epochs) // 6, 1),
            markersize=ALONE_MARKER - 1 if alone else 3.5,
            clip_on=False,
            in_layout=False,
        )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axes.set(xlabel="epoch", ylabel=f"validation {label}")
