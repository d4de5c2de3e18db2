from dataclasses import replace

import numpy as np
import pytest

from msd_mtl.study.page.figures.post_mortem import draw_post_mortem
from msd_mtl.study.page.groups import groups
from msd_mtl.study.page.hints import hints

from .made import analysis, reported


def test_a_study_says_which_questions_come_first_and_whose_curves_stand_beside_its_own(tmp_path):
    found = hints(reported(tmp_path, sizes=(1000,), n_seeds=1, histories=False))
    assert found.questions == ("size", "benefit", "coupling", "depth")
    assert found.reported.base_rate == 0.2965
    assert [len(errors) for *_, errors in found.reported.error] == [len(found.reported.epochs)] * 7
    assert found.reported.error[0][2][0] == 0.585


def test_without_a_word_of_it_all_questions_stand_in_their_order(tmp_path):
    found = hints(analysis(tmp_path, histories=False))
    assert found.questions == ("benefit", "size", "coupling", "depth")
    assert found.reported is None


def test_the_reported_curves_stand_beside_ours_under_every_recipe_and_control(tmp_path):
    made = reported(tmp_path, n_seeds=2)
    by_epoch, by_size = draw_post_mortem(made, hints(made).reported)
    titles = [panel.title for panel in by_epoch.panels]
    assert len(titles) == len(set(titles)) == 8
    assert "tight, recipe paper2016" in titles
    assert "loose, control misalign, recipe default" in titles
    assert len(by_size.panels) == 8
    assert "0.2965" in by_size.caption
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    by_epoch.panels[titles.index("tight, recipe paper2016")].draw(axes)
    drawn = [line.get_ydata()[0] for line in axes.get_lines() if line.get_linestyle() == ":"]
    assert drawn == pytest.approx([0.2965, 0.585, 0.485, 0.548, 0.408])


def test_panels_that_are_not_drawn_are_counted(tmp_path):
    contexts = [(("recipe.name", f"recipe{place}"),) for place in range(7)]
    made = reported(tmp_path, contexts=contexts, n_seeds=2)
    more = [run for run in made.runs if run.arm.context == contexts[6] and run.seed == 0]
    made = replace(made, runs=tuple(run for run in made.runs if run not in more))
    for picture in draw_post_mortem(made, hints(made).reported):
        assert len(picture.panels) == 12
        assert "; 2 seeds." in picture.caption
        assert picture.caption.endswith(" 2 further panels not drawn.")
    made = reported(tmp_path, n_seeds=1)
    assert not any("further" in picture.caption for picture in draw_post_mortem(made, hints(made).reported))


def test_runs_of_other_sizes_are_not_drawn_beside_the_reported_ones(tmp_path):
    made = reported(tmp_path, sizes=(500,), n_seeds=1)
    assert draw_post_mortem(made, hints(reported(tmp_path, sizes=(1000,), n_seeds=1)).reported) == []
    assert groups(made)


@pytest.mark.parametrize("value", [{}, {"error": None}])
def test_an_error_that_a_record_does_not_tell_leaves_its_size_open(tmp_path, value):
    from matplotlib.figure import Figure

    made = reported(tmp_path, n_seeds=1)
    first = next(run for run in made.runs if run.arm.task_set == "tight" and run.arm.train_size == 1000)
    first.record["metrics"]["val"][first.arm.target] = value
    _, by_size = draw_post_mortem(made, hints(made).reported)
    axes = Figure().subplots()
    next(panel for panel in by_size.panels if panel.title.startswith("tight")).draw(axes)
    gaps = [line.get_ydata() for line in axes.get_lines() if not np.isfinite(line.get_ydata()).all()]
    assert [np.isnan(line).tolist() for line in gaps] == [[False, True]]
