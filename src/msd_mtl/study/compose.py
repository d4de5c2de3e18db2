"""The runs of a sweep as resolved configurations, made once, where the sweep is started.

What is edited in ``conf/`` afterwards reaches none of them, however long they wait for their turn.
"""

import copy
from collections.abc import Sequence
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, open_dict

from msd_mtl.errors import UserError
from msd_mtl.study.answers.report_settings import check_report
from msd_mtl.study.cell import Cell, name_of
from msd_mtl.study.checks import check_settings
from msd_mtl.study.identity import resolved, without


def cells(loader: Any, master: DictConfig, job_overrides: Sequence[Sequence[str]]) -> list[Cell]:
    """Compose the runs of a sweep.

    Composing takes Hydra a tenth of a second or more, so runs that choose the same configuration groups share it, and
    their other overrides are applied to copies.

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
    parser = OverridesParser.create(config_loader=loader)
    bases: dict[tuple[str, ...], DictConfig] = {}
    found: dict[str, Cell] = {}
    places: dict[str, set[str]] = {"study.name": set(), "runs_dir": set()}
    for overrides in job_overrides:
        parsed = parser.parse_overrides(list(overrides))
        values = [
            o
            for o in parsed
            if not (o.is_add() or o.is_force_add() or o.is_delete())
            and not loader.repository.group_exists(o.key_or_group)
        ]
        structure = tuple(o.input_line or "" for o in parsed if o not in values)
        if structure not in bases:
            bases[structure] = _without_hydra(loader.load_sweep_config(master, list(structure)))
        cfg = copy.deepcopy(bases[structure])
        of_run = [o for o in values if not o.key_or_group.startswith("hydra.")]
        ConfigLoaderImpl._apply_overrides_to_config(of_run, cfg)  # what Hydra itself does next
        config = resolved(cfg)
        check_settings(config)
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
