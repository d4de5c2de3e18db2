"""What can happen to the files and processes of a run, and that its numbers are those of an undisturbed one."""

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import h5py
import pytest
import torch
from tests.conftest import SMALL
from tests.warm import msd_mtl

from msd_mtl.app import message_of
from msd_mtl.errors import UserError
from msd_mtl.model.module import MultiTaskModule
from msd_mtl.study import files, keep
from msd_mtl.study.cell import COMPLETED, FAILED, Cell, attempt, name_of
from msd_mtl.study.identity import resolved
from msd_mtl.study.launch import launch_in_process
from msd_mtl.study.record import read_record
from msd_mtl.study.run import run_once
from msd_mtl.study.states import State, state_of

pytestmark = pytest.mark.usefixtures("undrawn")

TRAIN = [sys.executable, "-m", "msd_mtl.cli", "train", "-m", *SMALL, "baselines=false"]


class CutError(Exception):
    """What ends a run in these tests."""


def cut_off(cfg, monkeypatch, step: int = 5) -> Path:
    """Begin a run and end it before a step; its checkpoint."""
    original = MultiTaskModule.training_step

    def training_step(self, batch, batch_idx):
        if self.global_step == step:
            raise CutError
        return original(self, batch, batch_idx)

    with monkeypatch.context() as patched:
        patched.setattr(MultiTaskModule, "training_step", training_step)
        with pytest.raises(CutError):
            run_once(cfg)
    (last,) = Path(cfg.runs_dir).glob("*/last.ckpt")
    return last


def cell(cfg) -> Cell:
    config = resolved(cfg)
    return Cell(name_of(config), (), config)


@pytest.fixture
def often(small_run):
    """Composes a run with a checkpoint after every step."""
    return lambda *overrides: small_run("data.batch_size=50", "checkpoint_every_s=0", "baselines=false", *overrides)


@pytest.mark.parametrize("damage", ["emptied", "truncated", "flipped"])
def test_a_checkpoint_that_cannot_be_read_costs_time_only(often, tmp_path, monkeypatch, capfd, damage):
    last = cut_off(often(), monkeypatch)
    content = bytearray(last.read_bytes())
    middle = len(content) // 2
    if damage == "flipped":
        content[middle] ^= 0x10
    last.write_bytes({"emptied": b"", "truncated": content[:middle], "flipped": content}[damage])
    _, record = run_once(often())
    assert record["resumed_step"] is None
    assert "last.ckpt cannot be read; the run begins anew" in capfd.readouterr().err
    assert record["metrics"] == run_once(often(f"runs_dir={tmp_path / 'quiet'}"))[1]["metrics"]


def test_a_checkpoint_that_does_not_fit_costs_time_only(often, tmp_path, monkeypatch, capfd):
    last = cut_off(often(), monkeypatch)
    content = torch.load(last, weights_only=True)
    content["state_dict"].popitem()  # as of an earlier version of the network, half of it restored before it shows
    torch.save(content, last)
    _, record = run_once(often())
    assert record["resumed_step"] is None
    assert len(record["attempts"]) == 1
    (said,) = (line for line in capfd.readouterr().err.splitlines() if "does not fit" in line)
    assert said.startswith(f"{last} does not fit (RuntimeError: Error(s) in loading state_dict")
    assert said.endswith("; the run begins anew.")
    assert record["metrics"] == run_once(often(f"runs_dir={tmp_path / 'quiet'}"))[1]["metrics"]


def test_a_checkpoint_of_another_run_costs_time_only(often, tmp_path, monkeypatch, capfd):
    other = cut_off(often("seed=1", f"runs_dir={tmp_path / 'other'}"), monkeypatch)
    last = cut_off(often(), monkeypatch)
    last.write_bytes(other.read_bytes())  # of the same shape: nothing but its name tells
    _, record = run_once(often())
    assert record["resumed_step"] is None
    said = f"{last} does not fit (ValueError: it is of run {other.parent.name}); the run begins anew."
    assert said in capfd.readouterr().err.splitlines()
    assert record["metrics"] == run_once(often(f"runs_dir={tmp_path / 'quiet'}"))[1]["metrics"]


def test_a_checkpoint_of_before_they_told_their_run_is_taken(often, monkeypatch):
    last = cut_off(often(), monkeypatch)
    content = torch.load(last, weights_only=True)
    assert content["callbacks"]["KeepBest"].pop("run") == last.parent.name
    torch.save(content, last)
    assert run_once(often())[1]["resumed_step"] == 5


OF_THE_MACHINE = [
    OSError(errno.EIO, "Input/output error"),
    MemoryError(),
    torch.OutOfMemoryError("CUDA out of memory"),
    torch.AcceleratorError("CUDA error: out of memory"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory"),
    RuntimeError("[/x/gloo/transport/tcp/pair.cc:553] Connection closed by peer"),
]


@pytest.mark.parametrize("error", OF_THE_MACHINE, ids=lambda error: type(error).__name__)
def test_a_machine_that_fails_while_a_checkpoint_is_read_costs_no_step(often, monkeypatch, error):
    cut_off(often(), monkeypatch)

    def load_state_dict(*_, **__):
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(MultiTaskModule, "load_state_dict", load_state_dict)
        assert attempt(cell(often())) == FAILED
    assert run_once(often())[1]["resumed_step"] == 5


def test_a_disk_that_does_not_give_the_checkpoint_costs_no_step(often, monkeypatch):
    last = cut_off(often(), monkeypatch)

    class Archive(zipfile.ZipFile):
        def testzip(self):
            raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr("msd_mtl.study.resume.zipfile.ZipFile", Archive)
        assert attempt(cell(often())) == FAILED
    assert "Input/output error" in read_record(last.parent)["error"]["message"]
    assert run_once(often())[1]["resumed_step"] == 5


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), RuntimeError("any")], ids=["full disk", "any"]
)
def test_a_failure_before_the_next_checkpoint_costs_no_step(often, monkeypatch, error):
    cut_off(often(), monkeypatch)

    def checkpoint(*_):
        raise error

    for _ in range(2):  # whoever tries it again meets the same
        with monkeypatch.context() as patched:
            patched.setattr("msd_mtl.study.keep.KeepBest.checkpoint", checkpoint)
            assert attempt(cell(often())) == FAILED
    assert run_once(often())[1]["resumed_step"] == 5


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_best_weights_that_have_no_room_are_told_as_a_full_disk(small_run, monkeypatch):
    @contextmanager
    def full(path):
        yield Path("/dev/full")

    with monkeypatch.context() as patched:
        patched.setattr(keep, "whole_file", full)
        with pytest.raises(OSError, match="No space left on device") as told:
            run_once(small_run("baselines=false"))
    assert "Make room on the disk" in (message_of(told.value) or "")
    assert attempt(cell(small_run("baselines=false"))) == COMPLETED


def test_a_failure_before_training_leaves_the_checkpoint(often, monkeypatch):
    last = cut_off(often(), monkeypatch)
    with monkeypatch.context() as patched:
        patched.setattr("msd_mtl.study.fit.build_data", lambda _: 1 / 0)
        assert attempt(cell(often())) == FAILED
    assert last.is_file()
    assert run_once(often())[1]["resumed_step"] == 5


def test_a_failure_further_on_leaves_the_later_checkpoint(often, monkeypatch):
    cut_off(often(), monkeypatch)
    cut_off(often(), monkeypatch, step=9)
    assert run_once(often())[1]["resumed_step"] == 9


@pytest.mark.parametrize("left", [0.0, 0.5, 0.99])
def test_a_record_that_is_not_whole_is_put_aside_and_the_run_made_again(small_run, capfd, left):
    folder, made = run_once(small_run("baselines=false"))
    whole = (folder / "record.json").read_text()
    (folder / "record.json").write_text(whole[: int(left * len(whole))])
    assert state_of(folder.parent, folder.name) == State.INTERRUPTED
    _, again = run_once(small_run("baselines=false"))
    assert again["metrics"] == made["metrics"]
    assert state_of(folder.parent, folder.name) == State.COMPLETED
    assert (folder / "record.unreadable.json").is_file()
    assert "record must be the JSON of a run; got" in capfd.readouterr().err


WRITER = (
    "import sys; from pathlib import Path; from msd_mtl.study.record import write_record\n"
    "folder, n = Path(sys.argv[1]), 0\n"
    "while True:\n"
    "    n += 1\n"
    "    record = {'schema_version': 1, 'status': 'completed', 'n': [n] * 20_000}\n"
    "    write_record(folder, record)\n"
    "    if n == 1: print(flush=True)"
)


def test_a_record_is_whole_whenever_its_writer_is_killed(tmp_path):
    moments = random.Random(0)
    for _ in range(8):
        with subprocess.Popen([sys.executable, "-c", WRITER, tmp_path], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(moments.uniform(0, 0.1))
            writer.kill()
        found = read_record(tmp_path)
        assert found is not None
        assert len(set(found["n"])) == 1


def test_an_error_with_what_is_no_character_stands_in_the_record(small_run, monkeypatch):
    def fail(*_):
        raise RuntimeError("no \udcff.h5")  # as Python has a file name that is not UTF-8

    monkeypatch.setattr("msd_mtl.study.run._results", fail)
    failed = cell(small_run())
    assert attempt(failed) == FAILED
    record = read_record(failed.folder) or {}
    assert (record["status"], record["error"]["message"], record["attempts"]) == ("failed", r"no \udcff.h5", [])


def test_a_run_that_exits_is_a_failure_and_ends_nothing_else(small_run, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("msd_mtl.study.fit.save_best", lambda *_: sys.exit(3))
        with pytest.raises(SystemExit, match="3"):
            run_once(small_run("baselines=false"))
        (path,) = Path(small_run().runs_dir).glob("*/record.json")
        assert read_record(path.parent)["error"] == {"kind": "SystemExit", "message": "3"}
        assert attempt(cell(small_run("baselines=false"))) == FAILED
    launch_in_process([cell(small_run("baselines=false")), cell(small_run("baselines=false", "seed=1"))])
    assert [state_of(path.parents[1], p.parent.name) for p in path.parents[1].glob("*/record.json")] == [
        "completed"
    ] * 2


def test_a_full_disk_fails_the_runs_that_meet_it_and_no_others(small_run, monkeypatch, capfd):
    full, other = cell(small_run("baselines=false")), cell(small_run("baselines=false", "seed=1"))
    write_text = files.write_text

    def write(path: Path, text: str) -> None:
        if path.parent == full.folder and state_of(full.folder.parent, full.run_id) != State.MISSING:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        write_text(path, text)

    with monkeypatch.context() as patched:
        patched.setattr("msd_mtl.study.keep.write_text", write)  # first: it may only now import the other
        patched.setattr(files, "write_text", write)
        launch_in_process([full, other])
    assert (
        f"The record of run {full.run_id} cannot say so: [Errno 28] No space left on device" in capfd.readouterr().err
    )
    assert [state_of(c.folder.parent, c.run_id) for c in (full, other)] == [State.INTERRUPTED, State.COMPLETED]
    assert attempt(full) == COMPLETED


def test_runs_whose_store_vanished_or_changed_say_so_in_their_records(small_run, msd_run, tmp_path, msd_store):
    store = tmp_path / "moving.h5"
    store.write_bytes(msd_store.read_bytes())
    waiting = cell(msd_run(f"data.store={store}"))
    other = cell(small_run("baselines=false"))
    store.unlink()
    launch_in_process([waiting, other])
    assert (read_record(waiting.folder)["status"], read_record(other.folder)["status"]) == ("failed", "completed")
    assert "moving.h5" in read_record(waiting.folder)["error"]["message"]
    store.write_bytes(msd_store.read_bytes())
    with h5py.File(store, "r+") as file:
        file.attrs["content_hash"] = "another"
    assert attempt(waiting) == FAILED
    record = read_record(waiting.folder)
    assert "data must stay as they were when the sweep was started" in record["error"]["message"]
    assert len(record["attempts"]) == 1
    assert [path.name for path in waiting.folder.parent.glob("[0-9a-f]*")].count(waiting.run_id) == 1
    store.write_bytes(msd_store.read_bytes())
    assert attempt(waiting) == COMPLETED


@pytest.mark.slow
def test_two_sweeps_of_the_same_runs_make_each_once(tmp_path):
    command = [*TRAIN, "hydra/launcher=local", "hydra.launcher.n_workers=1", "seed=range(5)"]
    sweeps = [subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) for _ in "ab"]
    assert [(sweep.communicate()[1] and sweep.returncode) for sweep in sweeps] == [0, 0]
    records = [json.loads(path.read_text()) for path in tmp_path.glob("runs/*/record.json")]
    assert Counter(record["status"] for record in records) == {"completed": 5}
    assert not any(record["attempts"] for record in records)


@pytest.mark.slow
def test_a_plain_sweep_of_runs_of_two_processes_each(tmp_path):
    done = msd_mtl("train", "-m", *SMALL, "baselines=false", "trainer=ddp", "seed=0,1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "2 runs: 2 completed" in done.stdout


@pytest.mark.slow
def test_a_plain_sweep_stops_at_a_signal_and_goes_on(tmp_path):
    command = [*TRAIN, "trainer.max_epochs=40", "recipe.patience=null", "checkpoint_every_s=0.1", "seed=0,1"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as sweep:
        while not list(tmp_path.glob("runs/*/last.ckpt")):
            time.sleep(0.05)
        sweep.send_signal(signal.SIGTERM)
        _, said = sweep.communicate(timeout=60)
    assert sweep.returncode == 128 + signal.SIGTERM, said
    assert "stopped; the same command goes on from here" in said
    again = msd_mtl(*command[3:], cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert "2 runs: 2 completed" in again.stdout


def test_what_reads_records_says_which_one_is_not_whole(small_run):
    folder, _ = run_once(small_run("baselines=false"))
    (folder / "record.json").write_text("{")
    with pytest.raises(UserError, match=r"record must be the JSON of a run; got .*record\.json"):
        read_record(folder)


HOOK = """
import os, signal, sys
class Finder:
    sent = False
    def find_spec(self, name, path=None, target=None):
        if name == "numpy.lib" and not self.sent:
            self.sent = True
            os.kill(os.getpid(), signal.SIGTERM)
sys.meta_path.insert(0, Finder())
"""


def test_a_signal_while_numpy_is_imported_is_an_interruption(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(HOOK)
    command = [sys.executable, "-m", "msd_mtl.cli", "train", *SMALL, "baselines=false"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 128 + signal.SIGTERM, ended.stderr
    (folder,) = (path.parent for path in tmp_path.glob("runs/*/record.json"))
    assert state_of(folder.parent, folder.name) == State.INTERRUPTED
