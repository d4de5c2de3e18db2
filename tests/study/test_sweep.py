import pytest

from msd_mtl.study.sweep import n_runs

STUDY = {"sharing": "none,low,high", "data.coupling": "0.0,0.9", "seed": "range(0,5)"}


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [([], 30), (["seed=3"], 6), (["seed=0,1", "data.split=artist"], 12), (["data.train_size=100,200"], 60)],
)
def test_command_line_replaces_what_the_study_sweeps(overrides, expected):
    assert n_runs(STUDY, overrides) == expected
