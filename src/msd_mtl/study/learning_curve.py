"""The picture of one run: how its losses fell, and the epoch that validation chose."""

import csv
import math
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from msd_mtl.data.task import task_of
from msd_mtl.study.files import drawn, whole_file
from msd_mtl.study.page.words import metric_name
from msd_mtl.study.record import HISTORY, Record
from msd_mtl.study.selection import HEADLINE

PICTURE = "learning_curve.png"
HEIGHT, LINE = 3.6, 0.22  # inches: of the axes with their labels, and of a line of the legend
WIDEST, HANDLE = 66, 8  # characters of a line of the legend, and what a handle takes of them


def draw_learning_curve(folder: Path, record: Record) -> None:
    """Draw training loss per task and the target's validation score over epochs into the run directory.

    Args:
        folder: Run directory with its history.
        record: The run's record, complete.
    """
    with (folder / HISTORY).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    cell = record["cell"]
    task = task_of(cell["target"])
    metric = HEADLINE[task.kind]
    labels = [drawn(name) for name in cell["tasks"]]
    columns = max(1, min(len(labels), WIDEST // (HANDLE + max(map(len, labels)))))
    figure = _figure(LINE * math.ceil(len(labels) / columns) + 0.1)
    losses, scores = figure.axes
    for name, label in zip(cell["tasks"], labels, strict=True):
        epochs, values = _series(rows, f"train/{name}/loss")
        losses.plot(epochs, values, label=label, linewidth=2 if name == cell["target"] else 1)
    losses.set(xlabel="epoch", ylabel="training loss")
    _legend_above(losses, columns)
    epochs, values = _series(rows, f"val/{task.name}/{metric}")
    scores.plot(epochs, values, color="black", label="network")
    scores.axvline(record["best_epoch"] + 1, color="0.6", linestyle=":", label="chosen epoch")
    linear = record["baselines"].get("val", {}).get(task.name, {}).get("linear", {}).get(metric)
    if linear is not None:
        scores.axhline(linear, color="tab:orange", linestyle="--", label="linear model")
    unit = f" ({task.unit})" if task.unit and metric == "rmse" else ""
    scores.set(xlabel="epoch", ylabel=f"validation {metric_name(metric)} of {drawn(task.name)}{unit}")
    _legend_above(scores, 3)
    for axes in (losses, scores):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    with whole_file(folder / PICTURE) as temporary:
        figure.savefig(temporary, format="png", dpi=120)


def _figure(above: float) -> Figure:
    """Two axes, with so many inches above them."""
    height = HEIGHT + above
    figure = Figure(figsize=(9, height))
    figure.subplots(1, 2)
    # fixed: to find a layout, matplotlib draws everything twice, which takes longer than many a run's training
    figure.subplots_adjust(left=0.11, right=0.98, bottom=0.5 / height, top=(HEIGHT - 0.05) / height, wspace=0.3)
    return figure


def _legend_above(axes: Axes, columns: int) -> None:
    """A legend outside the axes, where no line runs under it."""
    axes.legend(
        frameon=False,
        ncols=columns,
        loc="lower left",
        bbox_to_anchor=(-0.02, 1.0),
        borderaxespad=0.2,
        fontsize=9,
        handlelength=1.8,
        columnspacing=1.1,
    )


def _series(rows: list[dict[str, str]], column: str) -> tuple[list[int], list[float]]:
    """Epochs, counted from 1, and values of a column where it has one."""
    filled = [(int(row["epoch"]) + 1, float(row[column])) for row in rows if row.get(column)]
    return [epoch for epoch, _ in filled], [value for _, value in filled]
