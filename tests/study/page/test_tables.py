from dataclasses import replace

import pandas as pd
import pytest

from msd_mtl.study.page.figures.scores import draw_scores
from msd_mtl.study.page.groups import groups
from msd_mtl.study.page.tables import cell_table, contrast_table

from .made import analysis

SMALL = {"masks": ("0000", "1100"), "sizes": (500,), "couplings": (None,), "histories": False}


def test_means_over_fewer_seeds_than_the_score_say_over_how_many(tmp_path):
    made = analysis(tmp_path, **SMALL)
    whole, fewer = made, replace(made, cells=tuple(replace(c, known=c.known | {"linear": 2}) for c in made.cells))
    assert not {"n_linear", "n_gain"} & {column.key for column in cell_table(whole).columns}
    table = cell_table(fewer)
    assert {"n_linear", "n_trivial", "n_bayes"} <= {column.key for column in table.columns}
    table.write(tmp_path)
    assert pd.read_csv(tmp_path / "cells.csv")[["n", "n_linear", "n_trivial"]].to_numpy().tolist() == [[3, 2, 3]] * 2
    captions = [draw_scores(groups(one)[0]).caption for one in (whole, fewer)]
    assert ["linear model 0.630 (over 2 seeds)" in caption for caption in captions] == [False, True]
    assert all("; 3 seeds." in caption and "best possible 0.850," in caption for caption in captions)


def test_captions_say_how_many_of_those_asked_for_could_not_be_tested(tmp_path):
    made = analysis(tmp_path, **SMALL)
    one, *_ = (contrast for contrast in made.contrasts if contrast.question == "benefit")
    lost = replace(one, name="lost", effect=replace(one.effect, untested="0 seeds"))
    captions = [contrast_table("contrasts", "Contrasts", of).caption for of in ([one, lost], [one], [lost])]
    assert ["Of 2 contrasts asked for, 1 could not be tested: each counts as p = 1" in said for said in captions] == [
        *(True, False, False)
    ]
    captions = [cell_table(replace(made, n_lacking=n)).caption for n in (2, 0)]
    assert ["Of 3 gains asked for, 2 could not" in said for said in captions] == [True, False]


def test_a_gain_says_how_many_pairs_it_rests_on(tmp_path):
    made = analysis(tmp_path, **SMALL)
    reference, cell = made.cells
    pairs = replace(cell, gain=replace(cell.gain, n_pairs=2))
    rows = cell_table(replace(made, cells=(reference, pairs)))
    assert "n_gain" in {column.key for column in rows.columns}
    assert [(row["n"], row.get("n_gain")) for row in rows.rows] == [(3, None), (3, 2)]


def test_a_size_that_differs_between_splits_is_said_to_be_their_median(tmp_path):
    made = analysis(tmp_path, **SMALL | {"sizes": (500, 1057)})
    captions = [cell_table(made).caption]
    for run in made.runs:
        if run.arm.train_size == 1057:
            run.record["config"]["data"]["train_size"] = None
            run.record["data"]["labelled"]["train"][run.arm.target] = (1014, 1057, 1072)[run.seed]
    table = cell_table(made)
    (sizes,) = [column for column in table.columns if column.key == "train_size"]
    assert sizes.head == "training tracks (median)"
    assert "theirs are the median: 1,057 of 1,014 to 1,072." in table.caption
    for run in made.runs:
        run.record["data"]["labelled"]["train"][run.arm.target] = run.arm.train_size  # one split, one number
    captions.append(cell_table(made).caption)
    assert all("median" not in caption for caption in captions)


def test_a_cell_shows_its_own_numbers(tmp_path):
    made = analysis(tmp_path, **SMALL)
    _, row = cell_table(made).rows
    _, cell = made.cells
    assert cell.gain is not None
    assert (row["mean"], row["low"], row["high"]) == (cell.mean, cell.low, cell.high)
    assert (row["gain"], row["gain_low"], row["gain_high"]) == (cell.gain.estimate, cell.gain.low, cell.gain.high)
    assert row["gain_low"] < row["gain"] < row["gain_high"]
    assert (row["p_holm"], row["verdict"]) == (cell.gain.p_holm, cell.gain.verdict)
    baselines = [row[name] for name in ("linear", "trivial", "bayes")]
    assert baselines == pytest.approx([0.63, 0.5, 0.85])


def test_rows_that_auxiliaries_alone_train_on_are_counted_and_their_size_is_said_to_be_the_most(tmp_path):
    made = analysis(tmp_path, **SMALL | {"sizes": (500, 1057)})
    for run in made.runs:
        if run.arm.train_size == 1057:
            run.record["config"]["data"] |= {"train_size": None, "target_train_size": 300}
            run.record["data"]["rows"]["train"] = (1014, 1057, 1033)[run.seed]
            run.record["data"]["labelled"]["train"][run.arm.target] = 300
    table = cell_table(made)
    (sizes,) = [column for column in table.columns if column.key == "train_size"]
    assert sizes.head == "training tracks (most)"
    assert "theirs are the most: 1,057 of 1,014 to 1,057." in table.caption
    assert "median" not in table.caption
