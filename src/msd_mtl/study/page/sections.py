"""What stands on the page, in its order, before it is HTML."""

from collections.abc import Sequence
from dataclasses import dataclass

from msd_mtl.study.answers.types import Analysis, Contrast, Question
from msd_mtl.study.page import words
from msd_mtl.study.page.figures.drawing import Picture
from msd_mtl.study.page.figures.effects import draw_effects
from msd_mtl.study.page.figures.heat_map import draw_heat_map
from msd_mtl.study.page.figures.learning_curves import draw_curves
from msd_mtl.study.page.figures.parameters import draw_parameters
from msd_mtl.study.page.figures.scores import draw_gains_by_size, draw_scores
from msd_mtl.study.page.groups import Group, groups
from msd_mtl.study.page.table import Table
from msd_mtl.study.page.tables import contrast_table
from msd_mtl.study.page.unasked import unasked

MOST_SENTENCES = 8
MOST_GROUPS = 8  # groups that are drawn; the table of cells has all


@dataclass(frozen=True)
class Answer:
    """A question with what the study says to it.

    Attributes:
        name: Its short name.
        question: The question.
        meaning: What was computed.
        tally: Verdicts with their number.
        leading: The contrast that says most, and the parts of its verdict in words; None where nothing was asked.
        sentences: Contrasts in words, decided ones first.
        left: Contrasts that stand in the table only.
        unasked: Why nothing was asked, where nothing was.
        picture: Its figure.
        table: Its contrasts.
    """

    name: str
    question: str
    meaning: str
    tally: Sequence[tuple[str, int]]
    leading: tuple[Contrast, tuple[str, str, str]] | None
    sentences: Sequence[tuple[Contrast, str, str]]
    left: int
    unasked: str
    picture: Picture | None
    table: Table | None


def answers(analysis: Analysis, questions: Sequence[Question]) -> list[Answer]:
    """The answers to the questions, in their order."""
    return [_answer(name, analysis) for name in questions]


def _answer(name: Question, analysis: Analysis) -> Answer:
    contrasts = [contrast for contrast in analysis.contrasts if contrast.question == name]
    order = {verdict: place for place, verdict in enumerate(words.VERDICTS)}
    ordered = sorted(contrasts, key=lambda contrast: order[contrast.effect.verdict])
    first = words.leading(contrasts)
    return Answer(
        name=name,
        question=words.QUESTIONS[name],
        meaning=words.meaning(name, contrasts),
        tally=words.tally(contrasts),
        leading=None if first is None else (first, words.verdict_parts(first)),
        sentences=[(c, words.setting(c.context), words.verdict_of(c)) for c in ordered[:MOST_SENTENCES]],
        left=max(len(contrasts) - MOST_SENTENCES, 0),
        unasked=unasked(analysis, name),
        picture=draw_effects(name, analysis),
        table=contrast_table(f"contrasts-{name}", "Contrasts", contrasts) if contrasts else None,
    )


def score_pictures(analysis: Analysis) -> list[Picture]:
    """Scores of each group."""
    return [draw_scores(group) for group in _drawn(analysis)]


def further_pictures(analysis: Analysis) -> list[Picture]:
    """The other figures of each group."""
    found: list[Picture | None] = []
    for group in _drawn(analysis):
        found += [draw_gains_by_size(group), draw_heat_map(group), draw_parameters(group), *draw_curves(group)]
    return [picture for picture in found if picture is not None]


def undrawn(analysis: Analysis) -> str:
    """What is said of groups that are too many to be drawn; empty where all are."""
    left = len(groups(analysis)) - MOST_GROUPS
    if left <= 0:
        return ""
    return f"Figures show {MOST_GROUPS} combinations of target and settings; the table of cells has {left:,} more."


def _drawn(analysis: Analysis) -> list[Group]:
    return groups(analysis)[:MOST_GROUPS]


def subtitle(analysis: Analysis) -> str:
    """Targets, metric, runs and seeds in one line."""
    by_metric: dict[str, list[str]] = {}
    for target, metric in analysis.metrics.items():
        by_metric.setdefault(words.metric_name(metric), []).append(target)
    targets = ", ".join(f"{', '.join(ones)} (test {metric})" for metric, ones in by_metric.items())
    n_seeds = len({run.seed for run in analysis.runs})
    data = sorted({run.record["config"]["data"]["name"] for run in analysis.runs})
    told = {"synthetic": "synthetic lyrics", "msd": "Million Song Dataset"}
    done = f"{analysis.completed:,} of {words.counted(analysis.expected, 'run')}"
    parts = [targets, done, words.seeds(n_seeds), " and ".join(told.get(name, name) for name in data)]
    return " · ".join(part for part in parts if part)
