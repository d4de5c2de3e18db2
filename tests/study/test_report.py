import json
import os
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import SMALL
from tests.study.page.made import analysis
from tests.warm import msd_mtl

from msd_mtl import cli
from msd_mtl.errors import UserError
from msd_mtl.study.cell import Cell
from msd_mtl.study.files import write_json
from msd_mtl.study.identity import resolved
from msd_mtl.study.index import add_sweep
from msd_mtl.study.page.provenance import report_command
from msd_mtl.study.record import start_record
from msd_mtl.study.report import report
from msd_mtl.study.run import run_once

STUDY = "trial"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("study")


@pytest.fixture
def study(folder, small_run):
    """A study of four runs, made once."""
    runs_dir = folder / "runs"
    if not runs_dir.exists():
        cells = []
        for mask in ("[0,0,0,0]", "[1,1,1,1]"):
            for seed in (0, 1):
                overrides = (*SMALL, f"study.name={STUDY}", f"sharing.mask={mask}", f"seed={seed}")
                config = resolved(small_run(*overrides, f"runs_dir={runs_dir}"))
                cells.append(Cell(run_once(config)[0].name, overrides, config))
        add_sweep(runs_dir, STUDY, cells)
    return runs_dir


@pytest.mark.slow
def test_the_command_prints_the_verdicts_and_names_the_page(study, tmp_path):
    done = msd_mtl("report", f"study={STUDY}", f"runs_dir={study}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "trial: 4 of 4 runs" in said
    assert "Is multi-task learning" in said
    assert f"Page: reports/{STUDY}/index.html" in said
    page = tmp_path / "reports" / STUDY / "index.html"
    assert "<h1>trial</h1>" in page.read_text()
    verdicts = json.loads((page.parent / "verdicts.json").read_text())
    assert verdicts["runs"]["completed"] == 4
    assert verdicts["provenance"]["commands_are_exact"]
    assert "sharing.mask=[0,0,0,0],[1,1,1,1]" in verdicts["provenance"]["commands"][0]
    assert not any(str(study) in text for text in (page.read_text(), json.dumps(verdicts)))


@pytest.mark.slow
def test_the_margin_is_set_from_the_command_line_and_told_with_the_page(study, tmp_path):
    done = msd_mtl("report", f"study={STUDY}", f"runs_dir={study}", "study.report.margin.auroc=0.25", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "reports" / STUDY
    verdicts = json.loads((folder / "verdicts.json").read_text())
    assert (verdicts["margins"]["auroc"], verdicts["margins"]["r2"]) == (0.25, 0.01)
    assert {one["effect"]["margin"] for one in verdicts["contrasts"]} == {0.25}
    assert verdicts["provenance"]["commands"][-1] == f"msd-mtl report study={STUDY} study.report.margin.auroc=0.25"
    assert "±0.25 AUROC" in (folder / "index.html").read_text()


@pytest.mark.slow
def test_an_unknown_study_is_refused_with_those_that_are_there(study, tmp_path):
    done = msd_mtl("report", "study=trail", f"runs_dir={study}", cwd=tmp_path)
    assert done.returncode == 2
    assert "got 'trail', and there are: trial." in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_study_without_a_completed_run_is_refused(small_run, tmp_path):
    config = resolved(small_run("study.name=begun"))
    runs_dir = tmp_path / "runs"
    (runs_dir / "f").mkdir(parents=True)
    write_json(runs_dir / "f" / "record.json", start_record(config, "f", "synthetic") | {"status": "failed"})
    add_sweep(runs_dir, "begun", [Cell("f", ("seed=0",), config)])
    with pytest.raises(
        UserError, match=r"must have completed runs in .* got 'begun' with none of 1: 1 failed\. See `msd"
    ):
        report(runs_dir, "begun", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command_of_a_page_says_where_it_is_composed_from(tmp_path, monkeypatch):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "mine.yaml").write_text("defaults: [report, _self_]\nruns_dir: elsewhere\n")
    asked = []

    def report(*given):
        asked.append(given)
        sys.exit(0)

    def ask(*arguments):
        monkeypatch.setattr(sys, "argv", ["msd-mtl", *arguments])
        with pytest.raises(SystemExit, match="0"):
            cli.main()
        return asked[-1]

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("msd_mtl.study.report.report", report)
    first = ask("report", "--config-dir=own", "--config-name=mine", "study=made")
    made = analysis(tmp_path, masks=("0000",), sizes=(500,), couplings=(None,), n_seeds=1, histories=False)
    command = report_command(made, first[-1])
    assert command == "msd-mtl report --config-name=mine --config-dir=own study=made"
    assert ask(*shlex.split(command)[1:]) == first
    assert first[0] == Path("elsewhere")


def test_the_name_of_a_study_is_printed_as_it_is(tmp_path, monkeypatch, capsys):
    made = analysis(tmp_path, masks=("0000",), sizes=(500,), couplings=(None,), n_seeds=1, histories=False)
    named = replace(made, study=":heart: [bold]")
    monkeypatch.setattr("msd_mtl.study.report.report", lambda *_: (named, tmp_path / ":heart: [bold]"))
    monkeypatch.setattr(sys, "argv", ["msd-mtl", "report", "study=made"])
    cli.main()
    said = capsys.readouterr().out
    assert ":heart: [bold]: 1 of " in said
    assert "/:heart:[bold]" in "".join(said.split())  # the console breaks a line where it is full, at a space too


@pytest.mark.slow
def test_a_report_that_is_killed_leaves_the_old_one_whole(study, tmp_path):
    _, page = report(study, STUDY, tmp_path / "out")
    before = {path.relative_to(page.parent): path.read_bytes() for path in page.parent.rglob("*") if path.is_file()}
    command = [sys.executable, "-m", "msd_mtl.cli", "report", f"study={STUDY}", f"runs_dir={study}", "out=out"]
    process = subprocess.Popen(command, cwd=tmp_path)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob(".out.*.part/figures/*.png")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert list(tmp_path.glob(".out.*.part"))
    now = {path.relative_to(page.parent): path.read_bytes() for path in page.parent.rglob("*") if path.is_file()}
    assert now == before
    report(study, STUDY, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]
