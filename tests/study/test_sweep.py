import subprocess
import sys

import pytest
from hydra import compose, initialize_config_dir
from hydra._internal.hydra import Hydra
from hydra.core.global_hydra import GlobalHydra
from tests.conftest import SMALL

from msd_mtl.app import conf_dir
from msd_mtl.errors import UserError
from msd_mtl.study.compose import cells
from msd_mtl.study.sizes import fillable
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


def test_nothing_and_truth_reach_the_runs_as_they_are(loaded):
    study = {"data.target_train_size": None, "data.drop_last": True}
    (cell,) = cells(*loaded, jobs(study, None, [], loaded[0]))
    assert cell.config["data"]["target_train_size"] is None
    assert cell.config["data"]["drop_last"] is True


def test_what_is_in_two_grids_is_made_once(loaded):
    grids = {"one": {"seed": "0,1"}, "other": {"seed": "1,2"}, "bare": {}, "left out": None}
    assert [cell.config["seed"] for cell in cells(*loaded, jobs(None, grids, [], loaded[0]))] == [0, 1, 2]


def test_a_task_alone_is_not_repeated_for_every_mask(loaded):
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


def test_sizes_are_not_looked_at_unless_the_study_says_so(loaded):
    asked = cells(*loaded, jobs(None, GRIDS, SIZES, loaded[0]))
    assert fillable(asked) == (asked, [])


def test_a_study_without_any_size_left_is_refused(loaded):
    asked = cells(*loaded, [[*SMALL, "data.train_size=10000", "+study.skip_impossible_sizes=true"]])
    with pytest.raises(UserError, match=r"a training size that the data fills; got none\. data\.train_size=10,000, of"):
        fillable(asked)


def test_asking_for_sizes_imports_no_torch():
    code = "import sys, msd_mtl.study.sizes, msd_mtl.study.sweep; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
