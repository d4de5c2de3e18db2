"""A sweep from its runs to its end: entered into its study, made, and what it came to."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from msd_mtl.errors import RefusedLaunchError, UserError, check_whole
from msd_mtl.study.cell import BUSY, Cell, attempt
from msd_mtl.study.follow import Follower
from msd_mtl.study.identity import value_of
from msd_mtl.study.index import add_sweep
from msd_mtl.study.interruption import interruptible
from msd_mtl.study.pool import Pool
from msd_mtl.study.record import found_record

launched: list[Cell] = []  # the runs of the sweep that this process was asked for


@contextmanager
def entered(cells: Sequence[Cell], left_out: Sequence[str] = (), command: Sequence[str] = ()) -> Iterator[None]:
    """Enter runs into their study, before the first of them starts; out of it again if the block's launch is refused.

    Not the other way round: a process that is killed once its jobs are submitted leaves a study that knows of them.

    Args:
        cells: The runs.
        left_out: Why others of the sweep are not made.
        command: What the command line said of the sweep.

    Raises:
        UserError: See ``enter``.
    """
    take_back = enter(cells, left_out, command)
    launched.extend(cells)
    try:
        yield
    except RefusedLaunchError:
        take_back()
        raise


def enter(cells: Sequence[Cell], left_out: Sequence[str] = (), command: Sequence[str] = ()) -> Callable[[], None]:
    """Enter runs into their study. Where nothing is left to do for them, a disk that is read-only is no error.

    Args:
        cells: The runs.
        left_out: Why others of the sweep are not made.
        command: What the command line said of the sweep.

    Returns:
        A function that takes it back.

    Raises:
        UserError: If the data let none of them be made, which in a study would count as tried.
    """
    # worlds have labels wherever they are asked for, and what has been made can be
    if all(value_of(cell.config, "data.name") == "msd" and not cell.is_completed for cell in cells):
        from msd_mtl.study.sizes import check_possible  # imports SciPy

        check_possible(cells)
    config = cells[0].config
    study = config["study"]
    try:
        return add_sweep(Path(config["runs_dir"]), study["name"], cells, left_out, study.get("report"), command)
    except OSError as error:
        if not all(cell.is_done for cell in cells):
            raise
        sys.stderr.write(f"msd-mtl train: study {study['name']} is left as it is: {error.strerror}.\n")
        return lambda: None


def to_make(cells: Sequence[Cell]) -> list[Cell]:
    """The runs that are not done, but for those whose record only another msd-mtl reads: none made here could end them.

    Says which these are, and how many are completed and only lack baselines, or have to be shown.
    """
    waiting = [cell for cell in cells if not cell.is_done and _is_ours(cell)]
    late = [cell.is_whole for cell in waiting if cell.is_completed]
    for n, what in ((late.count(False), "given their baselines"), (late.count(True), "given to W&B")):
        if n:
            sys.stderr.write(f"msd-mtl train: {n} completed runs are {what}, and not made again.\n")
    return waiting


def _is_ours(cell: Cell) -> bool:
    """Whether a run has no record of another schema; says so of one that has."""
    try:
        found_record(cell.folder)
    except UserError as error:
        sys.stderr.write(f"Run {cell.run_id} is left as it is: {error}\n")
        return False
    return True


def launch_in_process(cells: Sequence[Cell]) -> None:
    """Make runs in this process, one after another; runs of several processes each in processes of their own.

    Args:
        cells: The runs.
    """
    waiting = to_make(cells)
    if not waiting:
        return
    with Follower(cells) as follower, interruptible():
        if any(cell.config["trainer"]["devices"] != 1 for cell in waiting):
            Pool([{}], follower.report).run(waiting)  # a process can join the other processes of one run only
            return
        busy = []  # made by other processes: left for the end, then waited for
        for cell in waiting:
            if (ended := attempt(cell, wait=False)) == BUSY:
                busy.append(cell)
            else:
                follower.report(cell, ended)
        for cell in busy:
            follower.report(cell, attempt(cell))


def check_here(cells: Sequence[Cell], n_workers: int | None, threads: int) -> None:
    """Check the settings of ``launch_here``.

    Raises:
        UserError: If they are wrong, or there are too few GPUs.
    """
    if n_workers is not None:
        check_whole("hydra.launcher.n_workers", n_workers, at_least=1)
    check_whole("hydra.launcher.threads", threads, at_least=1)
    if waiting := [cell for cell in cells if not cell.is_done]:
        worker_environments(waiting[0], n_workers, threads)


def launch_here(cells: Sequence[Cell], n_workers: int | None, threads: int) -> None:
    """Make runs in processes of this machine.

    Args:
        cells: The runs.
        n_workers: Number of processes; None for as many as there are cores, or GPUs where the runs ask for GPUs.
        threads: Threads of each process.
    """
    waiting = to_make(cells)
    if not waiting:
        return
    environments = worker_environments(waiting[0], n_workers, threads)
    with Follower(cells) as follower, interruptible():
        Pool(environments, follower.report).run(waiting)


def worker_environments(cell: Cell, n_workers: int | None, threads: int) -> list[dict[str, str]]:
    """Environment variables of each worker: its threads, and where the runs ask for GPUs those that are its own.

    Raises:
        UserError: If there are fewer GPUs than a run asks for.
    """
    limits = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    trainer = cell.config["trainer"]
    if trainer["accelerator"] not in ("cuda", "gpu"):
        return [limits] * (n_workers or max(1, len(os.sched_getaffinity(0)) // threads))
    gpus, devices = visible_gpus(), trainer["devices"]
    each = devices if isinstance(devices, int) and devices > 0 else max(1, len(gpus))  # Lightning's auto and -1: all
    shares = [",".join(gpus[i : i + each]) for i in range(0, len(gpus) - each + 1, each)]
    if not shares:
        raise too_few_gpus(trainer["accelerator"], each, len(gpus))
    return [limits | {"CUDA_VISIBLE_DEVICES": shares[i % len(shares)]} for i in range(n_workers or len(shares))]


def too_few_gpus(accelerator: str, needed: int, found: int) -> UserError:
    """The error of a run that asks for more GPUs than there are."""
    return UserError(
        f"trainer.accelerator={accelerator} must find {needed} GPUs a run; got {found}. Set trainer=cpu, or see "
        "`nvidia-smi` and CUDA_VISIBLE_DEVICES."
    )


def visible_gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA names them; asked without importing torch."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is not None:
        return [gpu for gpu in given.split(",") if gpu]
    if shutil.which("nvidia-smi") is None:
        return []
    listed = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, check=False).stdout
    return [str(i) for i, _ in enumerate(listed.splitlines())]
