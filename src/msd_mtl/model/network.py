"""A network whose hidden layers are each tied across tasks or private to each task."""

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor, nn

from msd_mtl.data.batch import SparseRows
from msd_mtl.errors import UserError
from msd_mtl.model.capacity import matched_widths
from msd_mtl.model.dropout import dropout
from msd_mtl.model.initial import InitialWeights
from msd_mtl.model.streams import FirstLinear, StreamLinear, StreamNorm

# Elementwise and without parameters of their own, by the names of torch.nn.
_NAMES = "CELU ELU GELU Hardswish Identity LeakyReLU Mish ReLU ReLU6 SELU Sigmoid SiLU Softplus Softsign Tanh"
ACTIVATIONS = tuple(_NAMES.split())


class SharingNetwork(nn.Module):
    """Hidden layers tied or private by a mask, and one linear head per task.

    A hidden layer is linear, norm, activation, dropout. Before the first private layer all tasks have one stream,
    computed once. From there on each task has its own; a tied layer then applies the same weights to each of them, and
    streams never meet again. Dropout draws a mask for every stream.

    The state is in the parameters (with batch norm also in its running statistics), so that networks of many seeds can
    be stacked with ``torch.func.stack_module_state``. Stacked networks under ``torch.func.vmap`` take dense features:
    there is no rule for the product with sparse rows.

    Args:
        n_features: Number of input features.
        n_outputs: Outputs of each task's head: 1 for binary and regression, the number of classes for multiclass.
        mask: For each hidden layer 1 (one set of weights for all tasks) or 0 (one per task).
        widths: Units of each hidden layer, per task.
        activation: Name of an elementwise activation of ``torch.nn``, in any case.
        dropout: Probability of dropping a unit, for every hidden layer or one per layer.
        norm: None, ``batch`` or ``layer``.
        match_parameters: Mask whose number of parameters at ``widths`` this network is to have: they are scaled to come
            as close as possible. None keeps them.
        init: ``kaiming_uniform`` or ``truncated_normal``; see ``InitialWeights``.

    Raises:
        UserError: If an argument has a value that makes no network.

    Source: FACTS of the original study (2016): 4 layers, widths 1024, 512, 256, 128, masks 0000, 1100, 0011, 1001.
    """

    def __init__(
        self,
        n_features: int,
        n_outputs: Sequence[int],
        mask: Sequence[int],
        widths: Sequence[int],
        activation: str = "relu",
        dropout: float | Sequence[float] = 0.0,
        norm: str | None = None,
        init: str = "kaiming_uniform",
        match_parameters: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        _check_counts("n_features", [n_features])
        _check_counts("n_outputs", n_outputs)
        _check_counts("model.widths", widths)
        _check_mask(mask, len(widths))
        if match_parameters is not None:
            _check_mask(match_parameters, len(widths), "model.match_parameters")
            widths = matched_widths(n_features, n_outputs, mask, match_parameters, widths, norm)
        self.n_features, self.n_outputs, self.mask, self.widths = n_features, *map(tuple, (n_outputs, mask, widths))
        self.dropout = _dropout_per_layer(dropout, len(widths))
        self.activation = _activation(activation)
        initial = InitialWeights(init)
        n_tasks = len(n_outputs)
        copies = [1 if tied else n_tasks for tied in mask]
        streams = list(accumulate(copies, max))
        layers: list[FirstLinear | StreamLinear] = [FirstLinear(n_features, widths[0], copies[0], initial)]
        for i in range(1, len(widths)):
            layers.append(StreamLinear(widths[i - 1], widths[i], copies[i], i, initial))  # noqa: PERF401
        self.layers = nn.ModuleList(layers)
        self.norms = nn.ModuleList()
        if norm is not None:
            self.norms.extend(StreamNorm(norm, *shape) for shape in zip(widths, copies, streams, strict=True))
        self.heads = Heads(widths[-1], n_outputs, len(widths), initial)

    def forward(self, features: Tensor | SparseRows) -> tuple[Tensor, ...]:
        """Predict every task.

        Args:
            features: Dense float tensor, shape ``(batch, features)``, or sparse rows; the same numbers up to rounding.

        Returns:
            Per task its raw prediction, shape ``(batch, n_outputs[task])``.
        """
        x: Tensor = self.layers[0](features)
        for i in range(len(self.layers)):
            if i > 0:
                x = self.layers[i](x)
            if self.norms:
                x = self.norms[i](x)
            x = self.activation(x)
            if self.training and self.dropout[i]:
                x = dropout(x, self.dropout[i])
        predictions: tuple[Tensor, ...] = self.heads(x)
        return predictions

    def parameter_counts(self) -> dict[str, int]:
        """Count the parameters.

        Returns:
            ``total``; ``shared``: of tied layers, used by every task; ``private``: of one task each. A network of a
            single task shares nothing.
        """
        total = sum(parameter.numel() for parameter in self.parameters())
        tied = [i for i, shared in enumerate(self.mask) if shared and len(self.n_outputs) > 1]
        modules = [part[i] for part in (self.layers, self.norms) if part for i in tied]
        shared = sum(parameter.numel() for module in modules for parameter in module.parameters())
        return {"total": total, "shared": shared, "private": total - shared}


class Heads(nn.Module):
    """One linear output layer per task, in one product: a row of weights per output.

    Args:
        n_inputs: Units of the last hidden layer.
        n_outputs: Outputs of each task.
        layer: Number of the layer in the network.
        initial: Source of the initial weights.
    """

    def __init__(self, n_inputs: int, n_outputs: Sequence[int], layer: int, initial: InitialWeights) -> None:
        super().__init__()
        self.n_outputs = list(n_outputs)
        self.weight = nn.Parameter(torch.empty(sum(n_outputs), n_inputs))
        self.bias = nn.Parameter(torch.empty(sum(n_outputs)))
        sizes = list(n_outputs)
        parts = zip(torch.split(self.weight.data, sizes), torch.split(self.bias.data, sizes), strict=True)
        for task, (weight, bias) in enumerate(parts):
            initial.fill(layer, task, weight, bias, n_inputs)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Predict every task from its stream.

        Args:
            x: Shape ``(streams, batch, n_inputs)``.

        Returns:
            Per task, shape ``(batch, n_outputs[task])``.
        """
        if x.shape[0] == 1:
            outputs = nn.functional.linear(x.squeeze(0), self.weight, self.bias)
        else:
            if max(self.n_outputs) > 1:  # a stream for every output
                parts = zip(torch.split(x, 1), self.n_outputs, strict=True)
                x = torch.cat([stream.expand(n, -1, -1) for stream, n in parts])
            # Products with one column: elementwise they take half the time of a batched matrix product.
            outputs = (x * self.weight.unsqueeze(1)).sum(2).T + self.bias
        return torch.split(outputs, self.n_outputs, dim=1)


def _check_counts(name: str, values: Sequence[int]) -> None:
    if not values or any(isinstance(v, bool) or not isinstance(v, int) or v < 1 for v in values):
        raise UserError(f"{name} must be whole numbers of at least 1; got {list(values)}. Give one for each.")


def _check_mask(mask: Sequence[int], n_layers: int, name: str = "sharing.mask") -> None:
    see = "See conf/sharing/low.yaml."
    if len(mask) != n_layers:
        expected = f"{n_layers} entries, one per hidden layer"
        raise UserError(f"{name} must have {expected}; got {len(mask)}: {list(mask)}. {see}")
    if any(type(tied) is not int or tied not in (0, 1) for tied in mask):  # in a record True or 1.0 is damage
        raise UserError(f"{name} must have entries 1 (tied) or 0 (private); got {list(mask)}. {see}")


def _dropout_per_layer(dropout: float | Sequence[float], n_layers: int) -> tuple[float, ...]:
    values = (float(dropout),) * n_layers if isinstance(dropout, int | float) else tuple(dropout)
    if len(values) != n_layers:
        raise UserError(
            f"model.dropout must be one number, or {n_layers} with one per hidden layer; got {len(values)}: "
            f"{list(values)}. Write 0.0 for a layer without dropout."
        )
    if not all(0 <= value < 1 for value in values):
        raise UserError(f"model.dropout must be at least 0 and below 1; got {dropout}. Use 0.0 for no dropout.")
    return values


def _activation(name: str) -> nn.Module:
    by_name = {known.lower(): known for known in ACTIVATIONS}
    if name.lower() not in by_name:
        raise UserError(f"model.activation must be one of {', '.join(ACTIVATIONS)}; got {name!r}. Choose one of these.")
    module: nn.Module = getattr(nn, by_name[name.lower()])()
    return module
