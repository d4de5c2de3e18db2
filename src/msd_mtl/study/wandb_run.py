"""One W&B run behind a guard: whatever becomes of it, the training that it shows goes on."""

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import wandb
from wandb.sdk.lib import import_hooks

from msd_mtl.study.given import GIVEN
from msd_mtl.study.wandb_core import in_brief, within

Mode = Literal["online", "offline", "disabled"]
Row = Mapping[str, float]

WORKS_S = 5.0  # seconds for what takes milliseconds where wandb-core works; our choice
MARGIN_S = 2.0  # seconds beyond W&B's own limits, which it keeps only if wandb-core works; our choice
SERVICE = "WANDB_SERVICE"  # how wandb tells child processes to log through this one's wandb-core


@dataclass(frozen=True)
class WandbSettings:
    """How a run is logged.

    Attributes:
        mode: ``online``, ``offline`` (to the run directory) or ``disabled``.
        system_metrics: Log the use of CPU, GPU and memory.
        init_timeout_s: Seconds to wait for W&B before a run is logged offline.
        finish_timeout_s: Seconds to wait at the end for what is not uploaded yet.
    """

    mode: Mode
    system_metrics: bool
    init_timeout_s: float
    finish_timeout_s: float


class GuardedRun:
    """A W&B run that never raises.

    What fails or hangs is told in one line on standard error. A run that cannot be reached online is logged offline,
    like the later ones of the process. A run whose wandb-core dies is opened once more at its end, and then shows
    everything.

    Args:
        folder: Run directory; W&B's files go to ``wandb`` in it.
        settings: How to log.
        description: Arguments of ``wandb.init``; ``id`` among them.
    """

    _unreachable: ClassVar[bool] = False  # W&B could not be reached from this process

    def __init__(self, folder: Path, settings: WandbSettings, description: Mapping[str, Any]) -> None:
        self.folder = folder
        self.settings = settings
        self.description = description
        self._run: wandb.Run | None = None
        self._n_shown = 0
        self._told = False

    def open(self) -> None:
        """Start, or go on with, the W&B run."""
        if self.settings.mode == "online" and not GuardedRun._unreachable:
            self._guarded(self._init_s, lambda: self._init("online"), "is out of reach; runs are logged offline")
            GuardedRun._unreachable = self._run is None
        if self._run is None:
            mode = "offline" if self.settings.mode == "online" else self.settings.mode
            self._guarded(self._init_s, lambda: self._init(mode), "does not start")

    @property
    def _init_s(self) -> float:
        return self.settings.init_timeout_s + MARGIN_S

    def show(self, history: Sequence[Row]) -> None:
        """Show the epochs that are not shown yet.

        Args:
            history: All epochs so far, one row each.
        """
        if self._run is not None:
            run = self._run
            self._guarded(WORKS_S, lambda: self._log(run, history), "is lost; training goes on without it")

    def close(self, history: Sequence[Row], summary: Mapping[str, Any], status: str) -> bool:
        """Show what is missing, and end.

        Args:
            history: All epochs.
            summary: What the run came to.
            status: Status of the record; ``running`` if the run was interrupted, to go on later.

        Returns:
            Whether W&B, or its files in the run directory, have everything.
        """
        limits_s = (self.settings.finish_timeout_s + MARGIN_S, WORKS_S)  # the first wandb-core may be dying, or hang
        return any(self._ended(history, summary, status, limit_s) for limit_s in limits_s)

    def _ended(self, history: Sequence[Row], summary: Mapping[str, Any], status: str, limit_s: float) -> bool:
        """Try to show what is missing and to end; whether it worked."""
        if self._run is None:
            self.open()
        self.show(history)
        run = self._run
        if run is None:
            return False
        self._guarded(limit_s, lambda: self._finish(run, summary, status), "does not end")
        return self._run is not None

    def _init(self, mode: Mode) -> None:
        os.environ.pop(SERVICE, None)
        self._clear_earlier()
        settings = wandb.Settings(
            root_dir=str(self.folder),
            silent=True,
            console="off",
            host="",  # like the record, it names no machine, person or folder
            disable_git=True,
            disable_code=True,
            save_code=False,
            x_disable_meta=True,
            x_disable_machine_info=True,
            x_disable_stats=not self.settings.system_metrics,
            x_save_requirements=False,
            x_transaction_log_flush_interval=1,  # seconds that a killed wandb-core can lose
            init_timeout=self.settings.init_timeout_s,
            login_timeout=1,  # seconds: nobody sits at a sweep to type a key
            finish_timeout=self.settings.finish_timeout_s,
            finish_timeout_raises=True,
        )
        wandb.setup(wandb.Settings(silent=True))
        try:
            self._run = wandb.init(mode=mode, resume="allow", settings=settings, **self.description)
        finally:
            os.environ.pop(SERVICE, None)  # not for the processes that this one starts
            import_hooks.unregister_all_post_import_hooks()  # with W&B dead they would fail imports of PyTorch
        self._n_shown = self._run.step  # epochs that W&B knows from before an interruption

    def _log(self, run: wandb.Run, history: Sequence[Row]) -> None:
        for row in history[self._n_shown :]:
            run.log(dict(row), step=int(row["epoch"]), commit=True)
            self._n_shown += 1

    def _finish(self, run: wandb.Run, summary: Mapping[str, Any], status: str) -> None:
        run.summary.update(dict(summary))
        if status == "running":
            run.mark_preempting()
        try:
            run.finish(exit_code=0 if status == "completed" else 1)
        except TimeoutError:
            GuardedRun._unreachable = True
            self._tell(f"is slow; `wandb sync {self.folder / 'wandb'}/run-*` uploads what is missing")

    def _guarded(self, limit_s: float, call: Callable[[], None], consequence: str) -> None:
        """Make calls of W&B; where they fail, or have wandb-core killed because they last too long, let go of it."""
        try:
            with within(limit_s):
                call()
        except Exception as error:  # noqa: BLE001  # a view may fail in any way, the run must not
            self._run = None
            self._tell(f"{consequence} ({in_brief(error)})")
            with suppress(Exception, SystemExit), within(MARGIN_S):  # W&B exits with the code of a killed wandb-core
                wandb.teardown(exit_code=1)

    def _tell(self, consequence: str) -> None:
        """Say it once."""
        if not self._told:
            sys.stderr.write(f"msd-mtl: W&B {consequence}.\n")
        self._told = True

    def _clear_earlier(self) -> None:
        """Remove the local files of earlier attempts, all of which is shown again, unless they are uploaded already."""
        (self.folder / GIVEN).unlink(missing_ok=True)
        for attempt in (self.folder / "wandb").glob("*run-*-*"):
            if not any(attempt.glob("*.synced")):
                shutil.rmtree(attempt, ignore_errors=True)
