"""Margins of equivalence: our choice, what a study sets beforehand, and what the command line says."""

from collections.abc import Collection, Mapping
from typing import Any

from msd_mtl.errors import UserError

MARGINS = {"auroc": 0.01, "r2": 0.01, "accuracy": 0.01}  # our choice: less than this, nobody would change a model for
MOST = 0.5  # half of the range from 0 to 1: who asks for more means per cent


def margins_of(said: Any, metrics: Collection[str], given: Any = None) -> dict[str, float]:
    """Margin of each metric.

    Args:
        said: ``study.report.margin`` of the study; None for none.
        metrics: Metrics of the study's targets.
        given: What goes before it, by metric; None leaves a metric to it.

    Raises:
        UserError: If a margin is not above 0 and below 0.5, or of no metric. What the study says may be wrong where
            nothing hangs on it, as all its metrics are given: no run can be made again for a margin.
    """
    if wrong := margin_problem(given):
        raise UserError(f"{wrong}.")
    margins = MARGINS | _set(given)
    wrong = margin_problem(said)
    left = [f"study.report.margin.{metric}=NUMBER" for metric in sorted(set(metrics) - _set(given).keys())]
    if wrong and left:
        raise UserError(f"{wrong}. Set {' '.join(left)}.")
    return margins if wrong else MARGINS | _set(said) | _set(given)


def margin_problem(margin: Any) -> str:
    """What is wrong with margins by metric; empty if nothing is."""
    if margin is None:
        return ""
    if not isinstance(margin, Mapping):
        return f"study.report.margin must be of a metric, as {{auroc: 0.02}}; got {margin!r}"
    for metric, value in margin.items():
        if metric not in MARGINS:
            return f"study.report.margin must be of {', '.join(MARGINS)}; got one of {metric}"
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < MOST:
            expected = f"a number above 0 and below {MOST}, as 0.01 for 1 %"
            return f"study.report.margin.{metric} must be {expected}; got {value!r}"
    return ""


def _set(margin: Mapping[str, float | None] | None) -> dict[str, float]:
    return {metric: value for metric, value in (margin or {}).items() if value is not None}
