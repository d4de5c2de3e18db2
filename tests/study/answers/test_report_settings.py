import os

import pytest

from msd_mtl.errors import UserError
from msd_mtl.study.answers.analyse import analyse
from msd_mtl.study.answers.report_settings import check_report
from msd_mtl.study.cell import Cell
from msd_mtl.study.files import write_json
from msd_mtl.study.index import FOLDER, REPORT, add_sweep
from msd_mtl.study.page.provenance import report_command
from msd_mtl.study.record import read_record, write_record

WRONG = [
    ({"margin": 0.02}, r"study\.report\.margin must be of a metric, as \{auroc: 0\.02\}; got 0\.02\."),
    ({"margin": {"rmse": 0.02}}, r"study\.report\.margin must be of auroc, r2, accuracy; got one of rmse\."),
    ({"margin": {"auroc": 0}}, r"study\.report\.margin\.auroc must be a number above 0 and below 0\.5, as .*; got 0\."),
    ({"margin": {"auroc": 1}}, r"study\.report\.margin\.auroc must be .* below 0\.5, as 0\.01 for 1 %; got 1\."),
]
WRONG_ELSEWHERE = [
    (["benefit"], r"study\.report must be a group of questions, curves, margin; got \['benefit'\]\."),
    ({"margins": {"auroc": 0.02}}, r"study\.report must be a group of questions, curves, margin; got margins\."),
    ({"questions": ["width"]}, r"study\.report\.questions must be a list of benefit, size, .*; got \['width'\]\."),
    ({"questions": "size"}, r"study\.report\.questions must be a list of benefit, size, .*; got 'size'\."),
    ({"curves": "paper2017"}, r"study\.report\.curves must be one of paper2016; got 'paper2017'\."),
]


def swept(study, report, *, run=0, at_s=1):
    """Enter a run into the study by a sweep that says something of its report."""
    add_sweep(study.folder, "made", [Cell(list(study.index)[run], (f"run={run}",), {})], report=report)
    for path in (study.folder / FOLDER / "made").glob("[!s]*.json"):
        if f"run={run}" in path.read_text():
            os.utime(path, (at_s, at_s))


def test_a_margin_is_ours_the_studys_or_the_command_lines(crossed):
    study = crossed(study__name="made", study__report={"margin": {"auroc": 0.05, "r2": 0.03}})
    assert analyse(study.folder, "made").margins == {"auroc": 0.05, "r2": 0.03, "accuracy": 0.01}
    analysis = analyse(study.folder, "made", margin={"auroc": 0.02, "r2": None})
    assert analysis.margins == {"auroc": 0.02, "r2": 0.03, "accuracy": 0.01}
    assert {contrast.effect.margin for contrast in analysis.contrasts} == {0.02}


def test_what_another_study_says_does_not_count(crossed):
    study = crossed(study__name="another", study__report={"margin": {"auroc": 0.05}, "questions": ["depth"]})
    analysis = analyse(study.folder, "made")
    assert (analysis.margins["auroc"], analysis.report) == (0.01, {})


def test_what_the_sweep_says_counts_for_runs_first_made_for_another_study(crossed):
    study = crossed(seeds=(0,), study__name="another", study__report={"margin": {"auroc": 0.05}})
    swept(study, {"questions": ["coupling"], "margin": {"auroc": 0.03}})
    analysis = analyse(study.folder, "made")
    assert analysis.report == {"questions": ["coupling"], "margin": {"auroc": 0.03}}
    assert analysis.margins["auroc"] == 0.03
    assert not any("study.report" in warning for warning in analysis.warnings)


def test_the_latest_sweep_that_says_anything_speaks_and_the_page_says_so(crossed):
    study = crossed(seeds=(0,), study__name="made", study__report={"margin": {"auroc": 0.05}})
    swept(study, {"margin": {"auroc": 0.03}}, run=0, at_s=3)
    swept(study, {"margin": {"auroc": 0.04}}, run=1, at_s=2)
    swept(study, None, run=2, at_s=4)
    analysis = analyse(study.folder, "made")
    assert analysis.margins["auroc"] == 0.03
    said = "Sweeps of the study differ in study.report. The latest speaks: {'margin': {'auroc': 0.03}}."
    assert said in analysis.warnings


def test_without_a_word_of_sweeps_the_latest_run_speaks_and_the_page_says_so(study):
    for seed, margin in enumerate((0.03, 0.05, 0.04)):
        run = study.add("pop", "0000", seed, study__name="made", study__report={"margin": {"auroc": margin}})
        record = read_record(study.folder / run)
        write_record(study.folder / run, record | {"started_at": f"2026-01-0{(seed + 1) % 3 + 1}T00:00:00+00:00"})
    study.write_index()
    analysis = analyse(study.folder, "made")
    assert analysis.margins["auroc"] == 0.05
    assert "Runs of the study differ in study.report. The latest speaks: {'margin': {'auroc': 0.05}}." in (
        analysis.warnings
    )


def test_where_nothing_else_is_known_the_file_of_the_study_speaks(crossed):
    study = crossed(seeds=(0,), study__name="benefit", study__report={"questions": ["benefit"]})
    for name in ("coupling", "of nobody"):
        (study.folder / FOLDER / name).mkdir()
        write_json(study.folder / FOLDER / name / "sweep.json", study.index)
    assert analyse(study.folder, "coupling").report == {"questions": ["coupling", "benefit"]}
    assert analyse(study.folder, "of nobody").report == {}


def test_a_margin_of_the_file_as_it_is_now_is_told(crossed, tmp_path, monkeypatch):
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "made.yaml").write_text("study: {name: made, report: {margin: {auroc: 0.03}}}")
    monkeypatch.setattr("msd_mtl.study.answers.report_settings.conf_dir", lambda: tmp_path)
    analysis = analyse(crossed(seeds=(0,)).folder, "made")
    assert analysis.margins["auroc"] == 0.03
    assert any("conf/study/made.yaml as it is now" in warning for warning in analysis.warnings)


@pytest.mark.parametrize("wrong", [0, -0.1, "wide", True, float("nan"), float("inf"), 0.5, 1])
def test_a_margin_of_the_command_line_must_be_a_number_above_0_and_below_a_half(crossed, wrong):
    with pytest.raises(
        UserError, match=r"study\.report\.margin\.auroc must be a number above 0 and below 0\.5, as .*; got"
    ):
        analyse(crossed(seeds=(0,)).folder, "made", margin={"auroc": wrong})


@pytest.mark.parametrize(("report", "said"), WRONG)
def test_a_wrong_margin_of_a_study_needs_one_on_the_command_line(crossed, report, said):
    study = crossed(seeds=(0,), study__name="made", study__report=report)
    with pytest.raises(UserError, match=said + r" Set study\.report\.margin\.auroc=NUMBER\.$"):
        analyse(study.folder, "made", margin={"auroc": None, "r2": 0.02})
    analysis = analyse(study.folder, "made", margin={"auroc": 0.01})
    assert analysis.margins == {"auroc": 0.01, "r2": 0.01, "accuracy": 0.01}
    assert report_command(analysis) == "msd-mtl report study=made study.report.margin.auroc=0.01"


@pytest.mark.parametrize(("report", "said"), [*WRONG, *WRONG_ELSEWHERE])
def test_what_a_study_cannot_say_of_its_report_is_refused_before_anything_runs(report, said):
    with pytest.raises(UserError, match=said + r" See docs/report\.md\.$"):
        check_report(report)


@pytest.mark.parametrize(("report", "said"), WRONG_ELSEWHERE)
def test_what_an_older_study_says_wrong_is_told_and_not_used(crossed, report, said):
    analysis = analyse(crossed(seeds=(0,), study__name="made", study__report=report).folder, "made")
    assert analysis.report == {}
    (told,) = (warning for warning in analysis.warnings if warning.startswith("study.report"))
    assert told.endswith("; it is not used.")


def test_a_damaged_word_of_a_sweep_is_named(crossed):
    study = crossed(seeds=(0,))
    (study.folder / FOLDER / "made" / f"sweep{REPORT}").write_text("margin: {auroc")
    with pytest.raises(UserError, match=r"sweep\.report\.yaml must be YAML; got .*Repeat the command of its sweep\."):
        analyse(study.folder, "made")


def test_what_a_run_says_of_a_study_without_a_name_does_not_count(study):
    for seed in (0, 1, 2):
        run = study.add("pop", "0000", seed)
    study.write_index()
    record = read_record(study.folder / run)
    record["config"]["study"] = {"report": 5}
    write_record(study.folder / run, record)
    assert len(analyse(study.folder, "made").runs) == 3
