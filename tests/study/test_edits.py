"""What is edited in ``conf/`` while runs wait for their turn reaches none of them."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import SMALL

from msd_mtl.app import conf_dir

pytestmark = pytest.mark.slow

STUDY = """# @package _global_
study: {name: edited}
data: {batch_size: 50}
recipe: {optimizer: {eps: 1.0e-5}}
hydra: {sweeper: {params: {seed: "0,1"}}}
"""

# A cluster of one job, which waits until somebody starts its script.
SLURM = {
    "sbatch": 'for script; do :; done; cp "$script" "$CLUSTER/part"; mv "$CLUSTER/part" "$CLUSTER/script"\n'
    "echo Submitted batch job 7",
    "squeue": '[ -e "$CLUSTER/over" ] || echo "7 PENDING"',
    "scontrol": 'if [ "$2" = config ]; then printf "ClusterName = c\\nMaxArraySize = 1001\\n"; '
    'else echo "JobState=COMPLETED"; fi',
    "srun": 'until command -v "$1" > /dev/null 2>&1; do shift; done; exec "$@"',
}
JOB = {
    "SLURM_JOB_ID": "7", "SLURM_JOB_NUM_NODES": "1", "SLURM_JOB_NODELIST": "here", "SLURM_NTASKS": "1",
    "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0",
}  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project whose configuration can be edited, with a study of two runs."""
    copy = tmp_path / "project"
    shutil.copytree(Path(__file__).parents[2] / "src", copy / "src", ignore=shutil.ignore_patterns("conf"))
    shutil.copytree(conf_dir(), copy / "conf")
    (copy / "conf" / "study" / "edited.yaml").write_text(STUDY)
    return copy


def edit(project: Path) -> None:
    """Change a default, a value of the study, and its choices."""
    recipe = project / "conf" / "recipe" / "default.yaml"
    text = recipe.read_text()
    assert "lr: 1.0e-3" in text
    recipe.write_text(text.replace("lr: 1.0e-3", "lr: 0.5"))
    (project / "conf" / "study" / "edited.yaml").write_text(
        STUDY.replace("batch_size: 50", "batch_size: 20").replace('"0,1"', '"0,1,2,3"')
    )


@pytest.fixture
def sweep(project: Path, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts the study with the copy of the project; ends with the test."""
    cluster = tmp_path / "cluster"
    cluster.mkdir()
    for name, script in SLURM.items():
        (cluster / name).write_text(f"#!/bin/sh\n{script}\n")
        (cluster / name).chmod(0o755)
    started = []
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("SLURM_", "SBATCH_"))}
    environment |= {"PYTHONPATH": str(project / "src"), "PYTHONSAFEPATH": "1", "CLUSTER": str(cluster)}
    environment["PATH"] = f"{cluster}:{environment['PATH']}"

    def start(*overrides: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "msd_mtl.cli", "train", "-m", "study=edited", *SMALL, "baselines=false"]
        process = subprocess.Popen(
            [*command, *overrides], cwd=tmp_path, env=environment, text=True, stderr=subprocess.PIPE
        )
        started.append(process)
        return process

    start.environment = environment  # type: ignore[attr-defined]
    yield start
    for process in started:
        process.kill()
        process.communicate()


def until(there: Callable[[], Any], sweep: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 120
    while not there():
        assert sweep.poll() is None, sweep.communicate()[1]
        assert time.monotonic() < end
        time.sleep(0.02)


def assert_unmoved(tmp_path: Path) -> None:
    records = [json.loads(path.read_text()) for path in tmp_path.glob("runs/*/record.json")]
    assert [record["status"] for record in records] == ["completed"] * 2
    assert sorted(record["seed"] for record in records) == [0, 1]
    for record in records:
        optimizer = record["config"]["recipe"]["optimizer"]
        assert (optimizer["lr"], optimizer["eps"], record["config"]["data"]["batch_size"]) == (1e-3, 1e-5, 50)
        assert record["steps"] == 3 * 200 // 50
        history = (tmp_path / "runs" / record["run_id"] / "history.csv").read_text()
        assert len(history.splitlines()) == 1 + 3


def test_a_run_that_waits_for_a_process_is_the_one_that_was_asked_for(project, sweep, tmp_path):
    process = sweep("hydra/launcher=local", "hydra.launcher.n_workers=1")
    until(lambda: list(tmp_path.glob("runs/.studies/edited/*")), process)
    edit(project)
    assert not list(tmp_path.glob("runs/*/record.json"))  # both wait
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert_unmoved(tmp_path)


def test_a_run_that_waits_in_a_queue_is_the_one_that_was_submitted(project, sweep, tmp_path):
    process = sweep("hydra/launcher=slurm", "hydra.launcher.poll_s=0.5")
    script = tmp_path / "cluster" / "script"
    until(script.exists, process)
    edit(project)
    job = subprocess.run(
        ["bash", script], cwd=tmp_path, env=sweep.environment | JOB, capture_output=True, text=True, check=False
    )
    assert job.returncode == 0, job.stderr
    (tmp_path / "cluster" / "over").touch()
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert_unmoved(tmp_path)
