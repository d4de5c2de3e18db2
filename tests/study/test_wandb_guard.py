"""What the guard of a W&B run does, seen with a stand-in for W&B, and which processes it ends."""

import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from msd_mtl.study import wandb_core, wandb_run
from msd_mtl.study.wandb_core import NoAnswerError, kill_cores, within
from msd_mtl.study.wandb_run import MARGIN_S, WORKS_S, GuardedRun, WandbSettings

ROWS = [{"epoch": float(epoch), "loss": 1.0} for epoch in range(4)]


class Stub:
    """A run that W&B goes on with after two epochs."""

    step = 2

    def __init__(self):
        self.logged, self.summary, self.fails = [], {}, {}

    def log(self, row, **how):
        self.logged.append((row, how))
        self._fail("log")

    def finish(self, exit_code):
        self._fail("finish")

    def _fail(self, name):
        if name in self.fails:
            raise self.fails[name]


@pytest.fixture
def guarded(tmp_path, monkeypatch):
    """A guarded run on a stand-in, with the settings of each start and the limit of each call."""
    stub, starts, limits = Stub(), [], []

    def init(**given):
        starts.append(given)
        stub._fail(f"start {len(starts)}")
        return stub

    @contextmanager
    def limited(limit_s):
        limits.append(limit_s)
        yield

    monkeypatch.setattr(GuardedRun, "_unreachable", False)
    monkeypatch.setattr(wandb_run, "within", limited)
    monkeypatch.setattr(wandb_run.wandb, "setup", lambda _: None)
    monkeypatch.setattr(wandb_run.wandb, "init", init)
    monkeypatch.setattr(wandb_run.wandb, "teardown", lambda **_: 1 / 0)
    run = GuardedRun(tmp_path, WandbSettings("online", False, 7.0, 8.0), {"id": "a"})
    run.open()
    return run, stub, starts, limits


def test_a_run_goes_on_after_the_epochs_that_wandb_has(guarded):
    run, stub, *_ = guarded
    run.show(ROWS[:3])
    run.show(ROWS)
    assert stub.logged == [(ROWS[epoch], {"step": epoch, "commit": True}) for epoch in (2, 3)]


def test_calls_are_limited_and_a_failure_is_told_once(guarded, capsys):
    run, stub, starts, limits = guarded
    stub.fails = {"log": RuntimeError("lost\nand more"), "start 2": RuntimeError("no"), "start 3": RuntimeError("no")}
    run.show(ROWS)
    assert limits == [7.0 + MARGIN_S, WORKS_S, MARGIN_S]
    run.show(ROWS)
    assert len(limits) == 3  # there is nothing left to call
    run.close(ROWS, {}, "completed")
    assert [start["mode"] for start in starts] == ["online", "online", "offline", "offline"]
    said = "msd-mtl: W&B is lost; training goes on without it (RuntimeError: lost).\n"
    assert capsys.readouterr().err == said
    assert len(stub.logged) == 2  # the last start has worked


def test_a_wandb_core_that_is_killed_while_it_is_let_go_of_ends_no_run(guarded, monkeypatch, capsys):
    run, stub, *_ = guarded
    monkeypatch.setattr(wandb_run.wandb, "teardown", lambda **_: sys.exit(-9))  # as W&B does then
    stub.fails = {"log": RuntimeError("lost")}
    run.show(ROWS)
    assert "is lost; training goes on" in capsys.readouterr().err


def test_what_is_slow_to_upload_is_told_and_later_runs_are_logged_offline(guarded, tmp_path, capsys):
    run, stub, starts, limits = guarded
    stub.fails = {"finish": TimeoutError()}
    run.close(ROWS, {"a": 1}, "completed")
    assert (
        capsys.readouterr().err
        == f"msd-mtl: W&B is slow; `wandb sync {tmp_path}/wandb/run-*` uploads what is missing.\n"
    )
    assert (len(starts), stub.summary, limits[-1]) == (1, {"a": 1}, 8.0 + MARGIN_S)
    run.open()
    assert [start["mode"] for start in starts] == ["online"]  # this one is there
    GuardedRun(tmp_path, run.settings, {"id": "b"}).open()
    assert starts[-1]["mode"] == "offline"


def test_nothing_of_the_machine_is_collected_and_nothing_is_waited_for_without_end(guarded):
    (start,) = guarded[2]
    settings = start["settings"]
    off = ("disable_git", "disable_code", "x_disable_meta", "x_disable_machine_info", "x_disable_stats")
    assert [getattr(settings, name) for name in off] == [True] * len(off)
    assert not settings.save_code
    assert "save_code" in settings.model_fields_set  # whatever the environment says
    assert not settings.x_save_requirements
    assert (settings.silent, settings.console) == (True, "off")
    assert (settings.init_timeout, settings.login_timeout, settings.finish_timeout) == (7, 1, 8)
    assert settings.finish_timeout_raises
    assert settings.x_transaction_log_flush_interval == 1


def test_files_of_earlier_attempts_go_unless_they_are_uploaded(guarded, tmp_path):
    run, *_ = guarded
    for name in ("run-1-a", "offline-run-2-a", "run-3-a"):
        (tmp_path / "wandb" / name).mkdir(parents=True)
    (tmp_path / "wandb" / "run-1-a" / "run-a.wandb.synced").touch()
    run.open()
    run._init("offline")
    assert [path.name for path in (tmp_path / "wandb").iterdir()] == ["run-1-a"]


def test_the_cores_of_any_thread_are_killed_and_no_other_process(tmp_path, monkeypatch):
    core, other = tmp_path / "wandb-core", tmp_path / "other"
    for path in (core, other):
        shutil.copy(shutil.which("sleep") or "", path)
    with ThreadPoolExecutor(1) as thread, subprocess.Popen([str(other), "30"]) as kept:
        started = thread.submit(subprocess.Popen, [str(core), "30"]).result()
        while Path(f"/proc/{started.pid}/comm").read_text().strip() != "wandb-core":
            time.sleep(0.01)  # the kernel names a process a moment after it lets its parent go on
        found = [*wandb_core._children(), 2**22 + 1]  # no process has this id
        monkeypatch.setattr(wandb_core, "_children", lambda: reversed(found))
        kill_cores()
        assert started.wait(timeout=5) == -9
        assert kept.poll() is None
        kept.kill()


def test_a_thread_that_has_ended_hides_no_process(monkeypatch):
    glob = Path.glob
    monkeypatch.setattr(Path, "glob", lambda path, pattern: [path / "0" / "children", *glob(path, pattern)])
    with subprocess.Popen(["sleep", "30"]) as child:
        assert child.pid in wandb_core._children()
        child.kill()


def test_what_ends_in_time_has_nothing_killed(monkeypatch):
    killed = []
    monkeypatch.setattr(wandb_core, "kill_cores", lambda: killed.append(1))
    with within(0.05):
        pass
    time.sleep(0.1)
    assert not killed
    with within(0.05):
        time.sleep(0.1)
    assert killed


def test_what_waits_for_ever_is_called_out_and_lets_go_of_what_it_holds(monkeypatch):
    monkeypatch.setattr(wandb_core, "GRACE_S", 0.05)
    lock, before = threading.Lock(), signal.getsignal(signal.SIGALRM)

    def wait():
        with suppress(NoAnswerError):  # W&B may pass over the first call
            lock.acquire()
        lock.acquire()

    with pytest.raises(NoAnswerError, match=r"no answer in 0\.05 s"), within(0.05), lock:
        wait()
    assert not lock.locked()
    assert signal.getsignal(signal.SIGALRM) == before


def test_outside_the_main_thread_nothing_is_called_out(monkeypatch):
    monkeypatch.setattr(wandb_core, "GRACE_S", 0.05)

    def wait():
        with within(0.05):
            time.sleep(0.2)
        return "ended"

    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(wait).result() == "ended"


@pytest.mark.usefixtures("own_wandb")
def test_a_wandb_core_that_dies_while_it_starts_holds_nobody_up(tmp_path, monkeypatch, capsys):
    from wandb.sdk.lib.service import service_process

    monkeypatch.setattr(wandb_core, "GRACE_S", 0.1)
    run = GuardedRun(tmp_path, WandbSettings("offline", False, 60.0, 60.0), {"id": "a", "project": "p"})
    with monkeypatch.context() as patched:
        patched.setattr(service_process, "get_core_path", lambda: shutil.which("false"))
        patched.setattr(GuardedRun, "_init_s", 0.3)
        run.open()
    assert "msd-mtl: W&B does not start (" in capsys.readouterr().err
    assert run.close(ROWS, {}, "completed")
    assert list(tmp_path.glob("wandb/offline-run-*-a/run-a.wandb"))


def test_a_call_that_comes_before_the_block_ends_only_the_block(monkeypatch):
    monkeypatch.setattr(wandb_core, "GRACE_S", 0.05)
    start = threading.Thread.start

    def slow(thread):
        start(thread)
        time.sleep(0.3)  # the watcher has called by now

    monkeypatch.setattr(threading.Thread, "start", slow)
    earlier = signal.getsignal(signal.SIGALRM)
    begun = []

    def wait():
        begun.append(True)
        time.sleep(5)

    with pytest.raises(NoAnswerError), within(0.05):
        wait()
    assert begun
    assert signal.getsignal(signal.SIGALRM) == earlier
