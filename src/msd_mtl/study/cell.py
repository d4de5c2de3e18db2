"""A run among many: whatever happens to it stands in its record, and the others go on."""

import sys
from dataclasses import dataclass
from pathlib import Path

from msd_mtl.errors import UserError
from msd_mtl.study.files import writable
from msd_mtl.study.given import is_shown
from msd_mtl.study.identity import Config, data_fingerprint, run_id
from msd_mtl.study.lock import RunInProgressError, locked
from msd_mtl.study.peers import FailedPeerError
from msd_mtl.study.processes import is_main_process
from msd_mtl.study.record import RECORD, attempt_of, found_record, is_completed, seen_record, start_record, write_record
from msd_mtl.study.run import is_whole, run_once
from msd_mtl.study.states import State, state_of
from msd_mtl.study.view import show_late

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

    @property
    def folder(self) -> Path:
        """Its run directory."""
        return Path(self.config["runs_dir"]) / self.run_id

    @property
    def is_completed(self) -> bool:
        """Whether its record says so."""
        return state_of(Path(self.config["runs_dir"]), self.run_id) == State.COMPLETED

    @property
    def is_failed(self) -> bool:
        """Whether its record says so."""
        return state_of(Path(self.config["runs_dir"]), self.run_id) == State.FAILED

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left to make: completed, with baselines where its configuration asks for them."""
        return is_whole(seen_record(self.folder), self.config)

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do: made, and shown wherever its configuration says."""
        return self.is_whole and is_shown(self.config, self.folder)


def name_of(config: Config) -> str:
    """The ``run_id`` of a resolved configuration."""
    return run_id(config, data_fingerprint(config["data"]))


def attempt(cell: Cell, *, wait: bool = True) -> str:
    """Make a run; an error stands in its record and goes no further.

    Args:
        cell: The run.
        wait: Wait while another process makes it.

    Returns:
        ``completed``, ``failed``, or ``busy`` where another process makes it and ``wait`` is false.

    Raises:
        InterruptedRun: If a signal asked to stop.
    """
    try:
        if cell.is_whole:
            show_late(cell.config, cell.folder, wait=wait)
        else:
            run_once(cell.config, wait=wait, name=cell.run_id)
    except RunInProgressError:
        return BUSY
    except FailedPeerError as error:
        sys.stderr.write(f"Run {cell.run_id} failed: {error}\n")
        return FAILED
    except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever it is, it stands in the record
        sys.stderr.write(f"Run {cell.run_id} failed: {type(error).__name__}: {error}\n")
        if is_main_process(cell.config):
            mark_failed(cell, type(error).__name__, str(error))
        return FAILED
    return COMPLETED


def mark_failed(cell: Cell, kind: str, message: str) -> None:
    """Say in a run's record what has not been said there yet: what ended its process, or kept it from beginning.

    Args:
        cell: The run.
        kind: Name of the error.
        message: What it says.
    """
    try:
        _mark_failed(cell, kind, message)
    except (OSError, UserError) as error:  # a full disk, say: other runs may have more luck
        sys.stderr.write(f"The record of run {cell.run_id} cannot say so: {error}\n")


def _mark_failed(cell: Cell, kind: str, message: str) -> None:
    with locked(cell.folder.parent, cell.run_id, wait=True):
        record = found_record(cell.folder)
        error = {"kind": kind, "message": writable(message)}
        if record is not None and is_completed(record):
            return
        if record is not None and _says(record.get("error"), error):
            (cell.folder / RECORD).touch()  # whoever waits for the run tells by the time that it has failed once more
            return
        try:
            fingerprint = data_fingerprint(cell.config["data"])
        except UserError:  # the data may be what is wrong
            fingerprint = None
        begun = start_record(cell.config, cell.run_id, fingerprint) | {"attempts": attempt_of(record)}
        cell.folder.mkdir(parents=True, exist_ok=True)
        write_record(cell.folder, begun | {"status": "failed", "error": error})


def _says(known: object, error: dict[str, str]) -> bool:
    """Whether a record has an error already."""
    return isinstance(known, dict) and error.items() <= known.items()
