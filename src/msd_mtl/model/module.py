"""The LightningModule: masked losses, per-step seeding, and metrics over whole parts."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate, groupby
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from pytorch_lightning.strategies import SingleDeviceStrategy
from pytorch_lightning.utilities.model_helpers import is_overridden
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from msd_mtl.data.batch import Batch
from msd_mtl.data.task import Kind, Task
from msd_mtl.errors import UserError
from msd_mtl.model.finite import check_finite
from msd_mtl.model.losses import masked_binary_cross_entropy, masked_cross_entropy, masked_mse
from msd_mtl.model.metrics import task_metrics
from msd_mtl.model.row_adagrad import by_factors, tables_of
from msd_mtl.model.sparse_product import GradientFactors
from msd_mtl.model.streams import FirstLinear

Metrics = dict[str, dict[str, float]]


class MultiTaskModule(pl.LightningModule):
    """Trains a network on several tasks and scores it on whole parts.

    Args:
        network: Features in, one prediction per task out, each float32, shape ``(batch, outputs)``; a binary task has
            one output (a logit) or two (class scores), a multiclass task one per class.
        tasks: The tasks, in the order of the predictions.
        target_mean: Centre of each task's regression target, float32, shape ``(tasks,)``, in the unit of the data.
        target_scale: Scale of each task's regression target, same shape and unit.
        optimizer: Makes the optimiser from the parameters.
        scheduler: Makes the learning-rate schedule, stepped once a training step, from the optimiser; None for none.
        task_weights: Weight of a task's loss in the sum; 1 where absent.
        seed: Seed of the run. Dropout is seeded afresh from it at every step, so that a resumed run goes on as it was.
        monitor: The one metric that Lightning's callbacks are told, such as ``val/year/rmse``; all are in ``metrics``.

    Attributes:
        history: One row an epoch: ``epoch``, ``step``, ``train/{task}/loss`` (mean over the labelled rows
            that the epoch trained on) and ``val/{task}/{metric}``.
        metrics: Part (``val`` or ``test``) to the metrics of its last pass.
        predictions: Part to predictions of its last pass, one array per task, in original units.
        scored_step: Number of training steps before the last validation; -1 before the first.
    """

    target_mean: Tensor
    target_scale: Tensor

    def __init__(
        self,
        network: nn.Module,
        tasks: Sequence[Task],
        target_mean: Tensor,
        target_scale: Tensor,
        optimizer: Callable[[Iterable[nn.Parameter]], Optimizer],
        scheduler: Callable[[Optimizer], LRScheduler] | None = None,
        task_weights: Mapping[str, float] | None = None,
        seed: int = 0,
        monitor: str | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.tasks = tuple(tasks)
        self.register_buffer("target_mean", target_mean)
        self.register_buffer("target_scale", target_scale)
        self.make_optimizer = optimizer
        self.make_scheduler = scheduler
        self.weights = _checked_weights(task_weights or {}, self.tasks)
        self.seed = seed
        self.monitor = monitor
        self._runs = _runs(self.tasks)
        self._tables: dict[FirstLinear, GradientFactors] = {}
        self.history: list[dict[str, float]] = []
        self.metrics: dict[str, Metrics] = {}
        self.predictions: dict[str, list[NDArray[np.float32]]] = {}
        self.scored_step = -1
        self._losses: list[Tensor] = []  # of each step of the epoch: losses, and labelled rows; shape (2, tasks)
        self._pass: list[tuple[list[Tensor], Tensor, Tensor]] = []

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; a word without a look at parameters and modules, as Lightning does 40 times a step."""
        if isinstance(value, str):
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    def configure_optimizers(self) -> Any:
        """The optimiser, and the schedule if there is one."""
        try:
            optimizer = self.make_optimizer(self.network.parameters())
            scheduler = self.make_scheduler(optimizer) if self.make_scheduler else None
        except (TypeError, ValueError) as error:
            raise UserError(f"recipe.optimizer and recipe.scheduler must take their settings; got {error}.") from error
        self._tables = tables_of(self.network, optimizer) if self._alone_sees_gradients() else {}
        if scheduler is None:
            return optimizer
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def _alone_sees_gradients(self) -> bool:
        """Whether nobody but the optimiser looks at gradients: no clipping, other process or callback."""
        hooks = ("on_after_backward", "on_before_optimizer_step")
        callbacks: list[pl.Callback] = self.trainer.callbacks  # type: ignore[attr-defined]
        watched = any(is_overridden(hook, one, pl.Callback) for hook in hooks for one in callbacks)
        alone = isinstance(self.trainer.strategy, SingleDeviceStrategy)
        return alone and not (self.trainer.gradient_clip_val or watched)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:  # noqa: ARG002  # Lightning's signature
        """Seed what the batch draws: of several that make one step, each on its own."""
        of_step = batch_idx % self.trainer.accumulate_grad_batches
        # PyTorch seeds its generator with the lowest 32 bits alone: 6 for the process, 6 for the batch of the step
        seed = (self.seed * 1_000_003 + self.global_step) * 4096 + of_step * 64 + self.global_rank
        # torch.manual_seed notes who asks, a stack trace for every kind of device that may come to life later
        (torch.default_generator if self.device.type == "cpu" else torch).manual_seed(seed)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:  # noqa: ARG002  # Lightning's signature
        """Weighted sum of the tasks' mean losses over their labelled rows."""
        with by_factors(self._tables):
            outputs = self.network(batch.features)
        losses = torch.cat([self._losses_of(kind, some, outputs[some], batch) for kind, some in self._runs])
        self._losses.append(torch.stack([losses.detach(), batch.n_labelled]))
        if losses.device.type == "cpu":
            check_finite(self.tasks, self._losses[-1:], self.global_step)
        # Every process divides by the labels of the whole batch and Lightning averages gradients: undo the average.
        return (losses * self.weights.to(losses.device)).sum() * self.trainer.world_size

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:  # noqa: ARG002  # Lightning's signature
        """A budget of steps that ends within an epoch ends with a validation too."""
        if self.global_step == self.trainer.max_steps:
            self.trainer.should_stop = True

    def on_train_epoch_end(self) -> None:
        """Add the epoch to the history: losses are means over its labelled rows, however they fell into batches."""
        check_finite(self.tasks, self._losses, self.global_step - len(self._losses))
        losses, n_labelled = torch.stack(self._losses).unbind(dim=1)
        # The count is of the whole batch, so that the sum over processes is the mean over rows of all of them.
        means = (losses * n_labelled).sum(dim=0) / n_labelled.sum(dim=0).clamp(min=1)
        if self.trainer.world_size > 1:
            means = self.trainer.strategy.reduce(means, reduce_op="sum")
        self._losses.clear()
        row = {f"train/{task.name}/loss": float(mean) for task, mean in zip(self.tasks, means, strict=True)}
        if self.scored_step == self.global_step:
            row |= _flat("val", self.metrics["val"])
        self.history.append({"epoch": self.current_epoch, "step": self.global_step} | row)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:  # noqa: ARG002  # Lightning's signature
        """Keep the predictions of a batch."""
        self._keep(batch)

    def test_step(self, batch: Batch, batch_idx: int) -> None:  # noqa: ARG002  # Lightning's signature
        """Keep the predictions of a batch."""
        self._keep(batch)

    def on_validation_epoch_end(self) -> None:
        """Score the validation part."""
        self._score("val")
        self.scored_step = self.global_step

    def on_test_epoch_end(self) -> None:
        """Score the test part."""
        self._score("test")

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """The history goes with the weights, and so do the losses of an epoch that is not over."""
        checkpoint["history"] = self.history
        if self._losses:  # each process has those of its own rows
            losses = torch.stack(self._losses)
            checkpoint["losses"] = self.trainer.strategy.all_gather(losses).reshape(-1, *losses.shape).cpu()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on where the history, and perhaps an epoch, was cut off."""
        self.history = list(checkpoint.get("history", []))
        if "losses" in checkpoint:
            self._losses = list(checkpoint["losses"][self.global_rank].to(self.device).unbind())

    def _losses_of(self, kind: Kind, some: slice, outputs: Sequence[Tensor], batch: Batch) -> Tensor:
        """Losses of neighbouring tasks of one kind, shape ``(tasks,)``; small operations cost by the call."""
        target, has_label, n_labelled = batch.targets[some], batch.has_label[some], batch.n_labelled[some]
        match kind:
            case "binary":
                logits = torch.stack([_logit(output) for output in outputs])
                return masked_binary_cross_entropy(logits, target, has_label, n_labelled)
            case "multiclass":
                labels = zip(outputs, target, has_label, n_labelled, strict=True)
                return torch.stack([masked_cross_entropy(*of_task) for of_task in labels])
            case "regression":
                mean, scale = self.target_mean[some].unsqueeze(1), self.target_scale[some].unsqueeze(1)
                values = torch.stack([output.squeeze(-1) for output in outputs])
                return masked_mse(values, (target - mean) / scale, has_label, n_labelled)

    def _predict(self, index: int, output: Tensor) -> Tensor:
        """Probability, class probabilities, or value in the unit of the data."""
        match self.tasks[index].kind:
            case "binary":
                return _logit(output).sigmoid()
            case "multiclass":
                return output.softmax(dim=-1)
            case "regression":
                return output.squeeze(-1) * self.target_scale[index] + self.target_mean[index]

    def _keep(self, batch: Batch) -> None:
        outputs = self.network(batch.features)
        predictions = [self._predict(i, output.detach()) for i, output in enumerate(outputs)]
        self._pass.append((predictions, batch.targets, batch.has_label))

    def _score(self, part: str) -> None:
        predictions, targets, has_label = zip(*self._pass, strict=True)
        self._pass.clear()
        per_task = [torch.cat(batches).float().cpu().numpy() for batches in zip(*predictions, strict=True)]
        target, labelled = torch.cat(targets, dim=1).cpu().numpy(), torch.cat(has_label, dim=1).cpu().numpy()
        self.predictions[part] = per_task
        self.metrics[part] = {
            task.name: task_metrics(task, per_task[i], target[i], labelled[i]) for i, task in enumerate(self.tasks)
        }
        scores = _flat(part, self.metrics[part])
        if (
            self.monitor in scores
        ):  # every process has scored the whole part: the mean over them only tells Lightning so
            self.log(self.monitor, scores[self.monitor], sync_dist=True)


def _flat(part: str, metrics: Metrics) -> dict[str, float]:
    return {f"{part}/{task}/{name}": value for task, scores in metrics.items() for name, value in scores.items()}


def _logit(output: Tensor) -> Tensor:
    """Log odds of the positive class from one logit, or from two class scores (then the same as their softmax)."""
    return output.squeeze(-1) if output.shape[-1] == 1 else output[:, 1] - output[:, 0]


def _runs(tasks: Sequence[Task]) -> list[tuple[Kind, slice]]:
    """Neighbouring tasks of one kind."""
    lengths = [(kind, len(list(run))) for kind, run in groupby(task.kind for task in tasks)]
    ends = accumulate(n for _, n in lengths)
    return [(kind, slice(end - n, end)) for (kind, n), end in zip(lengths, ends, strict=True)]


def _checked_weights(task_weights: Mapping[str, float], tasks: Sequence[Task]) -> Tensor:
    names = [task.name for task in tasks]
    unknown = sorted(set(task_weights) - set(names))
    if unknown:
        raise UserError(f"recipe.task_weights must name tasks of the set {names}; got {unknown}.")
    return torch.tensor([float(task_weights.get(name, 1.0)) for name in names])
