import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from msd_mtl.study import lease, lock
from msd_mtl.study.lease import Lease, Told
from msd_mtl.study.lock import RunInProgressError, is_locked, locked

HOLD = (
    "import sys, time; from pathlib import Path; from msd_mtl.study.lock import locked\n"
    "with locked(Path(sys.argv[1]), 'run', wait=False):\n    print('held', flush=True); time.sleep(60)"
)


@pytest.fixture
def holder(tmp_path: Path):
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_another_process_skips_a_run_that_is_held(tmp_path, holder):
    assert is_locked(tmp_path, "run")
    with pytest.raises(RunInProgressError, match="run"), locked(tmp_path, "run", wait=False):
        pass


def test_a_lock_dies_with_its_holder(tmp_path, holder):
    holder.kill()
    holder.wait()
    assert not is_locked(tmp_path, "run")
    with locked(tmp_path, "run", wait=False):
        assert is_locked(tmp_path, "run")
    assert not is_locked(tmp_path, "run")
    assert not list((tmp_path / lock.LEASES).iterdir())


def test_lookers_do_not_take_each_other_for_holders(tmp_path):
    with locked(tmp_path, "run", wait=False):
        pass
    with (tmp_path / lock.FOLDER / "run").open() as looker:
        fcntl.flock(looker, fcntl.LOCK_SH)
        assert not is_locked(tmp_path, "run")


def test_one_that_waits_takes_over(tmp_path, holder, capsys):
    threading.Timer(0.3, holder.kill).start()
    started = time.monotonic()
    with locked(tmp_path, "run", wait=True):
        assert time.monotonic() - started > 0.2
    assert "being made by another process; waiting" in capsys.readouterr().err


def test_other_runs_are_free(tmp_path, holder):
    with locked(tmp_path, "other", wait=False):
        pass


# Other machines, as seen from here: their locks are not seen, or their disk has none; and claims last for a second.
ELSEWHERE = (
    "from msd_mtl.study import lease, lock\n"
    "def flock(descriptor, operation): {flock}\n"
    "lock.fcntl.flock, lease.machine = flock, lambda: {machine!r}\n"
    "lease.RENEW_S, lease.STALE_S = 0.1, 1.0\n"
)
OTHER = ELSEWHERE.format(flock="pass", machine="other") + HOLD
WITHOUT = ELSEWHERE.format(flock="raise OSError(lock.errno.ENOLCK, 'No locks available')", machine="other") + HOLD


@pytest.fixture
def _soon_void(monkeypatch):
    monkeypatch.setattr(lease, "STALE_S", 1.0)
    monkeypatch.setattr(lease, "RENEW_S", 0.1)


@pytest.fixture(params=[OTHER, WITHOUT], ids=["locks of its own", "no locks"])
def far_holder(request, tmp_path, _soon_void):
    command = [sys.executable, "-c", request.param, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_another_machine_whose_locks_are_not_seen_is_respected_while_it_lives(tmp_path, far_holder):
    time.sleep(1.5)  # longer than a claim lasts that is not renewed
    assert is_locked(tmp_path, "run")
    with pytest.raises(RunInProgressError, match="run"), locked(tmp_path, "run", wait=False):
        pass
    far_holder.kill()
    started = time.monotonic()
    with locked(tmp_path, "run", wait=True):
        assert 0.3 < time.monotonic() - started < 10
    assert not is_locked(tmp_path, "run")


def test_a_holder_that_slept_too_long_is_asked_to_stop(tmp_path, far_holder):
    far_holder.send_signal(signal.SIGSTOP)
    with locked(tmp_path, "run", wait=True):
        far_holder.send_signal(signal.SIGCONT)
        _, said = far_holder.communicate(timeout=20)
        assert is_locked(tmp_path, "run")
    assert far_holder.returncode == -signal.SIGTERM
    assert "Run run is another process's by now" in said


@pytest.mark.usefixtures("_soon_void")
def test_a_machine_that_died_holds_nothing_though_the_disk_keeps_its_lock(tmp_path):
    """NFS 3 keeps it until the machine is back."""
    path, claim = tmp_path / lock.FOLDER / "run", tmp_path / lock.LEASES / "run" / "4"
    for file in (path, claim):
        file.parent.mkdir(parents=True)
        file.write_text("other")
    os.utime(claim, (0, 0))
    with path.open() as kept:
        fcntl.flock(kept, fcntl.LOCK_EX)
        assert not is_locked(tmp_path, "run")
        with locked(tmp_path, "run", wait=False):
            assert is_locked(tmp_path, "run")
            fcntl.flock(kept, fcntl.LOCK_UN)  # it is back
            assert is_locked(tmp_path, "run")
            with pytest.raises(RunInProgressError), locked(tmp_path, "run", wait=False):
                pass
    assert not is_locked(tmp_path, "run")


def test_a_holder_of_this_machine_that_sleeps_is_waited_for(tmp_path, holder, monkeypatch):
    holder.send_signal(signal.SIGSTOP)
    monkeypatch.setattr(lease, "STALE_S", 0.0)
    assert is_locked(tmp_path, "run")
    with pytest.raises(RunInProgressError), locked(tmp_path, "run", wait=False):
        pass


def test_a_disk_that_is_out_of_locks_for_a_moment_frees_no_run(tmp_path, holder, monkeypatch):
    monkeypatch.setattr(lock, "_take", lambda *_: Told.NOTHING)
    assert is_locked(tmp_path, "run")
    with pytest.raises(RunInProgressError), locked(tmp_path, "run", wait=False):
        pass


def test_a_lock_whose_holder_has_not_claimed_yet_is_respected(tmp_path):
    path = tmp_path / lock.FOLDER / "run"
    path.parent.mkdir(parents=True)
    with path.open("w") as begun:
        fcntl.flock(begun, fcntl.LOCK_EX)
        assert is_locked(tmp_path, "run")
        with pytest.raises(RunInProgressError), locked(tmp_path, "run", wait=False):
            pass


@pytest.mark.parametrize(("seen", "there"), [([], [2]), ([3], [1])])
def test_a_claim_made_from_an_old_list_is_withdrawn(tmp_path, monkeypatch, seen, there):
    """While one looked, others took the run, let go of it, and took it anew."""
    for number in there:
        (tmp_path / str(number)).write_text("other")
    lists = [seen]
    listed = lease._claims
    monkeypatch.setattr(lease, "_claims", lambda folder: lists.pop() if lists else listed(folder))
    monkeypatch.setattr(lease, "_holds", lambda *_: False)
    assert not Lease(tmp_path).take(Told.MINE)
    assert listed(tmp_path) == there


def test_a_folder_of_claims_that_goes_away_is_no_claim(tmp_path, monkeypatch):
    """The holder lets go of the run just when another wants it."""
    monkeypatch.setattr(lease.Path, "mkdir", lambda *_, **__: None)
    assert not Lease(tmp_path / "run").take(Told.MINE)


def test_a_claim_that_changes_hands_holds(tmp_path, monkeypatch):
    monkeypatch.setattr(lease, "_claims", lambda _: [5])
    assert lease.is_claimed(tmp_path, Told.MINE)


@pytest.mark.usefixtures("_soon_void")
def test_a_disk_that_is_away_for_a_while_ends_no_run(tmp_path, monkeypatch):
    away, renewed = [OSError(5, "Input/output error")] * 2, threading.Event()

    def utime(path: Path) -> None:
        if away:
            raise away.pop()
        renewed.set()

    monkeypatch.setattr(lease.os, "utime", utime)
    with locked(tmp_path, "run", wait=False):
        assert renewed.wait(5)


def test_ages_are_told_by_the_clock_of_the_disk(tmp_path, monkeypatch):
    (tmp_path / "1").write_text("other")
    monkeypatch.setattr(lease.time, "time", lambda: 0.0)
    os.utime(tmp_path / "1", (0, 0))
    assert not lease.is_claimed(tmp_path, Told.MINE)


def test_one_who_may_not_write_can_look(tmp_path, monkeypatch):
    def touch(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    (tmp_path / "1").write_text("other")
    monkeypatch.setattr(lease.Path, "touch", touch)
    assert lease.is_claimed(tmp_path, Told.MINE)


@pytest.mark.parametrize("left", [0, 3])
@pytest.mark.usefixtures("_soon_void")
def test_of_many_that_want_a_run_one_gets_it(tmp_path, left):
    for _ in range(20):
        folder = tmp_path / "run"
        if left:  # by a holder that died
            folder.mkdir(exist_ok=True)
            (folder / str(left)).write_text("other")
            os.utime(folder / str(left), (0, 0))
        claims = [Lease(folder) for _ in range(8)]
        with ThreadPoolExecutor(8) as pool:
            taken = list(pool.map(lambda claim: claim.take(Told.NOTHING), claims))
        assert sum(taken) == 1
        for claim in claims:
            claim.release()
        assert not folder.exists() or not list(folder.iterdir())


def test_a_disk_without_locks_will_do(tmp_path, monkeypatch):
    def flock(descriptor: int, operation: int) -> None:
        raise OSError(lock.UNSUPPORTED[0], "Function not implemented")

    monkeypatch.setattr(lock.fcntl, "flock", flock)
    with locked(tmp_path, "run", wait=False):
        assert is_locked(tmp_path, "run")
        with pytest.raises(RunInProgressError), locked(tmp_path, "run", wait=False):
            pass
    assert not is_locked(tmp_path, "run")


def test_a_full_disk_leaves_no_claim(tmp_path, monkeypatch):
    def full() -> str:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(lease, "machine", full)
        with pytest.raises(OSError, match="No space"):
            Lease(tmp_path / "run").take(Told.MINE)
    mine = Lease(tmp_path / "run")
    assert mine.take(Told.MINE)
    mine.release()
