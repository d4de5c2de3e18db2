"""Runs that differ in their seed alone, put together: means with intervals, and gains paired by seed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from msd_mtl.data.task import task_of
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
        sharing: Sharing mask, such as ``1100``.
        coupling: Planted coupling, None on real data.
        n_parameters: Parameters of the network.
        score: Test score of the target.
        gain: By how much the score is better than that of no sharing with the same seed: positive is better, also of a
            metric of which less is better. None for no sharing itself.
        linear: Test score of the tuned linear model.
        possible: Best possible test score; NaN where it is not known.
    """

    sharing: str
    coupling: float | None
    n_parameters: int
    score: Estimate
    gain: Estimate | None
    linear: float
    possible: float


def estimate(values: Sequence[float]) -> Estimate:
    """Mean and 95 % interval over seeds."""
    n = len(values)
    half = float(stats.t.ppf((1 + LEVEL) / 2, n - 1) * stats.sem(values)) if n > 1 else float("nan")
    return Estimate(float(np.mean(values)) if n else float("nan"), half, tuple(values))


def target_metric(record: Record) -> str:
    """The metric that the target is read by."""
    return HEADLINE[task_of(record["cell"]["target"]).kind]


def summarise(records: Sequence[Record]) -> list[CellSummary]:
    """Summarise the completed runs of one task set, data and training size.

    Args:
        records: Completed records that differ in sharing, coupling and seed.

    Returns:
        One summary a cell, in the order in which the cells first appear.
    """
    cells: dict[tuple[str, float | None], dict[int, Record]] = {}
    for record in records:
        mask = "".join(map(str, record["cell"]["sharing_mask"]))
        cells.setdefault((mask, record["cell"]["coupling"]), {})[record["seed"]] = record
    summaries = []
    for (mask, coupling), runs in cells.items():
        alone = cells.get(("0" * len(mask), coupling), {})
        gains = [_gain(runs[seed], alone[seed]) for seed in runs if seed in alone]
        first = next(iter(runs.values()))
        summaries.append(
            CellSummary(
                sharing=mask,
                coupling=coupling,
                n_parameters=first["parameters"]["total"],
                score=estimate([_score(run) for run in runs.values()]),
                gain=estimate(gains) if "1" in mask else None,
                linear=float(np.mean([baseline_score(run, "linear", target_metric(run)) for run in runs.values()])),
                possible=best_possible(first, target_metric(first)),
            )
        )
    return summaries


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
