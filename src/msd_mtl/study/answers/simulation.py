"""Studies whose truth is known, to see how often their answers are wrong.

Seeds, artists and arms are crossed. Of track ``t`` of artist ``a``, whose label ``y`` is its artist's, the run of arm
``m`` and seed ``k`` predicts::

    y * (distance[m] + lucky[m, k]) + song[t] + artist[a] + taste[m, a] + memory[m, k, a] + noise[m, k, t]

All terms but the first are Gaussian and alike in all arms, so arms differ in ``distance`` alone. What an arm is worth
is its score expected over new seeds and new artists, which is known: AUROC in closed form.

A regression is predicted likewise, with a label that is half its artist's and half its track's and has variance 1: R2
loses the square of what ``distance`` is off 1. Of a multiclass task each class has such a prediction, with ``y`` 1 for
its own, and accuracy is an integral over how large that of the right one is.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri, softmax
from scipy.stats import norm

from msd_mtl.data.task import Task, task_of
from msd_mtl.model.metrics import task_metrics
from msd_mtl.study.answers.analyse import all_contrasts, score
from msd_mtl.study.answers.contrasts import ASKED
from msd_mtl.study.answers.gains import groups
from msd_mtl.study.answers.predictions import Predictions, make_predictions
from msd_mtl.study.answers.reading import StudyRuns, metric_of
from msd_mtl.study.answers.types import Arm, Contrast, Run, Settings
from msd_mtl.study.answers.weighted import weighted_auroc

TARGETS = {"auroc": task_of("term:pop"), "r2": task_of("tempo"), "accuracy": task_of("time_signature")}
Floats = NDArray[np.float64]
AUXILIARIES = {"tight": {"term:pop rock": 0.4, "term:ballad": 0.3}, "loose": {"loudness": 0.1, "year": 0.05}}
MASKS = ("0011", "1001", "1100")
IMPROVED = ("tight", "1100")  # the arm that an effect is planted in


@dataclass(frozen=True)
class Setting:
    """A kind of study: two task sets with three sharings each, beside the target alone.

    Attributes:
        n_seeds: Seeds of each arm.
        n_artists: Test artists; each has one track and one more on average.
        prevalence: Share of artists that have the tag.
        auroc: Of all arms but one.
        effect: By how much the score of one arm is better, at the largest training size; below 0 it is worse.
        lucky: Standard deviation over the seeds of an arm of the distance between the classes.
        taste: Standard deviation over artists of what an arm makes of them, whatever its seed.
        memory: Standard deviation of what a run makes of an artist.
        noise: Standard deviation of what a run makes of a track.
        metric: Of the target: ``auroc``, ``r2`` or ``accuracy``.
        sizes: Training sizes of each arm, ascending. Of several, the effect is linear in the logarithm of the size, and
            0 at the smallest.
    """

    n_seeds: int = 5
    n_artists: int = 200
    prevalence: float = 0.3
    auroc: float = 0.65
    effect: float = 0.0
    lucky: float = 0.04
    taste: float = 0.15
    memory: float = 0.15
    noise: float = 0.3
    metric: str = "auroc"
    sizes: tuple[int, ...] = (1000,)

    def __post_init__(self) -> None:
        """Refuse an effect that cannot be."""
        if self.effect < 0 and self.metric == "r2":
            raise ValueError(
                f"effect must be at least 0 for r2, of which one arm is the best possible; got {self.effect}."
            )

    def gain(self, arm: Arm) -> float:
        """By how much an arm is better than those that nothing is planted in."""
        if (arm.task_set, arm.mask) != IMPROVED:
            return 0.0
        smallest, largest = self.sizes[0], self.sizes[-1]
        grown = math.log(arm.train_size / smallest) / math.log(largest / smallest) if largest > smallest else 1.0
        return self.effect * grown

    def distance(self, arm: Arm) -> float:
        """What the label of a track adds to the predictions of an arm, without luck."""
        if self.metric == "r2":
            return 1.0 - math.sqrt(self.effect - self.gain(arm))  # 1 is best
        if self.metric == "accuracy":
            return _distance_of_classes(self.gain(arm), self.spread_of_track, self.lucky)
        return float(ndtri(self.auroc + self.gain(arm)) * math.hypot(math.sqrt(2) * self.spread_of_track, self.lucky))

    @property
    def spread_of_track(self) -> float:
        """Standard deviation of the predictions of a class and run."""
        return math.sqrt(1.0 + self.taste**2 + self.memory**2 + self.noise**2)


@cache
def _distance_of_classes(gain: float, spread: float, lucky: float) -> float:
    """Distance of the right class from the others at which accuracy is better by a gain than at 1."""

    def accuracy(distance: float) -> float:
        def right(z: float) -> float:  # the prediction of the right class in deviations, and no other above it
            return float(norm.pdf(z) * ndtr((distance + math.hypot(spread, lucky) * z) / spread) ** (n_classes - 1))

        return float(quad(right, -8, 8)[0])

    n_classes = TARGETS["accuracy"].n_classes
    return float(brentq(lambda distance: accuracy(distance) - accuracy(1.0) - gain, -2.0, 20.0))


@dataclass(frozen=True)
class Outcome:
    """What a study said of one contrast, beside the truth.

    Attributes:
        contrast: What it said.
        truth: The contrast expected over new seeds and new artists.
        planted: Whether it is of the arm that an effect is planted in: its benefit, or of several sizes what this
            grows by from the smallest to the largest.
    """

    contrast: Contrast
    truth: float
    planted: bool

    @property
    def covered(self) -> bool:
        """Whether the interval holds the truth."""
        return self.contrast.effect.low <= self.truth <= self.contrast.effect.high

    @property
    def is_false_difference(self) -> bool:
        """Whether it is called better or worse, and is not."""
        verdict = self.contrast.effect.verdict
        return (verdict == "better" and self.truth < 1e-9) or (verdict == "worse" and self.truth > -1e-9)

    @property
    def is_false_equivalence(self) -> bool:
        """Whether it is called equivalent, and differs by the margin or more."""
        effect = self.contrast.effect
        return effect.verdict == "equivalent" and abs(self.truth) > effect.margin - 1e-9


def simulate(setting: Setting, seed: int, n_bootstrap: int = 200) -> list[Outcome]:
    """Make a study and answer it, on the way that real studies go.

    Args:
        setting: Its kind.
        seed: Another seed, another study.
        n_bootstrap: Draws of test artists.
    """
    runs, predictions = make_study(setting, np.random.default_rng(seed))
    contrasts = all_contrasts(runs, score(runs, predictions, n_bootstrap))
    of_planted = "benefit" if len(setting.sizes) == 1 else "size"
    return [
        Outcome(one, truth, one.question == of_planted and (one.task_set, one.mask) == IMPROVED)
        for one, truth in zip(contrasts, _truths(setting), strict=True)
    ]


@cache
def _truths(setting: Setting) -> list[float]:
    """What each contrast comes to, which all studies of a setting have in common."""
    (group,) = groups(make_study(setting, np.random.default_rng(0))[0].runs)
    asked = [combination for find in ASKED.values() for combination in find(group)]
    return [math.fsum(factor * setting.gain(arm) for arm, factor in one.terms.items()) for one in asked]


def make_study(
    setting: Setting, rng: np.random.Generator, contexts: Sequence[Settings] = ((),)
) -> tuple[StudyRuns, Mapping[str, Predictions]]:
    """Completed runs with their test predictions.

    Args:
        setting: Kind of study.
        rng: Where chance comes from.
        contexts: Each has all arms.
    """
    task = TARGETS[setting.metric]
    kinds = [("pop", "0000"), *((tasks, mask) for tasks in AUXILIARIES for mask in MASKS)]
    arms = [_arm(task, *kind, size, context) for context in contexts for size in setting.sizes for kind in kinds]
    artist = np.repeat(np.arange(setting.n_artists), 1 + rng.poisson(1, setting.n_artists))
    track_id = np.array([f"TRSIM{number:013d}" for number in range(len(artist))], "S18")
    truth, label = _labels(setting, artist, rng)
    by_track, by_artist = (len(artist), label.shape[1]), (setting.n_artists, label.shape[1])
    of_track = rng.normal(0, math.sqrt(0.5), by_track) + rng.normal(0, math.sqrt(0.5), by_artist)[artist]
    once = make_predictions(track_id, artist, truth.astype(np.float32), np.zeros(len(artist), np.float32))
    runs, predictions = [], {}
    for arm in arms:
        distance = setting.distance(arm)
        taste = rng.normal(0, setting.taste, by_artist)
        for seed in range(setting.n_seeds):
            of_artist = taste + rng.normal(0, setting.memory, by_artist)
            values = of_track + of_artist[artist] + label * (distance + rng.normal(0, setting.lucky))
            values += rng.normal(0, setting.noise, by_track)
            values = softmax(values, axis=1) if task.kind == "multiclass" else values[:, 0]
            made = Predictions(once.part, values.astype(np.float32))  # tracks are in the order of their ids
            run = _run(task, arm, seed, made.values, made.part.truth)
            runs.append(run)
            predictions[run.run_id] = made
    return StudyRuns(tuple(runs), (), {}, (), len(runs), ()), predictions


def _labels(setting: Setting, artist: NDArray[np.intp], rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Labels of the tracks, and what each output would have to be for them, shape ``(tracks, outputs)``."""
    if setting.metric == "r2":
        value = rng.normal(0, math.sqrt(0.5), setting.n_artists)[artist] + rng.normal(0, math.sqrt(0.5), len(artist))
        return value, value[:, None]
    if setting.metric == "accuracy":
        classes = rng.integers(TARGETS["accuracy"].n_classes, size=setting.n_artists)[artist]
        return classes.astype(np.float64), np.eye(TARGETS["accuracy"].n_classes)[classes]
    positive = np.zeros(setting.n_artists)
    positive[rng.permutation(setting.n_artists)[: round(setting.prevalence * setting.n_artists)]] = 1
    return positive[artist], positive[artist][:, None]


def _arm(task: Task, task_set: str, mask: str, size: int, context: Settings) -> Arm:
    return Arm(task_set, (task.name, *AUXILIARIES.get(task_set, {})), task.name, mask, size, None, context)


def score_of(task: Task, values: NDArray[np.float32], truth: NDArray[np.float32]) -> float:
    """That of the record, to the bit; AUROC without the other metrics of a binary task, which take most of its time."""
    if task.kind == "binary":
        return float(weighted_auroc(values, truth > 0.5, np.ones((len(truth), 1), np.int32))[0])
    return task_metrics(task, values, truth, np.ones(len(truth), np.bool_))[metric_of(task.name)]


def _run(task: Task, arm: Arm, seed: int, values: NDArray[np.float32], truth: NDArray[np.float32]) -> Run:
    run_id = "-".join([arm.task_set, arm.mask, str(arm.train_size), str(seed), *(value for _, value in arm.context)])
    coupling = {task: {"label": {"value": value}} for task, value in AUXILIARIES.get(arm.task_set, {}).items()}
    return Run(
        run_id=run_id,
        arm=arm,
        seed=seed,
        folder=Path(run_id),
        record={"run_id": run_id, "data": {"coupling": coupling}, "config": {"data": {"train_size": arm.train_size}}},
        metric=metric_of(task.name),
        score=score_of(task, values, truth),
        linear=math.nan,
        trivial=0.5,
        bayes=math.nan,
        n_parameters=0,
        seconds=0.0,
    )
