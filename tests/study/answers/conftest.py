"""Studies written by hand: configurations are real, what the runs predict is made up."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hydra import compose, initialize_config_dir

from msd_mtl.app import conf_dir
from msd_mtl.data.task import PARTS, task_of
from msd_mtl.model.metrics import task_metrics
from msd_mtl.study.answers.composed import composing
from msd_mtl.study.files import write_json
from msd_mtl.study.identity import Config, resolved, run_id, without
from msd_mtl.study.index import FOLDER
from msd_mtl.study.record import PREDICTIONS, Record, start_record, write_record

TASKS = {
    "pop": ["term:pop"],
    "tight": ["term:pop", "term:pop rock", "term:ballad"],
    "loose": ["term:pop", "loudness", "year"],
}
# What a report adds to its count of runs that are not completed where some of them failed.
RID = (
    " What failed runs ask counts in the correction; if their sweep was a mistake, delete its files in .studies/NAME "
    "of the runs folder (*.command.yaml says what it asked for)."
)
N_ARTISTS, PER_ARTIST = 120, 2


@dataclass
class Study:
    """Writes runs and the index of a study."""

    folder: Path
    base: Mapping[str, Any]
    name: str = "made"
    fingerprint: str = "synthetic"
    index: dict[str, list[str]] = field(default_factory=dict)

    def add(
        self,
        tasks: str | Sequence[str],
        mask: str,
        seed: int,
        shift: float = 0.0,
        *,
        status: str = "completed",
        label_coupling: float | None = None,
        shuffle: bool = False,
        **settings: Any,
    ) -> str:
        """Add a run whose predictions stand ``shift`` further apart than those of others.

        Args:
            tasks: Name in ``TASKS`` or tasks.
            mask: Sharing mask.
            seed: Seed of the run.
            shift: How much better it is.
            status: Status of its record.
            label_coupling: What its record says of each auxiliary.
            shuffle: Whether its tracks come in another order.
            settings: Further settings; two underscores stand for a dot.
        """
        config = copy.deepcopy(dict(self.base))
        names = TASKS[tasks] if isinstance(tasks, str) else list(tasks)
        settings = {
            "tasks.names": names,
            "data.names": names,
            "tasks.target": names[0],
            "data.target": names[0],
            "sharing.mask": [int(one) for one in mask],
            "model.mask": [int(one) for one in mask],
            "seed": seed,
            "data.seed": seed,
            **{key.replace("__", "."): value for key, value in settings.items()},
        }
        for key, value in settings.items():
            *parents, leaf = key.split(".")
            node = config
            for parent in parents:
                node = node[parent]
            node[leaf] = value
        name = run_id(config, self.fingerprint)
        record = start_record(config, name, self.fingerprint)
        (self.folder / name).mkdir(parents=True)
        if status == "completed":
            record |= self._results(name, names, config["seed"], shift, label_coupling, shuffle)
        elif status == "failed":
            record["error"] = {"kind": "UserError", "message": "it broke"}
        write_record(self.folder / name, record | {"status": status})
        self.index[name] = [f"tasks={tasks}", f"seed={seed}", "study=made"]
        return name

    def write_index(self) -> None:
        (self.folder / FOLDER / self.name).mkdir(parents=True, exist_ok=True)
        write_json(self.folder / FOLDER / self.name / "sweep.json", self.index)

    def _results(self, name, names, seed, shift, label_coupling, shuffle) -> Record:
        truth, common, artist, track_id = world(names[0])
        own = np.random.default_rng([int(name, 16), 0]).normal(0, 0.05, len(truth))
        signal = (truth - truth.mean()) / truth.std()
        values = (common + own + (0.5 + shift + 0.02 * np.sin(seed)) * signal).astype(np.float32)
        task = task_of(names[0])
        order = np.random.default_rng(0).permutation(len(truth)) if shuffle else np.arange(len(truth))
        np.savez(
            self.folder / name / PREDICTIONS,
            track_id=track_id[order],
            artist=artist[order],
            task=np.array(names),
            target=np.stack([truth[order]] * len(names)),
            prediction_0=values[order],
        )
        scores = task_metrics(task, values, truth, np.ones(len(truth), np.bool_))
        linear, trivial = (dict.fromkeys(scores, value) for value in (0.58, 0.5))
        known = {} if label_coupling is None else {"label": {"value": label_coupling}}
        return {
            "data": {
                "fingerprint": self.fingerprint,
                "rows": {"train": 500, "val": 200, "test": len(truth)},
                "labelled": {part: {names[0]: n} for part, n in zip(PARTS, (300, 200, len(truth)), strict=True)},
                "prevalence": {part: {} for part in PARTS},
                "coupling": dict.fromkeys(names[1:], known),
            },
            "parameters": {"total": 10 * len(names)},
            "timing_s": {"total": 2.0},
            "metrics": {part: {names[0]: scores} for part in ("val", "test")},
            "baselines": {"test": {names[0]: {"linear": linear, "trivial": trivial}}},
            "bayes": {"test": {}},
        }


def world(target: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Labels, what all runs have in common, artists and ids of the test tracks."""
    rng = np.random.default_rng(7)
    artist = np.repeat(np.arange(N_ARTISTS), PER_ARTIST)
    truth = (rng.random(N_ARTISTS) < 0.4).astype(np.float32)[artist]
    if task_of(target).kind == "regression":
        truth = rng.normal(1998, 10, len(artist)).astype(np.float32)
    common = rng.normal(0, 1, N_ARTISTS)[artist] + rng.normal(0, 0.5, len(artist))
    return truth, common, artist.astype(np.int32), np.array([f"TR{n:016d}" for n in range(len(artist))], "S18")


@pytest.fixture(scope="session")
def base_config() -> dict[str, Any]:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        config = resolved(compose("train", ["data.train_size=500"]))
    return without(config, ("hydra",))


@pytest.fixture
def study(tmp_path: Path, base_config: dict[str, Any]) -> Study:
    return Study(tmp_path / "runs", base_config)


@pytest.fixture
def crossed(study: Study) -> Callable[..., Study]:
    """Fills a study with single-task runs and two sharings of the tight set."""

    def fill(seeds: Sequence[int] = (0, 1, 2), **settings: Any) -> Study:
        for seed in seeds:
            study.add("pop", "0000", seed, data__coupling=0.0, **settings)
            for mask, shift in (("1100", 0.3), ("0011", 0.0)):
                study.add("tight", mask, seed, shift, data__coupling=0.9, **settings)
        study.write_index()
        return study

    return fill


def composed(overrides: Sequence[str], data: Sequence[str]) -> dict[str, tuple[Config, str]]:
    """Configuration of a run as files are now, and its data, by the name that they have together."""
    with composing() as compose:
        config = resolved(compose(overrides))
    return {run_id(config, one): (config, one) for one in data}
