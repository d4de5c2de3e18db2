"""Learning curves: what they are means of, and where they end."""

import numpy as np
import pytest
from scipy import stats

from msd_mtl.study.page.figures.drawing import whole
from msd_mtl.study.page.figures.learning_curves import draw_curves
from msd_mtl.study.page.groups import groups
from msd_mtl.study.page.histories import curve_of, error_curve

from .made import TARGET, analysis, write_history


def test_curves_are_means_with_t_intervals(tmp_path):
    made = analysis(tmp_path, masks=("1100",), sizes=(500,), couplings=(None,), n_seeds=3, histories=False)
    levels = (0.6, 0.7, 0.8)
    for run, level in zip(made.runs, levels, strict=True):
        write_history(run.folder, TARGET, n_epochs=4, level=level)
    curve = curve_of(made.runs, f"val/{TARGET}/auroc")
    assert curve.epochs.tolist() == [1, 2, 3, 4]
    assert curve.mean == pytest.approx(0.7 - 0.2 / np.arange(1, 5))
    half = stats.t.ppf(0.975, 2) * np.std(levels, ddof=1) / np.sqrt(3)
    assert curve.high - curve.mean == pytest.approx(np.full(4, half))
    assert error_curve(made.runs).mean == pytest.approx(1 - curve.mean)


def test_a_curve_ends_where_the_first_of_its_runs_does_and_its_figure_says_so(tmp_path):
    made = analysis(tmp_path, masks=("0000", "1100"), sizes=(500,), couplings=(None,), n_seeds=2, histories=False)
    for run in made.runs:
        write_history(run.folder, TARGET, n_epochs=2 + run.seed, level=0.6 + 0.2 * run.seed)
    curve = curve_of([run for run in made.runs if run.arm.mask == "1100"], f"val/{TARGET}/auroc")
    assert curve.epochs.tolist() == [1, 2]
    assert curve.mean == pytest.approx([0.5, 0.6])
    assert (curve.n, np.isfinite(curve.high).all()) == (2, True)
    (group,) = groups(made)
    for picture in draw_curves(group):
        assert picture.caption.startswith("Means over seeds, up to the epoch at which the first of them stops. n = 500")
        lines = whole(picture)[0].axes[0].get_lines()
        assert [max(line.get_xdata()) for line in lines] == [2, 2]


def test_the_curve_of_a_single_run_has_no_interval(tmp_path):
    made = analysis(tmp_path, masks=("1100",), sizes=(500,), couplings=(None,), n_seeds=1)
    curve = curve_of(made.runs, f"val/{TARGET}/auroc")
    assert (len(curve.mean), np.isnan(curve.low).all()) == (12, True)


@pytest.mark.parametrize("damage", [b"\xff\xfe", b"epoch,val/x/auroc\n0,abc\n"])
def test_a_history_that_cannot_be_read_is_none(tmp_path, damage):
    runs = analysis(tmp_path, masks=("1100",), sizes=(500,), couplings=(None,), n_seeds=3).runs
    path = runs[0].folder / "history.csv"
    path.write_bytes(damage.replace(b"/x/", f"/{TARGET}/".encode()))
    assert curve_of(runs, f"val/{TARGET}/auroc").n == 2


def test_runs_without_a_history_have_no_curve(tmp_path):
    made = analysis(tmp_path, histories=False)
    assert curve_of(made.runs, "val/x/auroc") is None
    assert draw_curves(groups(made)[0]) == []
