"""Which process of a run speaks for it, whatever launchers say."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from hydra.core.hydra_config import HydraConfig
from lightning_fabric.strategies.launchers.subprocess_script import _basic_subprocess_cmd
from omegaconf import OmegaConf
from pytorch_lightning.strategies import SingleDeviceStrategy
from tests.conftest import SMALL
from tests.warm import msd_mtl

from msd_mtl.errors import UserError
from msd_mtl.study import run
from msd_mtl.study.interruption import LostPeer
from msd_mtl.study.peers import FailedPeerError, OtherRunError, peers_may_end
from msd_mtl.study.processes import RANKS, WORKER, is_main_process, restartable
from msd_mtl.study.run import run_once

TRAIN = [sys.executable, "-m", "msd_mtl.cli", "train"]


@pytest.mark.parametrize("name", RANKS)
@pytest.mark.parametrize(
    ("trainer", "speaks"),
    [
        ({"devices": 1}, True),
        ({"devices": 1, "num_nodes": 1}, True),
        ({"devices": 2}, False),
        ({"devices": "auto", "accelerator": "cuda"}, False),
        ({"devices": "auto", "accelerator": "cpu"}, True),
        ({"devices": 1, "num_nodes": 2}, False),
    ],
)
def test_ranks_count_only_in_runs_of_several_processes(monkeypatch, name, trainer, speaks):
    for rank in RANKS:
        monkeypatch.delenv(rank, raising=False)
    assert is_main_process({"trainer": trainer})
    monkeypatch.setenv(name, "1")
    assert is_main_process({"trainer": trainer}) == speaks


GLOO = "[/x/gloo/transport/tcp/pair.cc:553] Connection closed by peer"


@pytest.mark.parametrize(
    ("devices", "error", "is_lost"),
    [
        (2, RuntimeError(GLOO), True),
        (2, torch.distributed.DistBackendError("NCCL error"), True),
        (2, RuntimeError("any"), False),
        (2, ValueError(GLOO), False),
        (1, RuntimeError(GLOO), False),
    ],
)
def test_what_other_processes_leave_behind_is_no_failure_of_this_one(devices, error, is_lost):
    with pytest.raises(LostPeer if is_lost else type(error)), peers_may_end({"trainer": {"devices": devices}}):
        raise error


@pytest.mark.parametrize("module", [None, find_spec("msd_mtl.cli")], ids=["script", "module"])
def test_other_processes_are_started_with_the_configuration_of_the_run(tmp_path, monkeypatch, module):
    main, arguments = sys.modules["__main__"], ["msd-mtl", "train", "--config-name", "mine", "seed=1"]
    monkeypatch.setattr(main, "__spec__", module)
    monkeypatch.setattr(sys, "argv", arguments)
    monkeypatch.setattr(HydraConfig.instance(), "cfg", OmegaConf.create({"hydra": {"overrides": {"task": []}}}))
    with restartable(tmp_path / "config.yaml"):
        assert not HydraConfig.initialized()  # of which Lightning would make another command line
        assert _basic_subprocess_cmd() == [sys.executable, "-m", WORKER, str(tmp_path / "config.yaml")]
    assert HydraConfig.initialized()
    assert (main.__spec__, sys.argv) == (module, arguments)


def test_a_process_that_makes_another_run_than_the_first_refuses(small_run, monkeypatch):
    monkeypatch.setattr(SingleDeviceStrategy, "broadcast", lambda *_: "b" * 16)
    with pytest.raises(UserError, match=r"all processes of a run must make the same one; got .* the first makes b{16}"):
        run_once(small_run("baselines=false"))


def test_the_first_process_refuses_too_and_its_record_says_why(small_run, tmp_path, monkeypatch):
    monkeypatch.setattr(SingleDeviceStrategy, "reduce_boolean_decision", lambda *_, **__: False)
    with pytest.raises(UserError, match=r"must make the same one; got others than \w{16} too"):
        run_once(small_run("baselines=false"))
    (record,) = tmp_path.glob("runs/*/record.json")
    assert json.loads(record.read_text())["status"] == "failed"


@pytest.mark.parametrize(
    ("error", "status", "exit_code"),
    [
        *((ValueError(), "failed", 1), (UserError(), "failed", 2), (OtherRunError(), "running", None)),
        *((SystemExit(3), "failed", 3), (SystemExit(0), "failed", 1), (SystemExit("word"), "failed", 1)),
        (SystemExit(256), "failed", 1),
        (OSError(errno.ENOENT, "no \udcff", "\udcff"), "failed", 2),  # a file name that is not UTF-8
    ],
)
def test_a_process_fails_for_all_unless_it_makes_another_run(tmp_path, monkeypatch, error, status, exit_code):
    def fail(*_):
        raise error

    begun = {"schema_version": 1, "run_id": "a", "status": "running"}
    (tmp_path / "record.json").write_text(json.dumps(begun))
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setattr(run, "_results", fail)
    with pytest.raises(FailedPeerError if exit_code in (2, 3) else type(error)):
        run._recorded({"trainer": {"devices": 2}}, tmp_path, begun)
    record = json.loads((tmp_path / "record.json").read_text())
    assert record["status"] == status
    assert record.get("error", {}).get("exit_code") == exit_code


@pytest.mark.slow
@pytest.mark.parametrize("sweep", [(), ("-m", "hydra/launcher=local", "hydra.launcher.n_workers=1")])
def test_a_task_of_somebody_elses_makes_a_whole_run_of_its_own(tmp_path, sweep):
    ranks = dict.fromkeys(RANKS, "1")
    overrides = [*sweep, *SMALL, "baselines=false", "checkpoint_every_s=0"]
    done = msd_mtl("train", *overrides, cwd=tmp_path, environment=ranks)
    assert done.returncode == 0, done.stderr
    (record,) = tmp_path.glob("runs/*/record.json")
    assert json.loads(record.read_text())["status"] == "completed"
    assert done.stdout  # its table
    assert [path.name for path in (tmp_path / "runs" / ".locks").iterdir()] == [record.parent.name]


def others(worker: int, module: str = "msd_mtl.study.worker") -> list[int]:
    """Processes that a worker has started and that are of its run."""
    tasks = Path(f"/proc/{worker}/task").glob("*/children")
    pids = [int(pid) for task in tasks for pid in task.read_text().split()]
    return [pid for pid in pids if module.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()]


SEVERAL = ["trainer=ddp", "data.batch_size=10", "checkpoint_every_s=0.1", "recipe.patience=null", *SMALL]
LONG = [*SEVERAL, "trainer.max_epochs=20", "baselines=false"]


@pytest.mark.slow
def test_a_run_that_loses_one_of_its_processes_goes_on(tmp_path):
    command = [*TRAIN, "-m", "hydra/launcher=local", "hydra.launcher.n_workers=1", *LONG]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as sweep:
        while not list(tmp_path.glob("runs/*/last.ckpt")):
            assert sweep.poll() is None
            time.sleep(0.02)
        (worker,) = others(sweep.pid)
        (second,) = others(worker)
        os.kill(second, signal.SIGKILL)
        _, said = sweep.communicate(timeout=120)
    assert sweep.returncode == 0, said
    (path,) = tmp_path.glob("runs/*/record.json")
    record = json.loads(path.read_text())
    assert record["status"] == "completed"
    assert record["resumed_step"] > 0
    (attempt,) = record["attempts"]
    assert attempt["ended"] == "interrupted"
    quiet = msd_mtl("train", *LONG, "runs_dir=quiet", cwd=tmp_path)
    assert quiet.returncode == 0
    (undisturbed,) = tmp_path.glob("quiet/*/record.json")
    assert json.loads(undisturbed.read_text())["metrics"] == record["metrics"]
    assert (undisturbed.parent / "history.csv").read_text() == (path.parent / "history.csv").read_text()


FAILING = """
import os, torch

class Failing(torch.optim.AdamW):
    n_steps = 0

    def step(self, closure=None):
        loss = super().step(closure)
        self.n_steps += 1
        if self.n_steps == 5 and os.environ["LOCAL_RANK"] == "1":
            raise ArithmeticError("it broke")
        return loss
"""


@pytest.mark.slow  # two processes that PyTorch brings together
def test_an_error_of_one_process_alone_fails_the_run_at_once_and_stands_in_its_record(tmp_path):
    (tmp_path / "failing.py").write_text(FAILING)
    command = [*TRAIN, "-m", "hydra/launcher=local", "hydra.launcher.n_workers=1", *SEVERAL, "baselines=false"]
    command += ["recipe.optimizer._target_=failing.Failing"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    (path,) = tmp_path.glob("runs/*/record.json")
    record = json.loads(path.read_text())
    assert record["status"] == "failed"
    assert record["error"] == {"kind": "ArithmeticError", "message": "it broke", "rank": 1, "exit_code": 1}
    assert record["attempts"] == []
    assert f"Run {record['run_id']} failed: ArithmeticError (rank 1): it broke\n" in done.stderr
