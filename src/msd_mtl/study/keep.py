"""What training leaves in the run directory: history, best weights, and a checkpoint to resume from."""

import csv
import io
import math
import time
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, cast

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint

from msd_mtl.errors import UserError, check_whole
from msd_mtl.model.module import MultiTaskModule
from msd_mtl.study.files import whole_file, write_text
from msd_mtl.study.interruption import asked_to_stop, stop, take_over
from msd_mtl.study.peers import OtherRunError
from msd_mtl.study.record import HISTORY, LAST
from msd_mtl.study.selection import Selection

BEST = "best.ckpt"
# How PyTorch refuses objects that are no weights, files that are cut off or none of its own, and other networks.
NOT_WEIGHTS = (UnpicklingError, EOFError, RuntimeError, LookupError, TypeError, ValueError, AttributeError)


class KeepBest(Checkpoint):
    """Keeps the best weights in memory, and writes what a resumed run needs once in ``every_s`` seconds.

    Within an epoch too, so that no more than that is lost however long epochs are; and when a signal asks to stop.

    Lightning's own ModelCheckpoint writes the weights at every improvement; with epochs of a tenth of a second the disk
    would take longer than the training.

    Args:
        folder: Run directory.
        by: Validation metric that selects.
        select_after: Share of the training's steps after which its epochs are compared, 0 to 1. A training without an
            end compares all of them.
        every_s: Seconds between two checkpoints.
        patience: Epochs compared without a better score before training stops; None never stops it.

    Attributes:
        resumed_step: Training step from which this process went on; None if it began.
        has_begun: Whether training has: by then all of a checkpoint has been restored.
    """

    def __init__(
        self, folder: Path, by: Selection, select_after: float, every_s: float, patience: int | None = None
    ) -> None:
        if not 0 <= select_after < 1:
            raise UserError(f"recipe.select_after must be from 0 to below 1; got {select_after}.")
        if patience is not None:
            check_whole("recipe.patience", patience, at_least=1)
        self.folder = folder
        self.by = by
        self.select_after = select_after
        self.every_s = every_s
        self.patience = patience
        self.best_score: float | None = None
        self.best_epoch = -1
        self.best_step = -1
        self.best_weights: dict[str, torch.Tensor] = {}
        self.resumed_step: int | None = None
        self.has_begun = False
        self._since_best = 0  # epochs compared
        self._stopped_early = False
        self._written_s = time.monotonic()

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:  # noqa: ARG002
        """See that all processes of the run make the same one, whatever has started them.

        Raises:
            UserError: If one makes another run than the first; in all of them, so that each can say why it ends.
        """
        run = self.folder.name
        first = trainer.strategy.broadcast(run)
        if not trainer.strategy.reduce_boolean_decision(run == first):
            others = f"{run} where the first makes {first}" if run != first else f"others than {run} too"
            raise (OtherRunError if run != first else UserError)(
                f"all processes of a run must make the same one; got {others}. Start them again, with the same "
                "settings, data and code."
            )

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Take the signals back from Lightning, which would leave without a checkpoint."""
        take_over()
        self.has_begun = True
        self.resumed_step = trainer.global_step or None
        trainer.should_stop = trainer.should_stop or self._stopped_early

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,  # noqa: ARG002
        outputs: Any,  # noqa: ARG002
        batch: Any,  # noqa: ARG002
        batch_idx: int,
    ) -> None:
        """Write a checkpoint within the epoch if it is time or a signal asks for it."""
        if _between_steps(trainer, batch_idx):
            self.checkpoint_if_due(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Compare, and write history and checkpoint if it is time."""
        module = cast(MultiTaskModule, pl_module)
        if module.scored_step == trainer.global_step and self._is_compared(trainer):
            self._since_best = 0 if self.compare(module) else self._since_best + 1
            if self.patience is not None and self._since_best >= self.patience:
                trainer.should_stop = True
        self._stopped_early = trainer.should_stop
        self.checkpoint_if_due(trainer)

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The history is whole."""
        if not self.has_begun:  # no step was left to do
            self.resumed_step = trainer.global_step or None
        self.write_history(trainer, pl_module)

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:  # noqa: ARG002
        """Show how far it came. No checkpoint: only between steps is going on exact."""
        self.write_history(trainer, pl_module)

    def compare(self, module: MultiTaskModule) -> bool:
        """Take the module's weights if their validation score is the best so far, and say whether it is.

        Raises:
            UserError: If the score is not a number.
        """
        score = module.metrics["val"][self.by.task][self.by.metric]
        if math.isnan(score):
            raise UserError(f"the selecting metric must be a number; got NaN for {self.by.key!r}. See recipe.monitor.")
        sign = 1 if self.by.mode == "max" else -1
        if self.best_score is not None and sign * score <= sign * self.best_score:
            return False
        self.best_score, self.best_epoch, self.best_step = score, module.current_epoch, module.global_step
        for name, value in module.state_dict().items():
            if name in self.best_weights:
                self.best_weights[name].copy_(value)
            else:
                self.best_weights[name] = value.detach().cpu().clone()
        return True

    def _is_compared(self, trainer: pl.Trainer) -> bool:
        steps = trainer.estimated_stepping_batches
        return math.isinf(steps) or trainer.global_step > self.select_after * steps

    def checkpoint_if_due(self, trainer: pl.Trainer) -> None:
        """Write history and checkpoint if it is time, or if any process of the run has been asked to stop; then stop.

        Raises:
            InterruptedRun: If one has.
        """
        asked = trainer.strategy.reduce_boolean_decision(asked_to_stop(), all=False)
        late = time.monotonic() - self._written_s >= self.every_s
        if asked or trainer.strategy.reduce_boolean_decision(late, all=False):
            self.write_history(trainer, trainer.lightning_module)
            self.checkpoint(trainer)
        if asked:
            stop()

    def checkpoint(self, trainer: pl.Trainer) -> None:
        """Write all that resuming needs, whole or not at all; every process must call it."""
        if trainer.is_global_zero:
            with whole_file(self.folder / LAST) as temporary:
                trainer.save_checkpoint(temporary)
        else:
            trainer.save_checkpoint(self.folder / LAST)  # takes part in gathering; only the first process writes
        self._written_s = time.monotonic()

    def write_history(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Write the epochs so far."""
        if trainer.is_global_zero and isinstance(module, MultiTaskModule):
            write_text(self.folder / HISTORY, _csv(module.history))

    def state_dict(self) -> dict[str, Any]:
        """Best weights and what they scored, and whose they are."""
        return {
            "run": self.folder.name,
            "score": self.best_score,
            "epoch": self.best_epoch,
            "step": self.best_step,
            "weights": self.best_weights,
            "since_best": self._since_best,
            "stopped_early": self._stopped_early,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with the best so far.

        Raises:
            ValueError: If it is that of another run.
        """
        run = state_dict.get("run", self.folder.name)  # earlier versions did not say it
        if run != self.folder.name:
            raise ValueError(f"it is of run {run}")
        self.best_score, self.best_epoch = state_dict["score"], state_dict["epoch"]
        self.best_step, self.best_weights = state_dict["step"], state_dict["weights"]
        self._since_best, self._stopped_early = state_dict["since_best"], state_dict["stopped_early"]


def save_best(folder: Path, kept: KeepBest) -> None:
    """Write the best weights alone, readable with ``torch.load(..., weights_only=True)``."""
    content = io.BytesIO()  # what PyTorch says of a full disk looks like a defect of its own
    torch.save({"state_dict": kept.best_weights, "epoch": kept.best_epoch, "step": kept.best_step}, content)
    with whole_file(folder / BEST) as temporary:
        temporary.write_bytes(content.getbuffer())


def load_best(folder: Path, module: MultiTaskModule) -> None:
    """Load the weights that ``save_best`` wrote; nothing in the file is executed.

    Raises:
        UserError: If the file is missing, or holds anything but the weights of this network.
    """
    path = folder / BEST
    if not path.is_file():
        raise UserError(f"run directory must hold {BEST}; got {folder}. Run it to the end first.")
    content = io.BytesIO(path.read_bytes())  # what PyTorch says of a file that is cut off looks like one of the disk
    try:
        module.load_state_dict(torch.load(content, map_location="cpu", weights_only=True)["state_dict"])
    except NOT_WEIGHTS as wrong:
        raise UserError(
            f"{path} must hold the weights of the run, and nothing else; got what cannot be loaded as such "
            f"({type(wrong).__name__}). Delete the run directory, and repeat the command that made it."
        ) from None


def _between_steps(trainer: pl.Trainer, batch_idx: int) -> bool:
    """Whether after this batch nothing is half done: gradients added up, or the epoch, which is compared at its end.

    A validation that is to come within an epoch is no matter: Lightning makes it first of all when it goes on.
    """
    n_done = batch_idx + 1
    return (
        n_done < trainer.num_training_batches
        and n_done % trainer.accumulate_grad_batches == 0
        and trainer.global_step != trainer.max_steps
    )


def _csv(rows: list[dict[str, float]]) -> str:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
