"""Views of a run: what shows it elsewhere while it is made. The record stays the truth."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from msd_mtl.study.given import is_shown
from msd_mtl.study.interruption import interruptible
from msd_mtl.study.lock import locked
from msd_mtl.study.making import make
from msd_mtl.study.processes import is_main_process
from msd_mtl.study.record import found_record

if TYPE_CHECKING:  # Lightning takes seconds to import, which a run found done need not wait for
    from collections.abc import Iterator
    from pathlib import Path

    from pytorch_lightning.callbacks import Callback

    from msd_mtl.study.identity import Config
    from msd_mtl.study.record import Record


class View(Protocol):
    """What a ``_target_`` in ``conf/logger/`` makes."""

    def open(self, folder: Path, record: Record) -> list[Callback]:
        """Begin to show a run; the callbacks show its training."""

    def close(self, folder: Path) -> None:
        """Show how it ended, as the run directory tells."""


@contextmanager
def viewed(config: Config, folder: Path, record: Record) -> Iterator[list[Callback]]:
    """Show a run for as long as the block lasts, if ``logger`` says so and this is the process that speaks.

    Args:
        config: Resolved configuration.
        folder: Run directory; its record says at the end how the run ended.
        record: What is known of the run before it begins, or all of it.

    Yields:
        Callbacks for the training.

    Raises:
        UserError: If a setting of the logger is wrong; nothing is raised on account of the view itself.
    """
    settings = config["logger"]
    if settings["_target_"] is None or not is_main_process(config):
        yield []
        return
    view: View = make(settings)
    callbacks: list[Callback] = []
    with _guarded():
        callbacks = view.open(folder, record)
    try:
        yield callbacks
    finally:
        with _guarded():
            view.close(folder)


def show_late(config: Config, folder: Path, *, wait: bool) -> None:
    """Show a completed run that was made without its view, from what it has left; its record stays as it is.

    Args:
        config: Resolved configuration, whose ``logger`` says where.
        folder: Run directory.
        wait: Wait while another process holds the run; otherwise raise.

    Raises:
        UserError: If a setting of the logger is wrong.
        RunInProgressError: If another process holds the run and ``wait`` is false.
    """
    if is_shown(config, folder) or not is_main_process(config):
        return
    try:
        with interruptible(), locked(folder.parent, folder.name, wait=wait):
            record = found_record(folder)
            if record is not None and not is_shown(config, folder):  # another process may have shown it since
                with viewed(config, folder, record):
                    pass
    except OSError as error:  # a disk that is full, or to read from only
        _tell(error)


@contextmanager
def _guarded() -> Iterator[None]:
    """Tell what goes wrong with a view, and let the run go on."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  # a view may fail in any way, the run must not
        _tell(error)


def _tell(error: Exception) -> None:
    sys.stderr.write(f"msd-mtl: the run is not shown ({type(error).__name__}: {error}).\n")
