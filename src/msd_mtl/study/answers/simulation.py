"""Studies whose truth is known, to see how often their answers are wrong.

Seeds, artists and arms are crossed. Of track ``t`` of artist ``a``, whose label ``y`` is its artist's, the run of arm
``m`` and seed ``k`` predicts::

    y * (distance[m] + lucky[m, k]) + song[t] + artist[a] + taste[m, a] + memory[m, k, a] + noise[m, k, t]

All terms but the first are Gaussian and alike in all arms, so arms differ in ``distance`` alone. What an arm is worth
is its AUROC expected over new seeds and new artists, which is known in closed form.

A regression is predicted likewise, with a label that is half its artist's and half its track's; of a multiclass task
each class has such a prediction, with ``y`` 1 for its own. Their arms are all alike, so that every contrast is 0.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, softmax

from msd_mtl.data.task import Task, task_of
from msd_mtl.model.metrics import task_metrics
from msd_mtl.study.answers.analyse import all_contrasts, score
from msd_mtl.study.answers.contrasts import ASKED
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
        effect: By how much the AUROC of one arm is better, or worse.
        lucky: Standard deviation over the seeds of an arm of the distance between the classes.
        taste: Standard deviation over artists of what an arm makes of them, whatever its seed.
        memory: Standard deviation of what a run makes of an artist.
        noise: Standard deviation of what a run makes of a track.
        metric: Of the target: ``auroc``, or ``r2`` or ``accuracy``, whose effect is 0.
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

    def __post_init__(self) -> None:
        """Refuse an effect whose size is not known."""
        if self.effect and self.metric != "auroc":
            raise ValueError(f"effect must be 0 for {self.metric}, whose truth is not known; got {self.effect}.")

    @property
    def spread(self) -> float:
        """Standard deviation of the difference of two predictions of the same class and run."""
        return math.sqrt(2 * (1.0 + self.taste**2 + self.memory**2 + self.noise**2) + self.lucky**2)


@dataclass(frozen=True)
class Outcome:
    """What a study said of one contrast, beside the truth.

    Attributes:
        contrast: What it said.
        truth: The contrast expected over new seeds and new artists.
        planted: Whether it is the benefit of the arm that an effect is planted in.
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
    (scored,) = score(runs, predictions, n_bootstrap)
    group = scored.group
    asked = [(question, combination) for question, find in ASKED.items() for combination in find(group)]
    worth = {arm: setting.auroc + setting.effect * ((arm.task_set, arm.mask) == IMPROVED) for arm in group.scores}
    outcomes = []
    for (question, combination), contrast in zip(asked, all_contrasts(runs, [scored]), strict=True):
        truth = math.fsum(factor * worth[arm] for arm, factor in combination.terms.items())
        planted = question == "benefit" and (contrast.task_set, contrast.mask) == IMPROVED
        outcomes.append(Outcome(contrast, truth, planted))
    return outcomes


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
    arms = [replace(_arm(task, *kind), context=context) for context in contexts for kind in kinds]
    artist = np.repeat(np.arange(setting.n_artists), 1 + rng.poisson(1, setting.n_artists))
    track_id = np.array([f"TRSIM{number:013d}" for number in range(len(artist))], "S18")
    truth, label = _labels(setting, artist, rng)
    by_track, by_artist = (len(artist), label.shape[1]), (setting.n_artists, label.shape[1])
    of_track = rng.normal(0, math.sqrt(0.5), by_track) + rng.normal(0, math.sqrt(0.5), by_artist)[artist]
    once = make_predictions(track_id, artist, truth.astype(np.float32), np.zeros(len(artist), np.float32))
    runs, predictions = [], {}
    for arm in arms:
        auroc = setting.auroc + setting.effect * ((arm.task_set, arm.mask) == IMPROVED)
        distance = ndtri(auroc) * setting.spread if setting.metric == "auroc" else 1.0
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


def _arm(task: Task, task_set: str, mask: str) -> Arm:
    return Arm(task_set, (task.name, *AUXILIARIES.get(task_set, {})), task.name, mask, 1000, None, ())


def score_of(task: Task, values: NDArray[np.float32], truth: NDArray[np.float32]) -> float:
    """That of the record, to the bit; AUROC without the other metrics of a binary task, which take most of its time."""
    if task.kind == "binary":
        return float(weighted_auroc(values, truth > 0.5, np.ones((len(truth), 1), np.int32))[0])
    return task_metrics(task, values, truth, np.ones(len(truth), np.bool_))[metric_of(task.name)]


def _run(task: Task, arm: Arm, seed: int, values: NDArray[np.float32], truth: NDArray[np.float32]) -> Run:
    run_id = "-".join([arm.task_set, arm.mask, str(seed), *(value for _, value in arm.context)])
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
