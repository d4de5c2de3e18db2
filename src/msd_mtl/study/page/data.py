"""What the records say of the data: tracks, artists, labels, overlaps, correlations and what was dropped."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from msd_mtl.data.splits import PARTS
from msd_mtl.study.answers.types import Analysis, Run
from msd_mtl.study.page.table import Column, Table
from msd_mtl.study.page.words import setting
from msd_mtl.study.record import Record

KINDS = {"phi": "φ", "pearson": "Pearson r", "eta": "correlation ratio η", "cramer": "Cramér's V"}


@dataclass(frozen=True)
class LabelCoupling:
    """Association of an auxiliary task's labels with the target's, on training tracks.

    Attributes:
        task: The auxiliary task.
        value: The association.
        low: Lower end of its 95 % interval; NaN where there is none.
        high: Upper end.
        n: Tracks that have both labels; None where the record does not say.
        kind: Which association.
    """

    task: str
    value: float
    low: float
    high: float
    n: int | None
    kind: str


def label_couplings(record: Record) -> Iterator[LabelCoupling]:
    """Label couplings of a record, one an auxiliary task; none where it has none."""
    nan = float("nan")
    for task, measured in record["data"].get("coupling", {}).items():
        label = measured.get("label")
        if isinstance(label, Mapping):
            value, low, high = (
                nan if label.get(key) is None else float(label[key]) for key in ("value", "low", "high")
            )
            yield LabelCoupling(task, value, low, high, label.get("n"), KINDS.get(str(label.get("kind")), ""))
        elif label is not None:  # of worlds made before labels were measured with intervals
            yield LabelCoupling(task, float(label), nan, nan, None, KINDS["pearson"])


def bodies(analysis: Analysis) -> list[tuple[str, Run]]:
    """One run a body of data, the largest training part of its smallest seed, with what tells it from the others."""
    found: dict[tuple[Any, ...], Run] = {}
    for run in sorted(analysis.runs, key=lambda run: (run.seed, -run.arm.train_size)):
        found.setdefault((run.record["data"]["fingerprint"], *_key(run)), run)
    ordered = sorted(found.values(), key=lambda run: tuple(map(str, _key(run))))
    several = len(analysis.metrics) > 1
    return [(_name(run, several=several), run) for run in ordered]


def _key(run: Run) -> tuple[Any, ...]:
    arm = run.arm
    return arm.task_set, arm.target, arm.coupling, tuple(item for item in arm.context if item[0].startswith("data."))


def _name(run: Run, *, several: bool) -> str:
    task_set, target, coupling, context = _key(run)
    parts = (task_set, target if several else "", "" if coupling is None else f"coupling {coupling:g}")
    return ", ".join(part for part in (*parts, setting(context)) if part)


def split_table(analysis: Analysis) -> Table:
    """Tracks and artists of each part."""
    columns = [Column("data", "data"), Column("split", "split"), Column("seed", "split seed", digits=0)]
    for part in PARTS:
        columns += [
            Column(f"{part}_tracks", f"{part} tracks", digits=0),
            Column(f"{part}_artists", f"{part} artists", digits=0),
        ]
    rows = []
    for name, run in bodies(analysis):
        data, config = run.record["data"], run.record["config"]["data"]
        row = {"data": name, "split": config.get("split"), "seed": config.get("split_seed")}
        for part in PARTS:
            row |= {f"{part}_tracks": data["rows"][part], f"{part}_artists": data.get("artists", {}).get(part)}
        rows.append(row)
    caption = (
        "Tracks and artists of each part, at the largest training size; no artist is in two parts, unless the split is "
        "by track."
    )
    return Table("data-splits", "Splits", caption, columns, rows)


def label_table(analysis: Analysis) -> Table:
    """Labelled tracks and prevalence of each task and part."""
    columns = [Column("data", "data"), Column("task", "task")]
    for part in PARTS:
        columns += [
            Column(f"{part}_labelled", f"{part} labelled", digits=0),
            Column(f"{part}_positive", f"{part} positive", digits=3),
        ]
    rows = []
    for name, run in bodies(analysis):
        data = run.record["data"]
        for task in run.arm.tasks:
            row: dict[str, Any] = {"data": name, "task": task}
            for part in PARTS:
                row[f"{part}_labelled"] = data["labelled"][part].get(task)
                row[f"{part}_positive"] = data["prevalence"][part].get(task)
            rows.append(row)
    caption = "Labelled tracks of each task, and of binary tasks the share of positives (prevalence)."
    return Table("data-labels", "Labels", caption, columns, rows)


def coupling_table(analysis: Analysis) -> Table:
    """Label coupling and overlap of each auxiliary task with the target."""
    columns = [
        Column("data", "data"),
        Column("task", "auxiliary task"),
        Column("kind", "association"),
        Column("value", "with the target", digits=3, signed=True),
        Column("low", "low", digits=3, signed=True),
        Column("high", "high", digits=3, signed=True),
        Column("n", "tracks with both", digits=0),
    ]
    rows = []
    for name, run in bodies(analysis):
        overlap = run.record["data"].get("overlap") or {}
        for found in label_couplings(run.record):
            n = found.n if found.n is not None else overlap.get(found.task)
            rows.append({"data": name, **vars(found), "n": n})
    caption = (
        "How much the labels of each auxiliary task have to do with the target's, on training tracks that have both; "
        "95 % intervals by bootstrap over artists."
    )
    return Table("data-couplings", "Couplings of labels", caption, columns, rows)


def dropped_table(analysis: Analysis) -> Table:
    """What was dropped, and why."""
    rows = [
        {"data": name, "what": what, "n": n}
        for name, run in bodies(analysis)
        for what, n in run.record["data"].get("dropped", {}).items()
    ]
    columns = [Column("data", "data"), Column("what", "what was dropped"), Column("n", "tracks", digits=0)]
    return Table("data-dropped", "Dropped", "Tracks that did not enter, by reason.", columns, rows)
