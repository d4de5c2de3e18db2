import re
from dataclasses import replace

import pytest

from msd_mtl.study.page.data import coupling_table
from msd_mtl.study.page.figures.heat_map import draw_heat_map
from msd_mtl.study.page.groups import groups

from .made import TARGET, analysis

SETS = {"tight": (TARGET, "term:pop rock", "term:ballad"), "loose": (TARGET, "loudness", "year")}


def measured(tmp_path, value_of, **settings):
    """A study on real data whose label couplings are ``value_of(task, seed, size)``."""
    made = analysis(tmp_path, task_sets=tuple(SETS.items()), couplings=(None,), histories=False, **settings)

    def of(run):
        couplings = {
            task: {
                "label": {"value": value, "low": value - 0.1, "high": value + 0.1, "n": 870 + run.seed, "kind": "phi"}
            }
            for task in run.arm.tasks[1:]
            if (value := value_of(task, run.seed, run.arm.train_size)) is not None
        }
        return replace(run, record=run.record | {"data": run.record["data"] | {"coupling": couplings}})

    return replace(made, runs=tuple(map(of, made.runs)))


def test_couplings_of_labels_are_means_over_seeds_at_the_largest_size(tmp_path):
    values = {"term:pop rock": 0.2, "term:ballad": 0.4, "loudness": -0.1, "year": -0.3}
    made = measured(tmp_path, lambda task, seed, size: values[task] + 0.03 * seed if size == 8000 else 0.9)
    rows = {row["task"]: row for row in coupling_table(made).rows}
    assert {task: row["value"] for task, row in rows.items()} == pytest.approx(
        {task: value + 0.03 for task, value in values.items()}
    )
    assert rows["year"]["low"] == pytest.approx(-0.37)
    assert {(row["train_size"], row["n_seeds"], row["n"]) for row in rows.values()} == {(8000, 3, 871)}
    (group,) = groups(made)
    told = dict(re.findall(r"(tight|loose) (0\.\d+)", draw_heat_map(group).caption))
    for name, tasks in SETS.items():
        of_table = [abs(rows[task]["value"]) for task in tasks[1:]]
        assert float(told[name]) == pytest.approx(sum(of_table) / 2, abs=5e-4)
    assert "on 8,000 training tracks of 3 seeds" in draw_heat_map(group).caption


def test_each_number_of_label_coupling_says_which_tracks_it_rests_on(tmp_path):
    made = measured(tmp_path, lambda task, seed, size: 0.2)
    caption = coupling_table(made).caption
    assert "at the largest training size: mean over seeds" in caption
    assert "msd-mtl tasks measures on all training tracks of the split" in caption


def test_a_study_that_does_not_say_how_labels_go_together_shows_none(tmp_path):
    made = measured(tmp_path, lambda task, seed, size: None)
    assert coupling_table(made).rows == []
    assert "correlation" not in draw_heat_map(groups(made)[0]).caption
