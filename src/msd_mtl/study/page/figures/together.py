"""Many figures drawn by two processes, where there are two cores and a process can be copied."""

import multiprocessing
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from msd_mtl.study.page.figures.drawing import Drawn, Picture, draw

MANY = 24  # panels; of fewer, a second process saves less than a second


def draw_all(pictures: Sequence[Picture], folder: Path) -> dict[str, Drawn]:
    """Draw figures (see ``draw``).

    Args:
        pictures: What to draw, of different names.
        folder: Where the files go.

    Returns:
        The figures by name.
    """
    own, others = _halves(pictures)
    if sum(len(one.panels) for one in pictures) < MANY or not others or not _has_two_cores():
        return {one.name: draw(one, folder) for one in pictures}
    context = multiprocessing.get_context("fork")  # what panels are drawn by cannot be sent
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(receiver, sender, others, folder), daemon=True)
    process.start()
    try:
        sender.close()
        drawn = [draw(one, folder) for one in own]
        try:
            panels = receiver.recv()
        except (EOFError, OSError):  # it has ended without, or amid; what was wrong is said here, if it was a picture
            drawn += [draw(one, folder) for one in others]
        else:
            drawn += [Drawn(*one) for one in zip(others, panels, strict=True)]
    finally:
        process.kill()
        process.join()
        receiver.close()
    return {one.picture.name: one for one in drawn}


def _send(receiver: Connection, sender: Connection, pictures: Sequence[Picture], folder: Path) -> None:
    """Draw figures for another process; once that has ended, nobody reads, and sending fails."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the other has it, too, and ends this one
    receiver.close()
    with suppress(Exception):
        sender.send([draw(one, folder).panels for one in pictures])


def _halves(pictures: Sequence[Picture]) -> tuple[list[Picture], list[Picture]]:
    """Figures in two parts with about as many panels."""
    parts: tuple[list[Picture], list[Picture]] = ([], [])
    for picture in sorted(pictures, key=lambda one: -len(one.panels)):
        min(parts, key=lambda part: sum(len(one.panels) for one in part)).append(picture)
    return parts


def _has_two_cores() -> bool:
    """Whether this process has two cores; on Linux, where a process can be copied at any time."""
    return hasattr(os, "sched_getaffinity") and len(os.sched_getaffinity(0)) > 1
