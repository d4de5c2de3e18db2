"""`msd-mtl status`: how the runs of a study stand, once or again and again."""

import sys
import time
from datetime import datetime
from pathlib import Path

from omegaconf import DictConfig
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from msd_mtl.app import hydra_app
from msd_mtl.errors import UserError
from msd_mtl.study.follow import duration, line
from msd_mtl.study.index import read_study, studies
from msd_mtl.study.record import error_of, found_record
from msd_mtl.study.states import Progress, State, progress

MOST_LINES = 20  # runs that are listed


def page(runs_dir: Path, study: str, runs: dict[str, tuple[str, ...]], now: Progress) -> Group:
    """What the command shows.

    Args:
        runs_dir: Folder of the runs.
        study: Name of the study.
        runs: Its runs and what its sweeps set in them.
        now: How they stand.
    """
    listed = [(run, state) for run, state in now.states.items() if state in (State.RUNNING, State.FAILED)]
    bar = ProgressBar(total=len(runs), completed=now.counts[State.COMPLETED])
    title = f"{study}: {line(now)}"
    if not listed:
        return Group(title, bar, "")
    table = Table()
    for column in ("run", "state", "since", "sets", "said"):
        table.add_column(column)
    for run, state in listed[:MOST_LINES]:
        record = found_record(runs_dir / run) or {}
        said = error_of(record) or _progress_of(runs_dir / run)
        table.add_row(run, state, _since(record.get("started_at")), Text(" ".join(runs[run])), Text(said))
    if len(listed) > MOST_LINES:
        table.caption = f"and {len(listed) - MOST_LINES:,} more"
    return Group(title, bar, table)


def _since(started_at: str | None) -> str:
    if started_at is None:
        return ""
    return duration(time.time() - datetime.fromisoformat(started_at).timestamp())


def _progress_of(folder: Path) -> str:
    """The epoch that the last look of a run at its history shows."""
    try:
        rows = (folder / "history.csv").read_text(encoding="utf-8").count("\n") - 1
    except FileNotFoundError:
        return ""
    return f"{rows:,} epochs"


@hydra_app("status")
def main(cfg: DictConfig) -> None:
    """Entry point of the command; exit code 0 only if every run is completed."""
    runs_dir, study = Path(cfg.runs_dir), str(cfg.study.name)  # a number is a name too
    runs = read_study(runs_dir, study)
    if not runs:
        known = ", ".join(studies(runs_dir)) or "none"
        raise UserError(f"study must have runs in {runs_dir}; got {study!r}. Studies there: {known}.")
    now = progress(runs_dir, runs)
    console = Console()
    if cfg.watch is None:
        console.print(page(runs_dir, study, runs, now))
    else:
        with Live(page(runs_dir, study, runs, now), console=console, auto_refresh=False) as live:
            while now.counts[State.COMPLETED] + now.counts[State.FAILED] < len(runs):
                time.sleep(float(cfg.watch))
                runs = read_study(runs_dir, study)  # another sweep may have joined
                now = progress(runs_dir, runs)
                live.update(page(runs_dir, study, runs, now), refresh=True)
    if not now.is_complete:
        sys.exit(1)


if __name__ == "__main__":
    main()
