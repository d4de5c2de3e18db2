"""Sweeps on a real cluster, whatever happens to their processes."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SMALL
from tests.slurm.conftest import TRAIN, Cluster

# a machine that other work keeps busy takes ten times as long as one that is idle: 100 s for the longest
pytestmark = [pytest.mark.slurm, pytest.mark.slow, pytest.mark.timeout(1800)]

SHORT = [*SMALL, "trainer.max_epochs=10"]  # a run of a second
LONG = [*SMALL, "trainer.max_epochs=150"]  # a run of some seconds
SUPERVISOR, WORKER = "msd_mtl.study.slurm_job", "msd_mtl.study.worker"


def records(where: Path, runs_dir: str = "runs") -> dict[str, dict[str, Any]]:
    return {path.parent.name: json.loads(path.read_text()) for path in (where / runs_dir).glob("*/record.json")}


def completed(where: Path) -> dict[str, dict[str, Any]]:
    return {run: record for run, record in records(where).items() if record["status"] == "completed"}


def variables(pid: int) -> dict[str, str]:
    """Environment variables of a process."""
    return dict(pair.split("=", 1) for pair in Path(f"/proc/{pid}/environ").read_text().split("\0") if "=" in pair)


def until(condition: Callable[[], Any], timeout_s: float = 300) -> Any:
    end = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < end, "what was waited for did not happen"
        time.sleep(0.2)
    return found


def in_job(pid: int, job: str) -> bool:
    """Whether a worker is of a job; it is not told itself, but its parent is."""
    parent = variables(int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1]))
    return f"{parent['SLURM_ARRAY_JOB_ID']}_{parent['SLURM_ARRAY_TASK_ID']}" == job


def is_asked_to_stop(pid: int) -> bool:
    """Whether SIGTERM waits for a process that is stopped, or has ended it: SLURM may wake whom it sends a signal."""
    try:
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    except (FileNotFoundError, ProcessLookupError):
        return True
    return bool((int(status["SigPnd"], 16) | int(status["ShdPnd"], 16)) >> (signal.SIGTERM - 1) & 1)


def assert_quiet_run_is_equal(cluster: Cluster, where: Path, *overrides: str) -> None:
    """Make the completed runs again, undisturbed, and compare metrics and histories to the bit."""
    quiet = [*TRAIN, "hydra/launcher=local", *overrides, "runs_dir=quiet"]
    subprocess.run(quiet, cwd=where, env=cluster.environment, check=True, capture_output=True, timeout=900)
    undisturbed, disturbed = records(where, "quiet"), completed(where)
    assert disturbed.keys() == undisturbed.keys()
    for run in disturbed:
        assert disturbed[run]["metrics"] == undisturbed[run]["metrics"]
        history = [(where / runs_dir / run / "history.csv").read_text() for runs_dir in ("runs", "quiet")]
        assert history[0] == history[1]


class Faults:
    """What is done to a sweep, and how often."""

    def __init__(self, cluster: Cluster, find: Callable[[str], list[int]], start: Callable[[], Any]) -> None:
        self.cluster, self.find, self.start = cluster, find, start
        self.launcher = start()
        self.done: Counter[str] = Counter()

    def plan(self) -> list[Callable[[], bool]]:
        often = [self.kill_worker, self.kill_supervisor, self.requeue, self.preempt, self.terminate] * 2
        return [*often, self.requeue, self.restart_controller, self.kill_launcher]

    def _signal(self, module: str, signum: int) -> bool:
        pids = self.find(module)
        if pids:
            os.kill(random.choice(pids), signum)
        return bool(pids)

    def kill_worker(self) -> bool:
        return self._signal(WORKER, signal.SIGKILL)

    def kill_supervisor(self) -> bool:
        return self._signal(SUPERVISOR, signal.SIGKILL)

    def terminate(self) -> bool:
        jobs = self.cluster.jobs("RUNNING")
        if jobs:  # scancel tries on and on if the job is being started again, so nobody waits for long
            command = ["timeout", "2", "scancel", "--signal=TERM", random.choice(jobs)]
            subprocess.run(command, env=self.cluster.environment, stderr=subprocess.DEVNULL, check=False)
        return bool(jobs)

    def requeue(self) -> bool:
        jobs = self.cluster.jobs("RUNNING")
        return bool(jobs) and self.cluster.ask("scontrol", "requeue", random.choice(jobs)) == ""

    def preempt(self) -> bool:
        if not self.cluster.jobs("RUNNING"):
            return False
        self.cluster.ask("sbatch", "--partition=high", "--exclusive", "--output=/dev/null", "--wrap=sleep 1")
        return True

    def restart_controller(self) -> bool:
        self.cluster.control("restart")
        return True

    def kill_launcher(self) -> bool:
        self.launcher.kill()
        self.launcher.wait()
        self.launcher = self.start()
        return True


def test_sixty_runs_end_once_each_whatever_happens(cluster, sweep, processes, tmp_path):
    swept = [*SHORT, "sharing=none,low,high,interspersed,full", "seed=range(12)", "study.name=faults"]
    packed = ["hydra.launcher.cells_per_job=6", "hydra.launcher.poll_s=1", "checkpoint_every_s=0.2"]
    random.seed(0)
    faults = Faults(cluster, processes, lambda: sweep(*swept, *packed))
    plan = faults.plan()
    random.shuffle(plan)
    until(lambda: processes(WORKER))
    first: dict[str, dict[str, Any]] = {}
    end = time.monotonic() + 1500
    while faults.launcher.poll() is None and time.monotonic() < end:
        first = completed(tmp_path) | first
        time.sleep(random.uniform(1, 4))
        if not plan:
            continue
        try:
            happened = plan[0]()
        except (subprocess.CalledProcessError, ProcessLookupError):  # the job ended meanwhile
            continue
        if happened:
            faults.done[plan.pop(0).__name__] += 1
    assert faults.launcher.poll() == 0, (tmp_path / "launcher.log").read_text()
    disturbed = records(tmp_path)
    assert len(disturbed) == 60
    assert {record["status"] for record in disturbed.values()} == {"completed"}
    attempts = [attempt for record in disturbed.values() for attempt in record["attempts"]]
    resumed = sum(record["resumed_step"] is not None for record in disturbed.values())
    sys.stdout.write(
        f"faults: {dict(faults.done)}; attempts cut off: {len(attempts)}; runs resumed from a step: {resumed}\n"
    )
    assert faults.done.total() >= 8
    assert attempts
    assert {attempt["ended"] for attempt in attempts} == {"interrupted"}  # none was begun again that was completed
    assert len(first) > 10
    assert first == {run: disturbed[run] for run in first}  # nor ended a second time, by a process that held it too

    assert_quiet_run_is_equal(cluster, tmp_path, *swept)


def test_a_time_limit_is_survived_and_a_cancelled_job_stays_cancelled(cluster, sweep, processes, tmp_path):
    """The limit is a real one, set when both runs are under way; that the run takes so long is not: it is stopped.

    Three jobs are cancelled: one that runs, and two that wait for their turn; of the first SLURM keeps nothing.
    """
    far = ["hydra.launcher.timeout_min=30", "hydra.launcher.signal_s=10", "checkpoint_every_s=0.2"]
    one_each = ["hydra.launcher.cells_per_job=1", "hydra.launcher.gpus_per_node=1", "hydra.launcher.poll_s=1"]
    launcher = sweep(*LONG, *far, *one_each, "hydra.launcher.array_parallelism=2", "seed=range(4)")
    until(lambda: len(list(tmp_path.glob("runs/*/last.ckpt"))) == 2)
    unbegun = cluster.jobs("PENDING")
    assert len(unbegun) == 2
    for waiting in unbegun:
        cluster.ask("scancel", waiting)
    assert sorted(variables(worker)["CUDA_VISIBLE_DEVICES"] for worker in processes(WORKER)) == ["0", "1"]
    slow, cancelled = sorted(processes(WORKER), key=lambda pid: variables(pid)["CUDA_VISIBLE_DEVICES"])
    os.kill(slow, signal.SIGSTOP)
    jobs = cluster.jobs("RUNNING")
    (limited,), (job,) = ([job for job in jobs if in_job(pid, job)] for pid in (slow, cancelled))
    used, limit = cluster.ask("squeue", "--noheader", "--jobs", limited, "--format=%M %l").split()
    assert limit == "30:00"
    minutes, seconds = map(int, used.split(":"))  # on a busy machine both runs may take long to begin
    cluster.ask("scontrol", "update", f"JobId={limited}", f"TimeLimit={minutes + 1 + (seconds > 30)}")
    cluster.ask("scancel", job)
    until(lambda: is_asked_to_stop(slow))  # by the job, which SLURM has told of the limit
    with suppress(ProcessLookupError):
        os.kill(slow, signal.SIGCONT)
    until(lambda: limited in cluster.jobs("PENDING"))
    cluster.ask("scontrol", "update", f"JobId={limited}", "TimeLimit=30")  # once is enough
    assert launcher.wait(600) == 1
    statuses = Counter(record["status"] for record in records(tmp_path).values())
    assert statuses == {"completed": 1, "running": 1}
    log = (tmp_path / "launcher.log").read_text()
    assert "go to another job" not in log  # the job that met its limit was started again
    for name in (*unbegun, job):
        assert f"Job {name} ended CANCELLED with 1 runs to do; its runs are left as they are" in log
    (found,) = (record for record in records(tmp_path).values() if record["status"] == "completed")
    assert found["attempts"]
    assert {attempt["ended"] for attempt in found["attempts"]} == {"interrupted"}
    assert found["resumed_step"] > 0
    assert_quiet_run_is_equal(cluster, tmp_path, *LONG, f"seed={found['seed']}")


def assert_jobs_give_wandb_what_it_lacks(sweep: Callable[..., Any], where: Path, *overrides: str) -> None:
    """Have completed runs shown on W&B, offline, by the same sweep."""
    before = {path: path.read_bytes() for path in where.glob("runs/*/record.json")}
    assert sweep(*overrides, "logger=wandb", "logger.mode=offline").wait(600) == 0
    log = (where / "launcher.log").read_text()
    assert f"{len(before)} completed runs are given to W&B" in log
    assert "W&B lacks" not in log
    for path, record in before.items():
        assert path.read_bytes() == record
        assert (path.parent / "wandb" / "given.json").is_file()
        assert len(list(path.parent.glob("wandb/offline-run-*/run-*.wandb"))) == 1


def test_completed_runs_are_given_to_wandb_by_jobs(sweep, tmp_path):
    swept = [*SHORT, "seed=0,1", "hydra.launcher.cells_per_job=2"]
    assert sweep(*swept).wait(600) == 0
    assert_jobs_give_wandb_what_it_lacks(sweep, tmp_path, *swept)


def test_a_refused_launch_leaves_no_runs_behind_and_a_killed_one_does_whose_jobs_are_known(cluster, sweep, tmp_path):
    slow = [*LONG, "study.name=s", "seed=0,1", "hydra.launcher.cells_per_job=1", "hydra.launcher.poll_s=1"]
    assert sweep(*slow, "hydra.launcher.partition=nosuch").wait(120) == 2
    assert "sbatch must accept the jobs; got: " in (tmp_path / "launcher.log").read_text()
    assert not list(tmp_path.glob("runs/.studies/*"))
    launcher = sweep(*slow)
    until(lambda: cluster.jobs("PENDING,RUNNING"))
    launcher.kill()
    (index,) = tmp_path.glob("runs/.studies/s/*.json")
    assert len(json.loads(index.read_text())) == 2
    assert sweep(*slow).wait(600) == 0
    assert len(completed(tmp_path)) == 2
    assert len(list(tmp_path.glob("runs/.slurm/test/*"))) == 1  # arrays
