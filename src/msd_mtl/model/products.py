"""Linear products of streams; on CPU by oneDNN, which PyTorch itself takes for other types but not for float32."""

import inspect
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

# The operation is what torch.compile makes of a linear layer: not public, so another PyTorch may lack it.
HAS_ONEDNN: bool = torch.backends.mkldnn.is_available() and hasattr(  # type: ignore[no-untyped-call]
    torch.ops.mkldnn, "_linear_pointwise"
)


def linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Apply a linear layer, or one to each of several streams.

    ``torch.nn.functional.linear`` and ``torch.baddbmm`` up to rounding, and at their speed where PyTorch's own library
    knows the processor; on others (AMD) MKL leaves half of its vector units idle, oneDNN does not.

    Args:
        x: Float, shape ``(batch, n_inputs)``, or ``(streams, batch, n_inputs)``.
        weight: Same type, shape ``(n_outputs, n_inputs)``, or ``(streams, n_outputs, n_inputs)``.
        bias: Same type, shape ``(n_outputs,)``, or ``(streams, n_outputs)``.

    Returns:
        Shape ``(batch, n_outputs)``, or ``(streams, batch, n_outputs)``.
    """
    if not _is_for_onednn(x):
        if x.dim() == 2:
            return torch.nn.functional.linear(x, weight, bias)
        return torch.baddbmm(bias.unsqueeze(1), x, weight.mT)
    if x.dim() == 3:
        x = x.contiguous()  # once, not stream by stream in each product
    product: Tensor = _Linear.apply(x, weight, bias)  # type: ignore[no-untyped-call]
    return product


def _is_for_onednn(x: Tensor) -> bool:
    here = HAS_ONEDNN and x.device.type == "cpu" and not torch.is_autocast_enabled("cpu")
    return here and x.dtype == torch.float32 and x.numel() > 0


class _Linear(Function):
    """``x @ weight.mT + bias`` for matrices or stacks of them; its gradients are such products again."""

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return _product(x, weight, bias)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor | None], output: Tensor) -> None:  # noqa: ARG004
        x, weight, _ = inputs
        ctx.save_for_backward(x, weight)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        of_x, of_weight, of_bias = ctx.needs_input_grad
        # only where this itself is to be differentiated or stacked: a Function costs as much as a small product
        multiply = _Linear.apply if torch.is_grad_enabled() else _product
        return (
            multiply(grad, weight.mT, None) if of_x else None,
            multiply(grad.mT, x.mT, None) if of_weight else None,
            grad.sum(-2) if of_bias else None,
        )

    @staticmethod
    def vmap(_info: Any, in_dims: tuple[int | None, ...], *operands: Tensor | None) -> tuple[Tensor, int]:
        """Stacked networks: one batched product."""
        pairs = zip(operands, in_dims, strict=True)
        x, weight, bias = (o if o is None or dim is None else o.movedim(dim, 0) for o, dim in pairs)
        product = torch.matmul(x, weight.mT)  # type: ignore[arg-type,union-attr]  # only a bias may be None
        return product if bias is None else product + bias.unsqueeze(-2), 0


# PyTorch asks for it on every call, and to find it takes longer than a small operation.
_Linear.forward.__signature__ = inspect.signature(_Linear.forward)  # type: ignore[attr-defined]


def _product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    if x.dim() == 2:
        return _onednn(x, weight, bias)
    biases = [None] * len(x) if bias is None else bias
    return torch.stack([_onednn(*stream) for stream in zip(x, weight, biases, strict=True)])


def _onednn(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    if not (weight.is_contiguous() or weight.mT.is_contiguous()):
        weight = weight.contiguous()  # gaps between rows would cost a thousand times the product
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return product
