"""Tells on standard error how a sweep goes on, without flooding a log."""

import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from msd_mtl.study.cell import Cell
from msd_mtl.study.states import Progress, State, progress

FIRST_S, MOST_S = 2.0, 60.0  # seconds between two lines: more and more


class Follower:
    """Writes a line now and then: runs completed, running, failed and to come, and the time left.

    Args:
        cells: The runs to follow.
    """

    def __init__(self, cells: Sequence[Cell]) -> None:
        self.cells = cells
        self._lock = threading.Lock()
        self._every_s = FIRST_S
        self._told_s = time.monotonic()

    def __enter__(self) -> Self:  # noqa: D105  # nothing to prepare
        return self

    def __exit__(  # noqa: D105  # the last line tells how it ended
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.tell()

    def report(self, cell: Cell, ended: str) -> None:  # noqa: ARG002  # the pool's signature
        """A run has ended."""
        self.look()

    def look(self) -> None:
        """Write the line if the last one is long enough ago."""
        with self._lock:
            if time.monotonic() - self._told_s > self._every_s:
                self._every_s = min(2 * self._every_s, MOST_S)
                self.tell()

    def tell(self) -> Progress:
        """Write the line."""
        self._told_s = time.monotonic()
        now = progress(Path(self.cells[0].config["runs_dir"]), [cell.run_id for cell in self.cells])
        sys.stderr.write(line(now) + "\n")
        return now


def line(now: Progress) -> str:
    """How runs stand, in one line."""
    parts = [f"{now.counts[state]:,} {state}" for state in State if now.counts[state] or state == State.COMPLETED]
    left = f", about {duration(now.left_s)} left" if now.left_s else ""
    return f"{len(now.states):,} runs: {', '.join(parts)}{left}"


def duration(seconds: float) -> str:
    """A length of time, in the unit that fits: ``40 s``, ``12 min``, ``3.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
