"""Runs that differ in their seed alone, put together: means with intervals, and gains paired by seed."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from msd_mtl.data.task import task_of
from msd_mtl.study.answers.types import Arm
from msd_mtl.study.record import Record
from msd_mtl.study.selection import HEADLINE, UNBOUNDED, improvement

LEVEL = 0.95  # of every interval


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds.

    Attributes:
        mean: Mean of the values; NaN without any.
        half_width: Half the width of its 95 % interval (Student's t over seeds); NaN with fewer than two.
        values: The values, one a seed.
    """

    mean: float
    half_width: float
    values: tuple[float, ...]


@dataclass(frozen=True)
class CellSummary:
    """A cell over its seeds.

    Attributes:
        arm: What its runs are compared by.
        n_parameters: Parameters of the network.
        score: Test score of the target.
        gain: By how much the score is better than that of no sharing with the same seed: positive is better, also of a
            metric of which less is better. None for no sharing itself, and for a task alone, which shares nothing.
        linear: Test score of the tuned linear model, mean over seeds.
        possible: Best possible test score, mean over seeds; NaN where it is not known.
    """

    arm: Arm
    n_parameters: int
    score: Estimate
    gain: Estimate | None
    linear: float
    possible: float


def estimate(values: Sequence[float]) -> Estimate:
    """Mean and 95 % interval over seeds; of those whose value is not defined none counts, as in a report."""
    values = [value for value in values if not np.isnan(value)]
    n = len(values)
    half = float(stats.t.ppf((1 + LEVEL) / 2, n - 1) * stats.sem(values)) if n > 1 else float("nan")
    return Estimate(float(np.mean(values)) if n else float("nan"), half, tuple(values))


def target_metric(record: Record) -> str:
    """The metric that the target is read by."""
    return HEADLINE[task_of(record["cell"]["target"]).kind]


def summarise(records: Sequence[Record], arms: Mapping[str, Arm]) -> list[CellSummary]:
    """Summarise completed runs. Of those with the same arm and seed none counts, as in a report.

    Args:
        records: Their records.
        arms: Arm of each, by ``run_id``.

    Returns:
        One summary an arm, in the order in which the arms first appear; none for one of which no run counts.
    """
    found: dict[Arm, dict[int, list[Record]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        found[arms[record["run_id"]]][record["seed"]].append(record)
    cells = {arm: {seed: same[0] for seed, same in runs.items() if len(same) == 1} for arm, runs in found.items()}
    return [
        _summary(arm, runs, cells.get(replace(arm, mask="0" * len(arm.mask)), {}))
        for arm, runs in cells.items()
        if runs
    ]


def _summary(arm: Arm, runs: Mapping[int, Record], unshared: Mapping[int, Record]) -> CellSummary:
    gains = [_gain(runs[seed], unshared[seed]) for seed in runs if seed in unshared]
    metric = HEADLINE[task_of(arm.target).kind]
    return CellSummary(
        arm=arm,
        n_parameters=next(iter(runs.values()))["parameters"]["total"],
        score=estimate([_score(run) for run in runs.values()]),
        gain=estimate(gains) if "1" in arm.mask and not arm.is_alone else None,
        linear=float(np.mean([baseline_score(run, "linear", metric) for run in runs.values()])),
        possible=float(np.mean([best_possible(run, metric) for run in runs.values()])),
    )


def target_score(record: Record, metric: str) -> float:
    """Test score of the target; NaN where it is not defined."""
    return _number(record["metrics"]["test"][record["cell"]["target"]].get(metric))


def baseline_score(record: Record, baseline: str, metric: str) -> float:
    """Test score of a baseline (``linear`` or ``trivial``) of the target; NaN where there is none."""
    task = record["baselines"].get("test", {}).get(record["cell"]["target"], {})
    return _number(task.get(baseline, {}).get(metric))


def best_possible(record: Record, metric: str) -> float:
    """The best test score that is possible; NaN where it is not known."""
    if metric in UNBOUNDED:
        return float("nan")
    return _number(record["bayes"]["test"].get(record["cell"]["target"], {}).get(metric))


def _score(record: Record) -> float:
    return target_score(record, target_metric(record))


def _gain(record: Record, alone: Record) -> float:
    kind = task_of(record["cell"]["target"]).kind
    return improvement(kind, target_metric(record), _score(record), _score(alone))


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
