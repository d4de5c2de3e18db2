"""Baselines of a run, computed once for all runs that train and are scored on the same rows and labels."""

import json
import math
import sys
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

from msd_mtl.data.datamodule import MultiTaskDataModule
from msd_mtl.data.task import PARTS, Task
from msd_mtl.model.metrics import METRICS
from msd_mtl.study.baselines import Baseline, baseline_features, linear_baseline, trivial_baseline
from msd_mtl.study.files import finite, write_json

FOLDER = ".baselines"

# Raised whenever the baselines make other numbers out of the same rows.
BASELINES_VERSION = 1


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
        entry = _cached(path, task)
        if entry is None:
            features = features or baseline_features(*(data.counts(part) for part in PARTS))
            labels = [data.parts[part].targets[index] for part in PARTS]
            train, val, test = zip(features, labels, strict=True)
            entry = _entry(task, trivial_baseline(task, *labels), linear_baseline(task, train, val, test))
            path.parent.mkdir(parents=True, exist_ok=True)
            write_json(path, entry)
        for part in ("val", "test"):
            found[part][task.name] = entry[part]
        found["chosen"][task.name] = entry["chosen"]
    return found


def _cached(path: Path, task: Task) -> dict[str, Any] | None:
    """What the cache has of a task; None if it has nothing, or nothing that is whole."""
    if not path.is_file():
        return None
    with suppress(ValueError, RecursionError):  # cut off, say: then it is made again
        entry: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if _fits(entry, _form(task)):
            return entry
    sys.stderr.write(f"{path} cannot be read; its baselines are computed again.\n")
    return None


def _form(task: Task) -> dict[str, Any]:
    """What ``_entry`` makes of a task: keys, and what tells whether a value can be theirs."""
    scores = dict.fromkeys(METRICS[task.kind], _is_number)
    part = {"trivial": scores, "linear": scores}
    chosen = {"strength": _is_number, "selected_by": _is_text, "fallback": _is_text}
    return {"task": lambda name: name == task.name, "val": part, "test": part, "chosen": chosen}


def _fits(value: Any, form: Any) -> bool:
    if not isinstance(form, dict):
        return bool(form(value))
    return isinstance(value, dict) and value.keys() == form.keys() and all(_fits(value[key], form[key]) for key in form)


def _is_number(value: Any) -> bool:
    """Whether it is a number as they are kept: null where a metric is not defined."""
    return value is None or (isinstance(value, float) and math.isfinite(value))


def _is_text(value: Any) -> bool:
    return value is None or isinstance(value, str)


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
