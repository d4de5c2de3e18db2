"""What a study's configuration says of its report: the questions it is about, and curves to draw beside its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import yaml

from msd_mtl.errors import UserError
from msd_mtl.study.answers.margins import report_settings
from msd_mtl.study.answers.types import QUESTIONS, Analysis, Question


@dataclass(frozen=True)
class Reported:
    """Learning curves of an earlier study.

    Attributes:
        by: Who reported them.
        about: Whose they are, and how they came here.
        target: Task of the curves.
        train_size: Training tracks.
        base_rate: Error of predicting the commoner class.
        epochs: Counted from 1.
        error: Task set, mask (``alone`` for the target without other tasks) and the error at each epoch.
    """

    by: str
    about: str
    target: str
    train_size: int
    base_rate: float
    epochs: Sequence[int]
    error: Sequence[tuple[str, str, Sequence[float]]]


@dataclass(frozen=True)
class Hints:
    """What ``study.report`` says.

    Attributes:
        questions: All questions, those that the study is about first.
        reported: Curves of an earlier study to draw beside its own; None for none.
    """

    questions: tuple[Question, ...]
    reported: Reported | None


def hints(analysis: Analysis) -> Hints:
    """Hints of a study, from the configuration of the runs that were made for it.

    Raises:
        UserError: If there are no curves of that name.
    """
    given = report_settings(analysis.study, analysis.runs)
    first = [question for question in given.get("questions", ()) if question in QUESTIONS]
    name = given.get("curves")
    return Hints(tuple(dict.fromkeys([*first, *QUESTIONS])), None if name is None else _reported(name))


def _reported(name: str) -> Reported:
    folder = files("msd_mtl.study.page") / "reported"
    known = sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml"))
    if name not in known:
        raise UserError(f"study.report.curves must be one of {', '.join(known)}; got {name!r}.")
    return Reported(**yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8")))
