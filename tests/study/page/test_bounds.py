from dataclasses import replace

import numpy as np
import pytest

from msd_mtl.study.page.figures.bounds import bounds_of, cut_note
from msd_mtl.study.page.figures.drawing import whole
from msd_mtl.study.page.figures.effects import draw_effects
from msd_mtl.study.page.figures.learning_curves import draw_curves
from msd_mtl.study.page.figures.parameters import draw_parameters
from msd_mtl.study.page.figures.post_mortem import draw_post_mortem
from msd_mtl.study.page.figures.scores import draw_gains_by_size, draw_scores
from msd_mtl.study.page.groups import groups
from msd_mtl.study.page.hints import hints

from .asked import asked
from .made import TARGET, analysis, contrast, effect, reported, write_history


def wide(made, low, high):
    """The same study with intervals of scores and gains that are as wide as few seeds make them."""
    gains = {True: effect(0.1, spread=0.8), False: None}
    cells = tuple(replace(c, low=low, high=high, gain=gains[c.gain is not None]) for c in made.cells)
    return replace(made, cells=cells)


def segments(picture):
    """Ends of all vertical bars, and limits of the axes."""
    figure, limits = whole(picture)
    axes = figure.axes[0]
    bars = [path.vertices for bars in axes.collections for path in bars.get_paths()]
    bars += [line.get_xydata() for line in axes.get_lines() if len(line.get_xdata()) == 2]
    return np.concatenate(bars), limits[0]


def test_scores_are_drawn_no_further_than_the_metric_goes(tmp_path):
    made = analysis(tmp_path, sizes=(500,), couplings=(None,), n_seeds=2, histories=False)
    (group,) = groups(wide(made, -0.4, 1.7))
    picture = draw_scores(group)
    ends, (_, y) = segments(picture)
    assert (ends[:, 1].min(), ends[:, 1].max()) == (0, 1)
    assert y == (0, 1)
    assert picture.caption.endswith(
        " Intervals are cut off at 0 and 1: no AUROC lies beyond; the table of cells has them in full."
    )
    assert "cut off" not in draw_scores(groups(made)[0]).caption


def test_gains_are_drawn_no_further_than_a_difference_of_scores_goes(tmp_path):
    made = wide(analysis(tmp_path, sizes=(500, 1000), couplings=(None,), n_seeds=2, histories=False), 0.1, 0.9)
    (group,) = groups(made)
    for picture in (draw_gains_by_size(group), draw_parameters(group)):
        ends, (_, y) = segments(picture)
        assert ends[:, 1].min() == -1
        assert y[0] >= -1
        assert y[1] <= 1
        assert "cut off at \N{MINUS SIGN}1 and 1: no gain in AUROC lies beyond" in picture.caption
    assert "the table of cells has them in full" in draw_gains_by_size(group).caption
    assert "in full" not in draw_parameters(group).caption  # the table has those of each size, not of their mean
    picture = draw_effects("benefit", asked(contrast(effect=effect(0.1, spread=0.8))))
    ends, (x, _) = segments(picture)
    assert (ends[:, 0].min(), x) == (-1, (-1, 1))
    assert "cut off" in picture.caption
    slope = draw_effects("size", asked(contrast("size", effect=effect(0.1, spread=0.8))))
    assert segments(slope)[0][:, 0].min() == pytest.approx(-1.5)
    assert "cut off" not in slope.caption


def test_an_interval_that_is_cut_at_one_size_is_not_said_to_be_cut_in_the_mean(tmp_path):
    made = analysis(tmp_path, masks=("0000", "1100", "1111"), sizes=(500, 1000), couplings=(None,), histories=False)
    of_size = {500: effect(0.9, spread=0.1), 1000: effect(-0.5, spread=0.05)}
    (group,) = groups(
        replace(made, cells=tuple(replace(c, gain=c.gain and of_size[c.arm.train_size]) for c in made.cells))
    )
    assert "cut off" in draw_gains_by_size(group).caption
    ends, _ = segments(draw_parameters(group))
    assert (ends[:, 1].min(), ends[:, 1].max()) == pytest.approx((0, 0.4))
    assert "cut off" not in draw_parameters(group).caption


def test_curves_are_drawn_no_further_than_their_score_goes(tmp_path):
    made = analysis(tmp_path, masks=("0000", "1100"), sizes=(500,), couplings=(None,), n_seeds=2)
    for run in made.runs:
        write_history(run.folder, TARGET, level=0.7 + 0.25 * run.seed)
    (group,) = groups(made)
    for picture in draw_curves(group):
        ends, (_, y) = segments(picture)
        assert (ends[:, 1].min(), ends[:, 1].max(), y) == (0, 1, (0, 1))
        assert "Intervals are cut off at 0 and 1: no " in picture.caption
    again = reported(tmp_path, n_seeds=2, sizes=(1000,))
    for run in again.runs:
        write_history(run.folder, TARGET, level=0.7 + 0.25 * run.seed)
    (by_epoch, *_) = draw_post_mortem(again, hints(again).reported)
    ends, (_, y) = segments(by_epoch)
    assert (ends[:, 1].min(), ends[:, 1].max(), y) == (0, 1, (0, 1))


def test_only_what_a_metric_cannot_be_is_cut():
    assert bounds_of("r2") == (-np.inf, 1)
    assert bounds_of("r2", gain=True) == (-np.inf, np.inf)
    assert bounds_of("auroc", gain=True) == (-1, 1)
    assert cut_note("r2", [-3.0, 0.9]) == ""
    assert cut_note("r2", [-3.0, 1.1, np.nan]) == " Intervals are cut off at 1: no R² lies beyond."
    assert cut_note("rmse", [-3.0, 1.1]) == " Intervals are cut off at 0: no RMSE lies beyond."
