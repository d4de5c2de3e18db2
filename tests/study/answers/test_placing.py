"""Runs that were not begun stand where their overrides say."""

from dataclasses import replace

import pytest

from msd_mtl.study.answers.placing import placed
from msd_mtl.study.answers.types import Arm

ARM = Arm("tight", ("a", "b"), "a", "1100", 500, 0.9, (("data.control", "null"),))
SET = {"tasks": "tight", "sharing": "low", "data.train_size": "500", "data.coupling": "0.9", "seed": "0"}


def given(**changes):
    return [f"{key}={value}" for key, value in (SET | {k.replace("__", "."): v for k, v in changes.items()}).items()]


@pytest.mark.parametrize(
    ("changes", "place", "seed"),
    [
        ({"seed": 3}, {}, 3),
        ({"sharing": "full"}, {"mask": "1111"}, 0),
        ({"sharing__mask": "[0,1,1,0]"}, {"mask": "0110"}, 0),  # which goes before the name, as in Hydra
        ({"data__train_size": 2000, "data__coupling": 0}, {"train_size": 2000, "coupling": 0.0}, 0),
        ({"runs_dir": "elsewhere"}, {}, 0),
    ],
)
def test_a_run_is_placed_by_one_in_which_all_else_is_alike(changes, place, seed):
    for overrides in (given(**changes), given(**changes)[::-1]):
        assert placed({"x": overrides}, [(given(seed=1), ARM)]) == {"x": (replace(ARM, **place), seed)}


@pytest.mark.parametrize(
    "changes",
    [
        {"tasks": "loose"},
        {"recipe": "paper2016"},
        {"data__store": "another.h5"},
        {"recipe__epoch_steps": 4},
        {"tasks__coupling": "1e-1"},
        {"sharing": "one of theirs"},
        {"data__train_size": "null"},
        {"data__coupling": "${seed}"},
        {"seed": "${now:%S}"},
    ],
)
def test_a_run_that_is_like_no_other_is_not_placed(changes):
    assert placed({"x": given(**changes)}, [(given(), ARM)]) == {}


def test_a_run_that_is_like_two_arms_is_not_placed():
    others = [(given(), ARM), (given(seed=1), replace(ARM, context=(("data.control", "misalign"),)))]
    assert placed({"x": given(seed=2)}, others) == {}


def test_rows_that_were_all_taken_are_as_many_as_of_others():
    assert placed({"x": given(data__train_size="null", seed=2)}, [(given(data__train_size="null"), ARM)]) == {
        "x": (ARM, 2)
    }


@pytest.mark.parametrize(("coupling", "found"), [(0.9, 0.6), (None, None)])
def test_the_coupling_of_the_tasks_is_planted_where_any_is(coupling, found):
    def of_tasks(value):
        return [one for one in given() if "coupling" not in one] + [f"tasks.coupling={value}"]

    known = replace(ARM, coupling=coupling)
    assert placed({"x": of_tasks(0.6)}, [(of_tasks(0.9), known)]) == {"x": (replace(ARM, coupling=found), 0)}


def test_a_coupling_of_the_data_goes_before_that_of_the_tasks():
    both = [*given(data__coupling=0.3), "tasks.coupling=0.6"]
    for overrides in (both, both[::-1]):
        assert placed({"x": overrides}, [(given(), ARM)]) == {"x": (replace(ARM, coupling=0.3), 0)}
