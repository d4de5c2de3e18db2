"""What a task is: a named target and its kind."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from msd_mtl.errors import UserError

Kind = Literal["binary", "regression", "multiclass"]

PARTS = ("train", "val", "test")  # of the tracks of a source
TAG_FAMILIES = ("term", "lastfm", "genre")

# Field: (kind, unit, number of classes). Units and value ranges: the Million Song Dataset's field list.
FIELDS: dict[str, tuple[Kind, str, int]] = {
    "loudness": ("regression", "dB", 0),
    "tempo": ("regression", "BPM", 0),
    "duration": ("regression", "s", 0),
    "year": ("regression", "year", 0),
    "song_hotttnesss": ("regression", "", 0),
    "artist_hotttnesss": ("regression", "", 0),
    "artist_familiarity": ("regression", "", 0),
    "key": ("multiclass", "", 12),  # 0 is C
    "time_signature": ("multiclass", "", 8),  # beats per bar, 0 to 7
    "mode": ("binary", "", 0),  # 1 is major
}


@dataclass(frozen=True)
class Task:
    """A named target.

    Attributes:
        name: Name in the public contract, such as ``term:pop`` or ``loudness``.
        kind: ``binary``, ``regression`` or ``multiclass``.
        unit: Unit of a regression target, empty where it has none.
        n_classes: Number of classes of a multiclass task, else 0.
    """

    name: str
    kind: Kind
    unit: str = ""
    n_classes: int = 0


def task_of(name: str) -> Task:
    """Tell a task from its name.

    Args:
        name: ``term:TAG``, ``lastfm:TAG``, ``genre:GENRE`` or a field of the dataset.

    Returns:
        The task; whether a store has labels for it is the store's to say.

    Raises:
        UserError: If the name has no known form.
    """
    family, _, tag = name.partition(":")
    if family in TAG_FAMILIES and tag:
        return Task(name, "binary")
    if name in FIELDS:
        kind, unit, n_classes = FIELDS[name]
        return Task(name, kind, unit, n_classes)
    from difflib import get_close_matches

    tags = [f"{family}:{name}" for family in TAG_FAMILIES] if ":" not in name else []
    near = [*get_close_matches(name, FIELDS, n=3, cutoff=0.7), *tags] or list(FIELDS)
    forms = ", ".join(f"{family}:NAME" for family in TAG_FAMILIES)
    raise UserError(f"task name must be one of {forms} or a field; got {name!r}. Nearest: {', '.join(near)}.")


def checked_tasks(names: Sequence[str], target: str) -> tuple[Task, ...]:
    """The tasks of a set.

    Args:
        names: Their names, in order.
        target: The one the study asks about.

    Raises:
        UserError: If the names are no list of different tasks with the target among them.
    """
    if isinstance(names, str):
        raise UserError(f"tasks.names must be a list; got {names!r}. Write tasks.names=[{names}].")
    if not names or len(set(names)) != len(names):
        raise UserError(f"tasks.names must be one or more different tasks; got {list(names)}.")
    if target not in names:
        raise UserError(
            f"tasks.target must be one of tasks.names {list(names)}; got {target!r}. Add it to tasks.names."
        )
    return tuple(task_of(name) for name in names)
