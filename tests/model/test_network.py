import pytest
import torch
from torch.func import functional_call, stack_module_state

from msd_mtl.errors import UserError
from msd_mtl.model.network import SharingNetwork

from .conftest import MASKS, N_FEATURES, WIDTHS, sparse

ORIGINAL_WIDTHS = (1024, 512, 256, 128)


def grads(network):
    return {name: p.grad for name, p in network.named_parameters()}


def test_prediction_has_one_column_per_output_of_its_task(make, mask, lyrics):
    shapes = [tuple(y.shape) for y in make(mask, n_outputs=(1, 12, 2))(lyrics)]
    assert shapes == [(7, 1), (7, 12), (7, 2)]


@pytest.mark.parametrize(
    ("sharing", "millions"), [("none", 17.4), ("high", 17.1), ("interspersed", 7.1), ("low", 6.1), ("full", 5.8)]
)
def test_parameter_counts_of_the_original_study(sharing, millions):
    network = SharingNetwork(5000, (1, 1, 1), MASKS[sharing], ORIGINAL_WIDTHS)
    counts = network.parameter_counts()
    assert round(counts["total"] / 1e6, 1) == millions
    assert counts["total"] == counts["shared"] + counts["private"]


def test_parameters_of_heads_are_not_padded(make):
    more = (
        make(n_outputs=(1, 12, 1)).parameter_counts()["total"] - make(n_outputs=(1, 1, 1)).parameter_counts()["total"]
    )
    assert more == 11 * (WIDTHS[-1] + 1)


def test_single_task_shares_nothing(make):
    counts = make((1, 1, 1, 1), n_outputs=(1,)).parameter_counts()
    assert counts["shared"] == 0
    assert counts["private"] == counts["total"]


def test_fully_shared_network_has_one_trunk(make, lyrics):
    network = make((1, 1, 1, 1))
    shapes = []
    for layer in network.layers:
        layer.register_forward_hook(lambda _m, _i, out: shapes.append(tuple(out.shape)))
    network(lyrics)
    assert shapes == [(1, 7, width) for width in WIDTHS]


def test_common_prefix_is_computed_once(make, lyrics):
    network = make((1, 0, 0, 1))
    streams = []
    for layer in network.layers:
        layer.register_forward_hook(lambda _m, _i, out: streams.append(out.shape[0]))
    network(lyrics)
    assert streams == [1, 3, 3, 3]


@pytest.mark.parametrize("norm", [None, "batch", "layer"])
def test_private_layer_gets_no_gradient_from_another_task(make, mask, lyrics, norm):
    network = make(mask, norm=norm)
    network(lyrics)[1].square().sum().backward()
    private = [(layer, dim) for layer, tied in zip(network.layers, mask, strict=True) if not tied for dim in (0, 1)]
    for layer, task in [(layer, task) for layer, _ in private for task in (0, 2)]:
        copy = layer.weight.grad[:, task] if layer is network.layers[0] else layer.weight.grad[task]
        assert not copy.any()
    for layer, _ in private:
        assert (layer.weight.grad[:, 1] if layer is network.layers[0] else layer.weight.grad[1]).any()
    assert not network.heads.weight.grad[[0, 2]].any()


def test_tied_layer_gets_the_sum_of_the_gradients_of_its_streams(make, mask, lyrics):
    network = make(mask, activation="tanh")
    per_task = []
    for task in range(3):
        network.zero_grad()
        network(lyrics)[task].square().sum().backward()
        per_task.append({n: g.clone() for n, g in grads(network).items()})
    network.zero_grad()
    sum(y.square().sum() for y in network(lyrics)).backward()
    for name, grad in grads(network).items():
        torch.testing.assert_close(grad, sum(g[name] for g in per_task))
        if name.startswith("layers") and mask[int(name.split(".")[1])]:
            assert all(g[name].any() for g in per_task)


def test_tied_layer_after_the_split_applies_the_same_weights_to_every_stream(make, lyrics):
    network = make((0, 1, 1, 1))
    with torch.no_grad():
        network.layers[0].weight[:] = network.layers[0].weight[:, :1].clone()
        network.layers[0].bias[:] = network.layers[0].bias[:1].clone()
        network.heads.weight[:] = network.heads.weight[:1].clone()
        network.heads.bias[:] = network.heads.bias[:1].clone()
    first, second, third = network(lyrics)
    torch.testing.assert_close(first, second)
    torch.testing.assert_close(first, third)


def own_network(network, task):
    """The network that a task has to itself in an unshared network."""
    torch.manual_seed(99)
    alone = SharingNetwork(N_FEATURES, [network.n_outputs[task]], (0,) * 4, WIDTHS).double()
    state = {}
    for name, value in network.state_dict().items():
        if name.startswith("heads"):
            state[name] = torch.split(value, list(network.n_outputs))[task]
        elif name == "layers.0.weight":
            state[name] = value[:, task : task + 1]
        else:
            state[name] = value[task : task + 1]
    alone.load_state_dict(state)
    return alone


@pytest.mark.parametrize("as_rows", [sparse, torch.clone], ids=["sparse", "dense"])
def test_unshared_network_trains_as_separate_networks(make, lyrics, as_rows):
    network = make((0, 0, 0, 0), n_outputs=(1, 3, 1))
    alone = [own_network(network, task) for task in range(3)]
    optimizer = torch.optim.Adagrad(network.parameters(), lr=0.1)
    optimizers = [torch.optim.Adagrad(one.parameters(), lr=0.1) for one in alone]
    features = as_rows(lyrics)
    for _ in range(5):
        outputs = network(features)
        for task, one in enumerate(alone):
            torch.testing.assert_close(outputs[task], one(features)[0])
            one.zero_grad()
            (one(features)[0] - 1).square().mean().backward()
            optimizers[task].step()
        optimizer.zero_grad()
        sum((y - 1).square().mean() for y in outputs).backward()
        optimizer.step()
    for task, one in enumerate(alone):
        torch.testing.assert_close(own_network(network, task).state_dict(), one.state_dict())


@pytest.mark.parametrize("norm", [None, "batch", "layer"])
def test_sparse_and_dense_rows_give_the_same_numbers(make, mask, lyrics, norm):
    network = make(mask, n_outputs=(1, 3, 2), norm=norm)
    results = []
    for features in (lyrics, sparse(lyrics)):
        network.zero_grad()
        outputs = network(features)
        sum(y.square().sum() for y in outputs).backward()
        results.append([*outputs, *grads(network).values()])
    torch.testing.assert_close(*results)


@pytest.mark.parametrize("norm", [None, "layer"])
@pytest.mark.parametrize("as_rows", [sparse, torch.clone], ids=["sparse", "dense"])
def test_a_batch_without_rows_moves_nothing(make, mask, lyrics, norm, as_rows):
    network = make(mask, n_outputs=(1, 3, 1), norm=norm, dropout=0.5)
    outputs = network(as_rows(lyrics[:0]))
    assert [tuple(y.shape) for y in outputs] == [(0, 1), (0, 3), (0, 1)]
    sum(y.sum() for y in outputs).backward()
    assert not any(grad.any() for grad in grads(network).values())


def test_gradients_are_those_of_finite_differences(make, mask, lyrics):
    network = make(mask, n_outputs=(1, 2, 1), activation="tanh")
    names, values = zip(*network.named_parameters(), strict=True)

    def predict(features, *parameters):
        return torch.cat(functional_call(network, dict(zip(names, parameters, strict=True)), (features,)), dim=1)

    for features in (lyrics[:3], sparse(lyrics[:3])):
        check = lambda *parameters, rows=features: predict(rows, *parameters)  # noqa: E731
        assert torch.autograd.gradcheck(check, values, fast_mode=True)


def test_dense_features_get_a_gradient(make, mask, lyrics):
    network = make(mask, activation="tanh")
    predict = lambda x: torch.cat(network(x), dim=1)  # noqa: E731
    assert torch.autograd.gradcheck(predict, lyrics.requires_grad_(), fast_mode=True)


def train(network, features, n_steps=5):
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.01, fused=True)
    for _ in range(n_steps):
        optimizer.zero_grad()
        sum(y.square().mean() for y in network(features)).backward()
        optimizer.step()
    return network.state_dict()


@pytest.mark.parametrize("as_rows", [sparse, torch.clone], ids=["sparse", "dense"])
def test_training_repeats_to_the_bit(make, mask, lyrics, as_rows):
    def run():
        network = make(mask, seed=5, dtype=torch.float32, dropout=0.3, norm="batch")
        return train(network, as_rows(lyrics.float()))

    first, second = run(), run()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_another_seed_gives_other_weights(make):
    first, second = (make(seed=seed).state_dict() for seed in (0, 1))
    assert not any(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("norm", [None, "batch"])
def test_state_survives_a_safe_load(make, mask, lyrics, tmp_path, norm):
    network = make(mask, norm=norm)
    train(network, lyrics)
    torch.save(network.state_dict(), tmp_path / "state.pt")
    other = make(mask, seed=1, norm=norm)
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    for expected, got in zip(network.eval()(lyrics), other.eval()(lyrics), strict=True):
        assert torch.equal(expected, got)


@pytest.mark.parametrize("norm", [None, "batch", "layer"])
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_stacked_seeds_are_the_separate_networks(make, mask, lyrics, norm, training):
    networks = [make(mask, n_outputs=(1, 3, 1), seed=seed, norm=norm).train(training) for seed in range(4)]
    state = stack_module_state(networks)
    skeleton = make(mask, n_outputs=(1, 3, 1), norm=norm).to("meta").train(training)

    def loss(parameters, buffers):
        outputs = functional_call(skeleton, (parameters, buffers), (lyrics,))
        return sum(y.square().mean() for y in outputs), outputs

    gradients, outputs = torch.func.vmap(torch.func.grad(loss, has_aux=True))(*state)
    for seed, network in enumerate(networks):
        alone = network(lyrics)
        sum(y.square().mean() for y in alone).backward()
        torch.testing.assert_close(tuple(y[seed] for y in outputs), alone)
        torch.testing.assert_close({name: grad[seed] for name, grad in gradients.items()}, grads(network))
        torch.testing.assert_close({n: b[seed] for n, b in state[1].items()}, dict(network.named_buffers()))


def test_all_state_is_in_parameters(make, mask):
    network = make(mask, n_outputs=(1, 3, 1), norm="layer")
    assert not list(network.buffers())


def test_dropout_differs_between_streams_and_stops_at_evaluation(make, lyrics):
    network = make((0, 0, 0, 0), dropout=[0, 0, 0, 0.5])
    seen = []
    network.heads.register_forward_pre_hook(lambda _m, args: seen.append(args[0] == 0))
    with torch.no_grad():
        for layer in network.layers:
            layer.weight.zero_()
            layer.bias.fill_(1)
    network(lyrics)
    network.eval()(lyrics)
    dropped = seen[0]
    assert not torch.equal(dropped[0], dropped[1])
    assert not seen[1].any()


def test_dropout_of_the_prefix_is_common_to_all_tasks(make, lyrics):
    network = make((1, 1, 1, 1), dropout=0.5)
    with torch.no_grad():
        network.heads.weight[:] = network.heads.weight[:1].clone()
        network.heads.bias[:] = network.heads.bias[:1].clone()
    first, second, _ = network(lyrics)
    assert torch.equal(first, second)


def test_batch_norm_keeps_the_statistics_of_each_stream(make, mask, lyrics):
    norm = make(mask, norm="batch").norms[-1]
    streams = torch.arange(norm.running_mean.shape[0]).double()[:, None]
    norm(streams[:, :, None].expand(-1, 4, WIDTHS[-1]))
    torch.testing.assert_close(norm.running_mean, 0.1 * streams.expand(-1, WIDTHS[-1]))


def test_batch_norm_of_one_row_is_refused(make, lyrics):
    with pytest.raises(UserError, match=r"at least 2 rows for model.norm=batch; got 1"):
        make(norm="batch")(lyrics[:1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mask": (1, 0, 1)}, r"sharing.mask must have 4 entries, one per hidden layer; got 3: \[1, 0, 1\]"),
        ({"mask": (1, 2, 0, 0)}, r"sharing.mask must have entries 1 \(tied\) or 0 \(private\); got \[1, 2, 0, 0\]"),
        (
            {"mask": (True, 0, 0, 0)},
            r"sharing.mask must have entries 1 \(tied\) or 0 \(private\); got \[True, 0, 0, 0\]",
        ),
        ({"mask": (1.0, 0, 0, 0)}, r"sharing.mask must have entries 1 \(tied\) or 0 \(private\); got \[1.0, 0, 0, 0\]"),
        ({"widths": (8, 0, 8, 8)}, r"model.widths must be whole numbers of at least 1; got \[8, 0, 8, 8\]"),
        ({"widths": ()}, r"model.widths must be whole numbers of at least 1; got \[\]"),
        ({"n_outputs": ()}, r"n_outputs must be whole numbers"),
        ({"n_features": 0}, r"n_features must be whole numbers"),
        ({"dropout": [0.5, 0.5]}, r"model.dropout must be one number, or 4 .*; got 2: \[0.5, 0.5\]"),
        ({"dropout": 1.0}, r"model.dropout must be at least 0 and below 1; got 1.0"),
        ({"activation": "softmax"}, r"model.activation must be one of CELU, .*; got 'softmax'"),
        ({"norm": "group"}, r"model.norm must be null or one of batch, layer; got 'group'"),
        ({"init": "zeros"}, r"model.init must be one of kaiming_uniform, truncated_normal; got 'zeros'"),
    ],
)
def test_bad_settings_are_named(change, message):
    settings = {"n_features": 10, "n_outputs": (1, 1), "mask": (1, 1, 0, 0), "widths": WIDTHS}
    with pytest.raises(UserError, match=message):
        SharingNetwork(**settings | change)


@pytest.mark.parametrize("norm", [None, "layer"])
def test_threads_change_no_bit(norm):
    before, found = torch.get_num_threads(), []
    try:
        for n_threads in (1, 2):
            torch.set_num_threads(n_threads)
            torch.manual_seed(0)
            net = SharingNetwork(300, [1, 1, 1], (1, 0, 1), [512, 256, 128], norm=norm)
            optimizer = torch.optim.AdamW(net.parameters(), fused=True)
            for features in torch.randn(2, 128, 300):
                optimizer.zero_grad()
                sum(output.square().mean() for output in net(features)).backward()
                optimizer.step()
            found.append(torch.cat([parameter.detach().flatten() for parameter in net.parameters()]))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*found)
