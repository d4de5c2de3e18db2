from dataclasses import replace

import pytest

from msd_mtl.study.answers.types import QUESTIONS
from msd_mtl.study.page.sections import answers
from msd_mtl.study.page.unasked import unasked
from msd_mtl.study.page.words import NEEDS
from msd_mtl.study.report import verdict_table

from .made import TARGET, analysis

ONE_CLASS = ", for its test part has one class only"


def test_a_question_without_contrasts_says_what_it_needs(tmp_path):
    made = analysis(tmp_path, masks=("0000",), sizes=(500,), couplings=(None,), histories=False)
    assert unasked(made, "size") == "this needs two or more training sizes: data.train_size=500,2000"


@pytest.mark.parametrize(("share", "why"), [(1.0, ONE_CLASS), (0, ONE_CLASS), (0.4, "")])
def test_runs_without_a_score_are_not_said_to_lack_shared_layers(tmp_path, share, why):
    made = analysis(tmp_path, masks=("0000", "1100"), sizes=(500,), couplings=(None,), histories=False)
    runs = []
    for run in made.runs:
        data = run.record["data"] | {"prevalence": {"test": {TARGET: share}}}
        runs.append(replace(run, score=float("nan"), record=run.record | {"data": data}))
    made = replace(made, runs=tuple(runs), contrasts=())
    said = f"no run has a test AUROC of {TARGET}{why}"
    assert {answer.unasked for answer in answers(made, ("benefit", "depth"))} == {said}
    assert {str(cell) for cell in verdict_table(made).columns[2].cells} == {f"not asked: {said}"}


def test_a_target_without_a_score_is_told_beside_one_that_lacks_runs(tmp_path):
    made = analysis(tmp_path, masks=("0000",), sizes=(500,), couplings=(None,), histories=False)
    runs = []
    for run in made.runs:
        data = run.record["data"] | {"prevalence": {"test": {"year": 0}}}
        arm = replace(run.arm, target="year")
        runs.append(replace(run, arm=arm, score=float("nan"), record=run.record | {"data": data}))
    made = replace(made, runs=(*made.runs, *runs), metrics={TARGET: "auroc", "year": "r2"}, contrasts=())
    needs = "this needs two or more training sizes: data.train_size=500,2000"
    assert unasked(made, "size") == f"for {TARGET}, {needs}; no run has a test R² of year{ONE_CLASS}"


@pytest.mark.parametrize(
    ("masks", "said"),
    [
        (("1100",), "no run of the target alone or without sharing has a score, so no gain is known"),
        (("0000", "1100"), "too few runs have one of the target alone, or without sharing, to be compared with"),
    ],
)
def test_gains_that_are_over_nothing_are_the_reason_where_they_are_all_that_lacks(tmp_path, masks, said):
    made = analysis(tmp_path, masks=masks, sizes=(500,), couplings=(None,), histories=False)
    made = replace(made, contrasts=(), askable=frozenset({"benefit"}))
    assert [question for question in QUESTIONS if unasked(made, question) == said] == ["benefit"]
    assert unasked(made, "depth") == "this needs masks with different numbers of shared layers: sharing=low,full"


@pytest.mark.parametrize("mask", ["0000", "1100"])
def test_sizes_and_task_sets_of_other_settings_are_not_said_to_be_enough(tmp_path, mask):
    made = analysis(tmp_path, masks=(mask,), sizes=(500, 1000), couplings=(0.0, 0.9), histories=False)
    arms = {(500, 0.0): (("trainer.lr", "1"),), (1000, 0.9): (("trainer.lr", "2"),)}
    cells = [cell for cell in made.cells if (cell.arm.train_size, cell.arm.coupling) in arms]
    apart = [
        replace(cell, arm=replace(cell.arm, context=arms[cell.arm.train_size, cell.arm.coupling])) for cell in cells
    ]
    made = replace(made, cells=tuple(apart), contrasts=())
    assert unasked(made, "size") == "this needs two or more training sizes: data.train_size=500,2000"
    assert unasked(made, "coupling").startswith("this needs two or more couplings")


@pytest.mark.parametrize("question", ["size", "coupling", "depth"])
def test_what_differs_only_together_with_something_else_is_not_said_not_to_differ(tmp_path, question):
    masks = ("1000", "1100") if question == "depth" else ("1100",)
    made = analysis(tmp_path, masks=masks, sizes=(500, 1000), couplings=(0.0, 0.9), n_seeds=1, histories=False)
    arms = {(500, 0.0, masks[0]), (1000, 0.9, masks[-1])}
    cells = [cell for cell in made.cells if (cell.arm.train_size, cell.arm.coupling, cell.arm.mask) in arms]
    told = unasked(replace(made, cells=tuple(cells), contrasts=()), question)
    assert told == f"this needs {NEEDS[question]}, in runs that are alike otherwise"
    assert unasked(replace(made, cells=tuple(cells[:1]), contrasts=()), question) == f"this needs {NEEDS[question]}"
    assert unasked(replace(made, contrasts=()), question) == f"this needs {NEEDS[question]}"


def test_several_sizes_of_the_target_alone_are_not_said_to_be_too_few(tmp_path):
    made = analysis(tmp_path, masks=("0000",), sizes=(500, 1000), couplings=(None,), histories=False)
    assert unasked(made, "size").startswith("this needs runs with shared layers, ")


def test_runs_that_are_not_completed_may_be_what_a_question_needs(tmp_path):
    made = analysis(tmp_path, masks=("0000",), sizes=(500,), couplings=(None,), n_seeds=2, histories=False)
    told = unasked(replace(made, expected=12), "depth")
    assert told.endswith("shared layers: sharing=low,full; 10 of 12 runs are not completed")


def test_the_verdicts_of_a_terminal_say_over_what_their_intervals_are(tmp_path):
    made = analysis(tmp_path, masks=("0000",), sizes=(500,), couplings=(None,), n_seeds=2, histories=False)
    assert verdict_table(made).caption == "intervals of verdicts are over seeds and test artists together"
