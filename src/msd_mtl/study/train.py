"""`msd-mtl train`: one run, or with -m a sweep over any settings."""

import sys

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig
from rich.console import Console

from msd_mtl.app import hydra_app
from msd_mtl.errors import UserError
from msd_mtl.study.processes import is_main_process
from msd_mtl.study.record import Record
from msd_mtl.study.run import run_once
from msd_mtl.study.tables import run_table, sweep_table

ended: list[Record] = []  # what the runs of this process came to, for the table that ends a sweep
failed: list[str] = []


@hydra_app("train")
def train(cfg: DictConfig) -> None:
    """Make the run of a configuration; in a sweep, a run that fails does not stop the others."""
    if HydraConfig.get().mode == RunMode.RUN:
        folder, record = run_once(cfg)
        if not is_main_process():
            return
        console = Console()
        console.print(run_table(record))
        console.print(f"[bold]{folder}[/]: record.json, history.csv, config.yaml, learning_curve.png, best.ckpt")
        return
    try:
        ended.append(run_once(cfg)[1])
    except Exception as error:  # noqa: BLE001  # whatever it is, it stands in the record; the sweep goes on
        overrides = " ".join(HydraConfig.get().overrides.task)
        failed.append(f"{overrides}: {error if isinstance(error, UserError) else repr(error)}")


def main() -> None:
    """Entry point of the command; a sweep ends with a table, and with exit code 1 if a run failed."""
    train()
    if ended:
        Console().print(sweep_table(ended))
    if failed:
        sys.stderr.write("".join(f"msd-mtl train: failed: {line}\n" for line in failed))
        raise SystemExit(1)


if __name__ == "__main__":
    main()
