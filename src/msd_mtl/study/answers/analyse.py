"""From the records of a study to its answers."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from msd_mtl.study.answers.arms import describe
from msd_mtl.study.answers.cells import cell_results
from msd_mtl.study.answers.contrasts import ASKED
from msd_mtl.study.answers.few import FEW, worth_said
from msd_mtl.study.answers.gains import groups
from msd_mtl.study.answers.margins import MARGINS, margins_of
from msd_mtl.study.answers.predictions import Predictions, read_predictions
from msd_mtl.study.answers.reading import StudyRuns, metric_of, read_runs
from msd_mtl.study.answers.report_settings import report_settings
from msd_mtl.study.answers.scoring import Scored, score_group
from msd_mtl.study.answers.terms import Combination
from msd_mtl.study.answers.types import Absent, Analysis, Arm, Contrast, Question
from msd_mtl.study.answers.verdicts import conclude
from msd_mtl.study.states import State
from msd_mtl.study.unfilled import together

N_BOOTSTRAP = 1000
NAMED = 3  # runs of a warning about many


def analyse(
    runs_dir: Path, study: str, *, margin: Mapping[str, float | None] | None = None, n_bootstrap: int = N_BOOTSTRAP
) -> Analysis:
    """Answer the questions of a study from the records and test predictions of its runs.

    Args:
        runs_dir: Folder of the runs.
        study: Name of the study.
        margin: Effects within plus or minus this count as none, by metric, in its unit; without it, what the study's
            file says, else ``MARGINS``.
        n_bootstrap: Draws of test artists.

    Raises:
        UserError: If there is no such study, or a margin is not above 0.
    """
    runs = read_runs(runs_dir, study)
    report, warnings = report_settings(runs_dir, study, runs.runs)
    margins = margins_of(report.get("margin"), {run.metric for run in runs.runs}, margin)
    read = {run.run_id: read_predictions(run.folder, run.arm.target) for run in runs.runs}
    predictions = {name: one for name, one in read.items() if one is not None}
    analysis = answer(study, runs, predictions, margins, n_bootstrap)
    return replace(analysis, report=report, warnings=(*analysis.warnings, *warnings))


def answer(
    study: str,
    runs: StudyRuns,
    predictions: Mapping[str, Predictions],
    margins: Mapping[str, float] = MARGINS,
    n_bootstrap: int = N_BOOTSTRAP,
) -> Analysis:
    """Answer the questions of a study whose runs and predictions are read.

    Args:
        study: Its name.
        runs: Its runs.
        predictions: Test predictions of the target, by ``run_id``.
        margins: Margin of each metric.
        n_bootstrap: Draws of test artists.
    """
    scored = score(runs, predictions, n_bootstrap)
    reasons = _reasons(runs, scored)
    contrasts = all_contrasts(runs, scored, margins)
    return Analysis(
        study=study,
        metrics={run.arm.target: run.metric for run in runs.runs},
        margins=margins,
        runs=runs.runs,
        cells=tuple(cell_results(scored, margins)),
        contrasts=tuple(contrasts),
        expected=runs.expected,
        completed=len(runs.runs) + sum(len(duplicate.run_ids) for duplicate in runs.duplicates),
        failed=_in_state(runs, State.FAILED),
        missing=_in_state(runs, State.MISSING),
        running=_in_state(runs, State.RUNNING, State.INTERRUPTED),
        duplicates=runs.duplicates,
        warnings=tuple(_warnings(runs, scored, contrasts, reasons)),
    )


def score(runs: StudyRuns, predictions: Mapping[str, Predictions], n_bootstrap: int) -> list[Scored]:
    """Score the runs of a study, those that are compared on the same draws of test artists.

    Args:
        runs: Its runs.
        predictions: Test predictions of the target, by ``run_id``.
        n_bootstrap: Draws of test artists.
    """
    absent = {arm for arm, _ in runs.arms_absent} | {duplicate.arm for duplicate in runs.duplicates}
    return [score_group(group, predictions, n_bootstrap) for group in groups(runs.runs, absent)]


def all_contrasts(runs: StudyRuns, scored: Sequence[Scored], margins: Mapping[str, float] = MARGINS) -> list[Contrast]:
    """Make the contrasts of every question, each question corrected alone.

    Args:
        runs: Runs of the study.
        scored: The same, scored.
        margins: Margin of each metric.
    """
    reasons = _reasons(runs, scored)
    return [contrast for question in ASKED for contrast in _contrasts(question, scored, reasons, margins)]


def _in_state(runs: StudyRuns, *states: State) -> tuple[Absent, ...]:
    return tuple(one for one in runs.absent if one.state in states)


def _contrasts(
    question: Question, scored: Sequence[Scored], reasons: Mapping[tuple[Arm, int], str], margins: Mapping[str, float]
) -> list[Contrast]:
    """The contrasts of a question, corrected together."""
    asked = [(one, combination) for one in scored for combination in ASKED[question](one.group)]
    measured = [one.measure(combination.terms) for one, combination in asked]
    effects = conclude(measured, [margins[metric_of(one.group.target)] for one, _ in asked])
    targets = {one.group.target for one, _ in asked}
    return [
        Contrast(
            question=question,
            name=f"{one.group.target}: {combination.name}" if len(targets) > 1 else combination.name,
            context=one.group.context,
            target=one.group.target,
            metric=metric_of(one.group.target),
            task_set=combination.task_set,
            mask=combination.mask,
            coupling=combination.coupling,
            sizes=tuple(sorted({arm.train_size for arm in combination.terms})),
            reference=one.group.reference,
            per_seed=one.per_seed(combination.terms),
            effect=effect,
            few_artists=one.few_artists,
            missing=_missing(one, combination, reasons),
        )
        for (one, combination), effect in zip(asked, effects, strict=True)
    ]


def _missing(scored: Scored, combination: Combination, reasons: Mapping[tuple[Arm, int], str]) -> tuple[str, ...]:
    """Why seeds do not count in a contrast, and what is left out of it for all."""
    group = scored.group
    seeds = {seed for runs in group.scores.values() for seed in runs} | {
        seed for arm, seed in reasons if (arm.context, arm.target) == (group.context, group.target)
    }
    said = [
        f"seed {seed}: {describe(arm, with_context=False)} {reasons.get((arm, seed), 'is not there')}"
        for seed in sorted(seeds)
        for arm in combination.terms
        if (arm, seed) in reasons or seed not in group.scores[arm]
    ]
    mixed = [f"seed {seed}: arms were tested on different tracks" for seed in scored.mixed_seeds(combination.terms)]
    return (*combination.notes, *said, *mixed)


def _reasons(runs: StudyRuns, scored: Sequence[Scored]) -> dict[tuple[Arm, int], str]:
    """Why an arm has no run of a seed that counts."""
    reasons = {
        place: f"{one.state} ({one.error})" if one.error else f"is {one.state}"
        for place, one in runs.arms_absent.items()
    }
    reasons |= {(one.arm, one.seed): f"has {len(one.run_ids)} completed runs" for one in runs.duplicates}
    reasons |= {(run.arm, run.seed): "has no score" for run in runs.runs if math.isnan(run.score)}
    for one in scored:
        reasons |= one.unusable
    return reasons


def _mixed(scored: Scored, arm: Arm) -> list[int]:
    """Seeds of an arm that have a reference, tested on other tracks."""
    return scored.mixed_seeds(scored.group.gain(arm))


def _of_few_artists(contrasts: Sequence[Contrast]) -> list[str]:
    """The targets of contrasts that hang on too few test artists."""
    fewest: dict[str, int] = {}
    for one in contrasts:
        if one.few_artists is not None:
            fewest[one.target] = min(one.few_artists, fewest.get(one.target, FEW))
    return [
        f"{target}: {worth_said(metric_of(target), n)}. Below {FEW}, a finding is wrong more often than it "
        "says, and intervals are too short."
        for target, n in fewest.items()
    ]


def _of_unusable(runs: StudyRuns, reasons: Mapping[tuple[Arm, int], str]) -> list[str]:
    """Completed runs that count in no contrast, those of one reason together."""
    found: dict[str, list[str]] = {}
    for run in runs.runs:
        if reason := reasons.get((run.arm, run.seed)):
            found.setdefault(reason, []).append(run.run_id)
    said = []
    for reason, (first, *others) in found.items():
        if not others:
            said.append(f"Run {first} {reason}: it counts in no contrast.")
            continue
        told, more = [first, *others][:NAMED], len(others) + 1 - NAMED
        names = ", ".join(told) + (f" and {more:,} more" if more > 0 else "")
        said.append(f"{len(others) + 1:,} runs count in no contrast, as each {reason}: {names}.")
    return said


def _warnings(
    runs: StudyRuns,
    scored: Sequence[Scored],
    contrasts: Sequence[Contrast],
    reasons: Mapping[tuple[Arm, int], str],
) -> list[str]:
    said = _of_few_artists(contrasts)
    if runs.absent:
        said.append(f"{len(runs.absent):,} of {runs.expected:,} runs are not completed.")
    said += [f"Run {one.run_id} is left out: {one.error}." for one in runs.foreign]
    said += [f"Not in the data: {line}" for line in together(runs.left_out)]
    if runs.n_earlier:
        said.append(f"{runs.n_earlier:,} runs of earlier code are left out: later code has repeated the study.")
    if runs.duplicates:
        said.append(
            f"{len(runs.duplicates):,} cells have several completed runs of the same arm and seed; none of them is "
            "used."
        )
    said += _of_unusable(runs, reasons)
    for one in scored:
        mixed = {seed for arm in one.group.references if one.group.references[arm] for seed in _mixed(one, arm)}
        if mixed:
            of = f"{len(mixed)} seed{'' if len(mixed) == 1 else 's'}"
            said.append(f"{one.group.target}: arms of {of} were tested on different tracks and are not compared.")
        without = [arm for arm, reference in one.group.references.items() if reference is None]
        said += [f"{describe(arm)} has no {one.group.reference} run to be compared with." for arm in without]
        if one.group.reference == "no sharing" and any(reference for reference in one.group.references.values()):
            context = "".join(f", {key}={value}" for key, value in one.group.context)
            masks = ", ".join(sorted({reference.mask for reference in one.group.references.values() if reference}))
            said.append(f"{one.group.target}{context}: no single-task runs; gains are over no sharing (mask {masks}).")
    return said
