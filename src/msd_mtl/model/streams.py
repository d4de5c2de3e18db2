"""Layers that work on streams: one activation for all tasks, or one per task.

Activations have the shape ``(streams, batch, hidden)``: one stream before the first private layer, else one per task.
Parameters have a leading dimension of copies: 1 where all tasks share them, else one per task.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from msd_mtl.data.batch import SparseRows
from msd_mtl.errors import UserError
from msd_mtl.model.initial import InitialWeights
from msd_mtl.model.products import linear
from msd_mtl.model.sparse_product import SPARSE_DTYPES, GradientBuffer, GradientFactors, dense_rows, rows_times_table

NORMS = ("batch", "layer")


class FirstLinear(nn.Module):
    """Linear layer from features to streams; the weights are a table with one row per feature.

    Args:
        n_features: Inputs.
        n_outputs: Units per copy.
        copies: 1 if tied, else the number of tasks.
        initial: Source of the initial weights.

    Attributes:
        factors: Where the factors of the gradient of the weights go, where it is not to be computed from sparse rows.
    """

    def __init__(self, n_features: int, n_outputs: int, copies: int, initial: InitialWeights) -> None:
        super().__init__()
        self.copies = copies
        self.weight = nn.Parameter(torch.empty(n_features, copies, n_outputs))
        self.bias = nn.Parameter(torch.empty(copies, n_outputs))
        for copy in range(copies):
            initial.fill(0, copy, self.weight.data[:, copy], self.bias.data[copy], n_features)
        self.factors: GradientFactors | None = None
        self._buffer = GradientBuffer()

    def forward(self, features: Tensor | SparseRows) -> Tensor:
        """Compute the streams of a batch.

        Args:
            features: Dense, shape ``(batch, features)``, or sparse rows; on CPU sparse rows stay sparse, elsewhere a
                dense product is faster.

        Returns:
            Shape ``(copies, batch, n_outputs)``, not contiguous if copies are more than 1.
        """
        table = self.weight.flatten(1)
        if isinstance(features, Tensor):
            flat = torch.addmm(self.bias.flatten(), features, table)
        elif table.device.type == "cpu" and table.dtype in SPARSE_DTYPES:
            into = self._buffer if self.factors is None else self.factors
            flat = rows_times_table(features, table, into).add_(self.bias.flatten())
        else:
            flat = torch.addmm(self.bias.flatten(), dense_rows(features, table.dtype), table)
        return flat.view(-1, *self.bias.shape).transpose(0, 1)


class StreamLinear(nn.Module):
    """Linear layer from streams to streams.

    Args:
        n_inputs: Inputs per stream.
        n_outputs: Units per copy.
        copies: 1 if tied, else the number of tasks.
        layer: Number of the layer in the network.
        initial: Source of the initial weights.
    """

    def __init__(self, n_inputs: int, n_outputs: int, copies: int, layer: int, initial: InitialWeights) -> None:
        super().__init__()
        self.copies = copies
        self.weight = nn.Parameter(torch.empty(copies, n_outputs, n_inputs))
        self.bias = nn.Parameter(torch.empty(copies, n_outputs))
        for copy in range(copies):
            initial.fill(layer, copy, self.weight.data[copy], self.bias.data[copy], n_inputs)

    def forward(self, x: Tensor) -> Tensor:
        """Transform each stream.

        Args:
            x: Shape ``(streams, batch, n_inputs)``.

        Returns:
            Shape ``(max(streams, copies), batch, n_outputs)``.
        """
        if x.shape[0] == 1:  # one product for all copies
            flat = linear(x.squeeze(0), self.weight.flatten(0, 1), self.bias.flatten())
            return flat.view(-1, *self.bias.shape).transpose(0, 1)
        if self.copies == 1:  # one product for all streams
            flat = linear(x.flatten(0, 1), self.weight.flatten(0, 1), self.bias.flatten())
            return flat.view(*x.shape[:2], self.bias.shape[1])
        return linear(x, self.weight, self.bias)


class StreamNorm(nn.Module):
    """Batch or layer norm of streams.

    Scale and shift are tied where the layer is tied. Statistics of batch norm are those of each stream, also in a tied
    layer: pooled ones would let the activations of one task, and through them its private layers, move another's loss.

    Args:
        kind: ``batch`` or ``layer``.
        width: Units per stream.
        copies: 1 if scale and shift are tied, else the number of tasks.
        streams: Streams that pass through.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, kind: str, width: int, copies: int, streams: int) -> None:
        super().__init__()
        if kind not in NORMS:
            raise UserError(f"model.norm must be null or one of {', '.join(NORMS)}; got {kind!r}. Choose one of these.")
        self.kind = kind
        self.weight = nn.Parameter(torch.ones(copies, width))
        self.bias = nn.Parameter(torch.zeros(copies, width))
        if kind == "batch":
            self.register_buffer("running_mean", torch.zeros(streams, width))
            self.register_buffer("running_var", torch.ones(streams, width))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each stream.

        Args:
            x: Shape ``(streams, batch, width)``.

        Returns:
            The same shape.

        Raises:
            UserError: If batch norm is to train on a single row.
        """
        if self.kind == "layer":
            normed = F.layer_norm(x, x.shape[-1:])
        else:
            if self.training and x.shape[1] < 2:
                raise UserError(
                    f"a training batch must have at least 2 rows for model.norm=batch; got {x.shape[1]}. "
                    "Choose another batch size, or model.norm=layer."
                )
            flat = x.transpose(0, 1).flatten(1)
            mean, var = self.running_mean.view(-1), self.running_var.view(-1)
            normed = F.batch_norm(flat, mean, var, training=self.training)
            normed = normed.view(-1, x.shape[0], x.shape[2]).transpose(0, 1)
        return torch.addcmul(self.bias.unsqueeze(1), normed, self.weight.unsqueeze(1))
