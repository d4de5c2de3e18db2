"""`msd-mtl dashboard study=NAME`: a W&B workspace of a study."""

import sys
from pathlib import Path

from omegaconf import DictConfig

from msd_mtl.app import hydra_app
from msd_mtl.errors import UserError
from msd_mtl.study.answers.reading import FOREIGN, read_runs
from msd_mtl.study.answers.types import Arm
from msd_mtl.study.damage import SHOWN, damage, lacks
from msd_mtl.study.files import write_json
from msd_mtl.study.given import n_lacking
from msd_mtl.study.record import Record
from msd_mtl.study.states import State
from msd_mtl.study.wandb_core import in_brief


def shown(runs_dir: Path, study: str) -> tuple[list[Record], dict[str, Arm]]:
    """Completed records of a study, in the order of their ids, and the arm of each, as in a report.

    What a report leaves out, or names as damaged, is left out, and said.

    Args:
        runs_dir: Folder of the run directories.
        study: Name of the study.

    Raises:
        UserError: If there is no such study, or none of its records can be shown.
    """
    runs = read_runs(runs_dir, study)
    made = sorted((*runs.runs, *runs.double), key=lambda run: run.run_id)
    wrong = {one.run_id: one.error for one in runs.absent if one.state in (State.DAMAGED, FOREIGN)}
    wrong |= {run.run_id: damage(run.record, lacking) for run in made if (lacking := lacks(run.record, SHOWN))}
    for run, what in wrong.items():
        sys.stderr.write(f"Run {run} is left out: {what}.\n")
    if runs.renamed:
        sys.stderr.write(f"Left out: {len(runs.renamed):,} runs that a report leaves out too, and says why.\n")
    arms = {run.run_id: run.arm for run in made if run.run_id not in wrong}
    if not arms:
        raise UserError(
            f"study must have completed runs in {runs_dir}; got {study!r} with none. See "
            f"`msd-mtl status study={study}`."
        )
    return [run.record for run in made if run.run_id in arms], arms


@hydra_app("dashboard")
def main(cfg: DictConfig) -> None:
    """Entry point of the command: make the workspace, or write what it would be."""
    if not isinstance(cfg.offline, bool):
        raise UserError(f"offline must be true or false; got {cfg.offline!r}. Set offline=true.")
    study = str(cfg.study.name)  # a number is a name too
    records, arms = shown(Path(cfg.runs_dir), study)
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
