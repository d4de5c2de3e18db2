"""Every caption says n, seeds, interval and split of what its figure shows."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from msd_mtl.study.page.figures.basis import tracks
from msd_mtl.study.page.figures.drawing import Picture
from msd_mtl.study.page.figures.effects import draw_effects
from msd_mtl.study.page.figures.heat_map import draw_heat_map
from msd_mtl.study.page.figures.learning_curves import draw_curves
from msd_mtl.study.page.figures.parameters import draw_parameters
from msd_mtl.study.page.figures.post_mortem import draw_post_mortem
from msd_mtl.study.page.figures.scores import draw_gains_by_size, draw_scores
from msd_mtl.study.page.groups import groups
from msd_mtl.study.page.hints import hints
from msd_mtl.study.page.sections import answers

from .made import MASKS4, TARGET, analysis, effect, reported, write_history

OVER_BOTH = "95 % intervals over seeds and test artists"
OVER_SEEDS = "95 % intervals (t over seeds)"
TEST, VALIDATION = "Test split (artist): 433 labelled tracks.", "Validation split (artist): 211 labelled tracks."


@dataclass
class Said:
    """A figure, and what its caption must say.

    Attributes:
        draw: Makes it of a study.
        interval: Of its intervals.
        split: Of its part of the data.
    """

    draw: Callable[..., Picture]
    interval: str
    split: str


def of_group(draw, place=None):
    def made(study):
        (group,) = groups(study)
        return draw(group) if place is None else draw(group)[place]

    return made


FIGURES = {
    "benefit": Said(lambda study: draw_effects("benefit", study), f"Lines: {OVER_BOTH}.", TEST),
    "size": Said(lambda study: draw_effects("size", study), f"Lines: {OVER_BOTH}.", TEST),
    "coupling": Said(lambda study: draw_effects("coupling", study), f"Lines: {OVER_BOTH}.", TEST),
    "depth": Said(lambda study: draw_effects("depth", study), f"Lines: {OVER_BOTH}.", TEST),
    "scores": Said(of_group(draw_scores), f"Bars: {OVER_BOTH}.", TEST),
    "gains by size": Said(of_group(draw_gains_by_size), f"Bars: {OVER_BOTH}.", TEST),
    "heat map": Said(of_group(draw_heat_map), f"{OVER_BOTH}: of each cell in the table of cells.", TEST),
    "parameters": Said(of_group(draw_parameters), f"Bars: {OVER_BOTH}, as wide as the widest of these sizes.", TEST),
    "curves of the error": Said(of_group(draw_curves, 0), f"Shaded: {OVER_SEEDS}.", VALIDATION),
    "curves of the score": Said(of_group(draw_curves, 1), f"Shaded: {OVER_SEEDS}.", VALIDATION),
}


def labelled(study):
    """The study with another number of labelled tracks in each part."""
    for run in study.runs:
        for part, n in (("train", 307), ("val", 211), ("test", 433)):
            run.record["data"]["labelled"][part][run.arm.target] = n
    return study


@pytest.fixture
def study(tmp_path):
    return labelled(analysis(tmp_path, sizes=(500, 2000, 8000), n_seeds=4))


@pytest.mark.parametrize("said", FIGURES.values(), ids=FIGURES)
def test_a_caption_says_n_seeds_interval_and_split(study, said):
    caption = said.draw(study).caption
    assert "n = 500, 2,000 and 8,000 training tracks; 4 seeds." in caption
    assert said.interval in caption
    assert said.split in caption


@pytest.mark.parametrize("said", FIGURES.values(), ids=FIGURES)
def test_a_caption_says_how_many_tracks_keep_the_label_of_the_target(study, said):
    assert "with the target's label" not in said.draw(study).caption
    for run in study.runs:
        run.record["config"]["data"]["target_train_size"] = 307
    told = "n = 500, 2,000 and 8,000 training tracks, 307 with the target's label; 4 seeds."
    assert told in said.draw(study).caption


def test_a_caption_says_how_many_tracks_each_split_has_where_the_auxiliaries_take_all(study):
    for run in study.runs:
        if run.arm.train_size == 8000:
            run.record["config"]["data"] |= {"train_size": None, "target_train_size": 307}
            run.record["data"]["rows"]["train"] = 8000 - 10 * run.seed
    alone = study.cells[0].arm.target
    first = next(run for run in study.runs if run.arm.train_size == 8000)
    first.record["data"]["rows"]["train"] = 307
    runs = [replace(run, arm=replace(run.arm, tasks=(alone,))) if run is first else run for run in study.runs]
    told = "n = 500, 2,000 and 7,970 to 8,000 training tracks, 307 with the target's label;"
    assert told in FIGURES["scores"].draw(replace(study, runs=tuple(runs))).caption
    only = [run for run in runs if run is not first and run.arm.train_size < 8000]
    single = replace(first, arm=replace(first.arm, tasks=(alone,)))
    assert tracks([8000], [*only, single]) == "307"
    assert tracks([], only) == "all"  # of which no run says how many these are


def test_what_a_caption_says_follows_what_is_drawn(study):
    """Fewer seeds in some cells, a size less, and two splits."""
    fewer = {"1100": 2, "0011": 3}
    cells = [
        replace(
            cell,
            n=fewer.get(cell.arm.mask, 4),
            gain=cell.gain and replace(cell.gain, n_pairs=fewer.get(cell.arm.mask, 4)),
        )
        for cell in study.cells
        if cell.arm.train_size < 8000
    ]
    contrasts = [
        replace(one, sizes=(500, 2000), effect=replace(one.effect, n_pairs=fewer.get(one.mask, 4)))
        for one in study.contrasts
    ]
    study.runs[0].record["config"]["data"]["split"] = "track"
    study.runs[1].record["data"]["labelled"]["test"][study.runs[1].arm.target] = 430
    kept = [run for run in study.runs if run.arm.train_size < 8000]
    less = replace(study, cells=tuple(cells), contrasts=tuple(contrasts), runs=tuple(kept))
    of_gains = ("gains by size", "heat map", "parameters")
    for name in ("benefit", "scores", *of_gains):
        caption = FIGURES[name].draw(less).caption
        assert "n = 500 and 2,000 training tracks; 2 to 4 seeds." in caption, name
    for name in ("scores", *of_gains):
        assert "Test split (artist or track): 430 to 433 labelled tracks." in FIGURES[name].draw(less).caption, name


def test_a_mean_over_sizes_is_said_in_the_answer_and_its_figure(study):
    (answer,) = answers(study, ["benefit"])
    assert answer.meaning in answer.picture.caption
    assert answer.meaning.endswith(", averaged over training sizes.")


def test_effects_rest_on_the_sizes_of_their_own_cells(study):
    """Another target of the study has another size."""
    (first, *_) = [one for one in study.contrasts if one.question == "benefit"]
    arm = replace(study.cells[0].arm, target="year", tasks=("year", "loudness"), train_size=64_000, mask=first.mask)
    more = replace(study, cells=(*study.cells, replace(study.cells[0], arm=arm, gain=effect(0.1))), contrasts=(first,))
    assert "n = 500, 2,000 and 8,000 training tracks;" in draw_effects("benefit", more).caption


@pytest.mark.parametrize("draw", [draw_gains_by_size, draw_parameters])
def test_panels_that_are_not_drawn_are_counted_and_nothing_rests_on_them(tmp_path, draw):
    sets = [(f"set {place}", (TARGET, f"term:{place}")) for place in range(9)]
    made = analysis(tmp_path, task_sets=sets, sizes=(500, 1000), couplings=(None,), n_seeds=2, histories=False)
    changed = {"set 3": None, "set 7": effect(5.0, n=9, spread=2.0), "set 8": effect(5.0, n=9)}
    cells = [replace(c, gain=c.gain and changed.get(c.arm.task_set, c.gain)) for c in made.cells]
    (group,) = groups(replace(made, cells=tuple(cells)))
    picture = draw(group)
    assert [panel.title for panel in picture.panels] == [f"set {place}" for place in (0, 1, 2, 4, 5, 6)]
    assert "; 2 seeds." in picture.caption
    assert picture.caption.endswith(" 2 further panels in the table of cells.")
    (group,) = groups(replace(made, cells=tuple(c for c in cells if c.arm.task_set < "set 6")))
    assert "further" not in draw(group).caption


def test_one_size_and_one_seed_are_said_as_one(tmp_path):
    (group,) = groups(labelled(analysis(tmp_path, sizes=(500,), couplings=(None,), n_seeds=1)))
    for picture in (draw_scores(group), draw_parameters(group), *draw_curves(group)):
        assert "n = 500 training tracks; 1 seed." in picture.caption
    assert f"Bars: {OVER_BOTH}." in draw_parameters(group).caption


def test_curves_name_the_sizes_that_are_drawn_and_intervals_that_are_not(tmp_path):
    made = analysis(tmp_path, masks=MASKS4, sizes=(500, 1000, 2000, 4000), couplings=(None,), n_seeds=2)
    (group,) = groups(labelled(made))
    for picture in draw_curves(group):
        assert "n = 500, 2,000 and 4,000 training tracks; 2 seeds." in picture.caption
        assert f"{OVER_SEEDS} are left out for so many lines. {VALIDATION}" in picture.caption


def test_the_post_mortem_says_what_ours_rests_on(tmp_path):
    made = labelled(reported(tmp_path, n_seeds=2, histories=False))
    for run in made.runs:
        write_history(run.folder, run.arm.target, n_epochs=2)
    by_epoch, by_size = draw_post_mortem(made, hints(made).reported)
    assert "Ours: means over seeds, up to the epoch at which the first of them stops. n = " in by_epoch.caption
    assert f"n = 1,000 training tracks; 2 seeds. Shaded: {OVER_SEEDS}. {VALIDATION}" in by_epoch.caption
    assert f"n = 500 and 1,000 training tracks; 2 seeds. No intervals are drawn. {VALIDATION}" in by_size.caption
