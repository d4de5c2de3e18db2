import json
import re
import shutil
from itertools import product

import numpy as np
import pytest
from scipy import stats
from tests.study.answers.conftest import RID

from msd_mtl.errors import UserError
from msd_mtl.study.answers.analyse import analyse
from msd_mtl.study.answers.predictions import read_predictions
from msd_mtl.study.answers.types import QUESTIONS
from msd_mtl.study.cell import Cell
from msd_mtl.study.index import FOLDER, add_sweep
from msd_mtl.study.record import PREDICTIONS, RECORD, read_record, write_record


def by_name(analysis):
    return {contrast.name: contrast for contrast in analysis.contrasts}


def test_a_gain_is_over_the_single_task_run_of_the_seed(crossed):
    study = crossed()
    analysis = analyse(study.folder, "made")
    low = by_name(analysis)["tight, coupling 0.9, low (1100)"]
    scores = {(run.arm.task_set, run.arm.mask, run.seed): run.score for run in analysis.runs}
    gains = {seed: scores["tight", "1100", seed] - scores["pop", "0000", seed] for seed in range(3)}
    assert low.per_seed == pytest.approx(gains)
    assert (low.reference, low.metric, low.effect.n_pairs, low.missing) == ("single task", "auroc", 3, ())
    assert low.effect.verdict == "better"
    assert by_name(analysis)["tight, coupling 0.9, high (0011)"].effect.verdict != "better"


def test_interval_is_the_one_of_a_plain_loop_over_resampled_artists(crossed):
    study = crossed(seeds=(0, 1, 2, 3))
    analysis = analyse(study.folder, "made", n_bootstrap=4000)
    effect = by_name(analysis)["tight, coupling 0.9, low (1100)"].effect
    runs = {(run.arm.task_set, run.arm.mask, run.seed): run for run in analysis.runs}
    read = {key: read_predictions(run.folder, "term:pop") for key, run in runs.items()}
    part = read["pop", "0000", 0].part
    rng, draws = np.random.default_rng(1), []
    for _ in range(1000):
        drawn = rng.integers(0, 120, 120)
        rows = np.concatenate([np.flatnonzero(part.artist == artist) for artist in drawn])
        auroc = {key: plain_auroc(one.values[rows], part.truth[rows]) for key, one in read.items()}
        draws.append([auroc["tight", "1100", seed] - auroc["pop", "0000", seed] for seed in range(4)])
    between_seeds = np.cov(np.transpose(draws))[np.triu_indices(4, 1)].mean() * 120 / 119
    assert effect.se_artists == pytest.approx(np.sqrt(between_seeds), rel=0.08)
    gains = [runs["tight", "1100", seed].score - runs["pop", "0000", seed].score for seed in range(4)]
    assert effect.estimate == pytest.approx(np.mean(gains))
    assert effect.se_seeds == pytest.approx(stats.sem(gains))
    half = np.hypot(stats.t.ppf(0.975, 3) * effect.se_seeds, stats.t.ppf(0.975, 119) * effect.se_artists)
    assert (effect.low, effect.high) == pytest.approx((effect.estimate - half, effect.estimate + half))


def plain_auroc(score, truth):
    ranks = stats.rankdata(score)
    n = truth.sum()
    return (ranks[truth > 0.5].sum() - n * (n + 1) / 2) / (n * (len(truth) - n))


def test_tracks_are_joined_by_id(study):
    for seed in range(3):
        study.add("pop", "0000", seed)
        study.add("tight", "1100", seed, shuffle=True)
    study.write_index()
    mixed = by_name(analyse(study.folder, "made"))["tight, coupling 0.9, low (1100)"]
    assert mixed.missing == ()
    assert mixed.effect.se_artists < 0.01  # of unjoined tracks it would be that of two unrelated networks


def test_without_single_task_runs_the_reference_is_no_sharing(study):
    for seed in range(2):
        for mask in ("0000", "1100"):
            study.add("tight", mask, seed)
    study.write_index()
    analysis = analyse(study.folder, "made")
    assert {contrast.reference for contrast in analysis.contrasts} == {"no sharing"}
    assert any("no single-task runs" in warning for warning in analysis.warnings)
    none, low = analysis.cells
    assert (none.arm.mask, none.gain, none.reference) == ("0000", None, None)
    assert low.gains == pytest.approx({seed: low.scores[seed] - none.scores[seed] for seed in range(2)})


def test_what_is_not_completed_is_listed_and_its_seeds_do_not_count(study):
    for seed in range(4):
        study.add("pop", "0000", seed, status="failed" if seed == 1 else "completed")
        study.add("tight", "1100", seed, status="running" if seed == 2 else "completed")
    study.index["f" * 16] = ["tasks=tight", "seed=9", "study=made"]
    study.write_index()
    analysis = analyse(study.folder, "made")
    assert (analysis.expected, analysis.completed) == (9, 6)
    assert f"3 of 9 runs are not completed.{RID}" in analysis.warnings
    assert [(one.state, one.error) for one in analysis.failed] == [("failed", "UserError: it broke")]
    assert [one.state for one in analysis.running] == ["interrupted"]
    assert [one.cell for one in analysis.missing] == ["tasks=tight seed=9"]
    (low,) = analysis.contrasts
    assert sorted(low.per_seed) == [0, 3]
    assert low.missing == (
        "seed 1: pop, none (0000), n=500, coupling 0.9 failed (UserError: it broke)",
        "seed 2: tight, low (1100), n=500, coupling 0.9 is interrupted",
        "seed 9: tight, low (1100), n=500, coupling 0.9 is missing",
        "seed 9: pop, none (0000), n=500, coupling 0.9 is not there",
    )


def test_duplicates_are_listed_and_none_is_used(crossed):
    study = crossed(data__train_size=300)
    first = next(run for run in analyse(study.folder, "made").runs if run.arm.mask == "1100" and run.seed == 1)
    again = study.add("tight", "1100", 1, data__coupling=0.9, data__train_size=None)  # all rows, which are 300
    study.write_index()
    analysis = analyse(study.folder, "made")
    (duplicate,) = analysis.duplicates
    assert (duplicate.arm, duplicate.seed, duplicate.differ) == (first.arm, 1, ("data.train_size",))
    assert set(duplicate.run_ids) == {first.run_id, again}
    low = by_name(analysis)["tight, coupling 0.9, low (1100)"]
    assert sorted(low.per_seed) == [0, 2]
    assert low.missing == ("seed 1: tight, low (1100), n=300, coupling 0.9 has 2 completed runs",)
    assert (analysis.completed, analysis.expected) == (10, 10)


def test_a_study_that_later_code_has_repeated_has_its_runs_alone(crossed, monkeypatch):
    with monkeypatch.context() as earlier:
        earlier.setattr("msd_mtl.study.identity.NUMBERS_VERSION", 0)
        of_then = {run.run_id for run in analyse(crossed().folder, "made").runs}  # by itself it is whole
    assert len(of_then) == 9
    study = crossed(seeds=(0, 1))
    analysis = analyse(study.folder, "made")
    assert (analysis.completed, analysis.expected, analysis.duplicates) == (6, 6, ())
    assert not of_then & {run.run_id for run in analysis.runs}
    (said,) = (warning for warning in analysis.warnings if warning.startswith("Left out, as settings"))
    assert ": 9 runs, " in said
    assert said.endswith(" and 6 more.")


def test_a_record_whose_settings_were_edited_is_not_said_to_be_of_earlier_code(crossed):
    study = crossed()
    run = analyse(study.folder, "made").runs[0]
    config = run.record["config"] | {"trainer": run.record["config"]["trainer"] | {"max_epochs": 1}}
    write_record(run.folder, run.record | {"config": config})
    analysis = analyse(study.folder, "made")
    (said,) = analysis.warnings
    assert "do not give these run ids (edited since, or made by other code)" in said
    assert said.endswith(f": 1 run, {run.run_id}.")
    assert (analysis.completed, analysis.expected) == (8, 8)


def test_a_study_of_earlier_code_is_reported_as_it_is(crossed, monkeypatch):
    study = crossed()
    monkeypatch.setattr("msd_mtl.study.identity.NUMBERS_VERSION", 0)
    analysis = analyse(study.folder, "made")
    assert (analysis.completed, len(analysis.duplicates)) == (9, 0)
    assert analysis.warnings == ()


@pytest.mark.parametrize(("n", "told"), [(2, r"2 runs are left out \(\w+, \w+\)\. "), (5, r"5 .* and 2 more\)\. ")])
def test_records_of_another_schema_are_warned_of_together(crossed, n, told):
    study = crossed()
    for run in analyse(study.folder, "made").runs[:n]:
        write_record(run.folder, run.record | {"schema_version": 2})
    (said,) = (one for one in analyse(study.folder, "made").warnings if "schema" in one)
    assert re.match(told + "Of each, its record has schema version 2, not 1", said)


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_a_record_of_another_schema_is_left_out_and_named(crossed, status):
    study = crossed()
    run = analyse(study.folder, "made").runs[0]
    write_record(run.folder, {**read_record(run.folder), "schema_version": 2, "status": status, "error": "it broke"})
    analysis = analyse(study.folder, "made")
    told = "its record has schema version 2, not 1; the msd-mtl that made it reads it"
    assert f"Run {run.run_id} is left out: {told}." in analysis.warnings
    assert [(one.run_id, one.state, one.error) for one in analysis.damaged] == [(run.run_id, "of another schema", told)]
    assert (analysis.completed, analysis.expected, analysis.failed, analysis.running) == (8, 9, (), ())


def test_runs_that_are_not_used_are_told_without_paths_of_the_machine(crossed):
    study = crossed()
    here = f"data.store={study.folder}/store.h5"
    run = analyse(study.folder, "made").runs[0].run_id
    write_record(study.folder / run, {**read_record(study.folder / run), "schema_version": 2})
    cells = {run: ["seed=0", f"runs_dir={study.folder}", here], "absent": ["seed=7", here]}
    for path in (study.folder / ".studies").rglob("*.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | cells))
    unused = analyse(study.folder, "made").damaged + analyse(study.folder, "made").missing
    assert {(one.run_id, one.cell) for one in unused} == {
        (run, "seed=0 data.store=store.h5"),
        ("absent", "seed=7 data.store=store.h5"),
    }


def test_a_record_of_another_schema_that_no_index_names_ends_no_report(crossed):
    study = crossed()
    for path in (study.folder / ".studies").rglob("*.json"):
        path.unlink()
    path, *_ = study.folder.glob(f"*/{RECORD}")
    write_record(path.parent, {"schema_version": 2, "study": "made"})
    (told,) = [warning for warning in analyse(study.folder, "made").warnings if path.parent.name in warning]
    assert told.startswith(f"Run {path.parent.name} is left out: its record has schema version 2")


@pytest.mark.parametrize(
    "lacking", ["metrics", "metrics.test", "timing_s.total", "parameters", "config", "data.fingerprint", "run_id"]
)
def test_a_record_that_was_edited_counts_as_a_run_to_make_and_says_what_it_lacks(crossed, lacking):
    study = crossed()
    run = analyse(study.folder, "made").runs[0]
    record = read_record(run.folder)
    *parents, leaf = lacking.split(".")
    node = record
    for parent in parents:
        node = node[parent]
    del node[leaf]
    write_record(run.folder, record)
    analysis = analyse(study.folder, "made")
    (absent,) = analysis.damaged
    assert (absent.run_id, absent.state) == (run.run_id, "damaged")
    assert absent.error.startswith("its record lacks ")
    assert lacking in absent.error
    assert absent.error.endswith("; delete it, and repeat the sweep")
    assert (analysis.completed, analysis.expected) == (8, 9)


def test_duplicates_say_in_what_they_differ(study):
    for tasks, mask in (("pop", "0000"), ("tight", "1100")):
        for seed in (0, 1):
            study.add(tasks, mask, seed, data__train_size=300)
    study.add("tight", "1100", 1, data__train_size=None)  # all rows, which are 300
    study.write_index()
    (duplicate,) = analyse(study.folder, "made").duplicates
    assert (duplicate.seed, duplicate.differ) == (1, ("data.train_size",))


def test_arms_that_were_tested_on_different_tracks_are_not_paired(crossed):
    study = crossed(seeds=range(4))
    whole = by_name(analyse(study.folder, "made"))["tight, coupling 0.9, low (1100)"]
    other = next(run for run in analyse(study.folder, "made").runs if run.arm.mask == "1100" and run.seed == 2)
    with np.load(other.folder / PREDICTIONS) as saved:
        arrays = dict(saved)
    arrays["track_id"] = np.array([f"TX{n:016d}" for n in range(len(arrays["artist"]))], "S18")
    np.savez(other.folder / PREDICTIONS, **arrays)
    analysis = analyse(study.folder, "made")
    low = by_name(analysis)["tight, coupling 0.9, low (1100)"]
    assert low.per_seed == {seed: gain for seed, gain in whole.per_seed.items() if seed != 2}
    assert low.missing == ("seed 2: arms were tested on different tracks",)
    assert by_name(analysis)["tight, coupling 0.9, high (0011)"].missing == ()
    assert analysis.warnings == ("term:pop: arms of 1 seed were tested on different tracks and are not compared.",)
    (cell,) = (cell for cell in analysis.cells if cell.arm.mask == "1100")
    assert sorted(cell.scores) == [0, 1, 2, 3]
    assert sorted(cell.gains) == [0, 1, 3]


def test_predictions_are_those_of_the_target(study):
    folder = study.folder / study.add(["year", "loudness"], "1100", 0)
    assert read_predictions(folder, "year").values.any()
    assert read_predictions(folder, "loudness") is None  # it left none
    assert read_predictions(folder, "tempo") is None


def test_scores_that_are_not_numbers_do_not_count(crossed):
    study = crossed()
    broken = next(run for run in analyse(study.folder, "made").runs if run.arm.mask == "1100" and run.seed == 0)
    broken.record["metrics"]["test"]["term:pop"]["auroc"] = None
    write_record(broken.folder, broken.record)
    analysis = analyse(study.folder, "made")
    low = by_name(analysis)["tight, coupling 0.9, low (1100)"]
    assert sorted(low.per_seed) == [1, 2]
    assert low.missing[0].endswith("has no score")
    assert any(broken.run_id in warning for warning in analysis.warnings)
    assert (analysis.completed, len(analysis.runs), analysis.damaged) == (9, 9, ())


@pytest.mark.parametrize("damage", ["gone", "empty", "cut off", "other"])
def test_runs_without_their_own_predictions_do_not_count(crossed, damage):
    study = crossed()
    first = next(run for run in analyse(study.folder, "made").runs if run.arm.mask == "1100" and run.seed == 0)
    path = first.folder / PREDICTIONS
    if damage == "gone":
        path.unlink()
    elif damage != "other":
        path.write_bytes(path.read_bytes()[: 0 if damage == "empty" else 2000])
    else:
        with np.load(path) as saved:
            arrays = dict(saved)
        np.savez(path, **(arrays | {"prediction_0": -arrays["prediction_0"]}))
    analysis = analyse(study.folder, "made")
    low = by_name(analysis)["tight, coupling 0.9, low (1100)"]
    assert sorted(low.per_seed) == [1, 2]
    assert ("has predictions that give" if damage == "other" else "has no predictions") in low.missing[0]


@pytest.mark.parametrize(
    ("n_broken", "said"),
    [
        (1, "Run {0} {why}: it counts in no contrast. Delete its folder, and {again}."),
        (3, "3 runs count in no contrast, as each {why}: {0}, {1}, {2}. Delete their folders, and {again}."),
        (5, "5 runs count in no contrast, as each {why}: {0}, {1}, {2} and 2 more. Delete their folders, and {again}."),
    ],
)
def test_runs_that_do_not_count_for_one_reason_are_one_line(crossed, n_broken, said):
    study = crossed()
    runs = analyse(study.folder, "made").runs[:n_broken]
    for run in runs:
        (run.folder / PREDICTIONS).unlink()
    words = {"why": "has no predictions that can be read", "again": "repeat the sweep"}
    assert analyse(study.folder, "made").warnings == (said.format(*(run.run_id for run in runs), **words),)


@pytest.mark.parametrize("end", [16, None], ids=["cut off", "half a character"])
def test_a_record_that_cannot_be_read_stops_nothing(crossed, end):
    study = crossed()
    first = next(run for run in analyse(study.folder, "made").runs if run.arm.mask == "1100" and run.seed == 0)
    (first.folder / RECORD).write_text(json.dumps(first.record | {"study": "\ud800"})[:end])  # no page could hold it
    analysis = analyse(study.folder, "made")
    ((damaged,), running) = analysis.damaged, analysis.running
    assert (damaged.run_id, damaged.state, running) == (first.run_id, "damaged", ())
    assert damaged.error.startswith("its record cannot be read")
    assert sorted(by_name(analysis)["tight, coupling 0.9, low (1100)"].per_seed) == [1, 2]


def test_a_size_all_of_whose_runs_failed_is_said_to_be_left_out(study):
    for seed in (0, 1):
        for n in (500, 1000):
            status = "failed" if n == 1000 else "completed"
            study.add("pop", "0000", seed, data__train_size=n, status=status)
            study.add("tight", "1100", seed, data__train_size=n, status=status)
    study.write_index()
    low, change = analyse(study.folder, "made").contrasts
    assert (change.question, change.effect.n_pairs, len(change.missing)) == ("size", 0, 4)
    assert low.missing == ("n=1,000 is left out: no run of it counts",)
    assert low.sizes == (500,)


@pytest.mark.parametrize("lost", ["1111", "0011", "loose"])
def test_arms_that_are_lost_altogether_make_no_p_smaller(study, lost):
    effects = {("tight", "1100"): 0.3, ("tight", "0011"): -0.4, ("tight", "1111"): -0.5, ("loose", "1100"): 0.0}
    failed = []
    for seed in range(3):
        study.add("pop", "0000", seed, data__coupling=None)
        for (tasks, mask), shift in effects.items():
            known = 0.4 if tasks == "tight" else 0.1
            name = study.add(tasks, mask, seed, shift, label_coupling=known, data__coupling=None)
            failed += [name] * (lost in (tasks, mask))
    study.write_index()
    whole = analyse(study.folder, "made")
    for name in failed:
        record = json.loads((study.folder / name / RECORD).read_text())
        write_record(study.folder / name, record | {"status": "failed", "error": {"kind": "E", "message": "broke"}})
    left = analyse(study.folder, "made")
    of_questions = [[sum(c.question == q for c in one.contrasts) for q in QUESTIONS] for one in (whole, left)]
    assert of_questions[0] == of_questions[1]
    before, after = (
        {(c.task_set, c.mask): c.effect for c in a.contrasts if c.question == "benefit"} for a in (whole, left)
    )
    tested = {key: effect for key, effect in after.items() if not effect.untested}
    assert all(effect.p_holm >= before[key].p_holm for key, effect in tested.items())
    first = min(tested.values(), key=lambda effect: effect.p)
    assert first.p_holm == pytest.approx(4 * first.p)
    gains = [cell.gain for cell in left.cells if cell.gain is not None]
    assert len(gains) + left.n_lacking == 4
    assert min(gain.p_holm for gain in gains) == pytest.approx(4 * first.p)


def test_a_context_that_is_lost_altogether_counts(study):
    for seed in range(3):
        for recipe in ("paper2016", "default"):
            status = "failed" if recipe == "default" else "completed"
            study.add("pop", "0000", seed, status=status, recipe__name=recipe)
            study.add("tight", "1100", seed, 0.3, status=status, recipe__name=recipe)
    study.write_index()
    there, lost = analyse(study.folder, "made").contrasts
    assert (there.context, lost.context) == ((("recipe.name", "paper2016"),), (("recipe.name", "default"),))
    assert (there.effect.n_pairs, lost.effect.n_pairs) == (3, 0)
    assert there.effect.p_holm == pytest.approx(2 * there.effect.p)


def test_a_size_all_of_whose_runs_are_double_is_said_to_be_left_out(study):
    for seed in (0, 1):
        for n in (300, None, 500):  # all rows are 300
            for tasks, mask in (("pop", "0000"), ("tight", "1100")):
                study.add(tasks, mask, seed, data__train_size=n)
    study.write_index()
    analysis = analyse(study.folder, "made")
    (low,) = (one for one in analysis.contrasts if one.question == "benefit")
    assert low.missing[0] == "n=300 is left out: no run of it counts"
    assert analysis.warnings == ("4 cells have several completed runs of the same arm and seed; none of them is used.",)


def test_a_seed_all_of_whose_runs_failed_is_listed(study):
    for seed in (0, 1, 2):
        for tasks, mask in (("pop", "0000"), ("tight", "1100")):
            study.add(tasks, mask, seed, status="failed" if seed == 2 else "completed")
    study.write_index()
    (low,) = analyse(study.folder, "made").contrasts
    assert [said.partition(" failed")[0] for said in low.missing] == [
        "seed 2: tight, low (1100), n=500, coupling 0.9",
        "seed 2: pop, none (0000), n=500, coupling 0.9",
    ]


def test_a_sweep_of_failed_runs_counts_until_its_files_are_deleted_and_is_told_of(study):
    for seed in range(4):
        study.add("pop", "0000", seed)
        study.add("tight", "1100", seed, shift=0.1)
    study.write_index()
    alone = analyse(study.folder, "made")
    failed = study.add("loose", "1100", 0, status="failed", study__name="made")
    add_sweep(study.folder, "made", [Cell(failed, tuple(study.index[failed]), {})], command=["seed=0"])
    with_it = analyse(study.folder, "made")
    assert with_it.warnings == (f"1 of 9 runs are not completed.{RID}", *alone.warnings)
    assert with_it.contrasts[0].effect.p_holm > alone.contrasts[0].effect.p_holm
    (command,) = (study.folder / FOLDER / "made").glob("*.command.yaml")
    assert command.read_text() == "- seed=0\n"
    for file in command.parent.glob(f"{command.name.partition('.')[0]}.*"):
        file.unlink()
    again = analyse(study.folder, "made")
    assert (again.expected, again.warnings) == (8, alone.warnings)
    assert [one.effect for one in again.contrasts] == [one.effect for one in alone.contrasts]
    shutil.rmtree(study.folder / FOLDER)  # no file to delete
    assert analyse(study.folder, "made").warnings[1] == "1 of 1 runs are not completed."


def test_what_is_missing_in_another_context_or_of_another_target_is_not_listed(study):
    for seed in (0, 1):
        study.add("pop", "0000", seed, recipe__name="default")
        study.add("tight", "1100", seed, recipe__name="default")
    study.add("tight", "1100", 5, recipe__name="paper2016", status="failed")
    study.add(["year"], "0000", 6, recipe__name="default", status="failed")
    study.write_index()
    analysis = analyse(study.folder, "made")
    assert [contrast.missing for contrast in analysis.contrasts] == [()]
    assert analysis.warnings == (f"2 of 6 runs are not completed.{RID}",)


def test_contrasts_of_several_targets_are_named_by_them_and_corrected_together(study):
    for seed in range(3):
        for tasks in (["term:pop"], ["year"]):
            study.add(tasks, "0000", seed)
            study.add([*tasks, "loudness"], "1100", seed, 0.3)
    study.write_index()
    analysis = analyse(study.folder, "made", margin={"r2": 0.4})
    pop, year = analysis.contrasts
    assert pop.name == "term:pop: term:pop + loudness, coupling 0.9, low (1100)"
    assert year.name == "year: year + loudness, coupling 0.9, low (1100)"
    assert (pop.metric, pop.effect.margin, year.metric, year.effect.margin) == ("auroc", 0.01, "r2", 0.4)
    small, large = sorted((pop.effect, year.effect), key=lambda effect: effect.p)
    assert small.p_holm == pytest.approx(min(2 * small.p, 1))
    assert large.p_holm == pytest.approx(max(large.p, small.p_holm))


def test_a_study_of_one_seed_is_undecided(crossed):
    analysis = analyse(crossed(seeds=(0,)).folder, "made")
    assert {contrast.effect.verdict for contrast in analysis.contrasts} == {"undecided"}
    assert np.isnan([contrast.effect.low for contrast in analysis.contrasts]).all()


def test_regressions_are_compared_by_r2(study):
    for seed in range(3):
        study.add(["year"], "0000", seed)
        study.add(["year", "loudness"], "1111", seed, 0.2)
    study.write_index()
    analysis = analyse(study.folder, "made")
    assert analysis.metrics == {"year": "r2"}
    assert analysis.contrasts[0].name == "year + loudness, coupling 0.9, full (1111)"
    assert analysis.contrasts[0].effect.se_artists > 0


def test_regressions_that_diverged_count_too(study):
    for seed in range(2):
        study.add(["year"], "0000", seed)
        study.add(["year", "loudness"], "1111", seed, 1e6)
    study.write_index()
    analysis = analyse(study.folder, "made")
    assert analysis.contrasts[0].effect.estimate < -1e9
    assert analysis.warnings == ()
    assert analysis.contrasts[0].missing == ()


def test_a_study_without_an_index_is_read_by_its_records_and_warned_of(crossed):
    study = crossed()
    assert analyse(study.folder, "made").warnings == ()
    shutil.rmtree(study.folder / FOLDER)
    _of_another, *paths = study.folder.glob(f"*/{RECORD}")
    for path in paths:
        record = read_record(path.parent)
        write_record(path.parent, record | {"study": "older"})
    analysis = analyse(study.folder, "older")
    assert (analysis.completed, len(analysis.warnings)) == (8, 1)
    assert re.match(
        r"No sweep of this study is kept .* neither listed nor counted .* copy \.studies with them",
        analysis.warnings[0],
    )


def test_an_unknown_study_is_refused(crossed):
    runs_dir = crossed().folder
    with pytest.raises(UserError, match=r"study must be one that has runs in .*; got 'other', and there are: made\.$"):
        analyse(runs_dir, "other")
    with pytest.raises(UserError, match=r"there are: made\. `msd-mtl train -m study=benefit` makes its runs\.$"):
        analyse(runs_dir, "benefit")


def test_who_copied_runs_without_their_studies_is_told_to_copy_these(crossed):
    folder = crossed().folder
    shutil.rmtree(folder / FOLDER)
    with pytest.raises(UserError, match=r"there are: none\. Runs are there, but not the hidden folder \.studies"):
        analyse(folder, "made")
    with pytest.raises(UserError, match=r"there are: none\.$"):
        analyse(folder / "none", "made")


def test_masks_of_no_sharing_are_told_as_they_are(study):
    for mask in ("0", "1"):
        study.add("tight", mask, 0)
    study.write_index()
    assert analyse(study.folder, "made").warnings == (
        "term:pop: no single-task runs; gains are over no sharing (mask 0).",
    )


def test_each_context_tells_the_masks_that_its_gains_are_over(study):
    for tasks, masks in (("tight", ("0", "1")), ("loose", ("00", "11"))):
        for mask in masks:
            study.add(tasks, mask, 0)
    for mask in ("0", "1"):
        study.add("tight", mask, 0, data__control="misalign")
    study.write_index()
    assert analyse(study.folder, "made").warnings == (
        "term:pop, data.control=null: no single-task runs; gains are over no sharing (mask 0, 00).",
        "term:pop, data.control=misalign: no single-task runs; gains are over no sharing (mask 0).",
    )


@pytest.mark.parametrize("n", [3, 4])
def test_what_is_the_same_in_many_contexts_of_a_target_is_said_once(study, n):
    for rate in range(n):
        for tasks, mask in (("tight", "0"), ("tight", "1"), ("loose", "1")):
            study.add(tasks, mask, 0, recipe__select_after=rate / 10)
    for mask in ("0", "1"):
        study.add(["year", "loudness"], mask, 0, recipe__select_after=0.0)
    study.write_index()
    *of_pop, of_year = sorted(analyse(study.folder, "made").warnings)
    over = "no single-task runs; gains are over no sharing (mask 0)."
    lacks = "has no run without sharing to be compared with."
    assert of_year == f"year, recipe.select_after=0.0: {over}"
    rates = [f"recipe.select_after={rate / 10}" for rate in range(n)]
    assert of_pop == sorted(
        [
            *(f"loose, 1, n=500, coupling 0.9, {rate} {lacks}" for rate in rates),
            *(f"term:pop, {rate}: {over}" for rate in rates),
        ]
        if n == 3
        else [
            f"term:pop, in 4 combinations of settings: {what}"
            for what in (over, f"loose, 1, n=500, coupling 0.9 {lacks}")
        ]
    )


def test_without_any_reference_the_reason_is_given_once_and_what_cancels_is_made(study):
    for seed in (0, 1):
        study.add("pop", "0000", seed, status="failed")
        for tasks, known in (("tight", 0.4), ("loose", 0.1)):
            for mask in ("1100", "0011", "1111"):
                study.add(tasks, mask, seed, label_coupling=known, data__coupling=None)
    study.write_index()
    analysis = analyse(study.folder, "made")
    assert analysis.warnings == (
        f"2 of 14 runs are not completed.{RID}",
        "term:pop: no run of the target alone or without sharing has a score, so no gain is known. Contrasts in which "
        "the reference cancels are made all the same.",
    )
    lost = [one for one in analysis.contrasts if one.question == "benefit"]
    assert (len(lost), {one.effect.n_pairs for one in lost}, analysis.n_lacking) == (6, {0}, 6)
    made = {one.name: one for one in analysis.contrasts if one.question != "benefit"}
    assert {one.question for one in made.values()} == {"coupling", "depth"}
    assert {one.reference for one in made.values()} == {None}
    scores = {(run.arm.task_set, run.arm.mask, run.seed): run.score for run in analysis.runs}
    low = made["tight minus loose, low (1100)"]
    assert low.per_seed == pytest.approx({k: scores["tight", "1100", k] - scores["loose", "1100", k] for k in (0, 1)})
    slope = made["tight, from 2 to 4 shared layers"]
    two = {k: (scores["tight", "1100", k] + scores["tight", "0011", k]) / 2 for k in (0, 1)}
    assert slope.per_seed == pytest.approx({k: scores["tight", "1111", k] - two[k] for k in (0, 1)})
    assert slope.missing == ()


@pytest.mark.parametrize(("n_rarer", "warned", "tested"), [(40, False, True), (39, True, True), (3, True, False)])
def test_few_artists_with_the_rarer_class_are_warned_of_and_very_few_decide_nothing(
    study, crossed, monkeypatch, n_rarer, warned, tested
):
    made = type(study)._results.__globals__
    _, common, artist, track_id = made["world"]("term:pop")
    monkeypatch.setitem(made, "world", lambda _: ((artist >= n_rarer).astype(np.float32), common, artist, track_id))
    analysis = analyse(crossed(seeds=range(4)).folder, "made")
    low = by_name(analysis)["tight, coupling 0.9, low (1100)"]
    assert low.few_artists == (n_rarer if warned else None)
    said = f"term:pop: test artists with the rarer class are worth only {n_rarer} of equal size. Below 40, a finding is"
    assert [warning.startswith(said) for warning in analysis.warnings] == [True] * warned
    assert (not low.effect.untested) == tested
    assert tested or (low.effect.verdict, np.isnan(low.effect.low)) == ("undecided", True)


def test_few_artists_of_a_target_that_is_only_trained_alone_are_warned_of(study, monkeypatch):
    made = type(study)._results.__globals__
    _, common, artist, track_id = made["world"]("term:pop")
    monkeypatch.setitem(made, "world", lambda _: ((artist >= 9).astype(np.float32), common, artist, track_id))
    for seed in range(3):
        study.add(["term:pop"], "0000", seed)
    study.write_index()
    analysis = analyse(study.folder, "made")
    assert analysis.contrasts == ()
    assert [one.partition(".")[0] for one in analysis.warnings] == [
        "term:pop: test artists with the rarer class are worth only 9 of equal size"
    ]


@pytest.mark.parametrize(("common", "told"), [("low", 1), ("none", 0)])
def test_a_coupling_that_was_planted_otherwise_than_set_is_warned_of(study, common, told):
    for setting in (0.45, 0.9):
        name = study.add("tight", "1100", 0, data__coupling=setting, data__world__common=common)
        path = study.folder / name / "record.json"
        record = json.loads(path.read_text())
        planted = {"planted": {0.45: 0.4}.get(setting, setting) if common == "low" else 0.0}
        record["data"]["coupling"]["term:ballad"] = {"planted": planted}
        path.write_text(json.dumps(record))
    study.write_index()
    said = [one for one in analyse(study.folder, "made").warnings if "planted" in one or "plant" in one]
    assert said == ["Of couplings that were set, whole words of a detector can plant only others: 0.4 for 0.45."][:told]


def test_sizes_that_the_data_could_not_fill_are_told_first(crossed):
    study = crossed()
    (study.folder / FOLDER / "made" / "sweep.left-out.txt").write_text(
        "data.train_size=900, of 200: 3 runs left out.\n"
    )
    assert analyse(study.folder, "made").warnings == ("Not in the data: data.train_size=900, of 200: 3 runs left out.",)


@pytest.mark.parametrize("status", ["failed", "completed"])
def test_sizes_and_sets_that_no_contrast_could_join_lack_no_reference(study, status):
    for seed in (0, 1):
        for tasks, n, rate, of_alone in (("tight", 250, 0.001, "completed"), ("loose", 500, 0.002, status)):
            settings = {"data__train_size": n, "recipe__optimizer__lr": rate, "data__coupling": None}
            study.add("pop", "0000", seed, status=of_alone, **settings)
            study.add(tasks, "1100", seed, label_coupling=0.1, **settings)
    study.write_index()
    assert analyse(study.folder, "made").askable == {"benefit"}


def test_a_question_that_only_lacks_what_gains_are_over_is_told_apart(study):
    for seed, n in product((0, 1), (250, 500)):
        study.add("tight", "1100", seed, data__train_size=n, data__coupling=None)
    study.write_index()
    analysis = analyse(study.folder, "made")
    assert (analysis.contrasts, analysis.askable) == ((), {"benefit", "size"})


def test_no_gain_is_over_no_sharing_where_the_target_alone_is_asked_and_lost(study):
    for seed, (tasks, mask) in product((0, 1), (("pop", "0000"), ("tight", "0000"), ("tight", "1100"))):
        study.add(tasks, mask, seed, status="failed" if tasks == "pop" else "completed", data__coupling=None)
    study.write_index()
    analysis = analyse(study.folder, "made")
    (low,) = (one for one in analysis.contrasts if one.question == "benefit")
    assert (low.effect.n_pairs, len(low.missing)) == (0, 2)
    assert [cell.gain for cell in analysis.cells] == [None, None]
    assert analysis.warnings[1] == (
        "term:pop: no run of the target alone has a score, so no gain is known. Contrasts in which the reference "
        "cancels are made all the same."
    )


def test_runs_of_which_no_settings_are_known_are_said_to_ask_nothing(crossed):
    study = crossed(seeds=(0,))
    study.index["f" * 16] = []
    study.write_index()
    said = "Of 1 of them it cannot be told what they would be, as their settings or data are not known, or no run says "
    assert any(warning.startswith(said) for warning in analyse(study.folder, "made").warnings)
