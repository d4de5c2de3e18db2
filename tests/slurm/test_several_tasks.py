"""One run over several tasks of a real cluster."""

import os
import signal

import pytest

from tests.conftest import SMALL
from tests.slurm.test_slurm import (
    SHORT,
    SUPERVISOR,
    assert_jobs_give_wandb_what_it_lacks,
    assert_quiet_run_is_equal,
    records,
    until,
    variables,
)

pytestmark = [pytest.mark.slurm, pytest.mark.slow, pytest.mark.timeout(1800)]

TWO = ["trainer=ddp", "hydra.launcher.tasks_per_node=2", "hydra.launcher.cells_per_job=1"]


def test_one_run_over_two_tasks_leaves_one_record(sweep, tmp_path):
    launcher = sweep(*SHORT, *TWO, "seed=0")
    assert launcher.wait(600) == 0, (tmp_path / "launcher.log").read_text()
    (record,) = records(tmp_path).values()
    assert record["status"] == "completed"
    assert record["steps"] == 10 * 20
    for task in (0, 1):  # each is a process of the run
        (log,) = tmp_path.glob(f"runs/.slurm/test/*/*_{task}_log.err")
        assert f"GLOBAL_RANK: {task}, MEMBER: {task + 1}/2" in log.read_text()
    assert_jobs_give_wandb_what_it_lacks(sweep, tmp_path, *SHORT, *TWO, "seed=0")


def test_a_run_that_loses_one_of_its_tasks_goes_on_in_another_job(cluster, sweep, processes, tmp_path):
    run = [*SMALL, "trainer.max_epochs=40", "seed=0"]
    launcher = sweep(*run, *TWO, "hydra.launcher.poll_s=1", "checkpoint_every_s=0.1")
    until(lambda: list(tmp_path.glob("runs/*/last.ckpt")))
    (second,) = (pid for pid in processes(SUPERVISOR) if variables(pid).get("SLURM_PROCID") == "1")
    os.kill(second, signal.SIGKILL)
    assert launcher.wait(600) == 0, (tmp_path / "launcher.log").read_text()
    assert "with 1 runs to do; 1 of its runs go to another job" in (tmp_path / "launcher.log").read_text()
    (record,) = records(tmp_path).values()
    assert record["status"] == "completed"
    assert record["resumed_step"] > 0
    (attempt,) = record["attempts"]
    assert attempt["interrupted_by"] == "lost another process of the run; the same command goes on from its checkpoint"
    assert_quiet_run_is_equal(cluster, tmp_path, *run, "trainer=ddp", "hydra.launcher.n_workers=1")
