"""How much the labels of two tasks have to do with each other, with an interval over artists."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from msd_mtl.data.task import Kind, Task

Measure = Literal["phi", "pearson", "eta", "cramer"]
Floats = NDArray[np.float64]

LEVEL = 0.95  # of the interval
N_RESAMPLES = 400  # our choice: the ends of an interval to a twentieth of its width
MOST_GROUPS = 400  # our choice: more artists are put together at random, which leaves them independent and draws cheap


@dataclass(frozen=True)
class LabelCoupling:
    """Association of two tasks' labels.

    Attributes:
        value: Pearson's correlation (phi for two binary tasks), from -1 to 1; where one task is multiclass the
            correlation ratio (eta), where both are Cramér's V, from 0 to 1. NaN where a task does not vary.
        low: Lower end of the 95 % interval (percentiles over resampled artists); NaN with fewer than two artists.
        high: Upper end.
        n: Tracks that know both.
        kind: ``phi``, ``pearson``, ``eta`` or ``cramer``.
    """

    value: float
    low: float
    high: float
    n: int
    kind: Measure


def measure_of(one: Kind, other: Kind) -> Measure:
    """The measure of association of two kinds of tasks."""
    if "multiclass" in (one, other):
        return "cramer" if one == other else "eta"
    return "phi" if one == other == "binary" else "pearson"


def label_coupling(
    one: NDArray[np.float32], task: Task, other: NDArray[np.float32], other_task: Task, artist: NDArray[np.int32]
) -> LabelCoupling:
    """Measure the association of two tasks' labels on the tracks that know both.

    Every measure is a function of sums over tracks, so artists are resampled by weighting their sums.

    Args:
        one: Labels, NaN where missing, float32, shape ``(rows,)``.
        task: Their task.
        other: Labels of the other task, likewise.
        other_task: The other task.
        artist: Artist of each track, shape ``(rows,)``.
    """
    both = ~np.isnan(one) & ~np.isnan(other)
    kind = measure_of(task.kind, other_task.kind)
    x, y = one[both].astype(np.float64), other[both].astype(np.float64)
    if len(x) == 0:
        return LabelCoupling(float("nan"), float("nan"), float("nan"), 0, kind)
    if kind == "eta" and other_task.kind == "multiclass":
        x, y = y, x
    terms, value_of = _TERMS[kind](x, y)
    _, group = np.unique(artist[both], return_inverse=True)
    rng = np.random.default_rng(0)
    if group.max() >= MOST_GROUPS:
        group = rng.integers(MOST_GROUPS, size=int(group.max()) + 1)[group]
        _, group = np.unique(group, return_inverse=True)
    n_groups = int(group.max()) + 1
    sums = np.stack([np.bincount(group, term, minlength=n_groups) for term in terms], axis=1)
    value = float(value_of(sums.sum(axis=0, keepdims=True))[0])
    drawn = value_of(rng.multinomial(n_groups, np.full(n_groups, 1 / n_groups), N_RESAMPLES).astype(np.float64) @ sums)
    known = drawn[np.isfinite(drawn)]
    ends = (float("nan"),) * 2
    if n_groups > 1 and len(known) > 1:
        ends = tuple(np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).tolist())
    return LabelCoupling(value, *ends, len(x), kind)


Terms = tuple[list[Floats], Callable[[Floats], Floats]]


def _correlation(x: Floats, y: Floats) -> Terms:
    """Sums whose function is Pearson's correlation; centred, so that no digits are lost to large means."""
    x, y = x - x.mean(), y - y.mean()

    def value_of(sums: Floats) -> Floats:
        n, sx, sy, sxx, syy, sxy = sums.T
        return _ratio(n * sxy - sx * sy, np.sqrt(_positive(n * sxx - sx**2) * _positive(n * syy - sy**2)))

    return [np.ones(len(x)), x, y, x * x, y * y, x * y], value_of


def _correlation_ratio(classes: Floats, values: Floats) -> Terms:
    """Sums whose function is the correlation ratio of values in classes."""
    values = values - values.mean()
    members = [(classes == k).astype(np.float64) for k in np.unique(classes)]

    def value_of(sums: Floats) -> Floats:
        k = len(members)
        n, total = sums[:, :k], sums[:, k : 2 * k]
        mean = total.sum(axis=1) / n.sum(axis=1)
        within = np.divide(total**2, n, out=np.zeros_like(total), where=n > 0).sum(axis=1)
        between = within - n.sum(axis=1) * mean**2
        return np.sqrt(_positive(_ratio(between, _positive(sums[:, -1] - n.sum(axis=1) * mean**2))))

    return [*members, *(member * values for member in members), values**2], value_of


def _cramers_v(one: Floats, other: Floats) -> Terms:
    """Sums whose function is Cramér's V: the cells of the contingency table."""
    rows, columns = np.unique(one), np.unique(other)
    cells = [((one == r) & (other == c)).astype(np.float64) for r in rows for c in columns]

    def value_of(sums: Floats) -> Floats:
        table = sums.reshape(-1, len(rows), len(columns))
        n = table.sum(axis=(1, 2))
        expected = table.sum(axis=2)[:, :, None] * table.sum(axis=1)[:, None, :] / n[:, None, None]
        squared = np.divide((table - expected) ** 2, expected, out=np.zeros_like(table), where=expected > 0)
        fewest = np.minimum((table.sum(axis=2) > 0).sum(axis=1), (table.sum(axis=1) > 0).sum(axis=1)) - 1
        return np.sqrt(_ratio(squared.sum(axis=(1, 2)), n * fewest))

    return cells, value_of


def _positive(values: Floats) -> Floats:
    """Values whose rounding errors below 0 are 0."""
    return np.maximum(values, 0.0)


def _ratio(above: Floats, below: Floats) -> Floats:
    """Quotients, NaN where nothing is below."""
    return np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)


_TERMS: dict[Measure, Callable[[Floats, Floats], Terms]] = {
    "phi": _correlation,
    "pearson": _correlation,
    "eta": _correlation_ratio,
    "cramer": _cramers_v,
}
