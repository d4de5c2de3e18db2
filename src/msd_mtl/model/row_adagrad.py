"""Adagrad that multiplies the gradient of a table of words and updates the table in one pass, row by row."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Adagrad, Optimizer

from msd_mtl.compiled import CACHE_LINE, compiled_over_rows, multiply_add, prefetch
from msd_mtl.data.batch import SparseRows
from msd_mtl.model.sparse_product import GradientFactors, transposed
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
            Where the factors of each step are to go, until ``zero_grad`` of this optimiser or its step; None where they
            would not do: settings move weights without gradient too, or the table is not a parameter of this optimiser.
        """
        group = next((group for group in self.param_groups if any(table is one for one in group["params"])), None)
        if group is None or _moves_all(group) or not table.is_contiguous():
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
                    if _moves_all(group):
                        raise ValueError("weight_decay and maximize must stay off once factors are taken; got one.")
                    self._step_rows(table, *_merged(factors), group)
        self._forget()
        super().step()
        return loss

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take a state; a copy begins without factors."""
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self._factors = getattr(self, "_factors", {})  # PyTorch comes here to load a state, too

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


def tables_of(network: nn.Module, optimizer: Optimizer) -> dict[FirstLinear, GradientFactors]:
    """First layers of a network whose gradient the optimiser can take by its factors, and where these are to go."""
    if not isinstance(optimizer, RowAdagrad):
        return {}
    layers = [layer for layer in network.modules() if isinstance(layer, FirstLinear)]
    return {layer: factors for layer in layers if (factors := optimizer.factors_of(layer.weight)) is not None}


@contextmanager
def by_factors(tables: Mapping[FirstLinear, GradientFactors]) -> Iterator[None]:
    """Products made inside give the gradient of these layers by its factors; all others are computed as ever."""
    for layer, factors in tables.items():
        layer.factors = factors
    try:
        yield
    finally:
        for layer in tables:
            layer.factors = None


def _moves_all(group: Mapping[str, Any]) -> bool:
    """Whether an update moves weights without gradient too."""
    return bool(group["weight_decay"] or group["maximize"])


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
    line = CACHE_LINE // weights.itemsize
    words = np.flatnonzero(starts[1:] > starts[:-1])
    for turn in numba.prange(n_turns):  # each has as many frequent words as the others
        gradient = np.empty_like(grad[0])
        for place in range(turn, len(words), n_turns):
            if place + n_turns < len(words):  # rows lie pages apart: the processor does not foresee the next one
                for i in range(0, len(gradient), line):
                    prefetch(weights, (words[place + n_turns], i))
                    prefetch(sums, (words[place + n_turns], i))
            word = words[place]
            first, end = starts[word], starts[word + 1]
            value, row = values[first], grad[of_row[first]]
            for i in range(len(gradient)):
                gradient[i] = value * row[i]
            for k in range(first + 1, end):
                value, row = values[k], grad[of_row[k]]
                for i in range(len(gradient)):
                    gradient[i] += value * row[i]
            weight, total = weights[word], sums[word]
            for i in range(len(gradient)):
                total[i] = multiply_add(gradient[i], gradient[i], total[i])
                weight[i] -= rate * gradient[i] / (np.sqrt(total[i]) + eps)
