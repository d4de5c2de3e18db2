"""Small networks and batches that the tests of the model share."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from msd_mtl.data.batch import SparseRows
from msd_mtl.model.network import SharingNetwork

MASKS = {
    "none": (0, 0, 0, 0),
    "low": (1, 1, 0, 0),
    "high": (0, 0, 1, 1),
    "interspersed": (1, 0, 0, 1),
    "full": (1, 1, 1, 1),
}
N_FEATURES = 30
WIDTHS = (16, 12, 8, 6)

Make = Callable[..., SharingNetwork]


@pytest.fixture(params=MASKS.values(), ids=MASKS)
def mask(request: pytest.FixtureRequest) -> tuple[int, ...]:
    return request.param


@pytest.fixture
def make() -> Make:
    """A small network from a seed; float64 so that equal means equal up to rounding of 1e-16."""

    def build(mask=(1, 1, 0, 0), n_outputs=(1, 1, 1), seed=0, dtype=torch.float64, **settings) -> SharingNetwork:
        torch.manual_seed(seed)
        return SharingNetwork(N_FEATURES, n_outputs, mask, WIDTHS, **settings).to(dtype)

    return build


def sparse(dense: torch.Tensor) -> SparseRows:
    """Cut dense rows down to their stored values."""
    rows, columns = dense.nonzero(as_tuple=True)
    offsets = np.concatenate([[0], np.bincount(rows, minlength=len(dense)).cumsum()])
    indices = columns.to(torch.int32)
    return SparseRows(indices, torch.from_numpy(offsets.astype(np.int32)), dense[rows, columns], dense.shape[1])


@pytest.fixture
def lyrics() -> torch.Tensor:
    """Seven rows of features, one of them empty, float64."""
    generator = torch.Generator().manual_seed(11)
    counts = torch.rand(7, N_FEATURES, generator=generator, dtype=torch.float64)
    counts[torch.rand(counts.shape, generator=generator) > 0.2] = 0
    counts[3] = 0
    return counts
