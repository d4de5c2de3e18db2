import copy
import pickle

import numpy as np
import pytest
import torch
from scipy.sparse import csc_array

from msd_mtl.model.sparse_product import GradientBuffer, GradientFactors, dense_rows, rows_times_table, transposed

from .conftest import N_FEATURES, sparse


@pytest.fixture
def table():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(N_FEATURES, 5, generator=generator, dtype=torch.float64, requires_grad=True)


def backward(lyrics, table, buffer):
    rows_times_table(sparse(lyrics), table, buffer).square().sum().backward()


def test_gradients_add_up_over_two_backward_passes(lyrics, table):
    buffer = GradientBuffer()
    backward(lyrics, table, buffer)
    once = table.grad.clone()
    backward(lyrics, table, buffer)
    torch.testing.assert_close(table.grad, 2 * once)


def test_memory_is_used_again_only_when_the_last_gradient_is_gone(lyrics, table):
    buffer = GradientBuffer()
    backward(lyrics, table, buffer)
    first, address = table.grad, table.grad.data_ptr()
    expected = first.clone()
    table.grad = None
    backward(2 * lyrics, table, buffer)
    assert torch.equal(first, expected)
    del first
    table.grad = None
    backward(lyrics, table, buffer)
    assert table.grad.data_ptr() == address


def test_buffer_follows_another_shape_and_type():
    buffer = GradientBuffer()
    for shape, dtype in [((3, 2), torch.float32), ((3, 2), torch.float64), ((4, 2), torch.float64)]:
        lent = buffer.take(torch.Size(shape), dtype)
        assert lent.shape == shape
        assert lent.dtype == dtype
        del lent


def test_two_products_of_one_graph_do_not_share_memory(lyrics, table):
    buffer = GradientBuffer()
    first = rows_times_table(sparse(lyrics), table, buffer).sum()
    second = rows_times_table(sparse(lyrics[:2]), table, buffer).sum()
    (first - second).backward()
    expected = (lyrics.sum(0) - lyrics[:2].sum(0))[:, None].expand_as(table)
    torch.testing.assert_close(table.grad, expected)


def test_copies_and_pickles_of_a_buffer_are_empty(lyrics, table):
    buffer = GradientBuffer()
    backward(lyrics, table, buffer)
    for other in (copy.deepcopy(buffer), pickle.loads(pickle.dumps(buffer))):
        assert other._block is None


def test_factors_multiply_to_the_gradient(lyrics, table):
    factors = GradientFactors()
    rows_times_table(sparse(lyrics), table, factors).square().sum().backward()
    (rows, grad), without = factors[0], table.grad
    rows_times_table(sparse(lyrics), table, GradientBuffer()).square().sum().backward()
    assert without is None
    torch.testing.assert_close(dense_rows(rows, grad.dtype).T @ grad, table.grad)


def test_transposed_rows_are_sorted_by_word_and_row(lyrics):
    starts, rows, values = transposed(sparse(lyrics), torch.float64)
    columns = csc_array(lyrics.numpy())
    for got, expected in zip((starts, rows, values), (columns.indptr, columns.indices, columns.data), strict=True):
        np.testing.assert_array_equal(got, expected)


def test_words_that_repeat_in_a_row_add_up(table):
    rows = sparse(torch.ones(1, 3, dtype=torch.float64))._replace(
        indices=torch.tensor([4, 4, 1], dtype=torch.int32), n_features=N_FEATURES
    )
    product = rows_times_table(rows, table, GradientBuffer())
    torch.testing.assert_close(product, (2 * table[4] + table[1])[None])
    torch.testing.assert_close(product, dense_rows(rows, torch.float64) @ table)


def test_rows_without_words_are_zero(table):
    rows = sparse(torch.zeros(3, N_FEATURES, dtype=torch.float64))
    product = rows_times_table(rows, table, GradientBuffer())
    product.sum().backward()
    assert not product.any()
    assert not table.grad.any()


def test_dense_rows_are_the_rows(lyrics):
    assert torch.equal(dense_rows(sparse(lyrics), torch.float64), lyrics)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_network_on_a_gpu_gives_the_numbers_of_the_cpu(make, mask, lyrics):
    network = make(mask)
    expected = network(lyrics)
    rows = sparse(lyrics)
    rows = rows._replace(**{name: getattr(rows, name).cuda() for name in ("indices", "offsets", "values")})
    for y, reference in zip(network.cuda()(rows), expected, strict=True):
        torch.testing.assert_close(y.cpu(), reference)
