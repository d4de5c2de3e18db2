"""What runs in a job of a cluster: several runs one after another, and what to do when the job has to go.

Its arguments are the folder of its array, the processes of each run and the threads of each process.
"""

import os
import sys
import time
from pathlib import Path

from msd_mtl.study.cell import COMPLETED, Cell, attempt
from msd_mtl.study.cluster import own_job, requeue, state_of_job
from msd_mtl.study.interruption import InterruptedRun, LostPeer, interruptible
from msd_mtl.study.job_files import cells_of
from msd_mtl.study.pool import Pool
from msd_mtl.study.record import LAST, RECORD

MOST_RESTARTS = 3  # without getting anywhere: a time limit shorter than the imports, say; our choice


class RunsOfJob:
    """The runs of a job, resolved when it was submitted; those found done are skipped when the job starts again.

    Args:
        cells: The runs.
        n_tasks: Processes of each run. With one, a worker process makes the runs, and its death is not the job's; with
            several, each of the job's tasks is a process of the one run.
        threads: Threads of each process.
    """

    def __init__(self, cells: list[Cell], n_tasks: int, threads: int) -> None:
        self.cells = cells
        self.n_tasks = n_tasks
        self.threads = threads

    def __call__(self) -> None:
        """Make the runs. Ends the process where the job has to go: the cluster starts it again, or it was cancelled."""
        started = time.time()
        try:
            with interruptible():
                self._make()
        except LostPeer as lost:  # the launch command submits the run again, as where a whole job is lost
            raise SystemExit(lost.exit_code) from None
        except InterruptedRun as interruption:
            self._leave(interruption, started)

    def _make(self) -> None:
        if self.n_tasks > 1:
            ended = [attempt(cell) for cell in self.cells]
            if any(end != COMPLETED for end in ended):
                raise SystemExit(1)  # and with it the other processes of the run
            return
        cells = [cell for cell in self.cells if not cell.is_done]
        threads = str(self.threads)
        Pool([{"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}], _told).run(cells)

    def _leave(self, interruption: InterruptedRun, started: float) -> None:
        """Come back if the job is wanted: the signal was a preemption's or a time limit's, not that of ``scancel``.

        A job that is cancelled or started again by somebody else is no longer ``RUNNING`` when the signal arrives.
        """
        from msd_mtl.study.processes import is_first

        job = own_job()
        if is_first() and state_of_job(job) == "RUNNING":
            if self._got_nowhere(started):
                sys.stderr.write(f"Job {job} got no run any further, and is not started again.\n")
            elif requeue(job):
                sys.stderr.write(f"Job {job} has written its checkpoint and is started again.\n")
        raise SystemExit(interruption.exit_code)

    def _got_nowhere(self, started: float) -> bool:
        """Whether a job that has been started again and again has this time written no checkpoint and ended no run."""
        if int(os.environ.get("SLURM_RESTART_COUNT", "0")) < MOST_RESTARTS:
            return False
        for cell in self.cells:
            folder = Path(cell.config["runs_dir"]) / cell.run_id
            checkpoint, done = folder / LAST, cell.is_completed
            for path in (checkpoint, *([folder / RECORD] if done else [])):
                if path.is_file() and path.stat().st_mtime >= started:
                    return False
        return True


def _told(cell: Cell, ended: str) -> None:
    """A line for the job's log."""
    sys.stdout.write(f"{cell.run_id} {ended}: {' '.join(cell.overrides)}\n")
    sys.stdout.flush()


def main() -> None:
    """Entry point of each process of a job."""
    place, n_tasks, threads = sys.argv[1:]
    RunsOfJob(cells_of(own_job(), Path(place)), int(n_tasks), int(threads))()


if __name__ == "__main__":
    main()
