"""The arms of a study over their seeds, and what each gains."""

import math
from collections.abc import Mapping, Sequence

from msd_mtl.study.answers.arms import mask_order
from msd_mtl.study.answers.effect import Effect
from msd_mtl.study.answers.gains import Group
from msd_mtl.study.answers.reading import metric_of
from msd_mtl.study.answers.scoring import Scored
from msd_mtl.study.answers.terms import Terms
from msd_mtl.study.answers.types import Arm, CellResult
from msd_mtl.study.answers.verdicts import conclude


def cell_results(scored: Sequence[Scored], margins: Mapping[str, float]) -> list[CellResult]:
    """Summarise every arm; gains are corrected over all of the study's cells together, those it lacks included.

    Args:
        scored: The groups of the study.
        margins: Margin of each metric.
    """
    cells = [(one, arm) for one in scored for arm in _ordered(one)]
    gains = [_gain(one, arm) for one, arm in cells]
    tested = [i for i, gain in enumerate(gains) if gain]
    effects = conclude(
        [cells[i][0].measure(gains[i]) for i in tested],
        [margins[metric_of(cells[i][1].target)] for i in tested],
        n_lacking(scored),
    )
    of_cell = dict(zip(tested, effects, strict=True))
    return [_cell(one, arm, gains[i], of_cell.get(i)) for i, (one, arm) in enumerate(cells)]


def n_lacking(scored: Sequence[Scored]) -> int:
    """Number of arms that the study asks the gain of and that have none: they, or all their references, were lost."""
    return sum(len(_gaining(one.group.asked)) - len(_gaining(one.group)) for one in scored)


def _gaining(group: Group) -> list[Arm]:
    return [arm for arm, reference in group.references.items() if reference not in (None, arm)]


def _cell(scored: Scored, arm: Arm, gain: Terms, effect: Effect | None) -> CellResult:
    runs = scored.group.scores[arm]
    scores = {seed: runs[seed].score for seed in sorted(runs)}
    low, high = math.nan, math.nan
    if scored.usable_seeds({arm: 1.0}) == list(scores):
        low, high = scored.measure({arm: 1.0}).interval
    return CellResult(
        arm=arm,
        metric=metric_of(arm.target),
        n=len(scores),
        scores=scores,
        mean=_mean(list(scores.values())),
        low=low,
        high=high,
        gains=scored.per_seed(gain),
        gain=effect,
        reference=scored.group.reference if gain else None,
        linear=_mean([run.linear for run in runs.values()]),
        trivial=_mean([run.trivial for run in runs.values()]),
        bayes=_mean([run.bayes for run in runs.values()]),
        known={
            name: sum(math.isfinite(getattr(run, name)) for run in runs.values())
            for name in ("linear", "trivial", "bayes")
        },
        n_parameters=next(iter(runs.values())).n_parameters,
        seconds=_mean([run.seconds for run in runs.values()]),
    )


def _ordered(scored: Scored) -> list[Arm]:
    """Arms by task set, coupling, size and mask."""
    arms = scored.group.scores
    task_sets = list(dict.fromkeys(arm.task_set for arm in arms))
    return sorted(
        arms, key=lambda arm: (task_sets.index(arm.task_set), arm.coupling or 0.0, arm.train_size, mask_order(arm.mask))
    )


def _gain(scored: Scored, arm: Arm) -> Terms:
    """What an arm gains over its reference; nothing for the reference, and where there is none."""
    return scored.group.gain(arm) if scored.group.references.get(arm) is not None else {}


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return math.fsum(known) / len(known) if known else math.nan
