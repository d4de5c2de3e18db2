"""Negative controls: data in which there is nothing to find."""

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from msd_mtl.errors import UserError

Control = Literal["permute_labels", "misalign"]


def check_control(control: str | None) -> None:
    """Raise a ``UserError`` unless the control is one of ours or None."""
    if control is not None and control not in get_args(Control):
        raise UserError(f"data.control must be null, {' or '.join(get_args(Control))}; got {control!r}.")


def permute_labels(targets: NDArray[np.float32], seed: int, part: str) -> NDArray[np.float32]:
    """Shuffle each task's labels over the rows that have one.

    Prevalence and missing labels stay as they were; every relation to the lyrics and between the tasks is gone.

    Args:
        targets: Labels, NaN where missing, float32, shape ``(tasks, rows)``.
        seed: Seed of the run.
        part: Name of the part, so that parts are shuffled independently.
    """
    shuffled = targets.copy()
    for task, values in enumerate(shuffled):
        labelled = np.flatnonzero(~np.isnan(values))
        rng = np.random.default_rng((seed, task, *part.encode()))
        values[labelled] = values[rng.permutation(labelled)]
    return shuffled


def misaligned_rows(n_rows: int, seed: int) -> NDArray[np.int64]:
    """Whose lyrics each row gets when lyrics and labels are not joined by track.

    Source: the original study, where word counts and labels came in two different orders.

    Args:
        n_rows: Rows of the source.
        seed: Seed of the run.

    Returns:
        A permutation of the rows, int64, shape ``(n_rows,)``.
    """
    return np.random.default_rng((seed, *b"misalign")).permutation(n_rows)
