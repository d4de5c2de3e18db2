"""A file of the configuration folder that cannot be read ends a command with one message that names it."""

import shutil
import sys
from pathlib import Path

import pytest

from msd_mtl import cli
from msd_mtl.app import conf_dir, read_conf
from msd_mtl.errors import UserError
from msd_mtl.study.answers import arms
from msd_mtl.study.answers.report_settings import report_settings
from msd_mtl.study.identity import value_of
from msd_mtl.study.page.commands import making

BROKEN = {b"a: [1\nb: 2": "line 1, column 4", b"a: 1\na: 2": "duplicate key a", b"a: \xff": "can't decode byte 0xff"}


@pytest.fixture
def conf(tmp_path, monkeypatch):
    shutil.copytree(conf_dir(), tmp_path / "conf")
    for module in ("app", "study.answers.arms", "study.answers.report_settings", "study.page.commands"):
        monkeypatch.setattr(f"msd_mtl.{module}.conf_dir", lambda: tmp_path / "conf")
    kept = (arms._sharings, arms._task_sets)
    for one in kept:
        one.cache_clear()
    yield tmp_path / "conf"
    for one in kept:
        one.cache_clear()


def test_what_a_file_says_is_read_as_hydra_reads_it(tmp_path):
    file = tmp_path / "some.yaml"
    file.write_text("hydra: {sweeper: {params: {a: 1e-3, b: 2016-01-01}}}\nstudy: 3")
    said = read_conf(file)
    assert value_of(said, "hydra.sweeper.params") == {"a": 0.001, "b": "2016-01-01"}
    assert value_of(said, "study.report") is value_of(said, "data") is None


@pytest.mark.parametrize(("content", "said"), BROKEN.items())
@pytest.mark.parametrize(
    ("file", "use"),
    [
        ("study/rows.yaml", lambda: report_settings(Path("none"), "rows", [])),
        ("study/rows.yaml", lambda: making([("study=rows", "seed=0"), ("study=rows", "seed=1", "a=1")])),
        ("study/rows.yaml", lambda: making([("study=rows", "seed=0")], ("study=rows", "seed=range(0,1)"))),
        ("sharing/broken.yaml", lambda: arms.mask_name("1100")),
        ("tasks/broken.yaml", lambda: arms.is_one_task("pop")),
    ],
)
def test_a_broken_file_is_named(conf, content, said, file, use):
    (conf / file).write_bytes(content)
    with pytest.raises(UserError) as told:
        use()
    assert str(told.value).startswith(f"{conf / file} must be YAML; got ")
    assert said in str(told.value)
    assert str(told.value).endswith(". Mend it, and repeat the command.")


@pytest.mark.parametrize("content", ["", "3", "[1]", "defaults: [low]", "mask: 3", "names: 3\ntarget: 3", "names: [a]"])
def test_a_file_without_settings_of_its_own_names_nothing(conf, content):
    for group in ("sharing", "tasks"):
        (conf / group / "other.yaml").write_text(content)
    assert arms.mask_name("1100") == "low (1100)"
    assert arms.task_set(["term:pop"], "term:pop") == "pop"
    assert "other" not in {*arms._sharings().values(), *arms._task_sets().values()}


@pytest.mark.parametrize(
    ("sweeper", "what"), [("params: 3", "params"), ("grids: 3", "grids"), ("grids: {one: 3}", "grids.one")]
)
def test_what_a_study_sweeps_must_be_groups(conf, sweeper, what):
    (conf / "study" / "rows.yaml").write_text(f"hydra: {{sweeper: {{{sweeper}}}}}")
    said = rf"^hydra\.sweeper\.{what} must be a group of settings; got 3\. Mend it in the file of the study\.$"
    for command in ((), ("study=rows", "seed=range(0,1)")):
        with pytest.raises(UserError, match=said):
            making([("study=rows", "seed=0"), ("study=rows", "seed=1", "a=1")], command)


@pytest.mark.parametrize("seeds", ["glob(*)", "'0,[1'", "'range(0,a)'"])
def test_what_a_study_sweeps_may_be_left_untold(conf, seeds):
    (conf / "study" / "rows.yaml").write_text(f"hydra: {{sweeper: {{params: {{seed: {seeds}}}}}}}")
    runs = [("study=rows", "seed=0"), ("study=rows", "seed=1", "a=1")]
    assert making(runs).claim == "unknown"
    assert making(runs, ("study=rows", "sharing=low")).claim == "given"


@pytest.mark.parametrize(("file", "command"), [("conf/trainer/cpu.yaml", "status"), ("own/study/mine.yaml", "train")])
@pytest.mark.parametrize("content", BROKEN)
def test_a_command_that_meets_one_ends_with_one_message(conf, monkeypatch, capsys, content, file, command):
    path = conf.parent / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    arguments = ["--config-dir=own", "study=mine"] if command == "train" else ["study=mine"]
    monkeypatch.chdir(conf.parent)
    monkeypatch.setattr(sys, "argv", ["msd-mtl", command, *arguments])
    with pytest.raises(SystemExit, match="2"):
        cli.main()
    told = capsys.readouterr().err
    assert told.startswith(f"msd-mtl {command}: ")
    assert f"{file} must be YAML; got " in told
    assert told.count("\n") == 1
