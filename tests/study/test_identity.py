"""What makes another run and what does not."""

import pytest

from msd_mtl.study.identity import SHARES, resolved, run_id
from msd_mtl.trainer_settings import names


@pytest.fixture
def named(small_run):
    """Name of a small run with further overrides."""
    return lambda *overrides: run_id(resolved(small_run(*overrides)), "synthetic")


@pytest.mark.parametrize("setting", SHARES)
def test_one_batch_is_another_run_than_all_of_them(named, setting):
    assert setting.removeprefix("trainer.") in names()
    assert len({named(), named(f"+{setting}=1"), named(f"+{setting}=1.0"), named(f"+{setting}=0.5")}) == 4


def test_a_number_names_a_run_however_it_is_written(named):
    assert named("++trainer.gradient_clip_val=1", "data.row_norm=30") == named(
        "++trainer.gradient_clip_val=1.0", "data.row_norm=30.0"
    )


def test_a_later_version_names_runs_of_which_training_tracks_may_keep_no_label(named, monkeypatch):
    same = [("data.train_size=60", "tasks=pop"), ("data.target_train_size=60",)]  # of the others all labels are there
    other = [
        ("data.target_train_size=60", "tasks=pop", "sharing=none"),
        ("data.target_train_size=60", "data.world.missing=0.1"),
        ("data.target_train_size=60", "data.world.missing={auxiliary: 0.1}"),
        ("data.target_train_size=60", "data.name=msd"),
    ]
    before = {overrides: named(*overrides) for overrides in (*same, *other)}
    monkeypatch.setattr("msd_mtl.study.identity.UNLABELLED_VERSION", 99)
    assert [overrides for overrides in before if named(*overrides) != before[overrides]] == other


def test_runs_keep_the_names_that_they_had(named):
    """Found by a version of this code; another default, or NUMBERS_VERSION, gives others on purpose."""
    assert named() == "f2c89b1be09f56b9"
    assert named("+trainer.limit_train_batches=1") == "d64d1efa1baa634d"
    assert named("+trainer.limit_train_batches=0.5") == "4d53b6dc8462504b"
    assert named("data.target_train_size=60") == "bcd6b55994aec82a"
