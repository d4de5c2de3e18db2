"""Margins of equivalence: our choice, what a study's file sets beforehand, and what the command line says."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from msd_mtl.errors import UserError
from msd_mtl.study.answers.types import Run

MARGINS = {"auroc": 0.01, "r2": 0.01, "accuracy": 0.01}  # our choice: less than this, nobody would change a model for


def report_settings(study: str, runs: Iterable[Run]) -> Mapping[str, Any]:
    """``study.report`` of a study, from the configuration of the first run that was made for it; empty without one."""
    configs = (run.record["config"]["study"] for run in runs)
    return next((one["report"] for one in configs if one["name"] == study and one.get("report")), {})


def margins_of(study: str, runs: Iterable[Run], given: Mapping[str, Any] | None = None) -> dict[str, float]:
    """Margin of each metric.

    Args:
        study: Name of the study.
        runs: Its completed runs.
        given: What goes before ``study.report.margin`` of the study's file, by metric; None leaves a metric to it.

    Raises:
        UserError: If a margin is not above 0, or of no metric.
    """
    margins = dict(MARGINS)
    for source in (report_settings(study, runs).get("margin"), given):
        if source is not None and not isinstance(source, Mapping):
            raise UserError(f"study.report.margin must be of a metric, as {{auroc: 0.02}}; got {source!r}.")
        margins |= {metric: value for metric, value in (source or {}).items() if value is not None}
    for metric, value in margins.items():
        if metric not in MARGINS:
            raise UserError(f"study.report.margin must be of {', '.join(MARGINS)}; got one of {metric}.")
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
            raise UserError(f"study.report.margin.{metric} must be a number above 0; got {value!r}.")
    return margins
