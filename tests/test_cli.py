import errno
import inspect
import json
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
from omegaconf import OmegaConf

from msd_mtl import cli, trainer_settings
from msd_mtl.app import one_message
from msd_mtl.study import demo
from msd_mtl.study.cell import Cell
from msd_mtl.study.index import add_sweep
from tests.warm import msd_mtl

SMALL = ["data.world.n_tracks=600", "data.world.n_words=200", "data.world.words_per_track=20", "data.train_size=150"]
FAST = [*SMALL, "model.widths=[8,8,8,8]", "trainer.max_epochs=2", "trainer.enable_progress_bar=false"]
ONE_RUN = ["hydra.sweeper.params=null", "hydra.sweeper.grids=null"]


def test_help_names_every_command_and_imports_nothing_heavy(tmp_path):
    code = "import sys; sys.argv = ['msd-mtl', '--help']; from msd_mtl.cli import main; main(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    page, _, modules = done.stdout.rpartition("\n\n")[0], None, set(done.stdout.splitlines()[-1].split())
    assert all(command in done.stdout for command in cli.COMMANDS)
    assert page
    assert not modules & {"torch", "numpy", "hydra", "pytorch_lightning", "h5py", "matplotlib", "wandb"}


def test_a_single_run_of_a_study_says_how_all_are_made(tmp_path):
    said = "One run of study leak; the same command with -m makes all of its runs."
    done = msd_mtl("train", "study=leak", "baselines=false", *FAST, cwd=tmp_path)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, said), done.stderr
    again = msd_mtl("train", "study=leak", "baselines=false", *FAST, *ONE_RUN, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert said not in again.stdout


@pytest.mark.parametrize("command", sorted(cli.COMMANDS))
def test_every_command_explains_itself(command, tmp_path):
    done = msd_mtl(command, "--help", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Override anything in the config" in done.stdout
    assert ("sharing: full, high, interspersed, low, none" in done.stdout) == (command in ("train", "demo"))


def test_an_unknown_command_is_refused_with_the_nearest(tmp_path):
    done = msd_mtl("trian", cwd=tmp_path)
    assert done.returncode == 2
    assert "got 'trian'. Did you mean 'train'?" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("data.trainsize=5", "got 'data.trainsize'. Nearest: data.train_size"),
        ("-m sharing=low,lwo", "got 'lwo'. Did you mean 'low'?"),
        ("hydra/launcher=slrum", "Did you mean 'slurm'?"),
        ("seed=1,2", "seed must have one value in a single run; got 1,2"),
        ("recipe.task_weights={term:pop:2}", r"a colon of a name written \:"),
    ],
)
def test_a_misspelt_override_is_one_line(arguments, message, tmp_path):
    done = msd_mtl("train", *arguments.split(), cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "append to your config" not in done.stderr


def test_weights_of_tasks_are_written_as_the_message_says(tmp_path):
    done = msd_mtl("train", "--cfg", "job", r"recipe.task_weights={term\:pop rock: 2}", cwd=tmp_path)
    assert "    term:pop rock: 2\n" in done.stdout


def test_settings_of_lightning_that_are_not_in_conf_are_written_like_those_that_are(tmp_path):
    done = msd_mtl("train", "--cfg", "job", "trainer.accumulate_grad_batches=2", "trainer.max_epochs=3", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "  accumulate_grad_batches: 2" in done.stdout
    assert "  max_epochs: 3" in done.stdout


def test_names_of_lightning_are_those_that_it_takes():
    taken = inspect.signature(pl.Trainer.__init__).parameters
    assert trainer_settings.names() == tuple(taken)[1:]


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "tasks.names=[term:pop"),
        ("train", "data=msd"),
        ("train", "data=msd", "data.store=nowhere.h5"),
        ("train", "data.split=random"),
        ("evaluate", "run=nowhere"),
        ("tasks", "data.store=nowhere.h5"),
        ("prepare", "raw=nowhere", "store=store.h5"),
    ],
)
def test_a_wrong_override_ends_with_a_message_and_no_traceback(arguments, tmp_path):
    done = msd_mtl(*arguments, cwd=tmp_path)
    assert done.returncode != 0
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr


def test_a_run_ends_with_a_table(tmp_path):
    done = msd_mtl("train", *FAST, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for word in ("term:pop", "AUROC", "network", "linear", "trivial", "possible", "record.json"):
        assert word in done.stdout
    assert done.stderr == ""


def test_the_bar_of_a_run_ends_with_the_best_score_of_all_its_epochs(tmp_path):
    done = msd_mtl("train", *SMALL, "model.widths=[8,8,8,8]", "trainer.max_epochs=1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    record = json.loads(next(tmp_path.glob("runs/*/record.json")).read_text())
    assert f"epoch 1: best val/term:pop/auroc {record['metrics']['val']['term:pop']['auroc']:.4f}" in done.stdout


def test_a_failed_run_of_a_sweep_does_not_stop_the_others(tmp_path):
    done = msd_mtl("train", "-m", *FAST, "recipe.optimizer.lr=1e30,1e-3", cwd=tmp_path)
    assert done.returncode == 1
    assert "training loss must stay finite" in done.stderr
    statuses = sorted(
        path.read_text().split('"status": "')[1].split('"')[0] for path in tmp_path.glob("runs/*/record.json")
    )
    assert statuses == ["completed", "failed"]


@pytest.mark.slow
def test_two_processes_make_the_run_of_one(tmp_path):
    own = "defaults: [train, _self_]\ndata: {world: {missing: 0.6}, batch_size: 51}\nmodel: {dropout: 0}\n"
    (tmp_path / "own.yaml").write_text(own)
    same = ("--config-dir", ".", "--config-name", "own", *FAST, "tasks=loose")
    for runs, trainer in (("one", "cpu"), ("two", "ddp")):
        done = msd_mtl("train", *same, f"trainer={trainer}", f"runs_dir={runs}", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    one, two = (pd.read_csv(next(tmp_path.glob(f"{runs}/*/history.csv"))) for runs in ("one", "two"))
    assert list(one) == list(two)
    np.testing.assert_allclose(one, two, rtol=1e-4)


@pytest.mark.slow
def test_the_demo_ends_with_a_table_a_picture_and_its_report(tmp_path):
    places = ('runs_dir="runs [b]"', 'study.name="demo [b]"')  # as they are: to rich, [b] is bold
    done = msd_mtl("demo", *FAST, "seed=0,1", "sharing=none,low", "data.coupling=0.9", *places, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "4/4 runs" in done.stdout
    assert "gain over no sharing, paired by seed" in " ".join(done.stdout.split())
    assert "Picture: runs [b]/demo.png" in done.stdout
    assert (tmp_path / "runs [b]" / "demo.png").stat().st_size > 10_000
    assert "Page: reports/demo [b]/index.html" in done.stdout
    assert (tmp_path / "reports" / "demo [b]" / "verdicts.json").is_file()
    assert len(list((tmp_path / "runs [b]").glob("*/record.json"))) == 4


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("tasks data.store=x.h5 min_labelled=few", "min_labelled must be a whole number of at least 1; got 'few'."),
        ("tasks data.store=x.h5 min_positive=0", "min_positive must be a whole number of at least 1; got 0."),
        ("tasks data.store=x.h5 most=all", "most must be a whole number of at least 1; got 'all'."),
        ("status study=x watch=often", "watch must be seconds above 0, or null; got 'often'. Set watch=5."),
        ("status study=x watch=0", "watch must be seconds above 0, or null; got 0. Set watch=5."),
        ("dashboard study=x offline=maybe", "offline must be true or false; got 'maybe'. Set offline=true."),
    ],
)
def test_a_value_of_another_kind_is_one_line(command, message, tmp_path):
    done = msd_mtl(*command.split(), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, f"msd-mtl {command.split()[0]}: {message}\n")


@pytest.mark.parametrize("command", ["report", "status", "dashboard"])
def test_a_study_that_is_not_named_is_asked_for_as_it_is_written(command, tmp_path):
    done = msd_mtl(command, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == f"msd-mtl {command}: study must be set; got nothing. Add study=VALUE.\n"


@pytest.mark.parametrize(("given", "threads"), [({}, "1"), ({"OMP_NUM_THREADS": "4"}, "4")])
def test_the_demo_takes_one_thread_unless_told_otherwise(monkeypatch, given, threads):
    monkeypatch.setattr(demo.os, "environ", given)
    monkeypatch.setattr(sys, "argv", ["msd-mtl demo"])
    monkeypatch.setattr(demo, "hydra_app", lambda *_, **__: lambda run: lambda: None)
    with pytest.raises(IndexError):  # there are no records to show: nothing was run
        demo.main()
    assert given["OMP_NUM_THREADS"] == threads


@pytest.mark.parametrize("sweep", [[], ["-m"], ["-m", "hydra/launcher=local"]])
def test_a_folder_that_cannot_be_written_to_is_one_line(tmp_path, sweep):
    (tmp_path / "taken").touch()
    done = msd_mtl("train", *sweep, *FAST, "runs_dir=taken", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("msd-mtl train: files must be readable and writable; got Not a directory: taken/")
    assert done.stderr.endswith(". A file is where a folder has to be: name another folder.\n")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
def test_the_demo_mixes_no_runs_that_its_table_cannot_tell_apart(tmp_path):
    choices = ("seed=0", "sharing=none", "data.coupling=0.9", "data.train_size=150,200")
    done = msd_mtl("demo", *FAST, *choices, cwd=tmp_path)
    assert done.returncode == 2
    assert "msd-mtl demo: choices must be of sharing, data.coupling or seed; got others. Make them" in done.stderr


def test_ctrl_c_is_one_line(monkeypatch, capsys):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "import_module", lambda name: SimpleNamespace(main=interrupted))
    monkeypatch.setattr(sys, "argv", ["msd-mtl", "tasks"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "msd-mtl tasks: stopped.\n"


@pytest.mark.parametrize(
    ("paths", "where"), [((), ""), (("to",), ": to"), (("from", None, "to"), ": to")], ids=["none", "one", "two"]
)
def test_a_full_disk_is_one_line(capsys, paths, where):
    with pytest.raises(SystemExit, match="2"), one_message("train"):
        raise OSError(errno.ENOSPC, "No space left on device", *paths)
    said = "msd-mtl train: files must be readable and writable; got No space left on device"
    assert capsys.readouterr().err == f"{said}{where}. Make room on the disk, and repeat the command.\n"


def test_a_value_that_refers_to_nothing_is_one_line(capsys):
    with pytest.raises(SystemExit, match="2"), one_message("status"):
        _ = OmegaConf.create({"study": {"name": "${x}"}}).study.name
    said = "msd-mtl status: every setting must have a value; Interpolation key 'x' not found."
    assert capsys.readouterr().err == f"{said} Set study.name=VALUE.\n"


def test_an_error_that_is_of_no_file_is_no_matter_of_files():
    with pytest.raises(ConnectionResetError, match="reset"), one_message("train"):
        raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")


@pytest.fixture
def unread():
    """The end of a pipe whose other end is closed, as `head` leaves it."""
    read, write = os.pipe()
    os.close(read)
    yield write
    os.close(write)


@pytest.mark.parametrize(
    ("command", "code"),
    [("--help", 1), ("train --help", 1), ("status study=none", 1), ("trian", 2), ("train seed=a", 2)],
)
def test_output_that_nobody_reads_ends_a_command_without_a_traceback(command, code, unread, tmp_path, monkeypatch):
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)  # it would have every write fail at once
    arguments = [sys.executable, "-m", "msd_mtl.cli", *command.split()]
    add_sweep(tmp_path / "runs", "none", [Cell("first", (), {})])
    told = subprocess.run(arguments, cwd=tmp_path, stdout=unread, stderr=subprocess.PIPE, text=True, check=False)
    assert told.returncode == code
    assert len(told.stderr.splitlines()) == (code == 2)
    untold = subprocess.run(arguments, cwd=tmp_path, stdout=unread, stderr=unread, check=False)
    assert untold.returncode == 1


def test_a_run_is_made_to_its_end_though_nobody_reads_its_bar(unread, tmp_path):
    arguments = [sys.executable, "-m", "msd_mtl.cli", "train", *FAST, "trainer.enable_progress_bar=true"]
    done = subprocess.run(arguments, cwd=tmp_path, stdout=unread, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert json.loads(next(tmp_path.glob("runs/*/record.json")).read_text())["status"] == "completed"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--config-dir own sharing=mine data.trainsize=5", "got 'data.trainsize'. Nearest: data.train_size"),
        (
            "--config-dir own sharing=mnie",
            "one of full, high, interspersed, low, mine, none; got 'mnie'. Did you mean 'mine'",
        ),
        ("--config-dir won sharing=mine", "won' not found"),
    ],
)
def test_choices_of_a_folder_of_ones_own_are_known(arguments, message, tmp_path):
    (tmp_path / "own" / "sharing").mkdir(parents=True)
    (tmp_path / "own" / "sharing" / "mine.yaml").write_text("mask: [0, 1, 1, 0]\n")
    done = msd_mtl("train", *arguments.split(), cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert message in done.stderr


def own_study(folder, said):
    """A file of a study named mine, in a folder of its own beside those of the package."""
    (folder / "own" / "study").mkdir(parents=True)
    (folder / "own" / "study" / "mine.yaml").write_text(f"# @package _global_\nstudy: {{name: mine}}\n{said}\n")


@pytest.mark.parametrize("choice", ["- override /sharing: mnie", "- /sharing@other: mnie"])
def test_a_default_of_a_study_that_there_is_not_is_told_with_those_that_are(choice, tmp_path):
    own_study(tmp_path, f"defaults:\n  {choice}")
    done = msd_mtl("train", "--config-dir", "own", "study=mine", cwd=tmp_path)
    told = "sharing must be one of full, high, interspersed, low, none; got 'mnie'. Did you mean 'none'? "
    told += "It stands in the defaults of a file: see that of the study."
    assert (done.returncode, done.stderr) == (2, f"msd-mtl train: {told}\n")


@pytest.mark.parametrize("sweep", [[], ["-m"]], ids=["one run", "sweep"])
@pytest.mark.parametrize(
    ("more", "lr"), [([], 2.0e-3), (["+other=0.5", "recipe.optimizer.lr=${other}"], 0.5)], ids=["as it is", "replaced"]
)
def test_a_file_may_set_all_that_is_read_and_what_its_other_settings_refer_to(sweep, more, lr, tmp_path):
    said = "recipe: {base: 2.0e-3, optimizer: {lr: '${recipe.base}'}}\ntrainer: {limit_predict_batches: 1.0}\nseed: 7\n"
    said += "levels: '0.25'\nhydra: {sweeper: {params: {data.coupling: '${levels}'}}}\nbaselines: false\n"
    own_study(tmp_path, said)
    done = msd_mtl("train", *sweep, "--config-dir", "own", "study=mine", *FAST, *more, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (record,) = tmp_path.glob("runs/*/record.json")
    config = json.loads(record.read_text())["config"]
    assert (config["recipe"]["optimizer"]["lr"], config["seed"], config["baselines"]) == (lr, 7, False)


@pytest.mark.parametrize("sweep", [[], ["-m"]], ids=["one run", "sweep"])
@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("sharing.mask: [1, 1, 1, 1]", "got 'sharing.mask'. Write sharing: {mask: VALUE}."),
        ("data: {world.n_tracks: 9}", "got 'data.world.n_tracks'. Write data: {world: {n_tracks: VALUE}}."),
        ("data.train_size: 9", "got 'data.train_size'. Write data: {train_size: VALUE}."),
        (
            "data: {train_size: '${seed'}",
            "data.train_size must refer to another as ${KEY}; got no viable alternative at input '${seed'.",
        ),
    ],
)
def test_what_a_file_has_in_another_form_is_told_in_one_line(sweep, said, told, tmp_path):
    own_study(tmp_path, said)
    done = msd_mtl("train", *sweep, "--config-dir", "own", "study=mine", *FAST, cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert told in done.stderr


@pytest.mark.parametrize("sweep", [[], ["-m"]], ids=["one run", "sweep"])
def test_a_choice_that_the_file_of_a_study_undoes_is_one_line(sweep, tmp_path):
    own_study(tmp_path, "sharing: {mask: [1, 0, 0, 0]}")
    done = msd_mtl("train", *sweep, "--config-dir", "own", "study=mine", "sharing=low", *FAST, cwd=tmp_path)
    told = "sharing=low must set sharing.mask to [1, 1, 0, 0]; got [1, 0, 0, 0], which study mine sets after it. "
    told += "Leave sharing=low out, or set sharing.mask."
    assert (done.returncode, done.stderr) == (2, f"msd-mtl train: {told}\n")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    "file", ["defaults: [low]", "# @package _global_\nsharing: {mask: [1, 1, 0, 0]}"], ids=["inherits", "from the top"]
)
def test_a_choice_is_what_its_file_comes_to(file, tmp_path):
    own_study(tmp_path, "sharing: {mask: [1, 0, 0, 0]}")
    (tmp_path / "own" / "sharing").mkdir()
    (tmp_path / "own" / "sharing" / "mine.yaml").write_text(file)
    done = msd_mtl("train", "--config-dir", "own", "study=mine", "sharing=mine", *FAST, cwd=tmp_path)
    assert (done.returncode, "sharing=mine must set sharing.mask to [1, 1, 0, 0]" in done.stderr) == (2, True)
    done = msd_mtl("train", "--config-dir", "own", "sharing=mine", *FAST, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("sweep", [[], ["-m"]], ids=["one run", "sweep"])
def test_a_choice_is_compared_with_what_it_comes_to_beside_all_others(sweep, tmp_path):
    own_study(tmp_path, "tasks: {names: [year], target: year}")
    (tmp_path / "own" / "base.yaml").write_text("defaults: [train, {extra: '???'}, {override study: mine}, _self_]\n")
    (tmp_path / "own" / "extra").mkdir()
    (tmp_path / "own" / "extra" / "a.yaml").write_text("# @package _global_\nseed: 3\n")
    given = ["--config-dir", "own", "--config-name", "base", "extra=a", *FAST]
    done = msd_mtl("train", *sweep, *given, "tasks=pop", cwd=tmp_path)
    assert (done.returncode, "tasks=pop must set tasks.names to ['term:pop']; got ['year']" in done.stderr) == (2, True)
    done = msd_mtl("train", *sweep, *given, "sharing=full", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_what_no_sweeper_or_launcher_takes_is_named_with_what_it_does(tmp_path):
    own_study(tmp_path, "hydra: {sweeper: {param: {seed: '0,1'}}}")
    done = msd_mtl("train", "-m", "--config-dir", "own", "study=mine", cwd=tmp_path)
    told = "must have settings that it takes, max_batch_size, params, grids; got 'param'. Did you mean 'params'?"
    assert (done.returncode, done.stderr) == (2, f"msd-mtl train: hydra.sweeper {told}\n")
    done = msd_mtl("train", "-m", "seed=0,1", "hydra/launcher=local", "+hydra.launcher.nodes=2", cwd=tmp_path)
    told = "must have settings that it takes, n_workers, threads; got 'nodes'."
    assert (done.returncode, done.stderr) == (2, f"msd-mtl train: hydra.launcher {told}\n")
