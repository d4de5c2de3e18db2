"""`msd-mtl status`: how the runs of a study stand, once or again and again."""

import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from omegaconf import DictConfig
from rich.console import Console, Group
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from msd_mtl.app import hydra_app
from msd_mtl.errors import UserError
from msd_mtl.study.damage import SHOWN, damage, lacks
from msd_mtl.study.follow import duration, line
from msd_mtl.study.index import Sweep, known_studies, sweeps, varying
from msd_mtl.study.record import HISTORY, error_of, seen_record
from msd_mtl.study.states import Progress, State, progress

MOST_LINES = 20  # runs that are listed
LISTED = (State.RUNNING, State.FAILED, State.DAMAGED)
TO_COME = (State.RUNNING, State.INTERRUPTED, State.MISSING)


def page(runs_dir: Path, study: str, found: Sequence[Sweep]) -> tuple[Progress, Group]:
    """How the runs of a study stand, and what the command shows of it.

    Args:
        runs_dir: Folder of the runs.
        study: Name of the study.
        found: Its sweeps, from the first to the last: its runs and what is set in them.
    """
    runs = {run: set_ for sweep in found for run, set_ in sweep.items()}
    now = progress(runs_dir, runs)
    lines = [f"{study}: {line(now)}"]
    if len(found[-1]) < len(runs):
        latest = Progress({run: now.states[run] for run in found[-1]}, None)
        earlier = Progress({run: state for run, state in now.states.items() if run not in found[-1]}, None)
        lines += [f"  of the latest sweep {line(latest)}", f"  of earlier ones alone {line(earlier)}"]
    bar = ProgressBar(total=len(runs), completed=now.counts[State.COMPLETED])
    table = _table(runs_dir, runs, now)
    # padded, as the bar itself ends no line
    return now, Group(*map(Text, lines), Padding(bar), *([] if table is None else [table]))


def _table(runs_dir: Path, runs: Sweep, now: Progress) -> Table | None:
    """Runs that somebody may want to look at; None without any."""
    listed = [(run, state) for run, state in now.states.items() if state in LISTED]
    if not listed:
        return None
    table = Table()
    for column in ("run", "state", "since", "sets", "said"):
        table.add_column(column)
    varied = varying(runs)
    for run, state in listed[:MOST_LINES]:
        record = seen_record(runs_dir / run) or {}
        if state == State.DAMAGED:
            said = damage(record, lacks(record, SHOWN))
        else:
            said = error_of(record) or _progress_of(runs_dir / run)
        table.add_row(run, state, _since(record.get("started_at")), Text(" ".join(varied[run])), Text(said))
    if len(listed) > MOST_LINES:
        table.caption = f"and {len(listed) - MOST_LINES:,} more"
    return table


def _since(started_at: object) -> str:
    """How long ago a run began; nothing where its record has been edited."""
    try:
        return duration(time.time() - datetime.fromisoformat(str(started_at)).timestamp())
    except ValueError:
        return ""


def _progress_of(folder: Path) -> str:
    """The epoch that the last look of a run at its history shows."""
    try:
        rows = (folder / HISTORY).read_text(encoding="utf-8").count("\n") - 1
    except FileNotFoundError:
        return ""
    return f"{rows:,} epochs"


def _watch(runs_dir: Path, study: str, now: Progress, shown: Group, every_s: float) -> Progress:
    """Show the page anew until nothing is left to do; what cannot be drawn over gets a line for each change before."""
    console, told = Console(emoji=False), Counter[State]()
    with Live(shown, console=console, auto_refresh=False) as live:
        while any(state in TO_COME for state in now.states.values()):
            if not console.is_interactive and now.counts != told:
                console.print(Text(f"{study}: {line(now)}"), soft_wrap=True)
                told = now.counts
            time.sleep(every_s)
            now, shown = page(runs_dir, study, sweeps(runs_dir, study))  # another sweep may have joined
            live.update(shown, refresh=True)
    return now


@hydra_app("status")
def main(cfg: DictConfig) -> None:
    """Entry point of the command; exit code 0 only if every run is completed."""
    if cfg.watch is not None and (not isinstance(cfg.watch, int | float) or cfg.watch <= 0):
        raise UserError(f"watch must be seconds above 0, or null; got {cfg.watch!r}. Set watch=5.")
    runs_dir, study = Path(cfg.runs_dir), str(cfg.study.name)  # a number is a name too
    found = sweeps(runs_dir, study)
    if not any(found):
        raise UserError(
            f"study must have runs in {runs_dir}; got {study!r}. Studies there: {known_studies(runs_dir, study)}"
        )
    now, shown = page(runs_dir, study, found)
    if cfg.watch is None:
        Console(emoji=False).print(shown)
    else:
        now = _watch(runs_dir, study, now, shown, float(cfg.watch))
    if not now.is_complete:
        sys.exit(1)


if __name__ == "__main__":
    main()
