"""Every study composes, has the number of runs that it says, and runs."""

import re

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from tests.conftest import SMALL

from msd_mtl.app import conf_dir
from msd_mtl.study.cell import Cell
from msd_mtl.study.compose import cells
from msd_mtl.study.run import run_once
from msd_mtl.study.sizes import fillable
from msd_mtl.study.sweep import jobs

STUDIES = sorted(path.stem for path in (conf_dir() / "study").glob("*.yaml") if path.stem != "none")
BOTH = ("benefit", "size", "coupling", "depth", "full", "leak", "paper2016", "rows")  # made on real data too


def runs_of(study: str, *overrides: str) -> list[Cell]:
    """The runs of a study with settings on the command line."""
    given = [f"study={study}", *overrides]
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        master = hydra.config_loader.load_configuration("train", given, run_mode=RunMode.MULTIRUN)
        sweeper = master.hydra.sweeper
        return cells(hydra.config_loader, master, jobs(sweeper.params, sweeper.grids, given, hydra.config_loader))


def said(study: str) -> list[int]:
    """Numbers of runs in the comment of a study, that of the whole study first."""
    text = (conf_dir() / "study" / f"{study}.yaml").read_text(encoding="utf-8")
    comment = " ".join(line[1:].strip() for line in text.splitlines() if line.startswith("#"))
    return [int(number.replace(",", "")) for number in re.findall(r"([\d,]+) (?:runs|\(|on real)", comment)]


@pytest.mark.parametrize("study", STUDIES)
def test_a_study_has_the_number_of_runs_that_it_says(study):
    found = runs_of(study)
    assert len(found) == said(study)[0]
    assert {cell.config["study"]["name"] for cell in found} == {study}
    assert study in ("demo", "places") or len({cell.config["seed"] for cell in found}) >= 5


@pytest.mark.parametrize("study", BOTH)
def test_a_study_composes_on_real_data(study, monkeypatch):
    monkeypatch.setattr("msd_mtl.study.cell.data_fingerprint", lambda data: "of a store")
    found = runs_of(study, "data=msd", "data.store=store.h5", "seed=0")
    fewer = {"coupling": 7, "depth": 33}  # coupling is what it is
    assert len(found) == fewer.get(study, len(found))
    assert all(cell.config["data"]["name"] == "msd" for cell in found)


@pytest.mark.parametrize("study", STUDIES)
def test_a_study_runs(study, tmp_path):
    small = [*SMALL, f"runs_dir={tmp_path}", "seed=0", "data.world.words_per_detector=5", "data.batch_size=64"]
    small += ["data.target_train_size=100"] if study in ("rows", "controls") else []
    found = runs_of(study, *small)
    for cell in (found[0], found[-1]):
        assert run_once(cell.config)[1]["status"] == "completed"


def test_sizes_that_the_default_data_cannot_fill_are_left_out_of_the_original_grid():
    kept, lines = fillable(runs_of("paper2016", "seed=0", "recipe=paper2016", "data.control=null"))
    assert {cell.config["data"]["train_size"] for cell in kept} == {500, 1000, 2000, 3000, 4000, 5000}
    assert any(line.startswith("data.train_size=25,000, of 6,") for line in lines)
    assert len(kept) == 11 * 6
