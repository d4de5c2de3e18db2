from dataclasses import replace

import pytest

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
