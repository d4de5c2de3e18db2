"""What training leaves in the run directory: history, best weights, and a checkpoint to resume from."""

import csv
import io
import math
import time
from pathlib import Path
from typing import Any, cast

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint

from msd_mtl.errors import UserError
from msd_mtl.model.module import MultiTaskModule
from msd_mtl.study.files import whole_file, write_text
from msd_mtl.study.selection import Selection

BEST, LAST, HISTORY = "best.ckpt", "last.ckpt", "history.csv"


class KeepBest(Checkpoint):
    """Keeps the best weights in memory, and writes what a resumed run needs at most once in ``every_s`` seconds.

    Lightning's own ModelCheckpoint writes the weights at every improvement; with epochs of a tenth of a second the disk
    would take longer than the training.

    Args:
        folder: Run directory.
        by: Validation metric that selects.
        every_s: Seconds between two checkpoints.
    """

    def __init__(self, folder: Path, by: Selection, every_s: float = 30.0) -> None:
        self.folder = folder
        self.by = by
        self.every_s = every_s
        self.best_score: float | None = None
        self.best_epoch = -1
        self.best_step = -1
        self.best_weights: dict[str, torch.Tensor] = {}
        self._written_s = time.monotonic()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Compare, and write history and checkpoint if it is time."""
        module = cast(MultiTaskModule, pl_module)
        if module.scored_step == trainer.global_step:
            self.compare(module)
        if trainer.strategy.broadcast(time.monotonic() - self._written_s >= self.every_s):
            self.write_history(trainer, pl_module)
            self.checkpoint(trainer)

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The history is whole."""
        self.write_history(trainer, pl_module)

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:  # noqa: ARG002
        """Show how far it came. No checkpoint: the last one is of the end of an epoch, from which going on is exact."""
        self.write_history(trainer, pl_module)

    def compare(self, module: MultiTaskModule) -> None:
        """Take the module's weights if their validation score is the best so far.

        Raises:
            UserError: If the score is not a number.
        """
        score = module.metrics["val"][self.by.task][self.by.metric]
        if math.isnan(score):
            raise UserError(f"the selecting metric must be a number; got NaN for {self.by.key!r}. See recipe.monitor.")
        sign = 1 if self.by.mode == "max" else -1
        if self.best_score is not None and sign * score <= sign * self.best_score:
            return
        self.best_score, self.best_epoch, self.best_step = score, module.current_epoch, module.global_step
        for name, value in module.state_dict().items():
            if name in self.best_weights:
                self.best_weights[name].copy_(value)
            else:
                self.best_weights[name] = value.detach().cpu().clone()

    def checkpoint(self, trainer: pl.Trainer) -> None:
        """Write all that resuming needs, whole or not at all; every process must call it."""
        temporary = self.folder / f".{LAST}.part"
        trainer.save_checkpoint(temporary)
        if trainer.is_global_zero:
            temporary.replace(self.folder / LAST)
        self._written_s = time.monotonic()

    def write_history(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Write the epochs so far."""
        if trainer.is_global_zero and isinstance(module, MultiTaskModule):
            write_text(self.folder / HISTORY, _csv(module.history))

    def state_dict(self) -> dict[str, Any]:
        """Best weights and what they scored."""
        return {
            "score": self.best_score,
            "epoch": self.best_epoch,
            "step": self.best_step,
            "weights": self.best_weights,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with the best so far."""
        self.best_score, self.best_epoch = state_dict["score"], state_dict["epoch"]
        self.best_step, self.best_weights = state_dict["step"], state_dict["weights"]


def save_best(folder: Path, kept: KeepBest) -> None:
    """Write the best weights alone, readable with ``torch.load(..., weights_only=True)``."""
    with whole_file(folder / BEST) as temporary:
        torch.save({"state_dict": kept.best_weights, "epoch": kept.best_epoch, "step": kept.best_step}, temporary)


def load_best(folder: Path, module: MultiTaskModule) -> None:
    """Load the weights that ``save_best`` wrote; nothing in the file is executed.

    Raises:
        UserError: If the file is missing.
    """
    path = folder / BEST
    if not path.is_file():
        raise UserError(f"run directory must hold {BEST}; got {folder}. Run it to the end first.")
    module.load_state_dict(torch.load(path, map_location="cpu", weights_only=True)["state_dict"])


def _csv(rows: list[dict[str, float]]) -> str:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
