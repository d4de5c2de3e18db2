"""Tables for the terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from msd_mtl.data.task import task_of
from msd_mtl.study.answers.arms import task_set
from msd_mtl.study.damage import SHOWN as IN_RECORD
from msd_mtl.study.damage import damage, lacks
from msd_mtl.study.index import varying
from msd_mtl.study.page.words import metric_name
from msd_mtl.study.record import error_of, sharing_of
from msd_mtl.study.selection import HEADLINE, UNBOUNDED

if TYPE_CHECKING:  # they import SciPy, which a run found done need not wait for
    from collections.abc import Mapping, Sequence

    from msd_mtl.study.record import Record
    from msd_mtl.study.states import Progress
    from msd_mtl.study.summary import CellSummary, Estimate

# The metrics worth a line on the screen; the record has all of them.
SHOWN = {
    "binary": ("auroc", "average_precision", "error"),
    "regression": ("rmse", "r2"),
    "multiclass": ("accuracy", "macro_f1"),
}
NAMED = 5  # of many runs that stand alike
ANY = 10_000  # characters of a line that has room for everything


def run_table(record: Record) -> Table:
    """Test metrics of a run beside its baselines.

    Args:
        record: A completed record.

    Returns:
        One line per task and metric: network, tuned linear model, prevalence or mean, and on synthetic data the best
        that is possible.
    """
    cell, rows = record["cell"], record["data"]["rows"]
    what = f"{sharing_of(record)}, {rows['train']:,} training tracks, seed {record['seed']}: test scores"
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
        for i, metric in enumerate(SHOWN[task.kind]):
            unit = f" ({task.unit})" if task.unit and metric == "rmse" else ""
            table.add_row(
                ("[bold]" + escape(name) + "[/]" if name == cell["target"] else escape(name)) if i == 0 else "",
                f"{share:.0%}" if i == 0 and share is not None else "",
                metric_name(metric) + unit,
                *(_number((score or {}).get(metric)) for score in scores),
                *([_number(None if metric in UNBOUNDED else bayes.get(name, {}).get(metric))] if bayes else []),
                end_section=i == len(SHOWN[task.kind]) - 1,
            )
    return table


def _caption(record: Record) -> str:
    parameters, timing = record["parameters"], record["timing_s"]
    since = "" if record.get("resumed_step") is None else f" since step {record['resumed_step']:,}"
    said = (
        f"best epoch {record['best_epoch'] + 1:,} of {record['epochs']:,}, {parameters['total']:,} parameters "
        f"({parameters['shared']:,} shared)\n{timing['total']:.1f} s for data, training, scores and baselines{since}"
    )
    unknown = {part: n for part, n in record["data"].get("without_artist", {}).items() if n}
    if not unknown:
        return said
    counts = ", ".join(f"{n:,} in {part}" for part, n in unknown.items())
    return f"{said}; tracks without a known artist, each split on its own: {counts}"


def _number(value: float | None) -> str:
    return "–" if value is None or value != value else f"{value:.3f}"  # noqa: PLR0124  # NaN


def sweep_table(records: list[Record], width: int) -> Table:
    """Test scores of the target, one line a run; of its settings those in which the runs differ.

    Args:
        records: Completed records.
        width: Characters of a line. Settings that have no room for a column each share one.
    """
    cells = [record["cell"] for record in records]
    settings = {
        "tasks": _task_sets(records),
        "sharing": [sharing_of(record).removeprefix("sharing ") for record in records],
        "coupling": [str(cell["coupling"]) for cell in cells],
        "tracks": [f"{record['data']['rows']['train']:,}" for record in records],
        "seed": [str(record["seed"]) for record in records],
        "recipe": [cell["recipe"] for cell in cells],
    }
    varied = {name: values for name, values in settings.items() if len(set(values)) > 1}
    table = _score_table(records, varied)
    console = Console(width=ANY, emoji=False)
    if (
        not varied or Measurement.get(console, console.options, table).minimum < width
    ):  # Rich may want a character more than it says
        return table
    together = [", ".join(f"{name} {of[i]}" for name, of in varied.items()) for i in range(len(records))]
    return _score_table(records, {"settings": together})


def _task_sets(records: list[Record]) -> list[str]:
    """Each set by its name; one that has none by its target and how many are with it, where that tells sets apart."""
    sets = [(tuple(record["cell"]["tasks"]), record["cell"]["target"]) for record in records]
    short = {
        (tasks, target): task_set(tasks, target) or (f"{target} + {len(tasks) - 1}" if len(tasks) > 1 else target)
        for tasks, target in sets
    }
    is_clear = len(set(short.values())) == len(short)
    return [short[one] if is_clear else task_set(*one) or " + ".join(one[0]) for one in sets]


def _score_table(records: list[Record], settings: Mapping[str, Sequence[str]]) -> Table:
    table = Table(title="Target on test", box=SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    table.add_column("run", no_wrap=True)
    for name in settings:
        table.add_column(name, justify="left" if name in ("tasks", "sharing", "settings") else "right")
    for name in ("metric", "network", "linear"):
        table.add_column(name, justify="right")
    for i, record in enumerate(records):
        target = record["cell"]["target"]
        metric = HEADLINE[task_of(target).kind]
        linear = record["baselines"].get("test", {}).get(target, {}).get("linear", {})
        scores = (record["metrics"]["test"][target].get(metric), linear.get(metric))
        sets = [escape(values[i]) for values in settings.values()]
        table.add_row(record["run_id"], *sets, metric_name(metric), *map(_number, scores))
    return table


def problems(now: Progress, overrides: Mapping[str, Sequence[str]], records: Mapping[str, Record | None]) -> str:
    """How many runs are in each state, and those that are not completed: of many that stand alike the first few.

    Args:
        now: How the runs stand.
        overrides: What the sweep sets in each; what it sets in all of them is left out.
        records: Records of those that have one.
    """
    counts = ", ".join(f"{n:,} {state}" for state, n in sorted(now.counts.items(), key=lambda item: str(item[0])))
    lines = [f"{len(now.states):,} runs: {counts}"]
    varied = varying(overrides) if len(overrides) > 1 else overrides
    alike: dict[tuple[str, str], list[str]] = {}
    for run, state in now.states.items():
        record = records.get(run) or {}
        if state == "damaged":
            alike.setdefault((state, damage(record, lacks(record, IN_RECORD))), []).append(run)
        elif state != "completed":
            alike.setdefault((state, error_of(record)), []).append(" ".join((run, *varied[run])))
    for (stands, said), runs in alike.items():
        why = said and f": {said}"
        if len(runs) <= NAMED:
            lines += [f"  {stands} {run}{why}" for run in runs]
        else:
            more = f"and {len(runs) - NAMED:,} more"
            lines += [f"  {len(runs):,} {stands}{why}", *(f"    {run}" for run in (*runs[:NAMED], more))]
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
        f"mean ± half of its 95 % interval over {n_seeds} seeds alone; gain over no sharing, paired by seed, positive "
        "where sharing is better; best: possible at all"
    )
    name = metric_name(metric)
    table = Table(title=f"Test {name} of {escape(target)}", caption=caption, box=SIMPLE_HEAD, pad_edge=False)
    for column in ("coupling", "sharing", "weights", name, "gain", "linear", "best"):
        table.add_column(column, justify="left" if column == "sharing" else "right")
    cells = sorted(cells, key=lambda cell: (cell.arm.coupling is not None, cell.arm.coupling))
    for i, cell in enumerate(cells):
        table.add_row(
            "" if cell.arm.coupling is None else f"{cell.arm.coupling:g}",
            cell.arm.mask,
            f"{cell.n_parameters / 1e6:.2f} M",
            _interval(cell.score, ""),
            "" if cell.gain is None else _interval(cell.gain, "+"),
            _number(cell.linear),
            _number(cell.possible),
            end_section=i + 1 < len(cells) and cells[i + 1].arm.coupling != cell.arm.coupling,
        )
    return table


def _interval(value: Estimate, sign: str) -> str:
    return "–" if math.isnan(value.mean) else f"{value.mean:{sign}.3f} ± {value.half_width:.3f}"
