"""Why a question has no answer: what the study would need, or why its runs have no score."""

import math

from msd_mtl.study.answers.types import Analysis, Question
from msd_mtl.study.page.groups import is_alone
from msd_mtl.study.page.words import NEEDS, counted, metric_name


def unasked(analysis: Analysis, question: Question) -> str:
    """Why no contrast of a question was made, as the end of a sentence that begins with ``not asked:``."""
    scored = {run.arm.target for run in analysis.runs if math.isfinite(run.score)}
    needs = _needs(analysis, question)
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


def _needs(analysis: Analysis, question: Question) -> str:
    """What the study lacks: what gains are over, or runs, which may be those that are not completed."""
    shared = [cell for cell in analysis.cells if not is_alone(cell.arm) and "1" in cell.arm.mask]
    sizes = {cell.arm.train_size for cell in shared}
    could = question == "benefit" or (question == "size" and len(sizes) > 1)
    if shared and could and all(cell.gain is None for cell in shared):
        return "no run of the target alone or without sharing has a score, so no gain is known"
    needs = f"this needs {NEEDS[question]}"
    absent = analysis.expected - analysis.completed
    return f"{needs}; {absent:,} of {counted(analysis.expected, 'run')} are not completed" if absent else needs
