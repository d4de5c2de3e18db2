"""Bounds what W&B may take: a wandb-core that hangs is killed, and what waits for it fails instead, in few words."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NAME = "wandb-core"  # of the process that wandb starts beside this one


@contextmanager
def within(limit_s: float) -> Iterator[None]:
    """Have calls of W&B end in time: they wait for wandb-core without a limit, even where it is stopped.

    Args:
        limit_s: Seconds after which wandb-core is killed. On other systems than Linux it is not found, and not killed.
    """
    timer = threading.Timer(limit_s, kill_cores)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


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
