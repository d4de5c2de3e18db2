"""Jobs, as ``sbatch`` is asked for them."""

import os
import shlex
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from msd_mtl.errors import RefusedLaunchError
from msd_mtl.study.slurm_settings import SlurmSettings

JOB = "msd_mtl.study.slurm_job"  # what runs in each process of a job
OF_JOB = ("SLURM_", "SLURMD_", "SUBMITIT_")
CLIENTS = ("SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_CLUSTERS", "SLURM_JWT")  # of them what commands of SLURM need
OF_PROCESS = ("RANK", "LOCAL_RANK", "GROUP_RANK", "NODE_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR",
              "MASTER_PORT", "TORCHELASTIC_RUN_ID")  # fmt: skip
DEFAULT_MIN = 60  # time limit of a job; our choice: one that reaches it goes on in its next start
# Never from the environment: what submitit asks for, and what the settings take from there themselves.
ALWAYS = ("array", "signal", "open_mode", "output", "error", "partition", "account")
# Options whose variables have other names.
CALLED = {"time": "TIMELIMIT", "array": "ARRAY_INX", "mem": "MEM_PER_NODE", "requeue": "NO_REQUEUE"}


def submitit_or_refuse() -> ModuleType:
    """The library that talks to ``sbatch``.

    Raises:
        RefusedLaunchError: If it is not installed.
    """
    try:
        import submitit
    except ImportError:
        raise RefusedLaunchError(
            "hydra/launcher=slurm must find submitit; got none. Run: pip install 'msd-mtl[slurm]'."
        ) from None
    return submitit


@contextmanager
def _without(names: Iterable[str]) -> Iterator[None]:
    """Keep variables from what the block starts."""
    kept = {name: os.environ.pop(name) for name in set(names)}
    try:
        yield
    finally:
        os.environ.update(kept)


def _foreign() -> list[str]:
    """Variables in which another job or launcher tells this process who it is.

    Jobs inherit the environment of ``sbatch``: one that is no array would take itself for an element of the array from
    which it was submitted, and each of the tasks of a job itself for the first.
    """
    in_job = "SLURM_JOB_ID" in os.environ  # elsewhere variables of SLURM are a user's or a site's
    of_job = [name for name in os.environ if name.startswith(OF_JOB) and name not in CLIENTS] if in_job else []
    return [*of_job, *(name for name in OF_PROCESS if name in os.environ)]


def _overruling(options: Iterable[str]) -> list[str]:
    """Variables with which ``sbatch`` would overrule options that stand in its script.

    Args:
        options: The options, as they stand there.
    """
    names = (option.replace("-", "_") for option in options)
    variables = (f"SBATCH_{CALLED.get(name, name.upper())}" for name in names)
    return [variable for variable in variables if variable in os.environ]


def _asked(settings: SlurmSettings) -> dict[str, object]:
    """Options of ``sbatch`` and their values; None where the environment or the cluster decides."""
    return {
        "job_name": settings.name,
        "time": settings.timeout_min,
        "nodes": settings.nodes,
        "ntasks_per_node": settings.tasks_per_node,
        "cpus_per_task": settings.cpus_per_task,
        "gpus_per_node": settings.gpus_per_node,
        "mem": None if settings.mem_gb is None else f"{settings.mem_gb}GB",
        "partition": settings.partition,
        "account": settings.account,
    }


def sbatch(n_jobs: int, settings: SlurmSettings, place: Path) -> list[str]:
    """Submit an array of jobs, or one job.

    Args:
        n_jobs: Their number.
        settings: What is asked of the cluster.
        place: Folder where jobs find their runs and leave their logs, see ``job_files.py``.

    Returns:
        Their job ids.

    Raises:
        RuntimeError: If the cluster refuses them.
    """
    submitit = submitit_or_refuse()
    from submitit.core.utils import FailedJobError, FailedSubmissionError

    executor = submitit.SlurmExecutor(folder=place)
    asked = _asked(settings)
    further = {"requeue": True, **settings.additional_parameters}
    executor.update_parameters(
        **asked | {"time": settings.timeout_min or DEFAULT_MIN},  # which SBATCH_TIMELIMIT overrules
        signal_delay_s=settings.signal_s,
        array_parallelism=settings.array_parallelism,
        setup=["unset WANDB_SERVICE", *settings.setup],  # a service of the launching machine
        additional_parameters=further,
    )
    if n_jobs > 1:
        executor.parameters["map_count"] = n_jobs  # as submitit does it
    # not what submitit would have jobs do: that waits for files which are written once sbatch has answered
    command = [sys.executable, "-u", "-m", JOB, str(place), str(settings.n_tasks), str(settings.threads)]
    said = [name for name, value in asked.items() if value is not None]
    try:
        with _without([*_foreign(), *_overruling([*said, *further, *ALWAYS])]):
            job: str = executor._submit_command(shlex.join(command)).job_id
    except (FailedSubmissionError, FailedJobError) as error:
        raise RuntimeError((str(error).strip() or "no word").splitlines()[-1]) from error
    return [f"{job}_{index}" for index in range(n_jobs)] if n_jobs > 1 else [job]
