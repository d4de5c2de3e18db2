"""The runs of each job of a cluster: a file that is there before the job is, for it and for sweeps started again."""

import json
import secrets
import sys
from collections.abc import Container, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from msd_mtl.study.cell import Cell
from msd_mtl.study.cluster import site

FOLDER = ".slurm"


class Job(NamedTuple):
    """What a sweep knows of a job.

    Attributes:
        runs: Those of its runs that are wanted.
        asked_ns: When it was asked for, by the clock of the disk, which also stamps the records that jobs write.
        log: File that is there once it has begun.
    """

    runs: list[str]
    asked_ns: int
    log: Path


def write_jobs(packs: Sequence[Sequence[Cell]], runs_dir: Path) -> Path:
    """Keep which runs the jobs of an array will have, in files that nobody looks for before there are jobs.

    Args:
        packs: The runs of each job.
        runs_dir: Folder of the runs.

    Returns:
        The folder of the array. Its script has to lie there: by that, its jobs are known again.
    """
    place = (_folder_of(runs_dir) / secrets.token_hex(4)).absolute()
    place.mkdir(parents=True)
    for index, pack in enumerate(packs):
        _file_of(f"_{index}", place).write_text(json.dumps([asdict(cell) for cell in pack]), encoding="utf-8")
    return place


def cells_of(job: str, place: Path) -> list[Cell]:
    """The runs of a job.

    Args:
        job: Its id.
        place: Folder of its array.

    Raises:
        FileNotFoundError: If it is no job of that folder.
        ValueError: If its file is damaged; also ``KeyError`` or ``TypeError``.
    """
    kept = json.loads(_file_of(job, place).read_text(encoding="utf-8"))
    return [Cell(cell["run_id"], tuple(cell["overrides"]), cell["config"]) for cell in kept]


def known_jobs(places: Mapping[str, str], runs_dir: Path, waiting: Container[str]) -> dict[str, Job]:
    """Jobs that have runs which are wanted.

    Args:
        places: Job to the name of the folder of its script, as ``live_jobs`` tells: also jobs of other programs.
        runs_dir: Folder of the runs.
        waiting: The runs that are wanted.
    """
    found: dict[str, Job] = {}
    for job, name in places.items():
        place = _folder_of(runs_dir) / name
        try:
            asked_ns = _file_of(job, place).stat().st_mtime_ns
            wanted = [cell.run_id for cell in cells_of(job, place) if cell.run_id in waiting]
        except FileNotFoundError:  # none of this folder's
            continue
        except (ValueError, KeyError, TypeError) as error:  # no JSON, or not such a dictionary
            sys.stderr.write(f"{_file_of(job, place)} is damaged ({error}): job {job} is not followed.\n")
            continue
        if wanted:
            found[job] = Job(wanted, asked_ns, place / f"{job}_0_log.out")  # as submitit has it
    return found


def _folder_of(runs_dir: Path) -> Path:
    """Folder of what is kept of this cluster's jobs; several may share a disk."""
    return runs_dir / FOLDER / site().name


def _file_of(job: str, place: Path) -> Path:
    """The file of a job, by its place in the array; a job that is no array is like the first of one."""
    return place / f"{job.partition('_')[2] or 0}.json"
