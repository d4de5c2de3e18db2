"""Verdicts: the contrasts of a question corrected together, and what may then be said of each."""

import gc
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from statsmodels.stats.multitest import multipletests

from msd_mtl.study.answers.effect import Effect, Verdict
from msd_mtl.study.answers.measured import Measured
from msd_mtl.study.answers.seeds_needed import seeds_needed
from msd_mtl.study.summary import LEVEL

ALPHA = 1 - LEVEL  # of every verdict


def conclude(family: Sequence[Measured], margins: Sequence[float]) -> list[Effect]:
    """Correct the contrasts of a question together (Holm) and say what may be said of each.

    Args:
        family: Contrasts of one question; those that cannot be tested do not count.
        margins: Margin of equivalence of each.
    """
    ps = np.array([one.p for one in family])
    corrected = holm(ps)
    equivalence = holm(np.array([one.p_equivalence(margin) for one, margin in zip(family, margins, strict=True)]))
    alpha = ALPHA / max(int(np.isfinite(ps).sum()), 1)
    return [_effect(one, margins[i], float(corrected[i]), float(equivalence[i]), alpha) for i, one in enumerate(family)]


def _effect(one: Measured, margin: float, p: float, p_equivalence: float, alpha: float) -> Effect:
    verdict = _verdict(one.estimate, p, p_equivalence)
    low, high = one.interval
    undecided = verdict == "undecided" and one.is_testable
    return Effect(
        estimate=one.estimate,
        low=low,
        high=high,
        p=one.p,
        p_holm=p,
        p_equivalence=p_equivalence,
        verdict=verdict,
        margin=margin,
        n_pairs=one.n_pairs,
        untested=one.untested,
        se_seeds=one.se_seeds,
        se_artists=one.se_artists,
        df=one.df,
        seeds_needed=seeds_needed(one, margin, alpha) if undecided else None,
    )


def holm(ps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Holm's correction; NaN stays NaN and does not count."""
    corrected = np.full(len(ps), np.nan)
    tested = np.isfinite(ps)
    if tested.any():
        gc.freeze()  # multipletests collects garbage, for a tenth of a second or more: leave it nothing to visit
        corrected[tested] = multipletests(ps[tested], method="holm")[1]
        gc.unfreeze()
    return corrected


def _verdict(estimate: float, p: float, p_equivalence: float) -> Verdict:
    if p < ALPHA:
        return "better" if estimate > 0 else "worse"
    return "equivalent" if p_equivalence < ALPHA else "undecided"
