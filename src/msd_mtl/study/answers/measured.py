"""A contrast as measured: its estimate and how uncertain that is, over seeds and over test artists."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr, stdtr, stdtridf, stdtrit

from msd_mtl.study.summary import LEVEL

TIED = 1e-9  # seeds within this agree: scores of records and of predictions are held to be equal up to it
MOST_LOST = 0.01  # share of draws that lack a class; about e^-m for m artists of the rarer class, so m is below five
FARTHEST = 8.0  # standard normal deviations; what is less likely than beyond these, 6e-16, is as unlikely


@dataclass(frozen=True)
class Measured:
    """A contrast as measured, alone.

    Attributes:
        estimate: Mean over seeds; NaN without any.
        variance: Variance over seeds of the contrast of a seed; NaN with fewer than two.
        se_artists: Standard error of the estimate over test artists, in what all seeds have in common.
        n_pairs: Seeds.
        n_artists: Test artists.
        untested: Why there is no interval; empty where there is one.
    """

    estimate: float
    variance: float
    se_artists: float
    n_pairs: int
    n_artists: int
    untested: str = ""

    @property
    def is_testable(self) -> bool:
        """Whether there is an interval."""
        return math.isfinite(self.variance + self.se_artists)

    @property
    def se_seeds(self) -> float:
        """Standard error of the estimate over seeds, in what is particular to each; NaN with fewer than two."""
        return math.sqrt(self.variance / self.n_pairs) if self.n_pairs else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval."""
        half = self.half_width((1 - LEVEL) / 2)
        return self.estimate - half, self.estimate + half

    @property
    def df(self) -> float:
        """Degrees of freedom of Student's t that makes the same 95 % interval of the whole standard error."""
        se = math.hypot(self.se_seeds, self.se_artists)
        if not self.is_testable or se == 0:
            return float(self.n_pairs - 1) if self.is_testable else math.nan
        return float(stdtridf((1 + LEVEL) / 2, self.half_width((1 - LEVEL) / 2) / se))

    @property
    def p(self) -> float:
        """Two-sided, of no effect."""
        return 2 * self._chance_above(abs(self.estimate))

    def p_equivalence(self, margin: float) -> float:
        """Two one-sided tests of an effect beyond plus or minus the margin: the larger of the two."""
        return self._chance_above(margin - abs(self.estimate))

    def half_width(self, tail: float) -> float:
        """Distance that an error exceeds with this chance, at most 0.5, on either side."""
        return half_width(self.se_seeds, self.n_pairs - 1, self.se_artists, self.n_artists - 1, tail)

    def _chance_above(self, distance: float) -> float:
        """The chance whose half width the distance is: p of a one-sided test."""
        if not self.is_testable:
            return math.nan
        if distance < 0:
            return 1 - self._chance_above(-distance)
        if self.se_artists == 0:
            if self.se_seeds == 0:
                return 0.0 if distance > 0 else 0.5
            return float(stdtr(self.n_pairs - 1, -distance / self.se_seeds))
        if distance >= self.half_width(float(ndtr(-FARTHEST))):
            return float(ndtr(-FARTHEST))
        return float(ndtr(-brentq(lambda z: self.half_width(float(ndtr(-z))) - distance, 0, FARTHEST)))


def half_width(se_seeds: float, df_seeds: int, se_artists: float, df_artists: int, tail: float) -> float:
    """Half the width of an interval of two sources of error, each with the quantile of its own degrees of freedom.

    Args:
        se_seeds: Standard error over seeds.
        df_seeds: Its degrees of freedom.
        se_artists: Standard error over artists.
        df_artists: Its degrees of freedom.
        tail: Chance on either side.

    Returns:
        Student's half width where one of the two is 0.

    Source: G. Zou and A. Donner, Statistics in Medicine 27 (2008): variance estimates recovered from the limits.
    """
    return math.hypot(stdtrit(df_seeds, tail) * se_seeds, stdtrit(df_artists, tail) * se_artists)


def measure(values: Sequence[float], draws: NDArray[np.float64], n_artists: int) -> Measured:
    """Estimate a contrast and how uncertain it is, over seeds and over test artists.

    The variance between seeds holds what is particular to a seed: initialisation, subset, and what it makes of this
    test part. What all seeds have in common on a test part is the covariance between seeds when artists are drawn
    again. The two add up to the variance of the mean over new seeds and new artists.

    Seeds may agree by chance, as accuracies do that are counts of few tracks: there is a variance, and none is seen.
    What the draws show to be particular to a seed, a part of what it holds, stands in for it.

    Args:
        values: Contrast of each seed.
        draws: The same on each draw of artists, NaN where it is not defined, shape ``(seeds, draws)``.
        n_artists: Test artists drawn from.

    Source: N. Obuchowski and H. Rockette, Communications in Statistics: Simulation and Computation 24 (1995), with
    seeds for readers and artists for patients; the bootstrap for the covariance.
    """
    n = len(values)
    estimate = float(np.mean(values)) if n else math.nan
    defined = draws[:, np.isfinite(draws).all(axis=0)] if n else draws
    if why := _untestable(n, n_artists, draws.shape[-1], defined.shape[-1]):
        return _untested(estimate, n, n_artists, why)
    of_mean = float(np.var(defined.mean(axis=0), ddof=1))
    of_each = float(np.var(defined, axis=1, ddof=1).sum())
    # Drawing n of n artists shows a variance that is too small by (n - 1) / n.
    covariance = max((n**2 * of_mean - of_each) / (n * (n - 1)) * n_artists / (n_artists - 1), 0.0)
    variance = float(np.var(values, ddof=1))
    if np.ptp(values) < TIED:
        variance = max(of_each / n * n_artists / (n_artists - 1) - covariance, 0.0)
    if n < 3 and math.sqrt(variance + covariance) < TIED:
        return _untested(
            estimate, n, n_artists, "two seeds that agree on all draws of test artists show no spread; three may"
        )
    return Measured(estimate, variance, math.sqrt(covariance), n, n_artists)


def _untestable(n_pairs: int, n_artists: int, n_draws: int, n_defined: int) -> str:
    """Why there can be no interval; empty where there can."""
    if n_pairs < 2:
        return f"{n_pairs} seed{'' if n_pairs == 1 else 's'}, and two are the least that show a spread"
    if n_artists < 2 or n_defined < 2:
        return "no spread over test artists is known, for they are too few"
    if n_defined < (1 - MOST_LOST) * n_draws:
        return f"too few test artists differ in the target: {1 - n_defined / n_draws:.1%} of their draws have one value"
    return ""


def _untested(estimate: float, n_pairs: int, n_artists: int, why: str) -> Measured:
    return Measured(estimate, math.nan, math.nan, n_pairs, n_artists, why)
