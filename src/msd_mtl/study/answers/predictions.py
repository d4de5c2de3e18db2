"""Test predictions of the target that a run left, joined by track id."""

from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from msd_mtl.data.task import task_of
from msd_mtl.study.record import PREDICTIONS


@dataclass(frozen=True)
class TestPart:
    """The test tracks that have a label of the target, in the order of their ids.

    Attributes:
        artist: Artist of each, any type that sorts, shape ``(tracks,)``.
        truth: Label of each: 0 or 1, class index or value, float32, shape ``(tracks,)``.
        key: The same for the same tracks, artists and labels.
    """

    __test__ = False  # no class of tests, whatever pytest makes of its name

    artist: NDArray[np.generic]
    truth: NDArray[np.float32]
    key: str


@dataclass(frozen=True)
class Predictions:
    """What a run predicted.

    Attributes:
        part: The tracks.
        values: Probability of class 1 or predicted value, float32, shape ``(tracks,)``; of a multiclass target the
            probability of each class, shape ``(tracks, classes)``.
    """

    part: TestPart
    values: NDArray[np.float32]


def make_predictions(
    track_id: NDArray[np.generic],
    artist: NDArray[np.generic],
    truth: NDArray[np.float32],
    values: NDArray[np.float32],
) -> Predictions:
    """Put labelled tracks in the order of their ids.

    Args:
        track_id: Unique, shape ``(rows,)``.
        artist: Shape ``(rows,)``.
        truth: NaN where a track has no label, shape ``(rows,)``.
        values: Shape ``(rows,)`` or ``(rows, classes)``.
    """
    rows = np.flatnonzero(np.isfinite(truth))
    rows = rows[np.argsort(track_id[rows], kind="stable")]
    key = blake2b(digest_size=16)
    for column in (track_id[rows], artist[rows], truth[rows]):
        key.update(np.ascontiguousarray(column).tobytes())
    return Predictions(TestPart(artist[rows], truth[rows], key.hexdigest()), values[rows])


def read_predictions(folder: Path, target: str) -> Predictions | None:
    """Predictions of a run for its target, or None where the run left none that can be read.

    Args:
        folder: Run directory.
        target: Name of the target.
    """
    with suppress(Exception):  # not there, cut off, of other tasks, or edited, when anything may be raised
        with (folder / PREDICTIONS).open("rb") as file, np.load(file, allow_pickle=False) as saved:
            number = saved["task"].tolist().index(target)
            columns = saved["track_id"], saved["artist"], saved["target"][number]
            values = saved[f"prediction_{number}"]
        n_axes = 2 if task_of(target).kind == "multiclass" else 1
        are_numbers = columns[2].dtype.kind == values.dtype.kind == "f"
        if are_numbers and values.ndim == n_axes and {one.shape for one in columns} == {values.shape[:1]}:
            return make_predictions(*columns, values)
    return None
