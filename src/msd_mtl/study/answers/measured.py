"""A contrast as measured: its estimate and how uncertain that is, over seeds and over test artists."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from msd_mtl.study.summary import LEVEL


@dataclass(frozen=True)
class Measured:
    """A contrast as measured, alone.

    Attributes:
        estimate: Mean over seeds; NaN without any.
        variance: Variance over seeds of the contrast of a seed; NaN with fewer than two.
        se_seeds: Standard error of the estimate over seeds; NaN with fewer than two.
        se_artists: Standard error of the estimate over test artists.
        df: Degrees of freedom of both together.
        n_pairs: Seeds.
        n_artists: Test artists.
    """

    estimate: float
    variance: float
    se_seeds: float
    se_artists: float
    df: float
    n_pairs: int
    n_artists: int

    @property
    def se(self) -> float:
        """Standard error of the estimate over both."""
        return math.hypot(self.se_seeds, self.se_artists)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval."""
        half = float(stdtrit(self.df, (1 + LEVEL) / 2)) * self.se
        return self.estimate - half, self.estimate + half

    @property
    def p(self) -> float:
        """Two-sided, of no effect."""
        return 2 * self._above(abs(self.estimate))

    def p_equivalence(self, margin: float) -> float:
        """Two one-sided tests of an effect beyond plus or minus the margin: the larger of the two."""
        return max(self._above(margin + self.estimate), self._above(margin - self.estimate))

    def _above(self, distance: float) -> float:
        """Chance that an error is larger than this."""
        if self.se == 0:
            return 0.0 if distance > 0 else 0.5 if distance == 0 else 1.0
        return float(stdtr(self.df, -distance / self.se))


def measure(values: Sequence[float], draws: NDArray[np.float64], n_artists: int) -> Measured:
    """Estimate a contrast and how uncertain it is, over seeds and over test artists.

    The variance is that of the mean over seeds, plus that of the mean over seeds under resampled artists. What is
    particular to a seed and an artist is in both, so the sum errs on the safe side: taking it out once, as Obuchowski
    and Rockette do, gave too many false findings with three seeds (docs/statistics.md).

    Args:
        values: Contrast of each seed.
        draws: Mean over seeds of the contrast on each draw of artists, NaN where it is not defined.
        n_artists: Test artists drawn from.

    Source: A. Owen, The pigeonhole bootstrap, Annals of Applied Statistics 1 (2007), for the sum; Welch and
    Satterthwaite for its degrees of freedom, where artists count as ``n_artists - 1``.
    """
    n = len(values)
    estimate = float(np.mean(values)) if n else math.nan
    defined = draws[np.isfinite(draws)]
    if n < 2 or n_artists < 2 or len(defined) < 2:
        return Measured(estimate, math.nan, math.nan, math.nan, math.nan, n, n_artists)
    variance = float(np.var(values, ddof=1))
    # Drawing n of n artists shows a variance that is too small by (n - 1) / n.
    of_artists = float(np.var(defined, ddof=1)) * n_artists / (n_artists - 1)
    df = satterthwaite(variance / n, n - 1, of_artists, n_artists - 1)
    return Measured(estimate, variance, math.sqrt(variance / n), math.sqrt(of_artists), df, n, n_artists)


def satterthwaite(one: float, df_one: float, other: float, df_other: float) -> float:
    """Degrees of freedom of the sum of two variances; those of the first if both are 0."""
    under = one**2 / df_one + other**2 / df_other
    return (one + other) ** 2 / under if under > 0 else float(df_one)
