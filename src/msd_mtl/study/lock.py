"""One process a run: a lock that the operating system lets go of when its holder ends, however it ends."""

import errno
import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msd_mtl.errors import UserError

FOLDER = ".locks"

# What a disk without locks answers.
UNSUPPORTED = (errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL)


class RunInProgressError(Exception):
    """Another process makes this run at the moment."""


@contextmanager
def locked(runs_dir: Path, run: str, *, wait: bool) -> Iterator[None]:
    """Hold a run.

    The lock is ``flock`` on a file that is never deleted: a file that is deleted and made anew would have two holders.
    Linux carries ``flock`` over NFS as locks of the server, so it holds between machines; the holder's end, or that of
    its machine's lease, frees it.

    Args:
        runs_dir: Folder of the runs; the lock lies beside the run directories, which may be deleted at any time.
        run: Its ``run_id``.
        wait: Wait for another holder's end, and say so; otherwise raise.

    Raises:
        RunInProgressError: If another process holds it and ``wait`` is false.
        UserError: If the disk has no locks.
    """
    path = runs_dir / FOLDER / run
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if not _take(descriptor, path, block=False):
            if not wait:
                raise RunInProgressError(run)
            sys.stderr.write(f"Run {run} is being made by another process; waiting for it.\n")
            _take(descriptor, path, block=True)
        yield
    finally:
        os.close(descriptor)  # frees the lock


def is_locked(runs_dir: Path, run: str) -> bool:
    """Whether a process, of any machine, holds the run."""
    try:
        descriptor = os.open(runs_dir / FOLDER / run, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    else:
        return False
    finally:
        os.close(descriptor)


def _take(descriptor: int, path: Path, *, block: bool) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if block else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in UNSUPPORTED:
            raise UserError(
                f"runs_dir must be on a disk with file locks; got {path.parent.parent}: {error.strerror}. "
                "Choose another runs_dir, or have the disk mounted with locks (Lustre: option flock)."
            ) from None
        raise
    return True
