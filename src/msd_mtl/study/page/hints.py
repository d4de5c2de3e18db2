"""What a study's configuration says of its report: the questions it is about, and curves to draw beside its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import yaml

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


def questions(analysis: Analysis) -> list[Question]:
    """The four questions that every study is asked, and that of the splits where a study has both or asks it."""
    asked = {contrast.question for contrast in analysis.contrasts} | {*(analysis.report.get("questions") or ())}
    return [question for question in QUESTIONS if question != "leak" or question in asked]


def hints(analysis: Analysis) -> Hints:
    """Hints of a study, as its report has checked them."""
    first = analysis.report.get("questions") or ()
    name = analysis.report.get("curves")
    return Hints(tuple(dict.fromkeys([*first, *questions(analysis)])), None if name is None else _reported(name))


def _reported(name: str) -> Reported:
    file = files("msd_mtl.study.page") / "reported" / f"{name}.yaml"
    return Reported(**yaml.safe_load(file.read_text(encoding="utf-8")))
