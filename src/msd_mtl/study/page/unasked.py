"""Why a question has no answer: what the study would need, or why its runs have no score."""

import math
from collections import defaultdict
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
        one_class = bool(of_target) and all(shares.get("test", {}).get(target) in (0, 1) for shares in of_target)
        why = ", for its test part has one class only" if one_class else ""
        parts.append(f"no run has a test {metric_name(metric)} of {target}{why}")
    return "; ".join(parts)


def _needs(analysis: Analysis, question: Question) -> str:
    """What the study lacks: what gains are over, or runs, which may be those that are not completed."""
    arms = [cell.arm for cell in analysis.cells]
    shared = any(not arm.is_alone and "1" in arm.mask for arm in arms)
    if question in analysis.askable:
        unshared = any(arm.is_alone or "1" not in arm.mask for arm in arms)
        said = "too few runs have one of the target alone, or without sharing, to be compared with"
        needs = said if unshared else NO_GAIN
    else:
        lacks_sharing = not shared and question in ("size", "coupling") and _differ(question, arms)
        needs = f"this needs {NEEDS['benefit' if lacks_sharing else question]}"
        sharing = [arm for arm in arms if not arm.is_alone and "1" in arm.mask]
        if _differ(question, sharing) and not _differ(question, sharing, alike=True):
            needs += ", in runs that are alike otherwise"
    absent = analysis.expected - analysis.completed
    return f"{needs}; {absent:,} of {counted(analysis.expected, 'run')} are not completed" if absent else needs


def _differ(question: Question, arms: Sequence[Arm], *, alike: bool = False) -> bool:
    """Whether arms of one context and target, or such as are alike otherwise, differ in what a question is about."""
    found = defaultdict(set)
    for arm in arms:
        places = {"size": arm.train_size, "coupling": (arm.task_set, arm.coupling), "depth": arm.mask}
        about = places.pop(question, None)
        found[arm.context, arm.target, *(places.values() if alike else ())].add(about)
    return any(len(values) > 1 for values in found.values())
