"""How many seeds would decide what is undecided."""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv, ndtr, stdtrit

from msd_mtl.study.answers.measured import Measured

POWER = 0.8
MOST = 10_000  # seeds; more are as good as no number
QUANTILES = (np.arange(100) + 0.5) / 100  # of the standard error that is found


def seeds_needed(one: Measured, margin: float, alpha: float) -> int | None:
    """Seeds with which a verdict other than undecided would be reached in four of five repetitions.

    Supposes that the truth is as measured: effect, variance over seeds, and the variance over artists, which more
    seeds do not make smaller.

    Args:
        one: An undecided contrast of at least two seeds.
        margin: Margin of equivalence.
        alpha: Level of each test.

    Returns:
        The smallest such number above those there are; None where the test part is too small for any.
    """
    if power(one, MOST, margin, alpha) < POWER:
        return None
    low, high = one.n_pairs, MOST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(one, middle, margin, alpha) >= POWER else (middle, high)
    return high


def power(one: Measured, n: int, margin: float, alpha: float) -> float:
    """Chance that ``n`` seeds show a difference, or that there is none beyond the margin.

    Args:
        one: What is taken for the truth.
        n: Seeds.
        margin: Margin of equivalence.
        alpha: Level of each test.

    Source: the exact power of Student's test and of two one-sided tests given the variance that is found, averaged over
    its distribution; the variance over artists counts as known.
    """
    of_seeds, se = one.variance / n, math.sqrt(one.variance / n + one.se_artists**2)
    found = of_seeds * _half_chi_squared(n - 1) * 2 / (n - 1)

    def half_width(tail: float) -> NDArray[np.float64]:
        of_artists = stdtrit(one.n_artists - 1, tail) * one.se_artists
        return np.hypot(stdtrit(n - 1, tail) * np.sqrt(found), of_artists)

    beyond = half_width(alpha / 2)  # an estimate that differs from 0
    within = np.clip(margin - half_width(alpha), 0.0, beyond)  # one that is as good as 0
    between = sum(ndtr((sign * beyond - one.estimate) / se) * sign for sign in (1, -1))
    inside = sum(ndtr((sign * within - one.estimate) / se) * sign for sign in (1, -1))
    return float(np.mean(1 - between + inside))


@lru_cache(maxsize=1024)  # a report asks for the same degrees of freedom again and again
def _half_chi_squared(df: int) -> NDArray[np.float64]:
    """Quantiles of half a chi-squared variable."""
    return np.asarray(gammaincinv(df / 2, QUANTILES), np.float64)
