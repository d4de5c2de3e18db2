"""Processes of this machine that make many runs; one that dies takes no other along."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress

from msd_mtl.study.cell import BUSY, FAILED, Cell, mark_failed
from msd_mtl.study.interruption import LostPeer
from msd_mtl.study.processes import RANKS, WORKER
from msd_mtl.study.record import RECORD

MOST_DEATHS = 3  # of processes that make one run, before it counts as failed; our choice
GRACE_S = 30.0  # for a worker to write its checkpoint before it is killed


class Pool:
    """A pool of worker processes.

    Args:
        environments: Environment variables of each worker, beside those of this process; their number is that of the
            workers.
        report: Called in a worker's thread whenever a run has ended, with its cell and how it ended.
    """

    def __init__(self, environments: Sequence[dict[str, str]], report: Callable[[Cell, str], None]) -> None:
        self.environments = environments
        self.report = report
        self._change = threading.Condition()
        self._waiting: deque[Cell] = deque()
        self._busy: deque[Cell] = deque()
        self._deaths: Counter[str] = Counter()
        self._processes: set[subprocess.Popen[str]] = set()
        self._stopping = False

    def run(self, cells: Sequence[Cell]) -> None:
        """Make runs. An exception in this thread, such as Ctrl-C, has every worker write a checkpoint and end.

        Args:
            cells: The runs, in the order in which they start.
        """
        self._waiting.extend(cells)
        n_workers = min(len(self.environments), len(cells))
        threads = [threading.Thread(target=self._serve, args=(env,)) for env in self.environments[:n_workers]]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                while thread.is_alive():  # in short waits, so that signals reach this thread
                    thread.join(0.2)
        finally:
            self._stop()
            for thread in threads:
                thread.join()

    def _serve(self, environment: dict[str, str]) -> None:
        """Keep one worker busy until no run is left."""
        process: subprocess.Popen[str] | None = None
        while (order := self._next()) is not None:
            cell, wait = order
            if process is None:
                process = self._start(environment)
            failed_ns = _failed_ns(cell)
            answer = _ask(process, cell, wait=wait)
            if answer == BUSY:
                with self._change:
                    self._busy.append(cell)
            elif answer:
                self.report(cell, answer)
            else:
                self._died(cell, _end(process), failed_ns)
                process = None
            if process is not None and cell.config["trainer"]["devices"] != 1:
                _end(process)  # a process can join the other processes of one run only
                process = None
        if process is not None:
            _end(process)

    def _next(self) -> tuple[Cell, bool] | None:
        """A run that nobody makes; at the end one that other processes make, to be waited for."""
        with self._change:
            if self._stopping:
                return None
            if self._waiting:
                return self._waiting.popleft(), False
            return (self._busy.popleft(), True) if self._busy else None

    def _start(self, environment: dict[str, str]) -> subprocess.Popen[str]:
        # a run within a job is one of its own: Lightning must not take the job's processes for those of the run
        left_out = (*RANKS, "WANDB_SERVICE")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("SLURM_") and k not in left_out}
        with self._change:
            process = subprocess.Popen(
                [sys.executable, "-m", WORKER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=inherited | environment,
            )
            self._processes.add(process)
            if self._stopping:
                process.terminate()
        return process

    def _died(self, cell: Cell, code: int, failed_ns: int | None) -> None:
        """Have a run made again whose process has ended, unless it has failed since or that happens again and again."""
        if _failed_ns(cell) not in (None, failed_ns):  # one of its processes has, and Lightning has killed the others
            self.report(cell, FAILED)
            return
        with self._change:
            if self._stopping:
                return
            self._deaths[cell.run_id] += 1
            if self._deaths[cell.run_id] < MOST_DEATHS:
                self._waiting.appendleft(cell)
                return
        by = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        if code == LostPeer.EXIT_CODE:
            by = "lost another process of the run"
        mark_failed(cell, "WorkerDied", f"the process that made the run {by}, {MOST_DEATHS} times")
        self.report(cell, FAILED)

    def _stop(self) -> None:
        """Ask every worker for a checkpoint and its end."""
        with self._change:
            self._stopping = True
            processes = [process for process in self._processes if process.poll() is None]
        if not self._waiting and not self._busy and not processes:
            return
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _failed_ns(cell: Cell) -> int | None:
    """Time of the record of a failed run; None where it says anything else."""
    return (cell.folder / RECORD).stat().st_mtime_ns if cell.is_failed else None


def _end(process: subprocess.Popen[str]) -> int:
    """Close a worker's input, which ends it, and wait; its exit code."""
    with suppress(BrokenPipeError), process:
        pass
    return process.wait()


def _ask(process: subprocess.Popen[str], cell: Cell, *, wait: bool) -> str:
    """Have a worker make a run; empty if it ended over it."""
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("a worker has pipes")
    try:
        process.stdin.write(json.dumps({"run_id": cell.run_id, "config": cell.config, "wait": wait}) + "\n")
        process.stdin.flush()
        return process.stdout.readline().strip()
    except (BrokenPipeError, ValueError):
        return ""
