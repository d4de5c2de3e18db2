"""Gain by mask and coupling: where a column reads like the next, coupling does not matter."""

import math
from collections.abc import Sequence
from functools import partial
from statistics import mean

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm, to_hex
from matplotlib.patches import Rectangle

from msd_mtl.study.answers.types import CellResult, Run
from msd_mtl.study.page.colours import contrast, named
from msd_mtl.study.page.data import label_couplings
from msd_mtl.study.page.figures.basis import INTERVALS, Basis
from msd_mtl.study.page.figures.drawing import Panel, Picture, short
from msd_mtl.study.page.figures.style import PAPER
from msd_mtl.study.page.groups import Group, common_sizes, has_gain, ordered_masks
from msd_mtl.study.page.words import metric_name, number, seeds, spread

ROW, MARGINS = 0.3, 1.0  # inches
FULL = 5  # margins of equivalence that have the full colour at least: gains that do not matter stay pale
Gains = dict[tuple[str, str], list[CellResult]]  # (mask, column) to cells of all sizes


def draw_heat_map(group: Group) -> Picture | None:
    """The heat map of a group; None where no cell has a gain."""
    cells = [cell for cell in group.cells if has_gain(cell)]
    if not cells:
        return None
    sizes, over = common_sizes(cells)
    cells = [cell for cell in cells if cell.arm.train_size in sizes]
    planted = any(cell.arm.coupling is not None for cell in cells)
    tables: dict[str, Gains] = {}
    for cell in cells:
        title = cell.arm.task_set if planted else ""
        column = f"{cell.arm.coupling:g}" if cell.arm.coupling is not None else cell.arm.task_set
        tables.setdefault(title, {}).setdefault((cell.arm.mask, column), []).append(cell)
    largest = max(abs(_gain(found)) for table in tables.values() for found in table.values())
    full = max(largest, *(FULL * cell.gain.margin for cell in cells if cell.gain))
    across = group.coupling if planted else "task set"
    what = "" if planted else _measured(group.runs)
    if planted and not group.plants:
        what = " (of which data.world.common=none plants nothing)"
    return Picture(
        name=f"heat-map-{group.name}",
        title=f"Gain in {metric_name(group.metric)} of {group.title} by sharing and coupling",
        about=f"Mean gain over the reference of the same seed{over}; purple: sharing helps, orange: it harms, in full "
        f"colour from {number(full)} {metric_name(group.metric)} on. Columns: {across}{what}. "
        "A dot: better or worse in at least one cell after Holm's correction over all.",
        basis=Basis(
            sizes,
            [cell.gain.n_pairs for cell in cells if cell.gain],
            f"{INTERVALS}: of each cell in the table of cells",
            "test",
            group.runs,
        ),
        panels=[
            Panel(
                title,
                partial(_panel, table=table, full=full, across=across),
                MARGINS + ROW * len({m for m, _ in table}),
            )
            for title, table in tables.items()
        ],
        shared="",
    )


def _gain(cells: Sequence[CellResult]) -> float:
    return mean(cell.gain.estimate for cell in cells if cell.gain)


def _panel(axes: Axes, table: Gains, full: float, across: str) -> None:
    masks = ordered_masks(mask for mask, _ in table)
    columns = list(dict.fromkeys(column for _, column in table))
    norm, colours = TwoSlopeNorm(0, -full, full), colormaps["PuOr"]
    for (mask, column), cells in table.items():
        x, y, gain = columns.index(column), masks.index(mask), _gain(cells)
        colour = to_hex(colours(norm(gain)))
        axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=colour, edgecolor=PAPER, linewidth=1.5))
        ink = max("#000001", "#fffffe", key=lambda candidate: contrast(candidate, colour))
        decided = any(cell.gain and cell.gain.verdict in ("better", "worse") for cell in cells)
        text = number(gain, signed=True) + (" •" if decided else "")
        axes.text(x, y, text, ha="center", va="center", color=ink, fontsize=9.5)
    axes.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(masks) - 0.5, -0.5))
    axes.set_xticks(range(len(columns)), [short(column, 16) for column in columns])
    axes.set_yticks(range(len(masks)), [named(mask) for mask in masks])
    axes.tick_params(length=0)
    axes.set_xlabel(across)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _measured(runs: Sequence[Run]) -> str:
    """Label correlations of the task sets with their target: what the table of couplings has of each, averaged."""
    found: dict[str, list[Run]] = {}
    for run in runs:
        found.setdefault(run.arm.task_set, []).append(run)
    told, rests_on = [], set()
    for task_set, ones in found.items():
        couplings = [one for one in label_couplings(ones) if math.isfinite(one.value)]
        if couplings:
            told.append(f"{task_set} {number(mean(abs(one.value) for one in couplings))}")
            rests_on |= {((one.fewest, one.most), one.n_seeds) for one in couplings}
    if not told:
        return ""
    rows = " or ".join(f"{spread(sizes)} training tracks of {seeds(n)}" for sizes, n in sorted(rests_on))
    return f" (absolute label correlation with the target, mean over auxiliary tasks, on {rows}: {', '.join(told)})"
