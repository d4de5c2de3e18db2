"""Runs that this process makes, or has made, one after another, and what keeps it from that."""

import json
import os
import signal
import sys

import pytest
from tests.conftest import SMALL

from msd_mtl.errors import UserError
from msd_mtl.study import launch, train, worker
from msd_mtl.study.cell import BUSY, COMPLETED, Cell, name_of
from msd_mtl.study.identity import resolved
from msd_mtl.study.index import commands, read_study, studies
from msd_mtl.study.interruption import InterruptedRun
from msd_mtl.study.peers import FailedPeerError
from msd_mtl.study.states import State


@pytest.fixture
def cells(small_run):
    """Three runs of which none is made."""
    configs = [resolved(small_run("baselines=false", f"seed={seed}")) for seed in range(3)]
    return [Cell(name_of(config), (f"seed={config['seed']}",), config) for config in configs]


def test_a_run_that_another_process_makes_is_left_for_the_end(cells, monkeypatch):
    made, asked = [], []

    def attempt(cell, *, wait=True):
        asked.append((cell, wait))
        return BUSY if cell == cells[0] and not wait else COMPLETED

    monkeypatch.setattr(launch, "attempt", attempt)
    monkeypatch.setattr(launch.Follower, "report", lambda _, cell, ended: made.append((cell, ended)))
    launch.launch_in_process(cells)
    assert [cell for cell, _ in asked] == [*cells, cells[0]]
    assert [wait for _, wait in asked] == [False, False, False, True]
    assert made == [(cell, COMPLETED) for cell in (*cells[1:], cells[0])]


def test_a_file_in_the_place_of_a_run_is_said_and_costs_no_other(cells, monkeypatch, capsys):
    cells[0].folder.parent.mkdir()
    cells[0].folder.write_text("mine")
    monkeypatch.setattr(train, "launched", cells[:2])
    launch.launch_in_process(cells[:2])
    assert f"Run {cells[0].run_id} failed: FileExistsError" in capsys.readouterr().err
    now = train.show_sweep()
    assert now.states == {cells[0].run_id: State.MISSING, cells[1].run_id: State.COMPLETED}
    assert f"missing {cells[0].run_id} seed=0" in capsys.readouterr().out
    assert cells[0].folder.read_text() == "mine"


def test_a_signal_to_a_sweep_of_processes_ends_it_as_ctrl_c_does(cells, monkeypatch):
    monkeypatch.setattr(launch.Pool, "run", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(InterruptedRun) as ended:
        launch.launch_here(cells, 1, 1)
    assert ended.value.exit_code == 128 + signal.SIGTERM


@pytest.mark.parametrize(("overrides", "entered"), [(["study.name=z"], ["z"]), ([], [])])
def test_a_single_run_is_entered_into_its_study_if_it_has_one(tmp_path, monkeypatch, overrides, entered):
    def run_once(config):
        assert studies(tmp_path) == entered
        raise UserError("it must not be made here; got a test.")

    monkeypatch.setattr(train, "run_once", run_once)
    monkeypatch.setattr(sys, "argv", ["msd-mtl", *SMALL, f"runs_dir={tmp_path}", "seed=4", *overrides])
    with pytest.raises(SystemExit, match="2"):
        train.train()
    assert studies(tmp_path) == entered
    if entered:
        ((_, set_),) = read_study(tmp_path, "z").items()
        assert "seed=4" in set_


def test_a_single_run_is_entered_with_where_it_is_composed_from(tmp_path, monkeypatch):
    (tmp_path / "own" / "tasks").mkdir(parents=True)
    (tmp_path / "own" / "tasks" / "duo.yaml").write_text(
        'names: ["term:pop", loudness]\ntarget: "term:pop"\ncoupling: 0.5\n'
    )
    own, given = f"--config-dir={tmp_path / 'own'}", ["study.name=z", "tasks=duo", f"runs_dir={tmp_path / 'runs'}"]
    monkeypatch.setattr(train, "run_once", lambda config: sys.exit(3))
    monkeypatch.setattr(sys, "argv", ["msd-mtl", own, *given])
    with pytest.raises(SystemExit, match="3"):
        train.train()
    assert commands(tmp_path / "runs", "z") == [(own, *given)]


@pytest.mark.parametrize(
    ("code", "ends_by"), [(None, 1), (0, 1), (256, 1), (-512, 1), (3, 3), (257, 257), ("no", "no")]
)
def test_a_run_that_exits_has_failed_whatever_its_code(tmp_path, monkeypatch, code, ends_by):
    for module in (train, worker):
        monkeypatch.setattr(module, "run_once", lambda _: sys.exit(code))
    monkeypatch.setattr(sys, "argv", ["msd-mtl", *SMALL, f"runs_dir={tmp_path}"])
    with pytest.raises(SystemExit) as ended:
        train.train()
    assert ended.value.code == ends_by
    (tmp_path / "config.yaml").write_text("{}")
    monkeypatch.setattr(sys, "argv", ["worker", str(tmp_path / "config.yaml")])
    with pytest.raises(SystemExit) as ended:
        worker.main()
    assert ended.value.code == ends_by


@pytest.mark.parametrize("code", [1, 2])
def test_a_single_run_of_which_another_process_has_failed_ends_with_one_line(tmp_path, monkeypatch, capsys, code):
    def run_once(config):
        raise FailedPeerError("OSError (rank 1): no space", code)

    monkeypatch.setattr(train, "run_once", run_once)
    monkeypatch.setattr(sys, "argv", ["msd-mtl", *SMALL, f"runs_dir={tmp_path}"])
    with pytest.raises(SystemExit) as ended:
        train.train()
    assert ended.value.code == code
    assert capsys.readouterr().err == "msd-mtl train: OSError (rank 1): no space\n"
    monkeypatch.setattr(train, "is_main_process", lambda _: False)  # the other, where it is started alike
    with pytest.raises(SystemExit, match=str(code)):
        train.train()
    assert not capsys.readouterr().err


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_a_record_of_another_schema_is_kept_and_costs_no_other_run(cells, monkeypatch, capsys, status):
    cells[0].folder.mkdir(parents=True)
    path = cells[0].folder / "record.json"
    path.write_text(json.dumps({"schema_version": 2, "run_id": cells[0].run_id, "study": "s", "status": status}))
    before = path.read_bytes()
    monkeypatch.setattr(train, "launched", cells[:2])
    launch.launch_in_process(cells[:2])
    now = train.show_sweep()
    assert now.states[cells[1].run_id] == State.COMPLETED
    assert not now.is_complete
    assert path.read_bytes() == before
    shown = capsys.readouterr()
    assert f"{'damaged' if status == 'completed' else 'failed'} {cells[0].run_id}" in shown.out
    assert "Target on test" in shown.out
    is_done = status == "completed"
    told = "version 2, not 1; the msd-mtl that made it reads it" if is_done else ". The msd-mtl that made it reads it."
    assert told in (shown.out if is_done else shown.err)
    assert "elete" not in shown.out + shown.err
