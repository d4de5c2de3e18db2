"""msd-mtl as it is run, the same pieces without Lightning, and the arithmetic floor, by two libraries."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from hydra import compose, initialize_config_dir
from torch import Tensor

from msd_mtl.app import conf_dir
from msd_mtl.data.row_batches import RowBatches
from msd_mtl.model.losses import masked_binary_cross_entropy, masked_mse
from msd_mtl.model.metrics import task_metrics
from msd_mtl.model.network import SharingNetwork
from msd_mtl.model.row_adagrad import RowAdagrad, by_factors, tables_of
from msd_mtl.study.fit import fit
from msd_mtl.study.identity import resolved
from speed_dense import LEARNING_RATE, Clock, Epoch, EpochClock
from speed_problem import BATCH, DROPOUT, EVAL_BATCH, N_WORDS, TASKS, WIDTHS, WORDS_PER_TRACK, Problem, ProblemData


def configuration(*overrides: str) -> dict[str, Any]:
    """The configuration of `msd-mtl train` with the original study's recipe."""
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return resolved(
            compose("train", ["recipe=paper2016", "recipe.binary_outputs=1", "data.drop_last=false", *overrides])
        )


def ours(problem: Problem) -> Epoch:
    """`msd-mtl train`: its DataModule, LightningModule, trainer and callbacks, all metrics on validation."""
    names = [task.name for task in problem.tasks]
    task_set = next(name for name, members in TASKS.items() if list(members) == names)
    config = configuration(
        f"sharing={problem.sharing}", f"tasks={task_set}", "trainer.max_epochs=2", "trainer.enable_progress_bar=false"
    )
    data = ProblemData(problem)

    def epoch(clock: Clock) -> float:
        epochs = EpochClock(clock)
        with tempfile.TemporaryDirectory() as folder:
            fit(config, data, Path(folder), [epochs])
        return epochs.last_s

    return epoch


def ours_by_hand(problem: Problem) -> Epoch:
    """The network, batches, losses and metrics of msd-mtl in a bare loop: what is left without Lightning."""
    network = SharingNetwork(N_WORDS, [1] * len(problem.tasks), problem.mask, WIDTHS, dropout=DROPOUT)
    optimizer = RowAdagrad(network.parameters(), lr=LEARNING_RATE, fused=True)
    tables = tables_of(network, optimizer)
    train, val = RowBatches(problem.train, BATCH, seed=0), RowBatches(problem.val, EVAL_BATCH)
    losses = [masked_binary_cross_entropy if task.kind == "binary" else masked_mse for task in problem.tasks]

    def epoch(clock: Clock) -> float:
        start = clock()
        network.train()
        train.set_epoch(train.epoch + 1)
        for batch in train:
            with by_factors(tables):
                outputs = network(batch.features)
            labelled = zip(outputs, batch.targets, batch.has_label, batch.n_labelled, strict=True)
            each = [loss(o.squeeze(1), y, has, n) for loss, (o, y, has, n) in zip(losses, labelled, strict=True)]
            optimizer.zero_grad()
            torch.stack(each).sum().backward()
            optimizer.step()
        network.eval()
        with torch.inference_mode():
            batches = list(val)
            outputs = [
                torch.cat(parts).squeeze(1) for parts in zip(*(network(b.features) for b in batches), strict=True)
            ]
        for i, task in enumerate(problem.tasks):
            target, has_label = (torch.cat([getattr(b, name)[i] for b in batches]) for name in ("targets", "has_label"))
            prediction = outputs[i].sigmoid() if task.kind == "binary" else outputs[i]
            task_metrics(task, prediction.numpy(), target.numpy(), has_label.numpy())
        return clock() - start

    return epoch


def products(mask: tuple[int, ...], n_tasks: int, batch: int) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Operands of every product: input, weights, gradient of the output; a row has as many inputs as distinct words."""
    streams = 1 if mask[0] else n_tasks
    shapes = [(batch, WORDS_PER_TRACK, streams * WIDTHS[0])]
    for tied, n_in, n_out in zip(mask[1:], WIDTHS[:-1], WIDTHS[1:], strict=True):
        if streams == 1:
            shapes.append((batch, n_in, n_out if tied else n_tasks * n_out))
            streams = 1 if tied else n_tasks
        elif tied:
            shapes.append((batch * streams, n_in, n_out))
        else:
            shapes += [(batch, n_in, n_out)] * streams
    return [(torch.randn(m, k), torch.randn(k, n), torch.randn(m, n)) for m, k, n in shapes]


def multiply_onednn(x: Tensor, y: Tensor) -> Tensor:
    """`torch.mm` by the library that msd-mtl takes for the products above the first layer."""
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, y.T, None, "none", [], "")
    return product


def floor(problem: Problem, multiply: Callable[[Tensor, Tensor], Tensor] = torch.mm) -> Epoch:
    """The bare matrix products of an epoch with validation, one call each: no other operation, no optimiser."""
    n_tasks = len(problem.tasks)
    n_steps, rest = divmod(len(problem.train), BATCH)
    train = [(n_steps, products(problem.mask, n_tasks, BATCH)), (1, products(problem.mask, n_tasks, rest))]
    n_evals, rest = divmod(len(problem.val), EVAL_BATCH)
    val = [(n_evals, products(problem.mask, n_tasks, EVAL_BATCH)), (1, products(problem.mask, n_tasks, rest))]

    def epoch(clock: Clock) -> float:
        start = clock()
        for n, operands in train:
            for _ in range(n):
                for layer, (x, w, g) in enumerate(operands):
                    multiply(x, w)
                    multiply(x.T, g)
                    if layer > 0:
                        multiply(g, w.T)
        for n, operands in val:
            for _ in range(n):
                for x, w, _g in operands:
                    multiply(x, w)
        return clock() - start

    return epoch


def floor_onednn(problem: Problem) -> Epoch:
    """The same products by oneDNN: less time than `torch.mm` where PyTorch's BLAS does not know the processor."""
    return floor(problem, multiply_onednn)
