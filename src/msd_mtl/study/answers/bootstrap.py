"""Test scores under resampling of the test artists, their tracks coming with them."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from msd_mtl.study.answers.predictions import Predictions, TestPart
from msd_mtl.study.answers.weighted import Counts, weighted_accuracy, weighted_auroc, weighted_r2

BLOCK = 128  # weightings scored together: as many as the cache of a core holds for some thousand tracks


class ArtistBootstrap:
    """Draws artists with replacement, once, so that every run is scored on the same draws.

    Args:
        parts: Test parts of all runs that are compared.
        n_resamples: Number of draws.
        seed: Seed of the draws.

    Attributes:
        n_artists: Number of test artists.
    """

    def __init__(self, parts: Iterable[TestPart], n_resamples: int, seed: int = 0) -> None:
        self._artists = np.unique(np.concatenate([part.artist for part in parts]))
        self.n_artists = n = len(self._artists)
        draws = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=n_resamples)
        times = np.ones((n, n_resamples + 1), np.int32)  # the first weighting is the test part as it is
        times[:, 1:] = draws.T
        self._blocks = [np.ascontiguousarray(times[:, i : i + BLOCK]) for i in range(0, n_resamples + 1, BLOCK)]
        self._weights: dict[str, list[Counts]] = {}

    def scores(self, predictions: Predictions, metric: str) -> NDArray[np.float64]:
        """Score predictions on the test part and on every draw.

        Args:
            predictions: Of a run, on one of the parts.
            metric: ``auroc``, ``r2`` or ``accuracy``.

        Returns:
            Shape ``(1 + resamples,)``, first the score on the test part as it is; NaN where a draw does not define it.
        """
        part, values = predictions.part, predictions.values
        if part.key not in self._weights:
            index = np.searchsorted(self._artists, part.artist)
            self._weights[part.key] = [block[index] for block in self._blocks]
        return np.concatenate([_score(metric, values, part.truth, block) for block in self._weights[part.key]])


def _score(
    metric: str, values: NDArray[np.float32], truth: NDArray[np.float32], weights: Counts
) -> NDArray[np.float64]:
    if not np.isfinite(values).all():
        return np.full(weights.shape[1], np.nan)
    match metric:
        case "auroc":
            return weighted_auroc(values, truth > 0.5, weights)
        case "r2":
            return weighted_r2(values, truth, weights)
        case _:
            return weighted_accuracy(values.argmax(axis=1) == truth, weights)
