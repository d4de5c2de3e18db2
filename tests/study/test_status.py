"""What `msd-mtl status` shows, once and again and again."""

import json
import sys
from pathlib import Path

import pytest
from tests.conftest import WHOLE

from msd_mtl.study import status
from msd_mtl.study.cell import Cell
from msd_mtl.study.index import add_sweep
from msd_mtl.study.lock import locked


def write(runs_dir: Path, run: str, state: str, **more) -> None:
    (runs_dir / run).mkdir(parents=True, exist_ok=True)
    record = {**WHOLE, "run_id": run, "status": state, **more}
    (runs_dir / run / "record.json").write_text(json.dumps(record, indent=1))


@pytest.fixture
def shown(tmp_path, monkeypatch, capsys):
    """Runs the command on a study of three runs, of which two are to do; what it writes."""
    add_sweep(tmp_path, "s", [Cell(run, (f"seed={i}",), {}) for i, run in enumerate("abc")])
    write(tmp_path, "a", "completed")

    def run(*overrides: str, columns: str = "200") -> str:
        monkeypatch.setenv("COLUMNS", columns)
        monkeypatch.setattr(sys, "argv", ["msd-mtl", "study.name=s", f"runs_dir={tmp_path}", *overrides])
        status.main()
        return capsys.readouterr().out

    return run


def test_what_runs_and_what_failed_is_listed(shown, tmp_path, capsys):
    write(tmp_path, "b", "running", started_at="2020-01-01T00:00:00+00:00")
    (tmp_path / "b" / "history.csv").write_text("epoch\n0\n1\n")
    write(tmp_path, "c", "failed", error={"kind": "OSError", "message": "disk full"})
    with locked(tmp_path, "b", wait=False), pytest.raises(SystemExit, match="1"):
        shown()
    page = capsys.readouterr().out
    assert "s: 3 runs: 1 completed, 1 running, 1 failed, about 10 s left" in page
    lines = {line.split()[1]: line for line in page.splitlines() if line.startswith("│")}
    assert "running" in lines["b"]
    assert "seed=1" in lines["b"]
    assert "2 epochs" in lines["b"]
    assert "OSError: disk full" in lines["c"]


@pytest.mark.parametrize("columns", ["80", "200"])
def test_the_table_of_runs_begins_below_the_bar(shown, tmp_path, capsys, columns):
    write(tmp_path, "b", "failed", error={"kind": "OSError", "message": "disk full"})
    write(tmp_path, "c", "completed")
    with pytest.raises(SystemExit, match="1"):
        shown(columns=columns)
    lines = capsys.readouterr().out.splitlines()
    said, bar, edge, head = lines[:4]
    assert said.startswith("s: 3 runs")
    assert set(bar.strip()) <= set("━╸╺")
    assert set(edge.strip()) <= set("┏━┳┓")
    assert head.startswith("┃ run ┃ state")
    assert lines[-1].startswith("└")


def test_watching_looks_again_until_nothing_is_left_to_do(shown, tmp_path, monkeypatch):
    waited = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        write(tmp_path, "bc"[len(waited) - 1], "completed")

    monkeypatch.setattr(status.time, "sleep", sleep)
    assert "3 runs: 3 completed" in shown("watch=7")
    assert waited == [7, 7]


def test_whoever_watches_through_a_pipe_gets_a_line_for_each_change_at_once(shown, tmp_path, monkeypatch, capsys):
    read = []

    def sleep(seconds: float) -> None:
        read.append(capsys.readouterr().out)
        if len(read) != 2:
            write(tmp_path, "bc"[len(read) // 2], "completed")

    monkeypatch.setattr(status.time, "sleep", sleep)
    page = shown("watch=7").splitlines()
    assert read == [
        "s: 3 runs: 1 completed, 2 missing, about 20 s left\n",
        "s: 3 runs: 2 completed, 1 missing, about 10 s left\n",
        "",
    ]
    assert page[0] == "s: 3 runs: 3 completed"


def test_a_record_that_cannot_be_read_is_a_run_to_make(shown, tmp_path, capsys):
    write(tmp_path, "b", "completed")
    path = tmp_path / "b" / "record.json"
    path.write_text(path.read_text()[:-3])
    with pytest.raises(SystemExit, match="1"):
        shown()
    assert "3 runs: 1 completed, 1 interrupted, 1 missing" in capsys.readouterr().out


def test_what_lacks_something_or_has_something_else_is_damaged_and_no_run_to_make(shown, tmp_path, capsys):
    write(tmp_path, "b", "completed", timing_s={})
    write(tmp_path, "c", "completed", timing_s={"total": "ten"})
    with pytest.raises(SystemExit, match="1"):
        shown("watch=1")
    page = capsys.readouterr().out
    assert "3 runs: 1 completed, 2 damaged\n" in page
    lines = {line.split()[1]: line for line in page.splitlines() if line.startswith("│")}
    assert "its record lacks timing_s.total; delete it, and repeat the sweep" in lines["b"]
    assert "its record lacks timing_s.total as a number; delete it" in lines["c"]


@pytest.mark.parametrize("status", ["completed", "running"])
def test_a_record_of_another_schema_is_named_and_not_to_be_deleted(shown, tmp_path, capsys, status):
    write(tmp_path, "b", status, schema_version=2)
    write(tmp_path, "c", "failed", schema_version=2, error={"kind": "OSError", "message": "disk full"})
    with pytest.raises(SystemExit, match="1"):
        shown()
    page = capsys.readouterr().out
    lines = {line.split()[1]: line for line in page.splitlines() if line.startswith("│")}
    assert "its record has schema version 2, not 1; the msd-mtl that made it reads it" in lines["b"]
    assert "OSError: disk full" in lines["c"]
    assert "delete" not in page


@pytest.mark.parametrize("started_at", ["yesterday", None, 7, []])
def test_a_run_whose_beginning_cannot_be_read_is_listed_without(shown, tmp_path, capsys, started_at):
    write(tmp_path, "b", "failed", started_at=started_at, error="it broke")
    with pytest.raises(SystemExit, match="1"):
        shown()
    assert "│ b   │ failed │       │ seed=1 │ it broke" in capsys.readouterr().out


def test_a_study_may_have_a_number_for_a_name(shown, tmp_path):
    add_sweep(tmp_path, "2016", [Cell("a", ("seed=0",), {})])
    assert "2016: 1 run" in shown("study.name=2016")


def test_a_study_may_have_brackets_in_its_name(shown, tmp_path):
    add_sweep(tmp_path, "a [b]", [Cell("a", ("seed=0",), {})])
    assert "a [b]: 1 runs: 1 completed" in shown("study.name='a [b]'")


def test_what_is_set_in_every_run_is_not_repeated(shown, tmp_path, capsys):
    add_sweep(tmp_path, "t", [Cell(run, (f"seed={i}", "data.split=artist"), {}) for i, run in enumerate("bc")])
    for run in "bc":
        write(tmp_path, run, "failed", error={"kind": "OSError", "message": "disk full"})
    with pytest.raises(SystemExit, match="1"):
        shown("study.name=t")
    page = capsys.readouterr().out
    assert "seed=0" in page
    assert "data.split" not in page


def test_a_damaged_index_is_named(shown, tmp_path, capsys):
    (path,) = (tmp_path / ".studies" / "s").iterdir()
    path.write_text(path.read_text()[:9])
    with pytest.raises(SystemExit, match="2"):
        shown()
    assert f"index of a study must be JSON of its runs; got {path}: " in capsys.readouterr().err


def test_runs_of_earlier_sweeps_are_told_apart(shown, tmp_path, capsys):
    with pytest.raises(SystemExit, match="1"):
        shown()
    assert "sweep" not in capsys.readouterr().out
    add_sweep(tmp_path, "s", [Cell(run, ("seed=0", "lr=1"), {}) for run in "ad"])  # another setting since
    write(tmp_path, "d", "failed")
    with pytest.raises(SystemExit, match="1"):
        shown()
    assert capsys.readouterr().out.splitlines()[:3] == [
        "s: 4 runs: 1 completed, 1 failed, 2 missing, about 20 s left",
        "  of the latest sweep 2 runs: 1 completed, 1 failed",
        "  of earlier ones alone 2 runs: 0 completed, 2 missing",
    ]
