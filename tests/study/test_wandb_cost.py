"""What W&B costs is measured by a benchmark that stays true to the code."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from msd_mtl.study.wandb_run import GuardedRun


@pytest.fixture
def wandb_cost(monkeypatch):
    """The benchmark."""
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    monkeypatch.delitem(sys.modules, "wandb_cost", raising=False)
    import wandb_cost

    return wandb_cost


@pytest.mark.usefixtures("own_wandb")
def test_the_benchmark_counts_calls_and_files(wandb_cost, tmp_path):
    originals = [vars(GuardedRun)[name] for name in ("open", "show", "close")]
    spent, sizes = wandb_cost.measure(2, tmp_path)
    assert len(list(tmp_path.glob("*/wandb/given.json"))) == len(spent) == len(sizes) == 2
    assert min(spent) > 0
    assert min(sizes) > 1000
    assert [vars(GuardedRun)[name] for name in ("open", "show", "close")] == originals


def test_every_second_of_a_call_counts_once_and_so_does_every_byte_of_a_file(wandb_cost, tmp_path, monkeypatch):
    now, shown = [0.0], []

    def show(run, *given):
        now[0] += 1
        shown.append(run.folder)

    def close(run, *given):
        now[0] += 100
        run.show()
        folder = run.folder / "wandb"
        (folder / "files").mkdir(parents=True)
        (folder / "files" / "a").write_bytes(b"8 bytes.")
        (folder / "b").write_bytes(b"3 b")
        (folder / "latest").symlink_to("files/a")
        return False  # it has nothing of W&B's, and no file that says so

    monkeypatch.setattr(wandb_cost, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    monkeypatch.setattr(wandb_cost, "RUN", [*wandb_cost.RUN, "trainer.max_epochs=2"])
    monkeypatch.setattr(GuardedRun, "open", lambda run: now.__setitem__(0, now[0] + 10_000))
    monkeypatch.setattr(GuardedRun, "show", show)
    monkeypatch.setattr(GuardedRun, "close", close)
    spent, sizes = wandb_cost.measure(2, tmp_path)
    assert spent == [10_100 + shown.count(folder) for folder in dict.fromkeys(shown)]
    assert len(spent) == 2
    assert sizes == [11, 11]
