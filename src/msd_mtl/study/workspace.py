"""What the W&B workspace of a study shows: panels over the keys that its runs log."""

import unicodedata
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import wandb_workspaces.expr as we
import wandb_workspaces.reports.v2 as wr
import wandb_workspaces.workspaces as ws

from msd_mtl.data.task import task_of
from msd_mtl.study.page.words import metric_name
from msd_mtl.study.record import Record
from msd_mtl.study.summary import CellSummary, Estimate, summarise, target_metric
from msd_mtl.study.wandb_view import description, target_of

TASKS, SIZE, COUPLING = wr.Config("cell.tasks"), wr.Config("cell.train_size"), wr.Config("cell.coupling")
SHARING, DEPTH = wr.Config("cell.sharing"), wr.Config("cell.depth")
SCORE, GAIN = "target/score", "target/gain_over_linear"
SPREAD = {"groupby_aggfunc": "mean", "groupby_rangefunc": "stderr"}  # over the seeds of a cell


def workspace(study: str, records: Sequence[Record], project: str, entity: str) -> ws.Workspace:
    """The workspace of a study.

    Args:
        study: Its name.
        records: Its completed records, at least one.
        project: W&B project.
        entity: User or team.

    Returns:
        Per target: score by size, sharing and coupling, learning curves, and a table of gains with intervals.
    """
    sections = []
    ordered = sorted(records, key=lambda record: record["cell"]["target"])
    for target, found in groupby(ordered, key=lambda record: record["cell"]["target"]):
        of_target = list(found)
        sections += [
            _section(f"{target}: test {metric_name(target_metric(of_target[0]))}", score_panels(of_target)),
            _section(f"{target}: learning curves", curve_panels(of_target)),
            _section(f"{target}: gain over no sharing", [wr.MarkdownPanel(markdown=gain_table(of_target))], columns=1),
        ]
    return ws.Workspace(
        entity=entity,
        project=project,
        name=f"msd-mtl: {_titled(study)}",
        sections=sections,
        settings=ws.WorkspaceSettings(max_runs=100),
        runset_settings=ws.RunsetSettings(
            filters=runs_of(study, records),
            pinned_columns=[f"summary:{SCORE}", "config:cell.value.train_size", "config:cell.value.coupling"],
        ),
    )


def _titled(name: str) -> str:
    """A name as W&B takes it in the title of a workspace: without symbols, be they a dollar or an emoji."""
    return "".join("_" if unicodedata.category(char).startswith("S") else char for char in name)


def runs_of(study: str, records: Sequence[Record]) -> we.And | we.Or:
    """What tells the runs of a study from others on W&B: its group, and by their ids runs first made for another study.

    Args:
        study: Name of the study; a run has the group of the study that it was first made for.
        records: Completed records of the study.
    """
    group = we.Metric("Group") == study
    shared = [record["run_id"] for record in records if record["study"] != study]
    return we.Or(group, we.Metric("ID").isin(shared)) if shared else we.And(group)


def score_panels(records: Sequence[Record]) -> list[Any]:
    """Test score of the target by sharing, and by training size, coupling and task set where they differ.

    Args:
        records: Completed records of one target.
    """
    target = records[0]["cell"]["target"]
    unit = task_of(target).unit
    title = f"test {metric_name(target_metric(records[0]))}" + (f" ({unit})" if unit else "")
    key, gain = f"{SCORE}/{target}", f"{GAIN}/{target}"
    score = wr.SummaryMetric(key)
    axes = {
        label: axis
        for label, axis in {"training tracks": SIZE, "coupling": COUPLING, "tasks": TASKS}.items()
        if len({str(description(record)["config"]["cell"][axis.name.removeprefix("cell.")]) for record in records}) > 1
    }
    bars = {"layers shared": SHARING, **axes}
    panels: list[Any] = [_bars(f"{title} by {label}", key, axis) for label, axis in bars.items()]
    points = {label: axis for label, axis in axes.items() if axis != TASKS}
    panels += [
        wr.ScatterPlot(title=f"{title} by {label}", x=axis, y=score, z=DEPTH, log_x=axis == SIZE)
        for label, axis in points.items()
    ]
    columns = {**points, "layers shared": DEPTH, title: score}
    panels.append(
        wr.ParallelCoordinatesPlot(
            title="all runs",
            columns=[
                wr.ParallelCoordinatesPlotColumn(metric=axis, display_name=label) for label, axis in columns.items()
            ],
        )
    )
    if any(gain in target_of(record) for record in records):
        panels.append(_bars("gain over the linear model by layers shared", gain, SHARING))
    return panels


def _bars(title: str, key: str, by: Any) -> Any:
    return wr.BarPlot(title=title, metrics=[key], groupby=by, orientation="v", **SPREAD)


def curve_panels(records: Sequence[Record]) -> list[Any]:
    """Validation scores and training losses of every task by epoch, one line a sharing.

    Args:
        records: Completed records of one target.
    """
    target = records[0]["cell"]["target"]
    tasks = dict.fromkeys([target, *(task for record in records for task in record["cell"]["tasks"])])
    keys = [f"val/{target}/{metric}" for metric in records[0]["metrics"]["val"][target] if metric != "prevalence"]
    keys += [f"train/{task}/loss" for task in tasks]
    return [wr.LinePlot(title=key, x="epoch", y=[key], groupby=SHARING, **SPREAD) for key in keys]


def gain_table(records: Sequence[Record]) -> str:
    """Gains over no sharing, paired by seed, with 95 % intervals, as Markdown.

    Args:
        records: Completed records of one target.
    """
    head = ["tasks", "tracks", "coupling", "sharing", "seeds", "score", "gain over none", "linear", "possible"]
    lines = [" | ".join(head), " | ".join(["---"] * len(head))]

    def cell_set(record: Record) -> tuple[str, int, str, str]:
        cell = record["cell"]
        return ", ".join(cell["tasks"]), record["data"]["rows"]["train"], cell["recipe"], cell["data"]

    def order(record: Record) -> tuple[Any, ...]:
        cell = record["cell"]
        return *cell_set(record), cell["coupling"] or 0, cell["sharing_mask"], record["seed"]

    for (tasks, n_tracks, *_), found in groupby(sorted(records, key=order), key=cell_set):
        lines += [" | ".join([tasks, f"{n_tracks:,}", *_columns(cell)]) for cell in summarise(list(found))]
    metric = metric_name(target_metric(records[0]))
    return "\n".join(
        [
            f"Test {metric}, mean ± half of the 95 % interval over seeds; a positive gain is better.",
            "",
            *(f"| {x} |" for x in lines),
        ]
    )


def _columns(cell: CellSummary) -> list[str]:
    return [
        "–" if cell.coupling is None else f"{cell.coupling:g}",
        cell.sharing,
        str(len(cell.score.values)),
        _interval(cell.score),
        "–" if cell.gain is None else _interval(cell.gain, "+"),
        _number(cell.linear),
        _number(cell.possible),
    ]


def _interval(value: Estimate, sign: str = "") -> str:
    return f"{_number(value.mean, sign)} ± {_number(value.half_width)}"


def _number(value: float, sign: str = "") -> str:
    return "–" if value != value else f"{value:{sign}.3f}"  # noqa: PLR0124  # NaN


def _section(name: str, panels: Sequence[Any], columns: int = 3) -> ws.Section:
    layout = ws.SectionLayoutSettings(columns=columns, rows=-(-len(panels) // columns))
    return ws.Section(name=name, panels=list(panels), is_open=True, layout_settings=layout)
