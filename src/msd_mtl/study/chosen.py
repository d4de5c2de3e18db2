"""Choices of a group that come to nothing, as the file of a study comes after all groups."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from omegaconf import DictConfig, OmegaConf

from msd_mtl.errors import UserError

CHOSEN_FOR = {"tasks": "names", "sharing": "mask"}  # groups, and the setting that tells their files apart


def check_chosen(loader: Any, composed: DictConfig, overrides: Sequence[str]) -> None:
    """Refuse a choice of tasks or of a sharing that comes to nothing, as the file of the study sets the same after it.

    Args:
        loader: Hydra's configuration loader.
        composed: Configuration of a run, references not resolved.
        overrides: All that is set in it, as on a command line.

    Raises:
        UserError: With the first choice.
    """
    for group, setting in CHOSEN_FOR.items():
        names = [text.partition("=")[2].strip("'\"") for text in overrides if text.startswith(f"{group}=")]
        if not names or any(text.startswith(f"{group}.{setting}=") for text in overrides):
            continue
        chosen, got = _said(loader, f"{group}/{names[-1]}", setting), _plain(composed[group]).get(setting)
        if chosen not in (None, got):
            raise UserError(
                f"{group}={names[-1]} must set {group}.{setting} to {chosen!r}; got {got!r}, which study "
                f"{composed.study.name} sets after it. Leave {group}={names[-1]} out, or set {group}.{setting}."
            )


@cache
def _said(loader: Any, file: str, setting: str) -> Any:
    """What a file of the configuration has for a setting, references not resolved; None if it has none."""
    return _plain(loader.repository.load_config(file).config).get(setting)


def _plain(cfg: DictConfig) -> Any:
    return OmegaConf.to_container(cfg, resolve=False)
