"""A run, once: done it is not trained again, cut off it goes on, failed it says why."""

import sys
import time
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from msd_mtl.study.files import write_text
from msd_mtl.study.identity import Config, data_fingerprint, resolved, run_id
from msd_mtl.study.record import Record, read_record, start_record, write_record

CONFIG = "config.yaml"


def run_once(cfg: DictConfig) -> tuple[Path, Record]:
    """Make a run, or find it made.

    Args:
        cfg: Configuration of ``msd-mtl train``.

    Returns:
        The run directory and the completed record.

    Raises:
        UserError: If a setting is wrong. Whatever is raised once the run directory is there also stands in its record.
    """
    config = resolved(cfg)
    fingerprint = data_fingerprint(config["data"])
    name = run_id(config, fingerprint)
    folder = Path(config["runs_dir"]) / name
    record = read_record(folder)
    if record is not None and record["status"] == "completed":
        if config["baselines"] and not record["baselines"]:
            record = _with_baselines(config, folder, record)
        else:
            sys.stderr.write(f"Run {name} is done already, it is read from {folder}.\n")
        return folder, record
    folder.mkdir(parents=True, exist_ok=True)
    record = start_record(config, name, fingerprint)
    return folder, _recorded(config, folder, record)


def _recorded(config: Config, folder: Path, record: Record) -> Record:
    """Train with a record that tells how it stands at every moment."""
    from msd_mtl.study.processes import is_main_process

    speaks = is_main_process()
    if speaks:
        write_text(folder / CONFIG, OmegaConf.to_yaml(OmegaConf.create(config)))
        write_record(folder, record)
    try:
        record = record | _results(config, folder, record)
    except Exception as error:
        if speaks:
            failed = {"kind": type(error).__name__, "message": str(error)}
            failed |= {key: getattr(error, key) for key in ("task", "step") if hasattr(error, key)}
            write_record(folder, record | {"status": "failed", "error": failed})
        raise
    if speaks:
        _finish(folder, record)
    return record


def _results(config: Config, folder: Path, record: Record) -> Record:
    """Everything a completed record says beyond its beginning."""
    from msd_mtl.study.baseline_cache import baselines
    from msd_mtl.study.fit import build_data, fit
    from msd_mtl.study.processes import restartable

    started = time.perf_counter()
    data = build_data(config)
    loaded = time.perf_counter()
    with restartable():
        results = fit(config, data, folder)
    fitted = time.perf_counter()
    results["baselines"] = baselines(Path(config["runs_dir"]), data) if config["baselines"] else {}
    results["bayes"] = {"test": data.bayes()}
    results["data"] = record["data"] | data.summary()
    finished = time.perf_counter()
    results["timing_s"] |= {"data": loaded - started, "baselines": finished - fitted, "total": finished - started}
    return results | {"status": "completed"}


def _finish(folder: Path, record: Record) -> None:
    """Draw, write the record, and only then let go of what resuming would have needed."""
    from msd_mtl.study.keep import LAST
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
