from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from msd_mtl.app import conf_dir
from msd_mtl.study.identity import LATER, resolved, run_id, without

GROUPS = sorted(
    f"{path.parent.name}={path.stem}"
    for path in conf_dir().glob("*/*.yaml")
    if path.parent.name not in ("hydra", "study")
)
STUDIES = sorted(path.stem for path in (conf_dir() / "study").glob("*.yaml"))
COMMANDS = sorted(path.stem for path in conf_dir().glob("*.yaml") if path.stem != "app")


def composed(name: str, *overrides: str):
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return compose(name, list(overrides))


@pytest.mark.parametrize("choice", GROUPS)
def test_every_choice_of_every_group_composes(choice):
    config = resolved(composed("train", choice, *(["data.store=store.h5"] if choice == "data=msd" else [])))
    assert config["sharing"]["mask"] == config["model"]["mask"]
    assert config["data"]["names"] == config["tasks"]["names"]
    assert config["tasks"]["target"] in config["tasks"]["names"]


@pytest.mark.parametrize("study", STUDIES)
def test_every_study_composes_under_its_own_name(study):
    assert resolved(composed("train", f"study={study}"))["study"]["name"] == study


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_composes(command):
    assert OmegaConf.is_config(composed(command))


@pytest.mark.parametrize(("name", "mask"), [
    ("none", [0, 0, 0, 0]), ("low", [1, 1, 0, 0]), ("high", [0, 0, 1, 1]), ("interspersed", [1, 0, 0, 1]),
    ("full", [1, 1, 1, 1]),
])  # fmt: skip
def test_named_masks_are_those_of_the_study(name, mask):
    assert composed("train", f"sharing={name}").sharing.mask == mask


@pytest.mark.parametrize("name", ["none", "low", "high", "interspersed", "full"])
def test_a_capacity_is_that_of_the_sharing_of_its_name(name):
    assert (
        composed("train", f"capacity={name}").model.match_parameters
        == composed("train", f"sharing={name}").sharing.mask
    )


def test_a_run_is_nominal_in_capacity_and_budget_unless_told_otherwise():
    config = resolved(composed("train"))
    assert (config["model"]["match_parameters"], config["data"]["epoch_steps"]) == (None, None)
    steps = resolved(composed("train", "budget=steps"))
    assert steps["data"]["epoch_steps"] == steps["recipe"]["epoch_steps"] > 0


def test_paper2016_is_the_recipe_of_the_original():
    config = resolved(composed("train", "recipe=paper2016"))
    assert config["recipe"]["optimizer"]["_target_"] == "msd_mtl.model.row_adagrad.RowAdagrad"
    assert config["recipe"]["optimizer"]["lr"] == 1e-4
    assert config["data"]["features"] == "counts"
    assert config["data"]["row_norm"] is None
    assert config["data"]["batch_size"] == 128
    assert config["data"]["drop_last"] is True
    assert config["model"]["widths"] == [1024, 512, 256, 128]
    assert config["model"]["dropout"] == [0, 0, 0.5, 0.5]
    assert config["recipe"]["standardise_regression"] is False


IDENTITY = "a"


@pytest.mark.parametrize(
    "override",
    ["runs_dir=elsewhere", "logger=wandb", "study.name=other", "trainer.enable_progress_bar=false", "baselines=false"],
)
def test_how_a_run_is_made_is_not_part_of_its_name(override):
    assert run_id(resolved(composed("train", override)), IDENTITY) == run_id(resolved(composed("train")), IDENTITY)


@pytest.mark.parametrize(
    "override",
    ["seed=1", "sharing=high", "data.train_size=2000", "recipe=paper2016", "data.coupling=0.1", "tasks=loose",
     "model.widths=[8,8,8,8]", "trainer.max_epochs=2", "trainer.precision=64-true", "data.control=misalign"],
)  # fmt: skip
def test_what_can_change_a_result_changes_the_name(override):
    assert run_id(resolved(composed("train", override)), IDENTITY) != run_id(resolved(composed("train")), IDENTITY)


@pytest.mark.parametrize(("one", "other"), [("data.coupling=0", "data.coupling=0.0"), ("data.row_norm=30", "seed=0")])
def test_the_same_number_written_otherwise_is_the_same_run(one, other):
    assert run_id(resolved(composed("train", one)), IDENTITY) == run_id(resolved(composed("train", other)), IDENTITY)


def test_coupling_of_the_preset_counts_where_the_data_has_one():
    names = {
        run_id(resolved(composed("train", "data=msd", "data.store=s", f"tasks.coupling={c}")), IDENTITY) for c in (0, 1)
    }
    assert len(names) == 1
    planted = {run_id(resolved(composed("train", f"tasks.coupling={c}")), IDENTITY) for c in (0, 1)}
    assert len(planted) == 2


def test_other_data_is_another_run():
    config = resolved(composed("train"))
    assert run_id(config, "a") != run_id(config, "b")


def test_configuration_says_its_sources():
    for path in Path(conf_dir()).rglob("*.yaml"):
        assert "#" in path.read_text(encoding="utf-8"), f"{path} says neither unit nor source of its values"


@pytest.mark.parametrize("override", ["data.target_train_size=500", "capacity=full", "budget=steps"])
def test_a_setting_that_came_later_names_a_run_only_where_it_is_set(override):
    config = resolved(composed("train"))
    older = without(config, tuple(LATER))
    assert (
        run_id(config, IDENTITY) == run_id(older, IDENTITY) != run_id(resolved(composed("train", override)), IDENTITY)
    )


def test_steps_of_an_epoch_count_where_the_budget_is_one_of_steps():
    plain, other = (resolved(composed("train", *o)) for o in ([], ["recipe.epoch_steps=20"]))
    assert run_id(plain, IDENTITY) == run_id(other, IDENTITY)
    some, more = (resolved(composed("train", "budget=steps", f"recipe.epoch_steps={n}")) for n in (20, 30))
    assert run_id(some, IDENTITY) != run_id(more, IDENTITY)
