"""A study in which no run has a reference of its seed, or no predictions are left, still has its page."""

import math
from dataclasses import replace

import pytest

from msd_mtl.study.page.figures.effects import draw_effects
from msd_mtl.study.page.figures.heat_map import draw_heat_map
from msd_mtl.study.page.figures.parameters import draw_parameters
from msd_mtl.study.page.figures.scores import draw_gains_by_size, draw_scores
from msd_mtl.study.page.groups import groups
from msd_mtl.study.page.make import make_report

from .made import analysis, contrast, effect

NO_PAIR = replace(effect(math.nan, n=0), untested="no seed has a pair")


@pytest.fixture(params=["no pair", "no gain", "no contrast", "one arm", "one run", "no runs"])
def without(request, tmp_path):
    """A study without gains, or with less."""
    made = analysis(tmp_path, sizes=(500, 2000), n_seeds=2)
    gain = None if request.param == "no gain" else NO_PAIR
    cells = tuple(replace(cell, gains={}, gain=cell.gain and gain) for cell in made.cells)
    contrasts = tuple(replace(one, per_seed={}, effect=NO_PAIR) for one in made.contrasts)
    if request.param in ("no contrast", "one arm", "one run", "no runs"):
        contrasts = ()
    n_cells = {"one arm": 2, "one run": 1, "no runs": 0}.get(request.param, len(cells))
    cells = tuple(cell for cell in cells if cell.arm.mask == "1100")[:n_cells] if n_cells < len(cells) else cells
    runs = [run for run in made.runs if run.arm in {cell.arm for cell in cells}]
    if request.param == "one run":
        runs, cells = runs[:1], (replace(cells[0], n=1, low=math.nan, high=math.nan),)
    return replace(made, cells=cells, contrasts=contrasts, runs=tuple(runs))


def test_no_figure_of_gains_is_drawn_without_a_pair(without):
    for group in groups(without):
        assert draw_scores(group).caption
        assert [draw(group) for draw in (draw_gains_by_size, draw_heat_map, draw_parameters)] == [None] * 3
    assert [draw_effects(question, without) for question in ("benefit", "size", "coupling", "depth")] == [None] * 4


def test_its_page_is_made(without, tmp_path):
    assert make_report(without, tmp_path / "runs", tmp_path / "report").is_file()


def test_one_pair_at_one_of_two_sizes_is_drawn(tmp_path):
    made = analysis(tmp_path, sizes=(500, 2000), couplings=(None,), masks=("0000", "1100", "1111"), histories=False)
    cells = [replace(cell, gain=cell.gain and NO_PAIR) for cell in made.cells]
    cells[1] = replace(cells[1], gain=effect(0.1, n=1))
    (group,) = groups(replace(made, cells=tuple(cells)))
    picture = draw_gains_by_size(group)
    assert "; 1 seed. " in picture.caption
    assert picture.masks == ["1100"]


def test_a_contrast_in_which_the_reference_cancels_is_drawn_where_no_gain_is_known(tmp_path):
    made = analysis(tmp_path / "runs", masks=("0000", "1100", "0011"), sizes=(500,), couplings=(None,), n_seeds=4)
    where = contrast("depth", "tight, 1100 minus 0011", mask=None, effect=effect(0.1, n=2))
    cells = tuple(replace(cell, gains={}, gain=cell.gain and NO_PAIR) for cell in made.cells)
    study = replace(made, cells=cells, contrasts=(where,))
    picture = draw_effects("depth", study)
    assert "n = 500 training tracks; 2 seeds." in picture.caption
    assert "Test split (artist): 900 labelled tracks." in picture.caption
    assert {run.seed for run in picture.basis.runs} == {0, 1}
    assert {run.arm.mask for run in picture.basis.runs} >= {"1100", "0011"}
    page = make_report(study, tmp_path / "runs", tmp_path / "report").read_text()
    assert page.count("tight, 1100 minus 0011") > 1
