"""What the contenders of `speed.py` train on: lyrics-like rows, and the tasks of the original study."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from msd_mtl.data.datamodule import MultiTaskDataModule
from msd_mtl.data.features import fit_features
from msd_mtl.data.row_batches import Part
from msd_mtl.data.synthetic_lyrics import make_language, make_tracks
from msd_mtl.data.task import Task, task_of
from msd_mtl.data.tracks import Tracks

BATCH = 128  # rows, original study
EVAL_BATCH = 2048  # rows, ours
N_TRACKS = 32_000  # more than any problem has rows
N_WORDS = 5000  # original study
WORDS_PER_TRACK = 81  # musiXmatch
WIDTHS = (1024, 512, 256, 128)  # original study
DROPOUT = (0.0, 0.0, 0.5, 0.5)  # original study
MASKS = {
    "none": (0, 0, 0, 0),
    "low": (1, 1, 0, 0),
    "high": (0, 0, 1, 1),
    "interspersed": (1, 0, 0, 1),
    "full": (1, 1, 1, 1),
}
TASKS = {
    "tight": ("term:pop", "term:pop rock", "term:ballad"),
    "loose": ("term:pop", "loudness", "year"),
}


@dataclass(frozen=True)
class Problem:
    """One thing to train.

    Attributes:
        tasks: The tasks.
        sharing: Name of the mask.
        train: Training rows.
        val: Validation rows.
    """

    tasks: tuple[Task, ...]
    sharing: str
    train: Part
    val: Part

    @property
    def mask(self) -> tuple[int, ...]:
        """The sharing mask."""
        return MASKS[self.sharing]


@lru_cache(maxsize=1)
def tracks(n_tracks: int) -> Tracks:
    """Lyrics-like rows."""
    return make_tracks(make_language(N_WORDS, WORDS_PER_TRACK, world=0), N_WORDS, n_tracks, world=0)


def labels(tasks: tuple[Task, ...], counts: csr_array) -> NDArray[np.float32]:
    """Labels with a signal in the words, standardised where they are values; shape ``(tasks, rows)``."""
    rng = np.random.default_rng(0)
    values = fit_features("tfidf", 1.0, counts)(counts)
    signal = (values @ rng.normal(size=(counts.shape[1], len(tasks)))).T
    signal += signal.std() * rng.normal(size=signal.shape)
    binary = np.array([[task.kind == "binary"] for task in tasks])
    return np.where(binary, signal > 0, signal / signal.std()).astype(np.float32)


def make_problem(n_train: int, n_val: int, task_set: str = "tight", sharing: str = "low") -> Problem:
    """Make rows and labels; the features are those of the original study, raw counts."""
    tasks = tuple(task_of(name) for name in TASKS[task_set])
    counts = tracks(N_TRACKS).counts[: n_train + n_val]
    targets = labels(tasks, counts)
    features = fit_features("counts", None, counts)(counts)
    rows = np.arange(n_train + n_val)
    train, val = (Part(rows[cut], features[cut], targets[:, cut]) for cut in (slice(n_train), slice(n_train, None)))
    return Problem(tasks, sharing, train, val)


class ProblemData(MultiTaskDataModule):
    """The project's DataModule over the rows of a problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(
            [task.name for task in problem.tasks],
            problem.tasks[0].name,
            seed=0,
            split="track",
            split_seed=0,
            val_fraction=0.1,
            test_fraction=0.1,
            train_size=None,
            features="counts",
            row_norm=None,
            control=None,
            batch_size=BATCH,
            eval_batch_size=EVAL_BATCH,
            drop_last=False,
        )
        self.parts = {"train": problem.train, "val": problem.val, "test": problem.val}
        self.tracks = tracks(N_TRACKS)

    def source(self) -> tuple[Tracks, dict[str, NDArray[np.float32]]]:
        """Never asked for: the parts are there."""
        raise NotImplementedError
