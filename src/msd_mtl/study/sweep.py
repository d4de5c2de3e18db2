"""How many runs a sweep has."""

from math import prod

from hydra.conf import HydraConf
from hydra.core.override_parser.overrides_parser import OverridesParser


def n_runs(hydra: HydraConf) -> int:
    """Number of runs of a multirun: the product of the choices of its swept settings.

    Args:
        hydra: Hydra's own configuration of the multirun; settings on the command line replace those of a study.
    """
    swept = [f"{key}={value}" for key, value in (hydra.sweeper.params or {}).items()]
    choices: dict[str, int] = {}
    for override in OverridesParser.create().parse_overrides([*swept, *hydra.overrides.task]):
        key = override.get_key_element()
        if override.is_sweep_override():
            choices[key] = sum(1 for _ in override.sweep_string_iterator())
    return prod(choices.values())
