"""Adagrad that multiplies the gradient of a table of words and updates the table in one pass, row by row."""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Adagrad, Optimizer

from msd_mtl.compiled import compiled, compiled_over_rows
from msd_mtl.data.batch import SparseRows
from msd_mtl.model.sparse_product import GradientBuffer, GradientFactors, transposed
from msd_mtl.model.streams import FirstLinear


class RowAdagrad(Adagrad):
    """``torch.optim.Adagrad``, up to rounding, for a table whose gradient is given by its factors.

    Adagrad leaves a weight without gradient as it is, and a batch of 128 tracks has 2,900 of 5,000 words: the rows of
    the others are not touched, and the gradient is never written to memory. Takes the settings of
    ``torch.optim.Adagrad``.

    Source: Duchi, Hazan, Singer: Adaptive subgradient methods for online learning (2011).
    """

    def __init__(self, params: Any, **settings: Any) -> None:
        super().__init__(params, **settings)
        self._factors: dict[Tensor, GradientFactors] = {}

    def factors_of(self, table: Tensor) -> GradientFactors | None:
        """Take the gradient of a parameter by its factors from now on.

        Args:
            table: Parameter on CPU, float32 or float64, shape ``(rows, *columns)``.

        Returns:
            Where the factors of each step are to go; None where settings move weights without gradient too.
        """
        if any(group["weight_decay"] or group["maximize"] for group in self.param_groups):
            return None
        return self._factors.setdefault(table, GradientFactors())

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update all parameters.

        Args:
            closure: Computes the gradients and returns the loss.

        Returns:
            The loss; None without a closure.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for table in group["params"]:
                if factors := self._factors.get(table):
                    if table.grad is not None:
                        raise ValueError("rows of a step must be all sparse or all dense; got both. Step after each.")
                    self._step_rows(table, *_merged(factors), group)
        self._forget()
        super().step()
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:  # PyTorch's signature
        """Forget the gradients and the factors."""
        self._forget()
        super().zero_grad(set_to_none)

    def _forget(self) -> None:
        for factors in self._factors.values():
            factors.clear()

    def _step_rows(self, table: Tensor, rows: SparseRows, grad: Tensor, group: dict[str, Any]) -> None:
        state = self.state[table]
        rate = float(group["lr"]) / (1 + float(state["step"]) * group["lr_decay"])
        state["step"] += 1
        weights, sums = (tensor.detach().view(len(table), -1).numpy() for tensor in (table, state["sum"]))
        dtype = weights.dtype.type
        columns = transposed(rows, grad.dtype)
        n_turns = torch.get_num_threads()
        _update(n_turns, *columns, grad.contiguous().numpy(), weights, sums, dtype(rate), dtype(group["eps"]))


def take_gradients(network: nn.Module, optimizer: Optimizer | None) -> None:
    """Let the first layer of a network give its gradient by factors where the optimiser can take it so.

    Args:
        network: Its first layers are looked for among its modules.
        optimizer: Of its parameters; None gives the layers a gradient of the usual kind again.
    """
    for layer in network.modules():
        if isinstance(layer, FirstLinear):
            factors = optimizer.factors_of(layer.weight) if isinstance(optimizer, RowAdagrad) else None
            layer.gradient_into = GradientBuffer() if factors is None else factors


def _merged(factors: GradientFactors) -> tuple[SparseRows, Tensor]:
    """Several batches of one step as one: their rows one after the other."""
    if len(factors) == 1:
        return factors[0]
    rows, grads = zip(*factors, strict=True)
    lengths = torch.cat([part.offsets.diff() for part in rows])
    offsets = torch.cat([lengths.new_zeros(1), lengths.cumsum(0, dtype=lengths.dtype)])
    indices, values = (torch.cat([getattr(part, name) for part in rows]) for name in ("indices", "values"))
    return SparseRows(indices, offsets, values, rows[0].n_features), torch.cat(grads)


@compiled_over_rows
def _update(
    n_turns: int,
    starts: NDArray[np.int32],
    of_row: NDArray[np.int32],
    values: NDArray[Any],
    grad: NDArray[Any],
    weights: NDArray[Any],
    sums: NDArray[Any],
    rate: Any,
    eps: Any,
) -> None:
    for turn in numba.prange(n_turns):  # each has as many frequent words as the others
        gradient = np.empty_like(grad[0])
        for feature in range(turn, len(starts) - 1, n_turns):
            first, end = starts[feature], starts[feature + 1]
            if first < end:
                _weighted_sum(of_row[first:end], values[first:end], grad, gradient)
                weight, total = weights[feature], sums[feature]
                for i in range(len(gradient)):
                    squares = total[i] + gradient[i] * gradient[i]
                    total[i] = squares
                    weight[i] -= rate * gradient[i] / (np.sqrt(squares) + eps)


@compiled
def _weighted_sum(of_row: NDArray[np.int32], values: NDArray[Any], grad: NDArray[Any], out: NDArray[Any]) -> None:
    """The sum of some rows of a gradient, weighted; each product rounded, as the library of sparse products does."""
    value, row = values[0], grad[of_row[0]]
    for i in range(len(out)):
        out[i] = value * row[i]
    for k in range(1, len(of_row)):
        value, row = values[k], grad[of_row[k]]
        for i in range(len(out)):
            out[i] += value * row[i]
