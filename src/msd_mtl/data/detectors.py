"""The low level of a planted signal: detectors, sums over words that speak for or against something.

Sums run in a fixed order, so what a task's detectors give does not depend on which other tasks are made beside it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from msd_mtl.data.synthetic_lyrics import stream
from msd_mtl.errors import UserError

BLOCK_ROWS = 16_384
USABLE = (0.02, 0.6)  # share of songs with a word that a detector may use: neither rare nor nearly always there

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Plan:
    """Size and shape of the signals of a world.

    Attributes:
        n_detectors: Detectors per task.
        words_per_detector: Words that a detector sums over.
        n_units: Saturating units of a structure.
        curvature: Slope of these units per standard deviation of a detector, above 0; small is nearly linear.
        wave: Radians per standard deviation of the wave that the target's structure is; 0 for saturating units.
        share_of_song: Whether detectors see ``log1p(count)`` divided by the L2 norm of its song.
    """

    n_detectors: int
    words_per_detector: int
    n_units: int
    curvature: float
    wave: float = 0.0
    share_of_song: bool = False


@dataclass(frozen=True)
class Detectors:
    """Low level: sums over words.

    Attributes:
        words: Columns of the vocabulary, int64, shape ``(detectors, words_per_detector)``.
        weights: What each word adds per ``log1p(count)``, float64, same shape.
        shift: Constant of each detector, float64, shape ``(detectors,)``; makes the mean 0 and the variance 1.
        share_of_song: Whether ``log1p(count)`` is divided by the L2 norm of its song.
    """

    words: NDArray[np.int64]
    weights: Floats
    shift: Floats
    share_of_song: bool = False

    def __call__(self, counts: csr_array) -> Floats:
        """Detect.

        Args:
            counts: Word counts, shape ``(rows, words)``.

        Returns:
            Detector values, float64, shape ``(rows, detectors)``.
        """
        dense = np.zeros((counts.shape[1], len(self.words)))
        for column, (words, weights) in enumerate(zip(self.words, self.weights, strict=True)):
            dense[words, column] = weights
        out = np.empty((counts.shape[0], len(self.words)))
        for start in range(0, len(out), BLOCK_ROWS):
            block = counts[start : start + BLOCK_ROWS]
            values = np.log1p(block.data, dtype=np.float64)
            if self.share_of_song:
                row = np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
                values /= np.sqrt(np.bincount(row, values**2, minlength=block.shape[0]))[row]
            logs = csr_array((values, block.indices, block.indptr), shape=block.shape)
            out[start : start + BLOCK_ROWS] = logs @ dense + self.shift
        return out


def plant_detectors(
    counts: csr_array,
    name: str,
    world: int,
    plan: Plan,
    *,
    like: Detectors | None = None,
    common: float = 0.0,
) -> Detectors:
    """Choose the words of a task's detectors.

    Args:
        counts: Songs of the world to measure words on, shape ``(rows, words)``.
        name: Name of the task.
        world: Seed of the world.
        plan: Number of detectors and of words that each sums over; no word serves two detectors of a task.
        like: Detectors of the target; words that are not taken over from them are words they do not use.
        common: Share of each detector's words, with their weights, that is taken over from ``like``, 0 to 1; rounded to
            whole words.

    Returns:
        Detectors with mean 0 and variance 1 on ``counts``.

    Raises:
        UserError: If too few words are neither rare nor in nearly every song.
    """
    spread, in_songs = _word_statistics(counts)
    usable = (in_songs > USABLE[0]) & (in_songs < USABLE[1])
    if like is not None:
        usable[like.words] = False
    pool = np.flatnonzero(usable)
    shape = (plan.n_detectors, plan.words_per_detector)
    needed = plan.n_detectors * plan.words_per_detector
    if len(pool) < needed:
        raise UserError(
            f"data.world.n_words must leave {needed} words for {name!r} that {USABLE[0]:.0%} to {USABLE[1]:.0%} of the "
            f"songs use; got {len(pool)}. Raise data.world.n_words or data.world.words_per_track, or lower "
            "data.world.words_per_detector."
        )
    rng = stream(world, "detectors", name)
    words = rng.permutation(pool)[:needed].reshape(shape)
    signs = rng.choice([-1.0, 1.0], size=shape)
    if like is not None:
        taken = words_taken(common, plan.words_per_detector)
        words[:, :taken], signs[:, :taken] = like.words[:, :taken], np.sign(like.weights[:, :taken])
    weights = signs / spread[words]
    raw = Detectors(words, weights, np.zeros(plan.n_detectors), plan.share_of_song)(counts)
    scale = raw.std(axis=0)
    return Detectors(words, weights / scale[:, None], -raw.mean(axis=0) / scale, plan.share_of_song)


def words_taken(common: float, words_per_detector: int) -> int:
    """Words of each detector that are taken over where a share of them is asked for; half a word goes to the even."""
    return round(common * words_per_detector)


def _word_statistics(counts: csr_array) -> tuple[Floats, Floats]:
    """Standard deviation of ``log1p(count)`` and share of songs with the word, each of shape ``(words,)``."""
    n_songs, n_words = counts.shape
    logs = np.log1p(counts.data, dtype=np.float64)
    mean = np.bincount(counts.indices, logs, minlength=n_words) / n_songs
    square = np.bincount(counts.indices, logs**2, minlength=n_words) / n_songs
    return np.sqrt(square - mean**2), np.bincount(counts.indices, minlength=n_words) / n_songs
