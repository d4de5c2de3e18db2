import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from msd_mtl.errors import UserError
from msd_mtl.study import lock
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


def test_one_that_waits_takes_over(tmp_path, holder, capsys):
    threading.Timer(0.3, holder.kill).start()
    started = time.monotonic()
    with locked(tmp_path, "run", wait=True):
        assert time.monotonic() - started > 0.2
    assert "being made by another process; waiting" in capsys.readouterr().err


def test_other_runs_are_free(tmp_path, holder):
    with locked(tmp_path, "other", wait=False):
        pass


def test_a_disk_without_locks_is_refused(tmp_path, monkeypatch):
    def flock(descriptor: int, operation: int) -> None:
        raise OSError(lock.UNSUPPORTED[0], "Function not implemented")

    monkeypatch.setattr(lock.fcntl, "flock", flock)
    with pytest.raises(UserError, match="runs_dir must be on a disk with file locks"), locked(tmp_path, "r", wait=True):
        pass
