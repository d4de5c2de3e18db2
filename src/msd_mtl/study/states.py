"""How runs stand, read off their records: cheap enough to watch thousands."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from statistics import median

from msd_mtl.study.damage import SHOWN, is_foreign, lacks
from msd_mtl.study.lock import is_locked
from msd_mtl.study.record import RECORD, Record, is_completed, seen_record

SAMPLE = 30  # completed runs whose time tells that of the others


class State(StrEnum):
    """How a run stands."""

    COMPLETED = "completed"
    RUNNING = "running"  # a process makes it now
    INTERRUPTED = "interrupted"  # begun, and no process makes it now: the next sweep goes on with it
    FAILED = "failed"
    MISSING = "missing"  # not begun
    DAMAGED = "damaged"  # completed, and somebody has edited its record since; or its record is of another schema


def state_of(runs_dir: Path, run: str) -> State:
    """How a run stands, but for damage: a completed run whose record has been edited is completed."""
    return _stands(runs_dir, run, seen_record(runs_dir / run))


def _stands(runs_dir: Path, run: str, record: Record | None) -> State:
    if record is not None and record.get("status") in (State.COMPLETED, State.FAILED):
        return State(record["status"])
    if record is None and not (runs_dir / run / RECORD).is_file():
        return State.MISSING
    return State.RUNNING if is_locked(runs_dir, run) else State.INTERRUPTED  # one without a status is made again


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
        """Whether every run is completed, and its record as it was written."""
        return self.counts[State.COMPLETED] == len(self.states)


def progress(runs_dir: Path, runs: Iterable[str]) -> Progress:
    """How runs stand, and for how long they will go on.

    The time left is the median time of the completed runs that ended last, for each run to come, divided by the number
    of runs that are being made now.
    """
    states, times = {}, []
    for run in runs:
        ended, seconds = _ended(runs_dir / run / RECORD)
        states[run] = ended or _stands(runs_dir, run, None)
        times += [] if seconds is None else [seconds]
    to_come = sum(state in (State.RUNNING, State.INTERRUPTED, State.MISSING) for state in states.values())
    n_running = sum(state == State.RUNNING for state in states.values())
    if not to_come:
        return Progress(states, 0.0)
    return Progress(states, median(times[-SAMPLE:]) * to_come / max(n_running, 1) if times else None)


def _ended(path: Path) -> tuple[State | None, float | None]:
    """How a run ended, None where it has not, and the seconds that it took if it is completed."""
    try:
        with path.open("rb") as file:  # opening a file has NFS ask for its attributes anew
            found = os.fstat(file.fileno())
    except (FileNotFoundError, NotADirectoryError):
        return None, None
    return _ended_at(path, found.st_ino, found.st_mtime_ns, found.st_size)


@lru_cache(2**16)  # a record that is as it was need not be read again
def _ended_at(path: Path, *stamp: int) -> tuple[State | None, float | None]:  # noqa: ARG001
    record = seen_record(path.parent)
    if record is not None and is_foreign(record) and record.get("status") != State.FAILED:
        return State.DAMAGED, None
    if record is None or record.get("status") not in (State.COMPLETED, State.FAILED):
        return None, None
    if not is_completed(record):
        return State.FAILED, None
    if lacks(record, SHOWN):
        return State.DAMAGED, None
    return State.COMPLETED, record["timing_s"]["total"]
