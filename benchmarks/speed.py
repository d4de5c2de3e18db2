"""Times a training epoch with validation: msd-mtl beside the plain way, a dense loop by hand and the arithmetic floor.

    python benchmarks/speed.py [--repeats N] [--threads N] [--processor-time] [--only NAME ...] [--output FILE]

Every figure is a median over repeats in which the contenders take turns. Give ratios, not seconds.
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
import statistics
import time
import warnings
from pathlib import Path

import torch

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


def measure(case: str, repeats: int, clock: Clock) -> dict[str, float]:
    """Median seconds of an epoch for every contender; they take turns."""
    problem = make_problem(*CASES[case])
    epochs: dict[str, Epoch] = {name: make(problem) for name, make in WAYS.items()}
    times: dict[str, list[float]] = {name: [] for name in WAYS}
    for name in ("by hand", "bare", "floor", "oneDNN"):
        epochs[name](clock)  # what has no warm-up epoch of its own
    for _ in range(repeats):
        for name, epoch in epochs.items():
            times[name].append(epoch(clock))
    return {name: statistics.median(values) for name, values in times.items()}


def row(case: str, seconds: dict[str, float]) -> str:
    """One line of the table."""
    base = seconds["ours"]
    ratios = f"{seconds['plain'] / base:9.2f}{seconds['by hand'] / base:8.2f}"
    ratios += f"{base / seconds['floor']:9.2f}{base / seconds['oneDNN']:10.2f}"
    own = 1000 * (base - seconds["bare"])
    return f"{case:26}" + "".join(f"{1000 * value:9.0f}" for value in seconds.values()) + ratios + f"{own:11.0f}"


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
    print(f"{'':26}{heads}  plain/x  hand/x  x/floor  x/oneDNN  Lightning")
    clock = time.process_time if chosen.processor_time else time.perf_counter
    results = {}
    for case in chosen.only:
        results[case] = measure(case, chosen.repeats, clock)
        print(row(case, results[case]), flush=True)
    if chosen.output:
        chosen.output.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
