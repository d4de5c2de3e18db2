"""Why a question has no answer: what the study would need, or why its runs have no score."""

import math

from msd_mtl.study.answers.types import Analysis, Question
from msd_mtl.study.page.words import NEEDS, metric_name


def unasked(analysis: Analysis, question: Question) -> str:
    """Why no contrast of a question was made, as the end of a sentence that begins with ``not asked:``."""
    scored = {run.arm.target for run in analysis.runs if math.isfinite(run.score)}
    needs = f"this needs {NEEDS[question]}"
    if scored >= analysis.metrics.keys():
        return needs
    parts = []
    for target, metric in analysis.metrics.items():
        if target in scored:
            parts.append(f"for {target}, {needs}")
            continue
        of_target = [run.record["data"].get("prevalence", {}) for run in analysis.runs if run.arm.target == target]
        one_class = all(shares.get("test", {}).get(target) in (0, 1) for shares in of_target)
        why = ", for its test part has one class only" if one_class else ""
        parts.append(f"no run has a test {metric_name(metric)} of {target}{why}")
    return "; ".join(parts)
