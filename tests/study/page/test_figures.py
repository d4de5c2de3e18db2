import re
from dataclasses import replace
from itertools import pairwise

import matplotlib as mpl
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from msd_mtl.study.page.colours import style_of
from msd_mtl.study.page.data import split_table
from msd_mtl.study.page.figures.drawing import Panel, whole, wrapped
from msd_mtl.study.page.figures.effects import draw_effects, labels, titles
from msd_mtl.study.page.figures.heat_map import draw_heat_map
from msd_mtl.study.page.figures.learning_curves import draw_curves
from msd_mtl.study.page.figures.parameters import draw_parameters
from msd_mtl.study.page.figures.scores import draw_gains_by_size, draw_scores
from msd_mtl.study.page.figures.style import ALONE, SETTINGS, THICK
from msd_mtl.study.page.figures.svg import inline_svg, lay_out
from msd_mtl.study.page.groups import chosen, groups
from msd_mtl.study.page.legend import entries

from .asked import asked
from .made import MASKS4, TARGET, analysis, contrast, effect


def test_panels_differ_in_task_set_and_coupling(tmp_path):
    (group,) = groups(analysis(tmp_path, histories=False))
    assert [panel.title for panel in draw_scores(group).panels] == ["tight, coupling 0", "tight, coupling 0.9"]
    assert "training size" in draw_scores(group).title


def test_without_sizes_scores_are_drawn_against_coupling_or_sharing(tmp_path):
    (group,) = groups(analysis(tmp_path, sizes=(500,), histories=False))
    assert "planted coupling" in draw_scores(group).title
    assert draw_gains_by_size(group) is None
    (group,) = groups(analysis(tmp_path, sizes=(500,), couplings=(None,), histories=False))
    assert "by sharing" in draw_scores(group).title


def test_the_caption_names_the_levels(tmp_path):
    (group,) = groups(analysis(tmp_path, sizes=(500,), histories=False))
    caption = draw_scores(group).caption
    assert "3 seeds" in caption
    assert "best possible 0.850, linear model 0.630, without lyrics 0.500" in caption


def test_contexts_are_figures_of_their_own(tmp_path):
    contexts = ((("data.control", "null"),), (("data.control", "misalign"),))
    found = groups(analysis(tmp_path, contexts=contexts, sizes=(500,), histories=False))
    assert [group.title for group in found] == [TARGET, f"{TARGET}, data.control = misalign"]


def test_the_heat_map_has_a_column_a_coupling(tmp_path):
    (group,) = groups(analysis(tmp_path, histories=False))
    (panel,) = draw_heat_map(group).panels
    assert {column for _, column in panel.draw.keywords["table"]} == {"0", "0.9"}


@pytest.mark.parametrize(("common", "called"), [("low", "planted coupling"), ("none", "coupling that was set")])
def test_a_coupling_is_planted_only_where_worlds_have_something_in_common(tmp_path, common, called):
    made = analysis(tmp_path, sizes=(500,), histories=False)
    for run in made.runs:
        run.record["config"]["data"]["world"] = {"common": common}
    (group,) = groups(made)
    picture, axes = draw_heat_map(group), Figure().subplots()
    picture.panels[0].draw(axes)
    assert axes.get_xlabel() == called
    nothing = " (of which data.world.common=none plants nothing)" if common == "none" else ""
    assert f"Columns: {called}{nothing}. " in picture.caption
    assert draw_scores(group).title.endswith(f" by {called}")


def test_means_over_sizes_that_stand_side_by_side_are_over_the_same(tmp_path):
    made = analysis(tmp_path, sizes=(500, 1000), couplings=(0.0,), histories=False)
    (whole,) = groups(made)
    assert "over training sizes; purple" in draw_heat_map(whole).caption
    kept = [cell for cell in made.cells if (cell.arm.mask, cell.arm.train_size) != ("1100", 500)]
    kept = tuple(replace(c, gain=effect(0.5)) if c.gain and c.arm.train_size == 500 else c for c in kept)
    (group,) = groups(replace(made, cells=kept))
    picture = draw_heat_map(group)
    assert "same seed; purple" in picture.caption
    assert "n = 1,000 training tracks" in picture.caption
    assert "n = 1,000 training tracks" in draw_parameters(group).caption
    points = draw_parameters(group).panels[0].draw.keywords["points"]
    assert [point.gain for point in points] == pytest.approx([-0.004, -0.004, -0.004, -0.008])
    fields = picture.panels[0].draw.keywords["table"].values()
    assert {cell.arm.train_size for cells in fields for cell in cells} == {1000}


def test_no_heat_map_without_gains(tmp_path):
    made = analysis(tmp_path, histories=False)
    (group,) = groups(replace(made, cells=tuple(replace(cell, gain=None) for cell in made.cells)))
    assert draw_heat_map(group) is None


def test_sizes_are_chosen_evenly_with_both_ends():
    assert chosen([1, 2, 3], 3) == [1, 2, 3]
    assert chosen([500, 1000, 2000, 3000, 4000, 5000, 7500], 3) == [500, 3000, 7500]


def test_inlined_svgs_take_inks_from_the_page_and_keep_their_text():
    from matplotlib import rc_context

    from msd_mtl.study.page.figures.style import INK, PAPER, SETTINGS

    with rc_context(SETTINGS):
        figure = Figure()
        axes = figure.subplots()
        axes.plot([0, 1], [0.12345678, 1], color=INK, marker="o")
        axes.plot([0, 1], [1, 0], color="#0072b2")
        axes.axvspan(0, 1, color=PAPER)
        axes.set_title("0.123456 <b> & $x$")
        svg = inline_svg(figure, "one", "a <title>", {"#0072b2": "--m1100"})
    assert "stroke: var(--ink)" in svg
    assert "stroke: var(--m1100)" in svg
    assert "fill: var(--paper)" in svg
    assert ">0.123456 &lt;b&gt; &amp; $x$</text>" in svg
    assert '<title id="one-title">a &lt;title&gt;</title>' in svg
    assert not re.search(r'="[^"]*\d\.\d{3,}', svg)
    assert all(found.startswith("one-") for found in re.findall(r' id="([^"]+)"', svg))


def test_rows_are_named_by_what_tells_them_apart():
    names = [f"tight, coupling 0.9, {mask}, from 500 to 8,000 tracks" for mask in ("low (1100)", "full (1111)")]
    rows = [contrast("size", name, coupling=0.9) for name in names]
    assert labels(rows) == ["low (1100)", "full (1111)"]
    assert labels(rows[:1]) == ["low (1100), from 500 to 8,000 tracks"]


def test_a_long_name_of_a_row_is_wrapped_and_its_row_higher():
    name = "tight, 1000 and 1100 and 1110 minus 0001 and 0011 and 0111"
    where = {"task_set": "tight", "mask": None}
    long, plain = (contrast("depth", one, **where) for one in (name, "tight, from 0 to 4 shared layers"))
    assert labels([long]) == ["1000 and 1100 and 1110 minus 0001 and 0011 and\n0111"]
    (panel,) = draw_effects("depth", asked(long)).panels
    (other,) = draw_effects("depth", asked(plain)).panels
    assert panel.height > other.height + 0.1


def test_panels_are_named_by_what_tells_them_apart():
    keys = [("year", "loose", "coupling 1", "common low"), ("year", "loose", "coupling 1", "common high")]
    assert titles(keys) == (["common low", "common high"], ["loose", "coupling 1"])
    assert titles(keys[:1]) == (["loose, coupling 1, common low"], [])
    assert titles([("year", "", "")]) == ([""], [])  # beside nothing else, nothing is plain
    assert titles([keys[0][:3], keys[0]]) == (["loose, coupling 1", "common low"], ["loose", "coupling 1"])
    assert titles([("year", "", ""), ("year", "", "", "common low")]) == (["plain", "common low"], [])
    other = ("loudness", *keys[0][1:])
    assert titles([keys[0], other]) == (["year", "loudness"], ["loose", "coupling 1", "common low"])


def test_the_caption_says_what_all_panels_have_in_common():
    contexts = ((("data.world.common", "low"),), (("data.world.common", "high"),))
    picture = draw_effects("benefit", asked(*(contrast(context=context, coupling=1.0) for context in contexts)))
    assert [panel.title for panel in picture.panels] == ["common low", "common high"]
    assert picture.caption.endswith("All panels: tight, coupling 1.")
    assert "averaged" not in picture.caption  # there is one size


def test_a_long_title_takes_lines_not_room_of_the_axes():
    long = Panel("term:pop + loudness + year + tempo + duration", lambda axes: None, height=2.0)
    assert long.heading == "term:pop + loudness + year + tempo +\nduration"
    assert long.full_height > Panel("short", lambda axes: None, height=2.0).full_height == 2.0
    assert wrapped("word " * 100, 20).count("\n") == 2


def test_no_band_runs_through_the_names_of_rows():
    from msd_mtl.study.page.figures.style import PAPER

    axes = Figure().subplots()
    draw_effects("benefit", asked(contrast())).panels[0].draw(axes)
    (label,) = axes.texts
    assert label.get_bbox_patch().get_facecolor()[:3] == pytest.approx(
        [int(PAPER[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    )
    assert axes.patches[0].get_zorder() <= label.get_zorder() < min(line.get_zorder() for line in axes.lines[1:])


def test_the_caption_of_scores_names_the_prevalence(tmp_path):
    (group,) = groups(analysis(tmp_path, sizes=(500,), histories=False))
    assert f"Prevalence of {TARGET}: 0.490." in draw_scores(group).caption


WITH_ALONE = {"task_sets": (("pop", (TARGET,)), ("tight", (TARGET, "term:ballad"))), "couplings": (None,)}


def test_the_target_alone_looks_like_no_sharing_nor_any_other_mask(tmp_path):
    assert {ALONE.marker, ALONE.dash}.isdisjoint(
        part for m in MASKS4 for part in (style_of(m).marker, style_of(m).dash)
    )
    (group,) = groups(analysis(tmp_path, masks=("0000", "1100"), n_seeds=2, **WITH_ALONE))
    for picture in (draw_scores(group), *draw_curves(group)):
        lines = whole(picture)[0].axes[0].get_lines()
        assert {line.get_marker() for line in lines} >= {"o", "v", "X"}
        assert {line.get_marker() for line in lines if line.get_linewidth() == THICK} == {"X"}
        swatches = {label: swatch for swatch, label in entries(picture)}
        assert swatches["target alone"] != swatches["none (0000)"].replace("--m0000", "--ink")
        assert f'stroke-width="{THICK}"' in swatches["target alone"]


def test_a_legend_is_as_wide_as_its_picture(tmp_path):
    made = analysis(tmp_path, masks=MASKS4, sizes=(500,), couplings=(None,), histories=False)
    (group,) = groups(made)
    picture = draw_scores(group)
    figure, _ = whole(picture)
    FigureCanvasAgg(figure).draw()
    (legend,) = figure.legends
    assert len(legend.get_texts()) == 19
    box, axes = legend.get_window_extent(), figure.axes[0]
    assert figure.bbox.x0 <= box.x0
    assert box.x1 <= figure.bbox.x1
    assert box.y0 >= axes.title.get_window_extent().y1
    ticks = [label.get_window_extent() for label in axes.get_xticklabels()]
    assert all(one.x1 <= other.x0 for one, other in pairwise(ticks))


def test_panels_stand_in_the_order_of_the_tables(tmp_path):
    sets = (("tight", (TARGET, "term:ballad")), ("loose", (TARGET, "year")))
    made = analysis(tmp_path, task_sets=sets, sizes=(500,), couplings=(None,), n_seeds=1)
    (group,) = groups(made)
    for picture in (draw_scores(group), draw_parameters(group), *draw_curves(group)):
        assert [panel.title for panel in picture.panels] == ["tight", "loose"]
    table = draw_heat_map(group).panels[0].draw.keywords["table"]
    assert list(dict.fromkeys(column for _, column in table)) == ["tight", "loose"]
    assert [row["data"] for row in split_table(made).rows] == ["tight", "loose"]


def test_networks_of_one_size_are_not_drawn_by_their_size(tmp_path):
    made = analysis(tmp_path, sizes=(500,), couplings=(None,), histories=False)
    same = replace(made, cells=tuple(replace(c, n_parameters=5_806_000 + n) for n, c in enumerate(made.cells)))
    assert draw_parameters(groups(same)[0]) is None
    assert draw_parameters(groups(made)[0]) is not None


@pytest.mark.parametrize(("canvas", "ending"), [(FigureCanvasSVG, "svg"), (FigureCanvasPdf, "pdf")])
def test_a_figure_that_is_laid_out_first_is_the_same_file(canvas, ending, tmp_path):
    metadata = {"Date": None} if ending == "svg" else {"CreationDate": None}
    for name, is_first in (("first", True), ("when saved", False)):
        with mpl.rc_context(SETTINGS):
            figure = Figure(figsize=(3, 2), layout="constrained")
            figure.subplots().set_xlabel("a label\nof two lines")
            if is_first:
                lay_out(figure, canvas)
            figure.savefig(tmp_path / f"{name}.{ending}", metadata=metadata)
    first, when_saved = ((tmp_path / f"{name}.{ending}").read_bytes() for name in ("first", "when saved"))
    assert first == when_saved
