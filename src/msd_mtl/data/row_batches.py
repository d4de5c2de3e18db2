"""Rows of one part, held in memory, cut into batches whose order depends on seed and epoch alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from torch import Tensor

from msd_mtl.compiled import CACHE_LINE, compiled, prefetch
from msd_mtl.data.batch import Batch, SparseRows
from msd_mtl.data.task import Task


@dataclass(frozen=True)
class Part:
    """Features and labels of one part.

    Attributes:
        rows: Row numbers in the source, int64, shape ``(part,)``.
        features: Features, float32, shape ``(part, words)``.
        targets: Labels in the unit of the data, NaN where missing, float32, shape ``(tasks, part)``.
    """

    rows: NDArray[np.int64]
    features: csr_array
    targets: NDArray[np.float32]

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.rows)

    @property
    def n_labelled(self) -> NDArray[np.int64]:
        """Labelled rows of each task, int64, shape ``(tasks,)``."""
        return np.asarray((~np.isnan(self.targets)).sum(axis=1), dtype=np.int64)

    def prevalence(self, tasks: Sequence[Task]) -> dict[str, float | None]:
        """Share of positives of each binary task; None where none is labelled.

        Args:
            tasks: The tasks, in the order of the labels.
        """
        share: dict[str, float | None] = {}
        for task, values in zip(tasks, self.targets, strict=True):
            if task.kind == "binary":
                known = values[~np.isnan(values)]
                share[task.name] = float(known.mean(dtype=np.float64)) if len(known) else None
        return share


class RowBatches:
    """Batches of a part, as an iterable that Lightning takes for a data loader.

    No worker processes: cutting a batch out of the compressed rows costs about a hundredth of a training step.

    Args:
        part: The rows.
        batch_size: Rows of a batch over all processes.
        seed: Seed of the order; None goes through the rows as they are.
        drop_last: Leave out a last short batch.
        epoch_steps: Batches of an epoch, which begins where the one before it ended and goes on with the next pass in
            an order of its own; None for one pass.
        rank: This process.
        world_size: Processes that share each batch; together they see what one would see alone.
    """

    def __init__(
        self,
        part: Part,
        batch_size: int,
        *,
        seed: int | None = None,
        drop_last: bool = False,
        epoch_steps: int | None = None,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self.part = part
        self.batch_size = batch_size
        self.seed = seed
        self.per_pass = len(part) // batch_size if drop_last else -(-len(part) // batch_size)
        self.epoch_steps = self.per_pass if epoch_steps is None else epoch_steps
        self.rank = rank
        self.world_size = world_size
        self.epoch = 0
        self._skip = self._taken = 0
        self.sampler = self.batch_sampler = self  # where Lightning looks for set_epoch
        self._indptr = part.features.indptr.astype(np.int64)
        self._indices = part.features.indices.astype(np.int32, copy=False)
        self._labels = np.ascontiguousarray(part.targets.T)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose batches come next."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Batches of an epoch."""
        return self.epoch_steps

    def __iter__(self) -> Iterator[Batch]:
        """The batches of an epoch."""
        self._taken, self._skip = self._skip, 0
        first = self.epoch * len(self)
        current, order = -1, np.arange(len(self.part))
        for step in range(first + self._taken, first + len(self)):
            of_pass, batch = divmod(step, self.per_pass)
            if self.seed is not None and of_pass != current:
                current, order = of_pass, np.random.default_rng((self.seed, of_pass)).permutation(len(self.part))
            whole = order[batch * self.batch_size : (batch + 1) * self.batch_size]
            self._taken += 1
            yield self._batch(whole[self.rank :: self.world_size], whole)

    def state_dict(self) -> dict[str, int]:
        """How many batches of the epoch have been taken: what a checkpoint within an epoch keeps."""
        return {"taken": self._taken % len(self)}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Begin the next epoch after the batches that were taken before."""
        self._skip = state["taken"]

    def _batch(self, rows: NDArray[np.int64], whole: NDArray[np.int64]) -> Batch:
        features = self.part.features
        parts = _cut(self._indices, self._indptr, features.data, self._labels, rows, whole)
        indices, offsets, values, targets, has_label, n_labelled = (torch.from_numpy(part) for part in parts)
        sparse = SparseRows(indices, offsets, values, int(features.shape[1]))
        return Batch(sparse, targets, has_label, n_labelled, rows=torch.from_numpy(self.part.rows[rows]))


@compiled
def _cut(
    indices: NDArray[np.int32],
    indptr: NDArray[np.int64],
    data: NDArray[np.float32],
    labels: NDArray[np.float32],
    rows: NDArray[np.int64],
    whole: NDArray[np.int64],
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[Any], NDArray[np.float32], NDArray[np.bool_], NDArray[Any]]:
    """Copy some rows out of compressed features and out of labels; count the labels of the whole batch."""
    line = CACHE_LINE // 4  # values of 32 bits
    offsets = np.zeros(len(rows) + 1, np.int32)
    for i in range(len(rows)):
        start, end = indptr[rows[i]], indptr[rows[i] + 1]
        offsets[i + 1] = offsets[i] + end - start
        for k in range(start, end, line):  # rows lie anywhere: ask for all before the first is copied
            prefetch(indices, (k,))
            prefetch(data, (k,))
    columns, values = np.empty(offsets[-1], np.int32), np.empty(offsets[-1], data.dtype)
    for i in range(len(rows)):
        start, end = indptr[rows[i]], indptr[rows[i] + 1]
        columns[offsets[i] : offsets[i + 1]] = indices[start:end]
        values[offsets[i] : offsets[i + 1]] = data[start:end]
    n_tasks = labels.shape[1]
    targets = np.zeros((n_tasks, len(rows)), np.float32)
    has_label = np.zeros((n_tasks, len(rows)), np.bool_)
    for i in range(len(rows)):
        for task in range(n_tasks):
            label = labels[rows[i], task]
            if not np.isnan(label):
                targets[task, i], has_label[task, i] = label, True
    n_labelled = np.zeros(n_tasks, np.float32)
    for row in whole:
        for task in range(n_tasks):
            n_labelled[task] += not np.isnan(labels[row, task])
    return columns, offsets, values, targets, has_label, n_labelled


def label_statistics(targets: NDArray[np.float32]) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each task's training labels.

    Args:
        targets: Labels, NaN where missing, float32, shape ``(tasks, rows)``.

    Returns:
        Means and standard deviations, float32, shape ``(tasks,)``; a task that does not vary has deviation 1.
    """
    labelled = ~np.isnan(targets)
    n = np.maximum(labelled.sum(axis=1), 1)
    mean = np.nansum(targets, axis=1, dtype=np.float64) / n
    variance = np.nansum((targets - mean[:, None]) ** 2, axis=1) / n
    deviation = np.where(variance > 0, np.sqrt(variance), 1.0)
    return torch.from_numpy(mean.astype(np.float32)), torch.from_numpy(deviation.astype(np.float32))
