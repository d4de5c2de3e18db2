"""What W&B costs a run, logged offline: seconds of its calls, at first and later, and the size of its files.

    python benchmarks/wandb_cost.py [--runs N]

Runs of a second, fifteen epochs each, one after another in one process, as a sweep makes them.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from hydra import compose, initialize_config_dir

from msd_mtl.app import conf_dir
from msd_mtl.study.run import run_once
from msd_mtl.study.wandb_run import GuardedRun

SMALL = ["data.world.n_tracks=1000", "data.world.n_words=300", "data.train_size=200", "model.widths=[16,12,8,8]"]
RUN = [*SMALL, "trainer.max_epochs=15", "recipe.patience=null", "trainer.enable_progress_bar=false", "baselines=false"]
OFFLINE = ["logger=wandb", "logger.mode=offline"]


def clocked(call: Callable[..., Any], spent: list[float]) -> Callable[..., Any]:
    """The same function, which adds the seconds it takes to the last entry of ``spent``; calls within it count once."""

    def timed(*given: Any) -> Any:
        before, started = spent[-1], time.perf_counter()
        try:
            return call(*given)
        finally:
            spent[-1] = before + time.perf_counter() - started

    return timed


def measure(n_runs: int, folder: Path) -> tuple[list[float], list[int]]:
    """Seconds that W&B takes of each run, and bytes of its files.

    Args:
        n_runs: Number of runs.
        folder: Folder of the runs.
    """
    spent: list[float] = []
    sizes = []
    originals = {name: getattr(GuardedRun, name) for name in ("open", "show", "close")}
    try:
        for name, call in originals.items():
            setattr(GuardedRun, name, clocked(call, spent))
        for seed in range(n_runs):
            spent.append(0.0)
            with initialize_config_dir(str(conf_dir()), version_base="1.3"):
                cfg = compose("train", [*RUN, *OFFLINE, f"seed={seed}", f"runs_dir={folder}"])
            made, _ = run_once(cfg)
            files = (path for path in (made / "wandb").rglob("*") if path.is_file() and not path.is_symlink())
            sizes.append(sum(path.stat().st_size for path in files))
    finally:
        for name, call in originals.items():
            setattr(GuardedRun, name, call)
    return spent, sizes


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    with tempfile.TemporaryDirectory() as folder:
        (first, *later), sizes = measure(max(2, parser.parse_args().runs), Path(folder))
    sys.stdout.write(
        f"first run {first:.2f} s, each later one {median(later):.3f} s (at most {max(later):.3f} s), "
        f"{median(sizes) / 1000:.0f} kB a run\n"
    )


if __name__ == "__main__":
    main()
