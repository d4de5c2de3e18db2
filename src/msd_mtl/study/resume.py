"""The checkpoint from which a run goes on, if it is fit for that: a bad one costs time, never the run."""

import sys
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytorch_lightning as pl
import torch

from msd_mtl.data.datamodule import MultiTaskDataModule
from msd_mtl.errors import UserError
from msd_mtl.model.module import MultiTaskModule
from msd_mtl.study.interruption import until_checkpoint
from msd_mtl.study.keep import KeepBest
from msd_mtl.study.peers import is_of_a_peer
from msd_mtl.study.record import LAST

# What says nothing of the checkpoint that was being read: the disk, the memory, a device, a setting.
NOT_OF_THE_FILE = (OSError, MemoryError, torch.OutOfMemoryError, torch.AcceleratorError, UserError)


@dataclass(frozen=True)
class Training:
    """A run before its training begins, or goes on.

    Attributes:
        module: Network, losses and metrics.
        kept: What training leaves.
        trainer: Lightning's Trainer, bound to both.
        ready_s: When they were made, by ``time.perf_counter``.
    """

    module: MultiTaskModule
    kept: KeepBest
    trainer: pl.Trainer
    ready_s: float


def trained(build: Callable[[], Training], data: MultiTaskDataModule, folder: Path) -> Training:
    """Train a run, from its last checkpoint where it has one.

    From its beginning, with the same numbers, where that file cannot be read or does not fit, as one of another run or
    of another version of a library: a check of the file alone does not show that. The file stays until a later
    checkpoint takes its place, so that whatever else goes wrong loses nothing.

    Args:
        build: Makes the run as it is before training; a checkpoint that does not fit may have left it half restored.
        data: Its data.
        folder: Run directory.

    Raises:
        OSError: If the disk does not give the checkpoint that is there.
    """
    training, last = build(), _whole(folder / LAST)
    try:
        _fit(training, data, last)
    except Exception as error:
        if last is None or training.kept.has_begun or _is_elsewhere(error):
            raise
        said = f"{type(error).__name__}: {error}".splitlines()[0]
        sys.stderr.write(f"{last} does not fit ({said}); the run begins anew.\n")
        training = build()
        _fit(training, data, None)
    return training


def _is_elsewhere(error: Exception) -> bool:
    """Whether an error says nothing of the checkpoint."""
    out_of_memory = "can't allocate memory" in str(error)  # PyTorch has no class for that of a CPU
    return isinstance(error, NOT_OF_THE_FILE) or out_of_memory or is_of_a_peer(error)


def _fit(training: Training, data: MultiTaskDataModule, checkpoint: Path | None) -> None:
    trainer = training.trainer
    if checkpoint is not None:
        # Where steps are limited, Lightning takes no epoch for over: one that is, it would end again, without a batch.
        trainer.fit_loop._iteration_based_training = lambda: False  # type: ignore[method-assign]
    with until_checkpoint():
        trainer.fit(training.module, datamodule=data, ckpt_path=checkpoint, weights_only=True)


def _whole(path: Path) -> Path | None:
    """An archive that ``torch.save`` wrote, if it is there and every part has the checksum that it had then."""
    if not path.is_file():
        return None
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.testzip() is None:
                return path
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        pass
    sys.stderr.write(f"{path} cannot be read; the run begins anew.\n")
    return None
