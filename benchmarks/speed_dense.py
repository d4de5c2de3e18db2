"""The plain way, and the best dense loop by hand: what `speed.py` compares with.

Neither computes any metric but the loss, draws a bar, logs or saves: less than msd-mtl does in the same epoch.
"""

from collections.abc import Callable, Iterator

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.utils.data import DataLoader, TensorDataset

from speed_problem import BATCH, DROPOUT, EVAL_BATCH, N_WORDS, WIDTHS, Problem

LEARNING_RATE = 1e-4  # original study
Clock = Callable[[], float]
Epoch = Callable[[Clock], float]


class PlainNetwork(nn.Module):
    """The network as one writes it first: a module for every layer and task, a loop over tasks."""

    def __init__(self, mask: tuple[int, ...], n_tasks: int) -> None:
        super().__init__()
        sizes = (N_WORDS, *WIDTHS)
        self.layers = nn.ModuleList(
            nn.ModuleList(nn.Linear(*sizes[i : i + 2]) for _ in range(1 if tied else n_tasks))
            for i, tied in enumerate(mask)
        )
        self.heads = nn.ModuleList(nn.Linear(WIDTHS[-1], 1) for _ in range(n_tasks))

    def forward(self, x: Tensor) -> list[Tensor]:
        """One prediction per task, each of shape ``(batch,)``."""
        streams = [x]
        for layer, probability in zip(self.layers, DROPOUT, strict=True):
            if len(layer) > len(streams):
                streams = streams * len(layer)
            copies = list(layer) if len(layer) > 1 else list(layer) * len(streams)
            streams = [
                F.dropout(F.relu(copy(stream)), probability, self.training)
                for copy, stream in zip(copies, streams, strict=True)
            ]
        streams = streams if len(streams) > 1 else streams * len(self.heads)
        return [head(stream).squeeze(1) for head, stream in zip(self.heads, streams, strict=True)]


def total_loss(problem: Problem, outputs: list[Tensor], targets: Tensor) -> Tensor:
    """Sum of the tasks' losses; every row has every label."""
    losses = [
        F.binary_cross_entropy_with_logits(output, target) if task.kind == "binary" else F.mse_loss(output, target)
        for task, output, target in zip(problem.tasks, outputs, targets.T, strict=True)
    ]
    return torch.stack(losses).sum()


def dense(problem: Problem) -> Iterator[tuple[Tensor, Tensor]]:
    """Training and validation rows as dense tensors."""
    for part in (problem.train, problem.val):
        yield torch.from_numpy(part.features.toarray()), torch.from_numpy(part.targets.T.copy())


class PlainModule(pl.LightningModule):
    """The LightningModule as one writes it first."""

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self.problem = problem
        self.network = PlainNetwork(problem.mask, len(problem.tasks))

    def training_step(self, batch: list[Tensor], _index: int) -> Tensor:
        """Loss of a batch."""
        return total_loss(self.problem, self.network(batch[0]), batch[1])

    def validation_step(self, batch: list[Tensor], _index: int) -> None:
        """Log the loss of a batch."""
        self.log("val_loss", total_loss(self.problem, self.network(batch[0]), batch[1]))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adagrad as it comes."""
        return torch.optim.Adagrad(self.parameters(), lr=LEARNING_RATE)


class EpochClock(pl.Callback):
    """Seconds on a clock from the end of one epoch, validation included, to the end of the next."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.ends: list[float] = []

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Note the time."""
        self.ends.append(self.clock())

    @property
    def last_s(self) -> float:
        """Length of the last epoch."""
        return self.ends[-1] - self.ends[-2]


def plain(problem: Problem) -> Epoch:
    """Dense tensor, DataLoader, Adagrad as it comes, Lightning."""
    train, val = (TensorDataset(*tensors) for tensors in dense(problem))
    loaders = DataLoader(train, BATCH, shuffle=True), DataLoader(val, BATCH)
    module = PlainModule(problem)

    def epoch(clock: Clock) -> float:
        epochs = EpochClock(clock)
        trainer = pl.Trainer(
            max_epochs=2,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            callbacks=[epochs],
        )
        trainer.fit(module, *loaders)
        return epochs.last_s

    return epoch


def dense_by_hand(problem: Problem) -> Epoch:
    """Dense tensors cut by index, fused Adagrad, no framework."""
    (x, y), (x_val, y_val) = dense(problem)
    network = PlainNetwork(problem.mask, len(problem.tasks))
    optimizer = torch.optim.Adagrad(network.parameters(), lr=LEARNING_RATE, fused=True)

    def epoch(clock: Clock) -> float:
        start = clock()
        network.train()
        for rows in torch.randperm(len(x)).split(BATCH):
            loss = total_loss(problem, network(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        network.eval()
        with torch.inference_mode():
            for features, target in zip(x_val.split(EVAL_BATCH), y_val.split(EVAL_BATCH), strict=True):
                total_loss(problem, network(features), target).item()
        return clock() - start

    return epoch
