from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from msd_mtl.study.answers.measured import Measured, measure
from msd_mtl.study.answers.seeds_needed import power
from msd_mtl.study.answers.verdicts import conclude, holm

RNG = np.random.default_rng(0)


def measured(estimate: float, se: float, n: int = 5) -> Measured:
    """A contrast without variance over artists."""
    return Measured(estimate, se**2 * n, 0.0, n, 100)


def test_holm_is_that_of_statsmodels_and_counts_what_is_not_tested_as_one():
    ps = np.array([0.01, 0.04, np.nan, 0.03])
    asked = multipletests([0.01, 0.04, 1, 0.03, 1, 1], method="holm")[1]
    assert holm(ps, n_lacking=2)[[0, 1, 3]] == pytest.approx(asked[[0, 1, 3]])
    assert np.isnan(holm(ps)[2])


def test_the_four_verdicts():
    found = conclude([measured(*one) for one in [(0.03, 0.003), (-0.03, 0.003), (0, 0.001), (0.01, 0.01)]], [0.01] * 4)
    assert [one.verdict for one in found] == ["better", "worse", "equivalent", "undecided"]


def test_a_difference_within_the_margin_is_still_a_difference():
    assert conclude([measured(0.004, 0.0005)], [0.01])[0].verdict == "better"


def test_a_finding_can_be_lost_to_the_other_contrasts_of_its_question():
    one = measured(0.03, 0.009)
    assert conclude([one], [0.01])[0].verdict == "better"
    others = [measured(0.001, 0.009)] * 5
    assert conclude([one, *others], [0.01] * 6)[0].verdict == "undecided"


def test_equivalence_is_corrected_too():
    one = measured(0.0, 0.004)
    assert conclude([one], [0.01])[0].verdict == "equivalent"
    assert conclude([one] * 6, [0.01] * 6)[0].verdict == "undecided"


def test_losing_the_runs_of_a_contrast_makes_no_other_finding_surer():
    one, without_effect = measured(0.03, 0.009), measured(0.0, 0.009)
    single = measure([0.2], np.zeros((1, 100)), 50)
    whole = conclude([one, *[without_effect] * 5], [0.01] * 6)[0]
    lost = conclude([one, *[single] * 5], [0.01] * 6)
    assert lost[0] == conclude([one], [0.01], n_lacking=5)[0]
    assert lost[0].p_holm == whole.p_holm == pytest.approx(6 * one.p)
    assert conclude([one], [0.01])[0].verdict == "better"
    assert (lost[0].verdict, lost[1].verdict, lost[1].seeds_needed) == ("undecided", "undecided", None)


@pytest.mark.parametrize(("estimate", "se"), [(0.02, 0.012), (-0.03, 0.02), (0.0, 0.02), (0.002, 0.008)])
def test_seeds_needed_have_the_power_they_promise(estimate, se):
    one = measured(estimate, se)
    n = conclude([one], [0.01])[0].seeds_needed
    assert n > one.n_pairs
    assert power(one, n, 0.01, 0.05) >= 0.8 > power(one, n - 1, 0.01, 0.05)
    repeated = [
        measure(values, np.zeros((n, 10)), 100) for values in RNG.normal(estimate, np.sqrt(one.variance), (4000, n))
    ]
    decided = [again.p < 0.05 or again.p_equivalence(0.01) < 0.05 for again in repeated]
    assert np.mean(decided) == pytest.approx(0.8, abs=0.04)


def test_seeds_needed_are_those_at_the_level_of_the_whole_question():
    one, other, single = measured(0.02, 0.012), measured(0.001, 0.009), measure([0.2], np.zeros((1, 100)), 50)
    needed = conclude([one, other, other, single], [0.01] * 4)[0].seeds_needed
    assert needed > conclude([one], [0.01])[0].seeds_needed
    assert power(one, needed, 0.01, 0.05 / 4) >= 0.8 > power(one, needed - 1, 0.01, 0.05 / 4)


def test_what_is_decided_needs_no_more_seeds():
    found = conclude([measured(*one) for one in [(0.03, 0.003), (-0.03, 0.003), (0, 0.001)]], [0.01] * 3)
    assert [one.seeds_needed for one in found] == [None] * 3


def test_each_contrast_has_its_own_margin():
    one = measured(0.0, 0.01)
    narrow, wide = conclude([one, one], [0.01, 0.1])
    assert (narrow.verdict, wide.verdict) == ("undecided", "equivalent")
    assert (narrow.margin, wide.margin) == (0.01, 0.1)


def test_artists_and_few_seeds_count_in_the_power():
    """The chance that a study of so many seeds decides, against as many simulated ones."""
    one = Measured(0.02, 0.01**2, 0.01, 4, 40)
    estimates = RNG.normal(0.02, np.hypot(0.01 / np.sqrt(4), 0.01), 40_000)
    variances = 0.01**2 * RNG.chisquare(3, 40_000) / 3
    half = np.hypot(stats.t.ppf(0.975, 3) * np.sqrt(variances / 4), stats.t.ppf(0.975, 39) * 0.01)
    assert power(one, 4, 0.001, 0.05) == pytest.approx(np.mean(np.abs(estimates) > half), abs=0.01)


def test_no_number_of_seeds_makes_up_for_too_few_artists():
    one = replace(measured(0.005, 0.01), se_artists=0.02)
    assert conclude([one], [0.01])[0].seeds_needed is None
