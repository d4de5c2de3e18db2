import re
from dataclasses import replace

import pytest

from msd_mtl.study.page.data import coupling_table, label_table, split_table
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
    assert {(row["fewest"], row["most"], row["n_seeds"], row["n"]) for row in rows.values()} == {(8000, 8000, 3, 871)}
    (group,) = groups(made)
    told = dict(re.findall(r"(tight|loose) (0\.\d+)", draw_heat_map(group).caption))
    for name, tasks in SETS.items():
        of_table = [abs(rows[task]["value"]) for task in tasks[1:]]
        assert float(told[name]) == pytest.approx(sum(of_table) / 2, abs=5e-4)
    assert "on 8,000 training tracks of 3 seeds" in draw_heat_map(group).caption


def test_where_all_tracks_were_taken_couplings_say_the_fewest_and_the_most(tmp_path):
    made = measured(tmp_path, lambda task, seed, size: 0.2)
    assert "most" not in {column.key for column in coupling_table(made).columns}
    for run in made.runs:
        run.record["data"]["rows"]["train"] = 1014 + 29 * run.seed
    table = coupling_table(made)
    assert {(row["fewest"], row["most"]) for row in table.rows} == {(1014, 1072)}
    assert {"fewest", "most"} <= {column.key for column in table.columns}
    (group,) = groups(made)
    assert "on 1,014 to 1,072 training tracks of 3 seeds" in draw_heat_map(group).caption


def test_each_number_of_label_coupling_says_which_tracks_it_rests_on(tmp_path):
    made = measured(tmp_path, lambda task, seed, size: 0.2)
    caption = coupling_table(made).caption
    assert "at the largest training size: mean over seeds" in caption
    assert "msd-mtl tasks measures on all training tracks of the split" in caption


def test_a_study_that_does_not_say_how_labels_go_together_shows_none(tmp_path):
    made = measured(tmp_path, lambda task, seed, size: None)
    assert coupling_table(made).rows == []
    assert "correlation" not in draw_heat_map(groups(made)[0]).caption


def planted(made, coupling, value):
    """The same study on synthetic data, with what was planted in each auxiliary task of a seed."""
    for run in made.runs:
        for one in run.record["data"]["coupling"].values():
            one["planted"] = {"planted": coupling, "label": value + 0.01 * run.seed, "signal": 0.8}
    return made


def test_what_was_planted_stands_beside_what_is_measured(tmp_path):
    real = coupling_table(measured(tmp_path, lambda task, seed, size: -0.4))
    table = coupling_table(planted(measured(tmp_path, lambda task, seed, size: -0.4), 0.4, -0.38))
    heads = [column.head for column in table.columns]
    assert heads[heads.index("with the target") - 2 :][:2] == ["planted coupling", "planted correlation"]
    assert {(row["planted_coupling"], round(row["planted_label"], 9)) for row in table.rows} == {(0.4, -0.37)}
    assert table.caption.startswith(real.caption)
    assert "planted: the coupling" in table.caption
    assert [one for one in table.columns if one not in real.columns] == table.columns[3:5]
    table.write(tmp_path)
    assert "planted_coupling,planted_label,value" in (tmp_path / "data-couplings.csv").read_text(encoding="utf-8")
    assert "0.40 & $-$0.370 & $-$0.400" in (tmp_path / "data-couplings.tex").read_text(encoding="utf-8")


def test_of_seeds_with_worlds_of_their_own_signs_are_said_to_cancel(tmp_path):
    made = planted(measured(tmp_path, lambda task, seed, size: 0.4 * (-1) ** seed), 1.0, 0.4)
    assert "of either sign cancel" not in coupling_table(made).caption
    for run in made.runs:
        run.record["config"]["data"]["world"] = {"world": run.seed}
    assert coupling_table(made).caption.endswith("a mean near 0 does not say that labels have nothing in common.")


def test_an_association_that_is_no_correlation_has_no_planted_one_beside_it(tmp_path):
    made = planted(measured(tmp_path, lambda task, seed, size: 0.2), 0.4, -0.38)
    for run in made.runs:
        for task, one in run.record["data"]["coupling"].items():
            one["label"]["kind"] = "eta" if task == "year" else "pearson"
    shown = {
        row["task"]: [column.shown(row[column.key]) for column in table.columns[3:5]]
        for table in [coupling_table(made)]
        for row in table.rows
    }
    assert (shown["year"], shown["loudness"]) == (["0.40", "–"], ["0.40", "−0.370"])


def test_each_part_has_its_own_tracks_artists_and_labels(tmp_path):
    made = analysis(tmp_path, sizes=(500,), couplings=(None,), histories=False)

    def of(run):
        labelled = {part: dict.fromkeys(run.arm.tasks, n) for part, n in (("train", 480), ("val", 800), ("test", 1100))}
        prevalence = {part: {TARGET: n} for part, n in (("train", 0.1), ("val", 0.2), ("test", 0.3))}
        return replace(
            run, record=run.record | {"data": run.record["data"] | {"labelled": labelled, "prevalence": prevalence}}
        )

    made = replace(made, runs=tuple(map(of, made.runs)))
    (row,) = split_table(made).rows
    assert [row[f"{part}_tracks"] for part in ("train", "val", "test")] == [500, 850, 1200]
    assert [row[f"{part}_artists"] for part in ("train", "val", "test")] == [300, 120, 180]
    rows = {row["task"]: row for row in label_table(made).rows}
    assert set(rows) == set(SETS["tight"])
    for task, shares in ((TARGET, [0.1, 0.2, 0.3]), ("term:ballad", [None] * 3)):
        assert [rows[task][f"{part}_labelled"] for part in ("train", "val", "test")] == [480, 800, 1100]
        assert [rows[task][f"{part}_positive"] for part in ("train", "val", "test")] == shares


def test_splits_say_how_many_training_tracks_keep_the_label_of_the_target(tmp_path):
    made = analysis(tmp_path, task_sets=tuple(SETS.items()), couplings=(None,), histories=False)
    assert "train_kept" not in {column.key for column in split_table(made).columns}
    for run in made.runs:
        run.record["config"]["data"]["target_train_size"] = 250
        run.record["data"]["labelled"]["train"] = dict.fromkeys(run.arm.tasks, 900) | {TARGET: 250}
    table = split_table(made)
    assert [column.key for column in table.columns].index("train_kept") == 4
    assert {row["train_kept"] for row in table.rows} == {250}
