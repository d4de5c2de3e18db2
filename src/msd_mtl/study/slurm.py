"""A sweep on a SLURM cluster: jobs of several runs, followed until no run is left that they could make."""

import shutil
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from msd_mtl.errors import RefusedLaunchError, UserError
from msd_mtl.study.cell import Cell
from msd_mtl.study.cluster import DROPPED, PATIENCE_S, live_jobs, site, states_of_jobs, surely_live_jobs, tries
from msd_mtl.study.follow import Follower
from msd_mtl.study.job_files import Job, known_jobs, write_jobs
from msd_mtl.study.launch import to_make
from msd_mtl.study.record import RECORD
from msd_mtl.study.sbatch import sbatch, submitit_or_refuse
from msd_mtl.study.slurm_settings import SlurmSettings
from msd_mtl.study.states import State, state_of

MOST_LOSSES = 3  # jobs that may end over a run before it is left alone; our choice


def check_launch(cells: Sequence[Cell], settings: SlurmSettings) -> None:
    """Check what can be checked of a launch before it is made.

    Args:
        cells: The runs. Where all are completed no cluster is needed.
        settings: What is asked of the cluster.

    Raises:
        UserError: If the settings are wrong, submitit is not there, or the cluster does not answer.
    """
    settings.check(cells)
    if not all(cell.is_done for cell in cells):
        submitit_or_refuse()
        runs_dir = str(Path(cells[0].config["runs_dir"]).absolute())
        if set(runs_dir) & set("%\\"):
            raise UserError(
                "runs_dir must have no % and no backslash in its path, for SLURM takes them for more than characters; "
                f"got {runs_dir!r}. Set runs_dir=DIR."
            )
        site()


def launch_on_slurm(cells: Sequence[Cell], settings: SlurmSettings) -> None:
    """Make runs in jobs, until each is completed or failed, or its job was cancelled.

    Jobs of an earlier launch that are still there are followed, not submitted again. A job that is lost (killed, its
    node gone) is submitted again with what it has not done; one that was cancelled is not.

    Args:
        cells: The runs.
        settings: What is asked of the cluster, as ``check_launch`` lets it pass.

    Raises:
        RefusedLaunchError: If the cluster does not answer at first, or refuses the first job.
        UserError: If it refuses jobs later, while none is there, for longer than a controller may be away.
    """
    runs_dir = Path(cells[0].config["runs_dir"])
    waiting = {cell.run_id: cell for cell in to_make(cells)}
    if not waiting:
        return
    most = site().largest_array
    losses: Counter[str] = Counter()
    poll_s = settings.poll_s
    jobs = known_jobs(surely_live_jobs(), runs_dir, waiting)
    begun = bool(jobs)
    with Follower(cells) as follower:
        while waiting:
            covered = {run for job in jobs.values() for run in job.runs}
            new = [cell for run, cell in waiting.items() if run not in covered]
            submit = _submit_patiently if begun and not jobs else _submit
            try:
                jobs |= submit(new, settings, runs_dir, most)
            except RefusedLaunchError as refused:
                if not begun:
                    raise
                if not jobs and live_jobs() is not None:  # it was no controller that is being restarted
                    raise UserError(str(refused)) from refused
            begun = True
            time.sleep(poll_s)
            poll_s = min(1.1 * poll_s, 30.0)
            live = live_jobs()
            if live is None:  # the controller is being restarted; jobs go on
                continue
            ended = {name: jobs.pop(name) for name in [name for name in jobs if name not in live]}
            for run in _settled(ended, runs_dir, losses):
                waiting.pop(run, None)
            follower.look()


def _settled(ended: Mapping[str, Job], runs_dir: Path, losses: Counter[str]) -> list[str]:
    """Runs of ended jobs that need no other job."""
    all_open = {name: [run for run in job.runs if not _is_over(run, job, runs_dir)] for name, job in ended.items()}
    states = states_of_jobs([name for name, open_runs in all_open.items() if open_runs])
    again: set[str] = set()
    for name, found in states.items():
        open_runs = all_open[name]
        losses.update(open_runs)
        dropped = "UNKNOWN" if _has_begun(ended[name], runs_dir) else "CANCELLED"
        state = dropped if found == DROPPED else found
        lost = [] if state == "CANCELLED" else [run for run in open_runs if losses[run] < MOST_LOSSES]
        what = f"{len(lost)} of its runs go to another job" if lost else "its runs are left as they are"
        sys.stderr.write(f"Job {name} ended {state} with {len(open_runs)} runs to do; {what}.\n")
        again.update(lost)
    return [run for job in ended.values() for run in job.runs if run not in again]


def _has_begun(job: Job, runs_dir: Path) -> bool:
    """Whether a job has left anything."""
    left = (job.log, *(runs_dir / run / RECORD for run in job.runs))
    return any(path.is_file() and path.stat().st_mtime_ns >= job.asked_ns for path in left)


def _is_over(run: str, job: Job, runs_dir: Path) -> bool:
    """Whether a run has ended in a job: a failure from before its submission is that of an earlier attempt."""
    state = state_of(runs_dir, run)
    if state != State.FAILED:
        return state == State.COMPLETED
    return (runs_dir / run / RECORD).stat().st_mtime_ns >= job.asked_ns


def _submit(cells: Sequence[Cell], settings: SlurmSettings, runs_dir: Path, most: int) -> dict[str, Job]:
    """Submit runs in arrays of at most ``most`` jobs. What a limit of the site refuses is left.

    Raises:
        RefusedLaunchError: If the first array is refused.
    """
    submitted: dict[str, Job] = {}
    k = settings.cells_per_job
    packs = [cells[i : i + k] for i in range(0, len(cells), k)]
    for i in range(0, len(packs), most):
        array = packs[i : i + most]
        place = write_jobs(array, runs_dir)  # first: this process may end, and with it all that it alone knows
        try:
            names = sbatch(len(array), settings, place)
        except RuntimeError as error:
            shutil.rmtree(place, ignore_errors=True)
            if not submitted:
                raise RefusedLaunchError(f"sbatch must accept the jobs; got: {error}. See hydra.launcher.*.") from error
            break
        submitted |= known_jobs(dict.fromkeys(names, place.name), runs_dir, {cell.run_id for cell in cells})
    return submitted


def _submit_patiently(cells: Sequence[Cell], settings: SlurmSettings, runs_dir: Path, most: int) -> dict[str, Job]:
    """As ``_submit``, where earlier jobs were accepted: a controller that is being restarted refuses for a while.

    Raises:
        RefusedLaunchError: If the first array is refused for as long as a controller may take to come back.
    """
    refusals: list[RefusedLaunchError] = []
    for _ in tries():
        try:
            return _submit(cells, settings, runs_dir, most)
        except RefusedLaunchError as refused:
            if not refusals:
                sys.stderr.write(f"{refused} It is asked again for {PATIENCE_S:.0f} s.\n")
            refusals.append(refused)
    raise refusals[-1]
