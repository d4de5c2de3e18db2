"""What a split by track gives away: scores of arms that are alike in all but the split."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from msd_mtl.study.answers.arms import UNCOUNTED, describe, mask_name
from msd_mtl.study.answers.bootstrap import ArtistBootstrap
from msd_mtl.study.answers.gains import Group, level_name
from msd_mtl.study.answers.measured import Measured, measure
from msd_mtl.study.answers.reading import metric_of
from msd_mtl.study.answers.scoring import Scored
from msd_mtl.study.answers.splits import BY_ARTIST, BY_TRACK, SPLIT, mirrored, split_of
from msd_mtl.study.answers.types import Arm, Contrast, Settings
from msd_mtl.study.answers.verdicts import conclude

Reasons = Mapping[tuple[Arm, int], str]
Rows = Mapping[tuple[Settings, str, int], int | None]


@dataclass(frozen=True)
class Side:
    """An arm under one split.

    Attributes:
        arm: The arm.
        scored: Its group; one of it alone, without runs, where none has a score.
        asked: Training rows that its runs ask for; None for all.
    """

    arm: Arm
    scored: Scored
    asked: int | None


@dataclass(frozen=True)
class Pair:
    """The same arm under both splits.

    Attributes:
        by_track: With tracks of the test artists in training.
        by_artist: Without.
        bootstrap: Draws of the artists of both; None where one of them has no predictions.
    """

    by_track: Side
    by_artist: Side
    bootstrap: ArtistBootstrap | None

    @property
    def sides(self) -> tuple[Side, Side]:
        """Both, that by track first."""
        return self.by_track, self.by_artist

    @property
    def per_seed(self) -> dict[int, float]:
        """Score with the split by track minus score with that by artist, of each seed that has both."""
        track, artist = (side.scored.per_seed({side.arm: 1.0}) for side in self.sides)
        return {seed: track[seed] - artist[seed] for seed in track if seed in artist}

    def measure(self) -> Measured:
        """Estimate and uncertainty: an artist that both splits test on is drawn for both."""
        found = self.per_seed
        track, artist = ([self._drawn(side, seed) for seed in found] for side in self.sides)
        n_artists = self.bootstrap.n_artists if self.bootstrap else 0
        return measure(list(found.values()), np.subtract(track, artist), n_artists)

    def _drawn(self, side: Side, seed: int) -> NDArray[np.float64]:
        assert self.bootstrap is not None  # noqa: S101  # both sides have a run of the seed that is scored
        run = side.scored.group.scores[side.arm][seed]
        return self.bootstrap.scores(side.scored.predictions[run.run_id], run.metric)[1:]


def leaks(scored: Sequence[Scored], reasons: Reasons, asked: Rows, margins: Mapping[str, float]) -> list[Contrast]:
    """Contrasts between the splits, corrected together; none where a study has but one of them.

    Args:
        scored: The groups of the study.
        reasons: Why runs do not count, by arm and seed: an arm that has no others is compared too, with none of its
            seeds, so that it does not go without a word.
        asked: Training rows that runs of a context, target and training size ask for; None for all.
        margins: Margin of each metric.
    """
    pairs = _pairs(scored, reasons, asked)
    effects = conclude(
        [pair.measure() for pair in pairs], [margins[metric_of(pair.by_track.arm.target)] for pair in pairs]
    )
    names = _names(pairs)
    return [
        Contrast(
            question="leak",
            name=name,
            context=_others(pair.by_track.arm.context),
            target=pair.by_track.arm.target,
            metric=metric_of(pair.by_track.arm.target),
            task_set=pair.by_track.arm.task_set,
            mask=None if pair.by_track.arm.is_alone else pair.by_track.arm.mask,
            coupling=pair.by_track.arm.coupling,
            sizes=_sizes(pair),
            reference="split by artist",
            per_seed=pair.per_seed,
            effect=effect,
            few_artists=min((few for side in pair.sides if (few := side.scored.few_artists) is not None), default=None),
            missing=_missing(pair, reasons),
        )
        for pair, name, effect in zip(pairs, names, effects, strict=True)
    ]


def _pairs(scored: Sequence[Scored], reasons: Reasons, known: Rows) -> list[Pair]:
    found: dict[tuple[object, ...], dict[str, Side]] = defaultdict(dict)
    for one in scored:
        for arm in one.group.scores:
            side = Side(arm, one, _asked(arm, known))
            found[_key(side)][split_of(arm)] = side
    for arm, _ in reasons:
        side = Side(arm, _without_runs(arm), _asked(arm, known))
        found[_key(side)].setdefault(split_of(arm), side)
    of_both = [(of[BY_TRACK], of[BY_ARTIST]) for of in found.values() if {BY_TRACK, BY_ARTIST} <= of.keys()]
    of_groups = {(id(track.scored), id(artist.scored)): (track.scored, artist.scored) for track, artist in of_both}
    bootstraps = {key: _bootstrap(*both) for key, both in of_groups.items()}
    return [Pair(*both, bootstraps[id(both[0].scored), id(both[1].scored)]) for both in of_both]


def _key(side: Side) -> tuple[object, ...]:
    """What the sides of a pair have in common."""
    arm = side.arm
    return _others(arm.context), arm.target, arm.tasks, arm.mask, arm.coupling, side.asked


def _asked(arm: Arm, known: Rows) -> int | None:
    """Rows that an arm asks for: one without a record was placed by its like, of either split, or its sweep says."""
    places = [(one.context, one.target, one.train_size) for one in (arm, mirrored(arm))]
    return next((known[place] for place in places if place in known), arm.train_size)


def _without_runs(arm: Arm) -> Scored:
    return Scored(Group(arm.context, arm.target, {arm: {}}), {}, {}, 0, {}, {})


def _sizes(pair: Pair) -> tuple[int, ...]:
    """Training sizes, of sides with runs if there are any: how many all rows are, only runs say."""
    there = [side for side in pair.sides if side.scored.group.scores[side.arm]]
    return tuple(sorted({side.arm.train_size for side in there or pair.sides} - {UNCOUNTED}))


def _bootstrap(*scored: Scored) -> ArtistBootstrap | None:
    """Draws of the artists of several groups, as many as of each; None where one of them has no predictions."""
    if not all(group.predictions for group in scored):
        return None
    parts = [one.part for group in scored for one in group.predictions.values()]
    return ArtistBootstrap(parts, max((len(draws) for group in scored for draws in group.draws.values()), default=0))


def _others(context: Settings) -> Settings:
    """A context but for the split."""
    return tuple((key, value) for key, value in context if key != SPLIT)


def _names(pairs: Sequence[Pair]) -> list[str]:
    """What is compared under both splits, with target and size where pairs differ in these."""
    several_targets = len({pair.by_track.arm.target for pair in pairs}) > 1
    several_sizes = len({pair.by_track.asked for pair in pairs}) > 1
    names = []
    for pair in pairs:
        arm, asked = pair.by_track.arm, pair.by_track.asked
        parts = [level_name((arm.task_set, arm.coupling)), "alone" if arm.is_alone else mask_name(arm.mask)]
        if several_sizes:
            parts.append("all tracks" if asked is None else f"{asked:,} tracks")
        names.append((f"{arm.target}: " if several_targets else "") + ", ".join(parts))
    return names


def _missing(pair: Pair, reasons: Reasons) -> tuple[str, ...]:
    """Why seeds do not count."""
    arms = {side.arm: kind for side, kind in zip(pair.sides, (BY_TRACK, BY_ARTIST), strict=True)}
    seeds = {seed for side in pair.sides for seed in side.scored.group.scores[side.arm]}
    seeds |= {seed for arm, seed in reasons if arm in arms}
    return tuple(
        f"seed {seed}: {describe(arm, with_context=False)}, split by {kind}, {reasons.get((arm, seed), 'is not there')}"
        for seed in sorted(seeds - pair.per_seed.keys())
        for (arm, kind), side in zip(arms.items(), pair.sides, strict=True)
        if seed not in side.scored.usable_seeds({arm: 1.0})
    )
