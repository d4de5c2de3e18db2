"""Which rows a run trains, validates and is tested on. NumPy alone, so that a sweep can ask before anything is run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from msd_mtl.data.splits import Parts, split_rows, subset_order
from msd_mtl.data.task import Task
from msd_mtl.data.tracks import Tracks
from msd_mtl.errors import UserError


@dataclass(frozen=True)
class TrainingRows:
    """What a run trains on.

    Attributes:
        rows: Row numbers, int64, ascending, shape ``(rows,)``.
        keeps_target: Whether a row keeps the target's label, bool, same shape.
        n_without_label: Rows that were cut as none of their labels is left: nothing can be learnt from them.
    """

    rows: NDArray[np.int64]
    keeps_target: NDArray[np.bool_]
    n_without_label: int


def labelled_parts(
    tracks: Tracks,
    targets: NDArray[np.float32],
    split: str,
    *,
    split_seed: int,
    val_fraction: float,
    test_fraction: float,
) -> Parts:
    """Split the tracks that have at least one label.

    Args:
        tracks: All tracks of the source.
        targets: Labels, NaN where missing, float32, shape ``(tasks, rows)``.
        split: See ``split_rows``, as for the arguments that follow.
        split_seed: Seed of the split.
        val_fraction: Share of validation.
        test_fraction: Share of the test part.

    Returns:
        Rows of each part; what was left out.
    """
    parts = split_rows(tracks, split, split_seed=split_seed, val_fraction=val_fraction, test_fraction=test_fraction)
    labelled = np.flatnonzero(~np.isnan(targets).all(axis=0))
    rows = {part: np.intersect1d(chosen, labelled) for part, chosen in parts.rows.items()}
    unlabelled = sum(map(len, parts.rows.values())) - sum(map(len, rows.values()))
    return Parts(rows, parts.dropped | {"tracks without a label of the task set": unlabelled})


def training_rows(
    train: NDArray[np.int64],
    track_id: NDArray[np.bytes_],
    targets: NDArray[np.float32],
    target: int,
    seed: int,
    train_size: int | None,
    target_train_size: int | None,
) -> TrainingRows:
    """Cut the training part to size: prefixes of one order of a seed, so that smaller sizes are in larger ones.

    Args:
        train: Rows of the training part, int64, ascending, shape ``(part,)``.
        track_id: Track ids of the source, shape ``(rows,)``.
        targets: Labels, NaN where missing, float32, shape ``(tasks, rows)``; each training row has at least one.
        target: Place of the target among the tasks.
        seed: Seed of the run.
        train_size: Training rows; None takes all.
        target_train_size: Rows, the first of the same order, that keep the target's label; None for all. The others
            enter if they have another label.

    Raises:
        UserError: If the part does not hold so many.
    """
    has_label = ~np.isnan(targets[:, train])
    has_target = has_label[target]
    order = subset_order(track_id[train], has_target, seed)
    n = len(train) if train_size is None else train_size
    if not 1 <= n <= len(train):
        raise too_few(len(train), n)
    most = min(n, int(has_target.sum()))
    n_target = n if target_train_size is None else target_train_size
    if target_train_size is not None and n_target > most:
        raise UserError(
            f"data.target_train_size must be at most the {most} training rows with a label of the target; got "
            f"{n_target}. Leave it out (null) to keep all, or raise data.train_size."
        )
    keeps = np.zeros(len(train), dtype=bool)
    keeps[order[:n_target]] = True
    enters = keeps | np.delete(has_label, target, axis=0).any(axis=0)
    chosen = np.sort(order[:n][enters[order[:n]]])
    return TrainingRows(train[chosen], keeps[chosen], n - len(chosen))


def check_labels(tasks: Sequence[Task], target: int, targets: Mapping[str, NDArray[np.float32]]) -> None:
    """Each task needs labels to learn from, the target enough to be selected and scored by.

    Args:
        tasks: The tasks.
        target: Place of the target among the tasks.
        targets: Part to labels, NaN where missing, float32, shape ``(tasks, part)``.

    Raises:
        UserError: If a part lacks them.
    """
    n_labelled = {part: (~np.isnan(values)).sum(axis=1) for part, values in targets.items()}
    for task, n in zip(tasks, n_labelled["train"], strict=True):
        if n == 0:
            raise UserError(
                f"task {task.name!r} must have at least one labelled training row; got none of "
                f"{targets['train'].shape[1]}. Choose another task, a larger data.train_size or another data.split."
            )
    for part, values in targets.items():
        kinds = len(np.unique(values[target][~np.isnan(values[target])]))
        needed = 2 if tasks[target].kind == "binary" or part != "train" else 1
        if kinds < needed:
            labelled = {of_part: int(n[target]) for of_part, n in n_labelled.items()}
            others = "a larger data.train_size" if part == "train" else "data.split=artist"
            raise UserError(
                f"tasks.target must have at least {needed} different labels in every part; got {kinds} in {part} "
                f"for {tasks[target].name!r} (labelled rows: {labelled}). Try {others} or another data.split_seed."
            )


def too_few(n_rows: int, train_size: int) -> UserError:
    """The error of a training size that the training part does not hold."""
    return UserError(
        f"data.train_size must be between 1 and the {n_rows} training rows of this split; got {train_size}. "
        "Leave it out (null) to take all."
    )
