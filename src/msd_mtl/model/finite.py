"""Losses that stop being finite stop the run, with task and step."""

from collections.abc import Sequence

import torch
from torch import Tensor

from msd_mtl.data.task import Task
from msd_mtl.errors import UserError


class NonFiniteLossError(UserError):
    """A task's loss became infinite or not a number.

    Attributes:
        task: Name of the task.
        step: Training step, counted from 0.
    """

    def __init__(self, task: str, step: int, value: float) -> None:
        super().__init__(
            f"training loss must stay finite; got {value} for task {task!r} at step {step}. "
            "Lower recipe.optimizer.lr or set trainer.gradient_clip_val."
        )
        self.task = task
        self.step = step


def check_finite(tasks: Sequence[Task], losses: Sequence[Tensor], first_step: int) -> None:
    """Stop at the first step whose loss is not finite; off the CPU this is seen at the end of the epoch.

    Args:
        tasks: The tasks.
        losses: Of each step, float32, shape ``(2, tasks)``: losses, and labelled rows.
        first_step: Number of the first of these steps.

    Raises:
        NonFiniteLossError: If a loss is infinite or not a number.
    """
    for step, (values, _) in enumerate(losses, start=first_step):
        if not torch.isfinite(values).all():
            index = int(torch.isfinite(values).logical_not().nonzero()[0])
            raise NonFiniteLossError(tasks[index].name, step, float(values[index]))
