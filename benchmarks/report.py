"""How long the report of a study takes: made-up histories, scores and test predictions, everything else as it is.

    python benchmarks/report.py
    python benchmarks/report.py study=full "seed=range(0,9)"

Unless another sweep is given, 16 masks x 5 couplings x 5 training sizes x 5 seeds = 2,000 runs. Each has 8 epochs and
1,200 test tracks of 180 artists.
"""

import argparse
import csv
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from msd_mtl.app import conf_dir
from msd_mtl.data.task import task_of
from msd_mtl.model.metrics import task_metrics
from msd_mtl.study.cell import Cell
from msd_mtl.study.compose import cells
from msd_mtl.study.files import write_json
from msd_mtl.study.index import add_sweep
from msd_mtl.study.record import start_record
from msd_mtl.study.sweep import jobs

MASKS = ",".join(f"[{','.join(mask)}]" for mask in itertools.product("01", repeat=4))
GRID = (
    "study.name=timed",
    "tasks=loose",
    "seed=range(0,5)",
    "data.train_size=500,1000,2000,4000,8000",
    "data.coupling=0.0,0.25,0.5,0.75,1.0",
    f"sharing.mask={MASKS}",
)
N_TEST, N_ARTISTS, N_EPOCHS = 1200, 180, 8
PARTS = ("train", "val", "test")


def main() -> None:
    """Make the runs and time their report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sweep", nargs="*", default=GRID, help="overrides, as msd-mtl train -m takes them")
    parser.add_argument("--runs", type=int, help="number of runs, the first of the sweep")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        study, n = make_study(folder / "runs", arguments.sweep, arguments.runs)
        command = [sys.executable, "-m", "msd_mtl.cli", "report", f"study={study}", "runs_dir=runs"]
        started = time.perf_counter()
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        took = time.perf_counter() - started
        page = folder / "reports" / study
        size = (page / "index.html").stat().st_size
        used = len(json.loads((page / "verdicts.json").read_text())["runs"]["used"])
    if used < n:
        raise SystemExit(f"the report must use all {n:,} runs that were made up; it used {used:,}")
    print(f"{n:,} runs: {took:.1f} s from the command line to the page, {size / 1e6:.1f} MB")


def make_study(runs_dir: Path, sweep: Sequence[str], n: int | None = None) -> tuple[str, int]:
    """Make the first runs of a sweep, as the bench leaves them; the name of their study, and how many they are."""
    overrides = [*sweep, f"runs_dir={runs_dir}"]
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        fixed = [one for one in overrides if one.startswith("study")]
        master = compose("train", fixed, return_hydra_config=True)
        params, grids = master.hydra.sweeper.params, master.hydra.sweeper.grids
        made = cells(loader, master, jobs(params, grids, overrides, loader)[:n])
    draws = np.random.default_rng(0)
    artist = draws.integers(N_ARTISTS, size=N_TEST).astype(np.int32)
    truth = (draws.random(N_TEST) < 0.5).astype(np.float32)
    for cell in made:
        data, shared = cell.config["data"], sum(cell.config["sharing"]["mask"])
        signal = 0.4 + 0.1 * np.log2((data["train_size"] or 1000) / 500) + 0.1 * shared * (data["coupling"] - 0.4)
        prediction = 1 / (1 + np.exp(-(signal * (2 * truth - 1) + draws.normal(size=N_TEST))))
        write_run(runs_dir / cell.run_id, cell, truth, prediction.astype(np.float32), artist)
    study = made[0].config["study"]["name"]
    add_sweep(runs_dir, study, made)
    return study, len(made)


def write_run(folder: Path, cell: Cell, truth: np.ndarray, prediction: np.ndarray, artist: np.ndarray) -> None:
    """Write what a run leaves that a report reads."""
    folder.mkdir(parents=True)
    tasks, target = cell.config["tasks"]["names"], cell.config["tasks"]["target"]
    scores = task_metrics(task_of(target), prediction, truth, np.ones(len(truth), dtype=bool))
    columns = [f"val/{target}/{metric}" for metric in scores]
    with (folder / "history.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["epoch", "step", *columns])
        rows.writerows([epoch, 8 * epoch, *scores.values()] for epoch in range(N_EPOCHS))
    labelled = {part: dict.fromkeys(tasks, 1000) for part in PARTS}
    linear = {target: {"linear": scores, "trivial": scores}}
    coupling = {
        task: {"label": {"value": 0.3, "low": 0.2, "high": 0.4, "n": 900, "kind": "pearson"}} for task in tasks[1:]
    }
    record = start_record(cell.config, cell.run_id, "synthetic") | {
        "status": "completed",
        "started_at": "2026-01-01T00:00:00+00:00",
        "parameters": {"total": 100_000 - 15_000 * sum(cell.config["sharing"]["mask"]), "shared": 0, "private": 0},
        "timing_s": {"total": 2.0},
        "metrics": {"val": {target: scores}, "test": {target: scores}},
        "baselines": {"val": linear, "test": linear},
        "bayes": {"test": {target: scores}},
    }
    record["data"] |= {
        "rows": {"train": cell.config["data"]["train_size"] or 1000, "val": 850, "test": N_TEST},
        "artists": dict.fromkeys(PARTS, N_ARTISTS),
        "labelled": labelled,
        "prevalence": {part: {target: 0.5} for part in PARTS},
        "dropped": {},
        "coupling": coupling,
    }
    write_json(folder / "record.json", json.loads(json.dumps(record)))
    np.savez(
        folder / "predictions.npz",
        track_id=np.array([f"TR{row:016d}" for row in range(len(truth))], dtype="S18"),
        artist=artist,
        task=np.array(tasks),
        target=np.stack([truth, *(np.zeros_like(truth) for _ in tasks[1:])]),
        **{f"prediction_{place}": prediction for place in range(len(tasks))},
    )


if __name__ == "__main__":
    main()
