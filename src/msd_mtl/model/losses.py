"""Losses over labelled rows.

Each is a sum over the labelled rows of a batch, divided by the number of labelled rows *of the whole batch*, which
under DDP lies on several processes: the sum over processes is then the mean of the whole batch, however labels are
spread. A row without a label moves neither loss nor gradient, whatever its prediction or target holds.
"""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812


def masked_binary_cross_entropy(pred: Tensor, target: Tensor, has_label: Tensor, n_labelled: Tensor) -> Tensor:
    """Binary cross entropy over labelled rows.

    Args:
        pred: Logit of the positive class, float, shape ``(batch,)``, or ``(tasks, batch)`` for several tasks at once.
        target: 0 or 1, float, same shape; anything where ``has_label`` is False.
        has_label: bool, same shape; False rows do not count.
        n_labelled: Labelled rows of the whole batch over all processes, scalar, or ``(tasks,)``.

    Returns:
        Scalar, or ``(tasks,)``, nats; 0 where no row is labelled.

    Raises:
        ValueError: If the shapes differ.
    """
    # A logit so low that loss and gradient are exactly 0 for a target of 0.
    pred, target = _labelled(pred, target, has_label, fill=-1e4)
    return _mean(F.binary_cross_entropy_with_logits(pred, target, reduction="none"), n_labelled)


def masked_mse(pred: Tensor, target: Tensor, has_label: Tensor, n_labelled: Tensor) -> Tensor:
    """Mean squared error over labelled rows.

    Args:
        pred: Predicted value in the scale of the loss (training standard deviations), float, shape ``(batch,)``, or
            ``(tasks, batch)`` for several tasks at once.
        target: True value, same scale and shape; anything where ``has_label`` is False.
        has_label: bool, same shape; False rows do not count.
        n_labelled: Labelled rows of the whole batch over all processes, scalar, or ``(tasks,)``.

    Returns:
        Scalar, or ``(tasks,)``, squared scale of the loss; 0 where no row is labelled.

    Raises:
        ValueError: If the shapes differ.
    """
    pred, target = _labelled(pred, target, has_label, fill=0)
    return _mean((pred - target).square(), n_labelled)


def masked_cross_entropy(pred: Tensor, target: Tensor, has_label: Tensor, n_labelled: Tensor) -> Tensor:
    """Cross entropy of a softmax over labelled rows.

    Args:
        pred: Logits, float, shape ``(batch, classes)``.
        target: Class index, float or integer, shape ``(batch,)``; anything where ``has_label`` is False.
        has_label: bool, shape ``(batch,)``; False rows do not count.
        n_labelled: Labelled rows of the whole batch over all processes, scalar.

    Returns:
        Scalar, nats; 0 if no row is labelled.

    Raises:
        ValueError: If the shapes differ.
    """
    if pred.dim() != 2 or pred.shape[:1] != target.shape:
        shapes = f"{tuple(pred.shape)} and {tuple(target.shape)}"
        raise ValueError(f"pred and target must have shapes (batch, classes) and (batch,); got {shapes}.")
    missing = ~has_label
    logits = pred.masked_fill(missing.unsqueeze(1), 0)
    losses = F.cross_entropy(logits, target.masked_fill(missing, 0).long(), reduction="none")
    return _mean(losses.masked_fill(missing, 0), n_labelled)


def _labelled(pred: Tensor, target: Tensor, has_label: Tensor, fill: float) -> tuple[Tensor, Tensor]:
    """Fill predictions, and targets with 0, where there is no label, so that nothing there can reach the loss."""
    if not pred.shape == target.shape == has_label.shape:
        shapes = ", ".join(str(tuple(t.shape)) for t in (pred, target, has_label))
        raise ValueError(f"pred, target and has_label must have the same shape; got {shapes}.")
    missing = ~has_label
    return pred.masked_fill(missing, fill), target.masked_fill(missing, 0)


def _mean(losses: Tensor, n_labelled: Tensor) -> Tensor:
    return losses.sum(dim=-1) / torch.clamp(n_labelled, min=1)
