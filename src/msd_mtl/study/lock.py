"""One process a run, on this machine and others: what holds a run ends with its holder, however that ends."""

import errno
import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msd_mtl.study.lease import Lease, Told, is_claimed

FOLDER, LEASES = ".locks", ".leases"
WAIT_S = 1.0  # seconds between two tries to claim a run that another machine holds

# What a disk without locks answers.
UNSUPPORTED = (errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL)


class RunInProgressError(Exception):
    """Another process makes this run at the moment."""


@contextmanager
def locked(runs_dir: Path, run: str, *, wait: bool) -> Iterator[None]:
    """Hold a run.

    Two things hold it. ``flock``, on a file that is never deleted, ends with its holder at once; whether other machines
    see it depends on how the disk is mounted, which cannot be asked, and some servers keep it for a machine that has
    died (NFS 3, until that machine is back). So a lease is held too, which all see and which is renewed. One of this
    machine without its ``flock`` is void at once; others, and those on disks without ``flock``, are so a minute after
    their last renewal. POSIX locks would not do: a process loses them when it closes any file of that name, as
    ``is_locked`` does.

    Args:
        runs_dir: Folder of the runs; the lock lies beside the run directories, which may be deleted at any time.
        run: Its ``run_id``.
        wait: Wait for another holder's end, and say so; otherwise raise.

    Raises:
        RunInProgressError: If another process holds it and ``wait`` is false.
    """
    path = runs_dir / FOLDER / run
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    lease = Lease(runs_dir / LEASES / run)
    waited = False
    try:
        while not lease.take(_take(descriptor)):
            if not wait:
                raise RunInProgressError(run)
            if not waited:
                sys.stderr.write(f"Run {run} is being made by another process; waiting for it.\n")
            waited = True
            time.sleep(WAIT_S)
        yield
    finally:
        lease.release()
        os.close(descriptor)  # ends the lock


def is_locked(runs_dir: Path, run: str) -> bool:
    """Whether a process, of any machine, holds the run."""
    try:
        descriptor = os.open(runs_dir / FOLDER / run, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return is_claimed(runs_dir / LEASES / run, _take(descriptor, fcntl.LOCK_SH))
    finally:
        os.close(descriptor)


def _take(descriptor: int, kind: int = fcntl.LOCK_EX) -> Told:
    """Try to lock a file."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return Told.BUSY
    except OSError as error:
        if error.errno in UNSUPPORTED:
            return Told.NOTHING
        raise
    return Told.MINE
