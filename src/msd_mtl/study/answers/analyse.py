"""From the records of a study to its answers."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from msd_mtl.study.answers.arms import UNCOUNTED, describe, mask_order
from msd_mtl.study.answers.cells import cell_results, n_lacking
from msd_mtl.study.answers.contrasts import ASKED
from msd_mtl.study.answers.gains import Group, groups
from msd_mtl.study.answers.leak import leaks
from msd_mtl.study.answers.margins import MARGINS, margins_of
from msd_mtl.study.answers.predictions import Predictions, read_predictions
from msd_mtl.study.answers.reading import FOREIGN, StudyRuns, metric_of, read_runs
from msd_mtl.study.answers.report_settings import report_settings
from msd_mtl.study.answers.scoring import Scored, score_group
from msd_mtl.study.answers.terms import Combination
from msd_mtl.study.answers.types import Absent, Analysis, Arm, Contrast, Question, Reference
from msd_mtl.study.answers.verdicts import conclude
from msd_mtl.study.answers.warnings import warnings_of
from msd_mtl.study.damage import REMEDY
from msd_mtl.study.states import State

N_BOOTSTRAP = 1000
ALL_TRACKS = "all tracks are left out: no run says how many these are"


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
        UserError: If there is no such study, or a margin is not above 0 and below 0.5.
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
    contradicted = {place for one in scored for place in one.contradicted}
    used = tuple(run for run in runs.runs if (run.arm, run.seed) not in contradicted)
    damaged = tuple(
        Absent(
            run.run_id,
            str(State.DAMAGED),
            f"{describe(run.arm)}, seed {run.seed}",
            f"it {reasons[run.arm, run.seed]}; {REMEDY}",
        )
        for run in runs.runs
        if (run.arm, run.seed) in contradicted
    )
    return Analysis(
        study=study,
        metrics={run.arm.target: run.metric for run in runs.runs},
        margins=margins,
        runs=used,
        cells=tuple(cell_results(scored, margins)),
        contrasts=tuple(contrasts),
        expected=runs.expected,
        completed=len(used) + sum(len(duplicate.run_ids) for duplicate in runs.duplicates),
        failed=_in_state(runs, State.FAILED),
        missing=_in_state(runs, State.MISSING),
        running=_in_state(runs, State.RUNNING, State.INTERRUPTED),
        damaged=_in_state(runs, State.DAMAGED, FOREIGN) + damaged,
        duplicates=runs.duplicates,
        warnings=tuple(warnings_of(runs, scored, reasons)),
        askable=frozenset(q for q in ASKED if any(ASKED[q](one.group.supposing) for one in scored)),
        n_lacking=n_lacking(scored),
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

    What the splits differ by is no contrast within a group: it comes last.

    Args:
        runs: Runs of the study.
        scored: The same, scored.
        margins: Margin of each metric.
    """
    reasons = _reasons(runs, scored)
    all_tracks = {arm for arm, _ in runs.uncounted}
    found = [one for question in ASKED for one in _contrasts(question, scored, reasons, all_tracks, margins)]
    return found + leaks(scored, reasons | _why(runs.uncounted), runs.asked, margins)


def _in_state(runs: StudyRuns, *states: str) -> tuple[Absent, ...]:
    return tuple(one for one in runs.absent if one.state in states)


def _contrasts(
    question: Question,
    scored: Sequence[Scored],
    reasons: Mapping[tuple[Arm, int], str],
    all_tracks: Collection[Arm],
    margins: Mapping[str, float],
) -> list[Contrast]:
    """The contrasts of a question, corrected together; the arms of ``all_tracks`` have a size that no run tells."""
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
            reference=_reference(one.group, combination),
            per_seed=one.per_seed(combination.terms),
            effect=effect,
            few_artists=one.few_artists,
            missing=(ALL_TRACKS,) * any(replace(arm, train_size=UNCOUNTED) in all_tracks for arm in _multi(combination))
            + _missing(one, combination, reasons),
            masks=tuple(sorted({arm.mask for arm in _multi(combination)}, key=mask_order)),
            weighs_alone=any(arm.is_alone for arm in combination.terms),
            couplings=tuple(sorted({arm.coupling for arm in _multi(combination) if arm.coupling is not None})),
        )
        for (one, combination), effect in zip(asked, effects, strict=True)
    ]


def _reference(group: Group, combination: Combination) -> Reference | None:
    """What gains are over; None where it cancels, as some arm has none."""
    known = group.references
    lacking = any(known.get(arm, arm) is None for arm in combination.terms)
    return None if lacking or not any(known.values()) else group.reference


def _multi(combination: Combination) -> list[Arm]:
    return [arm for arm in combination.terms if not arm.is_alone]


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
        if (arm, seed) in reasons or seed not in group.scores.get(arm, ())
    ]
    mixed = [f"seed {seed}: arms were tested on different tracks" for seed in scored.mixed_seeds(combination.terms)]
    return (*combination.notes, *said, *mixed)


def _reasons(runs: StudyRuns, scored: Sequence[Scored]) -> dict[tuple[Arm, int], str]:
    """Why an arm has no run of a seed that counts."""
    reasons = _why(runs.arms_absent)
    reasons |= {(one.arm, one.seed): f"has {len(one.run_ids)} completed runs" for one in runs.duplicates}
    reasons |= {(run.arm, run.seed): "has no score" for run in runs.runs if math.isnan(run.score)}
    for one in scored:
        reasons |= one.unusable
    return reasons


def _why(absent: Mapping[tuple[Arm, int], Absent]) -> dict[tuple[Arm, int], str]:
    return {
        place: f"failed ({one.error})"
        if one.state == State.FAILED and one.error
        else f"is {one.state}{one.error and f' ({one.error})'}"
        for place, one in absent.items()
    }
