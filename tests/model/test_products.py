import pytest
import torch
from torch.func import grad, vmap

from msd_mtl.model import products
from msd_mtl.model.products import linear

MANY, ROWS, N_IN, N_OUT = 3, 7, 20, 9
SHAPES = {
    "one stream": ((ROWS, N_IN), (N_OUT, N_IN), (N_OUT,)),
    "streams": ((MANY, ROWS, N_IN), (MANY, N_OUT, N_IN), (MANY, N_OUT)),
}


@pytest.fixture(params=SHAPES.values(), ids=SHAPES)
def operands(request):
    generator = torch.Generator().manual_seed(0)
    return [torch.empty(shape).normal_(std=0.3, generator=generator).requires_grad_() for shape in request.param]


def reference(x, weight, bias):
    return (x.double() @ weight.double().mT + bias.double().unsqueeze(-2)).float()


def squares(function):
    return lambda *operands: function(*operands).square().sum()


def test_products_and_gradients_are_those_of_float64(operands):
    torch.testing.assert_close(linear(*operands), reference(*operands))
    got, expected = (torch.autograd.grad(squares(f)(*operands), operands) for f in (linear, reference))
    torch.testing.assert_close(got, expected)


def test_float32_on_cpu_is_multiplied_by_onednn(operands, monkeypatch):
    calls = []
    monkeypatch.setattr(products, "_onednn", lambda *stream: calls.append(stream) or reference(*stream))
    linear(*operands)
    assert bool(calls) == products.HAS_ONEDNN


def test_float64_and_processors_without_onednn_are_multiplied_by_pytorch(operands, monkeypatch):
    doubles = [operand.detach().double() for operand in operands]
    torch.testing.assert_close(linear(*doubles), reference(*doubles).double(), check_dtype=True, rtol=1e-6, atol=1e-6)
    monkeypatch.setattr(products, "HAS_ONEDNN", False)
    monkeypatch.setattr(products, "_onednn", None)
    torch.testing.assert_close(linear(*operands), reference(*operands))


def test_no_rows_are_no_products(operands):
    x, weight, bias = operands
    product = linear(x[..., :0, :], weight, bias)
    assert product.shape == (*x.shape[:-2], 0, N_OUT)
    product.sum().backward()
    assert not weight.grad.any()


def test_streams_may_lie_between_each_other(operands):
    x, weight, bias = operands
    apart = x.detach().movedim(-2, 0).contiguous().movedim(0, -2).requires_grad_()
    torch.testing.assert_close(linear(apart, weight, bias), linear(x, weight, bias))
    got, expected = (torch.autograd.grad(squares(linear)(i, weight, bias), weight) for i in (apart, x))
    torch.testing.assert_close(got, expected)


@pytest.mark.skipif(not products.HAS_ONEDNN, reason="needs PyTorch with oneDNN")
def test_gaps_between_rows_do_not_reach_onednn(monkeypatch):
    """It would multiply a thousand times slower."""
    seen = []
    multiply = torch.ops.mkldnn._linear_pointwise
    monkeypatch.setattr(products.torch.ops.mkldnn, "_linear_pointwise", lambda *a: seen.append(a[1]) or multiply(*a))
    x = torch.randn(ROWS, MANY, N_IN).transpose(0, 1).requires_grad_()
    weight, bias = torch.randn(MANY, N_OUT, N_IN, requires_grad=True), torch.randn(MANY, N_OUT)
    linear(x, weight, bias).sum().backward()
    assert len(seen) == 3 * MANY
    assert all(operand.is_contiguous() or operand.mT.is_contiguous() for operand in seen)
    seen.clear()
    linear(x.detach(), weight, bias).sum().backward()
    assert len(seen) == 2 * MANY  # none for the gradient of lyrics


def test_gradient_of_a_gradient(operands):
    def penalty(function):
        (gradient,) = torch.autograd.grad(squares(function)(*operands), operands[1], create_graph=True)
        return torch.autograd.grad(gradient.square().sum(), operands)

    torch.testing.assert_close(penalty(linear), penalty(reference))


@pytest.mark.parametrize("stacked", [(0, 0, 0), (None, 0, 0), (0, None, None), (None, None, 0)])
def test_stacked_layers_are_the_separate_ones(operands, stacked):
    generator = torch.Generator().manual_seed(1)
    many = [
        operand.detach() if dim is None else torch.randn(4, *operand.shape, generator=generator)
        for operand, dim in zip(operands, stacked, strict=True)
    ]
    layer = grad(squares(linear), argnums=(0, 1, 2))
    got = vmap(layer, in_dims=stacked)(*many)
    for i in range(4):
        alone = layer(*(operand if dim is None else operand[i] for operand, dim in zip(many, stacked, strict=True)))
        torch.testing.assert_close(tuple(gradient[i] for gradient in got), alone)


def test_layers_may_be_stacked_along_any_dimension(operands):
    x, weight, bias = (torch.stack([operand.detach(), 2 * operand.detach()], dim=-1) for operand in operands)
    both = vmap(linear, in_dims=-1)(x, weight, bias)
    for i in (0, 1):
        torch.testing.assert_close(both[i], reference(x[..., i], weight[..., i], bias[..., i]))


def test_lower_precision_is_left_to_autocast(operands):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert linear(*operands).dtype == torch.bfloat16
