import copy
import re
import subprocess
import sys
from collections.abc import Mapping
from inspect import signature

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from msd_mtl.app import conf_dir
from msd_mtl.data.datamodule import MultiTaskDataModule
from msd_mtl.data.msd import MSDDataModule
from msd_mtl.data.synthetic import SyntheticDataModule
from msd_mtl.data.worlds import make_world
from msd_mtl.errors import UserError
from msd_mtl.model.network import SharingNetwork
from msd_mtl.study import checks
from msd_mtl.study.checks import check_rows, check_settings
from msd_mtl.study.identity import CHOSEN, resolved

# Refused here, before anything is imported for it.
WRONG = [
    ("trainer.max_epochs=many", r"trainer\.max_epochs must be a whole number of at least 1, or -1 .*; got 'many'"),
    ("trainer.max_epochs=0", r"trainer\.max_epochs must be a whole number of at least 1"),
    ("trainer.max_steps=0", r"trainer\.max_steps must be a whole number of at least 1"),
    ("+trainer.min_epochs=abc", r"trainer\.min_epochs must be a whole number of at least 0, or null; got 'abc'"),
    ("data.val_fraction=abc", r"data\.val_fraction must be a number from 0 to 1; got 'abc'"),
    ("data.split_seed=abc", r"data\.split_seed must be a whole number of at least 0; got 'abc'"),
    ("data.train_size=1.5", r"data\.train_size must be a whole number of at least 1, or null; got 1\.5"),
    ("data.row_norm=abc", r"data\.row_norm must be a number above 0, or null; got 'abc'"),
    ("data.drop_last=abc", r"data\.drop_last must be true or false; got 'abc'"),
    ("data.name=foo", r"data\.name must be synthetic or msd; got 'foo'"),
    ("checkpoint_every_s=abc", r"checkpoint_every_s must be a number of at least 0; got 'abc'"),
    ("baselines=foo", r"baselines must be true or false; got 'foo'"),
    ("recipe.select_after=abc", r"recipe\.select_after must be a number from 0 to 1; got 'abc'"),
    ("recipe.epoch_steps=0", r"recipe\.epoch_steps must be a whole number of at least 1, or null; got 0"),
    ("recipe.epoch_steps=abc", r"recipe\.epoch_steps must be a whole number of at least 1, or null; got 'abc'"),
    ("recipe.binary_outputs=3", r"recipe\.binary_outputs must be 1 or 2; got 3"),
    ("recipe.task_weights=3", r"recipe\.task_weights must be \{TASK: number of at least 0\}, .* or null; got 3"),
    ("recipe.task_weights={year: -1}", r"recipe\.task_weights must be"),
    ("recipe.name=5", r"recipe\.name must be text \(a number in quotes\); got 5"),
    ("recipe.optimizer=abc", r"recipe\.optimizer must be settings with a _target_; got 'abc'"),
    ("recipe.scheduler=abc", r"recipe\.scheduler must be settings with a _target_, or null; got 'abc'"),
    ("model.widths=5", r"model\.widths must be a list; got 5"),
    ("sharing.mask=1", r"sharing\.mask must be a list; got 1"),
    ("study.name=2016", r"study\.name must be text \(a number in quotes\) .*; got 2016"),
    ("study.name=../there", r"study\.name must be text .* without a slash or a dot in front, .*; got '\.\./there'"),
    ("study.name=a/b", r"study\.name must be text .*; got 'a/b'"),
    ("runs_dir=null", r"runs_dir must be text; got None"),
    ("recipe=null", r"recipe must be a group of settings; got None"),
    ("+trainer.logger=true", r"trainer\.logger must be left to the bench"),
    ("+trainer.fast_dev_run=true", r"must be scored on whole parts; got trainer\.fast_dev_run"),
]


# Of each setting that is checked: values at the edge of what is right, and just beyond it.
TARGET = {"_target_": "torch.optim.SGD"}
WHOLE, WHOLE_0 = ([1, 7], [0, -1, 1.5, True, "1", None]), ([0, 3], [-1, 0.5, False, "0", None])
SIZE, SHARE = ([1, None], [0, 1.5, True, "many"]), ([0, 1, 0.5], [-0.1, 1.1, True, "half", None])
YES_NO, TEXT, LIST = ([True, False], [0, "yes", None]), (["a"], [1, None]), ([[1]], [1, "a", None])
STEPS = ([1, -1], [0, -2, 1.5, True, "1"])
EDGES = {
    "study.name": (["a", "a b.c"], ["", ".hidden", "a/b", "a\\b", "a\0b", 1, None]),
    "seed": WHOLE_0,
    "runs_dir": TEXT,
    "baselines": YES_NO,
    "checkpoint_every_s": ([0, 0.5], [-0.1, True, "1", None]),
    "data.name": (["msd", "synthetic"], ["other", None]),
    "data.split_seed": WHOLE_0,
    "data.val_fraction": SHARE,
    "data.test_fraction": SHARE,
    "data.train_size": SIZE,
    "data.target_train_size": SIZE,
    "data.epoch_steps": SIZE,
    "data.row_norm": ([0.5, None], [0, -1, True, "1"]),
    "data.batch_size": WHOLE,
    "data.eval_batch_size": WHOLE,
    "data.drop_last": YES_NO,
    "data.coupling": SHARE,
    "data.world.n_tracks": WHOLE,
    "data.world.n_words": ([2], [1, True, 2.5, None]),
    "tasks.names": ([["a"], "a"], [1, None]),
    "tasks.target": TEXT,
    "sharing.mask": LIST,
    "model.widths": LIST,
    "model.activation": TEXT,
    "recipe.name": TEXT,
    "recipe.optimizer": ([TARGET], ["a", {}, {"_target_": 1}, None]),
    "recipe.scheduler": ([TARGET, None], ["a", {}, {"_target_": 1}]),
    "recipe.standardise_regression": YES_NO,
    "recipe.binary_outputs": ([1, 2], [0, 3, True, "1"]),
    "recipe.epoch_steps": SIZE,
    "recipe.task_weights": ([{"a": 0, "b": 1.5}, None], [1, {"a": -1}, {"a": True}, {"a": "b"}]),
    "recipe.monitor": (["year/rmse", None], [3, True, ["year/rmse"]]),
    "recipe.select_after": SHARE,
    "recipe.patience": SIZE,
    "trainer.max_epochs": (STEPS[0] + [None], STEPS[1]),
    "trainer.max_steps": (STEPS[0], STEPS[1] + [None]),
    "trainer.min_epochs": ([0, None], [-1, 0.5, True]),
    "trainer.min_steps": ([0, None], [-1, 0.5, True]),
    "trainer.accumulate_grad_batches": WHOLE,
    "trainer.enable_progress_bar": YES_NO,
}


def composed(*overrides):
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return compose("train", list(overrides))


@pytest.mark.parametrize(("override", "message"), WRONG)
def test_a_value_of_a_wrong_kind_is_refused(override, message):
    config = resolved(composed(override)) if override != "recipe=null" else resolved(composed()) | {"recipe": None}
    with pytest.raises(UserError, match=message):
        check_settings(config)


@pytest.fixture(scope="module")
def plain():
    return resolved(composed())


def with_setting(config: Mapping, key: str, value: object) -> Mapping:
    changed = copy.deepcopy(config)
    *parents, leaf = key.split(".")
    node = changed
    for parent in parents:
        node = node[parent]
    node[leaf] = value
    return changed


def test_every_check_has_its_edges_here():
    assert set(checks.EXPECTED) == set(EDGES)


@pytest.mark.parametrize("key", EDGES)
def test_a_setting_is_taken_at_the_edge_of_what_is_right_and_refused_beyond(plain, key):
    right, wrong = EDGES[key]
    for value in right:
        changed = with_setting(plain, key, value)
        for copied, original in checks.COPIED.items():
            if original == key:
                changed = with_setting(changed, copied, value)
        check_settings(changed)
    for value in wrong:
        with pytest.raises(UserError, match=rf"^{key} must be .*; got "):
            check_settings(with_setting(plain, key, value))


@pytest.mark.parametrize(
    ("copied", "original", "other"),
    [
        ("data.seed", "seed", 3),
        ("data.names", "tasks.names", ["year"]),
        ("data.target", "tasks.target", "year"),
        ("model.mask", "sharing.mask", [1, 1, 1, 1]),
    ],
)
def test_what_is_copied_has_no_value_of_its_own(plain, copied, original, other):
    with pytest.raises(UserError, match=rf"^{copied} must be what {original} is, .*; got .*\. Set {original} alone\."):
        check_settings(with_setting(plain, copied, other))


@pytest.mark.parametrize("group", ["data", "tasks", "sharing", "model", "recipe", "trainer", "logger", "study"])
def test_a_group_is_no_value(plain, group):
    with pytest.raises(UserError, match=rf"^{group} must be a group of settings; got 'none'\. Leave it out"):
        check_settings(with_setting(plain, group, "none"))


@pytest.mark.parametrize("name", ["callbacks", "default_root_dir", "enable_checkpointing", "logger", "plugins"])
def test_what_the_bench_sets_itself_is_refused_whatever_its_value(plain, name):
    for value in (True, None):
        with pytest.raises(UserError, match=rf"trainer\.{name} must be left to the bench; got {value}"):
            check_settings(with_setting(plain, f"trainer.{name}", value))


@pytest.mark.parametrize("name", ["fast_dev_run", "limit_test_batches", "limit_val_batches", "overfit_batches"])
def test_a_run_is_not_scored_on_part_of_a_part(plain, name):
    with pytest.raises(UserError, match=rf"scored on whole parts; got trainer\.{name}\."):
        check_settings(with_setting(plain, f"trainer.{name}", 2))
    check_settings(with_setting(plain, f"trainer.{name}", False))  # as Lightning has it by itself


MAY_LACK = ("trainer.min_epochs", "trainer.min_steps", "trainer.accumulate_grad_batches", "recipe.epoch_steps")


@pytest.mark.parametrize("key", ["logger", "study", "data", "trainer.devices", "trainer.accelerator", *EDGES])
def test_a_setting_that_is_taken_out_is_refused(plain, key):
    *parents, leaf = key.split(".")
    changed = copy.deepcopy(plain)
    node = changed
    for parent in parents:
        node = node[parent]
    node.pop(leaf, None)
    if key in MAY_LACK:
        check_settings(changed)
        return
    with pytest.raises(UserError, match=rf"^{key} must have a value; got none\. Leave ~{key} out\."):
        check_settings(changed)


@pytest.mark.parametrize("study", [None, {}, {"nam": "mine"}, {"study": {"name": "mine"}}])
def test_a_name_that_the_file_of_a_study_lacks_is_asked_of_it(plain, study):
    config = {key: value for key, value in plain.items() if key != "study"} | (
        {} if study is None else {"study": study}
    )
    with pytest.raises(
        UserError, match=r"^study\.name must be set by the file of a study; .* '# @package _global_'\.$"
    ):
        check_settings(config, ["study=mine", "seed=0"])
    with pytest.raises(UserError, match=r"^study(\.name)? must have a value; got none\. Leave ~study(\.name)? out\.$"):
        check_settings(config, ["study=mine", "~study" if study is None else "~study.name"])


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("data.trainsize", "data.train_size, data.target_train_size, data.batch_size"),
        ("data.world.n_track", "data.world.n_tracks, .+"),
        ("model.drop_out", "model.dropout"),
        ("recipe.patiense", "recipe.patience, .+"),
        ("sharing.maks", "sharing.mask"),
        ("tasks.targets", "tasks.target, .+"),
        ("study.skip_imposible_sizes", "study.skip_impossible_sizes"),
    ],
)
def test_a_setting_that_there_is_not_is_refused_with_the_nearest_where_it_is_composed(plain, key, nearest):
    changed = with_setting(plain, key, 3)
    with pytest.raises(
        UserError, match=rf"^setting .*; got '{key}'\. Nearest: {nearest}\. Mend .* the file of the study"
    ):
        check_settings(changed, ["study=mine"])
    check_settings(changed)  # of a run that was composed with other files
    check_settings(with_setting(changed, f"{key.partition('.')[0]}._target_", "my.Own"), ["study=mine"])


WHERE = "Mend it where it is set: in the file of the study, or on the command line."


@pytest.mark.parametrize(
    ("group", "key", "mend"),
    [
        ("", "trian", f"Nearest: trainer. {WHERE}"),
        ("tasks", True, WHERE),  # how YAML reads "on: 3"
        ("", "capacity", CHOSEN.format(group="capacity")),
        ("trainer", "max_epohcs", f"Nearest: trainer.max_epochs, trainer.max_steps, trainer.devices. {WHERE}"),
        ("study", "trainer", "The file of a study begins with the line '# @package _global_'."),
    ],
)
def test_what_nothing_reads_is_refused_wherever_it_is_set(plain, group, key, mend):
    changed = copy.deepcopy(plain)
    (changed[group] if group else changed)[key] = {"max_epochs": 3}
    said = re.escape(f"got '{group}{'.' if group else ''}{key}'.")
    with pytest.raises(UserError, match=rf"^setting must be .*; {said}.*{re.escape(mend)}$"):
        check_settings(changed, [])
    check_settings(changed)


def test_a_setting_in_the_place_of_a_group_says_how_a_group_is_chosen():
    written = OmegaConf.create({"sharing": "full", "model": {"mask": "${sharing.mask}"}})
    with pytest.raises(UserError, match=r"^sharing must be a group of settings; got 'full'\. A group is chosen with"):
        resolved(written)


@pytest.mark.parametrize(
    "said",
    ["${..base}", "${recipe.base}", "a-${recipe.base}", "${oc.env:NONE,${recipe.base}}", "${oc.select:recipe.base}"],
)
def test_what_another_setting_refers_to_is_read(plain, said):
    written = [OmegaConf.create({"hydra": {}}), OmegaConf.create({"recipe": {"base": 0.1, "optimizer": {"lr": said}}})]
    changed = with_setting(with_setting(plain, "recipe.base", 0.1), "base", 0.1)
    with pytest.raises(UserError, match=r"^setting must be one .* or that another refers to; got 'base'"):
        check_settings(changed, [], lambda: written)
    del changed["base"]
    check_settings(changed, [], lambda: written)
    check_settings(changed, [], lambda: [OmegaConf.create({"model": {"widths": [8, "${recipe.base}"]}})])
    hyphened = with_setting(plain, "recipe.base-lr", 0.1)
    check_settings(hyphened, [], lambda: [OmegaConf.create({"seed": "${recipe.base-lr}"})])
    for other in (
        "${baseline} ${recipe.base_lr} ${recipe.base-lr} ${base} ${study.recipe.base} recipe.base",
        "${.other.base_}",
    ):
        with pytest.raises(UserError, match=r"^setting must be one .* or that another refers to; got 'recipe\.base'"):
            check_settings(changed, [], lambda lr=other: [OmegaConf.create({"recipe": {"base": 0.1, "lr": lr}})])


@pytest.mark.parametrize("key", ["data.base", "data.world.seed", "model.base", "trainer.base"])
def test_what_is_handed_on_holds_nothing_that_others_refer_to(plain, key):
    written = OmegaConf.create({"seed": 3, "base": f"${{{key}}}"})
    with pytest.raises(UserError, match=rf"^setting must be one .*; got '{re.escape(key)}'"):
        check_settings(with_setting(plain, key, 3), [], lambda: [written])


@pytest.mark.parametrize("key", ["seed", "mask", "names", "target", "coupling"])
@pytest.mark.parametrize("group", ["", "recipe.", "study.", "data.world."])
def test_a_misplaced_setting_is_no_helper_of_its_namesakes(group, key):
    if (group, key) == ("", "seed"):
        return
    override = f"+{group}{key}=0"
    with pytest.raises(UserError, match=rf"^setting must be one .*; got '{re.escape(group + key)}'"):
        check_settings(resolved(composed(override)), [override], lambda: [composed(override)])


def test_settings_of_worlds_are_none_of_a_store(plain):
    config = resolved(composed("data=msd", "data.store=x", "+data.world.n_tracks=3"))
    with pytest.raises(UserError, match=r"^data\.world must be set with data=synthetic alone; got data=msd"):
        check_settings(config, [])


def test_files_of_data_and_model_have_every_setting_that_what_they_make_takes():
    taken = [signature(one.__init__).parameters.keys() for one in (MSDDataModule, SyntheticDataModule, SharingNetwork)]
    of_all = signature(MultiTaskDataModule.__init__).parameters.keys()
    own = [taken[0] | of_all, taken[1] | of_all, taken[2] - {"n_features", "n_outputs"}]
    found = [
        checks._settings_of(*file)[1] for file in (("data", "msd"), ("data", "synthetic"), ("model", "sharing_network"))
    ]
    named = [{key.partition(".")[2] for key in keys if key.count(".") == 1} - {"name"} for keys in found]
    assert named == [names - {"self", "settings"} for names in own]
    world = {key.removeprefix("data.world.") for key in found[1] if key.startswith("data.world.")}
    assert world == signature(make_world).parameters.keys() - {"tasks", "target", "coupling"}


@pytest.mark.parametrize(
    "overrides", [("recipe=paper2016",), ("data=msd", "data.store=x"), ("tasks=loose",), ("seed=7",)]
)
def test_settings_as_they_come_are_right(overrides):
    check_settings(resolved(composed(*overrides)), overrides)


def test_every_setting_that_is_checked_is_there():
    config = resolved(composed())
    for key in set(checks.EXPECTED) - {
        f"trainer.{name}" for name in ("min_epochs", "min_steps", "accumulate_grad_batches")
    }:
        node = config
        for part in key.split("."):
            node = node[part]


def test_checks_need_no_heavy_library():
    code = "import sys, msd_mtl.study.run, msd_mtl.study.sizes; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"torch", "pytorch_lightning", "sklearn", "matplotlib", "wandb"}


def test_a_size_that_the_store_cannot_fill_is_refused_before_anything_is_imported(monkeypatch):
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr("msd_mtl.study.sizes.training_rows_of", lambda config: (120, 100))
    config = {"data": {"name": "msd", "train_size": 121}}
    with pytest.raises(UserError, match=r"data\.train_size must be between 1 and the 120 training rows .*; got 121"):
        check_rows(config)
    check_rows({"data": {"name": "msd", "train_size": 120}})
    check_rows({"data": {"name": "msd", "train_size": None}})


def test_rows_are_left_to_the_data_where_nothing_is_gained_by_looking(monkeypatch):
    def look(config):
        pytest.fail("it looked")

    monkeypatch.setattr("msd_mtl.study.sizes.training_rows_of", look)
    monkeypatch.setitem(sys.modules, "torch", sys)
    check_rows({"data": {"name": "msd", "train_size": 121}})
    monkeypatch.delitem(sys.modules, "torch")
    check_rows({"data": {"name": "synthetic", "train_size": 500, "world": {"n_tracks": 1000}}})


def test_a_size_that_a_world_cannot_fill_is_refused_before_anything_is_imported(tmp_path):
    code = """
import sys
from hydra import compose, initialize_config_dir
from msd_mtl.app import conf_dir
from msd_mtl.errors import UserError
from msd_mtl.study.run import run_once
with initialize_config_dir(str(conf_dir()), version_base="1.3"):
    cfg = compose("train", ["data.train_size=900", "data.world.n_tracks=1000", "data.world.n_words=300", *sys.argv[1:]])
try:
    run_once(cfg)
except UserError as error:
    print(error, "torch" in sys.modules)
"""
    command = [sys.executable, "-c", code, f"runs_dir={tmp_path}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert re.fullmatch(
        r"data\.train_size must be between 1 and the 6\d\d training rows .*; got 900\..* False\n", done.stdout
    )
