"""Small tracks for tests of what works on them."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from msd_mtl.data.tracks import Tracks


@pytest.fixture
def tracks() -> Tracks:
    """600 tracks of 150 artists over 40 words; the last fifth of the artists is the official test part."""
    rng = np.random.default_rng(0)
    n, words = 600, 40
    dense = rng.poisson(0.4, (n, words)).astype(np.uint8)
    dense[:, 0] += 1  # no track is empty
    artist = rng.integers(0, 150, n).astype(np.int32)
    return Tracks(
        track_id=np.array([f"TR{i:016d}" for i in range(n)], dtype="S18"),
        artist=artist,
        official_test=artist >= 120,
        counts=csr_array(dense),
        vocabulary=tuple(f"w{i}" for i in range(words)),
        has_artist=np.arange(n) % 10 > 0,
    )
