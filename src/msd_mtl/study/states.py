"""How runs stand, read off the first bytes of their records: cheap enough to watch thousands."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from os import SEEK_END
from pathlib import Path
from statistics import median

from msd_mtl.study.lock import is_locked
from msd_mtl.study.record import RECORD, found_record

HEAD = 1024  # bytes; the status is the fourth entry of a record
TAIL = 8  # bytes; the end of a record that is whole
SAMPLE = 30  # completed runs whose time tells that of the others
STATUS = re.compile(rb'"status": "(\w+)"')


class State(StrEnum):
    """How a run stands."""

    COMPLETED = "completed"
    RUNNING = "running"  # a process makes it now
    INTERRUPTED = "interrupted"  # begun, and no process makes it now: the next sweep goes on with it
    FAILED = "failed"
    MISSING = "missing"  # not begun


def state_of(runs_dir: Path, run: str) -> State:
    """How a run stands."""
    try:
        with (runs_dir / run / RECORD).open("rb") as file:
            found = STATUS.search(file.read(HEAD))
            file.seek(0, SEEK_END)
            file.seek(max(0, file.tell() - TAIL))
            is_whole = file.read().rstrip().endswith(b"\n}")
    except FileNotFoundError:
        return State.MISSING
    status = found.group(1).decode() if found and is_whole else "running"
    if status not in (State.COMPLETED, State.FAILED):  # or unreadable: then it is made again
        return State.RUNNING if is_locked(runs_dir, run) else State.INTERRUPTED
    return State(status)


@dataclass(frozen=True)
class Progress:
    """How the runs of a sweep or study stand.

    Attributes:
        states: State of each run.
        left_s: Estimated time until the last one ends, seconds; None where nothing is known.
    """

    states: Mapping[str, State]
    left_s: float | None

    @property
    def counts(self) -> Counter[State]:
        """Number of runs in each state."""
        return Counter(self.states.values())

    @property
    def is_complete(self) -> bool:
        """Whether every run is completed."""
        return self.counts[State.COMPLETED] == len(self.states)


def progress(runs_dir: Path, runs: Iterable[str]) -> Progress:
    """How runs stand, and for how long they will go on.

    The time left is the median time of the completed runs that ended last, for each run to come, divided by the number
    of runs that are being made now.
    """
    states = {run: state_of(runs_dir, run) for run in runs}
    to_come = sum(state in (State.RUNNING, State.INTERRUPTED, State.MISSING) for state in states.values())
    n_running = sum(state == State.RUNNING for state in states.values())
    if not to_come:
        return Progress(states, 0.0)
    times = _times(runs_dir, [run for run, state in states.items() if state == State.COMPLETED])
    return Progress(states, median(times) * to_come / max(n_running, 1) if times else None)


def _times(runs_dir: Path, completed: list[str]) -> list[float]:
    """Seconds that some of the completed runs took."""
    records = (found_record(runs_dir / run) for run in completed[-SAMPLE:])
    times = ((record or {}).get("timing_s") for record in records)
    return [time["total"] for time in times if isinstance(time, dict) and "total" in time]
