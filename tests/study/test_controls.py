"""What must come out of the study `controls`, on one of its worlds; all of them are in docs/studies.md."""

import pytest
from tests.study.test_studies import runs_of

from msd_mtl.study.run import run_once

SMALLER = ["data.world.n_tracks=3000", "data.train_size=1500", "trainer.max_epochs=20", "baselines=false", "seed=5"]
WHOLE = ["data.world.n_tracks=8000", "data.train_size=4000", "trainer.max_epochs=40"]  # as in the study


@pytest.fixture
def auroc(tmp_path):
    """Test AUROC of the target in a world of the study."""

    def run(sharing: str, *world: str) -> float:
        cell, *_ = runs_of("controls", *SMALLER, *world, f"sharing={sharing}", f"runs_dir={tmp_path}")
        score: float = run_once(cell.config)[1]["metrics"]["test"]["term:pop"]["auroc"]
        return score

    return run


@pytest.mark.slow
def test_low_sharing_wins_where_detectors_are_common(auroc):
    assert auroc("low", "data.world.common=low") > auroc("none", "data.world.common=low") + 0.02


@pytest.mark.slow
def test_high_sharing_wins_where_what_is_made_of_detectors_is_common(auroc):
    high = auroc("high", "data.world.common=high", *WHOLE)
    assert high > auroc("none", "data.world.common=high", *WHOLE) + 0.03
    assert high > auroc("high", "data.world.common=none", *WHOLE) + 0.03


@pytest.mark.slow
@pytest.mark.parametrize("control", ["permute_labels", "misalign"])
def test_nothing_is_found_where_there_is_nothing(auroc, control):
    assert auroc("low", f"data.control={control}", "data.world.common=low") == pytest.approx(0.5, abs=0.07)
