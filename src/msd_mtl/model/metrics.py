"""Metrics of one task on one part, in float64, the same to the bit whenever they are computed again."""

import numpy as np
from numpy.typing import NDArray

from msd_mtl.data.task import Task

Floats = NDArray[np.float64]

# Predictions are float32, which cannot come nearer to 1 than this: a saturated probability costs 16 nats, not infinity.
EPSILON = float(np.finfo(np.float32).eps)

METRICS: dict[str, tuple[str, ...]] = {
    "binary": ("auroc", "average_precision", "balanced_accuracy", "accuracy", "error", "log_loss", "prevalence"),
    "regression": ("rmse", "mae", "r2"),
    "multiclass": ("accuracy", "macro_f1", "log_loss"),
}


def task_metrics(
    task: Task, prediction: NDArray[np.floating], target: NDArray[np.floating], has_label: NDArray[np.bool_]
) -> dict[str, float]:
    """Score predictions on the labelled rows.

    Args:
        task: The task; its kind chooses the metrics.
        prediction: Probability of class 1 (binary) or value in the unit of the data (regression), shape ``(rows,)``;
            class probabilities (multiclass), shape ``(rows, classes)``.
        target: 0 or 1, value, or class index, shape ``(rows,)``; anything where ``has_label`` is False.
        has_label: bool, shape ``(rows,)``; False rows do not count.

    Returns:
        Metric name to value, in the order of ``METRICS``. NaN where a metric is not defined: all without labelled rows
        or with a prediction that is not finite; AUROC, average precision and balanced accuracy where only one class is
        there; R2 where the target does not vary.

    Raises:
        ValueError: If the shapes differ.

    Source: definitions of scikit-learn, where these are NaN in part 0, 1 or a warning.
    """
    if not prediction.shape[:1] == target.shape == has_label.shape:
        shapes = f"{prediction.shape}, {target.shape} and {has_label.shape}"
        raise ValueError(f"prediction, target and has_label must have the same number of rows; got {shapes}.")
    chosen, truth = prediction[has_label].astype(np.float64), target[has_label].astype(np.float64)
    scores = dict.fromkeys(METRICS[task.kind], float("nan"))
    if len(truth) == 0:
        return scores
    if task.kind == "binary":
        scores["prevalence"] = float(truth.mean())
    if not np.isfinite(chosen).all():
        return scores
    match task.kind:
        case "binary":
            return scores | _binary(chosen, truth > 0.5)
        case "regression":
            return scores | _regression(chosen, truth)
        case "multiclass":
            return scores | _multiclass(chosen, truth.astype(np.int64))


def _binary(probability: Floats, truth: NDArray[np.bool_]) -> dict[str, float]:
    right = (probability > 0.5) == truth
    of_truth = np.where(truth, probability, 1 - probability)
    accuracy = float(right.mean())
    scores = {"accuracy": accuracy, "error": 1 - accuracy, "log_loss": _log_loss(of_truth)}
    if truth.any() and not truth.all():
        scores["balanced_accuracy"] = float((right[truth].mean() + right[~truth].mean()) / 2)
        scores |= _ranking(probability, truth)
    return scores


def _ranking(probability: Floats, truth: NDArray[np.bool_]) -> dict[str, float]:
    """Areas under the two curves over all distinct thresholds; rows of equal probability enter together."""
    order = np.argsort(-probability, kind="stable")
    sorted_probability = probability[order]
    last_of_tie = np.append(np.flatnonzero(np.diff(sorted_probability)), len(order) - 1)
    true_positives = np.cumsum(truth[order])[last_of_tie].astype(np.float64)
    predicted = last_of_tie + 1.0
    false_positives = predicted - true_positives
    n_positive, n_negative = true_positives[-1], false_positives[-1]
    gained = np.diff(true_positives, prepend=0)
    # Twice the area, in counts: whole numbers, so that the sum is exact.
    twice_area = (np.diff(false_positives, prepend=0) * (2 * true_positives - gained)).sum()
    return {
        "auroc": float(twice_area / (2 * n_positive * n_negative)),
        "average_precision": float((gained * (true_positives / predicted)).sum() / n_positive),
    }


def _regression(value: Floats, truth: Floats) -> dict[str, float]:
    residual = value - truth
    squares = float(np.square(residual).sum())
    scores = {"rmse": float(np.sqrt(squares / len(truth))), "mae": float(np.abs(residual).mean())}
    if truth.min() < truth.max():
        scores["r2"] = 1 - squares / float(np.square(truth - truth.mean()).sum())
    return scores


def _multiclass(probability: Floats, truth: NDArray[np.int64]) -> dict[str, float]:
    predicted = probability.argmax(axis=1)
    n_classes = probability.shape[1]
    hits = np.bincount(truth[predicted == truth], minlength=n_classes)
    seen = np.bincount(truth, minlength=n_classes) + np.bincount(predicted, minlength=n_classes)
    present = seen > 0  # a class that is neither there nor predicted has no F1
    return {
        "accuracy": float((predicted == truth).mean()),
        "macro_f1": float((2 * hits[present] / seen[present]).mean()),
        "log_loss": _log_loss(probability[np.arange(len(truth)), truth]),
    }


def _log_loss(of_truth: Floats) -> float:
    """Mean negative log probability of what was true."""
    return float(-np.log(np.clip(of_truth, EPSILON, 1 - EPSILON)).mean())
