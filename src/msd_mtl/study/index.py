"""Which runs belong to a study: one file a sweep, written before its first run starts."""

import os
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from msd_mtl.errors import UserError
from msd_mtl.study.cell import Cell
from msd_mtl.study.files import read_json, write_json, write_text
from msd_mtl.study.identity import digest
from msd_mtl.study.record import RECORD

FOLDER = ".studies"
LEFT_OUT = ".left-out.txt"  # of a sweep, beside its runs
COMMAND = ".command.yaml"  # likewise: what the command line said, where that is not what its one run sets
REPORT = ".report.yaml"  # likewise; runs that were first made for another study say nothing of this one

Sweep = dict[str, tuple[str, ...]]  # ``run_id`` to what was set in it


def add_sweep(
    runs_dir: Path,
    study: str,
    cells: Sequence[Cell],
    left_out: Sequence[str] = (),
    report: Mapping[str, Any] | None = None,
    command: Sequence[str] = (),
) -> Callable[[], None]:
    """Say that the runs of a sweep belong to a study.

    A run may belong to several studies, so this is no part of its record. The same sweep makes the same file.

    Args:
        runs_dir: Folder of the runs.
        study: Name of the study.
        cells: Runs of the sweep.
        left_out: Why others that it asked for are not made, a line each.
        report: What its study says of its report; None for nothing.
        command: What its command line said; empty where nobody knows.

    Returns:
        A function that takes it back: an earlier launch of the same sweep stays in the study as it was.
    """
    folder = runs_dir / FOLDER / study
    folder.mkdir(parents=True, exist_ok=True)
    overrides = {cell.run_id: list(cell.overrides) for cell in cells}
    path = folder / f"{digest(overrides)}.json"
    earlier_ns = path.stat().st_mtime_ns if path.exists() else None
    beside = {
        path.with_suffix(LEFT_OUT): "".join(f"{line}\n" for line in left_out),  # data may have grown since
        path.with_suffix(REPORT): yaml.safe_dump(report, sort_keys=False) if report else "",
        path.with_suffix(COMMAND): yaml.safe_dump(list(command)) if command else "",
    }
    earlier = {file: file.read_text(encoding="utf-8") if file.exists() else "" for file in beside}
    _write(beside)
    write_json(path, overrides)
    written_ns = path.stat().st_mtime_ns

    def take_back() -> None:
        if path.stat().st_mtime_ns != written_ns:  # launched once more meanwhile
            return
        _write(earlier)
        if earlier_ns is not None:
            os.utime(path, ns=(earlier_ns, earlier_ns))
            return
        path.unlink()
        with suppress(OSError):  # other sweeps are in it
            folder.rmdir()

    return take_back


def _write(texts: Mapping[Path, str]) -> None:
    """Write files, and remove those that would be empty."""
    for file, text in texts.items():
        if text:
            write_text(file, text)
        else:
            file.unlink(missing_ok=True)


def read_study(runs_dir: Path, study: str) -> Sweep:
    """Runs of a study.

    Returns:
        ``run_id`` to what its sweep set, in the order of the sweeps; empty if there is no such study.
    """
    found: Sweep = {}
    for sweep in sweeps(runs_dir, study):
        found |= sweep
    return found


def sweeps(runs_dir: Path, study: str) -> list[Sweep]:
    """Sweeps of a study, from the first to the last, each as ``read_study`` gives them all.

    Raises:
        UserError: If a file of its index is damaged.
    """
    return [_sweep(path) for path in _files(runs_dir, study)]


def commands(runs_dir: Path, study: str) -> list[tuple[str, ...]]:
    """What the command line of each sweep of a study said, from the first to the last; empty where nobody knows."""
    found = []
    for path in (sweep.with_suffix(COMMAND) for sweep in _files(runs_dir, study)):
        try:
            said = yaml.safe_load(path.read_text(encoding="utf-8"))
            given = tuple(map(str, said)) if isinstance(said, list) else ()
            "".join(given).encode("utf-8")  # an escape may stand for half a character, which no page could hold
        except (FileNotFoundError, ValueError, yaml.YAMLError):  # edited by hand: as good as of a sweep that has none
            given = ()
        found.append(given)
    return found


def _files(runs_dir: Path, study: str) -> list[Path]:
    """Files of the sweeps of a study, from the first to the last."""
    return sorted((runs_dir / FOLDER / study).glob("[!.]*.json"), key=lambda file: file.stat().st_mtime_ns)


def reports(runs_dir: Path, study: str) -> list[Any]:
    """What the sweeps of a study say of its report, from the first to the last of those that say anything.

    Raises:
        UserError: If a file of its index is damaged.
    """
    found = []
    for path in (sweep.with_suffix(REPORT) for sweep in _files(runs_dir, study)):
        if path.exists():
            try:
                found.append(yaml.safe_load(path.read_text(encoding="utf-8")))
            except (ValueError, yaml.YAMLError) as error:
                what = " ".join(str(error).split())
                raise UserError(f"{path} must be YAML; got {what}. Repeat the command of its sweep.") from None
    return found


def left_out(runs_dir: Path, study: str) -> list[str]:
    """Why runs that the sweeps of a study asked for were not made; of each size what the latest that lacked it says."""
    by_size: dict[str, list[list[str]]] = defaultdict(list)
    for lines in left_out_by_sweep(runs_dir, study):
        for size, of_size in groupby(sorted(lines, key=_size), key=_size):
            by_size[size].append(list(of_size))
    return [
        line if all(one == of_sweeps[-1] for one in of_sweeps) else f"{line} So the latest of {len(of_sweeps)} sweeps."
        for of_sweeps in by_size.values()
        for line in of_sweeps[-1]
    ]


def left_out_by_sweep(runs_dir: Path, study: str) -> list[list[str]]:
    """The same lines of each sweep, from the first to the last."""
    files = [path.with_suffix(LEFT_OUT) for path in _files(runs_dir, study)]
    return [file.read_text(encoding="utf-8", errors="replace").splitlines() if file.exists() else [] for file in files]


def _size(line: str) -> str:
    """The setting that a line of what is left out is about: ``data.train_size=8,000``."""
    return re.split(", |: ", line)[0]


def _sweep(path: Path) -> Sweep:
    try:
        return {run: tuple(set_) for run, set_ in read_json(path).items()}
    except (ValueError, AttributeError, TypeError) as error:  # neither UTF-8 nor JSON nor a dictionary of lists
        raise UserError(
            f"index of a study must be JSON of its runs; got {path}: {error}. Delete it, and repeat the command of the "
            "sweep, which writes it again."
        ) from None


def varying(overrides: Mapping[str, Sequence[str]]) -> Sweep:
    """What is set in some runs of a sweep and not in all.

    Args:
        overrides: ``run_id`` to what is set in it, at least one.
    """
    everywhere = set.intersection(*map(set, overrides.values()))
    return {run: tuple(one for one in set_ if one not in everywhere) for run, set_ in overrides.items()}


def studies(runs_dir: Path) -> list[str]:
    """Names of the studies that have runs here.

    Raises:
        UserError: If there is a file instead.
    """
    if runs_dir.is_file():
        raise UserError(f"runs_dir must be a folder of runs; got {runs_dir}, a file. Set runs_dir=DIR.")
    return sorted(path.name for path in (runs_dir / FOLDER).glob("*") if path.is_dir())


def known_studies(runs_dir: Path, study: str) -> str:
    """The same as the end of a message about one that is not among them, with what to do.

    Args:
        runs_dir: Folder of runs.
        study: What was asked for: a file of the configuration may make it, or its runs were copied without its name.
    """
    from msd_mtl.app import conf_dir  # it imports Hydra

    names = ", ".join(studies(runs_dir)) or "none"
    hint = f" Runs are there, but not the hidden folder {FOLDER} that names their studies: copy it with them."
    lost = not (runs_dir / FOLDER).is_dir() and any(runs_dir.glob(f"[!.]*/{RECORD}"))
    made = f" `msd-mtl train -m study={study}` makes its runs."
    is_named = (conf_dir() / "study" / f"{study}.yaml").is_file()
    return f"{names}.{hint if lost else ''}{made if is_named else ''}"
