"""Initial weights: each copy of each layer from a stream of its own, so that arms of a study start alike."""

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from msd_mtl.errors import UserError

Array = NDArray[np.float32]
Draw = Callable[[np.random.Generator, tuple[int, ...], int], tuple[Array, Array]]


def _kaiming_uniform(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int) -> tuple[Array, Array]:
    # What torch.nn.Linear does: kaiming_uniform_(a=sqrt(5)) comes to this bound, for the biases too.
    bound = np.float32(1 / math.sqrt(fan_in))
    weight, bias = (rng.random(size, dtype=np.float32) for size in (math.prod(shape), shape[-1]))
    return (2 * weight - 1) * bound, (2 * bias - 1) * bound


def _truncated_normal(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int) -> tuple[Array, Array]:  # noqa: ARG001
    # Original study: N(0, 0.01), what lies beyond two standard deviations drawn again as TensorFlow does; biases 0.01.
    weight = rng.standard_normal(math.prod(shape), dtype=np.float32)
    while (outside := np.flatnonzero(np.abs(weight) > 2)).size:
        weight[outside] = rng.standard_normal(outside.size, dtype=np.float32)
    weight *= np.float32(0.01)
    return weight, np.full(shape[-1], 0.01, dtype=np.float32)


INITS: dict[str, Draw] = {"kaiming_uniform": _kaiming_uniform, "truncated_normal": _truncated_normal}


class InitialWeights:
    """Draws the initial weights of a network.

    Takes one number from torch's global generator, whatever the network; everything else comes from it, the layer and
    the copy. So, for one seed, the first task's path through the network starts with the same weights under every
    sharing mask and in a network of that task alone: arms paired by seed differ by sharing, not by luck.

    Args:
        name: ``kaiming_uniform`` (what ``torch.nn.Linear`` does) or ``truncated_normal`` (original study).

    Raises:
        UserError: If the name is unknown.
    """

    def __init__(self, name: str) -> None:
        if name not in INITS:
            raise UserError(f"model.init must be one of {', '.join(INITS)}; got {name!r}. Choose one of these.")
        self._draw = INITS[name]
        self._seed = int(torch.randint(2**31, (), device="cpu"))

    @torch.no_grad()
    def fill(self, layer: int, copy: int, weight: Tensor, bias: Tensor, fan_in: int) -> None:
        """Draw one copy of one layer in place.

        Args:
            layer: Number of the layer; the heads follow the last hidden layer.
            copy: Number of the copy: the task, or 0 where the layer is tied.
            weight: Weights to fill, any shape and strides.
            bias: Biases to fill, shape ``(units,)``.
            fan_in: Inputs of each unit.
        """
        rng = np.random.Generator(np.random.SFC64([self._seed, layer, copy]))
        drawn = self._draw(rng, (fan_in, len(bias)), fan_in)
        weight.copy_(torch.from_numpy(drawn[0]).view(weight.shape))
        bias.copy_(torch.from_numpy(drawn[1]))
