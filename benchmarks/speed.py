"""Times a training epoch with validation: msd-mtl beside the plain way, a dense loop by hand and the arithmetic floor.

    python benchmarks/speed.py [--repeats N] [--threads N] [--processor-time] [--only NAME ...] [--output FILE]

Every figure is a median over repeats in which the contenders take turns, a ratio that of the ratios within a repeat.
The 95 % interval of plain/x, from order statistics, needs 6 repeats. Give ratios, not seconds.
On a machine that does other work too, `--threads 1 --processor-time` keeps out the time in which others were served.
Original widths, three tasks, batch 128, 5,000 words of which a track has about 81.

- plain: dense tensor, DataLoader, torch.optim.Adagrad as it comes, Lightning; loss only
- by hand: dense tensors cut by index, fused Adagrad, no framework; loss only
- ours: `msd-mtl train` with recipe=paper2016, metrics of every task on validation
- bare: the same pieces as ours without Lightning; ours - bare is what Lightning and the bookkeeping of a run cost
- floor: the matrix products of an epoch with validation, one `torch.mm` each, the first layer with the 81 words that a
  track has instead of 5,000; no other operation and no optimiser
- oneDNN: the same products by the library that ours takes above the first layer
"""

import argparse
import json
import logging
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from scipy import stats

from speed_dense import Clock, Epoch, dense_by_hand, plain
from speed_ours import floor, floor_onednn, ours, ours_by_hand
from speed_problem import MASKS, make_problem

WAYS = {
    "plain": plain,
    "by hand": dense_by_hand,
    "ours": ours,
    "bare": ours_by_hand,
    "floor": floor,
    "oneDNN": floor_onednn,
}
# name: training rows, validation rows, task set, sharing. Rows as in the original study's figures and the issue.
CASES = {
    "1,000 rows": (1_000, 6_000, "tight", "low"),
    "8,000 rows": (8_000, 260, "tight", "low"),
    "25,000 rows": (25_000, 6_000, "tight", "low"),
    "8,000 rows, loose": (8_000, 260, "loose", "low"),
    **{f"2,000 rows, {sharing}": (2_000, 260, "tight", sharing) for sharing in MASKS},
}


def measure(case: str, repeats: int, clock: Clock) -> dict[str, list[float]]:
    """Seconds of an epoch for every contender in every repeat; they take turns."""
    problem = make_problem(*CASES[case])
    epochs: dict[str, Epoch] = {name: make(problem) for name, make in WAYS.items()}
    times: dict[str, list[float]] = {name: [] for name in WAYS}
    for name in ("by hand", "bare", "floor", "oneDNN"):
        epochs[name](clock)  # what has no warm-up epoch of its own
    for _ in range(repeats):
        for name, epoch in epochs.items():
            times[name].append(epoch(clock))
    return times


def row(case: str, times: dict[str, list[float]]) -> str:
    """One line of the table."""
    seconds = {name: np.array(values) for name, values in times.items()}
    ours = seconds["ours"]
    times_faster = seconds["plain"] / ours
    ratios = [times_faster, seconds["by hand"] / ours, ours / seconds["floor"], ours / seconds["oneDNN"]]
    medians = "".join(f"{1000 * np.median(values):9.0f}" for values in seconds.values())
    medians += "".join(f"{np.median(ratio):9.2f}" for ratio in ratios)
    low, high = stats.quantile_test(times_faster, p=0.5).confidence_interval(0.95)
    return f"{case:26}{medians}{1000 * np.median(ours - seconds['bare']):11.0f}{low:9.2f}{high:7.2f}"


def main() -> None:
    """Entry point."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--repeats", type=int, default=5)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--only", nargs="*", default=list(CASES), choices=CASES)
    arguments.add_argument("--processor-time", action="store_true")
    arguments.add_argument("--output", type=Path)
    chosen = arguments.parse_args()
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    torch.set_num_threads(chosen.threads)
    print(f"torch {torch.__version__}, {chosen.threads} threads, median of {chosen.repeats}, milliseconds an epoch")
    heads = "".join(f"{name:>9}" for name in WAYS)
    print(f"{'':26}{heads}  plain/x   hand/x  x/floor x/oneDNN  Lightning  plain/x from to")
    clock = time.process_time if chosen.processor_time else time.perf_counter
    results = {}
    for case in chosen.only:
        results[case] = measure(case, chosen.repeats, clock)
        print(row(case, results[case]), flush=True)
    if chosen.output:
        chosen.output.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
