"""What `msd-mtl status` shows, once and again and again."""

import json
import sys
from pathlib import Path

import pytest

from msd_mtl.study import status
from msd_mtl.study.cell import Cell
from msd_mtl.study.index import add_sweep
from msd_mtl.study.lock import locked


def write(runs_dir: Path, run: str, state: str, **more) -> None:
    (runs_dir / run).mkdir(parents=True, exist_ok=True)
    record = {"schema_version": 1, "run_id": run, "study": "s", "status": state, "timing_s": {"total": 10.0}, **more}
    (runs_dir / run / "record.json").write_text(json.dumps(record, indent=1))


@pytest.fixture
def shown(tmp_path, monkeypatch, capsys):
    """Runs the command on a study of three runs, of which two are to do; what it writes."""
    add_sweep(tmp_path, "s", [Cell(run, (f"seed={i}",), {}) for i, run in enumerate("abc")])
    write(tmp_path, "a", "completed")

    def run(*overrides: str) -> str:
        monkeypatch.setenv("COLUMNS", "200")
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


def test_watching_looks_again_until_nothing_is_left_to_do(shown, tmp_path, monkeypatch):
    waited = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        write(tmp_path, "bc"[len(waited) - 1], "completed")

    monkeypatch.setattr(status.time, "sleep", sleep)
    assert "3 runs: 3 completed" in shown("watch=7")
    assert waited == [7, 7]


def test_a_record_that_cannot_be_read_is_a_run_to_make(shown, tmp_path, capsys):
    write(tmp_path, "b", "completed")
    path = tmp_path / "b" / "record.json"
    path.write_text(path.read_text()[:-3])
    with pytest.raises(SystemExit, match="1"):
        shown()
    assert "3 runs: 1 completed, 1 interrupted, 1 missing" in capsys.readouterr().out


def test_a_record_without_a_time_tells_none(shown, tmp_path, capsys):
    for run, time in {"a": {}, "b": None}.items():
        write(tmp_path, run, "completed", timing_s=time)
    with pytest.raises(SystemExit, match="1"):
        shown()
    assert "3 runs: 2 completed, 1 missing\n" in capsys.readouterr().out


def test_a_study_may_have_a_number_for_a_name(shown, tmp_path):
    add_sweep(tmp_path, "2016", [Cell("a", ("seed=0",), {})])
    assert "2016: 1 run" in shown("study.name=2016")


def test_a_damaged_index_is_named(shown, tmp_path, capsys):
    (path,) = (tmp_path / ".studies" / "s").iterdir()
    path.write_text(path.read_text()[:9])
    with pytest.raises(SystemExit, match="2"):
        shown()
    assert f"index of a study must be JSON of its runs; got {path}: " in capsys.readouterr().err
