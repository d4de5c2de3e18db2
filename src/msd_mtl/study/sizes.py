"""Training sizes that the data cannot fill, and splits that leave nothing to learn, found before anything is run."""

import json
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from msd_mtl.data.rows import check_labels, labelled_parts
from msd_mtl.data.store import Store
from msd_mtl.data.task import checked_tasks
from msd_mtl.data.worlds import make_world
from msd_mtl.errors import UserError
from msd_mtl.study.cell import Cell
from msd_mtl.study.identity import Config

SPLIT = ("split", "split_seed", "val_fraction", "test_fraction")


def fillable(cells: Sequence[Cell]) -> tuple[list[Cell], list[str]]:
    """Leave out the runs that want more training rows than there are, where their study asks for that.

    A size is one of tracks with the target's label, so that all task sets of a size learn the target from the same
    tracks, unless ``data.target_train_size`` says otherwise.

    Args:
        cells: Runs of a sweep.

    Returns:
        The runs to make, and a line for each size that is left out: what there is, and how many runs it costs.

    Raises:
        UserError: If none is left.
    """
    kept: list[Cell] = []
    left_out: Counter[str] = Counter()
    for cell in cells:
        reason = _unfilled(cell.config) if cell.config["study"].get("skip_impossible_sizes") else None
        if reason is None:
            kept.append(cell)
        else:
            left_out[reason] += 1
    lines = [f"{reason}: {n:,} runs left out." for reason, n in left_out.items()]
    if cells and not kept:
        raise UserError(f"a study must have a training size that the data fills; got none. {' '.join(lines)}")
    return kept, lines


def check_possible(cells: Sequence[Cell]) -> None:
    """Refuse runs of which tasks and splits let none be made, whatever its training size.

    Args:
        cells: Runs of a sweep.

    Raises:
        UserError: As the first run would, if for each there is something wrong with its data, tasks or split.
    """
    wrong = []
    for source in dict.fromkeys(_source(cell.config) for cell in cells):
        try:
            found = _rows(source).wrong
        except UserError as error:
            found = str(error)
        if found is None:
            return
        wrong.append(found)
    if wrong:
        raise UserError(wrong[0])


def _unfilled(config: Config) -> str | None:
    """Why a run's training size cannot be had; None if it can, or if the run itself is the one to say what is wrong."""
    data = config["data"]
    size, of_target = data["train_size"], data["target_train_size"]
    if size is None and of_target is None:
        return None
    if data["drop_last"] and size is not None and size < data["batch_size"]:
        return f"data.train_size={size:,}, less than a batch of {data['batch_size']:,} where data.drop_last=true"
    try:
        rows, with_target = training_rows_of(config)
    except UserError:
        return None
    labelled = f"training tracks with {data['target']}"
    limits = [("train_size", with_target, labelled) if of_target is None else ("train_size", rows, "training tracks")]
    for setting, most, kind in [("target_train_size", with_target, labelled), *limits]:
        if (data[setting] or 0) > most:
            return f"data.{setting}={data[setting]:,}, of {most:,} {kind}"
    return None


def training_rows_of(config: Config) -> tuple[int, int]:
    """Training tracks of a run's split with a label of its task set, and of them those with the target's.

    Args:
        config: Resolved configuration.

    Raises:
        UserError: If there is no such data.
    """
    return _rows(_source(config))[:2]


def _source(config: Config) -> str:
    """What the number of training rows depends on, as text."""
    data = config["data"]
    source = {key: data[key] for key in ("name", "names", "target", *SPLIT)}
    if data["name"] == "synthetic":
        source["world"] = data["world"]  # coupling changes labels, not which of them are there
    else:
        source["store"] = data["store"]
    return json.dumps(source, sort_keys=True)


class _Rows(NamedTuple):
    """Training rows of a source, of them those with the target's label, and why no run can be made of them."""

    n: int
    n_with_target: int
    wrong: str | None


@lru_cache(maxsize=64)
def _rows(source: str) -> _Rows:
    given = json.loads(source)
    names, target = given["names"], given["target"]
    tasks = checked_tasks(names, target)
    if given["name"] == "synthetic":
        world = make_world(tasks, target, **given["world"])
        tracks, labels = world.tracks, world.labels
    else:
        store = Store.open(given["store"])
        tracks, labels = store.tracks(), {name: store.labels(name) for name in names}
    targets = np.stack([labels[name] for name in names])
    rows = labelled_parts(tracks, targets, **{key: given[key] for key in SPLIT}).rows
    of_parts = {part: targets[:, chosen] for part, chosen in rows.items()}
    index, wrong = names.index(target), None
    try:
        check_labels(tasks, index, of_parts)
    except UserError as error:
        wrong = str(error)  # the error itself would keep the tracks in memory
    return _Rows(len(rows["train"]), int((~np.isnan(of_parts["train"][index])).sum()), wrong)
