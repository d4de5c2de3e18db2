"""A run among many: whatever happens to it stands in its record, and the others go on."""

import sys
from dataclasses import dataclass
from pathlib import Path

from msd_mtl.study.identity import Config, data_fingerprint, run_id
from msd_mtl.study.lock import RunInProgressError, locked
from msd_mtl.study.record import attempt_of, read_record, start_record, write_record
from msd_mtl.study.run import run_once

# How an attempt ended.
COMPLETED, FAILED, BUSY = "completed", "failed", "busy"


@dataclass(frozen=True)
class Cell:
    """A run of a sweep, before it is made.

    Attributes:
        run_id: Its name.
        overrides: What the sweep sets, as on a command line.
        config: Resolved configuration.
    """

    run_id: str
    overrides: tuple[str, ...]
    config: Config


def name_of(config: Config) -> str:
    """The ``run_id`` of a resolved configuration."""
    return run_id(config, data_fingerprint(config["data"]))


def attempt(config: Config, *, wait: bool = True) -> str:
    """Make a run; an error stands in its record and goes no further.

    Args:
        config: Resolved configuration.
        wait: Wait while another process makes it.

    Returns:
        ``completed``, ``failed``, or ``busy`` where another process makes it and ``wait`` is false.

    Raises:
        InterruptedRun: If a signal asked to stop.
    """
    try:
        run_once(config, wait=wait)
    except RunInProgressError:
        return BUSY
    except Exception as error:  # noqa: BLE001  # whatever it is, it stands in the record
        sys.stderr.write(f"Run {name_of(config)} failed: {type(error).__name__}: {error}\n")
        return FAILED
    return COMPLETED


def mark_failed(config: Config, kind: str, message: str) -> None:
    """Say in a run's record what its process could not say any more."""
    fingerprint = data_fingerprint(config["data"])
    name = run_id(config, fingerprint)
    folder = Path(config["runs_dir"]) / name
    with locked(folder.parent, name, wait=True):
        record = read_record(folder)
        if record is not None and record["status"] == "completed":
            return
        folder.mkdir(parents=True, exist_ok=True)
        begun = start_record(config, name, fingerprint) | {"attempts": attempt_of(record)}
        write_record(folder, begun | {"status": "failed", "error": {"kind": kind, "message": message}})
