"""What a job does with its runs, and whether it comes back when it has to go; a real cluster is in tests/slurm."""

import json
import os
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from msd_mtl.study import job_files, slurm_job
from msd_mtl.study.cell import COMPLETED, FAILED, Cell
from msd_mtl.study.cluster import Site
from msd_mtl.study.interruption import InterruptedRun, LostPeer
from msd_mtl.study.job_files import write_jobs
from msd_mtl.study.slurm_job import MOST_RESTARTS, RunsOfJob


def write(folder: Path, status: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "record.json").write_text(json.dumps({"schema_version": 1, "status": status}, indent=1) + "\n")


@pytest.fixture
def cells(tmp_path):
    return [Cell(f"r{i}", (), {"runs_dir": str(tmp_path)}) for i in range(3)]


@pytest.fixture
def stopped(cells, monkeypatch):
    """Starts a job whose runs are stopped by a signal; its exit code, and what it asks the cluster to start again."""
    for name in [name for name in os.environ if name.startswith("SLURM_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    requeued: list[str] = []
    monkeypatch.setattr(slurm_job, "requeue", lambda job: requeued.append(job) or True)

    class Stopped:
        def __init__(self, environments, report):
            pass

        def run(self, cells):
            raise InterruptedRun(signal.SIGUSR2)

    monkeypatch.setattr(slurm_job, "Pool", Stopped)

    def start(state: str = "RUNNING") -> tuple[int, list[str]]:
        monkeypatch.setattr(slurm_job, "state_of_job", lambda job: state)
        with pytest.raises(SystemExit) as left:
            RunsOfJob(cells, 1, 1)()
        return left.value.code, requeued

    return start


def test_a_job_that_has_to_go_comes_back(stopped, capsys):
    assert stopped() == (128 + signal.SIGUSR2, ["7"])
    assert "Job 7 has written its checkpoint and is started again" in capsys.readouterr().err


@pytest.mark.parametrize("state", ["CANCELLED", "COMPLETING", "PENDING", "UNKNOWN"])
def test_a_job_that_somebody_else_ended_or_started_again_is_left_alone(stopped, state):
    assert stopped(state) == (128 + signal.SIGUSR2, [])


def test_one_process_of_a_job_speaks_for_it(stopped, monkeypatch):
    monkeypatch.setenv("SLURM_PROCID", "1")
    assert stopped() == (128 + signal.SIGUSR2, [])


@pytest.mark.parametrize(
    ("left", "age_s", "comes_back"),
    [(None, 0, False), ("last.ckpt", -60, False), ("last.ckpt", 60, True), ("completed", 60, True)],
)
def test_a_job_that_gets_nowhere_again_and_again_is_given_up(
    stopped, cells, monkeypatch, capsys, left, age_s, comes_back
):
    write(cells[0].folder, "completed" if left == "completed" else "running")
    if left == "last.ckpt":
        (cells[0].folder / left).touch()
    for path in cells[0].folder.iterdir():
        age = age_s if left in (path.name, "completed") else 60
        os.utime(path, (time.time() + age, time.time() + age))
    monkeypatch.setenv("SLURM_RESTART_COUNT", str(MOST_RESTARTS))
    assert bool(stopped()[1]) == comes_back
    assert ("Job 7 got no run any further" in capsys.readouterr().err) != comes_back
    monkeypatch.setenv("SLURM_RESTART_COUNT", str(MOST_RESTARTS - 1))
    assert stopped()[1]


def test_a_job_that_starts_again_goes_on_in_the_middle(cells, monkeypatch):
    begun: list[tuple[list[dict[str, str]], list[str]]] = []

    class Noted:
        def __init__(self, environments, report):
            self.environments = environments

        def run(self, cells):
            begun.append((self.environments, [cell.run_id for cell in cells]))

    monkeypatch.setattr(slurm_job, "Pool", Noted)
    write(cells[0].folder, "completed")
    write(cells[1].folder, "failed")
    RunsOfJob(cells, 1, 2)()
    assert begun == [([{"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"}], ["r1", "r2"])]


def test_a_job_makes_the_runs_of_its_place_in_the_array(cells, tmp_path, monkeypatch):
    made: list[tuple[list[dict[str, str]], list[Cell]]] = []
    pool = lambda environments, _: SimpleNamespace(run=lambda cells: made.append((environments, cells)))  # noqa: E731
    monkeypatch.setattr(slurm_job, "Pool", pool)
    monkeypatch.setattr(job_files, "site", lambda: Site("here", 4))
    place = write_jobs([cells[:1], cells[1:]], tmp_path)
    monkeypatch.setattr(sys, "argv", ["slurm_job.py", str(place), "1", "2"])
    for name, value in {"JOB_ID": "9", "ARRAY_JOB_ID": "8", "ARRAY_TASK_ID": "1"}.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    slurm_job.main()
    assert made == [([{"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"}], cells[1:])]


def test_a_run_of_several_processes_that_fails_ends_all_of_them(cells, monkeypatch):
    monkeypatch.setattr(slurm_job, "attempt", lambda cell: COMPLETED)
    RunsOfJob(cells, 2, 1)()
    monkeypatch.setattr(slurm_job, "attempt", lambda cell: FAILED if cell.run_id == "r1" else COMPLETED)
    with pytest.raises(SystemExit, match="1"):
        RunsOfJob(cells, 2, 1)()


def test_a_job_that_has_lost_a_process_of_its_run_ends_for_another_to_go_on(cells, stopped, monkeypatch):
    def attempt(cell):
        raise LostPeer

    monkeypatch.setattr(slurm_job, "attempt", attempt)
    monkeypatch.setattr(slurm_job, "requeue", lambda job: pytest.fail("a new job has the limit on losses"))
    monkeypatch.setattr(slurm_job, "state_of_job", lambda job: "RUNNING")
    with pytest.raises(SystemExit, match="75"):
        RunsOfJob(cells, 2, 1)()
