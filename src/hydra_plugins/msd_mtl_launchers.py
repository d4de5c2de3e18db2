"""Hydra's view of sweeps and of the places to make them (``conf/hydra/sweeper``, ``conf/hydra/launcher``).

Hydra imports this module at every start of every command, so it imports nothing heavy itself.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from hydra._internal.core_plugins.basic_launcher import BasicLauncher
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from omegaconf import OmegaConf

if TYPE_CHECKING:
    from hydra.types import HydraContext, TaskFunction
    from omegaconf import DictConfig

    from msd_mtl.study.cell import Cell
    from msd_mtl.study.slurm_settings import SlurmSettings


class StudySweeper(BasicSweeper):
    """A union of grids, with every run composed and entered into its study before the first one starts.

    Args:
        max_batch_size: Runs of a batch; None for all in one.
        params: Settings and their choices, as on a command line; every grid has them.
        grids: Per grid, by any name, further settings and their choices, None to leave it out; None for one grid of
            ``params`` alone.
    """

    def __init__(
        self,
        max_batch_size: int | None,
        params: dict[str, Any] | None = None,
        grids: dict[str, dict[str, Any] | None] | None = None,
    ) -> None:
        super().__init__(max_batch_size, params)
        self.grids = grids
        self.left_out: tuple[str, ...] = ()  # why sizes are no runs, which the report of their study says

    def sweep(self, arguments: list[str]) -> Any:
        """Make the runs of a sweep, batch after batch; one that fails stops no other."""
        from msd_mtl.app import one_message
        from msd_mtl.errors import check_whole
        from msd_mtl.study.launch import entered

        if self.launcher is None:
            raise RuntimeError("Hydra sets a sweeper up before it sweeps")
        with one_message(self._command):
            if self.max_batch_size is not None:
                check_whole("hydra.sweeper.max_batch_size", self.max_batch_size, at_least=1)
            composed = self.runs(arguments)
            if isinstance(self.launcher, StudyLauncher):
                self.launcher.check(composed)
            size = self.max_batch_size or max(1, len(composed))
            for start in range(0, len(composed), size):
                with nullcontext() if start else entered(composed, self.left_out, self._said(arguments)):
                    self._make(composed[start : start + size], start)

    @property
    def _command(self) -> str:
        """Name of the command, which signs messages."""
        return str(getattr(getattr(self.launcher, "task_function", None), "command", "train"))

    def _said(self, arguments: Sequence[str]) -> list[str]:
        """What the command line says of the runs that there are, and where it has them composed from."""
        from msd_mtl.app import composed_from
        from msd_mtl.study.sweep import GRID

        assert self.config is not None  # noqa: S101
        grid = [one for one in self.config.hydra.overrides.hydra if one.lstrip("+~").startswith(GRID)]
        return [*composed_from(self.config.hydra, "train"), *arguments, *grid]

    def _make(self, batch: list[Cell], start: int) -> None:
        """Make the runs of a batch, which begins with the run of that number."""
        from msd_mtl.study.launch import launch_in_process

        if isinstance(self.launcher, StudyLauncher):
            self.launcher.make(batch)
        elif isinstance(self.launcher, BasicLauncher) and vars(self.launcher.task_function).get("attempts"):
            launch_in_process(batch)
        elif self.launcher is not None:
            for ended in self.launcher.launch([list(cell.overrides) for cell in batch], initial_job_idx=start):
                _ = ended.return_value  # raises what a command other than `train` has not caught

    def runs(self, arguments: Sequence[str]) -> list[Cell]:
        """The runs of a sweep; says which combinations are none of their own.

        Raises:
            UserError: If a setting is wrong.
        """
        from msd_mtl.study.compose import cells
        from msd_mtl.study.sweep import jobs

        if self.hydra_context is None or self.config is None:
            raise RuntimeError("Hydra sets a sweeper up before it sweeps")
        loader = self.hydra_context.config_loader
        combinations = jobs(self.params, self.grids, arguments, loader)
        composed = cells(loader, self.config, combinations)
        kept, said = composed, list[str]()
        if any(cell.config["study"].get("skip_impossible_sizes") for cell in composed):
            from msd_mtl.study.sizes import fillable  # imports SciPy

            kept, said = fillable(composed)
            self.left_out = tuple(said)
        if len(composed) < len(combinations):
            said.append(f"{len(combinations):,} combinations are {len(composed):,} different runs.")
        for line in said:
            sys.stderr.write(f"msd-mtl {self._command}: {line}\n")
        return kept


class StudyLauncher(Launcher):
    """Composes runs here and has them made elsewhere."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what Hydra gives."""
        self.hydra_context = hydra_context
        self.task_function = task_function
        self.config = config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:  # noqa: ARG002
        """Make runs for another sweeper than ours; how each ended stands in its record."""
        from msd_mtl.app import one_message
        from msd_mtl.study.compose import cells
        from msd_mtl.study.launch import entered

        with one_message("train"):
            composed = cells(self.hydra_context.config_loader, self.config, job_overrides)
            self.check(composed)
            with entered(composed):
                self.make(composed)
        ended = JobReturn(status=JobStatus.COMPLETED)
        return [ended for _ in job_overrides]

    def check(self, cells: list[Cell]) -> None:
        """Check what can be checked of a launch, before the runs are entered into their study.

        Raises:
            UserError: If it would be refused.
        """
        raise NotImplementedError

    def make(self, cells: list[Cell]) -> None:
        """Make runs."""
        raise NotImplementedError


class LocalLauncher(StudyLauncher):
    """Runs in processes of this machine.

    Args:
        n_workers: Number of processes; None for as many as cores, or GPUs where the runs ask for GPUs.
        threads: Threads of each process.
    """

    def __init__(self, n_workers: int | None, threads: int) -> None:
        self.n_workers = n_workers
        self.threads = threads

    def check(self, cells: list[Cell]) -> None:
        """Check the settings, and that there are enough GPUs."""
        from msd_mtl.study.launch import check_here

        check_here(cells, self.n_workers, self.threads)

    def make(self, cells: list[Cell]) -> None:
        """Make runs."""
        from msd_mtl.study.launch import launch_here

        launch_here(cells, self.n_workers, self.threads)


class SlurmLauncher(StudyLauncher):
    """Runs in jobs of a SLURM cluster.

    Args:
        **settings: See ``msd_mtl.study.slurm_settings.SlurmSettings``.
    """

    def __init__(self, **settings: Any) -> None:
        plain = OmegaConf.to_container(OmegaConf.create(settings), resolve=True)
        self.given: dict[str, Any] = {str(key): value for key, value in dict(plain).items()}  # type: ignore[arg-type]

    @property
    def settings(self) -> SlurmSettings:
        """What is asked of the cluster."""
        from msd_mtl.errors import UserError
        from msd_mtl.study.slurm_settings import SlurmSettings

        if unknown := self.given.keys() - {field.name for field in fields(SlurmSettings)}:
            name = min(unknown)
            raise UserError(
                f"hydra.launcher must have settings that slurm takes; got {name}={self.given[name]}. Options of sbatch "
                "go into hydra.launcher.additional_parameters."
            )
        return SlurmSettings(**self.given)

    def check(self, cells: list[Cell]) -> None:
        """Check the settings, and that the cluster answers."""
        from msd_mtl.study.slurm import check_launch

        check_launch(cells, self.settings)

    def make(self, cells: list[Cell]) -> None:
        """Make runs."""
        from msd_mtl.study.slurm import launch_on_slurm

        launch_on_slurm(cells, self.settings)
