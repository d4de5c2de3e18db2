"""What a process of a run learns of the end of another: it was lost, or it has failed by an error of its own."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from msd_mtl.errors import UserError
from msd_mtl.study.identity import Config
from msd_mtl.study.interruption import LostPeer
from msd_mtl.study.processes import is_of_several, own_rank
from msd_mtl.study.record import Record, error_of, found_record, write_record


class OtherRunError(UserError):
    """This process makes another run than the first, which the record of its own says nothing of."""


class FailedPeerError(Exception):
    """A process of the run that is not the first has failed; the record says by what, and needs no other word.

    Attributes:
        exit_code: That with which a run of one process ends by such an error.
    """

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def is_of_a_peer(error: BaseException) -> bool:
    """Whether an error is that of a process whose run's other processes no longer answer."""
    import torch.distributed

    of_gloo = isinstance(error, RuntimeError) and "/gloo/" in str(error)  # it has no class of its own
    return of_gloo or (torch.distributed.is_available() and isinstance(error, torch.distributed.DistError))


@contextmanager
def peers_may_end(config: Config) -> Iterator[None]:
    """Take the end of another process of a run for an interruption: whatever ended that one, this one has not failed.

    Args:
        config: Resolved configuration of the run.

    Raises:
        LostPeer: Where the block meets it.
    """
    try:
        yield
    except Exception as error:
        if is_of_several(config) and is_of_a_peer(error):
            raise LostPeer from error
        raise


def fail_for_all(folder: Path, error: dict[str, Any], exit_code: int) -> None:
    """Say in the record of a run that this process, which is not the first, has failed: the first may not live to.

    Args:
        folder: Run directory.
        error: What the record says of the error.
        exit_code: That with which it ends.

    Raises:
        FailedPeerError: If the first process can tell all that there is to tell: this one has no traceback to show.
    """
    with suppress(OSError, UserError):  # a disk that is full, say: then the first tells that it lost a process
        record = found_record(folder)
        if record is not None and record.get("status") == "running":
            error = error | {"rank": int(own_rank()), "exit_code": exit_code}
            write_record(folder, record | {"status": "failed", "error": error})
            if exit_code != 1:
                raise FailedPeerError(error_of({"error": error}), exit_code)


def check_peers(folder: Path, begun: Record) -> None:
    """Tell a run that another process has failed from one that was cut off.

    Args:
        folder: Run directory.
        begun: Record that the first process has begun with.

    Raises:
        FailedPeerError: If another process has written since that it has failed.
    """
    record = found_record(folder) or {}
    if record.get("status") == "failed" and record.get("started_at") == begun["started_at"]:
        raise FailedPeerError(error_of(record), record["error"]["exit_code"]) from None
