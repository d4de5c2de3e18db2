"""Every run of a group scored on the same draws of test artists."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from msd_mtl.study.answers.bootstrap import ArtistBootstrap
from msd_mtl.study.answers.few import FEW, equal_artists
from msd_mtl.study.answers.gains import Group
from msd_mtl.study.answers.measured import Measured, measure
from msd_mtl.study.answers.predictions import Predictions
from msd_mtl.study.answers.reading import metric_of
from msd_mtl.study.answers.terms import Terms
from msd_mtl.study.answers.types import Arm
from msd_mtl.study.together import work_together

# Between a score of the record and that of its predictions, summed in another order; relative beyond 1, as R² may be
# tens of thousands below 0.
TOLERANCE = 1e-9
NO_PREDICTIONS = "has no predictions that can be read"
MANY = 100_000  # tracks of all runs; of fewer, further processes save less than they take


@dataclass(frozen=True)
class Scored:
    """A group whose runs are scored.

    Attributes:
        group: The group, without the runs whose predictions give another score than their record: which of the two is
            true cannot be told.
        draws: Score of each run on each draw, by ``run_id``, shape ``(resamples,)``.
        parts: Key of each run's test part, by ``run_id``.
        n_artists: Test artists drawn from.
        predictions: What the draws are of, by ``run_id``.
        unusable: Why runs have no draws, by arm and seed.
        n_equal: What the test artists are worth (see ``equal_artists``), in the part where it is least; None where
            there is none.
        contradicted: Arm and seed of the runs that are left out of the group; ``unusable`` has them too.
    """

    group: Group
    draws: Mapping[str, NDArray[np.float64]]
    parts: Mapping[str, str]
    n_artists: int
    predictions: Mapping[str, Predictions]
    unusable: Mapping[tuple[Arm, int], str]
    n_equal: int | None = None
    contradicted: frozenset[tuple[Arm, int]] = frozenset()

    @property
    def few_artists(self) -> int | None:
        """What the test artists are worth, where that is too little for verdicts to be as sure as they say."""
        return None if self.n_equal is None or self.n_equal >= FEW else self.n_equal

    def usable_seeds(self, terms: Terms) -> list[int]:
        """Seeds of which every arm has a run that is scored, all on the same tracks."""
        return [seed for seed in self._complete_seeds(terms) if self._is_of_one_part(terms, seed)]

    def mixed_seeds(self, terms: Terms) -> list[int]:
        """Seeds of which every arm has a run that is scored, but not on the same tracks or not with the same labels.

        What such arms differ by is not what was done to them alone.
        """
        return [seed for seed in self._complete_seeds(terms) if not self._is_of_one_part(terms, seed)]

    def _complete_seeds(self, terms: Terms) -> list[int]:
        runs = [self.group.scores.get(arm, {}) for arm in terms]
        seeds = [{seed for seed, run in of_arm.items() if run.run_id in self.draws} for of_arm in runs]
        return sorted(set.intersection(*seeds)) if seeds else []

    def _is_of_one_part(self, terms: Terms, seed: int) -> bool:
        return len({self.parts[self.group.scores[arm][seed].run_id] for arm in terms}) == 1

    def per_seed(self, terms: Terms) -> dict[int, float]:
        """The weighted sum of scores of each seed that has them all."""
        return {
            seed: math.fsum(factor * self.group.scores[arm][seed].score for arm, factor in terms.items())
            for seed in self.usable_seeds(terms)
        }

    def measure(self, terms: Terms) -> Measured:
        """Estimate and uncertainty of a weighted sum of scores."""
        values = self.per_seed(terms)
        drawn = [
            sum(factor * self.draws[self.group.scores[arm][seed].run_id] for arm, factor in terms.items())
            for seed in values
        ]
        return measure(list(values.values()), np.array(drawn), self.n_artists)


def score_group(group: Group, predictions: Mapping[str, Predictions], n_resamples: int) -> Scored:
    """Score the runs of a group on the same draws of test artists.

    Args:
        group: The group.
        predictions: Test predictions of the target, by ``run_id``.
        n_resamples: Number of draws.
    """
    metric = metric_of(group.target)
    there = {
        run.run_id: predictions[run.run_id]
        for runs in group.scores.values()
        for run in runs.values()
        if run.run_id in predictions
    }
    scores, n_artists = _scores(there, metric, n_resamples) if there else ({}, 0)
    draws: dict[str, NDArray[np.float64]] = {}
    unusable: dict[tuple[Arm, int], str] = {}
    contradicted: set[tuple[Arm, int]] = set()
    for arm, runs in group.scores.items():
        for seed, run in runs.items():
            if run.run_id not in there:
                unusable[arm, seed] = NO_PREDICTIONS
                continue
            of_run = scores[run.run_id]
            score = of_run[0]
            if math.isclose(score, run.score, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
                draws[run.run_id] = of_run[1:]
            else:
                unusable[arm, seed] = f"has predictions that give {score:.10g}, not {run.score:.10g} as its record"
                contradicted.add((arm, seed))
    if contradicted:  # they count nowhere, and their artists neither
        rest = score_group(group.without(contradicted), predictions, n_resamples)
        return replace(rest, unusable=unusable, contradicted=frozenset(contradicted))
    parts = {name: one.part.key for name, one in there.items()}
    worth = [equal_artists(part, metric) for part in {one.part.key: one.part for one in there.values()}.values()]
    return Scored(group, draws, parts, n_artists, there, unusable, min(worth, default=None))


def _scores(
    predictions: Mapping[str, Predictions], metric: str, n_resamples: int
) -> tuple[dict[str, NDArray[np.float64]], int]:
    """Scores of runs on the test part and on the same draws of its artists, and how many artists these are."""
    runs = list(predictions.values())
    bootstrap = ArtistBootstrap([one.part for one in runs], n_resamples)
    costs = [len(one.part.truth) for one in runs]
    scores = work_together(lambda one: bootstrap.scores(one, metric), runs, costs, MANY)
    return dict(zip(predictions, scores, strict=True)), bootstrap.n_artists
