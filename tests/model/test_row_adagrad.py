import copy

import pytest
import torch
from torch.optim import SGD, Adagrad

from msd_mtl.model.row_adagrad import RowAdagrad, by_factors, tables_of

from .conftest import sparse

SETTINGS = {"lr": 0.1, "initial_accumulator_value": 0.1, "lr_decay": 0.01, "fused": True}


def train(network, optimizer, lyrics, steps=4, batches=1):
    tables = tables_of(network, optimizer)
    for step in range(steps):
        optimizer.zero_grad()
        for part in lyrics.roll(step, dims=0).tensor_split(batches):
            with by_factors(tables):
                outputs = network(sparse(part))
            sum(output.square().sum() for output in outputs).backward()
        optimizer.step()
    return network.state_dict()


@pytest.fixture
def taken(make, lyrics):
    """A network, its optimiser, and a function that computes gradients by factors."""
    network = make()
    optimizer = RowAdagrad(network.parameters(), **SETTINGS)
    tables = tables_of(network, optimizer)

    def backward(*more):
        with by_factors(tables):
            outputs = network(sparse(lyrics))
        loss = sum(output.square().sum() for output in (*outputs, *more))
        loss.backward()
        return loss

    return network, optimizer, backward


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


def test_gradients_that_are_forgotten_update_nothing(taken):
    network, optimizer, backward = taken
    before = network.layers[0].weight.detach().clone()
    backward()
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


def test_sparse_and_dense_rows_in_one_step_are_refused(taken, lyrics):
    network, optimizer, backward = taken
    backward(*network(lyrics))
    with pytest.raises(ValueError, match="all sparse or all dense"):
        optimizer.step()


@pytest.mark.parametrize("setting", ["weight_decay", "maximize"])
def test_settings_that_come_later_are_refused(taken, setting):
    _, optimizer, backward = taken
    optimizer.param_groups[0][setting] = 0.1
    backward()
    with pytest.raises(ValueError, match="must stay off"):
        optimizer.step()


def test_the_closure_computes_the_gradients(taken):
    network, optimizer, backward = taken
    before = network.layers[0].weight.detach().clone()
    assert optimizer.step(backward) > 0
    assert not torch.equal(network.layers[0].weight, before)


def test_outside_of_it_gradients_are_computed(taken, lyrics):
    network, _, backward = taken
    backward()
    assert network.layers[0].weight.grad is None
    network(sparse(lyrics))[0].sum().backward()
    assert network.layers[0].weight.grad.any()


def test_a_failure_inside_gives_gradients_back(taken, lyrics):
    network, optimizer, _ = taken
    with pytest.raises(AttributeError), by_factors(tables_of(network, optimizer)):
        network(None)
    network(sparse(lyrics))[0].sum().backward()
    assert network.layers[0].weight.grad.any()


def test_tables_of_other_optimisers_are_left_alone(make):
    network, other = make(), make()
    assert not tables_of(network, SGD(network.parameters()))
    assert not tables_of(network, RowAdagrad(other.parameters(), **SETTINGS))


def test_a_copy_of_the_optimiser_goes_on(taken):
    network, optimizer, backward = taken
    backward()
    optimizer.step()
    copied = copy.deepcopy(optimizer)
    copied.zero_grad()
    copied.step()
    assert tables_of(network, copied) == {}


def test_a_state_that_is_loaded_later_leaves_the_tables_taken(taken):
    network, optimizer, backward = taken
    before = network.layers[0].weight.detach().clone()
    optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    backward()
    optimizer.step()
    assert not torch.equal(network.layers[0].weight, before)
