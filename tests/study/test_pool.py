"""Workers that die, and sweeps that are stopped, on this machine."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.conftest import SMALL
from tests.warm import msd_mtl

from msd_mtl.study import pool
from msd_mtl.study.cell import Cell
from msd_mtl.study.interruption import InterruptedRun, interruptible
from msd_mtl.study.pool import Pool

# Answers as a worker does: ends by a signal, says it is busy once, or takes long, as the run is named.
WORKER = """
import json, os, sys, time
FAILED = '{"schema_version": 1, "run_id": "a", "status": "failed"}'
for line in sys.stdin:
    order = json.loads(line)
    name, seen = order["config"]["name"], order["config"]["seen"]
    open(seen, "a").write(name + "\\n")
    times = open(seen).read().split().count(name)
    if name.startswith("dies") and times <= int(name[4:]):
        os.kill(os.getpid(), 9)
    if name == "loses":
        sys.exit(75)
    if name.startswith("fails"):
        if times <= int(name[5:]):
            open(order["config"]["runs_dir"] + f"/{name}/record.json", "w").write(FAILED)
        os.kill(os.getpid(), 9)
    if name == "long":
        time.sleep(60)
    print("busy" if name == "busy" and not order["wait"] else "completed", flush=True)
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Has stand-ins of workers make runs of some names; what was reported, and what was begun."""
    script, seen = tmp_path / "worker.py", tmp_path / "seen"
    script.write_text(WORKER)
    seen.touch()
    original = subprocess.Popen

    def start(command, **settings):
        return original([sys.executable, str(script)], **settings)

    monkeypatch.setattr(pool.subprocess, "Popen", start)
    failed: list[tuple[str, str]] = []
    monkeypatch.setattr(pool, "mark_failed", lambda cell, kind, said: failed.append((cell.run_id, said)))

    def make(*names: str, n_workers: int = 2):
        ended: dict[str, str] = {}
        one = {"trainer": {"devices": 1}, "seen": str(seen), "runs_dir": str(tmp_path)}
        cells = [Cell(name, (), one | {"name": name}) for name in names]
        Pool([{}] * n_workers, lambda cell, how: ended.__setitem__(cell.run_id, how)).run(cells)
        return ended, seen.read_text().split(), failed

    return make


def test_every_run_is_made_once(run):
    names = [f"run{i}" for i in range(7)]
    ended, begun, _ = run(*names, n_workers=3)
    assert ended == dict.fromkeys(names, "completed")
    assert sorted(begun) == names


def test_a_worker_that_dies_takes_no_other_run_along(run):
    ended, begun, failed = run("dies1", "a", "b", "c")
    assert ended == dict.fromkeys(["dies1", "a", "b", "c"], "completed")
    assert begun.count("dies1") == 2
    assert not failed


def test_a_run_that_always_ends_its_worker_is_failed_in_the_end(run):
    ended, begun, failed = run("dies99", "a", n_workers=1)
    assert ended == {"dies99": "failed", "a": "completed"}
    assert begun.count("dies99") == pool.MOST_DEATHS
    assert failed == [("dies99", "the process that made the run was killed by SIGKILL, 3 times")]


def test_a_run_that_always_loses_one_of_its_processes_is_failed_in_the_end(run):
    ended, begun, failed = run("loses", "a", n_workers=1)
    assert ended == {"loses": "failed", "a": "completed"}
    assert begun.count("loses") == pool.MOST_DEATHS
    assert failed == [("loses", "the process that made the run lost another process of the run, 3 times")]


def test_a_run_whose_record_says_that_it_failed_is_not_made_again_whatever_ends_its_worker(run, tmp_path):
    (tmp_path / "fails1").mkdir()
    ended, begun, failed = run("fails1", "a", n_workers=1)
    assert ended == {"fails1": "failed", "a": "completed"}
    assert begun == ["fails1", "a"]
    assert not failed


def test_an_earlier_failure_is_none_of_the_worker_that_is_killed(run, tmp_path):
    (tmp_path / "fails0").mkdir()
    (tmp_path / "fails0" / "record.json").write_text('{"schema_version": 1, "run_id": "a", "status": "failed"}')
    _, begun, failed = run("fails0", n_workers=1)
    assert len(begun) == pool.MOST_DEATHS
    assert failed == [("fails0", "the process that made the run was killed by SIGKILL, 3 times")]


def test_a_run_that_others_make_is_left_for_the_end(run):
    ended, begun, _ = run("busy", "a", "b", n_workers=1)
    assert begun == ["busy", "a", "b", "busy"]
    assert ended["busy"] == "completed"


def test_a_signal_ends_the_workers_and_leaves_the_other_runs(run):
    threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGTERM)).start()
    started = time.monotonic()
    with pytest.raises(InterruptedRun), interruptible():
        run("long", "a", n_workers=1)
    assert time.monotonic() - started < 20


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()] or [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]


@pytest.mark.slow
def test_a_sweep_goes_on_after_ctrl_c_and_a_kill(tmp_path, heeded):
    command = [
        sys.executable, "-m", "msd_mtl.cli", "train", "-m", "hydra/launcher=local", "hydra.launcher.n_workers=1",
        *SMALL, "trainer.max_epochs=40", "recipe.patience=null", "baselines=false", "checkpoint_every_s=0.2",
        "recipe.optimizer.lr=0.001,1e30", "seed=0,1", "study.name=stopped",
    ]  # fmt: skip

    def statuses() -> list[str]:
        return sorted(json.loads(p.read_text())["status"] for p in tmp_path.glob("runs/*/record.json"))

    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as sweep:
        while not list(tmp_path.glob("runs/*/last.ckpt")):
            time.sleep(0.05)
        os.kill(children(sweep.pid)[0], signal.SIGKILL)  # its run goes on in another worker
        time.sleep(0.5)
        sweep.send_signal(signal.SIGINT)
        _, said = sweep.communicate(timeout=60)
    assert sweep.returncode == 130, said
    assert "stopped; the same command goes on from here" in said
    assert "Traceback" not in said
    assert "running" in statuses()

    again = msd_mtl(*command[3:], cwd=tmp_path)
    assert again.returncode == 1  # half of the runs cannot but fail
    assert statuses() == ["completed", "completed", "failed", "failed"]
    assert "4 runs: 2 completed, 2 failed" in again.stdout
    (line,) = (
        line for line in again.stdout.splitlines() if line.endswith("trainer.gradient_clip_val.") and "seed=1" in line
    )
    assert line.startswith("  failed ")
    assert "recipe.optimizer.lr=1e+30 seed=1: NonFiniteLossError (task term:pop, step 1): training loss must" in line
    shown = msd_mtl("status", "study=stopped", cwd=tmp_path)
    assert shown.returncode == 1
    assert "stopped: 4 runs: 2 completed, 2 failed" in shown.stdout
