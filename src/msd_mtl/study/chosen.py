"""Choices of groups that come to nothing, or to something else than was chosen."""

import re
from collections.abc import Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from msd_mtl.errors import UserError
from msd_mtl.study.checks import GROUPS
from msd_mtl.study.composer import Composer

CHOSEN_FOR = {"tasks": "names", "sharing": "mask"}  # groups, and the setting that tells their files apart
ONE_OF = (*GROUPS, "capacity", "budget")


def check_chosen(composer: Composer, composed: DictConfig, overrides: Sequence[str]) -> None:
    """Refuse several choices of a group at once, and one that the file of the study undoes, which comes after it.

    Args:
        composer: Composes single runs.
        composed: Configuration of the run, references not resolved.
        overrides: All that is set in it, as on a command line.

    Raises:
        UserError: With the first choice.
    """
    for group in ONE_OF:
        if several := _last(overrides, f"{group}=["):
            plain = re.sub(r"[\[\] '\"]", "", several)
            raise UserError(
                f"{group} must be one choice; got {several}. Write those of a sweep without brackets: {plain}."
            )
    if not _last(overrides, "study="):
        return  # nothing comes after it, and to compose takes time
    for group, setting in CHOSEN_FOR.items():
        key, choice = f"{group}.{setting}", _last(overrides, f"{group}=")
        if choice is None or any(one.lstrip("+").startswith((f"{key}=", f"{key}.")) for one in overrides):
            continue
        alone, got = (_plain(cfg[group]).get(setting) for cfg in (composer.unset([choice]), composed))
        if alone != got:
            raise UserError(
                f"{choice} must set {key} to {alone!r}; got {got!r}, which study {composed.study.name} sets after it. "
                f"Leave {choice} out, or set {key}."
            )


def _last(overrides: Sequence[str], beginning: str) -> str | None:
    """What begins so; of several the last, which counts."""
    return next((one for one in reversed(overrides) if one.startswith(beginning)), None)


def _plain(cfg: DictConfig) -> Any:
    return OmegaConf.to_container(cfg, resolve=False)
