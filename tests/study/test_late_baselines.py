"""Baselines that a completed run was made without are added by whatever asks for them, and nothing is trained."""

from types import SimpleNamespace

import pytest

from msd_mtl.study import train
from msd_mtl.study.cell import COMPLETED, Cell, attempt
from msd_mtl.study.identity import resolved
from msd_mtl.study.launch import launch_in_process
from msd_mtl.study.record import read_record
from msd_mtl.study.run import run_once
from msd_mtl.study.slurm_job import RunsOfJob

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture
def without(small_run, monkeypatch) -> Cell:
    """A completed run without baselines, as a sweep finds it that asks for them; none is trained from then on."""
    folder, record = run_once(small_run("baselines=false"))
    assert record["baselines"] == {}
    monkeypatch.setattr("msd_mtl.study.fit.fit", lambda *_: pytest.fail("it trained"))
    return Cell(folder.name, (), resolved(small_run()))


def made_by_job(cells: list[Cell]) -> None:
    """As the job of a cluster makes runs."""
    RunsOfJob(cells, n_tasks=1, threads=1)()


@pytest.mark.parametrize("launch", [launch_in_process, made_by_job])
def test_a_sweep_adds_them_wherever_it_is_made(without, launch):
    before = read_record(without.folder)
    assert not without.is_done
    launch([without])
    after = read_record(without.folder)
    assert after["baselines"]["test"]["term:pop"]["linear"]["auroc"] > 0.5
    assert after | {"baselines": {}} == before
    assert without.is_done


def test_a_sweep_says_what_it_adds_and_at_its_end_what_is_lacking(without, monkeypatch, capsys):
    monkeypatch.setattr(train, "launched", [without])
    with monkeypatch.context() as broken:
        broken.setattr("msd_mtl.study.baseline_cache.baselines", lambda *_: 1 / 0)
        launch_in_process([without])
    assert "1 completed runs are given their baselines, and not made again." in capsys.readouterr().err
    train.show_sweep()
    assert "1 of 1 completed runs lack baselines; the same command adds them." in capsys.readouterr().out
    launch_in_process([without])
    train.show_sweep()
    assert "lack baselines" not in capsys.readouterr().out


def test_the_end_of_a_sweep_counts_what_lacks_baselines_and_what_wandb_lacks(tmp_path, monkeypatch, capsys):
    stand = ("is_completed", "is_whole", "is_done")
    kinds = [(True, True, True), (True, True, False), (True, False, False), (True, False, False), (False, False, False)]
    of_all = {"overrides": (), "config": {"runs_dir": str(tmp_path)}}
    cells = [
        SimpleNamespace(run_id=str(i), **of_all, **dict(zip(stand, kind, strict=True))) for i, kind in enumerate(kinds)
    ]
    monkeypatch.setattr(train, "launched", cells)
    train.show_sweep()
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "2 of 4 completed runs lack baselines; the same command adds them.",
        "W&B lacks 1 of 4 completed runs; the same command gives them to it.",
    ]


def test_the_other_processes_of_a_run_leave_that_to_the_first(without, monkeypatch):
    monkeypatch.setattr("msd_mtl.study.run.is_main_process", lambda _: False)
    before = (without.folder / "record.json").read_bytes()
    assert attempt(without) == COMPLETED
    assert (without.folder / "record.json").read_bytes() == before
