"""The runs of a study as they are on disk: completed, and those that are not or cannot be used."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from msd_mtl.data.task import Kind, task_of
from msd_mtl.errors import UserError
from msd_mtl.study.answers.arms import FINGERPRINT, UNCOUNTED, all_arms, describe, differences, is_below
from msd_mtl.study.answers.kinds import difference_of_kinds
from msd_mtl.study.answers.paths import without_folders
from msd_mtl.study.answers.placing import placed
from msd_mtl.study.answers.splits import placed_by_other_split
from msd_mtl.study.answers.types import Absent, Arm, Duplicate, Run, Settings
from msd_mtl.study.answers.unbegun import told_by_composing
from msd_mtl.study.damage import damage, is_foreign, lacks
from msd_mtl.study.identity import WITHOUT_EFFECT, has_own_name
from msd_mtl.study.index import known_studies, left_out, read_study
from msd_mtl.study.record import RECORD, Record, error_of, seen_record
from msd_mtl.study.states import State, state_of
from msd_mtl.study.summary import baseline_score, best_possible, target_score

# What a target is compared by: higher is better, and 0 is the same for every part of the data.
COMPARED_BY: dict[Kind, str] = {"binary": "auroc", "regression": "r2", "multiclass": "accuracy"}

FOREIGN = "of another schema"  # how a run stands whose record says no more
UNREADABLE = "its record cannot be read; repeat the sweep, which makes the run again"


@dataclass(frozen=True)
class StudyRuns:
    """The runs of a study.

    Attributes:
        runs: Completed runs, one an arm and seed.
        absent: Runs that are not completed.
        arms_absent: Arm and seed of those of them whose record, or whose sweep, says.
        uncounted: The same of those that take all rows where no run says how many these are.
        duplicates: Completed runs that share arm and seed; none of them is in ``runs``.
        double: The same, one by one.
        expected: Number of runs, but for those in ``renamed``.
        renamed: Runs that are left out, as their settings do not give their ``run_id`` and those of other runs do.
        left_out: Why runs that its sweeps asked for were not made, as they cannot be.
        foreign: Those of ``absent`` whose record is of another schema.
        n_unplaced: Number of ``absent`` that may ask what is not known: it cannot be told what they would be, or they
            are of ``uncounted``, with others that they give a gain over or that give them one.
        asked: Training rows that runs of a context, target and training size ask for, where a record says; None for
            all.
        has_sweep: Whether any sweep of the study is kept; else nothing says which runs were asked for.
    """

    runs: tuple[Run, ...]
    absent: tuple[Absent, ...]
    arms_absent: Mapping[tuple[Arm, int], Absent]
    duplicates: tuple[Duplicate, ...]
    expected: int
    renamed: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    foreign: tuple[Absent, ...] = ()
    asked: Mapping[tuple[Settings, str, int], int | None] = field(default_factory=dict)
    n_unplaced: int = 0
    double: tuple[Run, ...] = ()
    uncounted: Mapping[tuple[Arm, int], Absent] = field(default_factory=dict)
    has_sweep: bool = True


def read_runs(runs_dir: Path, study: str) -> StudyRuns:
    """Read the runs of a study.

    Args:
        runs_dir: Folder of the runs.
        study: Name of the study.

    Raises:
        UserError: If there is no such study.
    """
    kept = read_study(runs_dir, study)
    expected = kept or _without_index(runs_dir, study)
    if not expected:
        raise UserError(
            f"study must be one that has runs in {runs_dir}; got {study!r}, and there are: "
            f"{known_studies(runs_dir, study)}"
        )
    states = {run: state_of(runs_dir, run) for run in expected}
    records = {run: seen_record(runs_dir / run) for run, state in states.items() if state != State.MISSING}
    damaged = {run: lacking for run, record in records.items() if record is not None and (lacking := lacks(record))}
    damaged |= {
        run: ["run_id equal to the name of its folder"]
        for run, record in records.items()
        if record is not None and run not in damaged and record["run_id"] != run
    }
    whole = {run: record for run, record in records.items() if record is not None and run not in damaged}
    if any(record["data"]["fingerprint"] for record in whole.values()):  # others could not open their store
        damaged |= {run: [FINGERPRINT] for run, one in whole.items() if one["data"]["fingerprint"] is None}
    found = {run: record for run, record in whole.items() if run not in damaged}
    renamed = _renamed(found)
    expected = {run: overrides for run, overrides in expected.items() if run not in renamed}
    found = {run: record for run, record in found.items() if run not in renamed}
    unread = {run: overrides for run, overrides in expected.items() if run not in found}
    begun = {run: expected[run] for run in found}
    told, apart = told_by_composing(unread, begun, found)
    said = {
        run: {"seed": record["seed"], "train_size": record["config"]["data"]["train_size"]}
        for run, record in (found | told).items()
    }
    arms = all_arms(found | told, difference_of_kinds(expected, said))
    completed = [run for run, record in found.items() if record["status"] == "completed"]
    cells: dict[tuple[Arm, int], list[str]] = defaultdict(list)
    for run in completed:
        cells[arms[run], found[run]["seed"]].append(run)
    alike = {run: overrides for run, overrides in unread.items() if run not in apart}
    by = [(expected[run], arm) for run, arm in arms.items()]
    own = {run: (arms[run], record["seed"]) for run, record in (told | found).items()}
    places = _places(placed_by_other_split(alike, by) | placed(alike, by) | own, of_records=found)
    uncounted = {run: arm for run, (arm, _) in places.items() if arm.train_size == UNCOUNTED and run not in completed}
    with_gains = {(arm.context, arm.target) for arm in uncounted.values() if not arm.is_alone}
    everywhere = set.intersection(*(set(overrides) for overrides in expected.values()))
    absent = {
        run: _absent(run, states[run], found.get(run), places.get(run), [o for o in overrides if o not in everywhere])
        for run, overrides in expected.items()
        if run not in completed
    } | {run: _damaged(run, states[run], records[run] or {}, expected[run], damaged[run]) for run in damaged}
    return StudyRuns(
        runs=tuple(_run(runs_dir, found[cell[0]], arm) for (arm, _), cell in cells.items() if len(cell) == 1),
        absent=tuple(absent.values()),
        arms_absent={places[run]: one for run, one in absent.items() if run in places and run not in uncounted},
        uncounted={places[run]: one for run, one in absent.items() if run in uncounted},
        duplicates=tuple(
            Duplicate(arm, seed, tuple(cell), differences([found[run] for run in cell]))
            for (arm, seed), cell in cells.items()
            if len(cell) > 1
        ),
        double=tuple(_run(runs_dir, found[run], arm) for (arm, _), cell in cells.items() if cell[1:] for run in cell),
        expected=len(expected),
        renamed=renamed,
        left_out=tuple(left_out(runs_dir, study)),
        foreign=tuple(absent[run] for run in damaged if is_foreign(records[run] or {})),
        asked={
            (arm.context, arm.target, arm.train_size): (found | told)[run]["config"]["data"]["train_size"]
            for run, arm in arms.items()
        },
        n_unplaced=len(expected.keys() - places.keys())
        + sum((arm.context, arm.target) in with_gains for arm in uncounted.values()),
        has_sweep=bool(kept),
    )


def metric_of(target: str) -> str:
    """Metric by which a target is compared."""
    return COMPARED_BY[task_of(target).kind]


def _places(places: dict[str, tuple[Arm, int]], of_records: Collection[str]) -> dict[str, tuple[Arm, int]]:
    """Arm and seed by run: of those without a record one for each place that no record has.

    One of another name is not the same run, though nothing that is set says so.
    """
    begun = {run: places[run] for run in of_records}
    taken = set(begun.values())
    firsts = {place: run for run, place in reversed(places.items()) if place not in taken}
    return {run: place for place, run in firsts.items()} | begun


def _renamed(records: Mapping[str, Record]) -> tuple[str, ...]:
    """Runs whose settings this code gives another name, where it gives others their own; none where it gives none so.

    Other code made them, whose numbers may be others, or somebody has edited their settings since: it cannot be told.
    """
    others = tuple(run for run, record in records.items() if not has_own_name(record))
    return others if len(others) < len(records) else ()


def _without_index(runs_dir: Path, study: str) -> dict[str, tuple[str, ...]]:
    """Runs whose record names the study: for those copied without its index, or made by another sweeper than ours."""
    found: dict[str, tuple[str, ...]] = {}
    for path in sorted(runs_dir.glob(f"[!.]*/{RECORD}")):
        record = seen_record(path.parent)
        if record is not None and record.get("study") == study:
            found[path.parent.name] = ()
    return found


def _absent(
    run: str, state: State, record: Record | None, place: tuple[Arm, int] | None, overrides: Sequence[str]
) -> Absent:
    if record is None:
        data = [] if place is None else [f"{key}={value}" for key, value in place[0].context if key == FINGERPRINT]
        if state == State.INTERRUPTED:  # its record is there, and nobody writes half of one
            return Absent(run, str(State.DAMAGED), _told([*overrides, *data]), UNREADABLE)
        return Absent(run, str(state), _told([*overrides, *data]), "")
    what = _told(overrides) if place is None else f"{describe(place[0])}, seed {place[1]}"
    return Absent(run, str(state), what, error_of(record))


def _damaged(run: str, state: State, record: Record, overrides: Sequence[str], lacking: Sequence[str]) -> Absent:
    """A run that cannot be placed: of one that failed, as over its settings, the error says more."""
    if is_foreign(record):
        return Absent(run, FOREIGN, _told(overrides), damage(record, lacking))
    if state == State.FAILED and (error := error_of(record)):
        return Absent(run, str(state), _told(overrides), error)
    return Absent(run, str(State.DAMAGED), _told(overrides), damage(record, lacking))


def _told(overrides: Sequence[str]) -> str:
    """Overrides that make a run what it is: the others are paths of the machine, or say how it was to be shown."""
    keys = {override: override.lstrip("+~").partition("=")[0] for override in overrides}
    return " ".join(without_folders(one) for one, key in keys.items() if not is_below(key, WITHOUT_EFFECT))


def _run(runs_dir: Path, record: Record, arm: Arm) -> Run:
    metric = metric_of(arm.target)
    return Run(
        run_id=record["run_id"],
        arm=arm,
        seed=record["seed"],
        folder=runs_dir / record["run_id"],
        record=record,
        metric=metric,
        score=target_score(record, metric),
        linear=baseline_score(record, "linear", metric),
        trivial=baseline_score(record, "trivial", metric),
        bayes=best_possible(record, metric),
        n_parameters=record["parameters"]["total"],
        seconds=record["timing_s"]["total"],
    )
