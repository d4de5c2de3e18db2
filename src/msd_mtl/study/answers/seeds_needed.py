"""How many seeds would decide what is undecided."""

import math

import numpy as np
from scipy.special import gammaincinv, ndtr, stdtrit

from msd_mtl.study.answers.measured import Measured, satterthwaite

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

    Source: the exact power of the t test and of two one-sided tests, given the standard error that is found, averaged
    over its distribution: a chi with the degrees of freedom of the two variances together.
    """
    of_seeds, of_artists = one.variance / n, one.se_artists**2
    se = math.sqrt(of_seeds + of_artists)
    df = satterthwaite(of_seeds, n - 1, of_artists, one.n_artists - 1)
    found = se * np.sqrt(gammaincinv(df / 2, QUANTILES) * 2 / df)
    beyond = stdtrit(df, 1 - alpha / 2) * found  # an estimate that differs from 0
    within = np.clip(margin - stdtrit(df, 1 - alpha) * found, 0.0, beyond)  # one that is as good as 0
    between = sum(ndtr((sign * beyond - one.estimate) / se) * sign for sign in (1, -1))
    inside = sum(ndtr((sign * within - one.estimate) / se) * sign for sign in (1, -1))
    return float(np.mean(1 - between + inside))
