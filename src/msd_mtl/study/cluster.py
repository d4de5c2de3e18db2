"""What is asked of a SLURM cluster, through its own commands."""

import os
import re
import subprocess
import time
from collections.abc import Iterator

from msd_mtl.errors import UserError

# States of a job that is not over; squeue lists no others for longer than a moment.
LIVE = ("PENDING", "RUNNING", "SUSPENDED", "CONFIGURING", "COMPLETING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED",
        "RESIZING", "SIGNALING", "STAGE_OUT", "STOPPED", "SPECIAL_EXIT")  # fmt: skip
PATIENCE_S = 120.0  # for a controller that is being restarted


def own_job() -> str:
    """Id of the job of this process; the element's, in an array, as the plain id would mean all of them."""
    array = os.environ.get("SLURM_ARRAY_JOB_ID")
    return f"{array}_{os.environ['SLURM_ARRAY_TASK_ID']}" if array else os.environ["SLURM_JOB_ID"]


def live_jobs() -> dict[str, str] | None:
    """State of each job of this user that is not over, array elements one by one; None if no controller answers."""
    listed = _ask("squeue", "--noheader", "--me", "--array", "--format=%i %T")
    if listed is None:
        return None
    pairs = (line.split() for line in listed.splitlines() if line.strip())
    return {job: state for job, state in pairs if state in LIVE}


def state_of_job(job: str) -> str:
    """State of a job, ``UNKNOWN`` if the cluster has forgotten it; waits for a controller that is being restarted."""
    for _ in _tries():
        listed = _ask("squeue", "--noheader", f"--jobs={job}", "--format=%T")
        if listed and listed.split():
            return listed.split()[0]
        if (state := _ended_state(job)) is not None:
            return state
    return "UNKNOWN"


def requeue(job: str) -> bool:
    """Have a job start again; whether the cluster will."""
    return any(_ask("scontrol", "requeue", job) is not None for _ in _tries())


def largest_array() -> int:
    """Number of elements that an array may have at most."""
    found = re.search(r"MaxArraySize\s*=\s*(\d+)", _ask("scontrol", "show", "config") or "")
    if found is None:
        raise UserError(
            "hydra/launcher=slurm must be used where SLURM's commands reach their controller; got no answer from "
            "`scontrol show config`. Start the sweep on a login node of the cluster, or take hydra/launcher=local."
        )
    return max(1, int(found.group(1)))


def _ended_state(job: str) -> str | None:
    """State in which a job ended: the controller remembers it for minutes, accounting, if there is any, for ever."""
    shown = _ask("scontrol", "--oneliner", "show", "job", job) or ""
    if found := re.search(r"\bJobState=(\w+)", shown):
        return found.group(1)
    listed = _ask("sacct", "--noheader", "--allocations", "--parsable2", f"--jobs={job}", "--format=State") or ""
    return listed.split()[0] if listed.split() else None


def _tries() -> Iterator[None]:
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
