import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.weightstats import ttost_paired

from msd_mtl.study.answers.measured import Measured, half_width, measure

ALONE, OTHER = np.array([0.61, 0.63, 0.60, 0.66, 0.62]), np.array([0.62, 0.633, 0.612, 0.658, 0.628])
GAINS = OTHER - ALONE
CERTAIN = np.zeros((5, 200))  # the same on every draw of artists
RNG = np.random.default_rng(0)


def test_without_variance_over_artists_interval_and_p_are_those_of_students_t():
    one = measure(GAINS, CERTAIN, 100)
    assert one.se_artists == 0
    assert one.interval == pytest.approx(stats.t.interval(0.95, 4, loc=GAINS.mean(), scale=stats.sem(GAINS)))
    assert one.p == pytest.approx(stats.ttest_rel(OTHER, ALONE).pvalue)
    assert one.df == pytest.approx(4)


@pytest.mark.parametrize("margin", [0.002, 0.01, 0.03])
@pytest.mark.parametrize("sign", [1, -1])
def test_without_variance_over_artists_equivalence_is_that_of_statsmodels(margin, sign):
    p, _, _ = ttost_paired(sign * OTHER, sign * ALONE, -margin, margin)
    assert measure(sign * GAINS, CERTAIN, 100).p_equivalence(margin) == pytest.approx(p)


def test_what_seeds_have_in_common_is_told_from_what_is_particular_to_each():
    common, own = RNG.normal(0, 0.02, 20_000), RNG.normal(0, 0.03, (5, 20_000))
    assert measure(GAINS, common + own, 100).se_artists == pytest.approx(0.02 * np.sqrt(100 / 99), rel=0.03)
    assert measure(GAINS, own, 100).se_artists < 0.003
    opposed = np.array([1, -1, 1, -1, 0])[:, None] * RNG.normal(0, 0.02, 1000)
    assert measure(GAINS, opposed, 100).se_artists == 0


@pytest.mark.parametrize("n_artists", [2, 5])
def test_few_artists_make_up_for_the_spread_that_drawing_them_again_misses(n_artists):
    common = RNG.normal(0, 0.02, 1000) + CERTAIN[:, :1]
    few, many = (measure(GAINS, common, n).se_artists for n in (n_artists, 10**12))
    assert few == pytest.approx(many * np.sqrt(n_artists / (n_artists - 1)))


def test_without_variance_over_seeds_the_interval_is_that_of_the_artists():
    one = Measured(0.01, 0.0, 0.004, 5, 100)
    assert one.interval == pytest.approx(stats.t.interval(0.95, 99, loc=0.01, scale=0.004))
    assert one.p == pytest.approx(2 * stats.t.sf(0.01 / 0.004, 99))
    assert one.df == pytest.approx(99)


def test_both_sources_of_error_widen_the_interval_with_their_own_quantiles():
    one = Measured(0.01, 5 * 0.003**2, 0.004, 5, 100)
    half = np.hypot(stats.t.ppf(0.975, 4) * 0.003, stats.t.ppf(0.975, 99) * 0.004)
    assert one.interval == pytest.approx((0.01 - half, 0.01 + half))
    assert 4 < one.df < 99


@pytest.mark.parametrize("estimate", [0.0, 0.004, -0.02, 0.5])
def test_p_is_the_level_at_which_the_interval_ends_at_zero(estimate):
    one = Measured(estimate, 5 * 0.003**2, 0.004, 5, 100)
    assert half_width(0.003, 4, 0.004, 99, one.p / 2) == pytest.approx(abs(estimate), abs=1e-12)
    assert one.p_equivalence(0.01) == pytest.approx(one._chance_above(0.01 - abs(estimate)))
    assert (one.p_equivalence(0.01) > 0.5) == (abs(estimate) > 0.01)


def test_what_is_hardly_possible_has_a_p_above_zero():
    assert 0 < Measured(1e6, 1e-6, 0.001, 5, 100).p < 1e-14


@pytest.mark.parametrize("values", [[], [0.02]])
def test_fewer_than_two_seeds_have_an_estimate_but_no_interval(values):
    one = measure(values, np.zeros((len(values), 100)), 50)
    assert one.n_pairs == len(values)
    assert one.untested == f"{len(values)} seed{'' if values else 's'}, and two are the least that show a spread"
    assert np.isnan([one.p, one.p_equivalence(0.01), one.df, one.se_seeds, *one.interval]).all()
    assert np.isnan(one.estimate) == (not values)


def test_draws_that_do_not_define_the_score_do_not_count():
    draws = RNG.normal(0, 0.02, (5, 500))
    with_gaps = np.concatenate([draws, np.full((5, 5), np.nan)], axis=1)
    assert measure(GAINS, with_gaps, 50) == measure(GAINS, draws, 50)
    assert np.isnan(measure(GAINS, np.full((5, 100), np.nan), 50).p)


def test_a_contrast_that_many_draws_do_not_define_is_not_tested():
    draws = RNG.normal(0, 0.0001, (5, 1000))
    draws[2, :50] = np.nan
    one = measure(GAINS, draws, 50)
    assert np.isnan([one.p, one.p_equivalence(0.01), *one.interval]).all()
    assert one.untested == "too few test artists differ in the target: 5.0% of their draws have one value"


def test_seeds_that_agree_by_chance_are_not_taken_for_certain():
    values, own = np.full(2, 1 / 353), RNG.normal(0, 0.004, 4000)
    tied = measure(
        values, np.stack([own, -own]), 187
    )  # draws that go against each other hide what seeds have in common
    assert tied.se_artists == 0
    assert tied.se_seeds == pytest.approx(0.004 / np.sqrt(2) * np.sqrt(187 / 186), rel=0.05)
    assert tied.p == pytest.approx(2 * stats.t.sf(1 / 353 / tied.se_seeds, 1))
    common = RNG.normal(0, 0.003, 4000)
    both = measure([1 / 353, 1 / 353 + 1e-15], common + np.stack([own, -own]), 187)  # equal but for rounding
    of_each = np.hypot(0.004, 0.003) * np.sqrt(187 / 186)
    assert np.hypot(both.se_seeds * np.sqrt(2), both.se_artists) == pytest.approx(of_each, rel=0.05)


def test_three_seeds_that_agree_have_an_error_where_their_draws_differ():
    own = RNG.normal(0, 0.004, (3, 20_000))
    tied = measure([0.01] * 3, own, 10**6)
    assert np.hypot(tied.se_seeds * np.sqrt(3), tied.se_artists) == pytest.approx(0.004, rel=0.02)
    assert tied.p > 0.01


def test_seeds_that_differ_have_the_variance_that_they_show():
    noisy = RNG.normal(0, 1, (2, 1000))
    assert measure([0.01, 0.012], noisy, 100).variance == pytest.approx(2e-6)


def test_two_seeds_that_agree_whoever_is_drawn_decide_nothing():
    for value in (0.0, 0.25):
        same = measure([value] * 2, np.full((2, 100), value), 50)
        assert np.isnan([same.p, same.p_equivalence(0.01), *same.interval]).all()
        assert same.untested == "two seeds that agree on all draws of test artists show no spread; three may"


def test_three_seeds_and_artists_that_all_agree_leave_no_doubt():
    same = measure([0.0, 0.0, 0.0], np.zeros((3, 100)), 50)
    assert (same.p, same.p_equivalence(0.01), same.df) == (1, 0, 2)
    gain = measure([0.25, 0.25, 0.25], np.zeros((3, 100)), 50)
    assert (gain.p, gain.p_equivalence(0.01)) == (0, 1)
