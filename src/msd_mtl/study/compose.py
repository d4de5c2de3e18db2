"""The runs of a sweep as resolved configurations, made once, where the sweep is started.

What is edited in ``conf/`` afterwards reaches none of them, however long they wait for their turn.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, open_dict
from omegaconf.errors import OmegaConfBaseException

from msd_mtl.errors import UserError
from msd_mtl.overrides import wrong
from msd_mtl.study.answers.report_settings import check_report
from msd_mtl.study.cell import Cell, name_of
from msd_mtl.study.checks import check_settings
from msd_mtl.study.chosen import check_chosen
from msd_mtl.study.composer import Composer
from msd_mtl.study.identity import resolved, without

COMMAND = "train"  # what sweeps compose


def cells(loader: Any, master: DictConfig, job_overrides: Sequence[Sequence[str]]) -> list[Cell]:
    """Compose the runs of a sweep.

    Args:
        loader: Hydra's configuration loader.
        master: Configuration of the sweep, with its ``hydra`` group.
        job_overrides: Overrides of each run, all settings of the command line included.

    Returns:
        Each run once. A task alone shares nothing, so its runs that differ in the mask only are one: the first.

    Raises:
        UserError: If there is no run, a value is missing, refers to nothing or is of a wrong kind, or if runs differ in
            their study or folder.
    """
    if not job_overrides:
        raise UserError(
            "a sweep must have at least one combination of its choices; got none. See the choices of each setting, and "
            "hydra.sweeper.grids, of which a grid that is null is left out."
        )
    composer = Composer(loader, lambda structure: _without_hydra(loader.load_sweep_config(master, structure)))
    chosen = composer_of(master.hydra)  # without what is set in Hydra, which the file of the study alone may have
    found: dict[str, Cell] = {}
    places: dict[str, set[str]] = {"study.name": set(), "runs_dir": set()}
    for overrides in job_overrides:
        try:
            composed = composer(overrides)
            config = resolved(composed)
        except (HydraException, OmegaConfBaseException, ValueError):  # the last of a choice that is null
            _check_choices(loader, master, overrides)
            raise
        check_settings(config, overrides, partial(written, composed, composer, overrides, master))
        check_chosen(chosen, composed, overrides)
        check_report(config["study"].get("report"))
        config["trainer"]["enable_progress_bar"] = False  # the sweep tells how far it is
        cell = Cell(name_of(config), tuple(o for o in overrides if not o.startswith("hydra")), config)
        found.setdefault(_numbers_of(cell), cell)
        places["study.name"].add(config["study"]["name"])
        places["runs_dir"].add(config["runs_dir"])
    for setting, of_runs in places.items():
        if len(of_runs) > 1:
            raise UserError(
                f"{setting} must have one value in a sweep; got {', '.join(sorted(of_runs))}. Start a sweep for each."
            )
    return list(found.values())


def composer_of(hydra: Any) -> Composer:
    """Composes single runs.

    Args:
        hydra: Hydra's own configuration of one, or of a sweep.
    """
    loader: Any = GlobalHydra.instance().config_loader()
    return Composer(loader, lambda chosen: loader.load_configuration(hydra.job.config_name, chosen, RunMode.RUN))


def written(
    composed: DictConfig, composer: Composer, overrides: Sequence[str], *more: DictConfig
) -> Iterator[DictConfig]:
    """Where settings of a run may refer to others: as it is composed, and as its files are without what is set.

    One by one, since the first is mostly all that is looked at.

    Args:
        composed: Its configuration, references not resolved.
        composer: Composes runs such as this.
        overrides: All that is set in it, as on a command line.
        more: Other configurations.
    """
    yield composed
    yield composer.unset(overrides)
    yield from more


def _check_choices(loader: Any, master: DictConfig, overrides: Sequence[str]) -> None:
    """Say what is wrong with a run that Hydra has refused where the file of its study has it, not the command line."""
    if master.hydra.job.config_name != COMMAND or wrong(loader, COMMAND, master.hydra.overrides.task, multirun=True):
        return
    if message := wrong(loader, COMMAND, overrides, multirun=False):
        raise UserError(f"{message} It is set in hydra.sweeper, by the study's file or the command line.") from None


def _without_hydra(cfg: DictConfig) -> DictConfig:
    """What is left is a run's; the group of Hydra is as large again, and copies cost most of what composing takes."""
    with open_dict(cfg):
        del cfg["hydra"]
    return cfg


def _numbers_of(cell: Cell) -> str:
    """A name that runs share which must come to the same numbers."""
    if len(cell.config["tasks"]["names"]) > 1:
        return cell.run_id
    return "alone " + name_of(without(cell.config, ("sharing", "model.mask")))
