"""The rows that every stage after the files works on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array


@dataclass(frozen=True)
class Tracks:
    """Lyrics of tracks, and what is needed to split them.

    Attributes:
        track_id: Track ids in ascending order, bytes ``S18``, shape ``(rows,)``.
        artist: Artist group of each track, int32, shape ``(rows,)``; a group is never split across parts.
        official_test: Whether a track belongs to the official test part, bool, shape ``(rows,)``.
        counts: Word counts, unsigned integers, sorted indices, shape ``(rows, words)``.
        vocabulary: The word of each column, length ``words``.
        has_artist: Whether the artist is known, bool, shape ``(rows,)``; if not, the group is the track alone. None
            where the source does not say.
    """

    track_id: NDArray[np.bytes_]
    artist: NDArray[np.int32]
    official_test: NDArray[np.bool_]
    counts: csr_array
    vocabulary: tuple[str, ...]
    has_artist: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        """Number of rows."""
        return int(self.track_id.shape[0])
