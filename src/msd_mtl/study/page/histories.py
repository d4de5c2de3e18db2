"""Validation scores by epoch, averaged over the seeds of a cell."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from msd_mtl.data.task import task_of
from msd_mtl.study.answers.types import Run
from msd_mtl.study.record import HISTORY

LEVEL = 0.95
MEANS = "means over seeds, up to the epoch at which the first of them stops"
# What the original study drew of a task: 1 - accuracy of tags, RMSE of values.
ERROR = {"binary": "error", "multiclass": "accuracy", "regression": "rmse"}


@dataclass(frozen=True)
class Curve:
    """A validation score by epoch.

    Attributes:
        epochs: Counted from 1, those that all runs have, shape ``(epochs,)``: a mean over the runs that go on after
            others have stopped early would be one over runs that still got better.
        mean: Over runs.
        low: Lower end of the 95 % interval (Student's t over seeds); NaN with fewer than two runs.
        high: Upper end.
        n: Runs.
    """

    epochs: NDArray[np.int64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    n: int


def error_name(target: str) -> str:
    """What the error of a task is called."""
    return "RMSE" if task_of(target).kind == "regression" else "error (1 \N{MINUS SIGN} accuracy)"


def error_curve(runs: Sequence[Run]) -> Curve | None:
    """Error of the target, as in the original study; None where no run has a history."""
    target = runs[0].arm.target
    kind = task_of(target).kind
    curve = curve_of(runs, f"val/{target}/{ERROR[kind]}")
    if curve is None or kind != "multiclass":
        return curve
    return Curve(curve.epochs, 1 - curve.mean, 1 - curve.high, 1 - curve.low, curve.n)


def curve_of(runs: Sequence[Run], column: str) -> Curve | None:
    """A column of the histories of a cell's runs, averaged; None where no run has it."""
    series = [found for run in runs if (found := _column(run, column))]
    if not series:
        return None
    epochs = sorted(set.intersection(*map(set, series)))
    values = np.array([[one[epoch] for epoch in epochs] for one in series])
    mean, n, half = values.mean(axis=0), len(series), np.full(len(epochs), np.nan)
    if n > 1:
        half = stats.t.ppf((1 + LEVEL) / 2, n - 1) * values.std(axis=0, ddof=1) / np.sqrt(n)
    return Curve(np.array(epochs, dtype=np.int64), mean, mean - half, mean + half, n)


def _column(run: Run, column: str) -> dict[int, float]:
    """Epoch, counted from 1, to value; empty where there is no history, or one that cannot be read."""
    try:
        with (run.folder / HISTORY).open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            head = next(rows, [])
            if column not in head or "epoch" not in head:
                return {}
            at, epoch = head.index(column), head.index("epoch")
            return {int(row[epoch]) + 1: float(row[at]) for row in rows if len(row) > at and row[at]}
    except (FileNotFoundError, ValueError, csv.Error):
        return {}
