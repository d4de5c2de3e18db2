"""How many runs a sweep has."""

from collections.abc import Mapping, Sequence
from math import prod

from hydra.core.override_parser.overrides_parser import OverridesParser


def n_runs(params: Mapping[str, str], overrides: Sequence[str]) -> int:
    """Number of runs of a multirun: the product of the choices of its settings.

    Args:
        params: What the study sweeps over (``hydra.sweeper.params``).
        overrides: Settings on the command line; they replace those of the study.
    """
    swept = [f"{key}={value}" for key, value in params.items()]
    choices: dict[str, int] = {}
    for override in OverridesParser.create().parse_overrides([*swept, *overrides]):
        values = override.sweep_string_iterator() if override.is_sweep_override() else [override.value()]
        choices[override.get_key_element()] = sum(1 for _ in values)
    return prod(choices.values())
