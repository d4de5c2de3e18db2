import pytest
import torch

from msd_mtl.model.losses import masked_binary_cross_entropy, masked_cross_entropy, masked_mse

BATCH = 12
HAS_LABEL = torch.arange(BATCH) % 3 != 0


def case(kind):
    generator = torch.Generator().manual_seed(1)
    normal = torch.randn(BATCH, generator=generator, dtype=torch.float64)
    match kind:
        case "binary":
            return masked_binary_cross_entropy, normal, (normal.roll(1) > 0).double()
        case "regression":
            return masked_mse, normal, normal.roll(3)
        case _:
            logits = torch.randn(BATCH, 4, generator=generator, dtype=torch.float64)
            return masked_cross_entropy, logits, (torch.arange(BATCH) % 4).double()


KINDS = pytest.mark.parametrize("kind", ["binary", "regression", "multiclass"])


def reference(kind, pred, target):
    if kind == "binary":
        return torch.nn.functional.binary_cross_entropy(pred.sigmoid(), target)
    if kind == "regression":
        return ((pred - target) ** 2).mean()
    return torch.nn.functional.cross_entropy(pred, target.long())


@KINDS
def test_loss_is_the_mean_over_labelled_rows(kind):
    loss, pred, target = case(kind)
    got = loss(pred, target, HAS_LABEL, HAS_LABEL.sum())
    torch.testing.assert_close(got, reference(kind, pred[HAS_LABEL], target[HAS_LABEL]))


@KINDS
@pytest.mark.parametrize("junk", [float("nan"), float("inf"), -100.0, 1e30])
def test_rows_without_label_move_neither_loss_nor_gradient(kind, junk):
    loss, pred, target = case(kind)
    results = []
    for value in (0.0, junk):
        p = pred.clone()
        p[~HAS_LABEL] = value
        t = target.masked_fill(~HAS_LABEL, value)
        p.requires_grad_()
        result = loss(p, t, HAS_LABEL, HAS_LABEL.sum())
        result.backward()
        assert not p.grad[~HAS_LABEL].any()
        results.append((result, p.grad[HAS_LABEL]))
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1])


@KINDS
def test_loss_without_labels_is_zero_and_moves_nothing(kind):
    loss, pred, target = case(kind)
    pred.requires_grad_()
    none = torch.zeros(BATCH, dtype=torch.bool)
    result = loss(pred, target * float("nan"), none, torch.tensor(0.0))
    result.backward()
    assert result == 0
    assert not pred.grad.any()


@KINDS
def test_losses_of_processes_add_up_to_that_of_the_whole_batch(kind):
    loss, pred, target = case(kind)
    n = HAS_LABEL.sum()
    parts = [loss(pred[i::2], target[i::2], HAS_LABEL[i::2], n) for i in range(2)]
    torch.testing.assert_close(sum(parts), loss(pred, target, HAS_LABEL, n))


@pytest.mark.parametrize("kind", ["binary", "regression"])
def test_several_tasks_at_once_give_the_loss_of_each(kind):
    loss, pred, target = case(kind)
    preds, has_label = torch.stack([pred, 2 * pred]), torch.stack([HAS_LABEL, ~HAS_LABEL])
    together = loss(preds, torch.stack([target, target]), has_label, has_label.sum(dim=1))
    each = [loss(p, target, has, has.sum()) for p, has in zip(preds, has_label, strict=True)]
    assert torch.equal(together, torch.stack(each))


@KINDS
def test_gradient_is_that_of_finite_differences(kind):
    loss, pred, target = case(kind)
    assert torch.autograd.gradcheck(lambda p: loss(p, target, HAS_LABEL, HAS_LABEL.sum()), pred.requires_grad_())


@KINDS
def test_float32_loss_stays_finite_on_a_saturated_prediction(kind):
    loss, pred, target = case(kind)
    assert loss(pred.float() * 1e4, target.float(), HAS_LABEL, HAS_LABEL.sum()).isfinite()


@KINDS
def test_shapes_must_agree(kind):
    loss, pred, target = case(kind)
    with pytest.raises(ValueError, match=r"must have .*shape"):
        loss(pred[:, None], target, HAS_LABEL, HAS_LABEL.sum())
