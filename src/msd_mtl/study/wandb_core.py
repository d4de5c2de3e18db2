"""Bounds what W&B may take: a wandb-core that hangs is killed, and what waits for it fails instead, in few words."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

NAME = "wandb-core"  # of the process that wandb starts beside this one
GRACE_S = 1.0  # for a call to fail once wandb-core is killed; our choice


class NoAnswerError(Exception):
    """A call of W&B was ended that would have waited for ever."""


@contextmanager
def within(limit_s: float) -> Iterator[None]:
    """Have calls of W&B end in time: they wait for wandb-core without a limit, even where it is stopped.

    Some wait though it is dead: where it dies while it starts, wandb 0.31 waits for a lock that it holds itself. So the
    main thread is then called out of the block; no other thread can be.

    Args:
        limit_s: Seconds after which wandb-core is killed. On other systems than Linux it is not found, and not killed.

    Raises:
        NoAnswerError: If the block lasts for ``GRACE_S`` more.
    """
    inside, ended = False, threading.Event()
    is_main = threading.current_thread() is threading.main_thread()

    def leave(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001  # the interpreter's signature
        if inside:
            raise NoAnswerError(f"no answer in {limit_s:g} s")

    def watch() -> None:
        if ended.wait(limit_s):
            return
        kill_cores()
        while is_main and not ended.wait(GRACE_S):  # again where W&B has passed over the first call
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)

    watcher = threading.Thread(target=watch, daemon=True)
    earlier = signal.signal(signal.SIGALRM, leave) if is_main else None
    watcher.start()
    try:
        try:
            inside = True
            yield
        finally:
            inside = False
    finally:
        inside = False  # the call may have come in the line above
        ended.set()
        watcher.join()  # whose signal would end the process without a handler
        if is_main:
            signal.signal(signal.SIGALRM, earlier or signal.SIG_DFL)


def kill_cores() -> None:
    """Kill every wandb-core that this process has started."""
    for pid in _children():
        with suppress(OSError):  # it has ended meanwhile
            if Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip() == NAME:
                os.kill(pid, signal.SIGKILL)


def _children() -> Iterator[int]:
    """Processes that any thread of this one has started."""
    for path in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):  # the thread has ended meanwhile
            yield from map(int, path.read_text(encoding="utf-8").split())


def in_brief(error: Exception) -> str:
    """Kind and first sentence of an error; what W&B says to do about it comes in further ones."""
    said = (str(error).splitlines() or [""])[0].split(". ")[0].rstrip(". ")
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
