"""Scores of one set of predictions under many weightings of the tracks at once."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Counts = NDArray[np.int32]  # NumPy sums whole numbers up eight times as fast as others, and they are exact


def weighted_auroc(score: Floats, positive: NDArray[np.bool_], weights: Counts) -> NDArray[np.float64]:
    """Area under the ROC curve: the weighted share of pairs in which the positive track has the higher score.

    Equal scores count half. Every weighting costs one pass over cumulative sums of the negatives' weights in the order
    of their scores.

    Args:
        score: Higher means more likely positive, shape ``(tracks,)``.
        positive: bool, shape ``(tracks,)``.
        weights: How often each track counts, int32, shape ``(tracks, weightings)``.

    Returns:
        Shape ``(weightings,)``; NaN where the positives or the negatives weigh nothing.

    Source: scikit-learn's ``roc_auc_score(positive, score, sample_weight=...)``, one weighting at a time.
    """
    of_positive, of_negative = weights[positive], weights[~positive]
    negatives = score[~positive]
    order = np.argsort(negatives, kind="stable")
    negatives = negatives[order]
    up_to = np.zeros((len(negatives) + 1, weights.shape[1]), np.int32)
    np.cumsum(of_negative[order], axis=0, dtype=np.int32, out=up_to[1:])
    below = up_to[np.searchsorted(negatives, score[positive], "left")]
    below += up_to[np.searchsorted(negatives, score[positive], "right")]
    below *= of_positive
    won_twice = below.sum(axis=0, dtype=np.int64)
    return _ratio(won_twice, 2 * of_positive.sum(axis=0, dtype=np.int64) * up_to[-1])


def weighted_r2(value: Floats, truth: Floats, weights: Counts) -> NDArray[np.float64]:
    """Share of the variance of the truth that the predictions explain.

    Args:
        value: Predictions, shape ``(tracks,)``.
        truth: True values, shape ``(tracks,)``.
        weights: How often each track counts, int32, shape ``(tracks, weightings)``.

    Returns:
        Shape ``(weightings,)``; NaN where the truth does not vary.

    Source: scikit-learn's ``r2_score(truth, value, sample_weight=...)``.
    """
    residual = truth.astype(np.float64) - value
    centred = truth.astype(np.float64) - truth.mean()  # or large squares would drown their spread
    sums = np.stack([np.ones_like(centred), centred, centred**2, residual**2]) @ weights.astype(np.float64)
    total, mean, squares, error = sums[0], _ratio(sums[1], sums[0]), sums[2], sums[3]
    spread = squares - total * mean**2
    return 1.0 - _ratio(error, np.where(spread > 1e-12 * squares, spread, 0.0))


def weighted_accuracy(right: NDArray[np.bool_], weights: Counts) -> NDArray[np.float64]:
    """Weighted share of tracks that were classified rightly.

    Args:
        right: bool, shape ``(tracks,)``.
        weights: How often each track counts, int32, shape ``(tracks, weightings)``.

    Returns:
        Shape ``(weightings,)``; NaN where all weigh nothing.
    """
    return _ratio(right.astype(np.float64) @ weights, weights.sum(axis=0, dtype=np.float64))


def _ratio(over: NDArray[np.number], under: NDArray[np.number]) -> NDArray[np.float64]:
    """Quotients, NaN where the divisor is 0."""
    found = np.full(np.shape(over), np.nan)
    np.divide(over, under, out=found, where=under > 0)
    return found
