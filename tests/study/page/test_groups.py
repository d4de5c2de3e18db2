"""Which parts of a study have figures: also a target that only occurs alone, and what is left out is counted."""

from dataclasses import replace

import pytest

from msd_mtl.study.page.figures.drawing import whole
from msd_mtl.study.page.figures.learning_curves import draw_curves
from msd_mtl.study.page.figures.scores import draw_scores
from msd_mtl.study.page.figures.style import ALONE
from msd_mtl.study.page.groups import groups
from msd_mtl.study.page.make import make_report
from msd_mtl.study.page.sections import score_pictures, undrawn

from .made import TARGET, analysis


def alone(tmp_path, target, **given):
    """A target that only occurs alone."""
    return analysis(tmp_path, masks=("0000",), task_sets=((target, (target,)),), target=target, **given)


@pytest.mark.parametrize(("sizes", "couplings"), [((500,), (None,)), ((500, 2000), (None,)), ((500,), (0.0, 0.9))])
def test_a_target_that_only_occurs_alone_has_its_scores_and_learning_curves(tmp_path, sizes, couplings):
    made = alone(tmp_path, TARGET, sizes=sizes, couplings=couplings)
    (group,) = groups(made)
    picture = draw_scores(group)
    by = {"500": "", "2000": " by training size"}[str(sizes[-1])] if couplings == (None,) else " by planted coupling"
    assert picture.title == f"Test AUROC of {TARGET}{by}"
    figure, _ = whole(picture)
    (line,) = [one for one in figure.axes[0].get_lines() if one.get_marker() == ALONE.marker]
    assert list(line.get_ydata()) == pytest.approx([cell.mean for cell in made.cells])
    assert len(figure.axes[0].collections[0].get_paths()) == len(made.cells)  # intervals
    assert picture.marks[0].label == "target alone"
    assert len(draw_curves(group)) == 2


def test_the_target_alone_at_several_sizes_and_couplings_has_a_panel_a_coupling(tmp_path):
    (group,) = groups(alone(tmp_path, TARGET, sizes=(500, 2000), couplings=(0.0, 0.9)))
    assert [panel.title for panel in draw_scores(group).panels] == [f"{TARGET}, coupling 0", f"{TARGET}, coupling 0.9"]


def test_targets_that_only_occur_alone_come_last_and_what_is_not_drawn_is_counted(tmp_path):
    contexts = [(("data.split_seed", f"{seed}"),) for seed in range(8)]
    first = alone(tmp_path / "runs", "term:ballad", sizes=(500,), couplings=(None,), histories=False)
    then = analysis(tmp_path / "then", sizes=(500,), couplings=(None,), contexts=contexts[:7], histories=False)
    made = replace(then, cells=(*first.cells, *then.cells), runs=(*first.runs, *then.runs))
    assert [group.target for group in groups(made)] == [TARGET] * 7 + ["term:ballad"]
    assert [picture.name for picture in score_pictures(made)] == [f"scores-{place}" for place in range(1, 9)]
    assert undrawn(made) == ""
    then = analysis(tmp_path / "then", sizes=(500,), couplings=(None,), contexts=contexts, histories=False)
    made = replace(then, cells=(*first.cells, *then.cells), runs=(*first.runs, *then.runs))
    assert len(score_pictures(made)) == 8
    said = "Figures show 8 combinations of target and settings; the table of cells has 1 more."
    assert undrawn(made) == said
    assert said in make_report(made, tmp_path / "runs", tmp_path / "report").read_text()
