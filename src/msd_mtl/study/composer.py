"""Configurations of many runs, as Hydra composes them one by one."""

import copy
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig


class Composer:
    """Composes runs.

    Composing takes Hydra a tenth of a second or more, so runs that choose the same configuration groups share it, and
    their other overrides are applied to copies.

    Args:
        loader: Hydra's configuration loader.
        compose: Composes overrides as Hydra does, without its own group.
        most: How many different choices of groups are composed; None for all.
    """

    def __init__(self, loader: Any, compose: Callable[[list[str]], DictConfig], most: int | None = None) -> None:
        self._loader = loader
        self._compose = compose
        parser = OverridesParser.create(config_loader=loader)
        # runs have most of theirs in common
        self._parsed = cache(lambda override: parser.parse_overrides([override])[0])
        self._most = most
        self._bases: dict[tuple[str, ...], DictConfig | Exception] = {}

    def __call__(self, overrides: Sequence[str]) -> DictConfig:
        """Configuration of a run, references not resolved.

        Args:
            overrides: All that is set in it, as on a command line.

        Raises:
            OverflowError: If ``most`` choices of groups are composed, and this is another.
        """
        structure, values = self._split(overrides)
        cfg = copy.deepcopy(self._base(structure))
        of_run = [o for o in values if not o.key_or_group.startswith("hydra.")]
        ConfigLoaderImpl._apply_overrides_to_config(of_run, cfg)  # what Hydra itself does next
        return cfg

    def unset(self, overrides: Sequence[str]) -> DictConfig:
        """The same before values are set in it, as the chosen files have it; not a copy, so only to be read."""
        return self._base(self._split(overrides)[0])

    def _split(self, overrides: Sequence[str]) -> tuple[tuple[str, ...], list[Override]]:
        """Overrides that say which files there are, and what is added and taken out; and those that set values."""
        parsed = [self._parsed(one) for one in overrides]
        values = [
            o
            for o in parsed
            if not (o.is_add() or o.is_force_add() or o.is_delete())
            and not self._loader.repository.group_exists(o.key_or_group)
        ]
        return tuple(o.input_line or "" for o in parsed if o not in values), values

    def _base(self, structure: tuple[str, ...]) -> DictConfig:
        base = self._bases.get(structure)
        if base is None:
            if self._most is not None and len(self._bases) >= self._most:
                raise OverflowError(f"choices of groups must be at most {self._most}; got another: {structure}")
            try:
                base = self._compose(list(structure))
            except Exception as error:  # which would take as long for each run that chooses the same  # noqa: BLE001
                base = error
            self._bases[structure] = base
        if isinstance(base, Exception):
            raise base
        return base
