import json
import time
from pathlib import Path

import pytest
from tests.conftest import WHOLE

from msd_mtl.errors import RefusedLaunchError, UserError
from msd_mtl.study import launch
from msd_mtl.study.cell import Cell
from msd_mtl.study.follow import duration, line
from msd_mtl.study.index import add_sweep, read_study, studies
from msd_mtl.study.lock import locked
from msd_mtl.study.states import State, progress, state_of


def write(runs_dir: Path, run: str, status: str) -> None:
    (runs_dir / run).mkdir(parents=True)
    record = {**WHOLE, "run_id": run, "status": status}
    (runs_dir / run / "record.json").write_text(json.dumps(record, indent=1))


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_a_state_is_that_of_the_record(tmp_path, status):
    write(tmp_path, "a", status)
    assert state_of(tmp_path, "a") == State(status)


def test_how_a_record_is_written_tells_nothing(tmp_path):
    """Somebody may have sorted its keys, or put it on one line."""
    write(tmp_path, "a", "completed")
    path = tmp_path / "a" / "record.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"before": "x" * 5000}, sort_keys=True))
    assert state_of(tmp_path, "a") == State.COMPLETED
    path.write_text(path.read_text().replace('"epochs"', "epochs"))
    assert state_of(tmp_path, "a") == State.INTERRUPTED


def test_a_run_without_a_process_is_interrupted(tmp_path):
    write(tmp_path, "a", "running")
    assert state_of(tmp_path, "a") == State.INTERRUPTED
    with locked(tmp_path, "a", wait=False):
        assert state_of(tmp_path, "a") == State.RUNNING
    assert state_of(tmp_path, "b") == State.MISSING


def test_time_left_is_that_of_the_runs_to_come_shared_by_those_that_work(tmp_path):
    for run, status in {"a": "completed", "b": "completed", "c": "running", "d": "running"}.items():
        write(tmp_path, run, status)
    with locked(tmp_path, "c", wait=False), locked(tmp_path, "d", wait=False):
        now = progress(tmp_path, ["a", "b", "c", "d", "e", "f"])
    assert now.left_s == pytest.approx(10.0 * 4 / 2)
    assert line(now) == "6 runs: 2 completed, 2 running, 2 missing, about 20 s left"
    assert not now.is_complete
    assert progress(tmp_path, ["a", "b"]).is_complete


def test_a_record_that_has_changed_is_looked_at_again(tmp_path):
    write(tmp_path, "a", "completed")
    assert progress(tmp_path, ["a"]).states == {"a": State.COMPLETED}
    path = tmp_path / "a" / "record.json"
    whole = path.read_text()
    path.write_text(whole.replace('"epochs": 3', '"epochs": null'))
    assert progress(tmp_path, ["a"]).states == {"a": State.DAMAGED}
    path.write_text(whole.replace('"completed"', '"failed"'))
    assert progress(tmp_path, ["a"]).states == {"a": State.FAILED}
    path.unlink()
    assert progress(tmp_path, ["a"]).states == {"a": State.MISSING}


@pytest.mark.parametrize(("seconds", "text"), [(40, "40 s"), (720, "12 min"), (12600, "3.5 h")])
def test_durations_are_readable(seconds, text):
    assert duration(seconds) == text


def test_five_thousand_runs_are_looked_at_in_a_moment(tmp_path):
    cells = [Cell(f"{i:016x}", (f"seed={i}",), {}) for i in range(5000)]
    add_sweep(tmp_path, "large", cells)
    for cell in cells[:1000]:
        write(tmp_path, cell.run_id, "completed")
    started = time.process_time()
    now = progress(tmp_path, read_study(tmp_path, "large"))
    assert now.counts == {State.COMPLETED: 1000, State.MISSING: 4000}
    assert time.process_time() - started < 3


def test_a_run_may_belong_to_two_studies_and_a_sweep_is_entered_once(tmp_path):
    one, other = Cell("a", ("seed=0",), {}), Cell("b", ("seed=1",), {})
    add_sweep(tmp_path, "first", [one, other])
    add_sweep(tmp_path, "first", [one, other])
    add_sweep(tmp_path, "second", [one])
    assert read_study(tmp_path, "first") == {"a": ("seed=0",), "b": ("seed=1",)}
    assert read_study(tmp_path, "second") == {"a": ("seed=0",)}
    assert len(list((tmp_path / ".studies" / "first").iterdir())) == 1
    assert studies(tmp_path) == ["first", "second"]
    assert read_study(tmp_path, "third") == {}


def entries(runs_dir: Path) -> list[tuple[str, int]]:
    return sorted((path.name, path.stat().st_mtime_ns) for path in (runs_dir / ".studies").glob("*/*"))


def test_a_sweep_that_is_taken_back_leaves_its_study_as_it_was(tmp_path):
    one, other = Cell("a", ("seed=0",), {}), Cell("b", ("seed=1",), {})
    add_sweep(tmp_path, "s", [one])()
    assert studies(tmp_path) == []
    add_sweep(tmp_path, "s", [one])
    before = entries(tmp_path)
    add_sweep(tmp_path, "s", [one])()  # the same again, and another
    add_sweep(tmp_path, "s", [other])()
    assert entries(tmp_path) == before
    take_back = add_sweep(tmp_path, "s", [other])
    add_sweep(tmp_path, "s", [other])  # by another process meanwhile
    take_back()
    assert read_study(tmp_path, "s").keys() == {"a", "b"}


@pytest.mark.parametrize(("error", "kept"), [(RefusedLaunchError, False), (UserError, True), (KeyboardInterrupt, True)])
def test_runs_are_entered_before_they_are_launched_and_leave_with_a_refusal_alone(tmp_path, monkeypatch, error, kept):
    monkeypatch.setattr(launch, "launched", [])
    cells = [Cell("a", ("seed=0",), {"runs_dir": str(tmp_path), "study": {"name": "s"}})]

    def refuse() -> None:
        assert read_study(tmp_path, "s") == {"a": ("seed=0",)}
        raise error("sbatch must accept the jobs; got: no.")

    with pytest.raises(error, match="must accept"), launch.entered(cells):
        refuse()
    assert bool(read_study(tmp_path, "s")) == kept
    assert launch.launched == cells
