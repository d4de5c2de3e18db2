"""What a command says where it cannot go on: who says it, and what to do next."""

import ast
import errno
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from msd_mtl import data
from msd_mtl.app import one_message
from msd_mtl.study import train
from msd_mtl.study.cell import Cell
from msd_mtl.study.identity import resolved

from .test_cli import FAST, msd_mtl
from .test_configs import composed


def test_a_file_that_is_not_there_is_one_line_with_what_to_do(capsys):
    with pytest.raises(SystemExit, match="2"), one_message("train"):
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", "x")
    assert capsys.readouterr().err.endswith("No such file or directory: x. See whether it is there, and whose it is.\n")


@pytest.mark.parametrize("wrong", ["data.trainsize=5", "seed=a", "sharing.mask=[1]", "study.name=a,b"])
def test_the_demo_signs_its_own_errors(wrong, tmp_path):
    done = msd_mtl("demo", *FAST, wrong, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("msd-mtl demo: ")


def test_a_file_in_the_place_of_a_run_is_named_with_its_folder(tmp_path):
    (tmp_path / "record.json").write_text("{}")
    done = msd_mtl("evaluate", "run=./record.json", cwd=tmp_path)
    said = "run must be a run directory; got record.json, a file. Name the folder of a run: run=DIR."
    assert (done.returncode, done.stderr) == (2, f"msd-mtl evaluate: {said}\n")


@pytest.mark.parametrize("command", ["status", "report", "dashboard"])
def test_a_file_in_the_place_of_all_runs_is_named(command, tmp_path):
    (tmp_path / "taken").touch()
    done = msd_mtl(command, "study=s", "runs_dir=taken", cwd=tmp_path)
    said = "runs_dir must be a folder of runs; got taken, a file. Set runs_dir=DIR."
    assert (done.returncode, done.stderr) == (2, f"msd-mtl {command}: {said}\n")


def test_names_are_printed_as_they_are(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(train, "launched", [Cell("0" * 16, (":heart: [bold]",), {"runs_dir": str(tmp_path)})])
    train.show_sweep()
    assert capsys.readouterr().out == f"1 runs: 1 missing\n  missing {'0' * 16} :heart: [bold]\n"


def test_every_console_prints_names_as_they_are():
    calls = [
        (path.name, ast.unparse(node))
        for path in Path(train.__file__).parents[1].rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Console"
    ]
    assert len(calls) > 5
    assert [call for call in calls if "emoji=False" not in call[1] and "quiet=True" not in call[1]] == []


def settings_named(path: Path) -> Iterator[str]:
    """Names under ``data.`` in what a file of the package says when it refuses something, as far as it spells them."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "UserError":
            texts = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
            for text in texts:
                yield from re.findall(r"\bdata\.([a-z_]+(?:\.[a-z_]+)*)", text if isinstance(text, str) else "")


def test_every_setting_of_the_data_that_a_message_names_is_one():
    there = set()
    for choice in ("data=synthetic", "data=msd"):
        found = resolved(composed("train", choice, *(["data.store=store.h5"] if choice == "data=msd" else [])))["data"]
        there |= {*found, *(f"world.{key}" for key in found.get("world", ()))}
    named = {name for path in Path(data.__path__[0]).rglob("*.py") for name in settings_named(path)}
    assert {"world.n_words", "train_size"} <= named
    assert named <= there
