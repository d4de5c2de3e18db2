"""A sweep on a SLURM cluster: jobs of several runs, followed until no run is left that they could make."""

import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msd_mtl.errors import UserError
from msd_mtl.study.cell import Cell
from msd_mtl.study.cluster import largest_array, live_jobs, state_of_job
from msd_mtl.study.files import write_json
from msd_mtl.study.follow import Follower
from msd_mtl.study.launch import to_make
from msd_mtl.study.slurm_job import RunsOfJob
from msd_mtl.study.states import State, state_of

FOLDER = ".slurm"
MOST_LOSSES = 3  # jobs that may end over a run before it is left alone; our choice


@dataclass(frozen=True)
class SlurmSettings:
    """What is asked of the cluster; see ``conf/hydra/launcher/slurm.yaml``.

    Attributes:
        cells_per_job: Runs of a job, one after another.
        timeout_min: Time limit of a job, minutes; a job that reaches it goes on in its next start.
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
    timeout_min: int
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
        """Raise ``UserError`` if the settings do not fit each other or the runs."""
        if self.cells_per_job < 1 or (self.n_tasks > 1 and self.cells_per_job > 1):
            raise UserError(
                "hydra.launcher.cells_per_job must be at least 1, and 1 for runs of several processes; got "
                f"{self.cells_per_job} with {self.n_tasks} processes a run. Set hydra.launcher.cells_per_job=1."
            )
        for cell in cells:
            devices = cell.config["trainer"]["devices"]
            if self.n_tasks > 1 and devices != self.tasks_per_node:
                raise UserError(
                    f"trainer.devices must be hydra.launcher.tasks_per_node, {self.tasks_per_node}; got {devices}."
                )


def launch_on_slurm(cells: Sequence[Cell], settings: SlurmSettings) -> None:
    """Make runs in jobs, until each is completed or failed, or its job was cancelled.

    Jobs of an earlier launch that are still there are followed, not submitted again. A job that is lost (killed, its
    node gone) is submitted again with what it has not done; one that was cancelled is not.

    Raises:
        UserError: If the settings are wrong, or the cluster refuses the first job.
    """
    runs_dir = Path(cells[0].config["runs_dir"])
    waiting = {cell.run_id: cell for cell in to_make(cells)}
    if not waiting:
        return
    settings.check(cells)
    losses: Counter[str] = Counter()
    poll_s = settings.poll_s
    with Follower(cells) as follower:
        jobs = _known_jobs(runs_dir, waiting)
        while waiting:
            covered = {run for runs in jobs.values() for run in runs}
            new = [cell for run, cell in waiting.items() if run not in covered]
            jobs |= _submit(new, settings, runs_dir, must=not jobs)
            time.sleep(poll_s)
            poll_s = min(1.1 * poll_s, 30.0)
            live = live_jobs()
            if live is None:  # the controller is being restarted; jobs go on
                continue
            for job in [job for job in jobs if job not in live]:
                for run in _settled(job, jobs.pop(job), runs_dir, losses):
                    waiting.pop(run, None)
            follower.look()
    _forget(runs_dir)


def _settled(job: str, runs: Sequence[str], runs_dir: Path, losses: Counter[str]) -> list[str]:
    """Runs of an ended job that need no other job."""
    open_runs = [run for run in runs if state_of(runs_dir, run) not in (State.COMPLETED, State.FAILED)]
    if not open_runs:
        return list(runs)
    state = state_of_job(job)
    losses.update(open_runs)
    again = [] if state == "CANCELLED" else [run for run in open_runs if losses[run] < MOST_LOSSES]
    what = f"{len(again)} of its runs go to another job" if again else "its runs are left as they are"
    sys.stderr.write(f"Job {job} ended {state} with {len(open_runs)} runs to do; {what}.\n")
    return [run for run in runs if run not in again]


def _submit(cells: Sequence[Cell], settings: SlurmSettings, runs_dir: Path, *, must: bool) -> dict[str, list[str]]:
    """Submit runs; returns job to runs. A refusal while other jobs are there, as by a limit, is tried again later."""
    submitted: dict[str, list[str]] = {}
    k = settings.cells_per_job
    packs = [cells[i : i + k] for i in range(0, len(cells), k)]
    most = largest_array() if packs else 1
    for i in range(0, len(packs), most):
        array = packs[i : i + most]
        try:
            ids = _sbatch(array, settings, runs_dir)
        except RuntimeError as error:
            if must and not submitted:
                raise UserError(f"sbatch must accept the jobs; got: {error}. See hydra.launcher.*.") from error
            break
        runs = {job: [cell.run_id for cell in pack] for job, pack in zip(ids, array, strict=True)}
        write_json(runs_dir / FOLDER / f"{ids[0].split('_')[0]}.json", runs)
        submitted |= runs
    return submitted


def _sbatch(packs: Sequence[Sequence[Cell]], settings: SlurmSettings, runs_dir: Path) -> list[str]:
    """Submit packs of runs as one array; their job ids."""
    try:
        import submitit
        from submitit.core.utils import FailedJobError, FailedSubmissionError
    except ImportError:
        raise UserError(
            "hydra/launcher=slurm must find submitit; got none. Run: pip install 'msd-mtl[slurm]'."
        ) from None

    executor = submitit.SlurmExecutor(folder=(runs_dir / FOLDER / "%j").absolute(), max_num_timeout=0)
    executor.update_parameters(
        job_name=settings.name,
        time=settings.timeout_min,
        nodes=settings.nodes,
        ntasks_per_node=settings.tasks_per_node,
        cpus_per_task=settings.cpus_per_task,
        gpus_per_node=settings.gpus_per_node,
        mem=None if settings.mem_gb is None else f"{settings.mem_gb}GB",
        partition=settings.partition,
        account=settings.account,
        signal_delay_s=settings.signal_s,
        array_parallelism=settings.array_parallelism,
        setup=["unset WANDB_SERVICE", *settings.setup],  # a service of the launching machine
        additional_parameters={"requeue": True, **settings.additional_parameters},
    )
    functions = [RunsOfJob(list(pack), settings.n_tasks, settings.threads) for pack in packs]
    try:
        return [job.job_id for job in executor.submit_array(functions)]
    except (FailedSubmissionError, FailedJobError) as error:
        raise RuntimeError(str(error).strip().splitlines()[-1]) from error


def _known_jobs(runs_dir: Path, waiting: dict[str, Cell]) -> dict[str, list[str]]:
    """Jobs of earlier launches that are not over, with those of their runs that are wanted now."""
    live = live_jobs() or {}
    found: dict[str, list[str]] = {}
    for path in (runs_dir / FOLDER).glob("[!.]*.json"):
        for job, runs in json.loads(path.read_text(encoding="utf-8")).items():
            wanted = [run for run in runs if run in waiting]
            if job in live and wanted:
                found[job] = wanted
    return found


def _forget(runs_dir: Path) -> None:
    """Delete the lists of jobs that are over."""
    live = {job.split("_")[0] for job in live_jobs() or {}}
    for path in (runs_dir / FOLDER).glob("[!.]*.json"):
        if path.stem not in live:
            path.unlink(missing_ok=True)
