"""What travels from the data to the network: sparse rows and masked labels."""

from typing import NamedTuple

from torch import Tensor


class SparseRows(NamedTuple):
    """Sparse features of some tracks, compressed by row.

    Attributes:
        indices: Columns of the stored values, int32, shape ``(stored,)``.
        offsets: Start of each row in ``indices`` and the end of the last, int32, shape ``(batch + 1,)``.
        values: Stored values, float32, shape ``(stored,)``.
        n_features: Number of columns.
    """

    indices: Tensor
    offsets: Tensor
    values: Tensor
    n_features: int


class Batch(NamedTuple):
    """Features and labels of some tracks.

    Attributes:
        features: Sparse features.
        targets: Labels, float32, shape ``(tasks, batch)``: 0/1, class index, or value in the unit of the data; 0 where
            missing.
        has_label: Which labels are there, bool, shape ``(tasks, batch)``.
        n_labelled: Labelled rows of the whole batch over all processes, float32, shape ``(tasks,)``.
        rows: Row numbers in the source, int64, shape ``(batch,)``.
    """

    features: SparseRows
    targets: Tensor
    has_label: Tensor
    n_labelled: Tensor
    rows: Tensor
