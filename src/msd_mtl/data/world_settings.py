"""Settings of a synthetic world that can differ by task, and the checks of all of them."""

from collections.abc import Mapping, Sequence
from typing import get_args

from msd_mtl.data.planted import Common
from msd_mtl.data.task import task_of
from msd_mtl.errors import UserError

PerTask = float | Mapping[str, float]

ROLES = ("target", "auxiliary")

# Setting: lowest and highest value, and whether the lowest itself is allowed; the highest never is.
RANGES = {
    "signal_to_noise": (0.0, float("inf"), True),
    "missing": (0.0, 1.0, True),
    "prevalence": (0.0, 1.0, False),
}


def value_of(setting: PerTask, name: str, target: str) -> float:
    """Value of a setting for one task.

    Args:
        setting: One number for all tasks, or numbers by task name or role (``target``, ``auxiliary``).
        name: Name of the task.
        target: Name of the target.

    Returns:
        The value under the name, else under the role.

    Raises:
        KeyError: If there is neither.
    """
    if not isinstance(setting, Mapping):
        return float(setting)
    role = "target" if name == target else "auxiliary"
    return float(setting[name] if name in setting else setting[role])


def check_tasks(names: Sequence[str], target: str) -> None:
    """Refuse repeated tasks and a target that is not among them (UserError)."""
    if len(set(names)) < len(names):
        raise UserError(f"tasks.names must name each task once; got {list(names)}. Remove the repeated ones.")
    if target not in names:
        raise UserError(
            f"tasks.target must be one of tasks.names {list(names)}; got {target!r}. Add it to tasks.names."
        )


def check_sizes(n_tracks: int, n_words: int, words_per_track: float) -> None:
    """Refuse sizes that make no lyrics (UserError)."""
    if n_tracks < 1:
        raise UserError(f"data.world.n_tracks must be at least 1; got {n_tracks}. Raise it.")
    if not 1 <= words_per_track <= n_words / 2:
        raise UserError(
            f"data.world.words_per_track must be from 1 to half of data.world.n_words ({n_words}); "
            f"got {words_per_track}. Change either."
        )


def check_coupling(coupling: float, common: str) -> None:
    """Refuse a coupling or a level that has no meaning (UserError)."""
    if not 0 <= coupling <= 1:
        raise UserError(f"data.coupling must be from 0 to 1; got {coupling}. 0 is nothing in common, 1 everything.")
    if common not in get_args(Common):
        raise UserError(f"data.world.common must be one of {', '.join(get_args(Common))}; got {common!r}. Choose one.")


def check_signal(n_detectors: int, words_per_detector: int, n_units: int, curvature: float, *, wave: float) -> None:
    """Refuse signals that are constant or have no size (UserError)."""
    counts = {"n_detectors": n_detectors, "words_per_detector": words_per_detector, "n_units": n_units}
    for key, count in counts.items():
        if count < 1:
            raise UserError(f"data.world.{key} must be at least 1; got {count}. Raise it.")
    if not 0 < curvature < float("inf"):
        raise UserError(f"data.world.curvature must be above 0 and finite; got {curvature}. 0.1 is nearly linear.")
    if not 0 <= wave < float("inf"):
        raise UserError(f"data.world.wave must be at least 0 and finite; got {wave}. 0 is no wave.")


def check_names(key: str, setting: object, names: Sequence[str]) -> None:
    """Refuse values per task of what is no role, no task of the world and of no other (UserError)."""
    for name in setting if isinstance(setting, Mapping) else ():
        try:
            if name not in {*ROLES, *names}:
                task_of(str(name))
        except UserError as error:
            raise UserError(f"data.world.{key} must have values by {' and '.join(ROLES)} or by task; {error}") from None


def check_scale(scale: Mapping[str, object] | None) -> None:
    """Refuse scales of what is no regression (UserError)."""
    for name in scale or ():
        try:
            kind = task_of(str(name)).kind
        except UserError as error:
            raise UserError(f"data.world.scale must have values by task; {error}") from None
        if kind != "regression":
            raise UserError(f"data.world.scale must have values of regressions; got {name!r}, {kind}. Leave it out.")


def check_setting(key: str, setting: PerTask, names: Sequence[str], target: str) -> None:
    """Refuse values per task that are missing or out of range (UserError).

    Args:
        key: Which setting, one of ``RANGES``.
        setting: Its value or values.
        names: Names of the tasks.
        target: Name of the target.
    """
    low, high, closed = RANGES[key]
    for name in names:
        try:
            value = value_of(setting, name, target)
        except KeyError:
            raise UserError(
                f"data.world.{key} must have a value for {name!r}; got {setting}. "
                f"Name it or its role: {', '.join(ROLES)}."
            ) from None
        if not (low < value < high or (closed and value == low)):
            bound = "at least" if closed else "above"
            raise UserError(
                f"data.world.{key} must be {bound} {low:g} and below {high:g}; got {value} for {name!r}. Change it."
            )
