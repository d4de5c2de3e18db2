"""`msd-mtl dashboard study=NAME`: a W&B workspace of a study."""

import sys
from pathlib import Path

from omegaconf import DictConfig

from msd_mtl.app import hydra_app
from msd_mtl.errors import UserError
from msd_mtl.study.answers.reading import read_runs
from msd_mtl.study.answers.types import Arm
from msd_mtl.study.damage import check_shown
from msd_mtl.study.files import write_json
from msd_mtl.study.given import n_lacking
from msd_mtl.study.index import read_study, studies
from msd_mtl.study.record import Record, is_completed, read_record, seen_record
from msd_mtl.study.wandb_core import in_brief


def completed_records(runs_dir: Path, study: str) -> list[Record]:
    """Completed records of a study, in the order of their ids: those made for it, and those that it shares with others.

    Which of its records cannot be read is said; those of other studies are no matter.

    Args:
        runs_dir: Folder of the run directories.
        study: Name of the study.

    Raises:
        UserError: If there is none, or one lacks what is shown.
    """
    seen = {path.parent: seen_record(path.parent) for path in sorted(runs_dir.glob("*/record.json"))}
    entered = read_study(runs_dir, study)
    of_study = [
        folder for folder, record in seen.items() if folder.name in entered or (record or {}).get("study") == study
    ]
    found = {
        folder: record for folder in of_study if (record := _readable(folder)) is not None and is_completed(record)
    }
    if not found:
        there = sorted(
            {*studies(runs_dir), *(str(record["study"]) for record in seen.values() if record and "study" in record)}
        )
        raise UserError(
            f"study must have completed runs in {runs_dir}; got {study!r}. Studies there: {', '.join(there) or 'none'}."
        )
    for folder, record in found.items():
        check_shown(folder, record)
    return list(found.values())


def _readable(folder: Path) -> Record | None:
    """A record; None where it cannot be read, which is said."""
    try:
        return read_record(folder)
    except UserError as error:
        sys.stderr.write(f"{error} The run is left out.\n")
        return None


def _arms(runs_dir: Path, study: str) -> dict[str, Arm]:
    """Arm of each completed run, as in a report: which settings go with the seed, all runs tell together."""
    runs = read_runs(runs_dir, study)
    double = {run: twins.arm for twins in runs.duplicates for run in twins.run_ids}
    return {run.run_id: run.arm for run in runs.runs} | double


@hydra_app("dashboard")
def main(cfg: DictConfig) -> None:
    """Entry point of the command: make the workspace, or write what it would be."""
    if not isinstance(cfg.offline, bool):
        raise UserError(f"offline must be true or false; got {cfg.offline!r}. Set offline=true.")
    study = str(cfg.study.name)  # a number is a name too
    arms = _arms(Path(cfg.runs_dir), study)
    completed = completed_records(Path(cfg.runs_dir), study)
    records = [record for record in completed if record["run_id"] in arms]
    if n_left := len(completed) - len(records):
        sys.stderr.write(f"Left out: {n_left:,} runs that a report leaves out too, and says why.\n")
    lacking = n_lacking(Path(cfg.runs_dir), records, cfg.project)
    try:
        import wandb_workspaces  # noqa: F401
    except ImportError:
        raise UserError(
            "dashboard must have the package wandb-workspaces; got none. Install it: pip install 'msd-mtl[dashboard]'."
        ) from None
    from msd_mtl.study.workspace import workspace

    if cfg.offline:
        made = workspace(study, records, arms, cfg.project, cfg.entity or "")
        Path(cfg.file).parent.mkdir(parents=True, exist_ok=True)
        write_json(Path(cfg.file), made._to_model().model_dump(mode="json", by_alias=True, exclude_none=True))
        _tell(len(records), lacking, cfg.file)
        return
    import wandb

    try:
        made = workspace(study, records, arms, cfg.project, cfg.entity or str(wandb.Api().default_entity))
        made.save()
    except Exception as error:
        raise UserError(
            f"W&B must take the workspace; got {in_brief(error)}. Log in with `wandb login`, or write its "
            "specification with offline=true."
        ) from error
    _tell(len(records), lacking, made.url)


def _tell(n_runs: int, n_unseen: int, where: str) -> None:
    sys.stdout.write(f"Workspace of {n_runs:,} runs: {where}\n")
    if n_unseen:
        sys.stdout.write(
            f"{n_unseen:,} of {n_runs:,} runs have never been given to this project of W&B. Repeat the command that "
            "made them with logger=wandb: it gives them without making them again.\n"
        )


if __name__ == "__main__":
    main()
