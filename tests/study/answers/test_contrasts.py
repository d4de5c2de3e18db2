"""Contrasts of made-up scores, checked against what was put in."""

import math
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from msd_mtl.study.answers.cells import n_lacking
from msd_mtl.study.answers.contrasts import ASKED, comparisons
from msd_mtl.study.answers.gains import groups
from msd_mtl.study.answers.scoring import Scored
from msd_mtl.study.answers.terms import change, mean, total
from msd_mtl.study.answers.types import Arm, Run

POP = ("term:pop",)
SETS = {"pop": POP, "tight": (*POP, "a", "b"), "loose": (*POP, "c", "d")}
NAN = math.nan


def arm(task_set, mask="0000", n=1000, coupling=None, context=()):
    return Arm(task_set, SETS[task_set], POP[0], mask, n, coupling, context)


def run(one, seed, score, data):
    return Run(f"{hash(one)}-{seed}", one, seed, Path(), {"data": data}, "auroc", score, NAN, NAN, NAN, 1, 1)


def group_of(scores, label_coupling=None):
    """The group of arms with these scores, the same for two seeds."""
    runs = []
    for one, score in scores.items():
        known = (label_coupling or {}).get(one.task_set)
        data = {} if known is None else {"coupling": {task: {"label": {"value": known}} for task in one.tasks[1:]}}
        runs += [run(one, seed, score, data) for seed in (0, 1)]
    (group,) = groups(runs)
    return group


def asked(question, group):
    """Name to value of the contrasts of a question."""
    return {
        one.name: pytest.approx(sum(f * next(iter(group.scores[a].values())).score for a, f in one.terms.items()))
        for one in ASKED[question](group)
    }


def test_weighted_sums():
    one, other = {arm("pop"): 1.0}, {arm("pop"): 1.0, arm("tight"): 3.0}
    assert total((1, other), (-1, one)) == {arm("tight"): 3.0}
    assert mean([one, other]) == {arm("pop"): 1.0, arm("tight"): 1.5}


def test_a_change_is_the_slope_of_least_squares_times_the_range():
    places, values = [1.0, 2.0, 4.0, 7.0], [0.3, 0.1, 0.5, 0.9]
    arms = [arm("tight", n=n) for n in range(4)]
    terms = change(places, [{one: 1.0} for one in arms])
    slope = np.polyfit(places, values, 1)[0]
    assert sum(terms[one] * value for one, value in zip(arms, values, strict=True)) == pytest.approx(slope * 6)


def test_benefit_is_the_mean_gain_over_sizes():
    scores = {arm("pop", n=n): 0.6 for n in (500, 1000)}
    scores |= {arm("tight", "1100", 500): 0.63, arm("tight", "1100", 1000): 0.61, arm("tight", "0000", 500): 0.6}
    assert asked("benefit", group_of(scores)) == {"tight, low (1100)": 0.02}


def test_size_is_the_change_of_the_gain_from_the_smallest_to_the_largest():
    sizes = (500, 1000, 2000, 4000)
    scores = {arm("pop", n=n): 0.5 + n / 20_000 for n in sizes}
    scores |= {arm("tight", "1100", n): 0.5 + n / 20_000 + 0.01 * i for i, n in enumerate(sizes)}
    assert asked("size", group_of(scores)) == {"tight, low (1100), from 500 to 4,000 tracks": 0.03}


def test_one_size_says_nothing_of_size():
    assert asked("size", group_of({arm("pop"): 0.6, arm("tight", "1100"): 0.7})) == {}


@pytest.mark.parametrize(
    ("tight", "loose", "name", "expected"),
    [
        (0.4, -0.1, "tight minus loose, low (1100)", 0.02),
        (0.1, -0.4, "loose minus tight, low (1100)", -0.02),
    ],
)
def test_on_real_data_the_more_coupled_set_is_compared_with_the_less_coupled(tight, loose, name, expected):
    scores = {arm("pop"): 0.6, arm("tight", "1100"): 0.63, arm("loose", "1100"): 0.61}
    assert asked("coupling", group_of(scores, {"tight": tight, "loose": loose})) == {name: expected}


def test_sets_as_coupled_as_each_other_are_not_compared():
    scores = {arm("pop"): 0.6, arm("tight", "1100"): 0.63, arm("loose", "1100"): 0.61}
    assert asked("coupling", group_of(scores, {"tight": 0.3, "loose": -0.3})) == {}
    assert asked("coupling", group_of(scores, {"tight": 0.3})) == {}


def test_the_coupling_of_a_set_is_the_mean_of_its_tasks():
    group = group_of({arm("tight", "1100"): 0.6}, {"tight": 0.3})
    assert group.measured_coupling(("tight", None)) == pytest.approx(0.3)
    assert math.isnan(group.measured_coupling(("loose", None)))


def test_masks_that_one_set_lacks_are_not_compared_between_sets():
    scores = {arm("pop"): 0.6} | {arm("tight", mask): 0.63 for mask in ("0110", "1100")}
    scores |= {arm("loose", mask): 0.61 for mask in ("1001", "1100")}
    group = group_of(scores, {"tight": 0.4, "loose": 0.1})
    assert list(asked("coupling", group)) == ["tight minus loose, low (1100)"]


def test_levels_that_share_nothing_are_not_compared():
    scores = {arm("pop", coupling=0.0): 0.6, arm("tight", "0000", coupling=0.0): 0.6}
    scores |= {arm("tight", "1100", coupling=c): 0.6 + 0.1 * c for c in (0.5, 0.9)}
    assert asked("coupling", group_of(scores)) == {"tight, from coupling 0.5 to 0.9, low (1100)": 0.04}


def test_sets_are_compared_at_the_sizes_that_both_have():
    scores = {arm("pop", n=n): 0.6 for n in (500, 1000)}
    scores |= {arm("tight", "1100", 500): 0.63, arm("tight", "1100", 1000): 0.7, arm("loose", "1100", 500): 0.61}
    (found,) = ASKED["coupling"](group_of(scores, {"tight": 0.4, "loose": 0.1}))
    assert {one.train_size for one in found.terms} == {500}
    assert found.notes == ("n=1,000 is left out: not every arm has it",)


def test_depth_is_over_the_sizes_that_all_masks_have():
    scores = {arm("pop", n=n): 0.6 for n in (500, 1000)} | {arm("tight", "1111", n): 0.63 for n in (500, 1000)}
    (slope,) = ASKED["depth"](group_of(scores | {arm("tight", "1000", 500): 0.6}))
    assert {one.train_size for one in slope.terms} == {500}


def test_a_size_of_one_level_alone_is_said_to_be_left_out():
    scores = {
        arm("tight", mask, n, c): 0.6 for mask in ("0000", "1100") for n, c in ((500, 0.0), (500, 0.9), (1000, 0.9))
    }
    (found,) = ASKED["coupling"](group_of(scores))
    assert found.notes == ("n=1,000 is left out: not every arm has it",)


def test_a_size_that_was_begun_and_has_no_score_is_said_to_be_left_out():
    arms = [arm("pop"), arm("tight", "1100"), arm("tight", "0011")]
    runs = [run(one, seed, 0.6, {}) for one in arms for seed in (0, 1)]
    unscored = [run(arm(*one, n=2000), 0, NAN, {}) for one in (("pop",), ("tight", "1100"))]
    elsewhere = arm("tight", "1100", 8000, context=(("recipe.name", "other"),))
    group, lost = groups([*runs, *unscored], absent=[arm("pop", n=4000), arm("tight", "1100", 4000), elsewhere])
    assert (lost.context, lost.scores, lost.absent) == (elsewhere.context, {}, {elsewhere})
    low, _ = ASKED["benefit"](group)
    assert low.notes == tuple(f"n={n} is left out: no run of it counts" for n in ("2,000", "4,000"))
    (where,) = ASKED["depth"](group)
    assert where.notes == tuple(f"n={n} is left out: not every arm has it" for n in ("2,000", "4,000"))


def test_without_single_task_runs_a_size_counts_where_its_own_set_has_it():
    scores = {arm("tight", mask, 500): 0.6 for mask in ("0000", "1100")}
    scores |= {arm("loose", mask, 1000): 0.6 for mask in ("0000", "1100")}
    assert [one.notes for one in ASKED["benefit"](group_of(scores))] == [(), ()]


def test_the_reference_without_sharing_is_that_of_the_same_set_and_coupling():
    scores = {}
    for place, (task_set, coupling) in enumerate(product(("tight", "loose"), (0.0, 0.9))):
        scores[arm(task_set, "0000", coupling=coupling)] = 0.5 + 0.1 * place
        scores[arm(task_set, "1100", coupling=coupling)] = 0.5 + 0.1 * place + 0.01 * (place + 1)
    assert list(asked("benefit", group_of(scores)).values()) == [0.01, 0.02, 0.03, 0.04]


def test_the_reference_of_another_coupling_is_none_however_many_seeds_it_has():
    other, multi = arm("tight", "0000", coupling=0.0), arm("tight", "1100", coupling=0.9)
    own = arm("tight", "0000", coupling=0.9)
    runs = [run(one, seed, 0.6, {}) for one, n in ((other, 3), (multi, 2), (own, 1)) for seed in range(n)]
    assert groups(runs)[0].references[multi] == own
    assert groups([one for one in runs if one.arm != own])[0].references[multi] is None


def test_the_reference_is_the_single_task_arm_with_the_most_seeds_then_of_the_same_coupling():
    few, many, other = arm("pop", "0000", coupling=0.9), arm("pop", "1100", coupling=0.0), arm("pop", coupling=0.5)
    multi = arm("tight", "1100", coupling=0.9)
    runs = [run(one, seed, 0.6, {}) for one, n in ((few, 1), (many, 3), (other, 2), (multi, 3)) for seed in range(n)]
    assert groups(runs)[0].references[multi] == many
    runs = [run(one, seed, 0.6, {}) for one in (other, many, few, multi) for seed in range(2)]
    assert groups(runs)[0].references[multi] == few


def test_without_a_measured_coupling_nothing_is_said_of_it():
    assert asked("coupling", group_of({arm("pop"): 0.6, arm("tight", "1100"): 0.63, arm("loose", "1100"): 0.6})) == {}


def test_planted_couplings_are_compared_within_their_task_set():
    scores = {arm("pop", coupling=0.0): 0.6, arm("loose", "1100", coupling=0.0): 0.5}
    scores |= {arm("tight", "1100", coupling=c): 0.6 + 0.1 * c for c in (0.0, 0.3, 0.9)}
    group = group_of(scores)
    assert asked("coupling", group) == {"tight, from coupling 0 to 0.9, low (1100)": 0.09}
    assert [compared.places for compared in comparisons(group)] == [(0.0, 0.3, 0.9)]


def test_a_single_task_run_is_the_reference_whatever_its_mask_and_coupling():
    scores = {arm("pop", "1100", coupling=0.5): 0.6, arm("tight", "1100", coupling=0.9): 0.63}
    assert asked("benefit", group_of(scores)) == {"tight, coupling 0.9, low (1100)": 0.03}


def test_depth_its_interaction_with_coupling_and_where():
    masks = ["".join(mask) for mask in product("01", repeat=4)]
    scores = {arm("pop"): 0.6}
    for task_set, per_layer in (("tight", 0.01), ("loose", -0.005)):
        for mask in masks:
            below = 0.002 * (mask.startswith("1") - mask.endswith("1"))
            scores[arm(task_set, mask)] = 0.6 + per_layer * mask.count("1") + below
    assert asked("depth", group_of(scores, {"tight": 0.4, "loose": 0.1})) == {
        "tight, from 0 to 4 shared layers": 0.04,
        "loose, from 0 to 4 shared layers": -0.02,
        "tight minus loose, from 0 to 4 shared layers": 0.06,
        "tight, 1000 and 1100 and 1110 minus 0001 and 0011 and 0111": 0.004,
        "loose, 1000 and 1100 and 1110 minus 0001 and 0011 and 0111": 0.004,
    }


def test_no_sharing_counts_as_depth_0_where_it_is_the_reference():
    scores = {arm("tight", mask): 0.6 + 0.01 * mask.count("1") for mask in ("0000", "1100", "1111")}
    assert asked("depth", group_of(scores)) == {"tight, from 0 to 4 shared layers": 0.04}


def test_sizes_that_not_every_arm_has_are_left_out_and_said():
    scores = {arm("pop", n=n): 0.6 for n in (500, 1000)}
    scores |= {arm("tight", "1100", n): 0.63 for n in (500, 1000)} | {arm("tight", "0011", 500): 0.6}
    (where,) = ASKED["depth"](group_of(scores))
    assert {one.train_size for one in where.terms} == {500}
    assert where.notes == ("n=1,000 is left out: not every arm has it",)


@pytest.mark.parametrize("reference", ["pop", "tight"])
def test_a_benefit_says_at_which_sizes_there_is_nothing_of_it(reference):
    scores = {arm(reference, n=n): 0.6 for n in (500, 1000)} | {arm("tight", "1100", 500): 0.63}
    (benefit,) = ASKED["benefit"](group_of(scores))
    assert {one.train_size for one in benefit.terms} == {500}
    assert benefit.notes == ("n=1,000 is left out: no run of it counts",)


@pytest.mark.parametrize("alone", ["pop", "tight"])
def test_a_size_without_anything_to_compare_with_is_said_to_be_left_out(alone):
    scores = {arm(alone, n=n): 0.6 for n in (500, 1000)} | {arm("tight", "1100", n): 0.63 for n in (500, 1000, 2000)}
    said = ("n=2,000 is left out: it has nothing to be compared with",)
    for question in ("benefit", "size"):
        assert set(notes(question, scores, [arm(alone, n=2000)]).values()) == {said}
        assert set(notes(question, scores, []).values()) == {said}


def test_a_size_without_anything_to_compare_with_is_left_out_between_couplings_too():
    scores = {arm("tight", mask, n, c): 0.6 for mask in ("0000", "1100") for n in (500, 1000) for c in (0.0, 0.9)}
    for c in (0.0, 0.9):
        del scores[arm("tight", "0000", 1000, c)]
    assert list(notes("coupling", scores, []).values()) == [("n=1,000 is left out: not every arm has it",)]


def test_contexts_and_targets_are_not_compared():
    contexts = ((("recipe.name", "default"),), (("recipe.name", "paper2016"),))
    pairs = [(arm("pop", context=context), arm("tight", "1100", context=context)) for context in contexts]
    runs = [run(one, 0, 0.6, {}) for pair in pairs for one in pair]
    for group in groups(runs):
        (benefit,) = ASKED["benefit"](group)
        assert {one.context for one in benefit.terms} == {group.context}


def notes(question, scores, absent, label_coupling=None):
    """Name to notes of the contrasts of a question, where some arms have no run with a score."""
    group = replace(group_of(scores, label_coupling), absent=frozenset(absent))
    return {one.name: one.notes for one in ASKED[question](group)}


def test_a_mask_that_is_absent_altogether_is_said_to_be_left_out():
    scores = {arm("pop"): 0.6} | {arm("tight", mask): 0.6 for mask in ("0000", "1100", "0011", "1111", "0111")}
    absent = [arm("tight", "1000"), arm("loose", "0110"), arm("tight", "1110"), arm("pop", n=500)]
    of_score = " is left out: no run of it counts"
    assert notes("depth", scores, absent) == {
        "tight, from 0 to 4 shared layers": ("1000" + of_score, "1110" + of_score),
        "tight, 1100 minus 0011": ("1110" + of_score, "0111 is left out: no run of its mirror image counts"),
    }


def test_a_mask_that_one_of_the_compared_sets_lacks_is_said_to_be_left_out():
    scores = {arm("pop"): 0.6} | {arm("tight", mask): 0.6 for mask in ("1000", "0100", "1111")}
    scores |= {arm("loose", mask): 0.6 for mask in ("1000", "1111")}
    found = notes("depth", scores, [arm("loose", "0001")], {"tight": 0.4, "loose": 0.1})
    assert found["tight minus loose, from 1 to 4 shared layers"] == (
        "0001 is left out: no run of it counts",
        "0100 is left out: not every task set or coupling has it",
    )


def test_a_coupling_that_is_absent_altogether_is_said_to_be_left_out():
    planted = {arm("pop"): 0.6} | {arm("tight", "1100", coupling=c): 0.6 for c in (0.0, 0.9)}
    absent = [arm("tight", "1100", coupling=0.5), arm("loose", "1100", coupling=0.7), arm("tight", coupling=0.6)]
    (said,) = notes("coupling", planted, absent).values()
    assert said == ("coupling 0.5 is left out: no run of it counts",)


def test_a_level_of_which_only_the_runs_without_sharing_are_there_is_said_to_be_left_out():
    scores = {arm("tight", mask, coupling=c): 0.6 for c in (0.0, 0.5, 0.9) for mask in ("0000", "1100")}
    gone = arm("tight", "1100", coupling=0.5)
    del scores[gone]
    (said,) = notes("coupling", scores, [gone]).values()
    assert said == ("coupling 0.5 is left out: no run of it counts",)
    third = Arm("third", (*POP, "e"), POP[0], "0000", 1000, None, ())
    scores = {arm("pop"): 0.6, arm("tight", "1100"): 0.63, arm("loose", "1100"): 0.61, third: 0.6}
    (said,) = notes("coupling", scores, [replace(third, mask="1100")], {"tight": 0.4, "loose": 0.1}).values()
    assert said == ("third is left out: no run of it counts",)


def test_a_coupling_that_lacks_a_mask_is_left_out_of_its_slope_and_said():
    scores = {arm("pop"): 0.6} | {arm("tight", "1111", coupling=c): 0.6 for c in (0.0, 0.5, 0.9)}
    scores |= {arm("tight", "1100", coupling=c): 0.6 + 0.1 * c for c in (0.0, 0.5)} | {
        arm("tight", "0011", coupling=0.5): 0.6
    }
    assert notes("coupling", scores, [arm("tight", "1100", coupling=0.9)]) == {
        "tight, from coupling 0 to 0.5, low (1100)": ("coupling 0.9 is left out: no run of it counts",),
        "tight, from coupling 0 to 0.9, full (1111)": (),
    }
    assert asked("coupling", group_of(scores))["tight, from coupling 0 to 0.5, low (1100)"] == 0.05


def test_a_coupling_without_anything_to_compare_with_is_said_to_be_left_out():
    scores = {arm("tight", mask, coupling=c): 0.6 for c in (0.0, 0.9) for mask in ("0000", "1100")}
    scores |= {arm("tight", mask, coupling=0.5): 0.6 for mask in ("1100", "1111")}
    group = group_of(scores)
    (found,) = ASKED["coupling"](group)
    assert found.notes == ("coupling 0.5 is left out: it has nothing to be compared with",)
    slopes = {one.coupling: one for one in ASKED["depth"](group)}
    assert slopes[0.5].terms == {arm("tight", "1100", coupling=0.5): -1, arm("tight", "1111", coupling=0.5): 1}


def test_without_a_reference_only_what_it_cancels_in_is_made():
    scores = {
        arm(task_set, mask, n): 0.6
        for task_set in SETS
        if task_set != "pop"
        for mask in ("1100", "1111")
        for n in (500, 1000)
    }
    group = group_of(scores, {"tight": 0.4, "loose": 0.1})
    assert (ASKED["benefit"](group), ASKED["size"](group)) == ([], [])
    for question, names in (
        ("coupling", ["tight minus loose, low (1100)", "tight minus loose, full (1111)"]),
        ("depth", [f"{of}, from 2 to 4 shared layers" for of in ("tight", "loose", "tight minus loose")]),
    ):
        made = ASKED[question](group)
        assert [one.name for one in made] == names
        assert all(group.has_all(one.terms) for one in made)


def whole_study(design):
    """Arms of a study; none of them is the target alone in that of planted couplings."""
    sizes = (500, 1000)
    if design == "planted":
        return [arm("tight", mask, 500, c) for mask in ("0000", "1100", "0011") for c in (0.0, 0.45, 0.9)]
    if design == "three sets":
        two = [arm(tasks, mask) for mask in ("0000", "1100", "1111") for tasks in ("tight", "loose")]
        return two + [replace(one, task_set="third", tasks=(*POP, "e")) for one in two[::2]]
    if design == "planted in two sets":
        return [arm(tasks, "1100", 500, c) for tasks in ("tight", "loose") for c in (0.0, 0.9)] + [arm("pop", n=500)]
    found = [arm("pop", n=n) for n in sizes if design == "sets" or n == 500]
    return found + [
        arm(tasks, mask, n) for tasks in ("tight", "loose") for mask in ("0000", "1100", "0011") for n in sizes
    ]


def left_of(arms, lost):
    """The group whose runs of some arms are lost."""
    known = {"tight": 0.4, "third": 0.2, "loose": 0.1}
    runs = []
    for one in arms:
        data = {"coupling": {task: {"label": {"value": known[one.task_set]}} for task in one.tasks[1:]}}
        runs += [run(one, seed, 0.6, data) for seed in (0, 1) if one not in lost]
    (group,) = groups(runs, absent=lost)
    return group


@pytest.mark.parametrize("design", ["sets", "alone at one size", "planted", "planted in two sets", "three sets"])
def test_whatever_runs_are_lost_the_same_is_asked(design):
    arms = whole_study(design)
    whole = left_of(arms, [])
    rng = np.random.default_rng(0)
    for n_lost in [*range(1, len(arms) + 1)] * 4:
        group = left_of(arms, [arms[i] for i in rng.choice(len(arms), n_lost, replace=False)])
        assert group.reference == whole.reference
        for question, ask in ASKED.items():
            assert {one.about for one in ask(group)} == {one.about for one in ask(whole)}, (question, group.absent)
        scored = [Scored(one, {}, {}, 0, {}, {}) for one in (group, whole)]
        gaining = [sum(found not in (None, one) for one, found in part.references.items()) for part in (group, whole)]
        assert [gaining[0] + n_lacking(scored[:1]), n_lacking(scored[1:])] == [gaining[1], 0]


@pytest.mark.parametrize("lost", ["tight", "loose", "third"])
def test_how_coupled_a_task_set_is_no_other_shows_where_it_is_lost_altogether(lost):
    arms = whole_study("three sets")
    group = left_of(arms, [one for one in arms if one.task_set == lost])
    others = [name for name in ("tight", "loose", "third") if name != lost]
    for question, n_asked in (("coupling", 2), ("depth", 1)):
        between = [one for one in ASKED[question](group) if one.task_set is None]
        assert len(between) == n_asked
        for one in between:
            assert one.name.startswith(f"{lost} against {' against '.join(others)}, ")
            assert not group.has_all(one.terms)


@pytest.mark.parametrize("lost", ["tight", "loose", "third"])
def test_the_same_task_sets_are_compared_though_what_the_gains_of_one_are_over_is_lost(lost):
    arms = [one for one in whole_study("three sets") if one.mask != "1111"]
    group = left_of(arms, [one for one in arms if (one.task_set, one.mask) == (lost, "0000")])
    for question in ("coupling", "depth"):
        (one,) = (one for one in ASKED[question](group) if one.task_set is None)
        assert one.name.startswith("tight minus loose, ")
        assert group.has_all(one.terms) == (lost == "third")


def test_what_a_contrast_does_not_weigh_may_be_lost():
    arms = [arm("tight", mask, coupling=c) for mask in ("0000", "1100", "1111") for c in (0.0, 0.45, 0.9)]
    (whole,) = (one for one in ASKED["depth"](left_of(arms, [])) if one.coupling is None)
    assert {one.coupling for one in whole.terms} == {0.0, 0.9}
    for mask in ("0000", "1111"):
        lost = left_of(arms, [arm("tight", mask, coupling=0.45)])
        assert [one for one in ASKED["depth"](lost) if one.coupling is None] == [whole]


def test_what_cancels_does_not_hang_on_what_else_is_lost():
    arms = whole_study("alone at one size")
    alone, tight, loose = ([one for one in arms if (one.task_set, one.mask) == (of, "0000")] for of in SETS)
    found = [
        {one.name: one.terms for one in ASKED["coupling"](left_of(arms, lost))}
        for lost in ([], alone, [*alone, *tight], [*alone, *tight, *loose])
    ]
    assert found[0] == found[1] == found[2] == found[3]
    assert all("1" in one.mask for terms in found[0].values() for one in terms)


@pytest.mark.parametrize("lost", [("0000", (0.0,)), ("0000", (0.0, 0.45, 0.9))])
def test_couplings_are_not_compared_without_the_runs_without_sharing_that_do_not_cancel(lost):
    arms = whole_study("planted")
    group = left_of(arms, [one for one in arms if one.mask == lost[0] and one.coupling in lost[1]])
    for one in ASKED["coupling"](group):
        assert {arm.mask for arm in one.terms} > {"0000"}
        assert group.has_all(one.terms) == (len(lost[1]) == 1)


def test_what_cancels_is_made_of_the_sizes_that_are_left_though_the_reference_is_lost():
    arms = whole_study("sets")
    lost = [one for one in arms if one.is_alone or (one.task_set, one.mask, one.train_size) == ("tight", "1100", 500)]
    group = left_of(arms, lost)
    low, _ = ASKED["coupling"](group)
    assert (low.mask, {one.train_size for one in low.terms}) == ("1100", {1000})
    assert group.has_all(low.terms)
