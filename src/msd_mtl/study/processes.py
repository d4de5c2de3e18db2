"""One run over several processes: who speaks, and how Lightning starts the others."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from hydra.core.hydra_config import HydraConfig

from msd_mtl.study.identity import Config

RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID")  # where launchers tell a process which one it is
WORKER = "msd_mtl.study.worker"


def own_rank() -> str:
    """Number of this process among those that a launcher has started, from 0."""
    return next((os.environ[rank] for rank in RANKS if rank in os.environ), "0")


def is_first() -> bool:
    """Whether this is the first of the processes that a launcher has started."""
    return own_rank() == "0"


def is_of_several(config: Config) -> bool:
    """Whether a run has several processes."""
    trainer = config["trainer"]
    # Lightning's auto is one process on a CPU
    one = (1, "1", "auto") if trainer.get("accelerator") == "cpu" else (1, "1")
    return trainer["devices"] not in one or trainer.get("num_nodes", 1) != 1


def is_main_process(config: Config) -> bool:
    """Whether this is the process of a run that writes and prints.

    A run of one process is all its own, whatever started it: each task of an ``srun`` may make another run.

    Args:
        config: Resolved configuration of the run.
    """
    return is_first() or not is_of_several(config)


@contextmanager
def restartable(config: Path) -> Iterator[None]:
    """Let Lightning start the other processes of a run as workers (``worker.py``) that make this very run.

    Lightning repeats the command line of this process, or what Hydra wrote about it. In a sweep the first would start
    the whole sweep again, the second is not written here, and either would compose the run a second time, perhaps out
    of other files. So for as long as the block lasts, the command line is that of a worker and Hydra is out of sight.

    Args:
        config: The ``config.yaml`` of the run.
    """
    hydra, main = HydraConfig.instance(), sys.modules["__main__"]
    configuration, module, arguments = hydra.cfg, main.__spec__, sys.argv
    hydra.cfg, main.__spec__, sys.argv = None, find_spec(WORKER), [arguments[0], str(config)]
    try:
        yield
    finally:
        hydra.cfg, main.__spec__, sys.argv = configuration, module, arguments
