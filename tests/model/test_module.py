import numpy as np
import pytest
import torch
from torch import nn

from msd_mtl.data.batch import Batch, SparseRows
from msd_mtl.data.task import task_of
from msd_mtl.errors import UserError
from msd_mtl.model.finite import NonFiniteLossError
from msd_mtl.model.module import MultiTaskModule

POP, YEAR, KEY = task_of("term:pop"), task_of("year"), task_of("key")
FEATURES = SparseRows(torch.zeros(0, dtype=torch.int32), torch.zeros(5, dtype=torch.int32), torch.zeros(0), 3)


class Fixed(nn.Module):
    """Answers with given outputs, whatever the features: one parameter each, so that gradients can be read."""

    def __init__(self, *outputs):
        super().__init__()
        self.outputs = nn.ParameterList(
            [nn.Parameter(torch.as_tensor(output, dtype=torch.float32)) for output in outputs]
        )

    def forward(self, features):
        return tuple(self.outputs)


class OneProcess:
    """What a step asks of a trainer."""

    world_size = 1
    max_steps = -1
    accumulate_grad_batches = 2
    current_epoch = 0


def module(tasks, outputs, mean=None, scale=None, **settings):
    mean = torch.zeros(len(tasks)) if mean is None else torch.tensor(mean)
    scale = torch.ones(len(tasks)) if scale is None else torch.tensor(scale)
    made = MultiTaskModule(Fixed(*outputs), tasks, mean, scale, torch.optim.SGD, **settings)
    made._trainer = OneProcess()
    made.__class__ = type(
        "Detached", (MultiTaskModule,), {"trainer": property(lambda self: OneProcess), "global_step": 7}
    )
    return made


def batch(targets, has_label=None):
    targets = torch.tensor(targets, dtype=torch.float32)
    known = torch.ones_like(targets, dtype=torch.bool) if has_label is None else torch.tensor(has_label)
    return Batch(FEATURES, targets, known, known.sum(1).float(), torch.arange(targets.shape[1]))


def test_loss_is_the_sum_of_the_tasks_means():
    logits, values = [[0.5], [-1.0]], [[0.1], [0.4]]
    made = module([POP, YEAR], [logits, values], mean=[0.0, 2000.0], scale=[1.0, 10.0])
    loss = made.training_step(batch([[1, 0], [2001, 2010]]), 0)
    cross_entropy = nn.functional.binary_cross_entropy_with_logits(torch.tensor([0.5, -1.0]), torch.tensor([1.0, 0.0]))
    squares = np.mean([(0.1 - 0.1) ** 2, (0.4 - 1.0) ** 2])
    assert loss.item() == pytest.approx(float(cross_entropy) + squares, rel=1e-6)


def test_loss_of_many_kinds_is_the_sum_of_the_tasks_losses_in_any_order():
    generator = torch.Generator().manual_seed(0)
    tasks = [POP, KEY, YEAR, YEAR, POP, POP]
    outputs = [torch.randn(4, 12 if task is KEY else 1, generator=generator).tolist() for task in tasks]
    known = torch.rand(6, 4, generator=generator) < 0.7
    targets = torch.tensor(
        [[1, 0, 0, 1], [3, 0, 5, 11], [1, 5, 4, 2], [2, 2, 1, 0], [0, 0, 1, 1], [1, 1, 0, 1]]
    ).float()
    mean, scale = [0.0, 0.0, 1.0, 2.0, 0.0, 0.0], [1.0, 1.0, 3.0, 4.0, 1.0, 1.0]
    together = module(tasks, outputs, mean, scale)
    loss = together.training_step(batch(targets.tolist(), known.tolist()), 0)
    alone = [
        module([task], [outputs[i]], mean[i : i + 1], scale[i : i + 1]).training_step(
            batch([targets[i].tolist()], [known[i].tolist()]), 0
        )
        for i, task in enumerate(tasks)
    ]
    torch.testing.assert_close(loss, sum(alone))
    torch.testing.assert_close(together._losses[0][0], torch.stack(alone).detach())


def test_task_weights_scale_their_losses_alone():
    outputs = [[[0.5], [-1.0]], [[0.1], [0.4]]]
    labels = batch([[1, 0], [1, 2]])
    plain = float(module([POP, YEAR], outputs).training_step(labels, 0).detach())
    doubled = float(module([POP, YEAR], outputs, task_weights={"year": 2.0}).training_step(labels, 0).detach())
    year = np.mean([(0.1 - 1) ** 2, (0.4 - 2) ** 2])
    assert doubled - plain == pytest.approx(year, rel=1e-6)


def test_history_has_the_mean_over_the_labelled_rows_of_the_epoch():
    made = module([POP, YEAR], [[[0.5], [-1.0]], [[0.1], [0.4]]])
    made.training_step(batch([[1, 0], [1, 2]]), 0)
    made.training_step(batch([[1, 0], [1, 3]], [[True, True], [False, True]]), 1)
    made.training_step(batch([[1, 0], [1, 2]], [[True, True], [False, False]]), 2)
    made.on_train_epoch_end()
    squares = [(0.1 - 1) ** 2, (0.4 - 2) ** 2, (0.4 - 3) ** 2]
    assert made.history[0]["train/year/loss"] == pytest.approx(np.mean(squares), rel=1e-6)


def test_two_outputs_of_a_binary_task_are_a_softmax():
    scores = torch.tensor([[0.3, -0.2], [1.0, 2.0]])
    loss = module([POP], [scores]).training_step(batch([[1, 0]]), 0)
    assert loss.item() == pytest.approx(float(nn.functional.cross_entropy(scores, torch.tensor([1, 0]))), rel=1e-6)


def test_a_row_without_a_label_moves_nothing():
    made = module([POP, KEY], [[[0.5], [3.0]], torch.randn(2, 12).tolist()])
    made.training_step(batch([[1, 0], [4, 0]], [[True, False], [False, True]]), 0).backward()
    pop, key = (output.grad for output in made.network.outputs)
    assert pop[0] != 0
    assert pop[1] == 0
    assert (key[0] == 0).all()
    assert (key[1] != 0).all()


def test_metrics_are_in_the_unit_of_the_data():
    made = module([YEAR], [[[0.0], [1.0], [0.5], [-1.0]]], mean=[2000.0], scale=[10.0])
    made.validation_step(batch([[2000, 2012, 2005, 1990]]), 0)
    made.on_validation_epoch_end()
    np.testing.assert_allclose(made.predictions["val"][0], [2000, 2010, 2005, 1990])
    assert made.metrics["val"]["year"]["rmse"] == pytest.approx(1.0)
    assert made.scored_step == 7


def test_class_probabilities_sum_to_one():
    made = module([KEY], [torch.randn(4, 12).tolist()])
    made.test_step(batch([[0, 1, 2, 3]]), 0)
    made.on_test_epoch_end()
    np.testing.assert_allclose(made.predictions["test"][0].sum(axis=1), 1, rtol=1e-6)


def test_a_loss_that_is_not_finite_names_task_and_step():
    made = module([POP, YEAR], [[[0.5], [0.5]], [[float("nan")], [0.0]]])
    with pytest.raises(NonFiniteLossError, match="must stay finite; got nan for task 'year' at step 7") as raised:
        made.training_step(batch([[1, 0], [1, 2]]), 0)
    assert (raised.value.task, raised.value.step) == ("year", 7)


def test_batches_of_one_step_draw_each_on_their_own():
    made = module([YEAR], [[[0.0]]])
    made.__class__.global_rank = 0
    drawn = []
    for batch_idx in (0, 1, 2):
        made.on_train_batch_start(batch([[0]]), batch_idx)
        drawn.append(torch.rand(1).item())
    assert drawn[0] == drawn[2] != drawn[1]


def test_weights_of_unknown_tasks_are_refused():
    with pytest.raises(UserError, match=r"recipe\.task_weights must name tasks of the set \['year'\]; got \['tempo'\]"):
        module([YEAR], [[[0.0]]], task_weights={"tempo": 1.0})
