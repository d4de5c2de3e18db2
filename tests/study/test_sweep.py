import json
import re
import subprocess
import sys
from contextlib import contextmanager

import pytest
from hydra import compose, initialize_config_dir
from hydra._internal.hydra import Hydra
from hydra.conf import ConfigSourceInfo
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException, OverrideParseException
from omegaconf import open_dict
from tests.conftest import SMALL, WHOLE
from tests.warm import msd_mtl

from msd_mtl.app import conf_dir
from msd_mtl.data.rows import labelled_parts
from msd_mtl.errors import RefusedLaunchError, UserError
from msd_mtl.study.compose import cells
from msd_mtl.study.fit import build_data
from msd_mtl.study.identity import resolved
from msd_mtl.study.index import read_study
from msd_mtl.study.launch import entered
from msd_mtl.study.sizes import check_possible, fillable, training_rows_of
from msd_mtl.study.sweep import jobs, n_runs

STUDY = {"sharing": "none,low,high", "data.coupling": "0.0,0.9", "seed": "range(0,5)"}
GRIDS = {"alone": {"tasks": "pop", "sharing": "none"}, "together": {"tasks": "tight,loose", "sharing": "low,high"}}


@pytest.fixture
def loaded():
    """Hydra's configuration loader, and the configuration of a sweep."""
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        hydra = GlobalHydra.instance().hydra
        assert isinstance(hydra, Hydra)
        yield hydra.config_loader, compose("train", return_hydra_config=True)


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [([], 30), (["seed=3"], 6), (["seed=0,1", "data.split=artist"], 12), (["data.train_size=100,200"], 60)],
)
def test_command_line_replaces_what_the_study_sweeps(overrides, expected):
    assert n_runs(STUDY, overrides) == expected


def test_a_study_is_a_union_of_grids():
    found = jobs({"seed": "0,1"}, GRIDS, ["runs_dir=r"])
    assert found[:2] == [[f"seed={seed}", "tasks=pop", "sharing=none", "runs_dir=r"] for seed in (0, 1)]
    assert len(found) == 2 + 2 * 2 * 2


def test_a_setting_on_the_command_line_replaces_it_in_every_grid():
    found = jobs({"seed": "0,1"}, GRIDS, ["seed=7", "sharing=full,none"])
    assert len(found) == 2 + 2 * 2
    assert all(job[0] == "seed=7" and job[2] in ("sharing=full", "sharing=none") for job in found)


def test_a_named_sharing_on_the_command_line_replaces_masks_of_a_study(loaded):
    grids = {"alone": {"sharing": "none"}, "masks": {"tasks": "tight,loose", "sharing.mask": "[0,0,0,0],[0,1,0,1]"}}
    found = jobs({"seed": "0,1"}, grids, ["sharing=low,high"], loaded[0])
    assert len(found) == 2 * 2 + 2 * 2 * 2
    masks = [cell.config["sharing"]["mask"] for cell in cells(*loaded, found)]
    assert masks == [[1, 1, 0, 0], [0, 0, 1, 1]] * 4  # what two grids have is made once
    assert len(jobs({"seed": "0,1"}, grids, ["sharing.mask=[1,1,0,1]"], loaded[0])) == 2 + 2 * 2


def test_tasks_that_are_chosen_on_the_command_line_replace_those_of_a_study(loaded):
    params = {"tasks.names": "[year],[year,tempo]", "tasks.target": "year", "seed": "0,1"}
    (cell, *more) = cells(*loaded, jobs(params, None, ["tasks=pop"], loaded[0]))
    assert len(more) == 1
    assert cell.config["tasks"] == {"names": ["term:pop"], "target": "term:pop", "coupling": 0.0}
    del params["tasks.names"]
    params["tasks.target"] = "'term:pop','term:ballad'"
    assert len(jobs(params, None, ["tasks=tight"], loaded[0])) == 4


def test_nothing_and_truth_reach_the_runs_as_they_are(loaded):
    study = {"data.target_train_size": None, "data.drop_last": True}
    (cell,) = cells(*loaded, jobs(study, None, [], loaded[0]))
    assert cell.config["data"]["target_train_size"] is None
    assert cell.config["data"]["drop_last"] is True


def test_what_is_in_two_grids_is_made_once(loaded):
    grids = {"one": {"seed": "0,1"}, "other": {"seed": "1,2"}, "bare": {}}
    assert [cell.config["seed"] for cell in cells(*loaded, jobs(None, grids, [], loaded[0]))] == [0, 1, 2]


def test_a_grid_that_is_null_is_left_out():
    assert jobs({"seed": "0,1"}, {"one": {"sharing": "low"}, "left out": None}, []) == [
        ["seed=0", "sharing=low"],
        ["seed=1", "sharing=low"],
    ]
    assert jobs({"seed": "0,1"}, {"left out": None}, []) == []


@pytest.mark.parametrize(
    ("grids", "arguments"), [({}, []), ({"left out": None}, []), (None, ["seed=range(0,0)"])], ids=str
)
def test_a_sweep_of_no_run_is_refused(sweeper, capsys, grids, arguments):
    made = sweeper(grids=grids)
    with pytest.raises(SystemExit, match="2"):
        made.sweep([*SMALL, *arguments])
    assert capsys.readouterr().err.startswith(
        "msd-mtl train: a sweep must have at least one combination of its choices;"
    )
    with pytest.raises(SystemExit, match="2"):
        given_to(made).launch([], 0)
    assert not made.done


def test_choices_of_a_study_that_cannot_be_read_are_told_as_they_stand_in_its_file(sweeper, capsys):
    made = sweeper(grids={"all": {"seed": "0,[1"}})
    with pytest.raises(SystemExit, match="2"):
        made.sweep(SMALL)
    assert re.fullmatch(
        r"msd-mtl train: setting must be written KEY=VALUE; got 'seed=0,\[1': .+ Mend it in the file of the study\.\n",
        capsys.readouterr().err,
    )
    with pytest.raises(OverrideParseException):  # it is not the study's
        jobs({"seed": "0"}, None, ["sharing=[low"])


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        (
            {"params": {"sead": "0,1"}},
            "setting must be one that `msd-mtl train` has; got 'sead'. Nearest: seed. "
            "`msd-mtl train --cfg job` shows all.",
        ),
        (
            {"grids": {"a": {"sharing": "none,lowe"}}},
            "sharing must be one of full, high, interspersed, low, none; got 'lowe'. Did you mean 'low'?",
        ),
    ],
)
def test_a_choice_of_a_study_that_there_is_not_is_told_as_it_stands_in_its_file(sweeper, capsys, choices, message):
    made = sweeper(**choices)
    with pytest.raises(SystemExit, match="2"):
        made.sweep(SMALL)
    told = "It is set in hydra.sweeper, by the study's file or the command line."
    assert capsys.readouterr().err == f"msd-mtl train: {message} {told}\n"
    assert not made.done


def test_what_the_command_line_has_wrong_is_not_asked_of_the_file_of_the_study(sweeper):
    made = sweeper(params={"seed": "0,1"})
    with open_dict(made.config):
        made.config.hydra.overrides.task = [*SMALL, "sharing=lowe"]
    with pytest.raises(HydraException, match="sharing/lowe"):  # which the command explains
        made.runs([*SMALL, "sharing=lowe"])


def test_runs_of_another_sweeper_that_fail_fail_the_command(tmp_path):
    done = msd_mtl("train", "-m", "hydra/sweeper=basic", *SMALL, "data.train_size=999", "seed=0,1", cwd=tmp_path)
    assert done.returncode == 1
    assert "2 runs: 2 failed" in done.stdout
    assert "seed=1: UserError: data.train_size must be between 1 and the" in done.stdout


def test_a_task_alone_is_not_repeated_for_every_mask(loaded):
    seeds = cells(*loaded, jobs(None, {"alone": GRIDS["alone"]}, ["sharing=none,low", "seed=0,1"], loaded[0]))
    assert [cell.config["seed"] for cell in seeds] == [0, 1]
    found = cells(*loaded, jobs(None, GRIDS, ["sharing=none,low,full"], loaded[0]))
    alone = [cell for cell in found if cell.config["tasks"]["names"] == ["term:pop"]]
    assert [cell.config["sharing"]["mask"] for cell in alone] == [[0, 0, 0, 0]]
    assert len(found) == 1 + 2 * 3


SIZES = [*SMALL, "data.train_size=100,300,900", "data.world.missing={target: 0.5, auxiliary: 0.0}"]


def test_sizes_that_the_data_cannot_fill_are_left_out_and_said(loaded):
    asked = cells(*loaded, jobs(None, GRIDS, [*SIZES, "+study.skip_impossible_sizes=true"], loaded[0]))
    kept, said = fillable(asked)
    assert {cell.config["data"]["train_size"] for cell in kept} == {100}
    assert len(kept) == 5
    assert [line.partition(", of 2")[0] for line in said] == ["data.train_size=300", "data.train_size=900"]
    assert all(line.endswith("training tracks with term:pop: 5 runs left out.") for line in said)


def test_rows_of_the_auxiliaries_fill_a_size_where_that_of_the_target_is_set(loaded):
    grid = [*SIZES, "tasks=tight", "data.target_train_size=100,200,400", "+study.skip_impossible_sizes=true"]
    kept, _ = fillable(cells(*loaded, jobs(None, None, grid, loaded[0])))
    sizes = {(cell.config["data"]["train_size"], cell.config["data"]["target_train_size"]) for cell in kept}
    assert sizes == {(100, 100), (100, 200), (300, 100), (300, 200)}


def test_a_size_that_is_all_there_is_can_be_had(loaded):
    (cell,) = cells(*loaded, [[*SMALL, "data.train_size=null"]])
    assert fillable([cell]) == ([cell], [])
    rows, with_target = training_rows_of(cell.config)
    assert rows == with_target
    fits, too_many = (
        cells(*loaded, [[*SMALL, f"data.train_size={n}", "+study.skip_impossible_sizes=true"]])
        for n in (with_target, with_target + 1)
    )
    kept, (said,) = fillable([*fits, *too_many])
    assert kept == fits
    assert said == (
        f"data.train_size={with_target + 1}, of {with_target} training tracks with term:pop: 1 runs left out."
    )


def test_a_size_of_less_than_a_batch_is_left_out_where_short_batches_are(loaded):
    sizes = [*SMALL, "data.train_size=63,64", "data.batch_size=64", "+study.skip_impossible_sizes=true"]
    whole, dropped = (
        fillable(cells(*loaded, jobs(None, None, [*sizes, f"data.drop_last={drop}"], loaded[0])))
        for drop in ("false", "true")
    )
    assert len(whole[0]) == 2
    assert [cell.config["data"]["train_size"] for cell in dropped[0]] == [64]
    assert dropped[1] == ["data.train_size=63, less than a batch of 64 where data.drop_last=true: 1 runs left out."]


def test_data_are_left_alone_where_all_rows_are_asked_for(loaded, monkeypatch):
    def look(config):
        pytest.fail("it looked")

    monkeypatch.setattr("msd_mtl.study.sizes.training_rows_of", look)
    asked = cells(*loaded, [[*SMALL, "data.train_size=null", "+study.skip_impossible_sizes=true"]])
    assert fillable(asked) == (asked, [])


def test_rows_of_a_store_are_those_that_a_run_finds_in_it(msd_run):
    config = resolved(msd_run("tasks=pop", "data.train_size=null"))
    data = build_data(config)
    rows, with_target = training_rows_of(config)
    assert (rows, with_target) == (len(data.parts["train"]), int(data.parts["train"].n_labelled[0]))


def test_what_is_wrong_with_the_data_is_left_to_the_run_to_say(loaded):
    asked = cells(*loaded, [[*SMALL, "data.split=elsewhere", "+study.skip_impossible_sizes=true"]])
    assert fillable(asked) == (asked, [])


def test_rows_are_counted_for_each_split_and_source(loaded):
    whole, *others = (
        training_rows_of(cells(*loaded, [[*SMALL, "tasks=tight", *more]])[0].config)
        for more in (
            [],
            ["data.split_seed=1"],
            ["data.test_fraction=0.4"],
            ["data.split=track"],
            ["data.world.n_tracks=700"],
            ["data.world.missing={target: 0.5, auxiliary: 0.0}"],
        )
    )
    assert whole[0] == whole[1]
    assert all(rows != whole for rows in others)
    assert others[-1][1] < others[-1][0] == whole[0]


def test_sizes_are_not_looked_at_unless_the_study_says_so(loaded):
    asked = cells(*loaded, jobs(None, GRIDS, SIZES, loaded[0]))
    assert fillable(asked) == (asked, [])


def test_a_study_without_any_size_left_is_refused(loaded):
    asked = cells(*loaded, [[*SMALL, "data.train_size=10000", "+study.skip_impossible_sizes=true"]])
    with pytest.raises(UserError, match=r"a training size that the data fills; got none\. data\.train_size=10,000, of"):
        fillable(asked)


@pytest.fixture
def of_store(loaded, msd_store, tmp_path):
    """Composes a sweep on a store, which has no official test part, with a study in a folder of the test's own."""
    real = ["data=msd", f"data.store={msd_store}", f"runs_dir={tmp_path}", "study.name=s", "tasks=pop"]
    return lambda *more: cells(*loaded, jobs(None, None, [*real, *more], loaded[0]))


def test_a_sweep_whose_split_lets_no_run_be_made_is_refused_before_it_is_entered(of_store, tmp_path):
    asked = of_store("seed=0,1", "data.split_seed=0,1")
    with (
        pytest.raises(
            UserError,
            match=r"^tasks\.target must .*; got 0 in test for 'term:pop' .*'test': 0.* Try data\.split=artist",
        ),
        entered(asked),
    ):
        pytest.fail("it was launched")
    assert not list(tmp_path.iterdir())


def test_a_single_run_of_a_study_that_cannot_be_made_is_not_entered(msd_store, tmp_path):
    given = ("study.name=s", "data=msd", f"data.store={msd_store}", "tasks=pop")
    done = msd_mtl("train", *given, cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "got 0 in test for 'term:pop'" in done.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("study", ["demo", "places", "controls"])
def test_a_study_of_worlds_is_not_one_of_real_data(study, tmp_path):
    done = msd_mtl("train", "-m", f"study={study}", "data=msd", "data.store=store.h5", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    said = r" must be set with data=synthetic alone; got data=msd\. Leave out what sets it, a setting or a study, or"
    assert re.match(rf"msd-mtl train: data\.(coupling|world\.common|world){said}", done.stderr)


def test_tracks_with_the_target_are_counted_wherever_it_stands(loaded, msd_store):
    given = ["data=msd", f"data.store={msd_store}", "data.split=artist", "tasks=loose"]
    pop, loudness = (
        training_rows_of(cells(*loaded, [[*given, f"tasks.target={one}"]])[0].config)
        for one in ("term:pop", "loudness")
    )
    assert pop[0] == loudness[0] == loudness[1] > pop[1]


def test_a_sweep_is_entered_where_some_of_its_runs_can_be_made(of_store, tmp_path):
    asked = of_store("data.split=official,artist")
    with entered(asked):
        pass
    assert read_study(tmp_path, "s").keys() == {cell.run_id for cell in asked}


def test_each_split_is_looked_at_once_and_none_after_one_that_lets_runs_be_made(of_store, monkeypatch):
    looked = []
    monkeypatch.setattr(
        "msd_mtl.study.sizes.labelled_parts",
        lambda *data, split, **more: looked.append(split) or labelled_parts(*data, split=split, **more),
    )
    check_possible(of_store("data.split_seed=5", "data.split=official,artist,track", "seed=0,1"))
    assert looked == ["official", "artist"]


def test_data_are_left_alone_where_runs_are_sure_to_be_possible(loaded, of_store, monkeypatch):
    def look(cells):
        pytest.fail("it looked")

    monkeypatch.setattr("msd_mtl.study.sizes.check_possible", look)
    monkeypatch.setattr("msd_mtl.study.launch.add_sweep", lambda *sweep: None)
    with entered(cells(*loaded, [[*SMALL]])):  # in a world
        pass
    asked = of_store("seed=0,1")
    asked[1].folder.mkdir()
    (asked[1].folder / "record.json").write_text(json.dumps(WHOLE))
    with entered(asked):  # one is made
        pass


@pytest.fixture
def sweeper(loaded, monkeypatch):
    """The sweeper of a study, with what it enters and makes."""
    from types import SimpleNamespace

    from hydra_plugins.msd_mtl_launchers import StudyLauncher, StudySweeper

    loader, config = loaded
    done, said = [], []

    @contextmanager
    def entered(cells, left_out=(), command=()):
        said.append(command)
        done.append(("entered", [cell.run_id for cell in cells]))
        done.extend(("left out", line) for line in left_out)
        try:
            yield
        except RefusedLaunchError:
            done.append(("taken back", []))
            raise

    monkeypatch.setattr("msd_mtl.study.launch.entered", entered)

    class Here(StudyLauncher):
        def check(self, cells):
            done.append(("checked", [cell.run_id for cell in cells]))

        def make(self, cells):
            done.append(("made", [cell.run_id for cell in cells]))

    def build(max_batch_size=None, **choices):
        made = StudySweeper(max_batch_size, **choices)
        made.hydra_context, made.config = SimpleNamespace(config_loader=loader), config
        made.launcher, made.done, made.said = Here(), done, said
        return made

    return build


def test_the_sweeper_makes_every_run_of_every_grid_once(sweeper, capsys):
    runs = sweeper(params={"seed": "0,1"}, grids=GRIDS).runs(SMALL)
    assert len({cell.run_id for cell in runs}) == len(runs) == 2 * (1 + 4)
    assert capsys.readouterr().err == ""
    alone = sweeper(params={"seed": "0,1"}, grids={"alone": {"tasks": "pop", "sharing": "none,low,full"}})
    assert len(alone.runs(SMALL)) == 2
    assert capsys.readouterr().err == "msd-mtl train: 6 combinations are 2 different runs.\n"


def test_the_sweeper_leaves_sizes_out_and_says_so(sweeper, capsys):
    found = sweeper(grids=GRIDS).runs([*SIZES, "+study.skip_impossible_sizes=true"])
    assert {cell.config["data"]["train_size"] for cell in found} == {100}
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(", of 2")[0] for line in said] == [f"msd-mtl train: data.train_size={n}" for n in (300, 900)]


def test_what_a_sweep_leaves_out_is_entered_into_its_study(sweeper):
    made = sweeper(grids=GRIDS)
    made.sweep([*SIZES, "+study.skip_impossible_sizes=true"])
    lines = [line for what, line in made.done if what == "left out"]
    assert [line.partition(", of 2")[0] for line in lines] == [f"data.train_size={n}" for n in (300, 900)]


def test_what_the_command_line_said_is_entered_into_the_study_as_it_was_said(sweeper):
    made = sweeper(params={"seed": "0,1"})
    given = [*SMALL, "sharing=none,low"]
    made.sweep(given)
    assert made.said == [given]
    grid = ["hydra.sweeper.grids.alone=null", "~hydra.sweeper.params.sharing"]
    with open_dict(made.config):
        made.config.hydra.overrides.hydra = ["hydra.mode=MULTIRUN", *grid, "hydra/launcher=local"]
        made.config.hydra.job.config_name = "own"
        made.config.hydra.runtime.config_sources = [
            ConfigSourceInfo("/somewhere/conf", "file", "main"),
            ConfigSourceInfo("/somewhere/own", "file", "command-line"),
        ]
    assert made._said(given) == ["--config-name=own", "--config-dir=/somewhere/own", *given, *grid]


@pytest.mark.parametrize(("size", "batches"), [(None, [3]), (2, [2, 1])])
def test_all_runs_are_entered_before_the_first_batch_is_made(sweeper, size, batches):
    made = sweeper(size, params={"seed": "0,1,2"})
    made.sweep(list(SMALL))
    (checked, all_runs), (first, entered), *rest = made.done
    assert (checked, first, all_runs) == ("checked", "entered", entered)
    assert [(what, len(runs)) for what, runs in rest] == [("made", n) for n in batches]
    assert [run for _, runs in rest for run in runs] == entered


@pytest.mark.parametrize("attempts", [True, False])
def test_runs_of_train_are_made_here_and_other_commands_are_left_to_hydra(sweeper, monkeypatch, attempts):
    from hydra._internal.core_plugins.basic_launcher import BasicLauncher

    made, by_hydra, here = sweeper(params={"seed": "0,1"}), [], []
    made.launcher = BasicLauncher()
    made.launcher.task_function = lambda cfg: None
    vars(made.launcher.task_function)["attempts"] = attempts
    monkeypatch.setattr("msd_mtl.study.launch.launch_in_process", here.extend)
    monkeypatch.setattr(made.launcher, "launch", lambda jobs, initial_job_idx: by_hydra.extend(jobs) or [])
    made.sweep(list(SMALL))
    assert (len(here), len(by_hydra)) == ((2, 0) if attempts else (0, 2))


def test_other_commands_are_numbered_on_and_their_errors_raised(sweeper, monkeypatch):
    from hydra._internal.core_plugins.basic_launcher import BasicLauncher
    from hydra.core.utils import JobReturn, JobStatus

    made, begun = sweeper(1, params={"seed": "0,1"}), []
    made.launcher = BasicLauncher()
    made.launcher.task_function = lambda cfg: None
    ended = JobReturn(status=JobStatus.COMPLETED)
    monkeypatch.setattr(
        made.launcher, "launch", lambda jobs, initial_job_idx: begun.append(initial_job_idx) or [ended] * len(jobs)
    )
    made.sweep(list(SMALL))
    assert begun == [0, 1]
    ended.status, ended.return_value = JobStatus.FAILED, ZeroDivisionError("broken")
    with pytest.raises(ZeroDivisionError, match="broken"):
        made.sweep(list(SMALL))


def test_what_is_wrong_with_a_sweep_is_one_message_and_enters_nothing(sweeper, monkeypatch, capsys):
    def refuse(_):
        raise UserError("study must be right; got wrong.")

    made = sweeper()
    monkeypatch.setattr(made.launcher, "check", refuse)
    with pytest.raises(SystemExit, match="2"):
        made.sweep(list(SMALL))
    assert capsys.readouterr().err == "msd-mtl train: study must be right; got wrong.\n"
    assert not made.done
    with pytest.raises(SystemExit, match="2"):
        sweeper(0).sweep(list(SMALL))
    assert "hydra.sweeper.max_batch_size must be a whole number of at least 1; got 0" in capsys.readouterr().err


@pytest.mark.parametrize(("refused", "told"), [(0, ["checked", "entered", "taken back"]), (1, ["checked", "entered"])])
def test_a_sweep_leaves_its_study_if_its_first_batch_is_refused_and_not_later(sweeper, monkeypatch, refused, told):
    made, batches = sweeper(1, params={"seed": "0,1"}), []

    def make(batch):
        batches.append(batch)
        if len(batches) > refused:
            raise RefusedLaunchError("sbatch must accept the jobs; got: no.")

    monkeypatch.setattr(made.launcher, "make", make)
    with pytest.raises(SystemExit, match="2"):
        made.sweep(list(SMALL))
    assert [what for what, _ in made.done] == told
    assert len(batches) == refused + 1


def given_to(sweeper):
    """Its launcher, as another sweeper has it."""
    sweeper.launcher.setup(hydra_context=sweeper.hydra_context, task_function=None, config=sweeper.config)
    return sweeper.launcher


def test_runs_of_another_sweeper_are_entered_and_made(sweeper):
    made = sweeper()
    ended = given_to(made).launch([[*SMALL, f"seed={seed}"] for seed in (0, 1)], 0)
    (checked, _), (_, entered), (what, runs) = made.done
    assert checked == "checked"
    assert (what, runs, len(runs)) == ("made", entered, 2)
    assert [one.return_value for one in ended] == [None, None]


def test_launchers_hand_their_settings_on(monkeypatch):
    from omegaconf import OmegaConf

    from hydra_plugins.msd_mtl_launchers import LocalLauncher, SlurmLauncher
    from msd_mtl.study.slurm_settings import SlurmSettings

    given = []
    for name in ("launch.check_here", "launch.launch_here", "slurm.check_launch", "slurm.launch_on_slurm"):
        monkeypatch.setattr(f"msd_mtl.study.{name}", lambda *asked, name=name: given.append((name, *asked)))
    LocalLauncher(3, 2).check([])
    LocalLauncher(3, 2).make([])
    assert given == [("launch.check_here", [], 3, 2), ("launch.launch_here", [], 3, 2)]
    conf = dict(OmegaConf.load(conf_dir() / "hydra" / "launcher" / "slurm.yaml"))
    del conf["_target_"]
    launcher = SlurmLauncher(**conf | {"setup": OmegaConf.create(["module load python"])})
    launcher.check([])
    launcher.make([])
    asked = SlurmSettings(**conf | {"setup": ["module load python"]})
    assert given[2:] == [("slurm.check_launch", [], asked), ("slurm.launch_on_slurm", [], asked)]
    assert type(launcher.settings.setup) is list
    with pytest.raises(
        UserError, match=r"must have settings that slurm takes; got qos=low\. Options of sbatch go into"
    ):
        SlurmLauncher(**conf, qos="low").check([])


def test_sizes_are_imported_only_for_studies_that_leave_some_out(sweeper, monkeypatch):
    monkeypatch.setitem(sys.modules, "msd_mtl.study.sizes", None)
    assert len(sweeper(params={"seed": "0,1"}).runs(SMALL)) == 2
    with pytest.raises(ImportError):
        sweeper().runs([*SMALL, "+study.skip_impossible_sizes=true"])


def test_asking_for_sizes_imports_no_torch():
    code = "import sys, msd_mtl.study.sizes, msd_mtl.study.sweep; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
