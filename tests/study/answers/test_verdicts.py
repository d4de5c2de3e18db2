from dataclasses import replace

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from msd_mtl.study.answers.measured import Measured, measure
from msd_mtl.study.answers.seeds_needed import power
from msd_mtl.study.answers.verdicts import conclude, holm

RNG = np.random.default_rng(0)


def measured(estimate: float, se: float, n: int = 5) -> Measured:
    """A contrast without variance over artists."""
    return Measured(estimate, se**2 * n, 0.0, n, 100)


def test_holm_is_that_of_statsmodels_and_passes_over_what_is_not_tested():
    ps = np.array([0.01, 0.04, np.nan, 0.03])
    assert holm(ps)[[0, 1, 3]] == pytest.approx(multipletests(ps[[0, 1, 3]], method="holm")[1])
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


def test_a_contrast_of_one_seed_is_undecided_and_costs_the_others_nothing():
    one = measured(0.03, 0.009)
    single = measure([0.2], np.zeros((1, 100)), 50)
    found = conclude([one, *[single] * 5], [0.01] * 6)
    assert found[0] == conclude([one], [0.01])[0]
    assert (found[1].verdict, found[1].seeds_needed) == ("undecided", None)


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


def test_no_number_of_seeds_makes_up_for_too_few_artists():
    one = replace(measured(0.005, 0.01), se_artists=0.02)
    assert conclude([one], [0.01])[0].seeds_needed is None
