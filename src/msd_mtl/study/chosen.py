"""Choices of groups that come to nothing, or to something else than was chosen."""

import re
from collections.abc import Sequence
from typing import Any

from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from msd_mtl.errors import UserError
from msd_mtl.study.composer import Composer
from msd_mtl.study.sweep import STANDS_FOR

ONE_OF = ("tasks", "sharing", "capacity", "budget", "study")  # files of the others may add to each other
NO_STUDY = "none"  # conf/study/none.yaml


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
    choices = [choice for group in STANDS_FOR if (choice := _last(overrides, f"{group}="))]
    if composed.study.name == NO_STUDY or not choices:
        return
    others = [one for one in overrides if not one.startswith(("study", "hydra"))]
    try:
        without = composer.unset([*others, f"study={NO_STUDY}"])
    except HydraException:  # as where a path to look for files is given to Hydra alone
        return
    for choice in choices:
        key = STANDS_FOR[choice.partition("=")[0]][0]
        if any(one.lstrip("+").startswith((f"{key}=", f"{key}.")) for one in overrides):
            continue
        group, _, setting = key.partition(".")
        alone, got = (_plain(cfg[group]).get(setting) for cfg in (without, composed))
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
