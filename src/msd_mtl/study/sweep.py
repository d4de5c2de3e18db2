"""What a sweep chooses: a union of grids, each the product of the choices of its settings."""

from collections.abc import Mapping, Sequence
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import OverrideParseException

from msd_mtl.errors import UserError
from msd_mtl.overrides import unreadable

Choices = Mapping[str, Any]
GRID = ("hydra.sweeper.params", "hydra.sweeper.grids")  # of Hydra's settings those that say which runs there are
# What a choice of a group stands for; the others only where the first is swept.
STANDS_FOR = {"sharing": ("sharing.mask",), "tasks": ("tasks.names", "tasks.target")}


def jobs(
    params: Choices | None, grids: Mapping[str, Choices | None] | None, arguments: Sequence[str], loader: Any = None
) -> list[list[str]]:
    """Overrides of each combination of a sweep.

    Args:
        params: Settings and their choices that every grid has (``hydra.sweeper.params``).
        grids: Per grid, by any name, further settings and their choices (``hydra.sweeper.grids``), or None for a grid
            that is left out; None for one grid that has ``params`` alone.
        arguments: Settings on the command line; they replace those of the same name in every grid, and choices of a
            sharing or of tasks replace masks or the names of tasks.
        loader: Hydra's configuration loader, which knows groups from values; None where only the number counts.

    Returns:
        The grids' combinations one after another. Some may be the same run.

    Raises:
        UserError: If any of these is no group, or choices of the first two cannot be read.
    """
    every, named = _group(GRID[0], params), {"all": {}} if grids is None else _group(GRID[1], grids)
    parser = OverridesParser.create(config_loader=loader)
    chosen = [group for group in STANDS_FOR if any(one.startswith(f"{group}=") for one in arguments)]
    found: list[list[str]] = []
    for name, grid in named.items():
        if grid is None:
            continue
        choices = {**every, **_group(f"{GRID[1]}.{name}", grid)}
        replaced = [key for group in chosen if STANDS_FOR[group][0] in choices for key in STANDS_FOR[group]]
        swept = [f"{key}={_written(value)}" for key, value in choices.items() if key not in replaced]
        try:
            parsed = parser.parse_overrides([*swept, *arguments])
        except OverrideParseException:  # says nothing of where it stands
            _check(swept, parser)
            raise
        (of_grid,) = BasicSweeper.split_arguments(parsed, None)
        found += of_grid
    return found


def n_runs(params: Choices, overrides: Sequence[str]) -> int:
    """Number of runs of a sweep of one grid; see ``jobs``."""
    return len(jobs(params, None, overrides))


def _group(key: str, choices: Choices | None) -> Choices:
    """Choices, if that is what a setting has."""
    if choices is None or isinstance(choices, Mapping):
        return choices or {}
    raise UserError(f"{key} must be a group of settings; got {choices!r}. Mend it in the file of the study.")


def _check(swept: Sequence[str], parser: OverridesParser) -> None:
    """Refuse the first choices of a study's file that cannot be read."""
    for text in swept:
        try:
            parser.parse_overrides([text])
        except OverrideParseException as error:
            raise UserError(f"{unreadable(text, str(error))} Mend it in the file of the study.") from error


def _written(value: Any) -> str:
    """A value of a study's file as it is written on a command line."""
    return "null" if value is None else str(value)
