"""`msd-mtl train`: one run, or with -m a sweep over any settings."""

import sys
from functools import partial
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig
from rich.console import Console
from rich.markup import escape

from msd_mtl.app import composed_from, hydra_app
from msd_mtl.errors import failing
from msd_mtl.study.answers.report_settings import check_report
from msd_mtl.study.cell import Cell, attempt, name_of
from msd_mtl.study.checks import check_settings
from msd_mtl.study.chosen import NO_STUDY, check_chosen
from msd_mtl.study.compose import composer_of, written
from msd_mtl.study.damage import check_shown
from msd_mtl.study.identity import resolved
from msd_mtl.study.interruption import InterruptedRun
from msd_mtl.study.launch import enter, launched
from msd_mtl.study.peers import FailedPeerError
from msd_mtl.study.processes import is_main_process
from msd_mtl.study.record import seen_record
from msd_mtl.study.run import run_once
from msd_mtl.study.states import Progress, State, progress
from msd_mtl.study.tables import problems, run_table, sweep_table

MOST_LINES = 100  # of the table of scores; a larger study has its report


@hydra_app("train", attempts=True)
def train(cfg: DictConfig) -> None:
    """Make the run of a configuration; in a sweep, a run that fails does not stop the others."""
    config = resolved(cfg)
    if HydraConfig.get().mode != RunMode.RUN:
        cell = Cell(name_of(config), tuple(HydraConfig.get().overrides.task), config)
        launched.append(cell)  # by another sweeper than ours, which tells nobody what it was asked for
        attempt(cell)
        return
    composer, overrides = composer_of(HydraConfig.get()), HydraConfig.get().overrides
    check_settings(config, overrides.task, partial(written, cfg, composer, [*overrides.task, *overrides.hydra]))
    check_chosen(composer, cfg, overrides.task)
    console, study = Console(emoji=False), config["study"]
    check_report(study.get("report"))
    if study["name"] != NO_STUDY and is_main_process(config):
        cell = Cell(name_of(config), tuple(HydraConfig.get().overrides.task), config)
        own = composed_from(HydraConfig.get(), "train")
        enter([cell], command=[*own, *cell.overrides] if own else ())
        if HydraConfig.get().sweeper.get("params") or HydraConfig.get().sweeper.get("grids"):
            console.print(f"One run of study {escape(study['name'])}; the same command with -m makes all of its runs.")
    try:
        folder, record = run_once(config)
    except FailedPeerError as error:
        if is_main_process(config):
            sys.stderr.write(f"msd-mtl train: {error}\n")
        raise SystemExit(error.exit_code) from None
    except SystemExit as error:  # of whatever a setting names; its run has failed
        raise SystemExit(failing(error.code)) from None
    if not is_main_process(config):
        return
    check_shown(folder, record)
    console.print(run_table(record))
    files = sorted(path.name for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    console.print(f"[bold]{escape(str(folder))}[/]: {', '.join(files)}", highlight=False)


def show_sweep() -> Progress:
    """Tables of what the runs of the sweep came to, as their records tell."""
    runs_dir = Path(launched[0].config["runs_dir"])
    overrides = {cell.run_id: cell.overrides for cell in launched}
    now = progress(runs_dir, overrides)
    records = {run: seen_record(runs_dir / run) for run, state in now.states.items() if state != State.MISSING}
    completed = [r for run, r in records.items() if r is not None and now.states[run] == State.COMPLETED]
    console = Console(emoji=False)
    if 0 < len(completed) <= MOST_LINES:
        console.print(sweep_table(completed, console.width))
    console.print(problems(now, overrides, records), markup=False, highlight=False, soft_wrap=True)
    ended = [cell for cell in launched if cell.is_completed]
    undone = [cell.is_whole for cell in ended if not cell.is_done]
    if n_without := undone.count(False):
        console.print(f"{n_without} of {len(ended)} completed runs lack baselines; the same command adds them.")
    if n_unseen := undone.count(True):
        console.print(f"W&B lacks {n_unseen} of {len(ended)} completed runs; the same command gives them to it.")
    return now


def main() -> None:
    """Entry point of the command; a sweep ends with its tables, and with exit code 0 only if all runs are completed."""
    try:
        train()
    except (KeyboardInterrupt, InterruptedRun) as interruption:
        sys.stderr.write("msd-mtl train: stopped; the same command goes on from here.\n")
        if launched:
            show_sweep()
        raise SystemExit(getattr(interruption, "exit_code", 130)) from None
    if launched and not show_sweep().is_complete:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
