"""Which process of a run speaks for it, whatever launchers say."""

import json
import os
import subprocess
import sys

import pytest
from tests.conftest import SMALL

from msd_mtl.study.processes import RANKS, is_main_process

TRAIN = [sys.executable, "-m", "msd_mtl.cli", "train", *SMALL, "baselines=false"]


@pytest.mark.parametrize("name", RANKS)
@pytest.mark.parametrize(
    ("trainer", "speaks"),
    [
        ({"devices": 1}, True),
        ({"devices": 1, "num_nodes": 1}, True),
        ({"devices": 2}, False),
        ({"devices": "auto"}, False),
        ({"devices": 1, "num_nodes": 2}, False),
    ],
)
def test_ranks_count_only_in_runs_of_several_processes(monkeypatch, name, trainer, speaks):
    for rank in RANKS:
        monkeypatch.delenv(rank, raising=False)
    assert is_main_process({"trainer": trainer})
    monkeypatch.setenv(name, "1")
    assert is_main_process({"trainer": trainer}) == speaks


@pytest.mark.slow
@pytest.mark.parametrize("sweep", [(), ("-m", "hydra/launcher=local", "hydra.launcher.n_workers=1")])
def test_a_task_of_somebody_elses_makes_a_whole_run_of_its_own(tmp_path, sweep):
    ranks = dict.fromkeys(RANKS, "1")
    done = subprocess.run(
        [*TRAIN, *sweep, "checkpoint_every_s=0"], cwd=tmp_path, env=os.environ | ranks, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (record,) = tmp_path.glob("runs/*/record.json")
    assert json.loads(record.read_text())["status"] == "completed"
    assert done.stdout  # its table
    assert [path.name for path in (tmp_path / "runs" / ".locks").iterdir()] == [record.parent.name]
