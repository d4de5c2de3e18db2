"""Shows the epochs of a training on W&B while it lasts."""

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from msd_mtl.model.module import MultiTaskModule
from msd_mtl.study.wandb_run import GuardedRun


class ShowEpochs(Callback):
    """Shows each epoch when the next begins: by then its row of the history is written."""

    def __init__(self, run: GuardedRun) -> None:
        self.run = run

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Show the epochs so far."""
        if isinstance(pl_module, MultiTaskModule):
            self.run.show(pl_module.history)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show the last epoch."""
        self.on_train_epoch_start(trainer, pl_module)
