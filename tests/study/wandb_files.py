"""What W&B wrote of a run, for tests to look at."""

import json
import subprocess
from pathlib import Path

OFFLINE = ("logger=wandb", "logger.mode=offline", "baselines=false")


def logged(folder: Path) -> dict:
    """What W&B wrote of a run, as its own tool reads it."""
    from wandb.util import get_core_path

    (path,) = folder.glob("wandb/*run-*/run-*.wandb")
    tool = [get_core_path(), "leet", "inspect", "--json", "--no-observability", "--run-file", str(path)]
    lines = subprocess.run(tool, check=True, capture_output=True, text=True).stdout.splitlines()
    found = {"history": [], "summary": {}}
    for record in map(json.loads, lines):
        match record["type"]:
            case "history":
                found["history"].append(record["history"]["item"])
            case "summary":
                found["summary"] |= record["summary"]["update"]
            case "run" | "exit" | "preempting":
                found[record["type"]] = record[record["type"]]
    return found


def without_underscores(history: list[dict]) -> list[dict]:
    return [{key: value for key, value in row.items() if not key.startswith("_")} for row in history]
