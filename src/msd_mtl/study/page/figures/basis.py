"""What a figure rests on: every caption says n, seeds, interval and split, in the same words."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from msd_mtl.study.answers.types import Run
from msd_mtl.study.page.words import spread

INTERVALS = "95 % intervals over seeds and test artists"
PARTS = {"val": "Validation", "test": "Test"}


@dataclass(frozen=True)
class Basis:
    """What a figure rests on; as text, what its caption says of that.

    Attributes:
        sizes: Training sizes that it shows, tracks.
        n_seeds: Seeds of each mean in it.
        interval: What it shows of intervals, in words.
        part: Part of the data that it is about.
        runs: Runs that it shows; how many tracks of the part they are scored on is in their records.
    """

    sizes: Collection[int]
    n_seeds: Collection[int]
    interval: str
    part: Literal["val", "test"]
    runs: Sequence[Run]

    def __str__(self) -> str:
        """In three sentences."""
        seeds = f"{spread(self.n_seeds)} seed{'' if max(self.n_seeds) == 1 else 's'}"
        kinds = sorted({str(run.record["config"]["data"]["split"]) for run in self.runs})
        labelled = spread(run.record["data"]["labelled"][self.part][run.arm.target] for run in self.runs)
        split = f"{PARTS[self.part]} split ({' or '.join(kinds)}): {labelled} labelled tracks"
        n = f"n = {tracks(self.sizes, self.runs)} training tracks{_kept(self.runs)}"
        return f"{n}; {seeds}. {self.interval}. {split}."


def tracks(sizes: Collection[int], runs: Sequence[Run]) -> str:
    """Training sizes in words: ``500``, ``500, 1,000 and 2,000``, ``1,014 to 1,072``.

    Args:
        sizes: Sizes of arms; none where these take all tracks and no run says how many.
        runs: Runs of these arms: where they took all tracks there are, each seed has its own number of them.
    """
    if not sizes:
        return "all"
    taken = all_taken(runs)
    *first, last = (spread(taken.get(size, [size])) for size in sorted(set(sizes)))
    return f"{', '.join(first)} and {last}" if first else last


def keeps_some(run: Run) -> bool:
    """Whether only some of a run's training tracks keep the target's label."""
    return run.record["config"]["data"].get("target_train_size") is not None


def _kept(runs: Sequence[Run]) -> str:
    """How many training tracks have the target's label, in words; empty where all that can have it."""
    if not any(map(keeps_some, runs)):
        return ""
    return (
        f", {spread(run.record['data']['labelled']['train'][run.arm.target] for run in runs)} with the target's label"
    )


def all_taken(runs: Sequence[Run]) -> dict[int, list[int]]:
    """Numbers of training tracks of the runs that took all there are, by the size of their arms, which is one for all.

    Where only some of them keep the target's label, the others train the auxiliary tasks: the target alone does without
    them, and its runs count where there are no others.

    Args:
        runs: Runs of a study.
    """
    taken: dict[int, list[int]] = {}
    alone: dict[int, list[int]] = {}
    for run in runs:
        if run.record["config"]["data"]["train_size"] is None:
            data, some = run.record["data"], keeps_some(run)
            n = data["rows"]["train"] if some else data["labelled"]["train"][run.arm.target]
            of_it = alone if some and run.arm.is_alone else taken
            of_it.setdefault(run.arm.train_size, []).append(n)
    return alone | taken
