"""One run over several processes: who speaks, and how Lightning starts the others."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hydra.core.hydra_config import HydraConfig

RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID")  # where launchers tell a process which one it is


def is_main_process() -> bool:
    """Whether this is the process of a run that writes and prints."""
    return next((os.environ[rank] for rank in RANKS if rank in os.environ), "0") == "0"


@contextmanager
def restartable(config: Path) -> Iterator[None]:
    """Let Lightning start the other processes of a run with a command line that makes this very run.

    Lightning repeats the command line of this process, or what Hydra wrote about it. In a sweep the first would start
    the whole sweep again, and the second is not written here. So for as long as the block lasts, the command line is
    that of the one run and Hydra is out of sight. A worker (``worker.py``) takes a run's configuration as its argument.

    Args:
        config: The ``config.yaml`` of the run.
    """
    hydra, configuration, arguments = HydraConfig.instance(), HydraConfig.instance().cfg, sys.argv
    if HydraConfig.initialized():
        sys.argv = [arguments[0], "train", *HydraConfig.get().overrides.task]
        hydra.cfg = None
    elif Path(arguments[0]).name == "worker.py":
        sys.argv = [arguments[0], str(config)]
    try:
        yield
    finally:
        hydra.cfg, sys.argv = configuration, arguments
