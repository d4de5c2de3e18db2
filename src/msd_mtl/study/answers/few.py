"""How many test artists a verdict hangs on, those with many tracks counted for what they are worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the tables of a sweep that is done come by here for words, and need no NumPy
    import numpy as np
    from numpy.typing import NDArray

    from msd_mtl.study.answers.predictions import TestPart

FEW = 40  # test artists of equal size; below, simulated studies find too much (docs/statistics.md)


def equal_artists(part: TestPart, metric: str) -> int:
    """Number of artists with as many tracks each that would vary as little as those of a test part.

    That is ``(sum w)² / sum w²`` for artists with ``w`` tracks each: one with half of all tracks counts for half of
    every score, however many others there are. For AUROC it is of one class, the one where it is less.

    Args:
        part: The test part.
        metric: ``auroc``, ``r2`` or ``accuracy``.

    Returns:
        The number, rounded down.
    """
    positive = part.truth > 0.5
    classes = (positive, ~positive) if metric == "auroc" else (positive | ~positive,)
    return min(_worth(part.artist[rows]) for rows in classes)


def worth_said(metric: str, n: int) -> str:
    """What the artists are worth, in words."""
    which = "test artists with the rarer class" if metric == "auroc" else "test artists"
    return f"{which} are worth only {n} of equal size"


def _worth(artist: NDArray[np.generic]) -> int:
    import numpy as np

    n_tracks = np.unique(artist, return_counts=True)[1]
    return int(n_tracks.sum() ** 2 // max((n_tracks**2).sum(), 1))
