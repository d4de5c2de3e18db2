"""Word counts to features, fitted on training tracks."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from msd_mtl.errors import UserError

FeatureName = Literal["counts", "binary", "log1p", "tfidf"]


@dataclass(frozen=True)
class FeatureMap:
    """A fitted map from word counts to features.

    Attributes:
        name: ``counts`` n; ``binary`` 1; ``log1p`` log(1 + n); ``tfidf`` log(1 + n) times inverse document frequency.
        row_norm: L2 norm to which every non-empty row is scaled; None leaves rows as they are.
        idf: Inverse document frequency of each word, float32, shape ``(words,)``; None unless ``tfidf``.
    """

    name: str
    row_norm: float | None
    idf: NDArray[np.float32] | None

    def __call__(self, counts: csr_array) -> csr_array:
        """Transform rows.

        Args:
            counts: Word counts, shape ``(rows, words)``.

        Returns:
            Features, float32, same shape and stored positions; the input is left as it was.
        """
        values = counts.data.astype(np.float32)
        if self.name == "binary":
            values[:] = 1.0
        elif self.name != "counts":
            np.log1p(values, out=values)
        if self.idf is not None:
            values *= self.idf[counts.indices]
        if self.row_norm is not None and len(values):
            _scale_rows(values, counts.indptr, self.row_norm)
        return csr_array((values, counts.indices, counts.indptr), shape=counts.shape)


def fit_features(name: str, row_norm: float | None, train_counts: csr_array) -> FeatureMap:
    """Fit a feature map on the counts of the training tracks.

    The inverse document frequency is ``ln((1 + tracks) / (1 + tracks with the word)) + 1``.
    Source: scikit-learn's ``TfidfTransformer(smooth_idf=True)``.

    Args:
        name: One of ``counts``, ``binary``, ``log1p``, ``tfidf``.
        row_norm: L2 norm of every row, above 0, or None.
        train_counts: Word counts of the training tracks, shape ``(tracks, words)``.

    Raises:
        UserError: If the name is unknown or the norm is not above 0.
    """
    if name not in get_args(FeatureName):
        raise UserError(f"data.features must be one of {', '.join(get_args(FeatureName))}; got {name!r}.")
    if row_norm is not None and row_norm <= 0:
        raise UserError(f"data.row_norm must be above 0, or null for rows as they are; got {row_norm}.")
    idf = None
    if name == "tfidf":
        n_tracks, n_words = train_counts.shape
        n_with_word = np.bincount(train_counts.indices, minlength=n_words)
        idf = (np.log((1 + n_tracks) / (1 + n_with_word)) + 1).astype(np.float32)
    return FeatureMap(name, row_norm, idf)


def _scale_rows(values: NDArray[np.float32], indptr: NDArray[np.integer], row_norm: float) -> None:
    """Scale the stored values of each row to an L2 norm, in place."""
    filled = np.flatnonzero(np.diff(indptr))
    squares = np.add.reduceat(np.square(values, dtype=np.float64), indptr[filled])
    factor = np.zeros(len(indptr) - 1, dtype=np.float32)
    factor[filled] = row_norm / np.sqrt(squares)
    values *= np.repeat(factor, np.diff(indptr))
