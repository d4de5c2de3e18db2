from dataclasses import replace

import pytest

from msd_mtl.study.page import words

from .made import contrast, effect


def test_a_decided_contrast_in_words():
    found = contrast(effect=replace(effect(0.021, "better"), low=0.008, high=0.034, p_holm=0.01))
    expected = "better by 0.021 AUROC, 95 % interval 0.008 to 0.034, 5 seeds, p = 0.01 (Holm)"
    assert words.verdict_of(found) == expected


def test_a_verdict_says_how_few_artists_it_hangs_on():
    found = contrast(effect=effect(-0.021, "worse"), few_artists=7)
    assert words.verdict_of(found).endswith(
        "(test artists with the rarer class are worth only 7 of equal size: not as sure as it says)"
    )


def test_worse_is_told_by_its_size_and_small_p_by_a_bound():
    found = contrast(effect=replace(effect(-0.021, "worse"), low=-0.034, high=-0.008, p_holm=0.0002))
    said = words.verdict_of(found)
    assert said.startswith("worse by 0.021 AUROC, 95 % interval \N{MINUS SIGN}0.034 to \N{MINUS SIGN}0.008")
    assert said.endswith("p < 0.001 (Holm)")


def test_other_questions_speak_of_the_gain():
    assert words.verdict_of(contrast("size")).startswith("gain larger by 0.021 AUROC")
    assert words.verdict_of(contrast("depth", effect=effect(-0.03, "worse"))).startswith("gain smaller by 0.030")


def test_equivalence_names_its_margin_and_its_test():
    said = words.verdict_of(contrast(effect=effect(0.002, "equivalent")))
    assert said.startswith("no difference beyond ±0.01 AUROC: +0.002")
    assert said.endswith("p = 0.01 (two one-sided tests, Holm)")


@pytest.mark.parametrize(
    ("changes", "end"),
    [
        ({"seeds_needed": 1200}, "about 1,200 seeds would decide it"),
        ({"seeds_needed": None}, "no number of seeds would decide it: the test set is too small"),
        ({"n_pairs": 1, "untested": "1 seed is too few"}, "undecided: 1 seed is too few"),
    ],
)
def test_undecided_says_what_would_decide_it(changes, end):
    said = words.verdict_of(contrast(effect=replace(effect(0.002), **changes)))
    assert said.startswith("undecided")
    assert said.endswith(end)


def test_the_leading_contrast_is_the_surest_decided_one():
    undecided, equal = contrast(effect=effect(0.2)), contrast(effect=effect(0.0, "equivalent"))
    sure = contrast(effect=replace(effect(-0.02, "worse"), p_holm=0.001))
    less = contrast(effect=replace(effect(0.3, "better"), p_holm=0.01))
    assert words.leading([undecided, equal, less, sure]) is sure
    assert words.leading([undecided, equal]) is equal
    assert words.leading([]) is None
    assert words.tally([undecided, equal, less, sure]) == [
        ("better", 1),
        ("worse", 1),
        ("equivalent", 1),
        ("undecided", 1),
    ]


def test_of_undecided_contrasts_the_lowest_corrected_p_leads():
    nan = float("nan")

    def undecided(p_holm, seeds_needed, estimate=0.02):
        return contrast(effect=replace(effect(estimate), p_holm=p_holm, seeds_needed=seeds_needed))

    untested, unlikely, near = undecided(nan, None), undecided(0.283, 6, 0.1), undecided(0.09, None)
    assert words.leading([untested, unlikely, near]) is near
    few, large = undecided(1.0, 6), undecided(1.0, 40, 0.1)
    assert words.leading([untested, large, few]) is few
    assert words.leading([undecided(1.0, None), undecided(1.0, None, 0.1), large]) is large
    assert words.leading([untested]) is untested


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        *((0.0214, "0.021"), (-0.5, "\N{MINUS SIGN}0.500"), (float("nan"), "–"), (0.0, "0.000")),
        *((-0.0001, "\N{MINUS SIGN}0.0001"), (0.00034, "0.0003"), (-0.00005, "\N{MINUS SIGN}0.00005")),
        *((0.0005, "0.001"), (0.000096, "0.0001"), (-1e-17, "0.000")),
    ],
)
def test_numbers(value, shown):
    assert words.number(value) == shown


def test_what_would_round_to_zero_shows_its_sign_and_size():
    low = replace(effect(-0.0002, "equivalent"), low=-0.0004, high=0.00008)
    said = words.verdict_of(contrast(effect=low))
    assert "AUROC: -0.0002, 95 % interval -0.0004 to 0.00008," in said.replace("\N{MINUS SIGN}", "-")
    worse = words.verdict_of(contrast(effect=replace(effect(-0.0004, "worse"), low=-0.0006, high=-0.0002)))
    assert worse.startswith("worse by 0.0004 AUROC")
    assert words.number(0.0002, signed=True) == "+0.0002"
    assert words.number(0.04, 1) == "0.04"


def test_settings_that_are_not_set_are_not_named():
    assert words.setting((("data.control", "null"), ("recipe.name", "paper2016"))) == "recipe.name = paper2016"


def test_a_mask_among_settings_is_written_as_everywhere():
    context = (("data.split", "[a, b]"), ("model.match_parameters", "[1, 1, 0, 0]"), ("data.control", "null"))
    assert words.setting(context) == "data.split = [a, b], model.match_parameters = 1100"
    assert words.brief(context) == "split [a, b], match_parameters 1100"


def test_a_mean_over_sizes_is_said_where_there_are_several():
    one, several = contrast(), contrast(sizes=(500, 2000))
    assert words.meaning("benefit", [one]) == "Gain of sharing over learning the target without it."
    assert words.meaning("benefit", [one, several]).endswith("without it, averaged over training sizes.")
    assert words.meaning("size", [several]) == words.MEANING["size"]


def test_a_spread_of_nothing_is_not_known():
    assert words.spread([]) == words.NOT_KNOWN
    assert [words.spread(one) for one in ([3], [8000, 500])] == ["3", "500 to 8,000"]


def test_runs_that_do_not_differ_are_said_not_to():
    same = contrast(effect=effect(0.0, "equivalent", spread=0.0))
    told = "no difference at all: the runs score the same with 5 seeds on all test artists"
    assert words.verdict_of(same) == told
    assert "0.000, 95 % interval" in words.verdict_of(contrast(effect=effect(0.0, "equivalent")))
    assert "0.0002, 95 % interval" in words.verdict_of(contrast(effect=effect(0.0002, "equivalent", spread=0.0)))
