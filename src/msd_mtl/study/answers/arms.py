"""What a run is compared by, read off its configuration."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from statistics import median
from typing import Any

from msd_mtl.app import conf_dir, read_conf
from msd_mtl.study.answers.types import Arm, Settings
from msd_mtl.study.identity import OPERATIONAL, Config, value_of
from msd_mtl.study.record import Record

# Settings that an arm has a place for, or that follow from one.
PLACED: tuple[str, ...] = (
    *("tasks", "sharing", "seed", "model.mask"),
    *("data.names", "data.target", "data.coupling", "data.train_size"),
)
# What a choice of a group sets beside its name: not listed again where it differs with the name.
SET_BY = {
    "recipe.name": (
        *("recipe", "data.features", "data.row_norm", "data.batch_size", "data.drop_last"),
        *("model.dropout", "model.init", "trainer.max_epochs"),
    ),
    "data.name": ("data",),
}
# What goes with the training size counts as size, but not what a run is tested on: other tracks are no larger size. Nor
# how many of its tracks have the target's label, which is what the size is compared at.
NOT_OF_SIZE = (
    "data.target_train_size",
    *("data.name", "data.fingerprint", "data.world"),
    *("data.split", "data.split_seed", "data.val_fraction", "data.test_fraction"),
)
FINGERPRINT, UNKNOWN = "data.fingerprint", "None"
UNCOUNTED = 0  # training size of an arm that takes all rows where no run says how many these are


def arms_of(
    records: Mapping[str, Record], is_of_kinds: Callable[[str, Mapping[str, str], str], bool] = lambda *_: False
) -> dict[str, Arm]:
    """Arm of each run of a study, but for runs that take all rows where no run of their target says how many these are.

    Args:
        records: See ``all_arms``.
        is_of_kinds: See ``all_arms``.
    """
    return {run: arm for run, arm in all_arms(records, is_of_kinds).items() if arm.train_size != UNCOUNTED}


def all_arms(
    records: Mapping[str, Record], is_of_kinds: Callable[[str, Mapping[str, str], str], bool] = lambda *_: False
) -> dict[str, Arm]:
    """Arm of each run of a study.

    Args:
        records: Records by ``run_id``, whatever their status; of one that was not begun what it would begin with.
        is_of_kinds: Of a dotted key that goes with ``seed`` or ``train_size``, its values by run, and which of the two,
            whether it is a setting of kinds of runs all the same, as not all runs are begun.

    Returns:
        The arms by ``run_id``.
    """
    contexts = _contexts(records, is_of_kinds)
    all_rows: dict[tuple[Settings, str], list[int]] = defaultdict(list)
    anywhere: dict[str, list[int]] = defaultdict(list)
    for run, record in records.items():
        target = record["config"]["tasks"]["target"]
        data, config = record["data"], record["config"]["data"]
        of_target, in_all = (data.get(key, {}).get("train") for key in ("labelled", "rows"))
        rows = (of_target or {}).get(target) if config.get("target_train_size") is None else in_all
        if rows is not None and config["train_size"] is None:
            all_rows[contexts[run], target].append(rows)
            anywhere[target].append(rows)
    return {
        run: _arm(record, contexts[run], _rows_of(record, contexts[run], all_rows, anywhere))
        for run, record in records.items()
    }


def differences(records: list[Record]) -> tuple[str, ...]:
    """Dotted keys in which the configurations of runs differ, but for those that say where and how they were made."""
    flat = [settings_of(record) for record in records]
    keys = sorted({key for one in flat for key in one})
    return tuple(key for key in keys if len({one.get(key, "null") for one in flat}) > 1)


def describe(arm: Arm, *, with_context: bool = True) -> str:
    """An arm in a few words."""
    size = "all tracks" if arm.train_size == UNCOUNTED else f"n={arm.train_size:,}"
    words = [arm.task_set, mask_name(arm.mask), size]
    words += [] if arm.coupling is None else [f"coupling {arm.coupling:g}"]
    words += [f"{key}={value}" for key, value in arm.context] if with_context else []
    return ", ".join(words)


def mask_order(mask: str) -> tuple[int, tuple[int, ...]]:
    """Sorts masks from few shared layers to many, from low to high."""
    return mask.count("1"), tuple(-int(bit) for bit in mask)


def mask_name(mask: str) -> str:
    """A sharing mask with its name in ``conf/sharing``, such as ``low (1100)``; the mask alone where it has none."""
    name = _sharings().get(mask)
    return mask if name is None else f"{name} ({mask})"


def mask_of(name: str) -> str | None:
    """The sharing mask of a name in ``conf/sharing``; None where there is none of it."""
    return {known: mask for mask, known in _sharings().items()}.get(name)


def task_set(tasks: Sequence[str], target: str) -> str | None:
    """Name that a set of tasks has in ``conf/tasks``, such as ``tight``; None where it has none."""
    return _task_sets().get((tuple(tasks), target))


def is_one_task(name: str) -> bool:
    """Whether a name in ``conf/tasks`` is of a task alone."""
    return any(known == name and len(tasks) == 1 for (tasks, _), known in _task_sets().items())


def _rows_of(
    record: Record,
    context: Settings,
    all_rows: Mapping[tuple[Settings, str], list[int]],
    anywhere: Mapping[str, list[int]],
) -> list[int]:
    """How many all rows are under a context; where none of its runs says, under any. Empty where no run says."""
    target = record["config"]["tasks"]["target"]
    return all_rows.get((context, target)) or anywhere.get(target) or []


def _arm(record: Record, context: Settings, all_rows: Sequence[int]) -> Arm:
    config = record["config"]
    tasks, target = tuple(config["tasks"]["names"]), config["tasks"]["target"]
    return Arm(
        task_set=task_set(tasks, target) or " + ".join(tasks),
        tasks=tasks,
        target=target,
        mask="".join(map(str, config["sharing"]["mask"])),
        train_size=_train_size(config, all_rows),
        coupling=config["data"].get("coupling"),
        context=context,
    )


def _train_size(config: Config, all_rows: Sequence[int]) -> int:
    """Rows asked for; where all were taken, as many as have a label of the target.

    That is the same whatever is trained beside it. Splits that go with the seed differ in it a little: the median.
    Where only some rows keep it, the most that any run has: the target alone trains on those that do.
    """
    asked: int | None = config["data"]["train_size"]
    if asked is not None or not all_rows:
        return asked or UNCOUNTED
    typical = median if config["data"].get("target_train_size") is None else max
    return round(typical(all_rows))


def _contexts(
    records: Mapping[str, Record], is_of_kinds: Callable[[str, Mapping[str, str], str], bool]
) -> dict[str, Settings]:
    """What differs between the runs, and neither has a place in an arm nor follows from one that has."""
    flat = {run: settings_of(record) for run, record in records.items()}
    fingerprints = {settings[FINGERPRINT] for settings in flat.values()} - {UNKNOWN}
    if len(fingerprints) == 1:
        flat = {run: settings | {FINGERPRINT: next(iter(fingerprints))} for run, settings in flat.items()}
    keys = sorted({key for settings in flat.values() for key in settings if not is_below(key, PLACED)})
    rows = {run: {key: settings.get(key, "null") for key in keys} for run, settings in flat.items()}
    varied = [key for key in keys if len({row[key] for row in rows.values()}) > 1]
    leaders: list[tuple[tuple[str, ...], dict[str, str]]] = [
        (set_by, {run: row[name] for run, row in rows.items()}) for name, set_by in SET_BY.items() if name in varied
    ]
    seeds, sizes = ({run: one.get(name, "null") for run, one in flat.items()} for name in ("seed", "data.train_size"))

    def is_placed(key: str) -> bool:
        values = {run: row[key] for run, row in rows.items()}
        # of another value for every seed; one that some seeds have and others have not is a comparison of seeds
        goes_with_seed = _follows(values, seeds) and _follows(seeds, values) and not is_of_kinds(key, values, "seed")
        goes_with_size = not is_below(key, NOT_OF_SIZE) and _follows(values, sizes)
        goes_with_size = goes_with_size and not is_of_kinds(key, values, "train_size")
        return (
            goes_with_seed
            or goes_with_size
            or any(is_below(key, set_by) and _follows(values, leader) for set_by, leader in leaders)
        )

    kept = [key for key in varied if key in SET_BY or not is_placed(key)]
    return {run: tuple((key, row[key]) for key in kept) for run, row in rows.items()}


def _follows(values: Mapping[str, str], leader: Mapping[str, str]) -> bool:
    """Whether equal values of the leader always go with equal values."""
    return len({(leader[run], value) for run, value in values.items()}) == len(set(leader.values()))


def settings_of(record: Record) -> dict[str, str]:
    """Dotted keys and values as text, without those that say where and how the run was made."""
    found = {FINGERPRINT: str(record["data"]["fingerprint"])}  # None where the store could not be opened
    _flatten("", record["config"], found)
    return {key: value for key, value in found.items() if not is_below(key, OPERATIONAL)}


def _flatten(prefix: str, config: Config, found: dict[str, str]) -> None:
    for key, value in config.items():
        if isinstance(value, dict):
            _flatten(f"{prefix}{key}.", value, found)
        else:
            found[prefix + key] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@cache  # thousands of runs have the same keys
def is_below(key: str, prefixes: tuple[str, ...]) -> bool:
    """Whether a dotted key is one of these, or lies in one of them."""
    return any(prefix == key or key.startswith(prefix + ".") for prefix in prefixes)


@cache
def _task_sets() -> dict[tuple[tuple[str, ...], str], str]:
    presets = _presets("tasks", "names", "target")
    whole = [(name, *both) for name, both in presets if isinstance(both[0], list) and both[1] is not None]
    return {(tuple(map(str, names)), str(target)): name for name, names, target in whole}


@cache
def _sharings() -> dict[str, str]:
    return {"".join(map(str, mask)): name for name, (mask,) in _presets("sharing", "mask") if isinstance(mask, list)}


def _presets(group: str, *keys: str) -> Iterator[tuple[str, list[Any]]]:
    """Name and settings of each file of a group; None for a setting that it leaves to others."""
    for file in sorted((conf_dir() / group).glob("*.yaml")):
        said = read_conf(file)
        yield file.stem, [value_of(said, key) for key in keys]
