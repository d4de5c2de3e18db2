"""What the W&B workspace of a study shows: panels over the keys that its runs log."""

import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

import wandb_workspaces.expr as we
import wandb_workspaces.reports.v2 as wr
import wandb_workspaces.workspaces as ws

from msd_mtl.data.task import task_of
from msd_mtl.study.answers.arms import FINGERPRINT, mask_order
from msd_mtl.study.answers.types import Arm
from msd_mtl.study.page.words import metric_name
from msd_mtl.study.record import Record
from msd_mtl.study.summary import CellSummary, Estimate, summarise, target_metric, target_score
from msd_mtl.study.wandb_view import description, target_of

TASKS, SIZE, COUPLING = wr.Config("cell.tasks"), wr.Config("cell.train_size"), wr.Config("cell.coupling")
SHARING, DEPTH = wr.Config("cell.sharing"), wr.Config("cell.depth")
SCORE, GAIN = "target/score", "target/gain_over_linear"
SPREAD = {"groupby_aggfunc": "mean", "groupby_rangefunc": "stderr"}  # over seeds, and what the title says
LAYERS = "layers shared"
Axes = Mapping[str, Any]  # what a study varies beside the seed, in words, and the key that it has on W&B


def workspace(
    study: str, records: Sequence[Record], arms: Mapping[str, Arm], project: str, entity: str
) -> ws.Workspace:
    """The workspace of a study.

    Args:
        study: Its name.
        records: Its completed records, at least one.
        arms: Arm of each, by ``run_id``.
        project: W&B project.
        entity: User or team.

    Returns:
        Per target: score by size, sharing and coupling, learning curves, and a table of gains with intervals.
    """
    sections = []
    ordered = sorted(records, key=lambda record: record["cell"]["target"])
    for target, found in groupby(ordered, key=lambda record: record["cell"]["target"]):
        of_target = list(found)
        axes = varied_axes(of_target, arms)
        sections += [
            _section(f"{target}: test {metric_name(target_metric(of_target[0]))}", score_panels(of_target, axes)),
            _section(f"{target}: learning curves", curve_panels(of_target, axes)),
            _section(
                f"{target}: gain over no sharing", [wr.MarkdownPanel(markdown=gain_table(of_target, arms))], columns=1
            ),
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


def varied_axes(records: Sequence[Record], arms: Mapping[str, Arm]) -> Axes:
    """What runs of one target differ in: sharing, training size, coupling, task set and every further setting.

    Args:
        records: Their records.
        arms: Arm of each run, by ``run_id``.
    """
    cells = [description(record)["config"]["cell"] for record in records]
    named = {LAYERS: SHARING, "training tracks": SIZE, "coupling": COUPLING, "tasks": TASKS}
    placed = {
        label: axis
        for label, axis in named.items()
        if len({str(cell[axis.name.removeprefix("cell.")]) for cell in cells}) > 1
    }
    further = varied_settings(arms[record["run_id"]] for record in records)
    return placed | {key: wr.Config("fingerprint" if key == FINGERPRINT else key) for key in further}


def varied_settings(arms: Iterable[Arm]) -> list[str]:
    """Settings in whose values the contexts of arms differ."""
    pairs = {pair for arm in arms for pair in arm.context}
    keys = sorted(key for key, _ in pairs)
    return [key for key in dict.fromkeys(keys) if keys.count(key) > 1]


def score_panels(records: Sequence[Record], axes: Axes) -> list[Any]:
    """Test score of the target by sharing, and by each thing that differs; titles say what is averaged over.

    Args:
        records: Completed records of one target.
        axes: What they differ in.
    """
    target = records[0]["cell"]["target"]
    unit = task_of(target).unit
    title = f"test {metric_name(target_metric(records[0]))}" + (f" ({unit})" if unit else "")
    key, gain = f"{SCORE}/{target}", f"{GAIN}/{target}"
    score = wr.SummaryMetric(key)
    panels: list[Any] = [_bars(title, key, label, axes) for label in dict.fromkeys([LAYERS, *axes])]
    points = {label: axis for label, axis in axes.items() if axis in (SIZE, COUPLING)}
    panels += [
        wr.ScatterPlot(title=f"{title} by {label}", x=axis, y=score, z=DEPTH, log_x=axis == SIZE)
        for label, axis in points.items()
    ]
    columns = {**points, LAYERS: DEPTH, title: score}
    panels.append(
        wr.ParallelCoordinatesPlot(
            title="all runs",
            columns=[
                wr.ParallelCoordinatesPlotColumn(metric=axis, display_name=label) for label, axis in columns.items()
            ],
        )
    )
    if any(gain in target_of(record) for record in records):
        panels.append(_bars("gain over the linear model", gain, LAYERS, axes))
    return panels


def _bars(what: str, key: str, label: str, axes: Axes) -> Any:
    title = f"{what} by {label}{_mean_over(axes, label)}"
    return wr.BarPlot(title=title, metrics=[key], groupby=axes.get(label, SHARING), orientation="v", **SPREAD)


def _mean_over(axes: Axes, shown: str) -> str:
    """What else than seeds a chart averages over, as the end of its title."""
    others = [label for label in axes if label != shown]
    return f", mean over {', '.join(others)}" if others else ""


def curve_panels(records: Sequence[Record], axes: Axes) -> list[Any]:
    """Validation scores and training losses of every task by epoch, one line a sharing.

    Args:
        records: Completed records of one target.
        axes: What they differ in.
    """
    target = records[0]["cell"]["target"]
    tasks = dict.fromkeys([target, *(task for record in records for task in record["cell"]["tasks"])])
    keys = [f"val/{target}/{metric}" for metric in records[0]["metrics"]["val"][target] if metric != "prevalence"]
    keys += [f"train/{task}/loss" for task in tasks]
    over = _mean_over(axes, LAYERS)
    return [wr.LinePlot(title=f"{key}{over}", x="epoch", y=[key], groupby=SHARING, **SPREAD) for key in keys]


def gain_table(records: Sequence[Record], arms: Mapping[str, Arm]) -> str:
    """Gains over no sharing of the same context, paired by seed, with 95 % intervals, as Markdown.

    Args:
        records: Completed records of one target.
        arms: Arm of each run, by ``run_id``.
    """

    def order(record: Record) -> tuple[Any, ...]:
        arm = arms[record["run_id"]]
        place = (arm.tasks, arm.context, arm.train_size, arm.coupling or 0.0)
        return *place, mask_order(arm.mask), record["seed"]

    settings = varied_settings(arms[record["run_id"]] for record in records)
    cells = [cell for cell in summarise(sorted(records, key=order), arms) if cell.score.values]
    head = ["tasks", "tracks", "coupling", "sharing", "seeds", "score", "gain over none", "linear", "possible"]
    rows = [["settings"][: len(settings)] + head, ["---"] * (len(head) + bool(settings))]
    rows += [[*_context(cell.arm, settings), *_columns(cell)] for cell in cells]
    metric = target_metric(records[0])
    said = [f"Test {metric_name(metric)}, mean ± half of the 95 % interval over seeds; a positive gain is better."]
    if n_without := sum(math.isnan(target_score(record, metric)) for record in records):
        said.append(f"Left out: {n_without:,} runs that have no score.")
    if n_left := len(records) - n_without - sum(len(cell.score.values) for cell in cells):
        said.append(f"Left out: {n_left:,} runs of an arm and seed that others have too; the report names them.")
    return "\n".join([*said, "", *(f"| {' | '.join(_escaped(row))} |" for row in rows)])


def _context(arm: Arm, settings: Sequence[str]) -> list[str]:
    """Cells of a line before the others: what tells it from lines that are equal otherwise, if anything does."""
    words = [f"{key}={value}" for key, value in arm.context if key in settings]
    return [", ".join(words)] if settings else []


def _escaped(row: Sequence[str]) -> list[str]:
    return [cell.replace("|", "\\|") for cell in row]


def _columns(cell: CellSummary) -> list[str]:
    arm = cell.arm
    return [
        ", ".join(arm.tasks),
        f"{arm.train_size:,}",
        "–" if arm.coupling is None else f"{arm.coupling:g}",
        arm.mask,
        str(len(cell.score.values)),
        _interval(cell.score),
        "–" if cell.gain is None else _interval(cell.gain, "+"),
        _number(cell.linear),
        _number(cell.possible),
    ]


def _interval(value: Estimate, sign: str = "") -> str:
    return f"{_number(value.mean, sign)} ± {_number(value.half_width)}" if value.values else "–"


def _number(value: float, sign: str = "") -> str:
    return "–" if value != value else f"{value:{sign}.3f}"  # noqa: PLR0124  # NaN


def _section(name: str, panels: Sequence[Any], columns: int = 3) -> ws.Section:
    layout = ws.SectionLayoutSettings(columns=columns, rows=-(-len(panels) // columns))
    return ws.Section(name=name, panels=list(panels), is_open=True, layout_settings=layout)
