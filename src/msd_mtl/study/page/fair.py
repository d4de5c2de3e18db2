"""Fair comparisons: what stays of a gain when every mask has as many parameters, or every size as many steps."""

from collections.abc import Sequence
from dataclasses import dataclass

from msd_mtl.study.answers.types import Analysis, Contrast, Settings
from msd_mtl.study.page.table import Column, Table
from msd_mtl.study.page.words import NOT_SET, setting


@dataclass(frozen=True)
class Control:
    """A setting that takes one explanation of a gain away.

    Attributes:
        name: Its configuration group.
        key: Dotted key of the setting.
        override: What makes such runs.
        about: What it does and why.
    """

    name: str
    key: str
    override: str
    about: str


CONTROLS = (
    Control(
        "capacity",
        "model.match_parameters",
        "capacity=low",
        "Sharing also changes the number of parameters. With capacity=NAME the widths of every mask are scaled until "
        "it has as many parameters as the sharing of that name, so that what stays of a gain is not capacity.",
    ),
    Control(
        "budget",
        "data.epoch_steps",
        "budget=steps",
        "With equal epochs a small training set gets few steps. With budget=steps every training size gets as many, so "
        "that what stays of an effect of size is not the length of training.",
    ),
)


@dataclass(frozen=True)
class Comparison:
    """What a study says under a control.

    Attributes:
        control: The control.
        state: ``compared``, ``always`` (no run without it) or ``never``.
        table: Contrasts side by side; None unless compared.
        command: What makes the runs that are not there; empty where they are.
    """

    control: Control
    state: str
    table: Table | None
    command: str


def comparisons(analysis: Analysis, command: str) -> list[Comparison]:
    """Both controls.

    Args:
        analysis: The study.
        command: Makes the runs of the study again.
    """
    return [_comparison(control, analysis, command) for control in CONTROLS]


def _comparison(control: Control, analysis: Analysis, command: str) -> Comparison:
    values = {_configured(run.record["config"], control.key) for run in analysis.runs}
    if values <= {None}:
        return Comparison(control, "never", None, f"{command} {control.override}")
    if None not in values:
        return Comparison(control, "always", None, "")
    rows, masks = _rows(control, analysis.contrasts)
    columns = [
        Column("question", "question"),
        Column("name", "contrast"),
        Column("under", "under"),
        Column("plain", "plain effect", digits=3, signed=True),
        Column("plain_verdict", "plain verdict"),
        Column("controlled", "effect", digits=3, signed=True),
        Column("low", "low", digits=3, signed=True),
        Column("high", "high", digits=3, signed=True),
        Column("verdict", "verdict"),
    ]
    caption = f"Each contrast without and with {control.name} held equal; 95 % intervals of the latter."
    return Comparison(
        control, "compared", Table(f"fair-{control.name}", control.name, caption, columns, rows, masks), ""
    )


def _rows(control: Control, contrasts: Sequence[Contrast]) -> tuple[list[dict[str, object]], list[str | None]]:
    plain = {_identity(c): c for c in contrasts if _value(c.context, control.key) == NOT_SET}
    rows: list[dict[str, object]] = []
    masks: list[str | None] = []
    for contrast in contrasts:
        if _value(contrast.context, control.key) == NOT_SET:
            continue
        other = plain.get(_identity(contrast, without=control.key))
        rows.append(
            {
                "question": contrast.question,
                "name": contrast.name,
                "under": setting(contrast.context),
                "plain": other.effect.estimate if other else None,
                "plain_verdict": other.effect.verdict if other else None,
                "controlled": contrast.effect.estimate,
                "low": contrast.effect.low,
                "high": contrast.effect.high,
                "verdict": contrast.effect.verdict,
            }
        )
        masks.append(contrast.mask)
    return rows, masks


def _identity(contrast: Contrast, without: str = "") -> tuple[object, ...]:
    others = tuple((key, value) for key, value in contrast.context if key != without and value != NOT_SET)
    return contrast.question, contrast.target, contrast.name, others


def _value(context: Settings, key: str) -> str:
    return dict(context).get(key, NOT_SET)


def _configured(config: dict[str, object], key: str) -> str | None:
    """A setting as text; None where it is not set."""
    node: object = config
    for part in key.split("."):
        node = node.get(part) if isinstance(node, dict) else None
    return None if node is None else str(node)
