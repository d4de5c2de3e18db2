"""From a planted signal to labels, their posterior, and the scores of the predictor that knows it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from msd_mtl.data.task import Kind

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """How a label follows from a signal.

    ``liability = loading * signal + spread * noise`` with Gaussian noise; mean 0, variance 1. A class is the number of
    ``cuts`` that the liability exceeds (binary: one cut); a regression label is ``mean + deviation * liability``.
    Source: the liability-threshold (ordered probit) model.

    Attributes:
        kind: Kind of the task.
        loading: Standard deviation of the signal in the liability.
        spread: Standard deviation of the noise in the liability.
        cuts: Increasing thresholds, float64, shape ``(classes - 1,)``; empty for regression.
        mean: Mean of a regression label, in its unit.
        deviation: Standard deviation of a regression label, in its unit.
    """

    kind: Kind
    loading: float
    spread: float
    cuts: Floats
    mean: float
    deviation: float

    def label(self, signal: Floats, noise: Floats) -> NDArray[np.float32]:
        """Labels of songs.

        Args:
            signal: Signal, mean 0 and variance 1, shape ``(rows,)``.
            noise: Standard normal numbers, same shape.

        Returns:
            float32, same shape: class index (binary: 0/1) or value in the unit of the task.
        """
        liability = self.loading * signal + self.spread * noise
        if self.kind == "regression":
            return (self.mean + self.deviation * liability).astype(np.float32)
        return np.searchsorted(self.cuts, liability).astype(np.float32)

    def posterior(self, signal: Floats) -> Floats:
        """What can be known of the labels of songs at best.

        Args:
            signal: Signal, mean 0 and variance 1, shape ``(rows,)``.

        Returns:
            Expected value, or chance of 1, shape ``(rows,)``; multiclass chances have shape ``(rows, classes)``.
        """
        if self.kind == "regression":
            return self.mean + self.deviation * self.loading * signal
        above = ndtr((self.loading * signal[:, None] - self.cuts) / self.spread)
        if self.kind == "binary":
            return np.ascontiguousarray(above[:, 0])
        edges = np.ones((len(signal), 1))
        return -np.diff(np.concatenate([edges, above, 0 * edges], axis=1), axis=1)


def make_truth(
    kind: Kind, signal: Floats, *, signal_to_noise: float, shares: Floats, mean: float = 0.0, deviation: float = 1.0
) -> Truth:
    """Choose loading and cuts.

    Args:
        kind: Kind of the task.
        signal: Signal of songs to measure frequencies on, shape ``(rows,)``.
        signal_to_noise: Variance of the signal over that of the noise.
        shares: Wanted frequency of each class, sums to 1, shape ``(classes,)``; ignored for regression.
        mean: Mean of a regression label, in its unit.
        deviation: Standard deviation of a regression label, in its unit.

    Returns:
        The truth.
    """
    loading, spread = float(np.sqrt(signal_to_noise / (1 + signal_to_noise))), float(np.sqrt(1 / (1 + signal_to_noise)))
    if kind == "regression":
        return Truth(kind, loading, spread, np.empty(0), mean, deviation)
    wanted = np.cumsum(shares)[:-1]
    low, high = np.full(len(wanted), -50.0), np.full(len(wanted), 50.0)
    for _ in range(60):
        cuts = (low + high) / 2
        below = ndtr((cuts - loading * signal[:, None]) / spread).mean(axis=0)
        low, high = np.where(below < wanted, cuts, low), np.where(below < wanted, high, cuts)
    return Truth(kind, loading, spread, (low + high) / 2, mean, deviation)


def bayes_scores(kind: Kind, labels: NDArray[np.float32], posterior: Floats, prevalence: float) -> dict[str, float]:
    """Score the posterior against labels, each metric with the decision that is best for it.

    Args:
        kind: Kind of the task.
        labels: Labels, NaN where missing, shape ``(rows,)``.
        posterior: What ``Truth.posterior`` gives for the same rows.
        prevalence: Chance of 1 of a binary task: the threshold that is best for balanced accuracy (0.5 for the others).

    Returns:
        Metrics of the kind by name, under the names of the record; NaN where the labelled rows do not define one. Not
        the macro F1: its best decision about a song depends on what is decided about all others.
    """
    known = ~np.isnan(labels)
    true, best = labels[known].astype(np.float64), posterior[known]
    if kind == "regression":
        return _regression_scores(true, best)
    if kind == "multiclass":
        return _multiclass_scores(true.astype(np.int64), best)
    return _binary_scores(true, best, prevalence)


def _binary_scores(true: Floats, best: Floats, prevalence: float) -> dict[str, float]:
    from sklearn.metrics import average_precision_score, roc_auc_score

    names = ("auroc", "average_precision", "balanced_accuracy", "accuracy", "error", "log_loss")
    ones = true > 0.5
    if ones.all() or not ones.any():
        return dict.fromkeys(names, float("nan"))
    hit = (best > prevalence) == ones
    accuracy = float(np.mean((best > 0.5) == ones))
    values = (
        float(roc_auc_score(true, best)),
        float(average_precision_score(true, best)),
        float((hit[ones].mean() + hit[~ones].mean()) / 2),
        accuracy,
        1.0 - accuracy,
        float(-np.mean(np.log(np.where(ones, best, 1.0 - best)))),
    )
    return dict(zip(names, values, strict=True))


def _multiclass_scores(true: NDArray[np.int64], best: Floats) -> dict[str, float]:
    if not len(true):
        return dict.fromkeys(("accuracy", "log_loss"), float("nan"))
    return {
        "accuracy": float(np.mean(best.argmax(axis=1) == true)),
        "log_loss": float(-np.mean(np.log(best[np.arange(len(true)), true]))),
    }


def _regression_scores(true: Floats, best: Floats) -> dict[str, float]:
    if len(true) < 2 or np.ptp(true) == 0:
        return dict.fromkeys(("rmse", "mae", "r2"), float("nan"))
    squared = float(np.mean((true - best) ** 2))
    return {
        "rmse": float(np.sqrt(squared)),
        "mae": float(np.mean(np.abs(true - best))),
        "r2": 1.0 - squared / float(np.var(true)),
    }
