"""The figure of a question says of each contrast the sizes, metric and margin that are its own."""

from dataclasses import replace

import pytest

from msd_mtl.study.page.figures.basis import tracks
from msd_mtl.study.page.figures.drawing import whole, wrapped
from msd_mtl.study.page.figures.effects import draw_effects

from .made import TARGET, analysis, contrast, effect

SETS = (("tight", (TARGET, "term:ballad")), ("loose", (TARGET, "year")))


@pytest.fixture
def study(tmp_path):
    """Two panels, of two contrasts each, at two sizes."""
    made = analysis(
        tmp_path, masks=("0000", "1100", "0011"), task_sets=SETS, sizes=(500, 1000), couplings=(None,), histories=False
    )
    return replace(made, contrasts=tuple(one for one in made.contrasts if one.question == "benefit"))


def at(study, *sizes):
    """The study with these sizes of its contrasts."""
    contrasts = [replace(one, sizes=own) for one, own in zip(study.contrasts, sizes, strict=True)]
    return replace(study, contrasts=tuple(contrasts))


def rows(panel):
    return list(panel.draw.keywords["names"])


def test_sizes_that_are_in_no_contrast_are_not_said(study):
    picture = draw_effects("benefit", at(study, *[(1000,)] * 4))
    assert "n = 1,000 training tracks; 3 seeds." in picture.caption
    assert [panel.title for panel in picture.panels] == ["tight", "loose"]
    assert {run.arm.train_size for run in picture.basis.runs} == {1000}


def test_panels_of_different_sizes_say_theirs(study):
    picture = draw_effects("benefit", at(study, *[(500, 1000)] * 2, *[(1000,)] * 2))
    assert [panel.title for panel in picture.panels] == ["tight, n = 500 and 1,000", "loose, n = 1,000"]
    assert "n = 500 and 1,000 training tracks;" in picture.caption
    assert all("n = " not in row for panel in picture.panels for row in rows(panel))


def test_rows_of_different_sizes_say_theirs(study):
    picture = draw_effects("benefit", at(study, (500, 1000), (1000,), (1000,), (1000,)))
    assert [panel.title for panel in picture.panels] == ["tight", "loose, n = 1,000"]
    assert sorted(row.partition(", ")[2] for row in rows(picture.panels[0])) == ["n = 1,000", "n = 500 and 1,000"]
    assert all("n = " not in row for row in rows(picture.panels[1]))


def test_a_size_stays_in_the_line_of_its_name():
    title = "control misalign, recipe paper2016, n = 1,000"
    assert wrapped(title, 38) == "control misalign, recipe paper2016,\nn = 1,000"


def test_where_all_tracks_were_taken_each_seed_has_its_own_number(study):
    for run in study.runs:
        if run.arm.train_size == 1000:
            run.record["config"]["data"]["train_size"] = None
            run.record["data"]["labelled"]["train"][TARGET] = {0: 1014, 1: 1072}.get(run.seed, 1000)
    assert "n = 500 and 1,000 to 1,072 training tracks;" in draw_effects("benefit", study).caption
    assert tracks([1000], [run for run in study.runs if run.seed < 2]) == "1,014 to 1,072"
    assert tracks([1000], [run for run in study.runs if run.seed == 1]) == "1,072"


@pytest.fixture
def two_metrics(study):
    """Of another target, a gain that no AUROC could have."""
    r2 = contrast(
        target="loudness", metric="r2", sizes=(500,), effect=replace(effect(-3.0, "worse", spread=1.0), margin=0.05)
    )
    arm = replace(study.cells[1].arm, target="loudness", tasks=("loudness", "year"))
    cell = replace(study.cells[1], arm=arm, metric="r2", gain=effect(-3.0, "worse"))
    contrasts = (replace(study.contrasts[0], effect=effect(0.1, spread=0.8)), r2)
    return replace(study, cells=(*study.cells, cell), contrasts=contrasts)


def test_each_metric_has_its_own_scale_bounds_and_margin(two_metrics):
    picture = draw_effects("benefit", two_metrics)
    _, ((of_auroc, _), (of_r2, _)) = whole(picture)
    assert of_auroc == (-1, 1)
    assert of_r2[0] < -5
    assert of_r2[1] < 0.5
    assert "band: within ±0.01 AUROC or ±0.05 R² no difference that matters." in picture.caption
    assert picture.caption.count("cut off") == 1
    assert "no gain in AUROC lies beyond" in picture.caption


def test_panels_of_one_metric_have_one_scale(study):
    *others, last = study.contrasts
    picture = draw_effects("benefit", replace(study, contrasts=(*others, replace(last, effect=effect(0.5)))))
    (first, _), (second, _) = whole(picture)[1]
    assert first == second
    assert "band: within ±0.01 no difference that matters." in picture.caption


def test_without_any_reference_no_dot_is_said_to_stand_against_one(study):
    said = "each against its own reference"
    assert said in draw_effects("benefit", study).about
    without = replace(study, contrasts=tuple(replace(one, reference=None) for one in study.contrasts))
    assert said not in draw_effects("benefit", without).about


def test_masks_of_contrasts_that_are_not_drawn_are_not_in_the_legend(study):
    *others, last = study.contrasts
    without = replace(last, mask="1111", effect=effect(float("nan"), n=0))
    assert "1111" in draw_effects("benefit", replace(study, contrasts=(*others, replace(last, mask="1111")))).masks
    assert "1111" not in draw_effects("benefit", replace(study, contrasts=(*others, without))).masks
