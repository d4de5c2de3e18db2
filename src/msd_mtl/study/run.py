"""A run, once: done it is not trained again, cut off it goes on, failed it is tried again with its errors kept."""

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig

from msd_mtl.errors import UserError, failing
from msd_mtl.imports import lasting_imports
from msd_mtl.study.checks import check_rows, check_settings
from msd_mtl.study.files import writable, write_text
from msd_mtl.study.identity import Config, data_fingerprint, resolved, run_id
from msd_mtl.study.interruption import InterruptedRun, interruptible
from msd_mtl.study.lock import locked
from msd_mtl.study.peers import OtherRunError, check_peers, fail_for_all, peers_may_end
from msd_mtl.study.processes import is_main_process
from msd_mtl.study.record import (
    LAST,
    RECORD,
    Record,
    UnreadableRecordError,
    attempt_of,
    found_record,
    is_completed,
    read_record,
    start_record,
    write_record,
)
from msd_mtl.study.view import show_late, viewed

CONFIG = "config.yaml"
UNREADABLE = "record.unreadable.json"


def run_once(cfg: DictConfig | Config, *, wait: bool = True, name: str | None = None) -> tuple[Path, Record]:
    """Make a run, or find it made.

    Args:
        cfg: Configuration of ``msd-mtl train``, as it is composed or resolved.
        wait: Wait while another process makes the same run; otherwise raise.
        name: Its ``run_id`` when it was entered into its study; None if it is in none.

    Returns:
        The run directory and the completed record.

    Raises:
        UserError: If a setting is wrong. Whatever is raised once the run directory is there also stands in its record.
        RunInProgressError: If another process makes the run and ``wait`` is false.
        InterruptedRun: If a signal asked to stop, or another process of the run has ended; the next call goes on.
    """
    config = resolved(cfg) if isinstance(cfg, DictConfig) else cfg
    check_settings(config)
    fingerprint = data_fingerprint(config["data"])
    found = run_id(config, fingerprint)
    name = name or found
    if found != name:
        raise UserError(
            f"data must stay as they were when the sweep was started; got {config['data'].get('store')} with the "
            f"fingerprint {fingerprint}, which is another. Start the sweep again: its runs get new names."
        )
    folder = Path(config["runs_dir"]) / name
    record = found_record(folder)
    if is_whole(record, config):
        sys.stderr.write(f"Run {name} is done already, it is read from {folder}.\n")
        show_late(config, folder, wait=wait)
        return folder, record or {}
    with interruptible():
        if not is_main_process(config):  # the first process of the run holds it for all
            if record is not None and is_completed(record):  # and adds what it lacks alone
                return folder, record
            return folder, _recorded(config, folder, start_record(config, name, fingerprint))
        with locked(folder.parent, name, wait=wait):
            record = _kept_record(folder)  # another process may have ended it since
            if not is_whole(record, config):
                return folder, _completed(config, folder, start_record(config, name, fingerprint), record)
        show_late(config, folder, wait=wait)  # that process may have had another logger
        return folder, record or {}


def _completed(config: Config, folder: Path, begun: Record, earlier: Record | None) -> Record:
    """Do what is left to do for a run, and show it."""
    if earlier is not None and is_completed(earlier):
        with viewed(config, folder, earlier):
            return _with_baselines(config, folder, earlier)
    with viewed(config, folder, begun) as callbacks:
        return _recorded(config, folder, begun, earlier, callbacks)


def is_whole(record: Record | None, config: Config) -> bool:
    """Whether nothing is left to make: completed, with baselines where they are asked for."""
    return record is not None and is_completed(record) and bool(record.get("baselines") or not config.get("baselines"))


def _kept_record(folder: Path) -> Record | None:
    """The record of a run; one that cannot be read is put aside, so that the run is made again."""
    try:
        return read_record(folder)
    except UnreadableRecordError as error:
        sys.stderr.write(f"{error} It is kept as {UNREADABLE}, and the run is made again.\n")
        (folder / RECORD).replace(folder / UNREADABLE)
        return None


def _recorded(
    config: Config, folder: Path, record: Record, earlier: Record | None = None, callbacks: Sequence[Any] = ()
) -> Record:
    """Train with a record that tells how it stands at every moment."""
    speaks = is_main_process(config)
    if speaks:
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(".*.part"):  # of a process that was killed while it wrote
            left.unlink()
        record |= {"started_at": datetime.now(UTC).isoformat(timespec="seconds"), "attempts": attempt_of(earlier)}
        write_text(folder / CONFIG, yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
        write_record(folder, record)
    try:
        with peers_may_end(config):
            record = record | _results(config, folder, record, callbacks)
    except InterruptedRun as interruption:
        if speaks:
            check_peers(folder, record)
            write_record(folder, record | {"interrupted_by": str(interruption)})
        raise
    except (Exception, SystemExit) as error:
        if speaks:
            write_record(folder, record | {"status": "failed", "error": _error(error)})
        elif not isinstance(error, OtherRunError):
            from msd_mtl.app import message_of

            told = message_of(error)
            said = _error(error, told)  # the first process has this word alone
            code = failing(error.code) if isinstance(error, SystemExit) else 1 if told is None else 2
            fail_for_all(folder, said, code if isinstance(code, int) else 1)
        raise
    if speaks:
        _finish(folder, record)
    return record


def _error(error: BaseException, told: str | None = None) -> dict[str, Any]:
    """What the record says of an error, in other words than its own where there are some."""
    failed = {"kind": type(error).__name__, "message": writable(str(error) if told is None else told)}
    return failed | {key: getattr(error, key) for key in ("task", "step") if hasattr(error, key)}


def _results(config: Config, folder: Path, record: Record, callbacks: Sequence[Any]) -> Record:
    """Everything a completed record says beyond its beginning."""
    check_rows(config)
    with lasting_imports("msd_mtl.study.fit"):
        from msd_mtl.study.baseline_cache import baselines
        from msd_mtl.study.fit import build_data, fit
        from msd_mtl.study.processes import restartable

    started = time.perf_counter()
    data = build_data(config)
    loaded = time.perf_counter()
    with restartable(folder / CONFIG):
        results = fit(config, data, folder, callbacks)
    fitted = time.perf_counter()
    results["baselines"] = baselines(Path(config["runs_dir"]), data) if config["baselines"] else {}
    results["bayes"] = {"test": data.bayes()}
    results["data"] = record["data"] | data.summary()
    finished = time.perf_counter()
    results["timing_s"] |= {"data": loaded - started, "baselines": finished - fitted, "total": finished - started}
    return results | {"status": "completed"}


def _finish(folder: Path, record: Record) -> None:
    """Draw, write the record, and only then let go of what resuming would have needed."""
    from msd_mtl.study.learning_curve import draw_learning_curve

    draw_learning_curve(folder, record)
    write_record(folder, record)
    (folder / LAST).unlink(missing_ok=True)


def _with_baselines(config: Config, folder: Path, record: Record) -> Record:
    """Add the baselines that a completed run was made without."""
    from msd_mtl.study.baseline_cache import baselines
    from msd_mtl.study.fit import build_data

    record = record | {"baselines": baselines(folder.parent, build_data(config))}
    _finish(folder, record)
    return record
