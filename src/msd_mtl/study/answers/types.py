"""What the answers of a study are made of. Nothing here computes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from msd_mtl.study.answers.effect import Effect
from msd_mtl.study.record import Record

Question = Literal["benefit", "size", "coupling", "depth", "leak"]  # RQ1 to RQ4, and what a split by track gives away
Reference = Literal["single task", "no sharing", "split by artist"]  # what a gain is over
Settings = tuple[tuple[str, str], ...]  # dotted key and value as text, in the order of the keys

QUESTIONS: tuple[Question, ...] = ("benefit", "size", "coupling", "depth", "leak")


@dataclass(frozen=True)
class Arm:
    """What a run is compared by: all but its seed.

    Attributes:
        task_set: Preset of ``conf/tasks`` with these tasks and this target, else the tasks joined by `` + ``.
        tasks: Names of the tasks trained together.
        target: The task the study asks about.
        mask: Sharing mask, such as ``1100``.
        train_size: Rows it asked for; where it took all, as many as have a label of the target, 0 where no run says.
        coupling: Planted coupling, 0 to 1; None on real data.
        context: Every other setting in which runs of the study differ.
    """

    task_set: str
    tasks: tuple[str, ...]
    target: str
    mask: str
    train_size: int
    coupling: float | None
    context: Settings

    @property
    def is_alone(self) -> bool:
        """Whether the target is trained alone: the mask then says nothing."""
        return self.tasks == (self.target,)


@dataclass(frozen=True)
class Run:
    """A completed run.

    Attributes:
        run_id: Its name.
        arm: What it is compared by.
        seed: What it is paired by.
        folder: Run directory.
        record: Its record.
        metric: What the target is compared by, higher is better: ``auroc``, ``r2`` or ``accuracy``.
        score: Of the target on test.
        linear: The same of the tuned linear model; NaN where there is none.
        trivial: The same of the model that knows no lyrics; NaN where there is none.
        bayes: The best possible; NaN where it is not known.
        n_parameters: Parameters of the network.
        seconds: What the run took.
    """

    run_id: str
    arm: Arm
    seed: int
    folder: Path
    record: Record
    metric: str
    score: float
    linear: float
    trivial: float
    bayes: float
    n_parameters: int
    seconds: float

    @property
    def plants(self) -> bool:
        """Whether its world has the coupling that was set: with ``data.world.common=none`` it has none."""
        return bool(self.record["config"]["data"].get("world", {}).get("common") != "none")


@dataclass(frozen=True)
class Contrast:
    """A comparison that a question asks for.

    Attributes:
        question: The question, whose contrasts are corrected together.
        name: Readable, unique in its question and context.
        context: Settings under which it was made.
        target: The task it is about.
        metric: Unit of the effect.
        task_set: Where it belongs to one.
        mask: Where it belongs to one.
        coupling: Planted coupling, where it belongs to one.
        sizes: Training sizes of the arms that it weighs; none where all rows are taken and no run says how many.
        reference: What the gains are over; ``no sharing`` if any of them is; None where it cancels, as there is none.
        per_seed: The contrast of each seed.
        effect: What it came to.
        few_artists: What the test artists are worth, where that is too little to trust the verdict; None elsewhere.
        missing: What is not there, and why.
        masks: Masks of the multi-task arms that it weighs.
        couplings: Their planted couplings.
        weighs_alone: Whether it weighs runs of the target alone, which cancel where all gains are over the same.
    """

    question: Question
    name: str
    context: Settings
    target: str
    metric: str
    task_set: str | None
    mask: str | None
    coupling: float | None
    sizes: tuple[int, ...]
    reference: Reference | None
    per_seed: Mapping[int, float]
    effect: Effect
    few_artists: int | None
    missing: tuple[str, ...]
    masks: tuple[str, ...] = ()
    couplings: tuple[float, ...] = ()
    weighs_alone: bool = False


@dataclass(frozen=True)
class CellResult:
    """An arm over its seeds.

    Attributes:
        arm: The arm.
        metric: Metric of the scores.
        n: Seeds.
        scores: Test score of each seed.
        mean: Their mean.
        low: Lower end of its 95 % interval over seeds and test artists; NaN with fewer than two seeds.
        high: Upper end.
        gains: Gain over the reference, of each seed that has one.
        gain: What they came to, corrected over all cells of the study with a gain; None for the reference itself.
        reference: What the gains are over; None for the reference itself and where there is none.
        linear: Mean test score of the tuned linear model.
        trivial: Mean test score of the model that knows no lyrics.
        bayes: Mean of the best possible test score.
        known: Seeds that ``linear``, ``trivial`` and ``bayes`` are means over, by these names: not all runs have them.
        n_parameters: Parameters of the network.
        seconds: Mean time of a run.
    """

    arm: Arm
    metric: str
    n: int
    scores: Mapping[int, float]
    mean: float
    low: float
    high: float
    gains: Mapping[int, float]
    gain: Effect | None
    reference: Reference | None
    linear: float
    trivial: float
    bayes: float
    known: Mapping[str, int]
    n_parameters: int
    seconds: float


@dataclass(frozen=True)
class Absent:
    """A run of the study that is not completed.

    Attributes:
        run_id: Its name.
        state: ``failed``, ``running``, ``interrupted``, ``missing``, ``damaged`` or ``of another schema``.
        cell: What it would be: arm and seed where it has a record, else what its sweep set.
        error: Why it failed, or what is wrong with its record; empty otherwise.
    """

    run_id: str
    state: str
    cell: str
    error: str


@dataclass(frozen=True)
class Duplicate:
    """Completed runs of one arm and seed; none of them is used.

    Attributes:
        arm: The arm.
        seed: The seed.
        run_ids: The runs.
        differ: Settings in which they differ; empty if it is the version of the code alone.
    """

    arm: Arm
    seed: int
    run_ids: tuple[str, ...]
    differ: tuple[str, ...]


@dataclass(frozen=True)
class Analysis:
    """A study, analysed.

    Attributes:
        study: Its name.
        metrics: Metric of each target.
        margins: Margin of equivalence of each metric.
        runs: Completed runs that are used.
        cells: One an arm, in the order of task set, coupling, size and mask.
        contrasts: One a comparison, in the order of the questions.
        expected: Number of runs of the study.
        completed: Number of completed ones, duplicates included.
        failed: Runs that failed.
        missing: Runs not begun.
        running: Runs begun and not ended.
        damaged: Runs whose record cannot be used, or whose predictions contradict their score.
        duplicates: Completed runs that are left out because another has the same arm and seed.
        warnings: What a reader must know.
        askable: Questions that would be asked if all runs had what their gains are over.
        n_lacking: Arms whose gain the study asks for and lacks; they count in the correction of the cells' gains.
        report: ``study.report``: questions that come first, curves to draw, margins.
    """

    study: str
    metrics: Mapping[str, str]
    margins: Mapping[str, float]
    runs: tuple[Run, ...]
    cells: tuple[CellResult, ...]
    contrasts: tuple[Contrast, ...]
    expected: int
    completed: int
    failed: tuple[Absent, ...]
    missing: tuple[Absent, ...]
    running: tuple[Absent, ...]
    damaged: tuple[Absent, ...]
    duplicates: tuple[Duplicate, ...]
    warnings: tuple[str, ...]
    askable: frozenset[Question] = frozenset()
    n_lacking: int = 0
    report: Mapping[str, Any] = field(default_factory=dict)

    @property
    def absent(self) -> tuple[Absent, ...]:
        """Runs that are not completed, or whose record cannot be used."""
        return (*self.failed, *self.running, *self.damaged, *self.missing)
