"""Gains over learning the target alone, and which arms of a study there are to take them from."""

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from msd_mtl.study.answers.arms import mask_order
from msd_mtl.study.answers.terms import Terms, mean
from msd_mtl.study.answers.types import Arm, Reference, Run, Settings

Level = tuple[str, float | None]  # task set and planted coupling: who is trained together
NO_GAIN = "no run of the target alone or without sharing has a score, so no gain is known"
UNCOMPARED, UNCOUNTED = "it has nothing to be compared with", "no run of it counts"


@dataclass(frozen=True)
class Group:
    """Runs that may be compared: one context, one target.

    Attributes:
        context: The context.
        target: The target.
        scores: Arm to seed to run.
        absent: Arms that have no run with a score, though the study set out to make some.
        supposes: Whether a reference that is not there is supposed: arms without runs then stand for it.
    """

    context: Settings
    target: str
    scores: Mapping[Arm, Mapping[int, Run]]
    absent: frozenset[Arm] = frozenset()
    supposes: bool = False

    @cached_property
    def reference(self) -> Reference:
        """Single-task runs, or the runs without sharing where these alone are asked, whether they are there or not."""
        arms = self.scores.keys() | self.absent
        if any(arm.is_alone for arm in arms):
            return "single task"
        return "no sharing" if any("1" not in arm.mask for arm in arms) else "single task"

    @cached_property
    def supposing(self) -> "Group":
        """The same with every reference: for contrasts in which what is not there may cancel."""
        return replace(self, supposes=True)

    @cached_property
    def asked(self) -> "Group":
        """The same with the arms that have no run that counts: for contrasts that the study asks and lacks."""
        without = sorted(self.absent, key=lambda arm: (arm.task_set, arm.coupling or 0.0, arm.train_size, arm.mask))
        return replace(self, scores={**self.scores, **{arm: {} for arm in without}}, absent=frozenset())

    def without(self, runs: Collection[tuple[Arm, int]]) -> "Group":
        """The same without some runs, by arm and seed."""
        kept = {
            arm: left
            for arm, of_seed in self.scores.items()
            if (left := {seed: run for seed, run in of_seed.items() if (arm, seed) not in runs})
        }
        return replace(self, scores=kept, absent=self.absent | (self.scores.keys() - kept.keys()))

    def has_all(self, terms: Terms) -> bool:
        """Whether all arms of a weighted sum have runs: those that are supposed have none."""
        return terms.keys() <= self.scores.keys()

    @cached_property
    def references(self) -> Mapping[Arm, Arm | None]:
        """What the gain of each multi-task arm is over; None where it is not there.

        A single-task network is the same whatever its mask and the coupling of tasks it does not learn, so any will do
        that has the most seeds.
        """
        found: dict[Arm, Arm | None] = {}
        candidates: dict[tuple[object, ...], list[Arm]] = defaultdict(list)
        for arm in self.scores:
            if arm.is_alone if self.reference == "single task" else "1" not in arm.mask:
                candidates[self._place(arm)].append(arm)
        for arm in self.scores:
            if not arm.is_alone:

                def order(other: Arm, arm: Arm = arm) -> tuple[int, bool, str]:
                    return -len(self.scores[other]), other.coupling != arm.coupling, other.mask

                found[arm] = min(candidates[self._place(arm)], key=order, default=self._supposed(arm))
        return found

    def _supposed(self, arm: Arm) -> Arm | None:
        """Stands for the reference of an arm that has none, the same for all arms of its place."""
        if not self.supposes:
            return None
        if self.reference == "single task":
            return Arm("", (self.target,), self.target, "", arm.train_size, None, self.context)
        return replace(arm, mask="")

    @cached_property
    def gains(self) -> Mapping[Level, Mapping[str, Mapping[int, Terms]]]:
        """Score minus that of the reference: by task set and coupling, by mask and by training size.

        Nothing for the reference itself, which gains nothing over itself. Levels are in the order of coupling within
        that of appearance, masks and sizes in their own (``mask_order``).
        """
        multi = [arm for arm, reference in self.references.items() if reference is not None]
        task_sets = list(dict.fromkeys(arm.task_set for arm in multi))
        multi.sort(
            key=lambda arm: (task_sets.index(arm.task_set), arm.coupling or 0.0, mask_order(arm.mask), arm.train_size)
        )
        found: dict[Level, dict[str, dict[int, Terms]]] = defaultdict(lambda: defaultdict(dict))
        for arm in multi:
            found[arm.task_set, arm.coupling][arm.mask][arm.train_size] = self.gain(arm)
        return {level: dict(masks) for level, masks in found.items()}

    def gain(self, arm: Arm) -> Terms:
        """The arm's score minus that of its reference, which must be there."""
        reference = self.references[arm]
        assert reference is not None  # noqa: S101
        return {} if reference == arm else {arm: 1.0, reference: -1.0}

    def absent_sizes(self, level: Level, mask: str) -> dict[int, str]:
        """Training sizes that a mask has no gain at though it was to have one, and why.

        It was to have one where a run of it was begun, or there is what to compare it with.
        """
        scored, begun = (
            {arm.train_size for arm in arms if (arm.task_set, arm.coupling, arm.mask) == (*level, mask)}
            for arms in (self.scores, self.absent)
        )
        alone = self.reference == "single task"
        compared = {
            arm.train_size
            for arm in self.scores
            if (arm.is_alone if alone else "1" not in arm.mask and (arm.task_set, arm.coupling) == level)
        }
        there = self.gains.get(level, {}).get(mask, {})
        return {n: UNCOMPARED if n in scored else UNCOUNTED for n in sorted((scored | begun | compared) - set(there))}

    def levels_without_gain(self, task_set: str | None) -> dict[Level, str]:
        """Levels with a sharing that were to be compared and have no gain, and why.

        Args:
            task_set: Those of it alone; None for all.
        """
        asked = dict.fromkeys(
            (arm.task_set, arm.coupling)
            for arm in sorted(self.absent | self.scores.keys(), key=lambda arm: (arm.task_set, arm.coupling or 0.0))
            if not arm.is_alone and "1" in arm.mask and task_set in (None, arm.task_set)
        )
        return {
            level: self.why_without(level)
            for level in asked
            if not any("1" in mask for mask in self.gains.get(level, ()))
        }

    def why_without(self, level: Level, mask: str | None = None) -> str:
        """Why a level, or a mask of it, has no gain."""
        arms = [arm for arm in self.scores if (arm.task_set, arm.coupling) == level and "1" in arm.mask]
        return UNCOMPARED if any(mask in (None, arm.mask) for arm in arms) else UNCOUNTED

    def has_run(self, level: Level) -> bool:
        """Whether any run of a level counts."""
        return any(runs for arm, runs in self.scores.items() if (arm.task_set, arm.coupling) == level)

    def absent_masks(self, level: Level) -> set[str]:
        """Masks that a level was to have, and of which no run has a score."""
        return {arm.mask for arm in self.absent if (arm.task_set, arm.coupling) == level} - set(self.gains[level])

    def _place(self, arm: Arm) -> tuple[object, ...]:
        """What an arm and its reference have in common."""
        if self.reference == "single task":
            return (arm.train_size,)
        return arm.train_size, arm.task_set, arm.coupling

    def measured_coupling(self, level: Level) -> float:
        """How strongly the labels of the target and of the other tasks go together: mean absolute correlation.

        NaN where no record says.
        """
        values = []
        for arm, runs in self.scores.items():
            if (arm.task_set, arm.coupling) == level:
                for run in runs.values():
                    values += [_label_correlation(one) for one in run.record["data"].get("coupling", {}).values()]
        known = [abs(value) for value in values if not math.isnan(value)]
        return sum(known) / len(known) if known else math.nan


def groups(runs: Sequence[Run], absent: Iterable[Arm] = ()) -> list[Group]:
    """Runs by context and target, in the order in which they first appear; runs without a score are left out.

    Last come those of which no run has a score.

    Args:
        runs: Completed runs.
        absent: Arms of runs that are not.
    """
    begun = {*absent, *(run.arm for run in runs)}
    found: dict[tuple[Settings, str], dict[Arm, dict[int, Run]]] = defaultdict(lambda: defaultdict(dict))
    for run in runs:
        if not math.isnan(run.score):
            found[run.arm.context, run.arm.target][run.arm][run.seed] = run
    for arm in sorted(begun, key=lambda arm: (arm.context, arm.target)):
        found[arm.context, arm.target]  # of which all runs may be lost
    return [
        Group(
            context,
            target,
            dict(scores),
            frozenset(arm for arm in begun - set(scores) if (arm.context, arm.target) == (context, target)),
        )
        for (context, target), scores in found.items()
    ]


def level_name(level: Level) -> str:
    """A task set and coupling in words."""
    task_set, coupling = level
    return task_set if coupling is None else f"{task_set}, coupling {coupling:g}"


def average(gains: Mapping[int, Terms], sizes: Sequence[int] | None = None) -> dict[Arm, float]:
    """Mean gain over training sizes: all there are, or those that are asked for."""
    return mean([gains[size] for size in (sorted(gains) if sizes is None else sizes)])


def _label_correlation(of_task: Mapping[str, Mapping[str, object]]) -> float:
    label: object = of_task.get("label")  # a number alone in worlds made before that had an interval
    value = label.get("value") if isinstance(label, dict) else label
    return float(value) if isinstance(value, int | float) else math.nan
