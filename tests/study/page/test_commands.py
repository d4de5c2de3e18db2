"""The commands of the page make the runs of the page, or claim no more than is known of them."""

import pytest
import yaml

from msd_mtl.app import conf_dir
from msd_mtl.study.page.commands import LEFT_OUT, Making, making
from msd_mtl.study.sweep import jobs


def sweep(name, *arguments):
    """Runs of a study's file as a sweep enters them."""
    grids = yaml.safe_load((conf_dir() / "study" / f"{name}.yaml").read_text())["hydra"]["sweeper"]
    return jobs(grids.get("params"), grids.get("grids"), [f"study={name}", "runs_dir=/somewhere/runs", *arguments])


def told(runs, command=()):
    made = making(runs, command)
    return made.command, made.claim


def test_a_product_of_choices_is_one_command():
    runs = [
        (f"sharing={s}", f"seed={n}", "study.name=x", "runs_dir=/somewhere/runs") for s in ("none", "low") for n in "01"
    ]
    assert told(runs) == ("msd-mtl train -m study.name=x sharing=none,low seed=0,1", "exact")


def test_a_single_run_is_no_sweep():
    assert told([("seed=3", "study=demo")]) == ("msd-mtl train study=demo seed=3", "exact")


@pytest.mark.parametrize(
    "runs",
    [
        [("a=0", "seed=0"), ("a=1", "seed=1")],
        [("a=0", "seed=0"), ("a=1", "seed=0"), ("a=2", "seed=0"), ("seed=1", "b=0")],  # no size of a product
        [("a=0", "seed=0", "b=0"), ("a=0", "seed=1"), ("a=1", "seed=0"), ("a=1", "seed=1")],  # as many as 2 x 2 x 1
    ],
)
def test_runs_that_are_no_product_are_not_called_one(runs):
    shared = [(*run, "study.name=x", "data.split=artist") for run in runs]
    assert making(shared).claim == "unknown"
    assert making(shared).settings == ("study.name=x", "data.split=artist")


@pytest.mark.parametrize(
    ("name", "arguments", "command"),
    [
        ("controls", (), "study=controls"),  # 288 runs, and as many are 3 x 16 x 3 x 1 x 2
        ("controls", ("seed=4,5,6",), "study=controls seed=4,5,6"),
        ("rows", ("data=msd", "data.store=/a/real.h5"), "study=rows data=msd data.store=real.h5"),
        (
            *("rows", ("data.train_size=100,200,400", "seed=0,1", "data.target_train_size=100")),
            "study=rows data.target_train_size=100 data.train_size=100,200,400 seed=0,1",
        ),
    ],
)
def test_of_a_study_what_was_replaced_in_it_is_found(name, arguments, command):
    runs = sweep(name, *arguments)
    assert told(runs) == (f"msd-mtl train -m {command}", "exact")


def test_runs_that_are_a_part_of_a_study_are_not_said_to_be_all_of_it():
    runs = sweep("rows")[3:-7]
    assert told(runs) == ("msd-mtl train -m study=rows", "more")
    foreign = [
        *sweep("rows")[1:],
        ("study=rows", "tasks=pop", "sharing=none", "data.train_size=250", "data.split=track", "seed=0"),
    ]
    assert making(foreign).claim == "unknown"
    assert making([(*run, "study=of_somebody_else") for run in runs]).claim == "unknown"


def test_many_values_that_are_no_grid_are_not_multiplied(monkeypatch):
    runs = [("study=demo", f"seed={n}", f"data.coupling=0.{n}", "sharing=low") for n in range(2000)]
    monkeypatch.setattr("msd_mtl.study.page.commands._written", lambda _: pytest.fail("4,000,000 runs"))
    assert making(runs).claim == "unknown"


def test_the_command_that_was_given_is_shown_without_places():
    given = [
        "--config-dir=/home/somebody/own",
        "study=demo",
        "data.store='/home/somebody/a.h5',/home/somebody/b.h5",
        "seed=range(0,3)",
        "hydra.sweeper.grids.alone=null",
        *(f"{key}=/home/somebody" for key in LEFT_OUT),
        "+logger.dir=/home/somebody",
        "hydra/launcher=local",
    ]
    command, claim = told([("seed=0",), ("seed=1", "a=1")], given)
    assert claim == "given"
    assert command == (
        "msd-mtl train -m --config-dir=own study=demo 'data.store='\"'\"'a.h5'\"'\"',b.h5' 'seed=range(0,3)' "
        "hydra.sweeper.grids.alone=null"
    )


def test_commands_are_quoted_and_tell_no_folder():
    command, _ = told([("sharing.mask=[1,0]", "data.store=/home/somebody/real.h5", "logger=wandb")])
    assert command == "msd-mtl train 'sharing.mask=[1,0]' data.store=real.h5"


def test_a_command_that_was_given_is_compared_with_the_runs():
    given = ("study=rows", "seed=range(0,2)", "runs_dir=/somewhere/runs")
    runs = sweep("rows", *given[1:])
    shown = "msd-mtl train -m study=rows 'seed=range(0,2)'"
    assert told(runs, given) == (shown, "exact")
    assert told(runs[1:], given) == (shown, "more")
    edited = [*runs[1:], (*runs[0], "data.split=artist")]
    assert making(edited, given).claim == "unknown"
    assert told([("seed=3", "study.name=x")], ["seed=4", "study.name=x"])[0] == "msd-mtl train study.name=x seed=3"


@pytest.mark.parametrize(
    ("sets", "claim"),
    [
        (("tasks=pop", "tasks=tight"), "exact"),
        (('tasks.names=["term:pop"]', 'tasks.names=["term:pop",year]'), "exact"),
        (("tasks=loose", "tasks=tight"), "more"),
        (('tasks.names=["term:pop",loudness]', 'tasks.names=["term:pop",year]'), "more"),
    ],
)
def test_a_command_of_several_masks_makes_one_run_of_a_task_alone(sets, claim):
    first, second = sets
    runs = [(first, "sharing=none"), (second, "sharing=none"), (second, "sharing=low")]
    given = (f"{first},{second.partition('=')[2]}", "sharing=none,low")
    assert making(runs, given) == Making(given, claim)
    other = making([(first, "sharing=low"), *runs[1:]], given)  # of masks that are one run the first is made
    assert other.claim == ("unknown" if claim == "exact" else "more")


@pytest.mark.parametrize("given", ["seed=glob(*)", "seed=[", "--config-name=own"])
def test_a_command_that_cannot_be_compared_is_shown_as_it_was_given(given):
    assert making([("seed=0",), ("seed=1", "a=1")], [given]).claim == "given"


def test_a_single_run_composed_from_elsewhere_is_no_sweep():
    given = ("--config-dir=/home/somebody/own", "tasks=duo", "seed=3", "runs_dir=/somewhere/runs")
    assert told([given[1:]], given) == ("msd-mtl train --config-dir=own tasks=duo seed=3", "given")


def lines(*sizes, runs=50):
    return [f"data.train_size={size}, of 1,057 training tracks with term:pop: {runs} runs left out." for size in sizes]


@pytest.mark.parametrize("command", [(), ("study=size",)], ids=["found", "given"])
def test_a_command_that_leaves_the_same_sizes_out_makes_the_same_runs(command):
    runs = [run for run in sweep("size") if not {"data.train_size=2000", "data.train_size=4000"} & set(run)]
    of_study = Making(("study=size",), "exact")
    assert making(runs, command, lines("2,000", "4,000")) == of_study
    assert making(sweep("size"), command, lines("2,000", "4,000")) == of_study  # edited since, the runs are the same
    narrowed = Making(("study=size", "data.train_size=250,500,1000"), "exact")
    more = Making(("study=size",), "more")
    for left_out in (lines("2,000"), lines("2,000", "4,000", runs=49), ["data.train_size=2,000 and more."], []):
        assert making(runs, (), left_out) == narrowed
        assert making(runs[1:], command, left_out) == more
    assert making(runs[1:], command, lines("2,000", "4,000")) == more


def test_settings_that_change_nothing_make_no_other_runs():
    runs = [run for run in sweep("coupling") if not any("coupling=0" in one for one in run)]
    assert told(runs, ("study=coupling",)) == ("msd-mtl train -m study=coupling", "more")
    assert making(runs, ("study=coupling",), idle=("tasks.coupling",)) == Making(("study=coupling",), "exact")
    assert making(runs[1:], ("study=coupling",), idle=("tasks.coupling",)).claim == "more"
