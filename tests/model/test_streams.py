import pytest
import torch
from torch import nn

from msd_mtl.data.batch import SparseRows
from msd_mtl.model.network import SharingNetwork
from msd_mtl.model.streams import StreamNorm

STREAMS, BATCH, WIDTH = 3, 6, 4


@pytest.mark.parametrize("copies", [1, STREAMS], ids=["tied", "private"])
@pytest.mark.parametrize("kind", ["batch", "layer"])
def test_each_stream_is_normalised_as_torch_does(kind, copies):
    generator = torch.Generator().manual_seed(0)
    norm = StreamNorm(kind, WIDTH, copies, STREAMS)
    references = [nn.BatchNorm1d(WIDTH) if kind == "batch" else nn.LayerNorm(WIDTH) for _ in range(STREAMS)]
    with torch.no_grad():
        for parameter in norm.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
        for stream, reference in enumerate(references):
            copy = stream if copies > 1 else 0
            reference.weight.copy_(norm.weight[copy])
            reference.bias.copy_(norm.bias[copy])
    for training in (True, True, False):
        norm.train(training)
        x = 3 + 2 * torch.randn(STREAMS, BATCH, WIDTH, generator=generator)
        expected = torch.stack([reference.train(training)(s) for reference, s in zip(references, x, strict=True)])
        torch.testing.assert_close(norm(x), expected)


@pytest.mark.parametrize("mask", [(0, 0, 1), (0, 1, 0), (1, 1, 1), (1, 0, 1)])
def test_a_process_without_rows_of_a_batch_adds_nothing_to_the_gradient(mask):
    """The last batch of an epoch may have fewer rows than there are processes."""
    network = SharingNetwork(10, [1, 1], mask, [8, 6, 4], dropout=0.5)
    none = SparseRows(
        torch.zeros(0, dtype=torch.int32), torch.zeros(1, dtype=torch.int32), torch.zeros(0), n_features=10
    )
    predictions = network(none)
    assert [tuple(p.shape) for p in predictions] == [(0, 1), (0, 1)]
    sum(p.sum() for p in predictions).backward()
    assert all((p.grad == 0).all() for p in network.parameters())
