"""How much the labels of two tasks have to do with each other, on the tracks that have both."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from msd_mtl.data.task import Kind


@dataclass(frozen=True)
class Association:
    """Association of many tags with a target.

    Attributes:
        n: Tracks that know both, int64, shape ``(tags,)``.
        positive: Of these, tracks with the tag, int64, shape ``(tags,)``.
        correlation: Pearson correlation, NaN where one of the two is constant, float64, shape ``(tags,)``.
    """

    n: NDArray[np.int64]
    positive: NDArray[np.int64]
    correlation: NDArray[np.float64]


def correlate_tags(tags: csr_array, known: NDArray[np.bool_], target: NDArray[np.float32]) -> Association:
    """Correlate every tag of a family with a target in three sparse products.

    Args:
        tags: 0/1, shape ``(rows, tags)``.
        known: Rows that the tag source knows, bool, shape ``(rows,)``.
        target: The target's labels, NaN where missing, float32, shape ``(rows,)``.
    """
    both = np.flatnonzero(known & ~np.isnan(target))
    x, y = tags[both].astype(np.float64), target[both].astype(np.float64)
    n, positive, total = len(both), x.sum(axis=0), y.sum()
    covariance = n * (x.T @ y) - positive * total
    spread = np.sqrt((n * positive - positive**2) * max(n * (y @ y) - total**2, 0.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = np.where(spread > 0, covariance / spread, np.nan)
    return Association(np.full(x.shape[1], n), positive.astype(np.int64), correlation)


def association(one: NDArray[np.float32], kind: Kind, other: NDArray[np.float32], other_kind: Kind) -> float:
    """Strength of association of two tasks' labels on the rows that have both.

    Pearson's correlation (phi for two binary tasks), signed; where one task is multiclass the correlation ratio, and
    where both are, Cramér's V, from 0 to 1.

    Args:
        one: Labels, NaN where missing, float32, shape ``(rows,)``.
        kind: Kind of the first task.
        other: Labels of the second, likewise.
        other_kind: Its kind.

    Returns:
        The association, NaN where a task does not vary over these rows.
    """
    both = ~np.isnan(one) & ~np.isnan(other)
    x, y = one[both].astype(np.float64), other[both].astype(np.float64)
    if len(x) == 0 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    if kind == "multiclass" and other_kind == "multiclass":
        return _cramers_v(x, y)
    if kind == "multiclass":
        return _correlation_ratio(x, y)
    if other_kind == "multiclass":
        return _correlation_ratio(y, x)
    return float(np.corrcoef(x, y)[0, 1])


def association_matrix(labels: Sequence[NDArray[np.float32]], kinds: Sequence[Kind]) -> NDArray[np.float64]:
    """Association of each pair of tasks, float64, shape ``(tasks, tasks)``, ones on the diagonal."""
    matrix = np.eye(len(labels))
    for i in range(len(labels)):
        for j in range(i):
            matrix[i, j] = matrix[j, i] = association(labels[i], kinds[i], labels[j], kinds[j])
    return matrix


def _correlation_ratio(classes: NDArray[np.float64], values: NDArray[np.float64]) -> float:
    _, group, n = np.unique(classes, return_inverse=True, return_counts=True)
    means = np.bincount(group, weights=values) / n
    return float(np.sqrt(np.average((means - values.mean()) ** 2, weights=n) / values.var()))


def _cramers_v(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    from scipy.stats.contingency import association as scipy_association
    from scipy.stats.contingency import crosstab

    return float(scipy_association(crosstab(one, other).count, method="cramer"))
