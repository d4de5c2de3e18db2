"""Dropout that draws four decisions from one random number."""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

LEVELS = 2**16  # of one decision, so the probability is kept to within 1 / 131,072


def dropout(x: Tensor, probability: float) -> Tensor:
    """Drop units and scale up the others, so that each keeps its mean.

    On CPU a decision takes 16 bits of a random number of 64, so the probability is rounded to 16 bits, which is exact
    for 0.5 or 0.25; PyTorch's own kernel takes five times as long there. Elsewhere it is PyTorch's own.

    Args:
        x: Activations, any shape.
        probability: Of dropping a unit, at least 0 and below 1.

    Returns:
        The same shape.
    """
    if x.device.type != "cpu":
        return F.dropout(x, probability)
    dropped = min(round(probability * LEVELS), LEVELS - 1)
    if not dropped:
        return x
    numbers = torch.randint(-(2**63), 2**63 - 1, (-(-x.numel() // 4),))
    decisions = numbers.view(torch.int16)[: x.numel()].view(x.shape)
    # 1 from the threshold on and 0 below it, in 16 bits: bool is several times slower, and floats are twice as long.
    threshold = dropped - LEVELS // 2
    keep = decisions.clamp(threshold - 1, threshold).sub_(threshold - 1)
    return x * (keep * (LEVELS / (LEVELS - dropped))).to(x.dtype)
