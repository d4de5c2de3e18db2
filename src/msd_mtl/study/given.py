"""Which runs W&B has been given, told without asking or importing it: by a file beside those that it writes itself."""

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from msd_mtl.study.files import write_json
from msd_mtl.study.identity import Config
from msd_mtl.study.record import RECORD, Record

GIVEN = Path("wandb", "given.json")  # in the run directory

Place = Mapping[str, Any]  # ``project``, ``entity``


def place_of(config: Config) -> Place | None:
    """Where on W&B a run is to be shown; None for nowhere.

    Args:
        config: Resolved configuration.
    """
    settings = config.get("logger", {})
    if settings.get("_target_") is None or settings.get("mode") == "disabled":
        return None
    return {key: settings.get(key) for key in ("project", "entity")}


def is_shown(config: Config, folder: Path) -> bool:
    """Whether a run with a record is shown wherever its configuration says.

    Args:
        config: Resolved configuration.
        folder: Run directory.
    """
    place = place_of(config)
    return place is None or is_given(folder, place)


def is_given(folder: Path, place: Place) -> bool:
    """Whether W&B has been given, to the end, what the record of a run says now.

    Args:
        folder: Run directory, with a record.
        place: Where on W&B; a key that is left out may be anything.
    """
    try:
        given = json.loads((folder / GIVEN).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return False
    return isinstance(given, dict) and _told(folder, place).items() <= given.items()


def mark_given(folder: Path, place: Place) -> None:
    """Say that W&B, or its files in the run directory, have all that the record says.

    Args:
        folder: Run directory, with a record.
        place: Where on W&B.
    """
    write_json(folder / GIVEN, _told(folder, place))


def n_lacking(runs_dir: Path, records: Sequence[Record], project: str) -> int:
    """Number of completed runs that a W&B project has never been given.

    Args:
        runs_dir: Folder of the run directories.
        records: Records of the runs.
        project: The project, of any entity: that of a key has a name which the runs do not know.
    """
    return sum(not is_given(runs_dir / record["run_id"], {"project": project}) for record in records)


def _told(folder: Path, place: Place) -> dict[str, Any]:
    """A record by its hash: one that has changed since, as by baselines added later, is not what W&B was given."""
    return {"record": blake2b((folder / RECORD).read_bytes(), digest_size=8).hexdigest(), **place}
