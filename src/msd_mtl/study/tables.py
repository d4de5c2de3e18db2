"""Tables for the terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from msd_mtl.data.task import task_of
from msd_mtl.study.record import SHOWN as IN_RECORD
from msd_mtl.study.record import damage, error_of, lacks

if TYPE_CHECKING:  # they import SciPy, which a run found done need not wait for
    from collections.abc import Mapping, Sequence

    from msd_mtl.study.record import Record
    from msd_mtl.study.states import Progress
    from msd_mtl.study.summary import CellSummary, Estimate

# The metrics worth a line on the screen; the record has all of them.
SHOWN = {
    "binary": {"auroc": "AUROC", "average_precision": "AP", "error": "error"},
    "regression": {"rmse": "RMSE", "r2": "R2"},
    "multiclass": {"accuracy": "accuracy", "macro_f1": "macro F1"},
}


def run_table(record: Record) -> Table:
    """Test metrics of a run beside its baselines.

    Args:
        record: A completed record.

    Returns:
        One line per task and metric: network, tuned linear model, prevalence or mean, and on synthetic data the best
        that is possible.
    """
    cell, rows = record["cell"], record["data"]["rows"]
    mask = "".join(map(str, cell["sharing_mask"]))
    what = f"sharing {mask}, {rows['train']:,} training tracks, seed {record['seed']}: test scores"
    title = f"{escape(cell['target'])}, {what}"
    baselines = record["baselines"].get("test", {})
    bayes = record["bayes"]["test"]
    table = Table(title=title, caption=_caption(record))
    for column in ("task", "positive", "metric"):
        table.add_column(column)
    for column in ("network", "linear", "trivial", *(["possible"] if bayes else [])):
        table.add_column(column, justify="right")
    for name in sorted(cell["tasks"], key=lambda task: task != cell["target"]):
        task = task_of(name)
        share = record["data"]["prevalence"]["test"].get(name)
        scores = [record["metrics"]["test"].get(name), *(baselines.get(name, {}).get(b) for b in ("linear", "trivial"))]
        for i, (metric, label) in enumerate(SHOWN[task.kind].items()):
            unit = f" ({task.unit})" if task.unit and metric == "rmse" else ""
            table.add_row(
                ("[bold]" + escape(name) + "[/]" if name == cell["target"] else escape(name)) if i == 0 else "",
                f"{share:.0%}" if i == 0 and share is not None else "",
                label + unit,
                *(_number((score or {}).get(metric)) for score in scores),
                *([_number(bayes.get(name, {}).get(metric))] if bayes else []),
                end_section=i == len(SHOWN[task.kind]) - 1,
            )
    return table


def _caption(record: Record) -> str:
    parameters, timing = record["parameters"], record["timing_s"]
    said = (
        f"best epoch {record['best_epoch'] + 1} of {record['epochs']}, {parameters['total']:,} parameters "
        f"({parameters['shared']:,} shared), {timing['total']:.1f} s"
    )
    unknown = {part: n for part, n in record["data"].get("without_artist", {}).items() if n}
    if not unknown:
        return said
    counts = ", ".join(f"{n:,} in {part}" for part, n in unknown.items())
    return f"{said}; tracks without a known artist, each split on its own: {counts}"


def _number(value: float | None) -> str:
    return "–" if value is None or value != value else f"{value:.3f}"  # noqa: PLR0124  # NaN


def sweep_table(records: list[Record]) -> Table:
    """Test scores of the target, one line a run; of its settings those in which the runs differ.

    Args:
        records: Completed records.
    """
    shown = {
        "tasks": [escape(", ".join(record["cell"]["tasks"])) for record in records],
        "sharing": ["".join(map(str, record["cell"]["sharing_mask"])) for record in records],
        "coupling": [str(record["cell"]["coupling"]) for record in records],
        "tracks": [f"{record['data']['rows']['train']:,}" for record in records],
        "seed": [str(record["seed"]) for record in records],
        "recipe": [record["cell"]["recipe"] for record in records],
    }
    varied = {name: values for name, values in shown.items() if len(set(values)) > 1}
    table = Table(title="Target on test", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("run", no_wrap=True)
    for name in varied:
        table.add_column(name, justify="left" if name in ("tasks", "sharing") else "right")
    for name in ("metric", "network", "linear"):
        table.add_column(name, justify="right", no_wrap=True)
    for i, record in enumerate(records):
        target = record["cell"]["target"]
        metric, label = next(iter(SHOWN[task_of(target).kind].items()))
        linear = record["baselines"].get("test", {}).get(target, {}).get("linear", {})
        scores = (record["metrics"]["test"][target].get(metric), linear.get(metric))
        table.add_row(record["run_id"], *(values[i] for values in varied.values()), label, *map(_number, scores))
    return table


def problems(now: Progress, overrides: Mapping[str, Sequence[str]], records: Mapping[str, Record | None]) -> str:
    """How many runs are in each state, and a line for each that is not completed.

    Args:
        now: How the runs stand.
        overrides: What the sweep sets in each; what it sets in all of them is left out.
        records: Records of those that have one.
    """
    counts = ", ".join(f"{n} {state}" for state, n in sorted(now.counts.items(), key=lambda item: str(item[0])))
    lines = [f"{len(now.states)} runs: {counts}"]
    everywhere = set.intersection(*(set(overrides[run]) for run in now.states)) if len(now.states) > 1 else set()
    for run, state in now.states.items():
        if state != "completed":
            said = error_of(records.get(run) or {})
            sets = " ".join(o for o in overrides[run] if o not in everywhere)
            lines.append(f"  {state} {run} {sets}{said and f': {said}'}")
        elif lacking := lacks(records.get(run) or {}, IN_RECORD):
            lines.append(f"  damaged {run}: {damage(lacking)}")
    return "\n".join(lines)


def summary_table(cells: Sequence[CellSummary], target: str, metric: str) -> Table:
    """Scores and paired gains of the target over seeds, one line a cell.

    Args:
        cells: Summaries of the cells.
        target: Name of the target.
        metric: Metric of the scores.
    """
    n_seeds = len(cells[0].score.values) if cells else 0
    caption = (
        f"mean and 95 % interval over {n_seeds} seeds; gain over no sharing, paired by seed, positive where sharing is "
        "better; best: possible at all"
    )
    table = Table(title=f"Test {metric} of {escape(target)}", caption=caption, box=SIMPLE_HEAD, pad_edge=False)
    for column in ("coupling", "sharing", "weights", metric, "gain", "linear", "best"):
        table.add_column(column, justify="left" if column == "sharing" else "right", no_wrap=True)
    cells = sorted(cells, key=lambda cell: (cell.coupling is not None, cell.coupling))
    for i, cell in enumerate(cells):
        table.add_row(
            "" if cell.coupling is None else f"{cell.coupling:g}",
            cell.sharing,
            f"{cell.n_parameters / 1e6:.2f} M",
            _interval(cell.score, ""),
            "" if cell.gain is None else _interval(cell.gain, "+"),
            _number(cell.linear),
            _number(cell.possible),
            end_section=i + 1 < len(cells) and cells[i + 1].coupling != cell.coupling,
        )
    return table


def _interval(value: Estimate, sign: str) -> str:
    return "–" if math.isnan(value.mean) else f"{value.mean:{sign}.3f} ± {value.half_width:.3f}"
