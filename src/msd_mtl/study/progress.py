"""The progress bar of one run."""

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from msd_mtl.study.keep import KeepBest


class Screen(Console):
    """A console of a run that goes on when nobody reads it any more, as in ``msd-mtl train | head``."""

    def on_broken_pipe(self) -> None:
        """Draw no more; Rich would end the process."""
        self.quiet = True


class StepProgress(Callback):
    """One bar over all training steps, with the best validation score so far.

    Lightning's bars are drawn anew each epoch, which costs more than an epoch of a small run.

    Args:
        kept: Says what selects and how well it did.
    """

    def __init__(self, kept: KeepBest) -> None:
        self.kept = kept
        self.progress: Progress | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Draw the bar."""
        if not trainer.is_global_zero:
            return
        self.progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("steps"),
            TimeRemainingColumn(),
            console=Screen(),
        )
        steps = trainer.estimated_stepping_batches
        self.bar = self.progress.add_task("training", total=steps, completed=trainer.global_step)
        self.progress.start()

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Advance."""
        if self.progress:
            self.progress.update(self.bar, completed=trainer.global_step)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show the best score of the epochs before; at their ends Lightning calls ``kept`` after this."""
        self._show(trainer, pl_module.current_epoch)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Leave the bar as it ended."""
        self._show(trainer, trainer.fit_loop.epoch_progress.current.completed)
        if self.progress:
            self.progress.stop()

    def _show(self, trainer: pl.Trainer, n_epochs: int) -> None:
        if self.progress and self.kept.best_score is not None:
            text = f"epoch {n_epochs}: best {self.kept.by.key} {self.kept.best_score:.4f}"
            self.progress.update(self.bar, description=text, completed=trainer.global_step)

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:  # noqa: ARG002
        """Give the terminal back."""
        if self.progress:
            self.progress.stop()
