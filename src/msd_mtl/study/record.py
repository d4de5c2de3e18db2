"""The JSON that a run leaves: the one truth about it."""

import os
import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from msd_mtl.errors import UserError
from msd_mtl.study.files import read_json, write_json
from msd_mtl.study.identity import Config

SCHEMA_VERSION = 1
RECORD, HISTORY, PREDICTIONS, LAST = "record.json", "history.csv", "predictions.npz", "last.ckpt"

Record = dict[str, Any]


def start_record(config: Config, run: str, fingerprint: str | None) -> Record:
    """What is known of a run before it begins.

    Args:
        config: Resolved configuration.
        run: Its ``run_id``.
        fingerprint: Fingerprint of its data; None where that cannot be read.
    """
    data, tasks = config["data"], config["tasks"]
    return {
        "schema_version": SCHEMA_VERSION,
        "run_id": run,
        "study": config["study"]["name"],
        "status": "running",
        "cell": {
            "data": data["name"],
            "tasks": tasks["names"],
            "target": tasks["target"],
            "sharing_mask": config["sharing"]["mask"],
            "train_size": data["train_size"],
            "coupling": data.get("coupling"),
            "recipe": config["recipe"]["name"],
        },
        "seed": config["seed"],
        "config": config,
        "data": {"fingerprint": fingerprint},
        "environment": environment(),
    }


def attempt_of(earlier: Record | None) -> list[dict[str, Any]]:
    """What came before an attempt: those before the earlier record, and how that one ended.

    Args:
        earlier: Record that is found when a run is made again; None for the first attempt.

    Returns:
        One entry an attempt, oldest first: ``started_at``, ``ended`` (``failed`` or ``interrupted``; ``completed`` by a
        defect only, as such a run is not made again), and ``error`` or ``interrupted_by`` where the process could say.
    """
    if earlier is None:
        return []
    status = earlier.get("status")
    ended = status if status in ("failed", "completed") else "interrupted"
    said = {key: earlier[key] for key in ("error", "interrupted_by") if key in earlier}
    before = earlier.get("attempts")
    return [
        *(before if isinstance(before, list) else []),
        {"started_at": earlier.get("started_at"), "ended": ended} | said,
    ]


def environment() -> dict[str, Any]:
    """Versions and machine; nothing that names a person or a host."""
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cpus": os.cpu_count(),
        "packages": dict(_versions()),
    }


@cache
def _versions() -> tuple[tuple[str, str], ...]:
    """Packages that a run's numbers depend on; to look one up takes a millisecond."""
    packages = ("msd-mtl", "torch", "pytorch-lightning", "torchmetrics", "numpy", "scipy", "scikit-learn", "h5py")
    return tuple((name, version(name)) for name in packages)


class UnreadableRecordError(UserError):
    """A record that is no JSON of a run: the disk lost some of it, or somebody edited it."""


def write_record(folder: Path, record: Record) -> None:
    """Write a run's record, whole or not at all."""
    write_json(folder / RECORD, record)


def read_record(folder: Path) -> Record | None:
    """A run's record, or None where there is none yet.

    Raises:
        UnreadableRecordError: If the file is no record.
        UserError: If it is of another schema.
    """
    record = _read(folder)
    if record is not None and (schema := record["schema_version"]) != SCHEMA_VERSION:
        raise UserError(
            f"record must have schema version {SCHEMA_VERSION}; got {schema} in {folder / RECORD}. The msd-mtl "
            "that made it reads it."
        )
    return record


def _read(folder: Path) -> Record | None:
    """A run's record, of whatever schema."""
    path = folder / RECORD
    try:
        record: Record = read_json(path)
        _ = record["schema_version"]
    except (FileNotFoundError, NotADirectoryError):  # a file in the place of a run directory is no run
        return None
    except (ValueError, KeyError, TypeError) as error:  # neither UTF-8 nor JSON nor a dictionary
        raise UnreadableRecordError(
            f"record must be the JSON of a run; got {path}: {error}. The command that made the run makes it again."
        ) from None
    return record


def is_completed(record: Record) -> bool:
    """Whether a run has ended well; not where somebody has edited its status away."""
    return record.get("status") == "completed"


def sharing_of(record: Record) -> str:
    """What a run shares, in words: ``sharing 1100``, or ``one task``, which has nothing to share whatever its mask."""
    cell = record["cell"]
    return "one task" if len(cell["tasks"]) == 1 else f"sharing {''.join(map(str, cell['sharing_mask']))}"


def error_of(record: Record) -> str:
    """The error of a failed run in a line, however somebody edited it; empty where there is none."""
    error = record.get("error", "")
    if not isinstance(error, dict):
        return str(error)
    where = ", ".join(f"{key} {error[key]}" for key in ("task", "step", "rank") if key in error)
    return f"{error.get('kind')}{f' ({where})' if where else ''}: {error.get('message')}"


def found_record(folder: Path) -> Record | None:
    """A run's record, or None where there is none or none that can be read: then the run has to be made again.

    Raises:
        UserError: If it is of another schema.
    """
    try:
        return read_record(folder)
    except UnreadableRecordError:
        return None


def seen_record(folder: Path) -> Record | None:
    """As ``found_record``, of whatever schema: for what only looks."""
    try:
        return _read(folder)
    except UnreadableRecordError:
        return None
