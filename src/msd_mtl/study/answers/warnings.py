"""What a reader of a report must know before its numbers."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from msd_mtl.study.answers.arms import describe
from msd_mtl.study.answers.few import FEW, worth_said
from msd_mtl.study.answers.gains import NO_GAIN, Group
from msd_mtl.study.answers.reading import StudyRuns, metric_of
from msd_mtl.study.answers.scoring import NO_PREDICTIONS, Scored
from msd_mtl.study.answers.types import Arm, Reference
from msd_mtl.study.index import COMMAND, FOLDER
from msd_mtl.study.states import State
from msd_mtl.study.unfilled import together

NAMED = 3  # of many runs, arms or contexts that a warning is about
CONTRADICTED = "has predictions that give another score than its record"
NAMES: Mapping[Reference, str] = {"single task": "single-task run", "no sharing": "run without sharing"}

_Line = tuple[str, str, str]  # what is said of one context; its target, and what would be said of many


def warnings_of(runs: StudyRuns, scored: Sequence[Scored], reasons: Mapping[tuple[Arm, int], str]) -> list[str]:
    """What is missing in a study, is not used, or is not as sure as it looks.

    Args:
        runs: Its runs.
        scored: The same, scored.
        reasons: Why runs count in no contrast, by arm and seed.
    """
    contradicted = {place for one in scored for place in one.contradicted}
    said = _of_few_artists(scored)
    if not runs.has_sweep:
        said.append(
            f"No sweep of this study is kept (hidden folder {FOLDER}), so which runs were asked for is not known: "
            "those that are missing, or that were first made for another study, are neither listed nor counted in the "
            f"correction. If the runs were copied, copy {FOLDER} with them."
        )
    if n := len(runs.absent) + len(contradicted):
        said.append(f"{n:,} of {runs.expected:,} runs are not completed.{_of_failed(runs)}")
    if runs.n_unplaced:
        n = runs.n_unplaced
        said.append(
            f"Of {n:,} of them it cannot be told what they would be, as their settings or data are not known, or no "
            "run says how many all tracks are: contrasts that they alone ask are not all named, nor all counted in the "
            "correction."
        )
    said += _of_foreign(runs)
    said += [f"Not in the data: {line}" for line in together(runs.left_out)]
    if runs.renamed:
        which = f"{len(runs.renamed):,} run{'' if len(runs.renamed) == 1 else 's'}"
        said.append(
            "Left out, as settings in their records do not give these run ids (edited since, or made by other code), "
            f"while those of other runs do: {which}, {_first(runs.renamed)}."
        )
    if runs.duplicates:
        said.append(
            f"{len(runs.duplicates):,} cells have several completed runs of the same arm and seed; none of them is "
            "used."
        )
    said += _of_unusable(runs, {**reasons, **dict.fromkeys(contradicted, CONTRADICTED)})
    said += _of_couplings(runs)
    return said + _of_contexts(scored)


def _of_contexts(scored: Sequence[Scored]) -> list[str]:
    """What is not compared in each context, or not over the target alone; once where it is the same of many."""
    lines: list[_Line] = []
    for one in scored:
        target, known = one.group.target, one.group.references
        if mixed := {seed for arm in known if known[arm] for seed in _mixed(one, arm)}:
            of = f"{len(mixed)} seed{'' if len(mixed) == 1 else 's'}"
            what = f"arms of {of} were tested on different tracks and are not compared."
            lines.append((f"{target}: {what}", target, what))
        lines += _of_references(one.group)
    n_contexts = Counter((target, what) for _, target, what in lines)
    said: list[str] = []
    for of_one, target, what in lines:
        n = n_contexts[target, what]
        of_all = f"{target}, in {n:,} combinations of settings: {what}"
        if n <= NAMED or of_all not in said:
            said.append(of_one if n <= NAMED else of_all)
    return said


def _mixed(scored: Scored, arm: Arm) -> list[int]:
    """Seeds of an arm that have a reference, tested on other tracks."""
    return scored.mixed_seeds(scored.group.gain(arm))


def _of_few_artists(scored: Sequence[Scored]) -> list[str]:
    """The targets that hang on too few test artists, those trained alone included: they have intervals too."""
    fewest: dict[str, int] = {}
    for one in scored:
        if one.few_artists is not None:
            target = one.group.target
            fewest[target] = min(one.few_artists, fewest.get(target, FEW))
    return [
        f"{target}: {worth_said(metric_of(target), n)}. Below {FEW}, a finding is wrong more often than it "
        "says, and intervals are too short."
        for target, n in fewest.items()
    ]


def _first(names: Sequence[str]) -> str:
    """The first of many names, and how many more there are."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _of_foreign(runs: StudyRuns) -> list[str]:
    """Runs whose record is of another schema, those of one together."""
    found: dict[str, list[str]] = {}
    for one in runs.foreign:
        found.setdefault(one.error, []).append(one.run_id)
    return [
        f"Run {names[0]} is left out: {error}."
        if len(names) == 1
        else f"{len(names):,} runs are left out ({_first(names)}). Of each, {error}."
        for error, names in found.items()
    ]


def _of_failed(runs: StudyRuns) -> str:
    """What failed runs cost, and how to be rid of them where they should never have been asked for."""
    if not runs.has_sweep or not any(one.state == State.FAILED for one in runs.absent):
        return ""
    return (
        " What failed runs ask counts in the correction; if their sweep was a mistake, delete its files in "
        f"{FOLDER}/NAME of the runs folder (*{COMMAND} says what it asked for)."
    )


def _of_unusable(runs: StudyRuns, reasons: Mapping[tuple[Arm, int], str]) -> list[str]:
    """Completed runs that count in no contrast, those of one reason together."""
    found: dict[str, list[str]] = {}
    for run in runs.runs:
        if reason := reasons.get((run.arm, run.seed)):
            found.setdefault(reason, []).append(run.run_id)
    said = []
    for reason, names in found.items():
        if len(names) == 1:
            what, folders = f"Run {names[0]} {reason}: it counts in no contrast.", "its folder"
        else:
            what = f"{len(names):,} runs count in no contrast, as each {reason}: {_first(names)}."
            folders = "their folders"
        mend = f" Delete {folders}, and repeat the sweep." if reason == NO_PREDICTIONS else ""
        said.append(what + mend)
    return said


def _of_couplings(runs: StudyRuns) -> list[str]:
    """The couplings of which others were planted than set, as whole words are taken over; runs are named by the set."""
    other: dict[tuple[float, float], None] = {}
    for run in runs.runs:
        if run.arm.coupling is None or not run.plants:
            continue
        for one in run.record["data"].get("coupling", {}).values():
            planted = (one.get("planted") or {}).get("planted")
            if planted is not None and not math.isclose(planted, run.arm.coupling):
                other[run.arm.coupling, planted] = None
    told = ", ".join(f"{planted:.3g} for {given:g}" for given, planted in sorted(other))
    return [f"Of couplings that were set, whole words of a detector can plant only others: {told}."] if other else []


def _of_references(group: Group) -> list[_Line]:
    """What gains are over where that is not the target alone, and which arms have none."""
    context = "".join(f", {key}={value}" for key, value in group.context)
    there = {reference.mask for reference in group.references.values() if reference}
    without = [arm for arm, reference in group.references.items() if reference is None]

    def line(what: str) -> _Line:
        return f"{group.target}{context}: {what}", group.target, what

    if without and not there and not any(arm.is_alone for arm in group.scores):
        unshared = any("1" not in arm.mask for arm in group.scores)
        why = "no run of the target alone has a score, so no gain is known" if unshared else NO_GAIN
        return [line(f"{why}. Contrasts in which the reference cancels are made all the same.")]
    lacks = f"has no {NAMES[group.reference]} to be compared with."
    said = [
        (f"{describe(arm)} {lacks}", group.target, f"{describe(arm, with_context=False)} {lacks}")
        for arm in without[:NAMED]
    ]
    if len(without) > NAMED:
        said.append(line(f"{len(without) - NAMED:,} more arms have none."))
    if group.reference == "no sharing" and there:
        said.append(line(f"no single-task runs; gains are over no sharing (mask {', '.join(sorted(there))})."))
    return said
