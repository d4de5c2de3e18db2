from dataclasses import replace

import pytest

from msd_mtl.study.answers.types import QUESTIONS
from msd_mtl.study.page.sections import answers
from msd_mtl.study.page.unasked import unasked
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


@pytest.mark.parametrize(("sizes", "questions"), [((500,), ["benefit"]), ((500, 1000), ["benefit", "size"])])
def test_gains_that_are_over_nothing_are_the_reason_where_they_are_all_that_lacks(tmp_path, sizes, questions):
    made = analysis(tmp_path, masks=("1100",), sizes=sizes, couplings=(None,), histories=False)
    made = replace(made, cells=tuple(replace(cell, gain=None) for cell in made.cells), contrasts=())
    said = "no run of the target alone or without sharing has a score, so no gain is known"
    assert [question for question in QUESTIONS if unasked(made, question) == said] == questions
    assert unasked(made, "depth") == "this needs masks with different numbers of shared layers: sharing=low,full"


def test_gains_that_lack_at_some_sizes_or_couplings_are_the_reason_where_these_are_several(tmp_path):
    made = analysis(tmp_path, masks=("1100",), sizes=(500, 1000), couplings=(0.0, 0.9), histories=False)
    first = next(cell.arm for cell in made.cells if "1" in cell.arm.mask and cell.arm.tasks != (TARGET,))
    cells = tuple(cell if cell.arm == first else replace(cell, gain=None) for cell in made.cells)
    made = replace(made, cells=cells, contrasts=())
    said = "runs of the target alone or without sharing have no score, so too few gains are known"
    assert [question for question in QUESTIONS if unasked(made, question) == said] == ["size", "coupling"]


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
