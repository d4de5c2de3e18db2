"""From tracks and labels to batches: split, subset, control, features. Where they come from is a subclass's to say."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array

from msd_mtl.data.batch import Batch
from msd_mtl.data.controls import check_control, misaligned_rows, permute_labels
from msd_mtl.data.features import FeatureMap, fit_features
from msd_mtl.data.label_coupling import label_coupling
from msd_mtl.data.row_batches import Part, RowBatches
from msd_mtl.data.rows import check_labels, labelled_parts, training_rows
from msd_mtl.data.task import PARTS, checked_tasks
from msd_mtl.data.tracks import Tracks
from msd_mtl.errors import UserError, check_whole

Labels = dict[str, NDArray[np.float32]]


class MultiTaskDataModule(pl.LightningDataModule):
    """Sparse batches of several tasks.

    Args:
        names: Tasks, in order.
        target: The task the study asks about; one of ``names``.
        seed: Seed of the run: training subset, batch order, controls.
        split: ``official``, ``artist`` or ``track``.
        split_seed: Seed of the split, the same for all runs of a study.
        val_fraction: Share of artists in validation.
        test_fraction: Share of artists in the test part; unused under ``official``.
        train_size: Training rows; None takes all.
        target_train_size: Training rows that keep the target's label, the others train the auxiliary tasks alone; None
            for all.
        features: ``counts``, ``binary``, ``log1p`` or ``tfidf``, fitted on the training rows.
        row_norm: L2 norm to which rows are scaled, or None.
        control: ``permute_labels``, ``misalign`` or None.
        batch_size: Training rows of a step, over all processes.
        eval_batch_size: Rows of a validation or test batch.
        drop_last: Leave out a last short training batch.
        epoch_steps: Training batches of an epoch; None for one pass over the training rows.

    Attributes:
        tasks: The tasks.
        parts: Part name to rows, after ``setup``.
        dropped: Reason to number of rows left out, after ``setup``.
    """

    def __init__(
        self,
        names: Sequence[str],
        target: str,
        seed: int,
        *,
        split: str,
        split_seed: int,
        val_fraction: float,
        test_fraction: float,
        train_size: int | None,
        features: str,
        row_norm: float | None,
        control: str | None,
        batch_size: int,
        eval_batch_size: int,
        drop_last: bool,
        target_train_size: int | None = None,
        epoch_steps: int | None = None,
    ) -> None:
        super().__init__()
        self.tasks = checked_tasks(names, target)
        self.target = target
        check_whole("seed", seed, at_least=0)
        self.seed = seed
        self.split = split
        self.split_seed = split_seed
        self.val_fraction = val_fraction
        self.test_fraction = test_fraction
        sizes = {"train_size": train_size, "target_train_size": target_train_size, "epoch_steps": epoch_steps}
        for setting, size in sizes.items():
            if size is not None:
                check_whole(f"data.{setting}", size, at_least=1)
        self.train_size = train_size
        self.target_train_size = target_train_size
        self.epoch_steps = epoch_steps
        self.features = features
        self.row_norm = row_norm
        check_control(control)
        self.control = control
        check_whole("data.batch_size", batch_size, at_least=1)
        check_whole("data.eval_batch_size", eval_batch_size, at_least=1)
        self.batch_size = batch_size
        self.eval_batch_size = eval_batch_size
        self.drop_last = drop_last
        self.parts: dict[str, Part] = {}
        self.dropped: dict[str, int] = {}

    @property
    def _target_index(self) -> int:
        return [task.name for task in self.tasks].index(self.target)

    @abstractmethod
    def source(self) -> tuple[Tracks, Labels]:
        """All tracks, and each task's labels over them (float32, NaN where missing)."""

    def bayes(self) -> dict[str, dict[str, float]]:
        """Best possible test scores, task to metric to value; empty where the truth is not known."""
        return {}

    def setup(self, stage: str | None = None) -> None:  # noqa: ARG002  # the same for every stage
        """Load, split, cut to size and fit the features; the second call finds it done."""
        if self.parts:
            return
        self.tracks, labels = self.source()
        targets = np.stack([labels[task.name] for task in self.tasks])
        rows = self._rows_of_parts(targets)
        counts = self.tracks.counts
        if self.control == "misalign":
            counts = counts[misaligned_rows(len(self.tracks), self.seed)]
        self.feature_map: FeatureMap = fit_features(self.features, self.row_norm, counts[rows["train"]])
        for part, chosen in rows.items():
            values = targets[:, chosen]
            if self.control == "permute_labels" and part != "test":
                values = permute_labels(values, self.seed, part)
            self.parts[part] = Part(chosen, self.feature_map(counts[chosen]), values)
        self._counts = counts
        check_labels(self.tasks, self._target_index, {part: of_part.targets for part, of_part in self.parts.items()})

    def counts(self, part: str) -> csr_array:
        """Word counts of a part's rows, integers, shape ``(part, words)``: what its features were made of."""
        return self._counts[self.parts[part].rows]

    def train_dataloader(self) -> RowBatches:
        """Training batches in an order of their own each epoch."""
        trainer = self.trainer
        return RowBatches(
            self.parts["train"],
            self.batch_size,
            seed=self.seed,
            drop_last=self.drop_last,
            epoch_steps=self.epoch_steps,
            rank=trainer.global_rank if trainer else 0,
            world_size=trainer.world_size if trainer else 1,
        )

    def val_dataloader(self) -> RowBatches:
        """Validation batches; every process sees all of them, so that each has the same metrics."""
        return self.eval_batches("val")

    def test_dataloader(self) -> RowBatches:
        """Test batches; every process sees all of them."""
        return self.eval_batches("test")

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, dataloader_idx: int) -> Batch:
        """Batches are made on the CPU; Lightning would look for tensors in them all the same."""
        if device.type == "cpu":
            return batch
        moved: Batch = super().transfer_batch_to_device(batch, device, dataloader_idx)
        return moved

    def eval_batches(self, part: str) -> RowBatches:
        """Batches of a part in the order of its rows."""
        if part not in PARTS:
            raise UserError(f"split must be one of {', '.join(PARTS)}; got {part!r}.")
        return RowBatches(self.parts[part], self.eval_batch_size)

    def summary(self) -> dict[str, Any]:
        """What the record says of the data: rows and labels of each part, what was dropped, and couplings."""
        names = [task.name for task in self.tasks]
        return {
            "n_words": int(self.tracks.counts.shape[1]),
            "rows": {part: len(rows) for part, rows in self.parts.items()},
            "artists": {p: len(np.unique(self.tracks.artist[rows.rows])) for p, rows in self.parts.items()},
            "without_artist": {p: self._without_artist(rows) for p, rows in self.parts.items()},
            "labelled": {p: dict(zip(names, rows.n_labelled.tolist(), strict=True)) for p, rows in self.parts.items()},
            "prevalence": {p: rows.prevalence(self.tasks) for p, rows in self.parts.items()},
            "dropped": self.dropped,
            **self._coupling(),
        }

    def _coupling(self) -> dict[str, dict[str, Any]]:
        """What the labels of the target and of each auxiliary task have to do with each other, on training tracks."""
        train, index = self.parts["train"], self._target_index
        artist, target = self.tracks.artist[train.rows], train.targets[index]
        found = {
            task.name: asdict(label_coupling(values, task, target, self.tasks[index], artist))
            for task, values in zip(self.tasks, train.targets, strict=True)
            if task.name != self.target
        }
        return {
            "coupling": {name: {"label": label} for name, label in found.items()},
            "overlap": {name: label["n"] for name, label in found.items()},
        }

    def _rows_of_parts(self, targets: NDArray[np.float32]) -> dict[str, NDArray[np.int64]]:
        """Rows of each part; takes the target's label from training rows that are not to keep it."""
        parts = labelled_parts(
            self.tracks,
            targets,
            self.split,
            split_seed=self.split_seed,
            val_fraction=self.val_fraction,
            test_fraction=self.test_fraction,
        )
        self.dropped = parts.dropped
        index, sizes = self._target_index, (self.train_size, self.target_train_size)
        chosen = training_rows(parts.rows["train"], self.tracks.track_id, targets, index, self.seed, *sizes)
        if chosen.n_without_label:
            self.dropped = parts.dropped | {"training tracks that keep no label": chosen.n_without_label}
        if self.drop_last and len(chosen.rows) < self.batch_size:
            raise UserError(
                f"data.train_size must be at least data.batch_size={self.batch_size} where data.drop_last=true leaves "
                f"the last short batch out; got {len(chosen.rows)}, which trains nothing. Set data.drop_last=false or "
                "a smaller batch."
            )
        targets[index, chosen.rows[~chosen.keeps_target]] = np.nan
        return parts.rows | {"train": chosen.rows}

    def _without_artist(self, part: Part) -> int | None:
        """Tracks whose artist is not known: a split by artist cannot keep them from other tracks of the artist."""
        known = self.tracks.has_artist
        return None if known is None else int((~known[part.rows]).sum())
