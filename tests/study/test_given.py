"""Completed runs that W&B lacks are given to it afterwards, as they would have been while they were made."""

import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from omegaconf import DictConfig
from tests.conftest import SMALL
from tests.study.wandb_files import OFFLINE, logged, without_underscores

from msd_mtl.study import cluster, job_files, slurm, slurm_job, train, view
from msd_mtl.study.cell import BUSY, COMPLETED, Cell, attempt
from msd_mtl.study.cluster import Site
from msd_mtl.study.given import GIVEN, is_given, mark_given
from msd_mtl.study.identity import resolved
from msd_mtl.study.job_files import cells_of
from msd_mtl.study.lock import RunInProgressError, locked
from msd_mtl.study.record import RECORD, read_record, write_record
from msd_mtl.study.run import run_once
from msd_mtl.study.slurm import SlurmSettings, launch_on_slurm
from msd_mtl.study.slurm_job import RunsOfJob
from msd_mtl.study.wandb_run import GuardedRun

pytestmark = pytest.mark.usefixtures("own_wandb", "undrawn")

HERE = {"project": "msd-mtl", "entity": None}


@pytest.fixture
def made(small_run, monkeypatch) -> Path:
    """The directory of a run that was made without W&B; none is trained from then on."""
    folder, _ = run_once(small_run("baselines=false"))
    monkeypatch.setattr("msd_mtl.study.fit.fit", lambda *_: pytest.fail("it trained"))
    return folder


def constant(told: dict) -> dict:
    """What does not tell when and by which process a run was made or shown."""
    passing = ("_", "timing_s/", "started_at", "start_time", "telemetry")
    return {key: value for key, value in told.items() if not key.startswith(passing)}


def cell_of(folder: Path, cfg: DictConfig) -> Cell:
    return Cell(folder.name, (), resolved(cfg))


def test_a_run_given_afterwards_is_on_wandb_what_it_would_have_been(small_run, tmp_path):
    of_run, seen = ("tasks=loose", "study.name=trial"), ("logger=wandb", "logger.mode=offline", "logger.tags=[mine]")
    during, _ = run_once(small_run(*of_run, *seen))
    elsewhere = f"runs_dir={tmp_path / 'elsewhere'}"
    after, _ = run_once(small_run(*of_run, elsewhere))
    record = (after / RECORD).read_bytes()
    run_once(small_run("tasks=loose", "study.name=another", elsewhere, *seen))
    assert (after / RECORD).read_bytes() == record
    expected, found = logged(during), logged(after)

    assert constant(found["run"]) == constant(expected["run"])
    assert found["run"]["run_group"] == "trial"
    assert without_underscores(found["history"]) == without_underscores(expected["history"])
    assert [row["_step"] for row in found["history"]] == [0, 1, 2]
    assert constant(found["summary"]) == constant(expected["summary"])
    assert set(found["summary"]) == set(expected["summary"])
    assert found["summary"]["timing_s/total"] == json.loads(record)["timing_s"]["total"]
    assert found["exit"].get("exit_code", 0) == expected["exit"].get("exit_code", 0) == 0


@pytest.mark.parametrize("changed", ["nothing", "project", "record", "{", "[]", "files"])
def test_a_run_is_given_once_unless_it_or_the_place_has_changed(made, small_run, monkeypatch, changed):
    run_once(small_run(*OFFLINE))
    assert is_given(made, HERE)
    shown = []
    monkeypatch.setattr(GuardedRun, "open", lambda _: shown.append(changed))
    again = (*OFFLINE, "logger.project=other") if changed == "project" else OFFLINE
    match changed:
        case "record":
            write_record(made, (read_record(made) or {}) | {"baselines": {"test": {}}})
        case "{" | "[]":
            (made / GIVEN).write_text(changed)
        case "files":
            shutil.rmtree(made / GIVEN.parent)
    run_once(small_run(*again))
    assert bool(shown) == (changed != "nothing")


def test_a_run_that_is_shown_while_it_is_made_is_not_given_again(small_run, monkeypatch):
    folder, _ = run_once(small_run(*OFFLINE))
    monkeypatch.setattr(GuardedRun, "open", lambda _: pytest.fail("it is given again"))
    cfg = small_run(*OFFLINE)
    run_once(cfg)
    assert cell_of(folder, cfg).is_done


def test_what_was_cut_off_is_given_the_next_time(made, small_run, monkeypatch, capsys):
    cell = cell_of(made, small_run(*OFFLINE))
    monkeypatch.setattr(train, "launched", [cell])
    with monkeypatch.context() as broken:
        broken.setattr(GuardedRun, "_finish", lambda *_: 1 / 0)
        assert attempt(cell) == COMPLETED
    assert list(made.glob("wandb/*run-*-*"))
    assert train.show_sweep().is_complete
    assert "W&B lacks 1 of 1 completed runs; the same command gives them to it." in capsys.readouterr().out
    assert attempt(cell) == COMPLETED
    assert logged(made)["summary"]["status"] == "completed"  # of one attempt
    train.show_sweep()
    assert "W&B lacks" not in capsys.readouterr().out


def test_what_lies_elsewhere_no_longer_counts_once_its_files_are_replaced(made, small_run, monkeypatch):
    run_once(small_run(*OFFLINE))
    with monkeypatch.context() as broken:
        broken.setattr(GuardedRun, "_finish", lambda *_: 1 / 0)
        run_once(small_run(*OFFLINE, "logger.project=other"))
    assert not is_given(made, HERE)


def test_disabled_and_csv_give_nothing_and_ask_for_nothing(made, small_run):
    cells = [
        cell_of(made, small_run("baselines=false", *more)) for more in ((), ("logger=wandb", "logger.mode=disabled"))
    ]
    assert all(cell.is_done for cell in cells)
    run_once(small_run("logger=wandb", "logger.mode=disabled", "baselines=false"))
    assert not is_given(made, HERE)


def test_a_sweep_gives_a_run_with_the_baselines_that_it_adds(made, small_run):
    assert attempt(cell_of(made, small_run(*OFFLINE[:2]))) == COMPLETED  # with baselines, which this run lacks
    assert logged(made)["summary"]["baselines/test/term:pop/linear/auroc"] > 0.5
    assert is_given(made, HERE)


def test_a_run_that_another_process_makes_meanwhile_is_given_by_the_one_that_waited(small_run, monkeypatch):
    from msd_mtl.study import run

    config, there = resolved(small_run(*OFFLINE)), run.found_record
    folder, _ = run_once(small_run("baselines=false"))
    monkeypatch.setattr(run, "found_record", lambda _: None)  # it is not there yet
    monkeypatch.setattr("msd_mtl.study.fit.fit", lambda *_: pytest.fail("it trained"))
    run_once(config)
    monkeypatch.setattr(run, "found_record", there)
    assert is_given(folder, HERE)


def test_one_process_at_a_time_gives_a_run(made, small_run, monkeypatch):
    cell = cell_of(made, small_run(*OFFLINE))
    with locked(made.parent, made.name, wait=True):
        assert attempt(cell, wait=False) == BUSY

    @contextmanager
    def until_given(*_, **__):
        (made / GIVEN).parent.mkdir()
        mark_given(made, HERE)  # by the process that this one waits for
        yield

    monkeypatch.setattr(view, "locked", until_given)
    monkeypatch.setattr(GuardedRun, "open", lambda _: pytest.fail("it is given twice"))
    assert attempt(cell) == COMPLETED


def test_of_several_processes_of_a_run_one_gives_it(made, small_run, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    with locked(made.parent, made.name, wait=True):  # by the first of them
        view.show_late(resolved(small_run(*OFFLINE, "trainer=ddp")), made, wait=False)
        with pytest.raises(RunInProgressError):  # a run of one process is all its own, whatever RANK says
            view.show_late(resolved(small_run(*OFFLINE)), made, wait=False)
    assert not (made / GIVEN).exists()


def test_a_run_that_cannot_be_held_stays_completed_and_says_so(made, small_run, monkeypatch, capsys):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied", "runs/.locks/a")

    monkeypatch.setattr(view, "locked", refuse)
    assert run_once(small_run(*OFFLINE))[1]["status"] == "completed"
    said = "msd-mtl: the run is not shown (PermissionError: [Errno 13] Permission denied: 'runs/.locks/a').\n"
    assert capsys.readouterr().err.endswith(said)


def test_a_record_that_is_lost_meanwhile_is_not_shown(made, small_run, capsys):
    text = (made / RECORD).read_text()
    (made / RECORD).write_text(text.replace('"seed"', '"seed', 1))
    view.show_late(resolved(small_run(*OFFLINE)), made, wait=True)
    assert not (made / GIVEN).exists()
    assert not capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["basic", "local"])
def test_a_sweep_gives_the_runs_that_wandb_lacks_without_torch(small_run, tmp_path, launcher, monkeypatch):
    """Each sweep in a process of its own, as a user calls it."""
    (tmp_path / "absent").mkdir()
    (tmp_path / "absent" / "sitecustomize.py").write_text(
        "import os, sys\nfor name in os.environ.get('ABSENT', '').split(): sys.modules[name] = None\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'absent'}:{os.environ.get('PYTHONPATH', '')}")

    def sweep(absent: str) -> str:
        monkeypatch.setenv("ABSENT", absent)
        command = [sys.executable, "-m", "msd_mtl.cli", "train", "-m", *SMALL, *OFFLINE, "seed=0,1,2"]
        command += [f"hydra/launcher={launcher}", "hydra.launcher.n_workers=2"][: 2 if launcher == "local" else 1]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stderr

    made = [run_once(small_run("baselines=false", f"seed={seed}", *OFFLINE[: 2 * (seed == 1)]))[0] for seed in range(3)]
    records = [(folder / RECORD).read_bytes() for folder in made]
    said = sweep("torch pytorch_lightning")
    assert said.startswith(
        "msd-mtl train: 2 completed runs are given to W&B, and not made again.\n3 runs: 3 completed\n"
    )
    assert "not shown" not in said
    assert [logged(folder)["run"]["run_id"] for folder in made] == [folder.name for folder in made]
    assert sweep("torch wandb numpy pandas scipy h5py numba matplotlib sklearn submitit") == ""
    assert [(folder / RECORD).read_bytes() for folder in made] == records


def test_a_job_gives_the_runs_that_wandb_lacks(made, small_run, monkeypatch, capsys):
    cell, begun = cell_of(made, small_run(*OFFLINE)), []
    monkeypatch.setattr(slurm_job, "Pool", lambda *_: SimpleNamespace(run=begun.append))
    for module in (slurm, cluster):
        monkeypatch.setattr(module, "live_jobs", lambda: begun.append("job") or {})
    for module in (slurm, job_files):
        monkeypatch.setattr(module, "site", lambda: Site("here", 1))
    monkeypatch.setattr(slurm, "sbatch", lambda n, _, place: RunsOfJob(cells_of("1", place), 1, 1)() or ["1"])
    settings = SlurmSettings(1, 60, 1, 1, 1, 1, None, None, None, None, 60, 32, 0.01, "msd-mtl")
    launch_on_slurm([cell], settings)
    assert begun[0] == "job"
    assert [cell] in begun
    assert "1 completed runs are given to W&B" in capsys.readouterr().err
    attempt(cell)
    begun.clear()
    launch_on_slurm([cell], settings)
    assert not begun
