"""What the readers of lyrics give: word counts of tracks, compressed by row."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.unsignedinteger]


@dataclass
class FileReport:
    """What became of the rows of a file.

    Attributes:
        file: Name relative to the download folder.
        family: Official file family.
        rows_read: Rows in the file.
        rows_joined: Rows that ended in the store.
        dropped: Reason: rows.
        impossible: Field: values that it cannot have, which are missing labels.
        sha256: Checksum of the file, hex.
    """

    file: str
    family: str
    rows_read: int = 0
    rows_joined: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    impossible: dict[str, int] = field(default_factory=dict)
    sha256: str = ""

    def drop(self, reason: str, rows: int) -> None:
        """Count rows that do not enter; a reason without rows is not kept."""
        if rows:
            self.dropped[reason] = self.dropped.get(reason, 0) + int(rows)


@dataclass(frozen=True)
class Lyrics:
    """Word counts of the tracks of one source.

    Attributes:
        track_id: Bytes ``S18``, shape ``(rows,)``, in the order of the source.
        official_test: Whether a track is of the test part, bool, shape ``(rows,)``.
        lengths: Distinct words of each track, int64, shape ``(rows,)``, none 0.
        indices: Word columns, row after row, ascending in a row, shape ``(stored,)``.
        counts: How often each occurs, at least 1, shape ``(stored,)``.
        vocabulary: Word of each column.
        rows: Place of each track in its source (a line or row number), int64, shape ``(rows,)``.
        place: What ``rows`` counts, such as ``"mxm_dataset_train.txt, line"``.
        report: What became of the file's rows.
    """

    track_id: NDArray[np.bytes_]
    official_test: NDArray[np.bool_]
    lengths: NDArray[np.int64]
    indices: Indices
    counts: Indices
    vocabulary: tuple[str, ...]
    rows: NDArray[np.int64]
    place: str
    report: FileReport


def gather(lengths: NDArray[np.int64], order: NDArray[np.int64], flat: Sequence[Indices]) -> tuple[Indices, ...]:
    """Bring the rows of compressed arrays into another order, or keep only some.

    Args:
        lengths: Stored entries of each row, int64, shape ``(rows,)``.
        order: Old row of each new row, int64, shape ``(new rows,)``.
        flat: Arrays of stored entries, each of shape ``(stored,)``.

    Returns:
        The arrays with their rows in the new order.
    """
    starts = np.cumsum(lengths) - lengths
    new_lengths = lengths[order]
    new_starts = np.cumsum(new_lengths) - new_lengths
    source = np.repeat(starts[order] - new_starts, new_lengths)
    source += np.arange(len(source))
    return tuple(array[source] for array in flat)
