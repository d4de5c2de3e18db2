"""What is asked of a SLURM cluster, and whether it fits itself and the runs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from msd_mtl.errors import UserError, check_whole
from msd_mtl.study.cell import Cell

# Settings that are whole numbers, and the least that each may be.
WHOLE = {"cells_per_job": 1, "timeout_min": 1, "threads": 1, "cpus_per_task": 1, "tasks_per_node": 1, "nodes": 1,
         "signal_s": 0, "array_parallelism": 1, "gpus_per_node": 0}  # fmt: skip
OR_NULL = ("timeout_min", "gpus_per_node")


@dataclass(frozen=True)
class SlurmSettings:
    """What is asked of the cluster; see ``conf/hydra/launcher/slurm.yaml``.

    Attributes:
        cells_per_job: Runs of a job, one after another.
        timeout_min: Time limit of a job, minutes; a job that reaches it goes on in its next start. None for what
            ``SBATCH_TIMELIMIT`` says, or 60.
        threads: Threads of each process.
        cpus_per_task: Cores of each process.
        tasks_per_node: Processes of one run on each node.
        nodes: Nodes of one run.
        gpus_per_node: GPUs of a job on each node; None where the cluster knows none.
        mem_gb: Memory of a job on each node, GB; None for the cluster's default.
        partition: Partition; None for the cluster's default.
        account: Account; None for the user's default.
        signal_s: Seconds before the time limit at which the checkpoint is written.
        array_parallelism: Jobs that run at the same time.
        poll_s: Seconds between two looks at the cluster, at first; more and more later.
        name: Name of the jobs.
        setup: Shell commands before the job's own.
        additional_parameters: Further options of ``sbatch``.
    """

    cells_per_job: int
    timeout_min: int | None
    threads: int
    cpus_per_task: int
    tasks_per_node: int
    nodes: int
    gpus_per_node: int | None
    mem_gb: float | None
    partition: str | None
    account: str | None
    signal_s: int
    array_parallelism: int
    poll_s: float
    name: str
    setup: Sequence[str] = ()
    additional_parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def n_tasks(self) -> int:
        """Processes of one run."""
        return self.nodes * self.tasks_per_node

    def check(self, cells: Sequence[Cell]) -> None:
        """Check that the settings fit each other and the runs.

        Raises:
            UserError: If they do not.
        """
        for name, least in WHOLE.items():
            value = getattr(self, name)
            if value is not None or name not in OR_NULL:
                check_whole(f"hydra.launcher.{name}", value, at_least=least)
        for name in ("poll_s", *(() if self.mem_gb is None else ("mem_gb",))):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
                raise UserError(f"hydra.launcher.{name} must be a number above 0; got {value!r}.")
        if self.n_tasks > 1 and self.cells_per_job > 1:
            raise UserError(
                "hydra.launcher.cells_per_job must be 1 for runs of several processes; got "
                f"{self.cells_per_job} with {self.n_tasks} processes a run. Set hydra.launcher.cells_per_job=1."
            )
        for cell in cells:
            devices = cell.config["trainer"]["devices"]
            if self.n_tasks > 1 and devices != self.tasks_per_node:
                raise UserError(
                    f"trainer.devices must be hydra.launcher.tasks_per_node, {self.tasks_per_node}; got {devices}."
                )
