"""What is asked of a SLURM cluster, through its own commands."""

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from msd_mtl.errors import RefusedLaunchError

# States of a job that is not over; squeue lists no others for longer than a moment.
LIVE = ("PENDING", "RUNNING", "SUSPENDED", "CONFIGURING", "COMPLETING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED",
        "RESIZING", "SIGNALING", "STAGE_OUT", "STOPPED", "SPECIAL_EXIT")  # fmt: skip
# Of an element that its array is known without: it was cancelled before it began, as SLURM keeps nothing of it then, or
# it has been over for so long that it is forgotten.
DROPPED = "DROPPED"
PATIENCE_S = 120.0  # for a controller that is being restarted
# For the first answer of all; our choice: SLURM's commands give up after 10 s, or 60 s without slurm.conf.
FIRST_S = 20.0
SAID_S = 1.0  # after which it is said that an answer is waited for
REACH = "must reach SLURM's controller"
COMMANDS = ("sbatch", "srun", "squeue", "scontrol")


def own_job() -> str:
    """Id of the job of this process; the element's, in an array, as the plain id would mean all of them."""
    array = os.environ.get("SLURM_ARRAY_JOB_ID")
    return f"{array}_{os.environ['SLURM_ARRAY_TASK_ID']}" if array else os.environ["SLURM_JOB_ID"]


def live_jobs() -> dict[str, str] | None:
    """Jobs of this user that are not over, array elements one by one, and the name of the folder of each one's script.

    Returns:
        Job to name of the folder; None if no controller answers.
    """
    listed = _ask("squeue", "--noheader", "--me", "--array", "--format=%i %T %o")
    if listed is None:
        return None
    rows = (f"{line} ".split(" ", maxsplit=2) for line in listed.splitlines() if line.strip())
    return {job: Path(script.strip()).parent.name for job, state, script in rows if state in LIVE}


def surely_live_jobs() -> dict[str, str]:
    """As ``live_jobs``, for a launch, which would otherwise submit again what is there.

    Raises:
        RefusedLaunchError: If no controller answers for as long as it may take to come back.
    """
    for _ in tries():
        if (live := live_jobs()) is not None:
            return live
    raise _refused(REACH, f"no answer to `squeue` in {PATIENCE_S:.0f} s")


def state_of_job(job: str) -> str:
    """State of one job, see ``states_of_jobs``."""
    return states_of_jobs([job])[job]


def states_of_jobs(jobs: Collection[str]) -> dict[str, str]:
    """State of each job; waits for a controller that is being restarted, once for all.

    Args:
        jobs: Their ids.

    Returns:
        Job to state: ``DROPPED`` if its array is known, but without it, ``UNKNOWN`` if the cluster has forgotten it.
    """
    states: dict[str, str] = {}
    for _ in tries() if jobs else ():
        states = _states(jobs)
        if len(states) == len(jobs):
            break
    return {job: states.get(job, "UNKNOWN") for job in jobs}


def _states(jobs: Collection[str]) -> dict[str, str]:
    """What is known of jobs: the controller remembers them for minutes, accounting, if there is any, for ever."""
    of_arrays = f"--jobs={','.join(sorted({_array_of(job) for job in jobs}))}"
    listed = _ask("squeue", "--noheader", "--array", "--states=all", of_arrays, "--format=%i %T") or ""
    states = dict(line.split() for line in listed.splitlines())
    known = {_array_of(job) for job in states}
    if not states.keys() >= set(jobs):
        told = _ask("sacct", "--noheader", "--allocations", "--parsable2", of_arrays, "--format=JobID,State") or ""
        rows = (line.partition("|")[::2] for line in told.splitlines() if line.strip("|"))
        over = {job: state.split()[0] for job, state in rows if state and state.split()[0] not in LIVE}
        states = over | states
    return {job: states.get(job, DROPPED) for job in jobs if job in states or _array_of(job) in known}


def _array_of(job: str) -> str:
    return job.partition("_")[0]


def requeue(job: str) -> bool:
    """Have a job start again; whether the cluster will."""
    return any(_ask("scontrol", "requeue", job) is not None for _ in tries())


class Site(NamedTuple):
    """What is told of a cluster.

    Attributes:
        name: Its name.
        largest_array: Number of elements that an array may have at most.
    """

    name: str
    largest_array: int


@cache
def site() -> Site:
    """The cluster of this machine; the first question of a launch, asked once a process.

    Raises:
        RefusedLaunchError: If there are no commands to ask with, or no controller answers them.
    """
    if absent := [name for name in COMMANDS if shutil.which(name) is None]:
        raise _refused("must find SLURM's commands on the PATH", f"no {', '.join(absent)}")
    asked = "scontrol show config"
    told = threading.Timer(SAID_S, lambda: sys.stderr.write(f"Waiting for `{asked}`, {FIRST_S:.0f} s at most.\n"))
    told.start()
    try:
        done = subprocess.run(asked.split(), capture_output=True, text=True, timeout=FIRST_S, check=False)
    except subprocess.TimeoutExpired as late:
        said = (late.stderr or b"").decode(errors="replace")
        raise _refused(REACH, f"no answer to `{asked}` in {FIRST_S:.0f} s{_words(said)}") from None
    finally:
        told.cancel()
    name = re.search(r"ClusterName\s*=\s*(\S+)", done.stdout)
    most = re.search(r"MaxArraySize\s*=\s*(\d+)", done.stdout)
    if done.returncode != 0 or name is None or most is None:
        raise _refused(REACH, f"no answer to `{asked}`{_words(done.stderr)}")
    return Site(name.group(1), max(1, int(most.group(1))))


def _refused(expectation: str, got: str) -> RefusedLaunchError:
    return RefusedLaunchError(
        f"hydra/launcher=slurm {expectation}; got {got}. Start the sweep on a login node of the cluster, or take "
        "hydra/launcher=local."
    )


def _words(said: str) -> str:
    """What a command wrote, as the end of a sentence."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return f": {'; '.join(lines)}" if lines else ""


def tries() -> Iterator[None]:
    """Try at once, then less and less often, for as long as a controller may take to come back."""
    pause_s = 0.5
    end = time.monotonic() + PATIENCE_S
    yield
    while time.monotonic() < end:
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, 10.0)
        yield


def _ask(*command: str) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
