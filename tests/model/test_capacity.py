from itertools import product

import pytest

from msd_mtl.errors import UserError
from msd_mtl.model.capacity import matched_widths, n_parameters
from msd_mtl.model.network import SharingNetwork

MASKS = list(product([0, 1], repeat=4))
WIDTHS = (1024, 512, 256, 128)
SMALL = (64, 32, 32, 16)


@pytest.mark.parametrize("norm", [None, "layer"])
@pytest.mark.parametrize("mask", MASKS)
def test_the_formula_counts_what_the_network_has(mask, norm):
    network = SharingNetwork(50, [1, 2, 12], mask, SMALL, norm=norm)
    assert n_parameters(50, [1, 2, 12], mask, SMALL, norm) == network.parameter_counts()["total"]


@pytest.mark.parametrize("reference", [(0, 0, 0, 0), (1, 1, 1, 1)])
@pytest.mark.parametrize("mask", MASKS)
def test_every_mask_comes_close_to_the_reference(mask, reference):
    wanted = n_parameters(5000, [1, 1, 1], reference, WIDTHS)
    found = matched_widths(5000, [1, 1, 1], mask, reference, WIDTHS)
    assert n_parameters(5000, [1, 1, 1], mask, found) == pytest.approx(wanted, rel=2e-3)
    ratios = [width / nominal for width, nominal in zip(found, WIDTHS, strict=True)]
    assert max(ratios) - min(ratios) < 2 / WIDTHS[-1]


@pytest.mark.parametrize("mask", MASKS)
def test_the_reference_and_a_single_task_keep_their_widths(mask):
    assert matched_widths(5000, [1, 1, 1], mask, mask, WIDTHS) == WIDTHS
    assert matched_widths(5000, [1], mask, (1, 1, 1, 1), WIDTHS) == WIDTHS


def test_no_layer_is_left_without_units():
    assert matched_widths(400, [1, 1, 1], (0, 0, 0, 0), (1, 1, 1, 1), (64, 32, 16, 1)) == (23, 11, 5, 1)


def test_a_network_is_built_at_the_matched_widths():
    network = SharingNetwork(400, [1, 1, 1], [0, 0, 0, 0], SMALL, match_parameters=[1, 1, 1, 1])
    full = SharingNetwork(400, [1, 1, 1], [1, 1, 1, 1], SMALL)
    assert network.widths != SMALL
    assert network.parameter_counts()["total"] == pytest.approx(full.parameter_counts()["total"], rel=0.01)


def test_widths_that_cannot_come_close_are_refused():
    with pytest.raises(UserError, match=r"model\.widths must let mask \[0, 0, 0, 0\] have the .* parameters"):
        matched_widths(5000, [1, 1, 1], (0, 0, 0, 0), (1, 1, 1, 1), (1, 1, 1, 1))


@pytest.mark.parametrize(
    ("reference", "message"),
    [([1, 1], r"match_parameters must have 4 entries"), ([1, 1, 2, 1], r"must have entries 1")],
)
def test_a_reference_that_is_no_mask_is_refused(reference, message):
    with pytest.raises(UserError, match=message):
        SharingNetwork(400, [1], [0, 0, 0, 0], SMALL, match_parameters=reference)
