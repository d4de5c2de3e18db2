import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy import stats

from msd_mtl.study.answers.types import Arm
from msd_mtl.study.summary import estimate, summarise
from msd_mtl.study.summary_figure import draw_summary


def arms(records):
    """What the records are compared by."""
    cells = {one["run_id"]: one["cell"] for one in records}
    return {
        run: Arm("s", ("t", "u"), cell["target"], "".join(map(str, cell["sharing_mask"])), 1, cell["coupling"], ())
        for run, cell in cells.items()
    }


def record(mask, coupling, seed, score, target="term:pop", metric="auroc"):
    return {
        "run_id": str((mask, coupling, seed)),
        "cell": {"sharing_mask": mask, "coupling": coupling, "target": target},
        "seed": seed,
        "parameters": {"total": 10},
        "metrics": {"test": {target: {metric: score}}},
        "baselines": {},
        "bayes": {"test": {}},
    }


def test_interval_is_students_t():
    values = [0.6, 0.65, 0.63, 0.7]
    low, high = stats.t.interval(0.95, 3, loc=np.mean(values), scale=stats.sem(values))
    ours = estimate(values)
    assert (ours.mean - ours.half_width, ours.mean + ours.half_width) == pytest.approx((low, high))


def test_one_seed_has_no_interval():
    assert np.isnan(estimate([0.5]).half_width)


def test_gains_are_paired_by_seed_within_a_coupling():
    records = [record([0, 0], 0.0, seed, 0.5 + 0.1 * seed) for seed in range(3)]
    records += [record([1, 0], 0.0, seed, 0.52 + 0.1 * seed) for seed in reversed(range(4))]
    records += [record([1, 0], 0.9, 0, 0.9)]
    none, low, coupled = summarise(records, arms(records))
    assert none.gain is None
    assert low.gain.values == pytest.approx((0.02, 0.02, 0.02))  # seed 3 has no pair
    assert low.gain.half_width == pytest.approx(0, abs=1e-12)
    assert coupled.gain.values == ()


def test_a_smaller_error_is_a_gain():
    of_year = {"target": "year", "metric": "rmse"}
    records = [record([0, 0], None, seed, 10.0 + seed, **of_year) for seed in range(2)]
    records += [record([1, 0], None, seed, 9.5 + seed, **of_year) for seed in range(2)]
    assert summarise(records, arms(records))[1].gain.values == pytest.approx((0.5, 0.5))


def test_intervals_of_few_seeds_are_drawn_no_further_than_the_metric_goes(tmp_path, monkeypatch):
    figures = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, file, **_: (figures.append(figure), file.touch()))
    scores = {(0, 0, 0, 0): (0.5, 0.7), (1, 1, 0, 0): (0.9, 0.6)}
    made = [record(mask, 0.5, seed, score) for mask, ones in scores.items() for seed, score in enumerate(ones)]
    draw_summary(tmp_path / "demo.png", summarise(made, arms(made)), "term:pop", "auroc")
    (figure,) = figures
    for axes, (low, high) in zip(figure.axes, ((0, 1), (-1, 1)), strict=True):
        bars = [path.vertices[:, 1] for bars in axes.collections[1::2] for path in bars.get_paths()]
        assert (np.min(bars), np.max(bars)) == pytest.approx((low, high))
        assert axes.get_ylim() == (low, high)
    said = figure.get_supxlabel()
    assert "cut off at 0 and 1: no auroc" not in said
    assert "Intervals are cut off at 0 and 1: no AUROC lies beyond." in said
    assert "cut off at \N{MINUS SIGN}1 and 1: no gain in AUROC lies beyond." in said
