"""One script a place: a study's name is all it needs."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import SMALL

LAUNCHERS = Path(__file__).parents[1] / "launchers"
FEW = [*SMALL, "trainer.max_epochs=1", "sharing=none,low", "data.coupling=0.9", "seed=0", "baselines=false"]


def launch(script: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    found = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    command = [str(LAUNCHERS / script), *arguments]
    environment = os.environ | {"PATH": found}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("script", ["laptop.sh", "workstation.sh"])
def test_a_study_runs_by_its_name(script, tmp_path):
    done = launch(script, "demo", *FEW, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    records = [json.loads(path.read_text()) for path in tmp_path.glob("runs/*/record.json")]
    assert [record["status"] for record in records] == ["completed"] * 2
    assert {record["study"] for record in records} == {"demo"}
    assert "2 runs: 2 completed" in done.stdout


def test_without_a_cluster_the_slurm_script_says_so(tmp_path, monkeypatch):
    (tmp_path / "bash").symlink_to(shutil.which("bash") or "")
    monkeypatch.setenv("PATH", str(tmp_path))  # SLURM may be installed here, but not on this path
    done = launch("slurm.sh", "demo", *FEW, cwd=tmp_path)
    assert done.returncode == 2
    assert "hydra/launcher=slurm must find SLURM's commands on the PATH" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("script", ["laptop.sh", "workstation.sh", "slurm.sh"])
def test_a_script_without_a_study_says_how_it_is_used(script, tmp_path):
    done = launch(script, cwd=tmp_path)
    path = LAUNCHERS / script
    assert done.returncode == 2
    assert done.stderr == f"usage: {path} STUDY [overrides], such as: {path} demo\n"
