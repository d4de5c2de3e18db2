"""What the records say of the data: tracks, artists, labels, overlaps, correlations and what was dropped."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from msd_mtl.data.task import PARTS
from msd_mtl.study.answers.types import Analysis, Run
from msd_mtl.study.identity import digest
from msd_mtl.study.page.figures.basis import keeps_some
from msd_mtl.study.page.table import Column, Table
from msd_mtl.study.page.words import setting
from msd_mtl.study.record import Record

CORRELATIONS = ("phi", "pearson")  # what worlds say of labels; of classes a report measures another association
KINDS = {"phi": "φ", "pearson": "Pearson r", "eta": "correlation ratio η", "cramer": "Cramér's V"}
PLANTED = (
    Column("planted_coupling", "planted coupling", digits=2),
    Column("planted_label", "planted correlation", digits=3, signed=True),
)


@dataclass(frozen=True)
class LabelCoupling:
    """Association of an auxiliary task's labels with the target's, on training tracks, mean over seeds.

    Attributes:
        task: The auxiliary task.
        value: The association.
        low: Lower end of its 95 % interval; NaN where there is none.
        high: Upper end.
        n: Tracks that have both labels; NaN where no record says.
        kind: Which association.
        planted_coupling: The coupling that was planted; NaN where no record says, as on real data.
        planted_label: The association on all tracks of the world, before a control; NaN likewise, and where it is no
            correlation.
        fewest: Training tracks, labelled or not, of the seed with the fewest.
        most: The same of the seed with the most; they differ where runs took all tracks of their split.
        n_seeds: Seeds.
    """

    task: str
    value: float
    low: float
    high: float
    n: float
    kind: str
    planted_coupling: float
    planted_label: float
    fewest: int
    most: int
    n_seeds: int


def label_couplings(runs: Sequence[Run]) -> list[LabelCoupling]:
    """Label couplings of runs on one body of data at its largest training size, one an auxiliary task.

    Args:
        runs: At least one. Runs of a seed and size have the same training tracks whatever else they differ in: one of
            them counts.
    """
    size = max(run.arm.train_size for run in runs)
    of_seed = {run.seed: run.record for run in runs if run.arm.train_size == size}
    rows = [record["data"]["rows"]["train"] for record in of_seed.values()]
    found: dict[str, list[dict[str, Any]]] = {}
    for record in of_seed.values():
        for task, measured in _measured(record):
            found.setdefault(task, []).append(measured)
    return [
        LabelCoupling(
            task=task,
            value=_mean(one["value"] for one in ones),
            low=_mean(one["low"] for one in ones),
            high=_mean(one["high"] for one in ones),
            n=_mean(one["n"] for one in ones),
            kind=KINDS.get(str(ones[0]["kind"]), ""),
            planted_coupling=_mean(one["planted_coupling"] for one in ones),
            planted_label=_mean(one["planted_label"] for one in ones),
            fewest=min(rows),
            most=max(rows),
            n_seeds=len(ones),
        )
        for task, ones in found.items()
    ]


def _measured(record: Record) -> Iterator[tuple[str, dict[str, Any]]]:
    """What a record says of each auxiliary task, with NaN for what is not there."""
    data, nan = record["data"], float("nan")
    for task, measured in data.get("coupling", {}).items():
        label = measured.get("label")
        if label is None:
            continue
        if not isinstance(label, Mapping):  # of worlds made before labels were measured with intervals
            label = {"value": label, "kind": "pearson"}
        n = label.get("n", (data.get("overlap") or {}).get(task))
        told = {"value": label.get("value"), "low": label.get("low"), "high": label.get("high"), "n": n}
        planted = measured.get("planted") or {}
        told["planted_coupling"] = planted.get("planted")
        told["planted_label"] = planted.get("label") if label.get("kind") in CORRELATIONS else None
        yield task, {key: nan if one is None else float(one) for key, one in told.items()} | {"kind": label.get("kind")}


def _mean(values: Iterable[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return mean(known) if known else math.nan


def bodies(analysis: Analysis) -> list[tuple[str, list[Run]]]:
    """Runs of each body of data, the largest training part of the smallest seed first, and what tells bodies apart."""
    found: dict[tuple[Any, ...], list[Run]] = {}
    for run in sorted(analysis.runs, key=lambda run: (run.seed, -run.arm.train_size)):
        found.setdefault((run.record["data"]["fingerprint"], *_key(run)), []).append(run)
    place = {cell.arm: place for place, cell in enumerate(analysis.cells)}
    ordered = sorted(found.values(), key=lambda runs: place.get(runs[0].arm, len(place)))
    several = len(analysis.metrics) > 1
    return [(_name(runs[0], several=several), runs) for runs in ordered]


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
    kept = Column("train_kept", "with the target's label", digits=0, about="training tracks; data.target_train_size")
    for part in PARTS:
        columns += [
            Column(f"{part}_tracks", f"{part} tracks", digits=0),
            *([kept] if part == "train" and any(map(keeps_some, analysis.runs)) else []),
            Column(f"{part}_artists", f"{part} artists", digits=0),
        ]
    rows = []
    for name, (run, *_) in bodies(analysis):
        data, config = run.record["data"], run.record["config"]["data"]
        row = {"data": name, "split": config.get("split"), "seed": config.get("split_seed")}
        row["train_kept"] = data["labelled"]["train"][run.arm.target]
        for part in PARTS:
            row |= {f"{part}_tracks": data["rows"][part], f"{part}_artists": data.get("artists", {}).get(part)}
        rows.append(row)
    caption = (
        "Tracks and artists of each part, at the largest training size of the smallest seed; no artist is in two "
        "parts, unless the split is by track."
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
    for name, (run, *_) in bodies(analysis):
        data = run.record["data"]
        for task in run.arm.tasks:
            row: dict[str, Any] = {"data": name, "task": task}
            for part in PARTS:
                row[f"{part}_labelled"] = data["labelled"][part].get(task)
                row[f"{part}_positive"] = data["prevalence"][part].get(task)
            rows.append(row)
    caption = (
        "Labelled tracks of each task, and of binary tasks the share of positives (prevalence), at the largest "
        "training size of the smallest seed."
    )
    return Table("data-labels", "Labels", caption, columns, rows)


def coupling_table(analysis: Analysis) -> Table:
    """Label coupling and overlap of each auxiliary task with the target."""
    rows = [{"data": name, **vars(found)} for name, runs in bodies(analysis) for found in label_couplings(runs)]
    differ = any(row["fewest"] < row["most"] for row in rows)
    planted = any(math.isfinite(row[key]) for row in rows for key in ("planted_coupling", "planted_label"))
    columns = [
        Column("data", "data"),
        Column("task", "auxiliary task"),
        Column("kind", "association"),
        *(PLANTED if planted else []),
        Column("value", "with the target", digits=3, signed=True),
        Column("low", "low", digits=3, signed=True),
        Column("high", "high", digits=3, signed=True),
        Column("n", "tracks with both", digits=0),
        Column("fewest", "training tracks", digits=0, about="of the seed with the fewest"),
        *([Column("most", "at most", digits=0, about="training tracks of the seed with the most")] if differ else []),
        Column("n_seeds", "seeds", digits=0),
    ]
    caption = (
        "How much the labels of each auxiliary task have to do with the target's, on those training tracks that have "
        "both, at the largest training size: mean over seeds, also of the ends of the 95 % interval (bootstrap over "
        "artists). msd-mtl tasks measures on all training tracks of the split, of which a seed draws these: its "
        "numbers may differ."
    )
    if planted:
        caption += (
            " Of synthetic data also what was planted: the coupling (of data.coupling what whole words of detectors "
            "allow; 0 with data.world.common=none), and the correlation that the labels have with the target's on all "
            "tracks of the world, before a control."
        )
        worlds = [{digest(run.record["config"]["data"].get("world")) for run in runs} for _, runs in bodies(analysis)]
        if any(len(of_body) > 1 for of_body in worlds):
            caption += (
                " Where seeds have worlds of their own, correlations of either sign cancel in these means: a mean near "
                "0 does not say that labels have nothing in common."
            )
    return Table("data-couplings", "Couplings of labels", caption, columns, rows)


def dropped_table(analysis: Analysis) -> Table:
    """What was dropped, and why."""
    rows = [
        {"data": name, "what": what, "n": n}
        for name, (run, *_) in bodies(analysis)
        for what, n in run.record["data"].get("dropped", {}).items()
    ]
    columns = [Column("data", "data"), Column("what", "what was dropped"), Column("n", "tracks", digits=0)]
    return Table("data-dropped", "Dropped", "Tracks that did not enter, by reason.", columns, rows)
