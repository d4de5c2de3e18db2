"""Why a question has no answer: what the study would need, or why its runs have no score."""

import math
from collections.abc import Sequence

from msd_mtl.study.answers.gains import NO_GAIN
from msd_mtl.study.answers.types import Analysis, Arm, Question
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
    shared = [cell.arm for cell in analysis.cells if not cell.arm.is_alone and "1" in cell.arm.mask]
    gaining = {cell.arm for cell in analysis.cells if cell.gain is not None}
    gained = [arm for arm in shared if arm in gaining]
    if _could(question, shared) and not _could(question, gained):
        few = "runs of the target alone or without sharing have no score, so too few gains are known"
        return few if gained else NO_GAIN
    lacks_sharing = not shared and _could(question, [cell.arm for cell in analysis.cells])
    needs = f"this needs {NEEDS['benefit' if lacks_sharing else question]}"
    absent = analysis.expected - analysis.completed
    return f"{needs}; {absent:,} of {counted(analysis.expected, 'run')} are not completed" if absent else needs


def _could(question: Question, arms: Sequence[Arm]) -> bool:
    """Whether a question could be asked of these arms if all had shared layers, and what their gains are over."""
    if question == "benefit":
        return bool(arms)
    if question == "size":
        return len({arm.train_size for arm in arms}) > 1
    return question == "coupling" and len({(arm.task_set, arm.coupling) for arm in arms}) > 1
