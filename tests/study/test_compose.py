"""Runs of a sweep are composed here and now, as Hydra would compose each of them."""

import re
import time

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from tests.conftest import SMALL

from msd_mtl.app import conf_dir
from msd_mtl.errors import UserError
from msd_mtl.study.compose import cells
from msd_mtl.study.composer import Composer
from msd_mtl.study.identity import resolved


@pytest.fixture
def loaded():
    """Hydra's configuration loader, and the configuration of a sweep."""
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        yield hydra.config_loader, compose("train", return_hydra_config=True)


@pytest.mark.parametrize(
    "overrides",
    [
        ("sharing=high", "seed=3"),
        ("recipe=paper2016", "recipe.optimizer.lr=0.01", "data.batch_size=64"),
        ("tasks=loose", "data.coupling=0.3", "sharing.mask=[1,0,0,1]"),
        ("study=demo", "trainer=ddp", "+trainer.limit_train_batches=2", "~data.world.missing"),
        ("data.train_size=null", "recipe.monitor=loudness/rmse"),
    ],
)
def test_a_run_is_composed_as_hydra_does(loaded, overrides):
    (cell,) = cells(*loaded, [[*SMALL, *overrides]])
    expected = resolved(compose("train", [*SMALL, *overrides, "trainer.enable_progress_bar=false"]))
    assert cell.config == expected


def test_the_same_run_is_there_once(loaded):
    found = cells(*loaded, [["seed=0"], ["seed=1"], ["seed=0", "checkpoint_every_s=60"]])
    assert [cell.overrides for cell in found] == [("seed=0",), ("seed=1",)]


@pytest.mark.parametrize("setting", ["study.name", "runs_dir"])
def test_a_sweep_has_one_study_and_one_folder(loaded, setting):
    with pytest.raises(
        UserError, match=rf"{setting} must have one value in a sweep; got a, b\. Start a sweep for each"
    ):
        cells(*loaded, [["seed=0", f"{setting}={value}"] for value in "ba"])


def test_runs_that_choose_the_same_groups_are_composed_together(loaded):
    started = time.process_time()
    found = cells(*loaded, [["sharing=high", f"seed={seed}"] for seed in range(100)])
    assert len({cell.run_id for cell in found}) == 100
    assert time.process_time() - started < 10


def test_a_missing_value_is_one_clear_message(loaded):
    with pytest.raises(UserError, match="every setting must have a value"):
        cells(*loaded, [["data=msd"]])


def test_a_run_of_a_sweep_shows_no_bar_and_names_no_setting_of_hydra(loaded):
    (cell,) = cells(*loaded, [["seed=0", "hydra.verbose=false"]])
    assert cell.config["trainer"]["enable_progress_bar"] is False
    assert cell.overrides == ("seed=0",)


def test_a_wrong_value_is_refused_before_any_run_is_made(loaded):
    with pytest.raises(UserError, match=r"seed must be a whole number of at least 0; got -1"):
        cells(*loaded, [["seed=0"], ["seed=-1"]])


@pytest.mark.parametrize("choice", ["tasks=pop", "tasks='pop'", "tasks=tight"])
def test_a_choice_that_the_file_of_a_study_undoes_is_refused(loaded, choice):
    with pytest.raises(UserError, match=r"tasks=\S+ must set tasks\.names to \['term:.*study controls sets after it"):
        cells(*loaded, [["study=controls", choice, "sharing=low"]])


def test_a_choice_is_composed_alone_without_what_hydra_is_told(loaded):
    loader, _ = loaded
    told = ["study=controls", "hydra.sweeper.grids.positive=null"]
    cells(loader, compose("train", told, return_hydra_config=True), [["study=controls", "sharing=low"]])


@pytest.mark.parametrize("choice", ["sharing=[none, low]", "tasks=[pop]", "capacity=[nominal,full]"])
def test_several_choices_of_a_group_at_once_are_refused(loaded, choice):
    plain = choice.replace("[", "").replace("]", "").replace(" ", "")
    told = f" must be one choice; got {choice}. Write those of a sweep without brackets: {plain}."
    with pytest.raises(UserError, match=re.escape(told)):
        cells(*loaded, [[choice]])


def test_a_choice_that_is_null_is_one_message(loaded):
    with pytest.raises(UserError, match=r"sharing must be one of full, .*; got 'null'\..* It is set in hydra\.sweeper"):
        cells(*loaded, [["sharing=null"]])


@pytest.mark.parametrize(
    "overrides",
    [
        ["study=controls", "tasks=pop", "tasks.names=[year]", "tasks.target=year"],
        ["study=controls", "sharing=full"],
        ["study=demo", "tasks=tight"],
        ["study=controls", "tasks=pop", "++tasks.names=[year]", "++tasks.target=year"],
        ["study=demo", "sharing=low", "sharing.mask.0=0"],
        ["study=demo", "tasks=pop", "tasks=tight"],
        ["tasks=pop", "sharing=low", "sharing.mask=[1,1,1,1]"],
    ],
    ids=["set alone too", "not set by the study", "in its defaults", "added", "in part", "the last of two", "no study"],
)
def test_a_choice_that_comes_to_something_is_taken(loaded, overrides):
    cells(*loaded, [overrides])


def test_no_more_choices_of_groups_are_composed_than_asked_for(loaded):
    composer = Composer(loaded[0], lambda structure: compose("train", structure), most=1)
    assert [composer(["sharing=low", f"seed={seed}"]).seed for seed in (0, 1)] == [0, 1]
    with pytest.raises(OverflowError, match=r"choices of groups must be at most 1; got another: .*sharing=high"):
        composer(["sharing=high", "seed=0"])
    assert composer(["sharing=low", "seed=2"]).seed == 2


def test_groups_that_cannot_be_composed_are_tried_once(loaded):
    tried = []
    composer = Composer(loaded[0], lambda structure: (tried.append(structure), compose("train", structure))[1])
    for seed in (0, 1):
        with pytest.raises(HydraException, match="sharing/none_such"):
            composer(["sharing=none_such", f"seed={seed}"])
    assert tried == [["sharing=none_such"]]
