"""Which runs the jobs of a cluster have: a file for each array, for sweeps that are started again."""

import json
import os
import sys
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile

from msd_mtl.study.cluster import live_jobs, site, surely_live_jobs
from msd_mtl.study.files import write_json

FOLDER = ".slurm"


def folder_of(runs_dir: Path) -> Path:
    """Folder of what is kept of this cluster's jobs; another one on the same disk has jobs of the same ids."""
    return runs_dir / FOLDER / site().name


def _list_of(job: str, runs_dir: Path) -> Path:
    """The file of the runs of each job of an array; its time is that of the submission, by the clock of the disk."""
    return folder_of(runs_dir) / f"{_array_of(job)}.json"


def _array_of(job: str) -> str:
    return job.split("_", maxsplit=1)[0]


def write_list(runs: Mapping[str, Sequence[str]], runs_dir: Path, asked_ns: int) -> None:
    """Keep which runs the jobs of an array have.

    Args:
        runs: Job to its runs.
        runs_dir: Folder of the runs.
        asked_ns: Time of the submission, see ``now_ns``.
    """
    write_json(listed := _list_of(next(iter(runs)), runs_dir), runs)
    os.utime(listed, ns=(asked_ns, asked_ns))


def time_of(job: str, runs_dir: Path) -> int | None:
    """When a job was submitted, as ``now_ns`` tells; None where its list is forgotten."""
    try:
        return _list_of(job, runs_dir).stat().st_mtime_ns
    except FileNotFoundError:
        return None


def now_ns(runs_dir: Path) -> int:
    """Time of the disk, whose clock also stamps the records that jobs write."""
    folder = folder_of(runs_dir)
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=folder) as new:
        return os.fstat(new.fileno()).st_mtime_ns


def known_jobs(runs_dir: Path, waiting: Container[str]) -> dict[str, list[str]]:
    """Jobs of earlier launches that are not over, with those of their runs that are wanted now.

    Raises:
        RefusedLaunchError: If no controller tells which are.
    """
    live = surely_live_jobs()
    found: dict[str, list[str]] = {}
    for path in _lists(runs_dir):
        for job, runs in _read(path).items():
            wanted = [run for run in runs if run in waiting]
            if job in live and wanted:
                found[job] = wanted
    return found


def _read(path: Path) -> dict[str, list[str]]:
    """Job to its runs; of a list that is damaged, and said to be, none."""
    try:
        return {job: list(runs) for job, runs in json.loads(path.read_text(encoding="utf-8")).items()}
    except FileNotFoundError:  # another sweep has ended since
        return {}
    except (ValueError, AttributeError, TypeError) as error:  # neither UTF-8 nor JSON nor a dictionary of lists
        sys.stderr.write(f"{path} is damaged ({error}): jobs that it lists are not followed, nor waited for.\n")
        return {}


def forget(runs_dir: Path) -> None:
    """Delete the lists of jobs that are over."""
    live = live_jobs()
    if live is None:  # nobody knows which are over
        return
    arrays = {_array_of(job) for job in live}
    for path in _lists(runs_dir):
        if path.stem not in arrays:
            path.unlink(missing_ok=True)


def _lists(runs_dir: Path) -> list[Path]:
    return list(folder_of(runs_dir).glob("[!.]*.json"))
