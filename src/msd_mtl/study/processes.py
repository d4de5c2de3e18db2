"""One run over several processes: who speaks, and how Lightning starts the others."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from hydra.core.hydra_config import HydraConfig

from msd_mtl.study.identity import Config
from msd_mtl.study.interruption import LostPeer

RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID")  # where launchers tell a process which one it is
WORKER = "msd_mtl.study.worker"


def is_first() -> bool:
    """Whether this is the first of the processes that a launcher has started."""
    return next((os.environ[rank] for rank in RANKS if rank in os.environ), "0") == "0"


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


def is_of_a_peer(error: BaseException) -> bool:
    """Whether an error is that of a process whose run's other processes no longer answer."""
    import torch.distributed

    of_gloo = isinstance(error, RuntimeError) and "/gloo/" in str(error)  # it has no class of its own
    return of_gloo or (torch.distributed.is_available() and isinstance(error, torch.distributed.DistError))


@contextmanager
def peers_may_end(config: Config) -> Iterator[None]:
    """Take the end of another process of a run for an interruption: whatever ended that one, this one has not failed.

    Args:
        config: Resolved configuration of the run.

    Raises:
        LostPeer: Where the block meets it.
    """
    try:
        yield
    except Exception as error:
        if is_of_several(config) and is_of_a_peer(error):
            raise LostPeer from error
        raise


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
