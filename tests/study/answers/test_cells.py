import re

import numpy as np
import pytest
from scipy import stats

from msd_mtl.errors import UserError
from msd_mtl.study.answers.analyse import analyse
from msd_mtl.study.record import PREDICTIONS, write_record
from msd_mtl.study.report import report


def test_a_cell_says_what_its_runs_came_to(crossed):
    analysis = analyse(crossed().folder, "made")
    alone, low, high = analysis.cells
    assert [cell.arm.mask for cell in analysis.cells] == ["0000", "1100", "0011"]
    scores = [run.score for run in analysis.runs if run.arm == low.arm]
    assert low.mean == pytest.approx(np.mean(scores))
    assert low.low < low.mean - stats.sem(scores)
    assert low.high > low.mean + stats.sem(scores)
    assert (low.linear, low.trivial, low.seconds, low.n_parameters) == (0.58, 0.5, 2.0, 30)
    assert np.isnan(low.bayes)
    assert (alone.n_parameters, alone.gain, alone.gains) == (10, None, {})
    (gain,) = (one.effect for one in analysis.contrasts if (one.question, one.mask) == ("benefit", "1100"))
    assert (low.gain.estimate, low.gain.low, low.gain.p) == (gain.estimate, gain.low, gain.p)
    ps = [cell.gain.p for cell in (high, low)]
    assert low.gain.p_holm == pytest.approx(min(2 * min(ps), 1) if low.gain.p == min(ps) else max(ps))
    assert high.gain.p_holm >= high.gain.p


def test_cells_are_in_the_order_of_set_coupling_size_and_mask(study):
    for tasks, mask, n, c in (
        *(("tight", "1100", n, c) for c in (0.9, 0.0) for n in (1000, 500)),
        *(("tight", "0000", 500, 0.0), ("pop", "0000", 500, 0.0)),
    ):
        study.add(tasks, mask, 0, data__train_size=n, data__coupling=c)
    study.write_index()
    arms = [(c.arm.task_set, c.arm.coupling, c.arm.train_size, c.arm.mask) for c in analyse(study.folder, "made").cells]
    tight = [one for one in arms if one[0] == "tight"]
    assert tight == sorted(tight)
    assert len({arms.index(one) for one in tight}) == max(map(arms.index, tight)) - min(map(arms.index, tight)) + 1


def test_a_cell_without_all_its_predictions_has_no_interval(crossed):
    study = crossed()
    first = next(run for run in analyse(study.folder, "made").runs if run.arm.mask == "1100" and run.seed == 0)
    (first.folder / PREDICTIONS).unlink()
    cell = next(cell for cell in analyse(study.folder, "made").cells if cell.arm.mask == "1100")
    assert (cell.n, sorted(cell.gains)) == (3, [1, 2])
    assert np.isnan([cell.low, cell.high]).all()


def edited(runs, score=0.9, *, more=0.0):
    for run in runs:
        run.record["metrics"]["test"]["term:pop"]["auroc"] = run.score + more if more else score
        write_record(run.folder, run.record)


def test_a_score_that_its_predictions_contradict_is_in_no_mean(crossed):
    study = crossed()
    before = analyse(study.folder, "made")
    edited(run for run in before.runs if run.arm.mask == "1100" and run.seed == 0)
    analysis = analyse(study.folder, "made")
    was, cell = (next(cell for cell in one.cells if cell.arm.mask == "1100") for one in (before, analysis))
    assert (cell.n, sorted(cell.scores), cell.known["linear"]) == (2, [1, 2], 2)
    assert cell.mean == pytest.approx(np.mean([was.scores[seed] for seed in (1, 2)]))
    assert cell.low < cell.mean < cell.high
    (count, warning), (one,) = analysis.warnings, analysis.damaged
    assert count == "1 of 9 runs are not completed."
    said = "has predictions that give another score than its record"
    assert warning == f"Run {one.run_id} {said}: it counts in no contrast."
    told = r"it has predictions that give 0\.\d+, not 0\.9 as its record; delete it, and repeat the sweep"
    assert re.fullmatch(told, one.error)
    assert (len(analysis.runs), analysis.completed) == (len(before.runs) - 1, before.completed - 1)
    assert {run.run_id for run in before.runs} - {run.run_id for run in analysis.runs} == {one.run_id}


def test_an_arm_whose_scores_are_all_contradicted_has_no_cell_and_its_contrasts_are_listed(crossed):
    study = crossed()
    before = analyse(study.folder, "made")
    edited(run for run in before.runs if run.arm.mask == "1100")
    analysis = analyse(study.folder, "made")
    assert [cell.arm.mask for cell in analysis.cells] == ["0000", "0011"]
    assert [(one.question, one.name) for one in analysis.contrasts] == [
        (one.question, one.name) for one in before.contrasts
    ]
    low = next(one for one in analysis.contrasts if one.mask == "1100")
    assert (low.per_seed, low.effect.verdict, len(low.missing)) == ({}, "undecided", 3)
    was, high = (next(one.effect for one in of.contrasts if one.mask == "0011") for of in (before, analysis))
    assert (high.estimate, high.p) == (was.estimate, was.p)


@pytest.mark.parametrize(("more", "n_damaged"), [(1e-4, 1), (2e-9, 1), (-2e-9, 1), (1e-12, 0)])
def test_a_score_is_that_of_its_predictions_but_for_the_order_of_sums(crossed, more, n_damaged):
    study = crossed()
    edited([analyse(study.folder, "made").runs[0]], more=more)
    damaged = analyse(study.folder, "made", n_bootstrap=2).damaged
    assert len(damaged) == n_damaged
    for one in damaged:
        predicted, recorded = re.findall(r"0\.\d+", one.error)
        assert predicted != recorded


def test_runs_whose_scores_are_contradicted_are_warned_of_in_one_line(crossed):
    study = crossed()
    edited(run for run in analyse(study.folder, "made").runs if run.arm.mask == "1100")
    count, warning = analyse(study.folder, "made", n_bootstrap=2).warnings
    assert count == "3 of 9 runs are not completed."
    assert warning.startswith("3 runs count in no contrast, as each has predictions that give another score than its ")


def test_a_study_of_which_all_scores_are_contradicted_says_of_the_first_why(crossed, tmp_path):
    study = crossed(seeds=[0, 1])
    edited(analyse(study.folder, "made", n_bootstrap=2).runs)
    why = r"none of 6: 6 damaged\. Run \w{16}: it has predictions that give .*; delete it, and repeat the sweep\. See"
    with pytest.raises(UserError, match=why):
        report(study.folder, "made", tmp_path / "page")


def test_tracks_of_a_run_whose_score_is_contradicted_change_nothing_else(crossed):
    study = crossed()
    last = next(run for run in analyse(study.folder, "made").runs if run.arm.mask == "0011" and run.seed == 2)
    edited([last])
    by_record = analyse(study.folder, "made")
    write_record(last.folder, last.record)
    with np.load(last.folder / PREDICTIONS) as saved:
        arrays = dict(saved)
    n = 500
    arrays["artist"] = np.append(arrays["artist"], 1000 + np.arange(n, dtype=np.int32))
    arrays["track_id"] = np.append(arrays["track_id"], np.array([f"TX{one:016d}" for one in range(n)], "S18"))
    arrays["target"] = np.concatenate([arrays["target"], np.repeat(arrays["target"][:, :1], n, 1)], 1)
    arrays["prediction_0"] = np.append(arrays["prediction_0"], np.zeros(n, np.float32))
    np.savez(last.folder / PREDICTIONS, **arrays)
    by_tracks = analyse(study.folder, "made")
    assert [one.run_id for one in by_tracks.damaged] == [last.run_id]
    assert by_tracks.cells == by_record.cells
    assert [one.effect for one in by_tracks.contrasts] == [one.effect for one in by_record.contrasts]
    assert [one.few_artists for one in by_tracks.contrasts] == [one.few_artists for one in by_record.contrasts]


def test_baselines_are_those_of_the_runs_that_have_them(crossed):
    study = crossed()
    first = next(run for run in analyse(study.folder, "made").runs if run.arm.mask == "1100" and run.seed == 0)
    write_record(first.folder, first.record | {"baselines": {}})
    cell = next(cell for cell in analyse(study.folder, "made").cells if cell.arm.mask == "1100")
    assert (cell.n, cell.linear, cell.trivial) == (3, pytest.approx(0.58), pytest.approx(0.5))
    assert cell.known == {"linear": 2, "trivial": 2, "bayes": 0}


def test_an_arm_without_a_reference_has_no_gain_and_is_warned_of(study):
    for seed in (0, 1):
        study.add("pop", "0000", seed)
        for n in (500, 1000):
            study.add("tight", "1100", seed, data__train_size=n)
    study.write_index()
    analysis = analyse(study.folder, "made")
    (cell,) = (cell for cell in analysis.cells if cell.arm.train_size == 1000)
    assert (cell.gain, cell.reference, cell.gains) == (None, None, {})
    assert analysis.warnings == (
        "tight, low (1100), n=1,000, coupling 0.9 has no single-task run to be compared with.",
    )
