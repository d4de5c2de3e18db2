"""On a machine of several GPUs, each worker has its own; the GPUs are made up."""

import json
import sys

import pytest

from msd_mtl.errors import UserError
from msd_mtl.study import pool
from msd_mtl.study.cell import Cell
from msd_mtl.study.launch import check_here, launch_here, visible_gpus, worker_environments
from msd_mtl.study.run import run_once

# Answers as a worker does, and notes which GPU it was given; it takes its time, so that every worker gets a run.
WORKER = """
import json, os, sys, time
for line in sys.stdin:
    order = json.loads(line)
    time.sleep(0.3)
    with open(order["config"]["seen"], "a") as seen:
        seen.write(json.dumps([os.getpid(), os.environ["CUDA_VISIBLE_DEVICES"], os.environ["OMP_NUM_THREADS"]]) + "\\n")
    print("completed", flush=True)
"""


def cell(accelerator: str = "cuda", devices: int | str = 1, run: str = "r", **config) -> Cell:
    return Cell(run, (), {"trainer": {"accelerator": accelerator, "devices": devices}, **config})


@pytest.fixture
def three_gpus(tmp_path, monkeypatch):
    """A machine whose driver lists three GPUs."""
    tool = tmp_path / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text('#!/bin/sh\nfor i in 0 1 2; do echo "GPU $i: NVIDIA X (UUID: GPU-$i)"; done\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=":")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def test_gpus_are_those_of_the_driver_or_of_the_environment(three_gpus, monkeypatch):
    assert visible_gpus() == ["0", "1", "2"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-7,2")
    assert visible_gpus() == ["GPU-7", "2"]


@pytest.mark.parametrize(
    ("devices", "n_workers", "shares"),
    [
        (1, None, ["0", "1", "2"]),
        (1, 2, ["0", "1"]),
        (1, 4, ["0", "1", "2", "0"]),
        (2, None, ["0,1"]),
        ("auto", None, ["0,1,2"]),
    ],
)
def test_each_worker_has_as_many_gpus_as_a_run_asks_for(three_gpus, devices, n_workers, shares):
    environments = worker_environments(cell(devices=devices), n_workers, threads=1)
    assert [environment["CUDA_VISIBLE_DEVICES"] for environment in environments] == shares


def test_runs_on_the_cpu_are_left_alone(three_gpus):
    environments = worker_environments(cell("cpu"), 2, threads=3)
    assert environments == [{"OMP_NUM_THREADS": "3", "MKL_NUM_THREADS": "3"}] * 2


def test_too_few_gpus_are_one_clear_message(three_gpus, monkeypatch):
    with pytest.raises(UserError, match=r"trainer\.accelerator=cuda must find 4 GPUs a run; got 3\."):
        worker_environments(cell(devices=4), None, threads=1)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(UserError, match=r"must find 1 GPUs a run; got 0\."):
        worker_environments(cell(), None, threads=1)


@pytest.mark.parametrize(
    ("overrides", "found", "message"),
    [
        (["trainer=gpu"], 0, r"trainer\.accelerator=cuda must find 1 GPUs a run; got 0\. Set trainer=cpu, or see"),
        (["trainer=gpu", "trainer.devices=2"], 1, r"trainer\.accelerator=cuda must find 2 GPUs a run; got 1\."),
        (["trainer.accelerator=gpu"], 0, r"trainer\.accelerator=gpu must find 1 GPUs a run; got 0\."),
    ],
)
def test_a_run_without_its_gpus_is_one_clear_message(small_run, monkeypatch, overrides, found, message):
    monkeypatch.setattr("torch.cuda.device_count", lambda: found)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    with pytest.raises(UserError, match=message):
        run_once(small_run(*overrides))


def test_processes_that_work_at_the_same_time_have_gpus_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2")
    script, seen, original = tmp_path / "worker.py", tmp_path / "seen", pool.subprocess.Popen
    script.write_text(WORKER)
    monkeypatch.setattr(
        pool.subprocess, "Popen", lambda _, **settings: original([sys.executable, str(script)], **settings)
    )
    where = {"runs_dir": str(tmp_path), "seen": str(seen)}
    launch_here([cell(run=f"r{i}", **where) for i in range(9)], None, threads=1)
    noted = {tuple(json.loads(line)) for line in seen.read_text().splitlines()}
    assert len(seen.read_text().splitlines()) == 9
    assert sorted(gpu for _, gpu, _ in noted) == ["0", "1", "2"]
    assert {threads for _, _, threads in noted} == {"1"}


@pytest.mark.parametrize(
    ("n_workers", "threads", "accelerator", "message"),
    [
        (0, 1, "cpu", r"hydra\.launcher\.n_workers must be a whole number of at least 1; got 0"),
        (None, "two", "cpu", r"hydra\.launcher\.threads must be a whole number of at least 1; got 'two'"),
        (None, 1, "gpu", r"trainer\.accelerator=gpu must find 1 GPUs a run; got 0"),
    ],
)
def test_what_would_refuse_a_launch_is_found_before_it(tmp_path, monkeypatch, n_workers, threads, accelerator, message):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(UserError, match=message):
        check_here([cell(accelerator, runs_dir=str(tmp_path))], n_workers, threads)
    check_here([cell("cpu", runs_dir=str(tmp_path))], None, 1)
    if accelerator == "gpu":  # with nothing to make none is needed
        check_here([], n_workers, threads)
