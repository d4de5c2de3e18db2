"""Simulated studies of a split by track and a split by artist, of which neither is better.

Artists and tracks are those of ``simulation``, ``POOL`` times as many as are tested on. A split by artist tests on some
of the artists with all their tracks, a split by track on as large a share of all tracks.
"""

from dataclasses import replace

import numpy as np

from msd_mtl.study.answers.analyse import all_contrasts, score
from msd_mtl.study.answers.predictions import Predictions, TestPart
from msd_mtl.study.answers.simulation import IMPROVED, TARGETS, Outcome, Setting, make_study, score_of
from msd_mtl.study.answers.splits import BY_ARTIST, BY_TRACK, SPLIT
from msd_mtl.study.answers.types import Settings

POOL = 4


def simulate_splits(setting: Setting, seed: int, n_bootstrap: int = 200, *, each_seed: bool = True) -> list[Outcome]:
    """Make a study and answer what its splits differ by, on the way that real studies go.

    Args:
        setting: Its kind; its effect must be 0.
        seed: Another seed, another study.
        n_bootstrap: Draws of test artists.
        each_seed: Whether each seed has splits of its own.
    """
    rng = np.random.default_rng(seed)
    contexts: list[Settings] = [((SPLIT, split),) for split in (BY_ARTIST, BY_TRACK)]
    study, predictions = make_study(replace(setting, n_artists=POOL * setting.n_artists), rng, contexts)
    parts = rng.integers(2**32, size=2)
    tested: dict[str, Predictions] = {}
    runs = []
    for run in study.runs:
        place = contexts.index(run.arm.context), run.seed if each_seed else 0
        tested[run.run_id] = _part(predictions[run.run_id], setting, place, int(parts[place[0]]))
        part, values = tested[run.run_id].part, tested[run.run_id].values
        runs.append(replace(run, score=score_of(TARGETS[run.metric], values, part.truth)))
    study = replace(study, runs=tuple(runs))
    contrasts = all_contrasts(study, score(study, tested, n_bootstrap))
    return [Outcome(one, 0.0, (one.task_set, one.mask) == IMPROVED) for one in contrasts if one.question == "leak"]


def _part(whole: Predictions, setting: Setting, place: tuple[int, int], seed: int) -> Predictions:
    """The test part of a split."""
    rng, n = np.random.default_rng([seed, *place]), len(whole.values)
    rows = rng.random(n) < 1 / POOL
    if place[0] == 0:
        rows = np.isin(whole.part.artist, rng.permutation(POOL * setting.n_artists)[: setting.n_artists])
    part = TestPart(whole.part.artist[rows], whole.part.truth[rows], f"{place}")
    return Predictions(part, whole.values[rows])
