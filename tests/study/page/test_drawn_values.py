"""What is drawn is what was analysed: values read back from the marks of each figure."""

from dataclasses import replace
from statistics import mean

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from msd_mtl.study.page.colours import style_of
from msd_mtl.study.page.figures.effects import draw_effects
from msd_mtl.study.page.figures.heat_map import draw_heat_map
from msd_mtl.study.page.figures.learning_curves import draw_curves
from msd_mtl.study.page.figures.parameters import draw_parameters
from msd_mtl.study.page.figures.scores import LEVELS, draw_gains_by_size, draw_scores
from msd_mtl.study.page.figures.style import MUTED
from msd_mtl.study.page.groups import groups
from msd_mtl.study.page.histories import curve_of, error_curve
from msd_mtl.study.page.words import number

from .asked import asked
from .made import TARGET, analysis, contrast, effect

SIZES = (500, 2000)
SHARED = ("1100", "0011", "1111")


@pytest.fixture
def group(tmp_path):
    made = analysis(tmp_path, masks=("0000", *SHARED), sizes=SIZES, couplings=(0.9,))
    (found,) = groups(made)
    return found


def drawn(picture, place=0):
    axes = Figure().subplots()
    picture.panels[place].draw(axes)
    return axes


def colour(mark):
    return to_hex(mark.get_color())


def marks(axes, mask):
    """Line of a mask that joins its marks."""
    (line,) = [
        one for one in axes.get_lines() if colour(one) == style_of(mask).colour and one.get_marker() not in ("", "None")
    ]
    return line


def intervals(axes):
    """Ends of vertical bars by colour, from left to right."""
    return {
        to_hex(bars.get_color()[0], keep_alpha=False): [path.vertices[:, 1].tolist() for path in bars.get_paths()]
        for bars in axes.collections
        if len(bars.get_paths())
    }


def of_mask(group, mask):
    return sorted((c for c in group.cells if c.arm.mask == mask), key=lambda cell: cell.arm.train_size)


def test_effects_show_each_seed_the_mean_and_its_interval():
    rows = [
        contrast("benefit", mask, mask=mask, effect=found, per_seed=seeds)
        for mask, found, seeds in (
            ("1100", effect(0.021, "better"), {0: 0.001, 1: 0.05, 2: 0.012}),
            ("0011", effect(-0.034, "worse", spread=0.004), {0: -0.07, 1: -0.002, 2: -0.03}),
        )
    ]
    axes = drawn(draw_effects("benefit", asked(*rows)))
    dots = axes.collections[0].get_offsets().tolist()
    assert dots == [[value, pytest.approx(row + 0.16)] for row, c in enumerate(rows) for value in c.per_seed.values()]
    for row, one in enumerate(rows):
        of_row = [line.get_xdata() for line in axes.get_lines() if set(line.get_ydata()) == {row}]
        ends, middle = sorted(of_row, key=len, reverse=True)
        assert list(middle) == [one.effect.estimate]
        assert list(ends) == [one.effect.low, one.effect.high]


def test_gains_by_size_are_those_of_the_cells(group):
    axes = drawn(draw_gains_by_size(group))
    bars = intervals(axes)
    for mask in SHARED:
        gains = [cell.gain for cell in of_mask(group, mask)]
        assert marks(axes, mask).get_ydata() == pytest.approx([gain.estimate for gain in gains])
        assert bars[style_of(mask).colour] == [pytest.approx([gain.low, gain.high]) for gain in gains]


def test_scores_are_those_of_the_cells(group):
    axes = drawn(draw_scores(group))
    bars = intervals(axes)
    for mask in group.masks:
        cells = of_mask(group, mask)
        assert marks(axes, mask).get_ydata() == pytest.approx([cell.mean for cell in cells])
        assert marks(axes, mask).get_xdata() == pytest.approx(SIZES, rel=0.05)
        assert bars[style_of(mask).colour] == [pytest.approx([cell.low, cell.high]) for cell in cells]


def test_the_target_alone_has_its_interval_as_a_band_behind_the_sharings(tmp_path):
    sets = (("pop", (TARGET,)), ("tight", (TARGET, "term:ballad")))
    made = analysis(tmp_path, masks=("0000", "1100"), task_sets=sets, sizes=(500,), couplings=(None,), histories=False)
    pop = next(cell for cell in made.cells if cell.arm.tasks == (TARGET,))

    def with_alone(**ends):
        (group,) = groups(replace(made, cells=(replace(pop, **ends), *made.cells[2:])))
        return draw_scores(group)

    picture = with_alone(low=0.62, high=1.3)
    (band,) = drawn(picture).patches
    assert (band.get_y(), band.get_y() + band.get_height()) == pytest.approx((0.62, 1.0))  # no further than AUROC goes
    assert "Bars and band: 95 % intervals over seeds and test artists." in picture.caption
    assert not drawn(with_alone(low=np.nan, high=np.nan)).patches  # of one seed


@pytest.mark.parametrize("sizes", [SIZES, SIZES[:1]])
def test_each_grey_line_is_its_own_level(tmp_path, sizes):
    made = analysis(tmp_path, masks=("0000", "1100"), sizes=sizes, couplings=(None,), histories=False)
    levels = {"trivial": 0.51, "linear": 0.62, "bayes": 0.93}
    cells = [
        replace(cell, **{name: level + cell.arm.train_size / 1e5 for name, level in levels.items()})
        for cell in made.cells
    ]
    (group,) = groups(replace(made, cells=tuple(cells)))
    grey = {
        line.get_linestyle(): sorted(set(line.get_ydata()))
        for line in drawn(draw_scores(group)).get_lines()
        if colour(line) == MUTED
    }
    expected = {name: pytest.approx([levels[name] + size / 1e5 for size in sizes]) for name in LEVELS}
    assert grey == {dash: expected[name] for name, (_, dash) in LEVELS.items()}


def test_fields_of_the_heat_map_are_gains_of_their_mask_and_coupling(tmp_path):
    made = analysis(tmp_path, masks=("0000", *SHARED), sizes=SIZES, couplings=(0.0, 0.9), histories=False)
    cells = [
        replace(cell, gain=cell.gain and replace(cell.gain, estimate=cell.gain.estimate + cell.arm.train_size / 1e6))
        for cell in made.cells
    ]
    (group,) = groups(replace(made, cells=tuple(cells)))
    axes = drawn(draw_heat_map(group))
    rows = [label.get_text() for label in axes.get_yticklabels()]
    columns = [label.get_text() for label in axes.get_xticklabels()]
    assert columns == ["0", "0.9"]
    gains = []
    for text, field in zip(axes.texts, axes.patches, strict=True):
        x, y = text.get_position()
        row = rows[y]
        gain = mean(
            cell.gain.estimate
            for cell in group.cells
            if cell.gain and f"{cell.arm.coupling:g}" == columns[x] and cell.arm.mask in row
        )
        assert text.get_text().removesuffix(" •") == number(gain, signed=True)
        assert (field.get_x() + 0.5, field.get_y() + 0.5) == (x, y)
        red, _, blue = to_rgb(field.get_facecolor())
        assert (blue > red) == (gain > 0)  # purple: sharing helps
        gains.append(gain)
    assert len(gains) == len(SHARED) * len(columns)
    assert min(gains) < 0 < max(gains)


@pytest.mark.parametrize(("margin", "full"), [(0.01, "0.050"), (0.001, "0.011")])
def test_the_full_colour_of_the_heat_map_is_that_of_gains_that_matter_and_said(tmp_path, margin, full):
    made = analysis(tmp_path, masks=("0000", "1100"), sizes=(500,), couplings=(None,), histories=False)
    gain = replace(effect(0.011), margin=margin)
    (group,) = groups(replace(made, cells=tuple(replace(cell, gain=cell.gain and gain) for cell in made.cells)))
    picture = draw_heat_map(group)
    assert f"it harms, in full colour from {full} AUROC on." in picture.caption
    (field,) = drawn(picture).patches
    assert to_hex(field.get_facecolor()) == to_hex(colormaps["PuOr"](0.5 + 0.5 * 0.011 / float(full)))


def test_parameters_have_the_mean_gain_over_sizes_at_the_size_of_the_network(group):
    axes = drawn(draw_parameters(group))
    for mask in SHARED:
        cells, line = of_mask(group, mask), marks(axes, mask)
        assert list(line.get_xdata()) == [cells[0].n_parameters]
        assert line.get_ydata() == pytest.approx([mean(cell.gain.estimate for cell in cells)])


def test_learning_curves_are_those_of_the_histories(group):
    error, score = draw_curves(group)
    for picture, read in ((error, error_curve), (score, lambda runs: curve_of(runs, f"val/{TARGET}/auroc"))):
        for place, size in enumerate(SIZES):
            axes = drawn(picture, place)
            for mask in group.masks:
                curve = read([run for run in group.runs if (run.arm.mask, run.arm.train_size) == (mask, size)])
                line = marks(axes, mask)
                assert np.array_equal(line.get_xdata(), curve.epochs)
                assert line.get_ydata() == pytest.approx(curve.mean)
