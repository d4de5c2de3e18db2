"""Baselines of a run, computed once for all runs that train and are scored on the same rows and labels."""

import json
import sys
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

from msd_mtl.data.datamodule import MultiTaskDataModule
from msd_mtl.data.task import PARTS, Task
from msd_mtl.study.baselines import Baseline, baseline_features, linear_baseline, trivial_baseline
from msd_mtl.study.files import finite, write_json

FOLDER = ".baselines"

# Raised whenever the baselines make other numbers out of the same rows, or are kept in another form.
BASELINES_VERSION = 2


def baselines(runs_dir: Path, data: MultiTaskDataModule) -> dict[str, Any]:
    """Trivial and linear baselines of every task.

    Args:
        runs_dir: Folder of the runs; the cache lives in it.
        data: DataModule of the run, set up.

    Returns:
        Part (``val``, ``test``) to task to ``trivial`` and ``linear`` to metric to value; under ``chosen`` task to the
        strength of its linear model, the metric that chose it, and why there is none (``fallback``).
    """
    found: dict[str, Any] = {"val": {}, "test": {}, "chosen": {}}
    features = None
    for index, task in enumerate(data.tasks):
        path = runs_dir / FOLDER / f"{_key(data, index)}.json"
        entry = _cached(path)
        if entry is None:
            features = features or baseline_features(*(data.counts(part) for part in PARTS))
            labels = [data.parts[part].targets[index] for part in PARTS]
            train, val, test = zip(features, labels, strict=True)
            entry = _entry(task, trivial_baseline(task, *labels), linear_baseline(task, train, val, test))
            path.parent.mkdir(parents=True, exist_ok=True)
            write_json(path, entry | {"digest": _digest(path, entry)})
        for part in ("val", "test"):
            found[part][task.name] = entry[part]
        found["chosen"][task.name] = entry["chosen"]
    return found


def _cached(path: Path) -> dict[str, Any] | None:
    """What the cache has of a task; None if it has nothing, or not what was written."""
    if not path.is_file():
        return None
    with suppress(ValueError, RecursionError):  # cut off, say: then it is made again
        entry = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(entry, dict) and entry.pop("digest", None) == _digest(path, entry):
            return entry
    sys.stderr.write(f"{path} is not as it was written; its baselines are computed again.\n")
    return None


def _digest(path: Path, entry: dict[str, Any]) -> str:
    """Hash of an entry and its place, by which one that is damaged, edited or another's is told."""
    return blake2b(f"{path.stem} {json.dumps(entry, sort_keys=True)}".encode(), digest_size=16).hexdigest()


def _entry(task: Task, trivial: Baseline, linear: Baseline) -> dict[str, Any]:
    scores = {part: {"trivial": trivial.metrics[part], "linear": linear.metrics[part]} for part in ("val", "test")}
    chosen = {"strength": linear.strength, "selected_by": linear.selected_by, "fallback": linear.fallback}
    entry: dict[str, Any] = finite({"task": task.name, **scores, "chosen": chosen})
    return entry


def _key(data: MultiTaskDataModule, index: int) -> str:
    """Hash of every number that the baselines of a task are made from."""
    content = blake2b(f"{BASELINES_VERSION} {data.tasks[index]}".encode(), digest_size=16)
    for part in PARTS:
        counts = data.counts(part)
        for array in (counts.indptr, counts.indices, counts.data, data.parts[part].targets[index]):
            content.update(f"{array.dtype} {array.shape}".encode())
            content.update(array.tobytes())
    return content.hexdigest()
