"""A process that makes one run after another: libraries are imported once, and what ends it ends no other.

Resolved configurations come as lines of JSON on standard input, and how each run ended goes back as a line; the pool
(``pool.py``) is at the other end. With the ``config.yaml`` of a run as its argument it makes that run: this is how
Lightning starts the other processes of a run that has several.
"""

import ctypes
import json
import os
import signal
import sys
from pathlib import Path

import yaml

from msd_mtl.errors import failing
from msd_mtl.study.cell import Cell, attempt
from msd_mtl.study.interruption import InterruptedRun, interruptible
from msd_mtl.study.peers import FailedPeerError
from msd_mtl.study.run import run_once

PR_SET_PDEATHSIG = 1  # Linux: the signal to get when the parent ends


def main() -> None:
    """Entry point of the process."""
    if len(sys.argv) > 1:
        from msd_mtl.app import one_message

        try:
            with one_message("train"):
                run_once(yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8")))
        except (InterruptedRun, FailedPeerError) as ended:  # of which the first process tells
            raise SystemExit(ended.exit_code) from None
        except SystemExit as ended:
            raise SystemExit(failing(ended.code)) from None
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the pool, which then asks for a checkpoint
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    with os.fdopen(os.dup(sys.stdout.fileno()), "w") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print must not mix with the answers
        try:
            with interruptible():
                for line in sys.stdin:
                    order = json.loads(line)
                    answers.write(attempt(Cell(order["run_id"], (), order["config"]), wait=order["wait"]) + "\n")
                    answers.flush()
        except InterruptedRun as interruption:
            raise SystemExit(interruption.exit_code) from None


if __name__ == "__main__":
    main()
