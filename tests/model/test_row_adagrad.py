import copy

import pytest
import torch
from torch.optim import SGD, Adagrad

from msd_mtl.model.row_adagrad import RowAdagrad, take_gradients
from msd_mtl.model.sparse_product import GradientBuffer, GradientFactors

from .conftest import sparse

SETTINGS = {"lr": 0.1, "initial_accumulator_value": 0.1, "lr_decay": 0.01, "fused": True}


def train(network, optimizer, lyrics, steps=4, batches=1):
    take_gradients(network, optimizer)
    for step in range(steps):
        optimizer.zero_grad()
        for part in lyrics.roll(step, dims=0).tensor_split(batches):
            sum(output.square().sum() for output in network(sparse(part))).backward()
        optimizer.step()
    return network.state_dict()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gives_the_numbers_of_pytorchs_own(make, mask, lyrics, dtype):
    trained = []
    for kind in (Adagrad, RowAdagrad):
        network = make(mask, dtype=dtype)
        trained.append(train(network, kind(network.parameters(), **SETTINGS), lyrics.to(dtype)))
    tolerance = 1e-6 if dtype == torch.float32 else 1e-14
    for name, expected in trained[0].items():
        torch.testing.assert_close(trained[1][name], expected, rtol=tolerance, atol=tolerance)


def test_words_that_no_track_has_keep_their_weights(make, lyrics):
    network = make()
    before = network.layers[0].weight.detach().clone()
    lyrics[:, :4], lyrics[0, -1] = 0, 1
    train(network, RowAdagrad(network.parameters(), **SETTINGS), lyrics)
    moved = (network.layers[0].weight != before).flatten(1).any(1)
    assert torch.equal(moved, lyrics.any(0))


def test_batches_of_one_step_are_one_update(make, lyrics):
    trained = []
    for kind in (Adagrad, RowAdagrad):
        network = make()
        trained.append(train(network, kind(network.parameters(), **SETTINGS), lyrics, batches=3))
    for name, expected in trained[0].items():
        torch.testing.assert_close(trained[1][name], expected, rtol=1e-13, atol=1e-14)


def test_gradients_that_are_forgotten_update_nothing(make, lyrics):
    network = make()
    optimizer = RowAdagrad(network.parameters(), **SETTINGS)
    take_gradients(network, optimizer)
    before = network.layers[0].weight.detach().clone()
    network(sparse(lyrics))[0].sum().backward()
    optimizer.zero_grad()
    optimizer.step()
    assert torch.equal(network.layers[0].weight, before)


def test_goes_on_from_the_state_of_pytorchs_own(make, lyrics):
    network, other = make(), make()
    first = Adagrad(network.parameters(), **SETTINGS)
    other.load_state_dict(train(network, first, lyrics))
    second = RowAdagrad(other.parameters(), **SETTINGS)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    expected = train(network, first, lyrics)
    for name, got in train(other, second, lyrics).items():
        torch.testing.assert_close(got, expected[name], rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("setting", [{"weight_decay": 0.1}, {"maximize": True}])
def test_settings_that_move_weights_without_gradient_take_whole_gradients(make, lyrics, setting):
    trained = []
    for kind in (Adagrad, RowAdagrad):
        network = make()
        trained.append(train(network, kind(network.parameters(), **SETTINGS, **setting), lyrics))
    for name, expected in trained[0].items():
        assert torch.equal(trained[1][name], expected)


def test_sparse_and_dense_rows_in_one_step_are_refused(make, lyrics):
    network = make()
    optimizer = RowAdagrad(network.parameters(), **SETTINGS)
    take_gradients(network, optimizer)
    (network(sparse(lyrics))[0].sum() + network(lyrics)[0].sum()).backward()
    with pytest.raises(ValueError, match="all sparse or all dense"):
        optimizer.step()


def test_the_closure_computes_the_gradients(make, lyrics):
    network = make()
    optimizer = RowAdagrad(network.parameters(), **SETTINGS)
    take_gradients(network, optimizer)

    def closure():
        loss = network(sparse(lyrics))[0].square().sum()
        loss.backward()
        return loss

    before = network.layers[0].weight.detach().clone()
    assert optimizer.step(closure) > 0
    assert not torch.equal(network.layers[0].weight, before)


def test_another_optimiser_gets_gradients_again(make, lyrics):
    network = make()
    take_gradients(network, RowAdagrad(network.parameters(), **SETTINGS))
    assert isinstance(network.layers[0].gradient_into, GradientFactors)
    copied = copy.deepcopy(network)
    take_gradients(network, SGD(network.parameters()))
    for one in (network, copied):
        assert isinstance(one.layers[0].gradient_into, GradientBuffer)
        one(sparse(lyrics))[0].sum().backward()
        assert one.layers[0].weight.grad.any()
