"""`msd-mtl evaluate`: a saved model on a part of its data, to the bit the metrics of its record."""

from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from msd_mtl.app import hydra_app
from msd_mtl.errors import UserError
from msd_mtl.imports import lasting_imports
from msd_mtl.study.checks import check_settings
from msd_mtl.study.damage import check_shown
from msd_mtl.study.files import finite
from msd_mtl.study.identity import data_fingerprint, run_id
from msd_mtl.study.record import is_completed, read_record

Metrics = dict[str, dict[str, float | None]]


def evaluate(folder: Path, part: str, store: str | None = None) -> Metrics:
    """Score the saved model of a run again.

    Args:
        folder: Run directory.
        part: ``val`` or ``test``.
        store: Where the store is now, if it has moved.

    Returns:
        Task to metric to value; None where the rows do not define it.

    Raises:
        UserError: If the run is not complete, its data has changed, or a number differs from the record's.
    """
    if folder.is_file():
        raise UserError(f"run must be a run directory; got {folder}, a file. Name the folder of a run: run=DIR.")
    record = read_record(folder)
    if record is None or not is_completed(record):
        status = "no record" if record is None else f"status {record.get('status')!r}"
        raise UserError(f"run must be a completed run directory; got {folder} with {status}. Train it first.")
    check_shown(folder, record)
    check_settings(record["config"])
    if part not in record["metrics"]:
        raise UserError(f"split must be one of {', '.join(record['metrics'])}; got {part!r}.")
    config = record["config"]
    if store is not None:
        config["data"]["store"] = store
    elif not Path(config["data"].get("store", folder)).exists():
        raise UserError(
            f"store must be where the run found it; got {config['data']['store']!r}, which is not there. "
            "Say where it is now: store=FILE."
        )
    if (found := data_fingerprint(config["data"])) != record["data"]["fingerprint"]:
        raise UserError(
            f"data must be what the run was trained on, fingerprint {record['data']['fingerprint']}; got {found}. "
            "Give the store of the run: store=FILE."
        )
    again: Metrics = finite(_score(config, folder, part))
    recorded = record["metrics"][part]
    if again != recorded:
        raise _differs(again, recorded, folder, made_by_this_code=run_id(config, found) == record["run_id"])
    return again


def _differs(again: Metrics, recorded: Metrics, folder: Path, *, made_by_this_code: bool) -> UserError:
    """The error of scores that are not those of the record: the first of them, and what may be the reason."""
    new, old = ({(t, m): v for t in side for m, v in side[t].items()} for side in (again, recorded))
    differing = [key for key in new | old if new.get(key) != old.get(key)]
    first = differing[0]
    reason = (
        "Were weights, versions or machine changed? The record has its own under `environment`."
        if made_by_this_code
        else "It was made by an earlier msd-mtl that computes otherwise: train it again."
    )
    return UserError(
        f"metrics must be those of {folder / 'record.json'} to the bit; got {new.get(first)!r} for {old.get(first)!r}, "
        f"{first[1]} of {first[0]!r}, and {len(differing) - 1} others that differ. {reason}"
    )


def _score(config: dict[str, Any], folder: Path, part: str) -> dict[str, dict[str, float]]:
    with lasting_imports("msd_mtl.study.fit"):
        from msd_mtl.study.fit import build_data, build_module, build_trainer
        from msd_mtl.study.keep import load_best

    data = build_data(config)
    module = build_module(config, data)
    load_best(folder, module)
    trainer = build_trainer(config, folder, None)
    if part == "val":
        trainer.validate(module, dataloaders=data.val_dataloader(), verbose=False)
    else:
        trainer.test(module, dataloaders=data.test_dataloader(), verbose=False)
    return module.metrics[part]


@hydra_app("evaluate")
def main(cfg: DictConfig) -> None:
    """Entry point of the command."""
    folder = Path(cfg.run)
    metrics = evaluate(folder, cfg.split, cfg.store)
    table = Table("task", "metric", "value", title=f"{folder.name} on {cfg.split}", caption="the numbers of its record")
    for task, scores in metrics.items():
        for i, (metric, value) in enumerate(scores.items()):
            table.add_row("" if i else escape(task), metric, "–" if value is None else repr(value))
        table.add_section()
    Console(emoji=False).print(table)


if __name__ == "__main__":
    main()
