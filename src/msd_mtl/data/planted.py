"""Planted signals: word detectors below, a nonlinear structure above, each common to tasks or not.

A task's signal is ``structure(detectors(words of a song))``. Both levels are functions of what a model sees, so the
noiseless truth of every label is known.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.sparse import csr_array

from msd_mtl.data.detectors import Detectors, Floats, Plan, plant_detectors
from msd_mtl.data.synthetic_lyrics import stream

Common = Literal["low", "high", "none"]

WAVE_SLOPE = 0.3  # of the straight line under a wave, per standard deviation


@dataclass(frozen=True)
class Structure:
    """High level: a small network of saturating units over the detectors, mean 0 and variance 1.

    Attributes:
        directions: Weights of the units, float64, shape ``(units, detectors)``.
        biases: Biases of the units, float64, shape ``(units,)``.
        readout: Weight of each unit, float64, shape ``(units,)``.
        shift: Constant of the sum.
    """

    directions: Floats
    biases: Floats
    readout: Floats
    shift: float

    def __call__(self, detected: Floats) -> Floats:
        """Mix detectors.

        Args:
            detected: Detector values, float64, shape ``(rows, detectors)``.

        Returns:
            Signal, float64, shape ``(rows,)``.
        """
        total = np.full(len(detected), self.shift)
        for direction, bias, weight in zip(self.directions, self.biases, self.readout, strict=True):
            unit = np.full(len(detected), bias)
            for column, slope in enumerate(direction):
                unit += slope * detected[:, column]
            total += weight * np.tanh(unit)
        return total


@dataclass(frozen=True)
class Wave:
    """High level: a wave over one direction of the detectors, with a weak slope that shows where to look.

    In outline it is easy to learn and in detail hard, so that whoever knows the wave has an advantage.

    Attributes:
        direction: Weight of each detector, float64, shape ``(detectors,)``, norm 1.
        frequency: Radians per standard deviation of the direction.
        scale: Makes the variance 1.
        shift: Makes the mean 0.
    """

    direction: Floats
    frequency: float
    scale: float = 1.0
    shift: float = 0.0

    def __call__(self, detected: Floats) -> Floats:
        """Mix detector values of shape ``(rows, detectors)`` to shape ``(rows,)``."""
        along = np.zeros(len(detected))
        for column, weight in enumerate(self.direction):
            along += weight * detected[:, column]
        return self.scale * (np.sin(self.frequency * along) + WAVE_SLOPE * along) + self.shift


def plant_wave(reference: Floats, name: str, world: int, plan: Plan) -> Wave:
    """Choose the direction of a task's wave; arguments and normalisation as of ``plant_structure``."""
    direction = stream(world, "wave", name).standard_normal(plan.n_detectors)
    direction /= np.sqrt((direction**2).sum())
    raw = Wave(direction, plan.wave)(reference)
    return Wave(direction, plan.wave, float(1 / raw.std()), float(-raw.mean() / raw.std()))


def plant_structure(reference: Floats, name: str, world: int, plan: Plan) -> Structure:
    """Choose how a task mixes its detectors.

    Args:
        reference: Detector values to normalise on, float64, shape ``(rows, detectors)``.
        name: Name of the task.
        world: Seed of the world.
        plan: Number of units and their slope.

    Returns:
        Structure with mean 0 and variance 1 on ``reference``.
    """
    rng = stream(world, "structure", name)
    directions = rng.standard_normal((plan.n_units, plan.n_detectors))
    directions *= plan.curvature / np.sqrt((directions**2).sum(axis=1, keepdims=True))
    biases = plan.curvature * rng.standard_normal(plan.n_units)
    readout = rng.standard_normal(plan.n_units)
    raw = Structure(directions, biases, readout, 0.0)(reference)
    return Structure(directions, biases, readout / raw.std(), float(-raw.mean() / raw.std()))


@dataclass(frozen=True)
class Signal:
    """A task's signal: ``scale * (share * common structure + rest * own structure)(detectors) + shift``.

    Attributes:
        detectors: Low level.
        structures: High level: structures and their weights.
        scale: Makes the variance 1.
        shift: Makes the mean 0.
    """

    detectors: Detectors
    structures: tuple[tuple[float, Structure | Wave], ...]
    scale: float = 1.0
    shift: float = 0.0

    def structure(self, detected: Floats) -> Floats:
        """Mix detector values of shape ``(rows, detectors)`` to shape ``(rows,)``."""
        total = np.full(len(detected), self.shift)
        for weight, structure in self.structures:
            total += self.scale * weight * structure(detected)
        return total

    def __call__(self, counts: csr_array) -> Floats:
        """Signal of songs.

        Args:
            counts: Word counts, shape ``(rows, words)``.

        Returns:
            float64, shape ``(rows,)``.
        """
        return self.structure(self.detectors(counts))

    def in_common_with(self, other: "Signal", songs: csr_array) -> dict[str, float]:
        """Measure what two signals have in common, level by level.

        Args:
            other: The target's signal.
            songs: Word counts to measure on, shape ``(rows, words)``.

        Returns:
            ``detectors``: mean canonical correlation of the two sets of detectors; ``structure``: correlation of the
            two structures on the detector values of ``other``.
        """
        mine, theirs = self.detectors(songs), other.detectors(songs)
        bases = [np.linalg.qr(values - values.mean(axis=0))[0] for values in (mine, theirs)]
        canonical = np.linalg.svd(bases[0].T @ bases[1], compute_uv=False)
        mixed = np.corrcoef(self.structure(theirs), other.structure(theirs))[0, 1]
        return {"detectors": float(canonical.mean()), "structure": float(mixed)}


def plan_signal(
    songs: csr_array,
    name: str,
    world: int,
    plan: Plan,
    *,
    like: Signal | None = None,
    coupling: float = 0.0,
    common: Common = "none",
) -> Signal:
    """Plant a task's signal.

    Args:
        songs: Songs of the world to measure on, shape ``(rows, words)``.
        name: Name of the task.
        world: Seed of the world.
        plan: Size and shape.
        like: The target's signal, or None for the target itself.
        coupling: How much is taken over from ``like``, 0 to 1.
        common: The level that it is taken over at.

    Returns:
        Signal with mean 0 and variance 1 on ``songs``.

    Raises:
        UserError: If the vocabulary is too small.
    """
    low = coupling if common == "low" else 0.0
    detectors = plant_detectors(songs, name, world, plan, like=None if like is None else like.detectors, common=low)
    detected = detectors(songs)
    plant = plant_wave if plan.wave and like is None else plant_structure
    structures: list[tuple[float, Structure | Wave]] = [(1.0, plant(detected, name, world, plan))]
    if like is not None and common == "high":
        structures = [(coupling, like.structures[0][1]), (float(np.sqrt(1 - coupling**2)), structures[0][1])]
    raw = Signal(detectors, tuple(structures)).structure(detected)
    return Signal(detectors, tuple(structures), float(1 / raw.std()), float(-raw.mean() / raw.std()))
