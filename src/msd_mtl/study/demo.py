"""`msd-mtl demo`: a small synthetic study, end to end: runs, a table, a picture and the report."""

import os
import sys
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from msd_mtl.app import hydra_app, one_message
from msd_mtl.errors import UserError
from msd_mtl.study.record import Record
from msd_mtl.study.report import report, verdict_table
from msd_mtl.study.run import run_once
from msd_mtl.study.sweep import n_runs
from msd_mtl.study.tables import summary_table

PICTURE = "demo.png"
STUDY = ["--multirun", "study=demo", "hydra/hydra_logging=disabled", "trainer.enable_progress_bar=false"]


def main() -> None:
    """Entry point of the command; further overrides go to every run."""
    # where cores are busy, networks this small mostly wait for a second thread
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    records: list[Record] = []
    console = Console(emoji=False)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("runs"),
        TimeRemainingColumn(),
    )
    overrides = sys.argv[1:]
    sys.argv = [sys.argv[0], *STUDY, *overrides]
    progress = Progress(*columns, console=console)
    bar = progress.add_task("Does sharing help, and does it depend on coupling?", total=None)

    @hydra_app("train", name="demo")
    def cell(cfg: DictConfig) -> None:
        progress.start()  # with the first run: a page of help or a wrong setting has no bar
        progress.update(bar, total=n_runs(HydraConfig.get().sweeper.params, overrides))
        records.append(run_once(cfg)[1])
        progress.advance(bar)

    try:
        cell()
    finally:
        if progress.live.is_started:
            progress.stop()
    with one_message("demo"):
        _show(records, console)


def _show(records: list[Record], console: Console) -> None:
    """The table, the picture and the report of the runs.

    Raises:
        UserError: If the table could not tell them apart, or the report cannot be made.
    """
    from msd_mtl.study.answers.arms import arms_of
    from msd_mtl.study.summary import summarise, target_metric  # SciPy and matplotlib, which --help need not wait for
    from msd_mtl.study.summary_figure import draw_summary

    if len({(str(r["cell"]["sharing_mask"]), r["cell"]["coupling"], r["seed"]) for r in records}) < len(records):
        raise UserError(
            "choices must be of sharing, data.coupling or seed; got others. Make them with `msd-mtl train -m`."
        )
    first, cells = records[0], summarise(records, arms_of({record["run_id"]: record for record in records}))
    target, metric = first["cell"]["target"], target_metric(first)
    console.print(summary_table(cells, target, metric))
    picture = Path(first["config"]["runs_dir"]) / PICTURE
    draw_summary(picture, cells, target, metric)
    console.print(f"Picture: [bold]{escape(str(picture))}[/]")
    name = first["config"]["study"]["name"]
    analysis, page = report(picture.parent, name, Path("reports") / name)
    console.print(verdict_table(analysis))
    console.print(f"Page: [bold]{escape(str(page))}[/]")


if __name__ == "__main__":
    main()
