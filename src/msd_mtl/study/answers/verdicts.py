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


def conclude(family: Sequence[Measured], margins: Sequence[float], n_lacking: int = 0) -> list[Effect]:
    """Correct the contrasts of a question together (Holm) and say what may be said of each.

    Args:
        family: Contrasts of one question. Those that cannot be tested count, as 1: were they left out, whoever loses
            the runs of some would make the p of the others smaller.
        margins: Margin of equivalence of each.
        n_lacking: Further contrasts that were asked and are not there to be measured; they count likewise.
    """
    if not family:
        return []
    corrected = holm(np.array([one.p for one in family]), n_lacking)
    beyond = [one.p_equivalence(margin) for one, margin in zip(family, margins, strict=True)]
    equivalence = holm(np.array(beyond), n_lacking)
    alpha = ALPHA / (len(family) + n_lacking)
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


def holm(ps: NDArray[np.float64], n_lacking: int = 0) -> NDArray[np.float64]:
    """Holm's correction; NaN counts as 1, as do those that are lacking, and stays NaN."""
    gc.freeze()  # multipletests collects garbage, for a tenth of a second or more: leave it nothing to visit
    counted = np.append(np.where(np.isfinite(ps), ps, 1.0), np.ones(n_lacking))
    corrected = multipletests(counted, method="holm")[1][: len(ps)]
    gc.unfreeze()
    return np.where(np.isfinite(ps), corrected, np.nan)


def _verdict(estimate: float, p: float, p_equivalence: float) -> Verdict:
    if p < ALPHA:
        return "better" if estimate > 0 else "worse"
    return "equivalent" if p_equivalence < ALPHA else "undecided"
