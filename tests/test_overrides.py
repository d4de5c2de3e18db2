import shutil

import pytest
from hydra.errors import HydraException
from hydra.utils import instantiate

from msd_mtl.app import conf_dir
from msd_mtl.overrides import explain, refused

ALL = "`msd-mtl train --cfg job` shows all."
QUOTE = """Quote what has spaces, commas or brackets in it: 'tasks.names=["term:pop rock"]'."""
SPACE = "A space ends a setting: write choices without one, as in seed=0,1."


def said(*overrides, multirun=False, conf=None):
    return explain(conf or conf_dir(), "train", overrides, multirun=multirun)


def unknown(key, *nearest, more=""):
    near = f" Nearest: {', '.join(nearest)}." if nearest else ""
    return f"setting must be one that `msd-mtl train` has; got {key!r}.{near}{more} {ALL}"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("data.trainsize=5", unknown("data.trainsize", "data.train_size", "data.target_train_size", "data.batch_size")),
        ("train_size=5", unknown("train_size", "data.train_size", "trainer")),
        ("trainer.max_epoch=3", unknown("trainer.max_epoch", "trainer.max_epochs", "trainer.max_steps")),
        ("weight_decay=3", unknown("weight_decay", "recipe.optimizer.weight_decay")),
        ("sharin=low", unknown("sharin", "sharing", "sharing.mask")),
        ("~data.nothing", unknown("data.nothing", "data.coupling")),
        ("zzz=1", unknown("zzz")),
        ("model.widths.first=3", unknown("model.widths.first", "model.widths")),
        (
            "recipe.optimizer.betas=3",
            unknown(
                *("recipe.optimizer.betas", "recipe.optimizer.eps", "recipe.optimizer", "recipe.optimizer.lr"),
                more=" Another argument of torch.optim.AdamW is added with a plus: +recipe.optimizer.betas=3.",
            ),
        ),
        (
            "study.report.margin.auroc=0.02",
            unknown(
                "study.report.margin.auroc",
                more=" What a study may say is added with a plus: +study.report.margin.auroc=0.02.",
            ),
        ),
        (
            "recipe.scheduler={_target_: torch.optim.lr_scheduler.StepLR, step_size: 1}",
            "recipe.scheduler must be given settings that it has, _target_, _partial_, total_iters, for they join "
            "these; got 'step_size'. Set each alone: recipe.scheduler.NAME=VALUE, ~recipe.scheduler.NAME takes it out, "
            "+recipe.scheduler.step_size=VALUE adds it.",
        ),
        (
            "study.skip_impossible_sizes=true",
            unknown(
                "study.skip_impossible_sizes",
                more=" What a study may say is added with a plus: +study.skip_impossible_sizes=true.",
            ),
        ),
        ("recipe.scheduler={total_iters: 3}", None),
        ("recipe.task_weights={loudness: 2}", None),
        ("~recipe.scheduler", None),
        ("sharing=lwo", "sharing must be one of full, high, interspersed, low, none; got 'lwo'. Did you mean 'low'?"),
        ("sharing=xyz", "sharing must be one of full, high, interspersed, low, none; got 'xyz'."),
        ("model=null", "model must be one of sharing_network; got 'null'."),
        ("recipe=2016", "recipe must be one of default, paper2016; got '2016'. Did you mean 'paper2016'?"),
        ("+seed=3", "seed is there already and must be written without +; got +seed=3."),
        (
            "seed=1,2",
            "seed must have one value in a single run; got 1,2. Write [1,2] for a list, or add -m for a sweep over "
            "them.",
        ),
        (
            "tasks.names=[term:pop",
            "setting must be written KEY=VALUE; got 'tasks.names=[term:pop': no viable alternative at input "
            f"'[term:pop'. {QUOTE}",
        ),
        ("sharing", f"setting must be written KEY=VALUE; got 'sharing': missing EQUAL at '<EOF>'. {SPACE}"),
        (
            "sharing=none,",
            f"setting must be written KEY=VALUE; got 'sharing=none,': mismatched input '<EOF>'. {SPACE}",
        ),
    ],
)
def test_one_message_names_what_is_wrong_and_the_nearest_that_is_right(override, message):
    assert said(override) == message


def test_braces_in_braces_are_looked_into_and_a_name_with_a_colon_is_added_as_it_can_be():
    noise = "data.world.signal_to_noise"
    assert said("study=demo", r"data.world={missing: 0.1, signal_to_noise: {target: 1, term\:pop: 2}}") == (
        f"{noise} must be given settings that it has, target, auxiliary, for they join these; got 'term:pop'. Set each "
        f"alone: {noise}.NAME=VALUE, ~{noise}.NAME takes it out, '++{noise}={{term\\:pop: VALUE}}' adds it."
    )
    assert said("study=demo", rf"++{noise}={{term\:pop: 2}}") is None


def test_a_colon_in_braces_is_told_how_it_is_written():
    assert said("recipe.task_weights={'term:pop':2}").endswith(
        r"a colon of a name is \:, as in 'recipe.task_weights={term\:pop rock: 2}'."
    )


@pytest.mark.parametrize(
    "override",
    ["seed=3", "sharing=high", "+trainer.benchmark=true", "++data.new=1", "hydra.verbose=true", "model.widths.0=3"],
)
def test_nothing_is_said_of_what_is_right(override):
    assert said(override) is None


def test_choices_of_a_sweep_are_looked_at_one_by_one():
    assert said("sharing=low,high", "seed=0,1", multirun=True) is None
    assert said("sharing=low,lwo", multirun=True).endswith("got 'lwo'. Did you mean 'low'?")


def test_settings_are_those_of_the_groups_that_are_chosen():
    assert said("data=msd", "data.store=store.h5") is None
    told = (
        "data.store must be set with data=msd alone; got data=synthetic. Leave out what sets it, a setting or a study, "
    )
    assert said("data.store=store.h5") == f"{told}or set data=msd."


@pytest.mark.parametrize("key", ["stor", "data.stroe", "data.world.n_tracks", "data.coupling"])
def test_a_command_without_a_run_has_no_kind_of_data(key):
    message = explain(conf_dir(), "tasks", [f"{key}=3"], multirun=False)
    assert message.startswith(f"setting must be one that `msd-mtl tasks` has; got {key!r}.")


def test_data_of_ones_own_are_not_told_what_those_of_the_bench_have(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine.yaml").write_text("_target_: a.Module\nname: synthetic\n")
    (tmp_path / "data" / "nameless.yaml").write_text("_target_: a.Module\n")
    for data, key in (("mine", "data.coupling"), ("nameless", "data.store"), ("nameless", "foo")):
        message = explain(conf_dir(), "train", [f"data={data}", f"{key}=1"], multirun=False, own=tmp_path)
        assert message.startswith(f"setting must be one that `msd-mtl train` has; got {key!r}.")


def test_a_choice_that_reads_as_a_number_is_quoted(tmp_path):
    shutil.copytree(conf_dir(), tmp_path / "conf")
    (tmp_path / "conf" / "sharing" / "1010.yaml").write_text("mask: [1, 0, 1, 0]\n")
    assert said("sharing=1010", conf=tmp_path / "conf").endswith("""got '1010'. Write sharing='"1010"'.""")


def test_of_what_cannot_be_made_the_cause_is_told_in_one_line():
    with pytest.raises(HydraException) as error:
        instantiate({"_target_": "builtins.int", "_args_": ["a"]})
    assert refused(error.value) == (
        "Error in call to target 'builtins.int': ValueError(\"invalid literal for int() with base 10: 'a'\")"
    )
    assert refused(HydraException("no\nmore")) == "no"
