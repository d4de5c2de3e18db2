"""A study with given contrasts, and of each the cell that it is about."""

from dataclasses import replace
from pathlib import Path

from msd_mtl.study.answers.types import Analysis, Contrast

from .made import analysis


def asked(*contrasts: Contrast, size: int = 500) -> Analysis:
    """The study; its runs have no histories.

    Args:
        contrasts: Its contrasts.
        size: Training tracks of all runs.
    """
    made = analysis(Path("runs"), masks=("1100",), sizes=(size,), couplings=(None,), histories=False)
    arms = [
        replace(
            made.cells[0].arm,
            target=one.target,
            context=one.context,
            coupling=one.coupling,
            **{key: value for key in ("task_set", "mask") if (value := getattr(one, key))},
        )
        for one in contrasts
    ]
    return replace(
        made,
        contrasts=contrasts,
        cells=tuple(replace(made.cells[0], arm=arm) for arm in arms),
        runs=tuple(replace(run, arm=arm) for arm in arms for run in made.runs),
    )
