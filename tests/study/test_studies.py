"""Every study composes, has the number of runs that it says, and runs."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial

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

Jobs = list[list[str]]
STUDIES = sorted(path.stem for path in (conf_dir() / "study").glob("*.yaml") if path.stem != "none")
BOTH = ("benefit", "size", "coupling", "depth", "full", "leak", "paper2016", "rows")  # made on real data too

# Runs of one seed. Real data has the coupling it has: no planted ones there.
ON_REAL_DATA = {
    "benefit": 2 * (1 + 2 * 4),
    "size": 5 * 2 * (1 + 2 * 2),
    "coupling": 1 + 2 * 3,
    "depth": 1 + 2 * 16,
    "full": 5 * 2 * 2 * (1 + 2 * 4) + 2 * 12,
    "leak": 2 * (3 + 1),
    "rows": 5 * (1 + 2 * 2),
    "paper2016": 10 * (5 + 2 * 3) + 3 * (1 + 2 * 3),  # of the post-mortem, one of four stands in the grid
}


@contextmanager
def asked(study: str, *overrides: str) -> Iterator[tuple[Callable[[Jobs], list[Cell]], Jobs]]:
    """What composes runs of a study, and all its combinations, with settings on the command line."""
    given = [f"study={study}", *overrides]
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        master = hydra.config_loader.load_configuration("train", given, run_mode=RunMode.MULTIRUN)
        sweeper = master.hydra.sweeper
        combinations = jobs(sweeper.params, sweeper.grids, given, hydra.config_loader)
        yield partial(cells, hydra.config_loader, master), combinations


@cache
def runs_of(study: str, *overrides: str) -> list[Cell]:
    """The runs of a study with settings on the command line."""
    with asked(study, *overrides) as (composed, combinations):
        return composed(combinations)


def said(study: str) -> list[int]:
    """Numbers of runs in the comment of a study, that of the whole study first."""
    text = (conf_dir() / "study" / f"{study}.yaml").read_text(encoding="utf-8")
    comment = " ".join(line[1:].strip() for line in text.splitlines() if line.startswith("#"))
    return [int(number.replace(",", "")) for number in re.findall(r"([\d,]+) (?:runs|\(|on real)", comment)]


@pytest.mark.parametrize("study", STUDIES)
def test_a_study_has_the_number_of_runs_that_it_says(study):
    with asked(study) as (_, combinations):
        seeds = sorted({setting for job in combinations for setting in job if setting.startswith("seed=")})
        of_seed = [[job for job in combinations if seed in job] for seed in seeds]
    found = runs_of(study, "seed=0")
    beside_seed = [[sorted({*job} - {*seeds}) for job in of_one] for of_one in of_seed]
    assert all(others == beside_seed[0] for others in beside_seed)  # so that one seed tells for all
    assert len(found) * len(seeds) == said(study)[0]
    assert {cell.config["study"]["name"] for cell in found} == {study}
    assert study in ("demo", "places") or len(seeds) >= 5


def test_the_launcher_in_readme_makes_runs_that_the_demo_has_not_made():
    text = (conf_dir().parent / "README.md").read_text(encoding="utf-8")
    (overrides,) = re.findall(r"^\$ launchers/slurm\.sh demo (.*)$", text, re.MULTILINE)
    made, further = ({cell.run_id for cell in runs_of("demo", *more)} for more in ((), overrides.split()))
    assert len(further - made) == len(further) == 24


@pytest.mark.parametrize("study", BOTH)
def test_a_study_composes_on_real_data(study, monkeypatch):
    monkeypatch.setattr("msd_mtl.study.cell.data_fingerprint", lambda data: "of a store")
    found = runs_of(study, "data=msd", "data.store=store.h5", "seed=0")
    assert len(found) == ON_REAL_DATA[study]
    assert all(cell.config["data"]["name"] == "msd" for cell in found)


@pytest.mark.parametrize("study", STUDIES)
def test_a_study_runs(study, tmp_path):
    small = [*SMALL, f"runs_dir={tmp_path}", "seed=0", "data.world.words_per_detector=5", "data.batch_size=64"]
    small += ["data.target_train_size=100"] if study in ("rows", "controls") else []
    with asked(study, *small) as (composed, combinations):
        found = composed([combinations[0], combinations[-1]])
    assert len(found) == 2
    for cell in found:
        assert run_once(cell.config)[1]["status"] == "completed"


def of_grid(found: list[Cell]) -> list[Cell]:
    """Runs of the original's grid, without those that only its post-mortem has."""
    return [
        cell
        for cell in found
        if cell.config["data"]["control"] is None and cell.config["recipe"]["name"] == "paper2016"
    ]


def test_sizes_that_the_default_data_cannot_fill_are_left_out_of_the_original_grid():
    kept, lines = fillable(of_grid(runs_of("paper2016", "seed=0")))
    assert {cell.config["data"]["train_size"] for cell in kept} == {500, 1000, 2000, 3000, 4000, 5000}
    assert any(line.startswith("data.train_size=25,000, of 6,") for line in lines)
    assert len(kept) == 11 * 6


def values_of(found: list[Cell], key: str) -> set:
    """Values of a dotted setting."""
    group, leaf = key.split(".")
    return {tuple(v) if isinstance(v := cell.config[group][leaf], list) else v for cell in found}


LOW, HIGH, INTERSPERSED, FULL = (1, 1, 0, 0), (0, 0, 1, 1), (1, 0, 0, 1), (1, 1, 1, 1)
SETS = {
    "pop": ("term:pop",),
    "tight": ("term:pop", "term:pop rock", "term:ballad"),
    "loose": ("term:pop", "loudness", "year"),
}


def of_set(found: list[Cell], name: str) -> list[Cell]:
    return [cell for cell in found if tuple(cell.config["tasks"]["names"]) == SETS[name]]


def test_the_original_grid_is_the_original_one():
    found = runs_of("paper2016", "seed=0")
    sizes = {500, 1000, 2000, 3000, 4000, 5000, 7500, 10000, 15000, 25000}
    alone = {("term:pop",), ("term:pop rock",), ("term:ballad",), ("loudness",), ("year",)}
    assert values_of(found, "tasks.names") == alone | {SETS["tight"], SETS["loose"]}
    joined = of_grid(found)
    for tasks in values_of(found, "tasks.names"):
        of_tasks = [cell for cell in joined if tuple(cell.config["tasks"]["names"]) == tasks]
        assert values_of(of_tasks, "data.train_size") == sizes
        assert tasks in alone or values_of(of_tasks, "sharing.mask") == {LOW, HIGH, INTERSPERSED}
    post_mortem = [cell for cell in found if cell not in joined]
    assert values_of(post_mortem, "data.train_size") == {1000}
    conditions = {(cell.config["data"]["control"], cell.config["recipe"]["name"]) for cell in post_mortem}
    assert conditions == {("misalign", "paper2016"), (None, "default"), ("misalign", "default")}


def test_benefit_compares_at_equal_widths_and_at_as_many_parameters():
    found = runs_of("benefit", "seed=0")
    assert values_of(found, "data.train_size") == {1000}
    for name in SETS:
        assert values_of(of_set(found, name), "model.match_parameters") == {None, FULL}
        assert name == "pop" or values_of(of_set(found, name), "sharing.mask") == {LOW, HIGH, INTERSPERSED, FULL}


def test_a_leak_is_looked_for_over_another_split_for_every_seed():
    found = runs_of("leak")
    assert {(cell.config["seed"], cell.config["data"]["split_seed"]) for cell in found} == {(n, n) for n in range(10)}
    assert values_of(found, "data.split") == {"artist", "track"}
    assert values_of(found, "data.train_size") == {None}


def test_size_has_octaves_with_equal_epochs_and_equal_steps():
    found = runs_of("size", "seed=0")
    assert values_of(found, "data.train_size") == {250, 500, 1000, 2000, 4000}
    assert None in values_of(found, "data.epoch_steps")
    assert len(values_of(found, "data.epoch_steps")) == 2


def test_depth_has_all_masks_and_coupling_has_planted_ones():
    depth, coupling = (runs_of(study, "seed=0") for study in ("depth", "coupling"))
    assert len(values_of(of_set(depth, "tight"), "sharing.mask")) == 16
    assert len(values_of(of_set(depth, "loose"), "sharing.mask")) == 16
    assert {0.0, 0.5, 0.9} <= values_of(of_set(depth, "tight"), "data.coupling")
    assert {0.0, 0.3, 0.6, 0.9} <= values_of(of_set(coupling, "tight"), "data.coupling")
    assert values_of(of_set(coupling, "loose"), "sharing.mask") == {LOW, HIGH, FULL}
