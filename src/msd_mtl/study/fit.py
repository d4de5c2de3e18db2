"""One run from configuration to scores: build, train, select on validation, test once."""

import logging
import time
import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from pytorch_lightning.callbacks import Callback

from msd_mtl.data.datamodule import MultiTaskDataModule
from msd_mtl.data.row_batches import label_statistics
from msd_mtl.data.task import Task
from msd_mtl.errors import UserError
from msd_mtl.model.module import MultiTaskModule
from msd_mtl.model.network import SharingNetwork
from msd_mtl.study.files import whole_file
from msd_mtl.study.identity import Config
from msd_mtl.study.keep import KeepBest, load_best, save_best
from msd_mtl.study.launch import too_few_gpus
from msd_mtl.study.making import make
from msd_mtl.study.progress import StepProgress
from msd_mtl.study.record import PREDICTIONS
from msd_mtl.study.resume import Training, trained
from msd_mtl.study.selection import selection

STEPS = "n_steps"  # in the settings of a schedule: the number of steps of the run


def build_data(config: Config) -> MultiTaskDataModule:
    """The DataModule of a run, set up."""
    data: MultiTaskDataModule = make({k: v for k, v in config["data"].items() if k != "name"})
    data.setup()
    return data


def build_module(config: Config, data: MultiTaskDataModule) -> MultiTaskModule:
    """Network and LightningModule of a run, freshly initialised from its seed."""
    recipe = config["recipe"]
    torch.manual_seed(config["seed"])
    network = make(
        config["model"],
        n_features=int(data.parts["train"].features.shape[1]),
        n_outputs=[_n_outputs(task, recipe["binary_outputs"]) for task in data.tasks],
    )
    mean, scale = label_statistics(data.parts["train"].targets)
    if not recipe["standardise_regression"]:
        mean, scale = torch.zeros_like(mean), torch.ones_like(scale)
    return MultiTaskModule(
        network,
        data.tasks,
        mean,
        scale,
        make(recipe["optimizer"]),
        make(_with_steps(recipe["scheduler"], config, data)),
        recipe["task_weights"],
        config["seed"],
        selection(recipe["monitor"], data.tasks, data.target).key,
    )


def fit(config: Config, data: MultiTaskDataModule, folder: Path, callbacks: Sequence[Callback] = ()) -> dict[str, Any]:
    """Train a run and score its best epoch.

    Args:
        config: Resolved configuration.
        data: Its data, set up.
        folder: Run directory. Holds history, best weights, learning curve data and test predictions afterwards.
        callbacks: Callbacks of the training beside those that every run has.

    Returns:
        What training adds to the record: ``parameters``, ``epochs``, ``best_epoch``, ``timing_s``, ``metrics``,
        ``threads``.

    Raises:
        UserError: If a setting is wrong or a loss stops being finite.
    """
    started = time.perf_counter()
    training = trained(partial(_training, config, data, folder, callbacks), data, folder)
    module, kept, trainer = training.module, training.kept, training.trainer
    if kept.best_score is None:
        trainer.validate(module, datamodule=data, verbose=False)
        kept.compare(module)
        kept.best_epoch = len(module.history) - 1  # Lightning counts on when it ends
    fitted = time.perf_counter()
    save_best(folder, kept)
    metrics = score(module, trainer, data, folder)
    _save_predictions(folder, module, data)
    network = cast(SharingNetwork, module.network)
    return {
        "parameters": network.parameter_counts() | {"widths": list(network.widths)},
        "epochs": len(module.history),
        "steps": trainer.global_step,
        "best_epoch": kept.best_epoch,
        "resumed_step": kept.resumed_step,
        "timing_s": {
            "set_up": training.ready_s - started,
            "fit": fitted - training.ready_s,
            "evaluate": time.perf_counter() - fitted,
        },
        "metrics": metrics,
        "threads": torch.get_num_threads(),
    }


def _training(config: Config, data: MultiTaskDataModule, folder: Path, callbacks: Sequence[Callback]) -> Training:
    module = build_module(config, data)
    recipe = config["recipe"]
    by = selection(recipe["monitor"], data.tasks, data.target)
    kept = KeepBest(folder, by, recipe["select_after"], config["checkpoint_every_s"], recipe["patience"])
    return Training(module, kept, build_trainer(config, folder, kept, callbacks), time.perf_counter())


def score(module: MultiTaskModule, trainer: pl.Trainer, data: MultiTaskDataModule, folder: Path) -> dict[str, Any]:
    """Metrics of the best weights in a run directory, on validation and test.

    Returns:
        Part to task to metric to value.
    """
    load_best(folder, module)
    trainer.validate(module, dataloaders=data.val_dataloader(), verbose=False)
    trainer.test(module, dataloaders=data.test_dataloader(), verbose=False)
    return {part: module.metrics[part] for part in ("val", "test")}


def build_trainer(
    config: Config, folder: Path, kept: KeepBest | None, callbacks: Sequence[Callback] = ()
) -> pl.Trainer:
    """Lightning's Trainer with the callbacks of a run, or bare (for scoring) where ``kept`` is None."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", message=".*LeafSpec")  # Lightning 2.6 reads a name that torch 2.13 deprecates
    # on the login node of a cluster a run without srun is meant
    warnings.filterwarnings("ignore", message="The `srun` command is available on your system but is not used")
    warnings.filterwarnings("ignore", message="GPU available but not used")  # trainer=cpu says so
    settings: dict[str, Any] = dict(config["trainer"])
    _check_gpus(settings["accelerator"], settings["devices"] if kept is not None else 1)
    # memory is always written before it is read here; filling it would only cost time
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    used = list(callbacks)
    if kept is not None:
        used.append(kept)
        if settings["enable_progress_bar"]:
            used.append(StepProgress(kept))
    settings["enable_progress_bar"] = False  # ours, not Lightning's
    if kept is None:  # scoring: every process of a run would see the same rows
        settings |= {"devices": 1, "strategy": "auto"}
    trainer: pl.Trainer = make(
        settings,
        callbacks=used,
        plugins=LightningEnvironment() if settings["devices"] == 1 else None,
        logger=False,
        default_root_dir=folder,
        enable_checkpointing=kept is not None,
    )
    return trainer


def _check_gpus(accelerator: str, devices: int | str) -> None:
    """Refuse to look for GPUs that are not there."""
    found = {"cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    found["gpu"] = max(found.values())  # Lightning's word for either
    needed = devices if isinstance(devices, int) and devices > 0 else 1
    if found.get(accelerator, needed) < needed:
        raise too_few_gpus(accelerator, needed, found[accelerator])


def _with_steps(scheduler: Config | None, config: Config, data: MultiTaskDataModule) -> Config | None:
    """The schedule's settings, the number of steps of the run in place of ``n_steps``."""
    if scheduler is None or STEPS not in scheduler.values():
        return scheduler
    trainer = config["trainer"]
    batches, limit = len(data.train_dataloader()), trainer.get("limit_train_batches")
    if limit is not None:  # Lightning's: a number of batches, also as 2.0, or a share of them up to 1.0
        batches = min(int(limit), batches) if isinstance(limit, int) or limit > 1 else int(limit * batches)
    per_epoch = -(-batches // trainer.get("accumulate_grad_batches", 1))
    epochs = -1 if trainer["max_epochs"] is None else trainer["max_epochs"]
    budgets = [n for n in (trainer["max_steps"], epochs * per_epoch) if n >= 0]
    n_steps = min(budgets, default=0)  # whichever ends first ends the run
    if n_steps < 1:
        raise UserError(
            "recipe.scheduler must know the steps of the run where it names n_steps; got neither trainer.max_epochs "
            "nor trainer.max_steps. Set one, or recipe.scheduler=null."
        )
    return {key: n_steps if value == STEPS else value for key, value in scheduler.items()}


def _n_outputs(task: Task, binary_outputs: int) -> int:
    return {"binary": binary_outputs, "regression": 1, "multiclass": task.n_classes}[task.kind]


def _save_predictions(folder: Path, module: MultiTaskModule, data: MultiTaskDataModule) -> None:
    """Test predictions with track ids and artists, for uncertainty over artists later."""
    test = data.parts["test"]
    arrays: Mapping[str, Any] = {
        "track_id": data.tracks.track_id[test.rows].astype("S18"),
        "artist": data.tracks.artist[test.rows],
        "task": np.array([task.name for task in data.tasks]),
        "target": test.targets,
        **{f"prediction_{i}": values for i, values in enumerate(module.predictions["test"])},
    }
    with whole_file(folder / PREDICTIONS) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
