"""Records that somebody has edited by hand: every command says which, and none ends in a traceback."""

import copy
import json
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import SMALL, composed

from msd_mtl.errors import UserError
from msd_mtl.study import dashboard, launch, status, train
from msd_mtl.study.answers.analyse import analyse
from msd_mtl.study.cell import COMPLETED, Cell, attempt, mark_failed, name_of
from msd_mtl.study.damage import SHOWN, check_shown, lacks
from msd_mtl.study.evaluate import evaluate
from msd_mtl.study.identity import resolved, run_id
from msd_mtl.study.index import add_sweep
from msd_mtl.study.page.figures.drawing import Drawn
from msd_mtl.study.page.make import make_report
from msd_mtl.study.page.table import Table
from msd_mtl.study.record import error_of, read_record, write_record
from msd_mtl.study.run import run_once
from msd_mtl.study.tables import run_table, sweep_table

pytestmark = pytest.mark.usefixtures("undrawn")

STUDY = ("baselines=false", "trainer.max_epochs=1", "study.name=s")
ERRORS = {
    "text": ("it [/b] broke", "it [/b] broke"),
    "no kind": ({"message": "disk full"}, "None: disk full"),
    "whole": ({"kind": "E", "message": "no [number]", "task": "year", "step": 3}, "E (task year, step 3): no [number]"),
}


def edit(folder: Path, key: str | tuple[str, ...], *value: object) -> None:
    """Give an entry of a record another value, or take it out."""
    path = folder / "record.json"
    record = json.loads(path.read_text())
    *parents, leaf = key.split(".") if isinstance(key, str) else key
    node = record
    for parent in parents:
        node = node[parent]
    node.pop(leaf, None)
    if value:
        (node[leaf],) = value
    path.write_text(json.dumps(record, indent=1) + "\n")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The directory of a completed run, which tests edit copies of."""
    return run_once(composed(tmp_path_factory.mktemp("made"), *SMALL, *STUDY, "seed=0"))[0]


@pytest.fixture
def entered(small_run, made):
    """A study of two runs, of which the second has failed."""
    config = [resolved(small_run(*STUDY, f"seed={i}")) for i in "01"]
    cells = [Cell(name_of(one), (f"seed={one['seed']}", "tasks.target='lastfm:[/b]'"), one) for one in config]
    add_sweep(cells[0].folder.parent, "s", cells)
    shutil.copytree(made, cells[0].folder)
    edit(cells[0].folder, "config.runs_dir", config[0]["runs_dir"])
    mark_failed(cells[1], "UserError", "it broke")
    return cells


@pytest.mark.parametrize(("error", "said"), ERRORS.values(), ids=ERRORS)
def test_an_error_is_told_however_it_stands(entered, monkeypatch, capsys, error, said):
    done, failed = entered
    edit(failed.folder, "error", error)
    assert error_of(read_record(failed.folder)) == said
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.setattr(launch, "launched", entered)
    monkeypatch.setattr(train, "launched", entered)
    train.show_sweep()
    assert f"seed=1: {said}" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["msd-mtl", "study.name=s", f"runs_dir={done.folder.parent}"])
    with pytest.raises(SystemExit, match="1"):
        status.main()
    assert said in capsys.readouterr().out
    assert [one.error for one in analyse(done.folder.parent, "s").failed] == [said]
    mark_failed(failed, "OSError", "another")
    assert read_record(failed.folder)["attempts"][-1]["error"] == error


def test_a_run_that_fails_as_it_did_before_says_when(entered):
    done, failed = (cell.folder / "record.json" for cell in entered)
    said = failed.read_bytes()
    for record in (done, failed):
        os.utime(record, (1, 1))
    for cell in entered:
        mark_failed(cell, "UserError", "it broke")
    assert failed.stat().st_mtime > 1
    assert failed.read_bytes() == said
    assert done.stat().st_mtime == 1


@pytest.mark.parametrize("lacking", ["epochs", "cell.target", "metrics.val", "parameters.shared", "bayes"])
def test_a_completed_record_that_lacks_something_is_named(entered, monkeypatch, capsys, lacking):
    done = entered[0]
    edit(done.folder, lacking)
    message = rf"record must have all that a completed run leaves; got .*{done.run_id}.record\.json without .*{lacking}"
    with pytest.raises(UserError, match=message):
        check_shown(done.folder, read_record(done.folder))
    with pytest.raises(UserError, match=r"study must have completed runs in .*; got 's' with none"):
        dashboard.shown(done.folder.parent, "s")
    said = capsys.readouterr().err
    assert f"Run {done.run_id} is left out: its record lacks " in said
    assert lacking in said
    monkeypatch.setattr(train, "launched", entered[:1])
    assert not train.show_sweep().is_complete
    shown = capsys.readouterr().out
    assert f"1 runs: 1 damaged\n  damaged {done.run_id}: its record lacks " in shown
    assert "Target on test" not in shown


def test_a_run_whose_record_does_not_say_that_it_is_done_is_made_again(entered):
    done = entered[0]
    edit(done.folder, "status")
    assert run_once(done.config)[1]["attempts"] == [
        {"started_at": read_record(done.folder)["attempts"][0]["started_at"], "ended": "interrupted"}
    ]


def test_a_record_of_another_schema_is_refused_and_kept(entered):
    edit(entered[0].folder, "schema_version", 0)
    with pytest.raises(UserError, match=r"record must have schema version 1; got 0 in .*record\.json"):
        run_once(entered[0].config)


def test_a_run_found_done_without_its_scores_is_one_clear_message(entered, monkeypatch, capsys):
    from hydra.core.global_hydra import GlobalHydra

    done = entered[0]
    edit(done.folder, "best_epoch")
    GlobalHydra.instance().clear()
    settings = ["baselines=false", "trainer.max_epochs=1", "study.name=s", "seed=0", f"runs_dir={done.folder.parent}"]
    monkeypatch.setattr(sys, "argv", ["msd-mtl", *SMALL, *settings, f"hydra.run.dir={done.folder.parent}"])
    with pytest.raises(SystemExit, match="2"):
        train.main()
    assert "without best_epoch. Delete it, and repeat the command" in capsys.readouterr().err


def keys(node: dict, *parents: str) -> list[tuple[str, ...]]:
    below = [key for name, item in node.items() if isinstance(item, dict) for key in keys(item, *parents, name)]
    return [*((*parents, name) for name in node), *below]


CHANGES = {"not there": (), "text": ("text",), "null": (None,)}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_every_entry_that_a_table_needs_is_checked(entered, change):
    folder = entered[0].folder
    whole = json.loads((folder / "record.json").read_text())
    assert not lacks(whole, SHOWN)
    for key in keys({name: item for name, item in whole.items() if name not in ("config", "environment")}):
        record = copy.deepcopy(whole)
        node = record
        for parent in key[:-1]:
            node = node[parent]
        del node[key[-1]]
        if change:
            (node[key[-1]],) = change
        if key != ("status",) and not lacks(record, SHOWN):
            run_table(record)
            sweep_table([record], 80)


@pytest.fixture
def pair(entered):
    """Folders of two completed runs that differ in sharing: one is a copy of the other but for that."""
    done, failed = (cell.folder for cell in entered)
    record = read_record(done)
    record["config"]["sharing"]["mask"] = record["cell"]["sharing_mask"] = [1, 1, 1, 1]
    record["run_id"] = run_id(record["config"], record["data"]["fingerprint"])
    shutil.rmtree(failed)
    shutil.copytree(done, done.parent / record["run_id"])
    write_record(done.parent / record["run_id"], record)
    cells = [replace(entered[0], run_id=name) for name in (done.name, record["run_id"])]
    shutil.rmtree(done.parent / ".studies")
    add_sweep(done.parent, "s", cells)
    return [done, done.parent / record["run_id"]]


LEFT = ("schema_version", "status", "config", "environment")
OF_CONFIG = [("config", *key.split(".")) for key in ("data.name", "data.split", "data.train_size", "data.coupling")]
OF_CONFIG += [("config", *key.split(".")) for key in ("tasks.names", "tasks.target", "sharing.mask", "study")]


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_every_entry_that_a_report_needs_is_checked(pair, monkeypatch, tmp_path, change):
    monkeypatch.setattr(
        "msd_mtl.study.page.make.draw_all", lambda pictures, folder: {one.name: Drawn(one, ()) for one in pictures}
    )
    monkeypatch.setattr(Table, "write", lambda table, folder: None)
    monkeypatch.setattr(
        "msd_mtl.study.answers.reading.told_by_composing", lambda *_: ({}, set())
    )  # composes, a hundred times
    whole = [read_record(folder) for folder in pair]
    runs_dir, listed = pair[0].parent, []
    of_record = keys({name: item for name, item in whole[0].items() if name not in LEFT})
    others = {*whole[0]["cell"]["tasks"]} - {
        whole[0]["cell"]["target"]
    }  # each entry of theirs is as that of the target
    for key in [*(key for key in of_record if not others & {*key}), *OF_CONFIG]:
        for folder, record in zip(pair, whole, strict=True):
            write_record(folder, record)
            edit(folder, key, *change)
        analysis = analyse(runs_dir, "s", n_bootstrap=20)
        if analysis.runs:  # else the command makes no page
            assert make_report(analysis, runs_dir, tmp_path / "report").is_file(), key
        else:
            assert all("its record lacks" in one.error for one in analysis.damaged), key
            listed.append(".".join(key))
    assert {"data.labelled", "data.rows", "data.prevalence.test", "metrics.test"} <= set(listed)
    assert change or "config.data.split" in listed


EDITS = {
    "timing_s.total": "ten",
    "timing_s": 7,
    "parameters.total": "many",
    "epochs": None,
    "started_at": "yesterday",
    "metrics.test.term:pop.auroc": "good",
    "metrics.test": None,
    "bayes.test": [],
    "data.rows": "all",
    "data.coupling": {"term:ballad": {"label": "close"}},
    "data.coupling.term:ballad.planted": {"planted": "half"},
    "config.data.world": "flat",
    "cell.target": "year",
    "config.data": 3,
    "config.data.split_seed": [1],
    "config.tasks.names": [1, 2],
    "config.sharing.mask": [1, "x", 0, 0],
    "seed": "zero",
    "attempts": "two",
}


@pytest.mark.parametrize(("key", "value"), EDITS.items(), ids=EDITS)
def test_what_is_not_what_it_should_be_is_told_by_every_command(entered, monkeypatch, capsys, key, value):
    done, failed = entered
    edit(done.folder, key, value)
    runs_dir, told = done.folder.parent, f"its record lacks {'metrics.test.year' if key == 'cell.target' else key}"
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.setattr(train, "launched", [done])
    assert not train.show_sweep().is_complete
    assert told in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["msd-mtl", "study.name=s", f"runs_dir={runs_dir}"])
    with pytest.raises(SystemExit, match="1"):
        status.main()
    assert told in capsys.readouterr().out
    assert {one.run_id: told in one.error for one in analyse(runs_dir, "s").damaged} == {done.run_id: True}
    with pytest.raises(
        UserError, match=r"record must have all that a completed run leaves; got .*record\.json without"
    ):
        evaluate(done.folder, "test")
    edit(failed.folder, key.split(".")[0], value)  # of a run that is made again it is no matter
    assert attempt(failed) == COMPLETED
    assert not lacks(read_record(failed.folder), SHOWN)


def test_a_record_that_cannot_be_read_has_its_run_made_again_by_a_sweep(entered, monkeypatch):
    done = entered[0]
    path = done.folder / "record.json"
    path.write_text(path.read_text().replace('"seed": 0,', '"seed": 0'))  # a comma is easily lost
    assert launch.to_make([done]) == [done]
    launch.launch_in_process([done])
    monkeypatch.setattr(train, "launched", [done])
    assert train.show_sweep().is_complete
    assert (done.folder / "record.unreadable.json").is_file()
