"""Time per epoch against rows, memory of the largest run, and the fixed cost of a small one.

    python benchmarks/scale.py [--rows N ...] [--threads N] [--processor-time] [--output DIR]

Rows are lyrics-like, 81 of 5,000 words a track, in a store as `msd-mtl prepare` writes it; original widths, low
sharing, three binary tasks, batch 128. Time is that of an epoch with validation on 1 % of the tracks. Memory is the
peak resident size of `msd-mtl train` in a process of its own, libraries included. The fixed cost is that of a whole run
in a process that has made one before: set-up, one training step, validation, test, record and picture.
On a machine that does other work too, `--threads 1 --processor-time` keeps out the time in which others were served.
"""

import argparse
import json
import logging
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from hydra import compose, initialize_config_dir

from msd_mtl.app import conf_dir
from msd_mtl.data.contents import Contents, TagMatrix
from msd_mtl.data.synthetic_lyrics import make_language, make_tracks
from msd_mtl.data.writing import write_store
from msd_mtl.study.fit import build_data, fit
from msd_mtl.study.identity import resolved
from msd_mtl.study.run import run_once
from speed_dense import Clock, EpochClock
from speed_problem import N_WORDS, WORDS_PER_TRACK

MUSIXMATCH_TRACKS = 237_662
ROWS = [1_000, 4_000, 16_000, 64_000, MUSIXMATCH_TRACKS]
TAGS = ["ballad", "pop", "pop rock"]
# The command, ending with the line of its peak. getrusage would count what the process that starts it holds.
WATCHED = """
import atexit, pathlib
from msd_mtl.cli import main
status = pathlib.Path("/proc/self/status")
atexit.register(lambda: print(next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))))
main()
"""
QUIET = ["trainer.enable_progress_bar=false", "baselines=false"]


def make_store(path: Path, n_tracks: int) -> None:
    """Write a store of made-up tracks, whose artists have each tag by chance."""
    tracks = make_tracks(make_language(N_WORDS, WORDS_PER_TRACK, world=0), N_WORDS, n_tracks, world=0)
    tagged = np.random.default_rng(0).random((int(tracks.artist.max()) + 1, len(TAGS))) < 0.4
    term = TagMatrix(TAGS, np.append(0, tagged.sum(1).cumsum()).astype(np.int64), tagged.nonzero()[1], tracks.artist)
    contents = Contents(
        track_id=tracks.track_id,
        artist_id=np.char.add(b"AR", tracks.artist.astype("S16")).astype("S18"),
        artist=tracks.artist,
        has_artist=np.ones(n_tracks, dtype=bool),
        official_test=tracks.official_test,
        lengths=np.diff(tracks.counts.indptr).astype(np.int64),
        indices=tracks.counts.indices,
        counts=tracks.counts.data,
        vocabulary=tracks.vocabulary,
        fields={},
        tags={"term": term},
    )
    write_store(path, contents, {})


def overrides(store: Path, n_rows: int, n_epochs: int, runs: Path) -> list[str]:
    """Settings of a run on the store."""
    part = ["data.split=track", "data.val_fraction=0.01", "data.test_fraction=0.01", f"data.train_size={n_rows}"]
    budget = [f"trainer.max_epochs={n_epochs}", f"runs_dir={runs}", "recipe=paper2016"]
    return ["data=msd", f"data.store={store}", *part, *budget, *QUIET]


def configuration(settings: list[str]) -> dict[str, Any]:
    """The configuration of `msd-mtl train`."""
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return resolved(compose("train", settings))


def epoch_s(store: Path, n_rows: int, folder: Path, clock: Clock) -> float:
    """Seconds of an epoch with validation: the second, the median of three where they are short."""
    config = configuration(overrides(store, n_rows, 2 if n_rows > 20_000 else 4, folder))
    data = build_data(config)
    epochs = EpochClock(clock)
    with tempfile.TemporaryDirectory(dir=folder) as run:
        fit(config, data, Path(run), [epochs])
    return median(np.diff(epochs.ends))


def memory_mb(store: Path, n_rows: int, runs: Path) -> float:
    """Peak resident size of `msd-mtl train` over one epoch (Linux)."""
    command = [sys.executable, "-c", WATCHED, "train", *overrides(store, n_rows, 1, runs)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return int(output.split()[-2]) / 1024


def fixed_s(runs: Path, clock: Clock) -> float:
    """Median seconds of whole runs of one step, after a first one that nobody times."""
    times = []
    for seed in range(6):
        world = ["data.world.n_tracks=600", "data.train_size=128", "trainer.max_epochs=1", f"seed={seed}"]
        config = configuration([*world, *QUIET, f"runs_dir={runs}"])
        start = clock()
        run_once(config)
        times.append(clock() - start)
    return median(times[1:])


def draw(seconds: dict[int, float], path: Path) -> None:
    """Seconds of an epoch against rows, with the line through the first and the last."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    rows, times = np.array(list(seconds)), np.array(list(seconds.values()))
    slope = (times[-1] - times[0]) / (rows[-1] - rows[0])
    figure, axes = plt.subplots(figsize=(5, 3.5), layout="constrained")
    axes.loglog(rows, times[0] + slope * (rows - rows[0]), color="0.7", label="a line through the ends")
    axes.loglog(rows, times, "o", label="measured")
    axes.set(xlabel="training rows", ylabel="epoch with validation (s)")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150)


def main() -> None:
    """Entry point."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rows", type=int, nargs="*", default=ROWS)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--processor-time", action="store_true")
    arguments.add_argument("--output", type=Path, default=Path("runs/bench"))
    chosen = arguments.parse_args()
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    torch.set_num_threads(chosen.threads)
    clock = time.process_time if chosen.processor_time else time.perf_counter
    chosen.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        fixed = fixed_s(folder / "small", clock)
        print(f"fixed cost of a run: {1000 * fixed:.0f} ms", flush=True)
        store = folder / "store.h5"
        make_store(store, round(max(chosen.rows) / 0.975))
        memory = memory_mb(store, max(chosen.rows), folder / "large")
        print(f"peak memory of msd-mtl train on {max(chosen.rows):,} tracks: {memory:.0f} MB", flush=True)
        seconds = {}
        for n_rows in chosen.rows:
            seconds[n_rows] = epoch_s(store, n_rows, folder, clock)
            print(
                f"{n_rows:8,} rows: {seconds[n_rows]:7.2f} s, {1e6 * seconds[n_rows] / n_rows:5.0f} us a row",
                flush=True,
            )
    draw(seconds, chosen.output / "scale.png")
    figures = {"fixed_s": fixed, "memory_mb": memory, "epoch_s": seconds}
    (chosen.output / "scale.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(f"drawn: {chosen.output / 'scale.png'}")


if __name__ == "__main__":
    main()
