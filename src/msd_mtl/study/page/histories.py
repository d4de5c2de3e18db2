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
# What the original study drew of a task: 1 - accuracy of tags, RMSE of values.
ERROR = {"binary": "error", "multiclass": "accuracy", "regression": "rmse"}


@dataclass(frozen=True)
class Curve:
    """A validation score by epoch.

    Attributes:
        epochs: Counted from 1, shape ``(epochs,)``.
        mean: Over the runs that reached the epoch.
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
    epochs = sorted({epoch for one in series for epoch in one})
    values = np.array([[one.get(epoch, np.nan) for epoch in epochs] for one in series])
    n = np.isfinite(values).sum(axis=0)
    total = np.nansum(values, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(n > 0, total / n, np.nan)
        variance = np.nansum((values - mean) ** 2, axis=0) / (n - 1)
        half = np.where(n > 1, stats.t.ppf((1 + LEVEL) / 2, np.maximum(n - 1, 1)) * np.sqrt(variance / n), np.nan)
    return Curve(np.array(epochs, dtype=np.int64), mean, mean - half, mean + half, len(series))


def _column(run: Run, column: str) -> dict[int, float]:
    """Epoch, counted from 1, to value."""
    try:
        with (run.folder / HISTORY).open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            head = next(rows, [])
            if column not in head or "epoch" not in head:
                return {}
            at, epoch = head.index(column), head.index("epoch")
            return {int(row[epoch]) + 1: float(row[at]) for row in rows if len(row) > at and row[at]}
    except FileNotFoundError:
        return {}
