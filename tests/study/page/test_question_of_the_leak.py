"""The question of the splits is on the page of studies that have both, and of no others."""

import json
from dataclasses import replace

import pytest

from msd_mtl.study.page import words
from msd_mtl.study.page.figures.effects import draw_effects
from msd_mtl.study.page.hints import hints
from msd_mtl.study.page.make import make_report
from msd_mtl.study.report import verdict_table

from .made import analysis, contrast, effect

SPLITS = tuple((("data.split", split),) for split in ("artist", "track"))
SMALL = {"masks": ("0000", "1100"), "sizes": (500,), "couplings": (None,), "n_seeds": 2}
LEAK = {"reference": "split by artist", "effect": effect(0.03, "better", n=2), "sizes": (500,)}


@pytest.fixture
def both(tmp_path):
    """A study of both splits."""
    made = analysis(tmp_path / "runs", contexts=SPLITS, **SMALL)
    alone = contrast("leak", "tight, alone", mask=None, **LEAK)
    return replace(made, contrasts=(*made.contrasts, contrast("leak", **LEAK), alone))


def test_it_is_asked_of_studies_with_both_splits_and_of_those_that_name_it(tmp_path, both):
    plain = analysis(tmp_path / "plain", **SMALL)
    assert "leak" not in hints(plain).questions
    assert "leak" not in {str(cell) for cell in verdict_table(plain).columns[0].cells}
    assert hints(both).questions[-1] == "leak"
    named = replace(plain, report={"questions": ["leak"]})
    assert hints(named).questions[0] == "leak"
    asked = verdict_table(named).columns[2].cells
    assert "not asked: this needs the same runs under both splits: data.split=artist,track" in map(str, asked)


def test_it_stands_on_the_page_and_in_the_verdicts(tmp_path, both):
    page = make_report(both, tmp_path / "runs", tmp_path / "report")
    found = json.loads((page.parent / "verdicts.json").read_text())["questions"]
    assert found["leak"]["verdicts"] == {"better": 2}
    assert found["leak"]["leading"].startswith("tight, low (1100): higher by 0.030 AUROC")
    assert '<a href="#leak">Leak</a>' in page.read_text()


def test_its_figure_rests_on_the_runs_of_both_splits(both):
    for run in both.runs:
        run.record["config"]["data"]["split"] = dict(run.arm.context)["data.split"]
    picture = draw_effects("leak", both)
    assert [panel.title for panel in picture.panels] == [""]
    assert {run.arm.context for run in picture.basis.runs} == {*SPLITS}
    assert "n = 500 training tracks; 2 seeds." in picture.caption
    assert "Test split (artist or track): 900 labelled tracks." in picture.caption


def test_a_score_is_higher_or_lower_with_it():
    assert words.verdict_of(contrast("leak")).startswith("higher by 0.021 AUROC")
    assert words.verdict_of(contrast("leak", effect=effect(-0.03, "worse"))).startswith("lower by 0.030 AUROC")
