"""What is wrong with a record that somebody has edited: what it lacks, and what is not what it should be."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from msd_mtl.data.task import PARTS, task_of
from msd_mtl.errors import UserError
from msd_mtl.study.record import RECORD, SCHEMA_VERSION, Record, is_completed

# What a report relies on: from the beginning of a run, and once it is completed.
BEGUN = (
    *("run_id", "seed", "status", "config.tasks.target", "config.tasks.names", "config.sharing.mask", "config.study"),
    *("config.data.train_size", "data.fingerprint"),
)
COMPLETED = (
    *("config.data.name", "config.data.split"),
    *(f"data.{what}.{part}" for what in ("rows", "labelled", "prevalence") for part in PARTS),
    *("cell.target", "metrics.val", "metrics.test"),
    "baselines",
    "bayes.test",
    "parameters.total",
    "timing_s.total",
    "environment",
)
REMEDY = "delete it, and repeat the sweep"
# What tables and the workspace show of a completed run beside that.
SHOWN = (
    *(f"cell.{key}" for key in ("data", "tasks", "sharing_mask", "train_size", "coupling", "recipe")),
    *("study", "epochs", "best_epoch", "parameters.shared"),
)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_moment(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(datetime.fromisoformat(value))
    except ValueError:
        return False


def _is_task(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(task_of(value))
    except UserError:
        return False


def _or_null(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda v: v is None or holds(v)


def _is_list_of(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda v: isinstance(v, list) and bool(v) and all(map(holds, v))


def _is_numbers(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_or_null(_is_number), value.values()))


def _is_label(value: Any) -> bool:
    """Whether it is a coupling of labels, or one of worlds made before that had an interval."""
    if isinstance(value, dict):
        return all(_or_null(_is_number)(value.get(key)) for key in ("value", "low", "high", "n"))
    return _or_null(_is_number)(value)


OF_DATA = ("artists.*", "without_artist.*", "prevalence.*.*", "dropped.*", "overlap.*")
OF_CONFIG = ("config.data.name", "config.data.split")
SETTINGS = ("data", "tasks", "sharing", "study", "recipe", "trainer", "model")

# What entries are, wherever a record has them; ``*`` is any key.
KINDS: dict[str, tuple[Callable[[Any], bool], tuple[str, ...]]] = {
    f"{SCHEMA_VERSION}": (lambda v: v == SCHEMA_VERSION, ("schema_version",)),
    "text": (
        lambda v: isinstance(v, str),
        ("run_id", "status", "study", "cell.data", "cell.recipe", *OF_CONFIG),
    ),
    "text or null": (_or_null(lambda v: isinstance(v, str)), ("data.fingerprint",)),
    "a time": (_is_moment, ("started_at",)),
    "a whole number": (
        _is_whole,
        ("seed", "epochs", "best_epoch", "data.rows.*", "data.labelled.*.*", "parameters.total"),
    ),
    "a number": (_is_number, ("timing_s.*", "parameters.shared")),
    "a number or null": (
        _or_null(_is_number),
        (
            *("resumed_step", "metrics.*.*.*", "bayes.*.*.*"),
            *("cell.coupling", "config.data.coupling"),
            *("baselines.val.*.*.*", "baselines.test.*.*.*"),
            *(f"data.{key}" for key in OF_DATA),
        ),
    ),
    "a coupling": (_is_label, ("data.coupling.*.label",)),
    "numbers or null": (_or_null(_is_numbers), ("data.coupling.*.planted",)),
    "a whole number or null": (
        _or_null(_is_whole),
        ("cell.train_size", "config.data.train_size", "config.data.split_seed"),
    ),
    "a list": (lambda v: isinstance(v, list), ("attempts",)),
    "a task": (_is_task, ("cell.target", "config.tasks.target")),
    "tasks": (_is_list_of(_is_task), ("cell.tasks", "config.tasks.names")),
    "zeros and ones": (
        _is_list_of(lambda v: _is_whole(v) and v in (0, 1)),
        ("cell.sharing_mask", "config.sharing.mask"),
    ),
    "entries": (
        lambda v: isinstance(v, dict),
        ("environment", "environment.packages", "config.data.world", *(f"config.{key}" for key in SETTINGS)),
    ),
}


def lacks(record: Record, further: Sequence[str] = ()) -> list[str]:
    """What a record does not have though its status promises it, or has as something else: somebody may have edited it.

    Args:
        record: A record of any status.
        further: What a completed one must have beside what a report relies on.

    Returns:
        Dotted keys; of those that are there, followed by what they should be.
    """
    promised = [*BEGUN, *((*COMPLETED, *further) if is_completed(record) else ())]
    absent = [key for key in promised if not _has(record, *key.split("."))]
    wrong = [
        found
        for said, (holds, keys) in KINDS.items()
        for key in keys
        for found in _wrong(record, key.split("."), holds, said)
    ]
    absent += dict.fromkeys(wrong)
    # runs are paired by the one, named by the other
    if not absent and record["config"].get("seed", record["seed"]) != record["seed"]:
        absent.append("seed equal to config.seed")
    if absent or not is_completed(record):
        return absent
    targets = dict.fromkeys((record["config"]["tasks"]["target"], record["cell"]["target"]))
    of_tasks = {f"metrics.{part}": record["metrics"][part] for part in ("test", "val")}
    of_tasks |= {f"data.labelled.{part}": record["data"]["labelled"][part] for part in PARTS}
    absent = [f"{where}.{target}" for where, of_task in of_tasks.items() for target in targets if target not in of_task]
    labelled = record["data"]["labelled"]["train"]
    return absent + [f"data.labelled.train.{one} above 0" for one in targets if labelled.get(one, 1) < 1]


def is_foreign(record: Record) -> bool:
    """Whether a record is of another schema, so that no other entry of it can be told."""
    return bool(record.get("schema_version", SCHEMA_VERSION) != SCHEMA_VERSION)


def damage(record: Record, lacking: Sequence[str]) -> str:
    """What is wrong with a record that lacks something, and what to do."""
    if is_foreign(record):  # whole, as far as anybody knows
        found = record["schema_version"]
        return f"its record has schema version {found}, not {SCHEMA_VERSION}; the msd-mtl that made it reads it"
    return f"its record lacks {', '.join(lacking)}; {REMEDY}"


def check_shown(folder: Path, record: Record) -> None:
    """Check that a completed record can be shown.

    Raises:
        UserError: If it lacks something.
    """
    if lacking := lacks(record, SHOWN):
        raise UserError(
            f"record must have all that a completed run leaves; got {folder / RECORD} without {', '.join(lacking)}. "
            "Delete it, and repeat the command that made the run."
        )


def _has(node: Any, *keys: str) -> bool:
    return not keys or (isinstance(node, dict) and keys[0] in node and _has(node[keys[0]], *keys[1:]))


def _wrong(node: Any, keys: Sequence[str], holds: Callable[[Any], bool], said: str, *above: str) -> Iterator[str]:
    """Where a key that may have wildcards leads to what it should not be; what is not there is no matter."""
    if not isinstance(node, dict) if keys else not holds(node):
        yield f"{'.'.join(above)} as {'entries' if keys else said}"
    elif keys:
        for key in node if keys[0] == "*" else keys[:1]:
            if key in node:
                yield from _wrong(node[key], keys[1:], holds, said, *above, key)
