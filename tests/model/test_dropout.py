import pytest
import torch

from msd_mtl.model.dropout import dropout


@pytest.mark.parametrize("probability", [0.0, 0.1, 0.5, 0.999])
def test_units_are_dropped_at_the_probability_and_the_mean_is_kept(probability):
    torch.manual_seed(0)
    n = 400_001
    dropped = dropout(torch.ones(n), probability)
    assert (dropped == 0).float().mean() == pytest.approx(probability, abs=0.003)
    assert dropped.mean() == pytest.approx(1, abs=5 * (probability / (1 - probability) / n) ** 0.5)
    assert len(dropped.unique()) <= 2


def test_the_four_decisions_of_a_number_are_independent():
    torch.manual_seed(0)
    kept = (dropout(torch.ones(200_000, 4), 0.5) > 0).double()
    correlation = torch.corrcoef(kept.T)
    assert (correlation - torch.eye(4)).abs().max() < 0.01
    assert (kept.mean(dim=0) - 0.5).abs().max() < 0.005


def test_gradient_passes_where_the_unit_was_kept():
    x = torch.randn(3, 5, 7, requires_grad=True)
    y = dropout(x, 0.25)
    y.sum().backward()
    torch.testing.assert_close(x.grad, (y / x).detach())


def test_same_seed_same_units():
    results = []
    for _ in range(2):
        torch.manual_seed(4)
        results.append(dropout(torch.ones(3, 50), 0.5))
    assert torch.equal(*results)


def test_each_of_a_stack_of_networks_draws_its_own():
    try:
        torch.func.vmap(lambda x: x.view(torch.int16))(torch.zeros(2, 1, dtype=torch.int64))
    except RuntimeError as error:
        pytest.skip(f"torch {torch.__version__} has no stacked view of another type: {error}")
    batch = torch.func.vmap(lambda x: dropout(x, 0.5), randomness="different")(torch.ones(2, 100))
    assert not torch.equal(*batch)
