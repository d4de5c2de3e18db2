"""A claim on a run that lasts while it is renewed: for disks whose locks reach no other machine, or that have none."""

import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

RENEW_S = 10.0  # our choice: one small request to the disk a run
STALE_S = (
    60.0  # without a renewal a claim is void; our choice: a holder can miss some renewals, and others wait no longer
)


class Told(StrEnum):
    """What the lock that goes with a claim tells: it is ours, or another's, or the disk has none."""

    MINE = "mine"
    BUSY = "busy"
    NOTHING = "nothing"


class Lease:
    """The claim of this process on a run.

    A claim is a file with a number; the one with the highest number holds, if it is renewed. Making a file that must
    not exist is atomic on every disk, NFS included, so of those that want the next number one gets it. Ages are told by
    the clock of the disk alone. In the file stands the machine whose lock goes with the claim, or nothing without one.

    Args:
        folder: Folder of the claims on the run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path: Path | None = None
        self._ended = threading.Event()
        self._renewing = threading.Thread(target=self._renew, daemon=True)

    def take(self, told: Told) -> bool:
        """Claim the run; whether nobody else holds it.

        Args:
            told: What its lock tells.
        """
        earlier = _claims(self.folder)
        if _holds(self.folder, earlier, told):
            return False
        path = self.folder / str(max(earlier, default=0) + 1)
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(machine() if told == Told.MINE else "")
        except (FileExistsError, FileNotFoundError):  # another was faster, or has just let go of the run
            return False
        except OSError:  # a full disk: a claim that says nothing would hold the run until it is stale
            path.unlink(missing_ok=True)
            raise
        if {*_claims(self.folder)} - {*earlier} != {int(path.name)}:  # others came and went since
            path.unlink(missing_ok=True)
            return False
        for number in earlier:
            (self.folder / str(number)).unlink(missing_ok=True)
        self._path = path
        self._renewing.start()
        return True

    def release(self) -> None:
        """Let go of the run, if it is held."""
        if self._path is None:
            return
        self._ended.set()
        self._renewing.join()
        self._path.unlink(missing_ok=True)
        with suppress(OSError):  # another may want it already
            self.folder.rmdir()

    def _renew(self) -> None:
        """Renew until the end; a process whose claim has become another's, as after a long sleep, is asked to stop."""
        while self._path is not None and not self._ended.wait(RENEW_S):
            try:
                os.utime(self._path)
            except FileNotFoundError:
                sys.stderr.write(f"Run {self.folder.name} is another process's by now, as this one slept too long.\n")
                os.kill(os.getpid(), signal.SIGTERM)
                return
            except OSError:  # the disk is away for a while
                continue


def is_claimed(folder: Path, told: Told) -> bool:
    """Whether a claim on a run holds.

    Args:
        folder: Folder of the claims on the run.
        told: What its lock tells.
    """
    return _holds(folder, _claims(folder), told)


def _holds(folder: Path, numbers: Sequence[int], told: Told) -> bool:
    """Whether the highest claim holds: of one with a lock of this machine the lock tells, of others their age."""
    if not numbers:
        return told == Told.BUSY  # its holder is about to claim it, or has just let go
    path = folder / str(max(numbers))
    try:
        with path.open(encoding="utf-8") as file:  # opening a file has NFS ask for its attributes anew
            locked_here, renewed_s = file.read() == machine(), os.fstat(file.fileno()).st_mtime
    except FileNotFoundError:  # it changes hands at this moment
        return True
    if locked_here and told != Told.NOTHING:
        return told == Told.BUSY
    return _now_s(folder) - renewed_s < STALE_S


def machine() -> str:
    """What tells the running system from others: processes that see the same locks have the same."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return platform.node()


def _now_s(folder: Path) -> float:
    """The time by the clock of the disk; by that of this machine where nothing may be written."""
    probe = folder / f".{os.getpid()}.{threading.get_ident()}"
    try:
        probe.touch()
        return probe.stat().st_mtime
    except OSError:
        return time.time()
    finally:
        with suppress(OSError):
            probe.unlink()


def _claims(folder: Path) -> list[int]:
    try:
        return [int(name) for name in os.listdir(folder) if name.isdecimal()]  # noqa: PTH208  # of names alone
    except FileNotFoundError:
        return []
