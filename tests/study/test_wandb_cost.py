"""What W&B costs is measured by a benchmark that stays true to the code."""

import sys
from pathlib import Path

import pytest

from msd_mtl.study.wandb_run import GuardedRun


@pytest.mark.usefixtures("own_wandb")
def test_the_benchmark_counts_calls_and_files(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    monkeypatch.delitem(sys.modules, "wandb_cost", raising=False)
    import wandb_cost

    originals = [vars(GuardedRun)[name] for name in ("open", "show", "close")]
    spent, sizes = wandb_cost.measure(2, tmp_path)
    assert len(list(tmp_path.glob("*/wandb/given.json"))) == len(spent) == len(sizes) == 2
    assert min(spent) > 0
    assert min(sizes) > 1000
    assert [vars(GuardedRun)[name] for name in ("open", "show", "close")] == originals
