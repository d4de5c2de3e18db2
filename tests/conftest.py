"""What tests of several folders need."""

import copy
import signal
from collections.abc import Callable, Generator, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from msd_mtl.app import conf_dir
from msd_mtl.data.task import PARTS

# A run of a second: a small world, a small network, few epochs.
SMALL = [
    "data.world.n_tracks=800",
    "data.world.n_words=300",
    "data.world.words_per_track=20",
    "data.train_size=200",
    "model.widths=[16,12,8,8]",
    "trainer.max_epochs=3",
    "trainer.enable_progress_bar=false",
]

# What a completed run has in its record, the shortest of all.
WHOLE: dict[str, Any] = {
    "schema_version": 1,
    "run_id": "a",
    "study": "s",
    "status": "completed",
    "cell": {
        "data": "synthetic", "tasks": ["year"], "target": "year", "sharing_mask": [0], "train_size": 9,
        "coupling": None, "recipe": "default",
    },
    "seed": 0,
    "config": {
        "tasks": {"names": ["year"], "target": "year"}, "sharing": {"mask": [0]}, "study": {},
        "data": {"name": "synthetic", "split": "artist", "train_size": 9},
    },
    "data": {
        "fingerprint": "synthetic", "rows": {"train": 9, "val": 8, "test": 7},
        "labelled": {part: {"year": 5} for part in PARTS}, "prevalence": {part: {} for part in PARTS},
    },
    "environment": {},
    "parameters": {"total": 7, "shared": 0},
    "epochs": 3,
    "best_epoch": 1,
    "timing_s": {"total": 10.0},
    "metrics": {"val": {"year": {}}, "test": {"year": {"rmse": 1.0}}},
    "baselines": {},
    "bayes": {"test": {}},
}  # fmt: skip

RAW = Path(__file__).parents[2] / "shared" / "data" / "raw"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with the tests on a cluster, which last long and mostly wait."""
    items.sort(key=lambda item: item.get_closest_marker("slurm") is None)


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """A worker more than there are cores, for that of the tests on a cluster hardly uses one."""
    return (yield) + 1


@pytest.fixture
def small_run(tmp_path: Path) -> Callable[..., DictConfig]:
    """Composes the configuration of a small synthetic run, with further overrides."""

    return partial(composed, tmp_path, *SMALL)


def composed(folder: Path, *overrides: str) -> DictConfig:
    """The configuration of a run in a folder, which takes Hydra 70 ms: made once for all tests that differ in that."""
    elsewhere = [override.removeprefix("runs_dir=") for override in overrides if override.startswith("runs_dir=")]
    cfg = copy.deepcopy(_of_any_folder(tuple(o for o in overrides if not o.startswith("runs_dir="))))
    cfg.runs_dir = str([folder / "runs", *elsewhere][-1])
    return cfg


@cache
def _of_any_folder(overrides: tuple[str, ...]) -> DictConfig:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return compose("train", list(overrides))


@pytest.fixture
def heeded() -> Iterator[None]:
    """Has Ctrl-C reach this process and those it starts; shells have it ignored in the background."""
    earlier = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, earlier)


@pytest.fixture(scope="session")
def raw() -> Path:
    """Real rows of the official files, where they are there."""
    if not RAW.is_dir():
        pytest.skip(f"the real sample is not at {RAW.parent.parent.name}/data/raw beside the project")
    return RAW
