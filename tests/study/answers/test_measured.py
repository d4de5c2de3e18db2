import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.weightstats import DescrStatsW, ttost_paired

from msd_mtl.study.answers.measured import measure, satterthwaite

ALONE, OTHER = np.array([0.61, 0.63, 0.60, 0.66, 0.62]), np.array([0.62, 0.633, 0.612, 0.658, 0.628])
GAINS = OTHER - ALONE
CERTAIN = np.full(200, GAINS.mean())  # the same on every draw of artists


def test_without_variance_over_artists_interval_and_p_are_those_of_students_t():
    one = measure(GAINS, CERTAIN, 100)
    assert one.se_artists == pytest.approx(0, abs=1e-12)
    assert one.interval == pytest.approx(stats.t.interval(0.95, 4, loc=GAINS.mean(), scale=stats.sem(GAINS)))
    assert one.p == pytest.approx(stats.ttest_rel(OTHER, ALONE).pvalue)


@pytest.mark.parametrize("margin", [0.002, 0.01, 0.03])
def test_without_variance_over_artists_equivalence_is_that_of_statsmodels(margin):
    p, _, _ = ttost_paired(OTHER, ALONE, -margin, margin)
    assert measure(GAINS, CERTAIN, 100).p_equivalence(margin) == pytest.approx(p)


def test_variance_over_artists_is_added():
    draws = np.random.default_rng(0).normal(GAINS.mean(), 0.02, 1000)
    one, alone = measure(GAINS, draws, 100), measure(GAINS, CERTAIN, 100)
    artists = np.var(draws, ddof=1) * 100 / 99
    assert one.se**2 == pytest.approx(DescrStatsW(GAINS).std_mean ** 2 + artists)
    assert one.p > alone.p
    assert one.interval[0] < alone.interval[0]


def test_degrees_of_freedom_are_those_of_the_larger_variance():
    assert satterthwaite(1.0, 4, 0.0, 99) == 4
    assert satterthwaite(0.0, 4, 1.0, 99) == pytest.approx(99)
    assert satterthwaite(1.0, 4, 1.0, 4) == 8
    assert satterthwaite(0.0, 4, 0.0, 99) == 4


@pytest.mark.parametrize("values", [[], [0.02]])
def test_fewer_than_two_seeds_have_an_estimate_but_no_interval(values):
    one = measure(values, np.zeros(100), 50)
    assert one.n_pairs == len(values)
    assert np.isnan([one.p, one.p_equivalence(0.01), *one.interval]).all()
    assert np.isnan(one.estimate) == (not values)


def test_draws_that_do_not_define_the_score_do_not_count():
    draws = np.random.default_rng(0).normal(0, 0.02, 500)
    with_gaps = np.concatenate([draws, np.full(100, np.nan)])
    assert measure(GAINS, with_gaps, 50) == measure(GAINS, draws, 50)
    assert np.isnan(measure(GAINS, np.full(100, np.nan), 50).p)


def test_seeds_and_artists_that_all_agree_leave_no_doubt():
    same = measure([0.0, 0.0, 0.0], np.zeros(100), 50)
    assert (same.p, same.p_equivalence(0.01)) == (1, 0)
    gain = measure([0.25, 0.25, 0.25], np.full(100, 0.25), 50)
    assert (gain.p, gain.p_equivalence(0.01)) == (0, 1)
