import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy import stats

from msd_mtl.model.initial import InitialWeights

from .conftest import MASKS, N_FEATURES, sparse


@pytest.mark.parametrize("as_rows", [sparse, torch.clone], ids=["sparse", "dense"])
@pytest.mark.parametrize("init", ["kaiming_uniform", "truncated_normal"])
def test_the_first_task_starts_alike_under_every_mask_and_alone(make, lyrics, init, as_rows):
    alone = make((0, 0, 0, 0), n_outputs=(1,), seed=3, init=init)(as_rows(lyrics))[0]
    for mask in MASKS.values():
        torch.testing.assert_close(make(mask, seed=3, init=init)(as_rows(lyrics))[0], alone)


def test_other_tasks_start_with_other_private_weights(make):
    network = make((0, 0, 0, 0))
    for first, second, third in (network.layers[1].weight, network.heads.weight):
        assert not torch.isclose(first, second).any()
        assert not torch.isclose(second, third).any()


def test_layers_of_a_network_do_not_begin_alike(make):
    network = make((1, 1, 1, 1))
    starts = [layer.weight.flatten()[:40] / layer.weight.abs().max() for layer in network.layers]
    assert all(torch.isclose(one, other, atol=0.02).sum() < 10 for one, other in pairwise(starts))


def test_every_network_takes_the_same_from_the_global_generator(make):
    draws = []
    for mask in MASKS.values():
        make(mask, seed=3)
        draws.append(torch.rand(()).item())
    assert len(set(draws)) == 1


def draw(name, fan_in=400, units=500, layer=0):
    torch.manual_seed(0)
    weight, bias = torch.empty(units, fan_in), torch.empty(units)
    InitialWeights(name).fill(layer, 0, weight, bias, fan_in)
    return weight.numpy().astype(float).ravel(), bias.numpy().astype(float)


def test_kaiming_uniform_is_the_default_of_a_linear_layer():
    bound = 1 / math.sqrt(400)
    torch.manual_seed(0)
    linear = torch.nn.Linear(400, 500)
    for ours, torchs in zip(draw("kaiming_uniform"), (linear.weight, linear.bias), strict=True):
        assert stats.kstest(ours, stats.uniform(-bound, 2 * bound).cdf).pvalue > 0.01
        assert stats.ks_2samp(ours, torchs.detach().numpy().ravel()).pvalue > 0.01


def test_truncated_normal_is_that_of_the_original_study():
    weight, bias = draw("truncated_normal")
    assert abs(weight).max() <= 0.02
    assert stats.kstest(weight, stats.truncnorm(-2, 2, scale=0.01).cdf).pvalue > 0.01
    np.testing.assert_allclose(bias, 0.01, rtol=1e-6)


def test_layers_do_not_repeat_each_other():
    assert not np.isclose(draw("kaiming_uniform", layer=0)[0], draw("kaiming_uniform", layer=1)[0]).mean() > 0.01


def test_bound_is_that_of_each_copy_not_of_all_tasks(make):
    weight = make((0, 0, 0, 0)).layers[0].weight
    assert weight.abs().max() <= 1 / math.sqrt(N_FEATURES)
    assert weight.abs().max() > 0.95 / math.sqrt(N_FEATURES)
