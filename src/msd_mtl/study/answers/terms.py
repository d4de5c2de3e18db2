"""Contrasts as weighted sums of scores: what is asked of a seed is a number for each arm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from msd_mtl.study.answers.types import Arm

Terms = Mapping[Arm, float]


@dataclass(frozen=True)
class Combination:
    """A comparison of arms, before it is measured.

    Attributes:
        name: Readable, unique in its question and context.
        terms: Factor of each arm's score.
        task_set: Where it belongs to one.
        mask: Where it belongs to one.
        coupling: Planted coupling, where it belongs to one.
        notes: What is left out of it, and why.
    """

    name: str
    terms: Terms
    task_set: str | None = None
    mask: str | None = None
    coupling: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def about(self) -> tuple[str | None, str | None, float | None]:
        """What tells it from others of its question, whichever arms it is left with."""
        return self.task_set, self.mask, self.coupling


def total(*weighted: tuple[float, Terms]) -> dict[Arm, float]:
    """Weighted sum of weighted sums; arms whose factors cancel are gone."""
    found: dict[Arm, float] = {}
    for factor, terms in weighted:
        for arm, value in terms.items():
            found[arm] = found.get(arm, 0.0) + factor * value
    return {arm: value for arm, value in found.items() if abs(value) > 1e-12}


def mean(parts: Sequence[Terms]) -> dict[Arm, float]:
    """Mean of weighted sums."""
    return total(*((1 / len(parts), part) for part in parts))


def change(places: Sequence[float], parts: Sequence[Terms]) -> dict[Arm, float]:
    """Change of weighted sums over the range of what they go with, along the line of least squares.

    Args:
        places: Where each of them stands, at least two different.
        parts: The weighted sums.
    """
    x = np.asarray(places, dtype=np.float64) - np.mean(places)
    factors = x / (x @ x) * np.ptp(x)
    return total(*zip(factors.tolist(), parts, strict=True))
