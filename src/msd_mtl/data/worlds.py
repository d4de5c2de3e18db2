"""Synthetic worlds: lyrics and labels in which it is known what tasks have in common, where, and what can be learnt.

Every label is ``liability = sqrt(snr / (1 + snr)) * signal + sqrt(1 / (1 + snr)) * noise`` (mean 0, variance 1,
Gaussian noise), read on the scale of its task: a regression target is a shifted and scaled liability, a binary label
says whether it passes a threshold, a class is the bin it falls in. So every posterior is known in closed form.

Coupling, from 0 (nothing in common) to 1, is a matter of the auxiliary tasks only; the target never changes:

- ``common="low"``: the share of words that an auxiliary's detectors take over from the target's (weights included);
  the structure above them is its own.
- ``common="high"``: the weight of the target's structure in an auxiliary's, the rest being its own: their correlation
  where the two are uncorrelated; its detectors are over words that the target does not use.
- ``common="none"``: both are its own, whatever the coupling.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from msd_mtl.data.detectors import Floats, Plan, words_taken
from msd_mtl.data.planted import Common, plan_signal
from msd_mtl.data.synthetic_lyrics import make_language, make_tracks, stream, write_songs
from msd_mtl.data.task import Task
from msd_mtl.data.tracks import Tracks
from msd_mtl.data.truth import Truth, bayes_scores, make_truth
from msd_mtl.data.world_settings import (
    PerTask,
    check_coupling,
    check_names,
    check_scale,
    check_setting,
    check_signal,
    check_sizes,
    check_tasks,
    value_of,
)
from msd_mtl.errors import UserError

CALIBRATION_SONGS = 8192  # songs beside the tracks on which frequencies and variances are measured

# Mean and standard deviation in the unit of the field, close to those of the Million Song Dataset
SCALES = {
    "loudness": (-10.0, 5.0),
    "tempo": (124.0, 35.0),
    "duration": (240.0, 80.0),
    "year": (1998.0, 10.0),
    "song_hotttnesss": (0.35, 0.23),
    "artist_hotttnesss": (0.4, 0.13),
    "artist_familiarity": (0.56, 0.15),
}


@dataclass(frozen=True)
class World:
    """Tracks, labels and the truth behind them.

    Attributes:
        tracks: Lyrics, artists and the official split.
        tasks: Tasks by name.
        labels: Per task float32, shape ``(rows,)``: 0/1, class index, or value in the unit of the task; NaN if missing.
        posterior: Per task what can be known at best, float64: chance of 1, shape ``(rows,)``; chance of each class,
            shape ``(rows, classes)``; or expected value in the unit of the task, shape ``(rows,)``.
        signals: Per task the noiseless signal, mean 0 and variance 1, float32, shape ``(rows,)``.
        prevalence: Chance of 1 of each binary task over the whole world.
        measured_coupling: Per auxiliary task ``planted`` (the setting; of shared words the share of whole words) beside
            what is measured on songs of the world: ``detectors`` (mean canonical correlation of its detectors with the
            target's), ``structure`` (correlation of the two structures on the target's detectors), ``signal`` and
            ``label`` (correlation with the target's, on the tracks).
    """

    tracks: Tracks
    tasks: Mapping[str, Task]
    labels: Mapping[str, NDArray[np.float32]]
    posterior: Mapping[str, Floats]
    signals: Mapping[str, NDArray[np.float32]]
    prevalence: Mapping[str, float]
    measured_coupling: Mapping[str, Mapping[str, float]]

    def bayes(self, name: str, rows: NDArray[np.integer] | NDArray[np.bool_] | slice = slice(None)) -> dict[str, float]:
        """Score the best possible predictor of a task.

        Args:
            name: Name of the task.
            rows: Rows to score on, as NumPy indexes them; those without a label do not count.

        Returns:
            Value of each metric of the task's kind; NaN where the rows do not define it.

        Raises:
            UserError: If the world has no such task.
        """
        if name not in self.tasks:
            raise UserError(f"task must be one of this world's {sorted(self.tasks)}; got {name!r}.")
        return bayes_scores(
            self.tasks[name].kind, self.labels[name][rows], self.posterior[name][rows], self.prevalence.get(name, 0.5)
        )


def make_world(
    tasks: Sequence[Task],
    target: str,
    *,
    n_tracks: int = 10_000,
    n_words: int = 5_000,
    words_per_track: float = 81.0,
    coupling: float = 0.5,
    common: Common = "low",
    signal_to_noise: PerTask = 1.0,
    missing: PerTask = 0.0,
    prevalence: PerTask = 0.5,
    scale: Mapping[str, tuple[float, float]] | None = None,
    n_detectors: int = 3,
    words_per_detector: int = 30,
    n_units: int = 8,
    curvature: float = 1.5,
    wave: float = 0.0,
    share_of_song: bool = False,
    world: int = 0,
) -> World:
    """Make a world.

    Tracks and the target's labels depend on ``world``, the sizes and the target's own settings alone: neither other
    tasks nor ``coupling`` nor ``common`` change a bit of them. An auxiliary task does not depend on other auxiliaries.

    Args:
        tasks: Tasks to make labels for, in any order, the target among them.
        target: Name of the target.
        n_tracks: Number of tracks; a larger world begins with the rows of a smaller one.
        n_words: Size of the vocabulary.
        words_per_track: Mean number of distinct words of a track.
        coupling: How much auxiliary tasks have in common with the target, 0 to 1 (see above).
        common: Where they have it.
        signal_to_noise: Variance of the signal over that of the noise in the liability: one number, or by task name,
            with ``target`` and ``auxiliary`` for tasks that are not named.
        missing: Share of tracks without a label, at random, given in the same way.
        prevalence: Chance of 1 of binary tasks, given in the same way; classes are equally frequent.
        scale: Mean and standard deviation of regression tasks by name, in their unit, where they differ from
            ``SCALES``; (0, 1) for names in neither.
        n_detectors: Detectors per task.
        words_per_detector: Words that a detector sums over.
        n_units: Saturating units of a structure.
        curvature: Slope of these units, above 0; small is nearly linear.
        wave: Radians per standard deviation of the wave that the target's structure is; 0 for saturating units, which
            the auxiliaries' own structures always have.
        share_of_song: Whether detectors see words as a share of their song: ``log1p(count)`` over its L2 norm.
        world: Seed of the world; other seeds are other vocabularies, tracks, tasks and noise.

    Returns:
        The world.

    Raises:
        UserError: If a setting is out of its range or the vocabulary is too small for the detectors.
    """
    names = [task.name for task in tasks]
    settings = {"signal_to_noise": signal_to_noise, "missing": missing, "prevalence": prevalence}
    check_tasks(names, target)
    check_sizes(n_tracks, n_words, words_per_track)
    check_coupling(coupling, common)
    check_signal(n_detectors, words_per_detector, n_units, curvature, wave=wave)
    check_scale(scale)
    for key, setting in settings.items():
        check_names(key, setting, names)
        check_setting(key, setting, names, target)
    language = make_language(n_words, words_per_track, world)
    tracks = make_tracks(language, n_words, n_tracks, world)
    songs = write_songs(language, n_words, CALIBRATION_SONGS, stream(world, "calibration"))
    plan = Plan(n_detectors, words_per_detector, n_units, curvature, wave, share_of_song)
    first = plan_signal(songs, target, world, plan)
    planted = {
        name: first
        if name == target
        else plan_signal(songs, name, world, plan, like=first, coupling=coupling, common=common)
        for name in names
    }
    low = words_taken(coupling, words_per_detector) / words_per_detector
    shared = {"low": low, "high": float(coupling), "none": 0.0}
    labels, posterior, signals = {}, {}, {}
    for task in tasks:
        own = {key: value_of(setting, task.name, target) for key, setting in settings.items()}
        truth = _truth_of(task, planted[task.name](songs), own, scale or {})
        signal = planted[task.name](tracks.counts)
        label = truth.label(signal, stream(world, "noise", task.name).standard_normal(n_tracks))
        label[stream(world, "missing", task.name).random(n_tracks) < own["missing"]] = np.nan
        labels[task.name], signals[task.name] = label, signal.astype(np.float32)
        posterior[task.name] = truth.posterior(signal)
    return World(
        tracks=tracks,
        tasks={task.name: task for task in tasks},
        labels=labels,
        posterior=posterior,
        signals=signals,
        prevalence={task.name: value_of(prevalence, task.name, target) for task in tasks if task.kind == "binary"},
        measured_coupling={
            name: {
                "planted": shared[common],
                **planted[name].in_common_with(first, songs),
                "signal": _correlation(signals[name], signals[target]),
                "label": _correlation(labels[name], labels[target]),
            }
            for name in names
            if name != target
        },
    )


def _truth_of(task: Task, signal: Floats, own: Mapping[str, float], scale: Mapping[str, tuple[float, float]]) -> Truth:
    """How a task's labels follow from its signal."""
    shares = np.full(task.n_classes, 1 / max(1, task.n_classes))
    if task.kind == "binary":
        shares = np.array([1 - own["prevalence"], own["prevalence"]])
    mean, deviation = {**SCALES, **scale}.get(task.name, (0.0, 1.0))
    snr = own["signal_to_noise"]
    return make_truth(task.kind, signal, signal_to_noise=snr, shares=shares, mean=mean, deviation=deviation)


def _correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Pearson correlation over the rows that both know; NaN where one is constant."""
    known = ~(np.isnan(one) | np.isnan(other))
    if known.sum() < 2 or np.ptp(one[known]) == 0 or np.ptp(other[known]) == 0:
        return float("nan")
    return float(np.corrcoef(one[known].astype(np.float64), other[known].astype(np.float64))[0, 1])
