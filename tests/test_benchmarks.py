"""Benchmarks run: small, so that what they measure stays true to the code, not to see any time."""

import math
import sys
import time
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    yield
    for module in [
        name for name in sys.modules if name in ("scale", "calibration", "report") or name.startswith("speed")
    ]:
        del sys.modules[module]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Lightning's advice to the plain way
def test_every_way_of_the_speed_benchmark_makes_an_epoch(monkeypatch):
    import speed
    import speed_problem

    monkeypatch.setattr(speed_problem, "N_TRACKS", 260)
    monkeypatch.setitem(speed.CASES, "small", (150, 100, "loose", "interspersed"))
    times = speed.measure("small", 1, time.perf_counter)
    assert list(times) == list(speed.WAYS)
    assert min(min(seconds) for seconds in times.values()) > 0


def test_the_speed_benchmark_gives_ratios_within_a_repeat_and_their_interval():
    import speed

    drift = [1.0, 2.0, 4.0, 1.0, 2.0, 4.0, 1.0]  # of a machine that others slow down
    once = {"plain": 4.4, "by hand": 3.0, "ours": 1.0, "bare": 0.9, "floor": 0.5, "oneDNN": 0.25}
    times = {name: [seconds * slow for slow in drift] for name, seconds in once.items()}
    times["plain"][1] *= 1.5
    medians = [8800.0, 6000.0, 2000.0, 1800.0, 1000.0, 500.0]
    expected = [*medians, 4.4, 3.0, 2.0, 4.0, 200.0, 4.4, 6.6]
    assert [float(part) for part in speed.row("case", times).split()[1:]] == expected
    few = {name: seconds[:5] for name, seconds in times.items()}
    assert speed.row("case", few).split()[-2:] == ["nan", "nan"]


def test_the_store_of_the_scale_benchmark_makes_data(tmp_path):
    import scale
    from msd_mtl.study.fit import build_data

    scale.make_store(tmp_path / "store.h5", 2_000)
    data = build_data(scale.configuration(scale.overrides(tmp_path / "store.h5", 150, 1, tmp_path)))
    assert len(data.parts["train"]) == 150


def test_the_calibration_benchmark_counts_what_is_wrong(tmp_path):
    import calibration

    large = calibration.replace(calibration.BASE, n_artists=60, effect=0.3)
    studies = [calibration.study(large, seed) for seed in range(3)]
    assert {one.verdict for one in studies} == {"better"}
    row = calibration.row("large", studies, calibration.ASKED)
    assert row.startswith("| large | ")
    assert row.endswith(" | 100.0 / 0.0 / 0.0 / 0.0 |")
    few = calibration.study(calibration.replace(calibration.BASE, n_artists=20, prevalence=0.1), 0)
    assert math.isnan(few.covered)  # no interval is given that could hold the truth or not
    assert calibration.row("large", [*studies, few], calibration.ASKED).split("|")[-3] == row.split("|")[-3]
    (setting, each_seed), *_ = calibration.SPLITS.values()
    splits = calibration.study_of_splits(calibration.replace(setting, n_artists=60, n_seeds=2), each_seed, 0)
    line = calibration.row("splits", [splits, splits], ["leak"])
    assert line.count("|") == calibration.head(["leak"]).splitlines()[0].count("|")
    calibration.draw_power(tmp_path / "power.png", {n: {0.0: 0.02, 0.3: 1.0} for n in calibration.SEEDS}, 3)
    assert (tmp_path / "power.png").stat().st_size > 1000


def test_the_runs_of_the_report_benchmark_are_a_study(tmp_path):
    import report
    from msd_mtl.study.answers.analyse import analyse

    assert report.make_study(tmp_path / "runs", report.GRID, 160) == ("timed", 160)
    made = analyse(tmp_path / "runs", "timed", n_bootstrap=10)
    assert made.expected == len(made.runs) == 160
    assert len(made.cells) == 160
    assert made.warnings == ("term:pop: no single-task runs; gains are over no sharing (mask 0000).",)
    assert all((run.folder / "history.csv").is_file() for run in made.runs)


def test_the_runs_of_a_study_that_is_named_are_those_of_its_grids(tmp_path):
    import report
    from msd_mtl.study.answers.analyse import analyse

    assert report.make_study(tmp_path / "runs", ["study=benefit", "seed=0,1"]) == ("benefit", 36)
    made = analyse(tmp_path / "runs", "benefit", n_bootstrap=10)
    assert {run.arm.task_set for run in made.runs} == {"pop", "tight", "loose"}
    assert not made.warnings
