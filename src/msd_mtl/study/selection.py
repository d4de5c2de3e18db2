"""What selects: the validation metric that decides which epoch of a run is scored on test."""

from collections.abc import Sequence
from dataclasses import dataclass

from msd_mtl.data.task import Kind, Task
from msd_mtl.errors import UserError

# The metric of a task's kind that selects where none is named. For a tag it is the rank, not the log loss: where a tag
# is rare and the signal weak, the least log loss is that of a network that has learnt nothing but the prevalence.
SELECTING: dict[Kind, str] = {"binary": "auroc", "regression": "rmse", "multiclass": "log_loss"}

# The metric by which a task is read, in tables and pictures.
HEADLINE: dict[Kind, str] = {"binary": "auroc", "regression": "rmse", "multiclass": "accuracy"}

# Metrics that can select, by kind.
MODES: dict[Kind, dict[str, str]] = {
    "binary": {
        "auroc": "max",
        "average_precision": "max",
        "balanced_accuracy": "max",
        "accuracy": "max",
        "error": "min",
        "log_loss": "min",
    },
    "regression": {"rmse": "min", "mae": "min", "r2": "max"},
    "multiclass": {"accuracy": "max", "macro_f1": "max", "log_loss": "min"},
}

# Metrics without a best decision for each track alone: what earlier versions recorded as the best possible is none.
UNBOUNDED = ("macro_f1",)


def improvement(kind: Kind, metric: str, score: float, than: float) -> float:
    """How much better a score is than another: positive where it is better, whichever way the metric goes.

    Args:
        kind: Kind of the task.
        metric: A metric of that kind.
        score: Its value.
        than: The value to compare with.
    """
    return score - than if MODES[kind][metric] == "max" else than - score


@dataclass(frozen=True)
class Selection:
    """A validation metric that selects.

    Attributes:
        task: Name of the task.
        metric: Name of the metric.
        mode: ``max`` or ``min``.
    """

    task: str
    metric: str
    mode: str

    @property
    def key(self) -> str:
        """The metric as it is logged."""
        return f"val/{self.task}/{self.metric}"


def selection(monitor: str | None, tasks: Sequence[Task], target: str) -> Selection:
    """The validation metric that selects the epoch, and whether more of it is better.

    Args:
        monitor: ``METRIC`` of the target, ``TASK/METRIC``, or None for the metric of the target's kind.
        tasks: Tasks of the run.
        target: Name of the target.

    Raises:
        UserError: If there is no such task or metric.
    """
    kinds = {task.name: task.kind for task in tasks}
    if monitor is None:
        monitor = SELECTING[kinds[target]]
    name, _, metric = monitor.rpartition("/")
    name = name or target
    modes = MODES[kinds[name]] if name in kinds else {}
    if metric not in modes:
        raise UserError(
            f"recipe.monitor must be METRIC or TASK/METRIC, with a task of {list(kinds)} and a metric of its kind "
            f"(for {target!r}: {', '.join(MODES[kinds[target]])}); got {monitor!r}."
        )
    return Selection(name, metric, modes[metric])
