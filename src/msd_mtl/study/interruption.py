"""Signals that ask a run to stop: between two steps, from where going on is exact, or at once outside training."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# SIGINT: Ctrl-C. SIGTERM: scancel, preemption, end of a time limit. SIGUSR2: what submitit has sent ahead of a limit.
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR2)


class InterruptedRun(BaseException):
    """A run was asked to stop and has kept what it needs to go on; no failure, so no ``Exception``.

    Attributes:
        signum: The signal that asked.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(f"stopped by {signal.Signals(signum).name}; the same command goes on from here")
        self.signum = signum

    @property
    def exit_code(self) -> int:
        """Exit code that shells give a process which this signal ended."""
        return 128 + self.signum


class LostPeer(InterruptedRun):
    """Another process of the run has ended, and with it this one can only begin again from the last checkpoint."""

    EXIT_CODE = 75  # EX_TEMPFAIL of sysexits.h: trying again may help

    def __init__(self) -> None:
        BaseException.__init__(self, "lost another process of the run; the same command goes on from its checkpoint")

    @property
    def exit_code(self) -> int:
        """Exit code that tells those who make the run again why."""
        return self.EXIT_CODE


class _Wish:
    """The wish to stop, of this process."""

    def __init__(self) -> None:
        self.heeded = False
        self.waits = False
        self.signum: int | None = None

    def __call__(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002  # the interpreter's signature
        """Note the signal while a checkpoint is to come; otherwise, or at a second Ctrl-C, stop at once."""
        impatient = signum == signal.SIGINT and self.signum == signal.SIGINT
        self.signum = signum
        if not self.waits or impatient:
            raise InterruptedRun(signum)


_wish = _Wish()


@contextmanager
def interruptible() -> Iterator[None]:
    """Turn stopping signals into ``InterruptedRun`` for as long as the block lasts.

    Only the main thread of a process can; elsewhere the block changes nothing. Blocks may be nested.
    """
    if threading.current_thread() is not threading.main_thread() or _wish.heeded:
        yield
        return
    earlier = {signum: signal.getsignal(signum) for signum in STOPPING}
    _wish.heeded, _wish.waits, _wish.signum = True, False, None
    take_over()
    try:
        yield
    finally:
        _wish.heeded = False
        for signum, handler in earlier.items():
            signal.signal(signum, handler)


def take_over() -> None:
    """Within ``interruptible``, handle stopping signals here; one that is ignored, as Ctrl-C in a worker, stays so."""
    for signum in STOPPING:
        if _wish.heeded and signal.getsignal(signum) != signal.SIG_IGN:
            signal.signal(signum, _wish)


@contextmanager
def until_checkpoint() -> Iterator[None]:
    """While the block lasts, a signal is only noted: ``stop_if_asked`` is called where stopping is exact."""
    _wish.waits = _wish.heeded
    try:
        yield
    finally:
        _wish.waits = False
    stop_if_asked()


def asked_to_stop() -> bool:
    """Whether a stopping signal has come."""
    return _wish.signum is not None


def stop_if_asked() -> None:
    """Stop here if a signal has asked for it.

    Raises:
        InterruptedRun: If one has.
    """
    if _wish.signum is not None:
        stop()


def stop() -> None:
    """Stop here, on this process's signal or that of another process of the run.

    Raises:
        InterruptedRun: Always.
    """
    raise InterruptedRun(_wish.signum or signal.SIGTERM)
