"""Fair comparisons: what stays of a gain when every mask has as many parameters, or every size as many steps."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msd_mtl.study.answers.types import Analysis, Contrast, Reference, Run, Settings
from msd_mtl.study.page.commands import Making
from msd_mtl.study.page.figures.basis import tracks
from msd_mtl.study.page.groups import is_within
from msd_mtl.study.page.table import Column, Table
from msd_mtl.study.page.words import NOT_SET, setting


@dataclass(frozen=True)
class Control:
    """A setting that takes one explanation of a gain away.

    Attributes:
        name: Its configuration group.
        key: Dotted key of the setting.
        plain: Choice of the group without the control.
        override: What makes such runs.
        about: What it does and why.
    """

    name: str
    key: str
    plain: str
    override: str
    about: str


CONTROLS = (
    Control(
        "capacity",
        "model.match_parameters",
        "nominal",
        "capacity=full",
        "Sharing also changes the number of parameters. With capacity=NAME the widths of every mask are scaled until "
        "it has as many parameters as the sharing of that name, so that what stays of a gain is not capacity.",
    ),
    Control(
        "budget",
        "data.epoch_steps",
        "epochs",
        "budget=steps",
        "With equal epochs a small training set gets few steps. With budget=steps every training size gets as many, so "
        "that what stays of an effect of size is not the length of training.",
    ),
)


GAIN_OVER: Mapping[Reference | None, str] = {
    "single task": "the target alone",
    "no sharing": "no sharing",
    "split by artist": "the split by artist",
    None: "a reference that cancels",
}


@dataclass(frozen=True)
class Comparison:
    """What a study says under a control.

    Attributes:
        control: The control.
        state: ``compared``, ``always`` (no run without it) or ``never``.
        table: Contrasts side by side; None unless compared.
        commands: What makes the runs that are not there; none where they are, or where nobody knows what does.
        missing: Runs with the control, or without it, that are not completed, in words; empty where all are.
    """

    control: Control
    state: str
    table: Table | None
    commands: tuple[str, ...]
    missing: str = ""


def comparisons(analysis: Analysis, makings: Sequence[Making]) -> list[Comparison]:
    """Both controls.

    Args:
        analysis: The study.
        makings: What makes the runs of the study again.
    """
    return [_comparison(control, analysis, makings) for control in CONTROLS]


def _comparison(control: Control, analysis: Analysis, makings: Sequence[Making]) -> Comparison:
    absent = [(one.state, asked) for one in analysis.absent if (asked := _asks_for(control, one.cell)) is not None]
    sides = {_configured(run.record["config"], control.key) is not None for run in analysis.runs}
    sides |= {asked for _, asked in absent}
    if True not in sides:
        return Comparison(control, "never", None, _commands(control, analysis, makings))
    missing = ", ".join(
        f"{n:,} {state} {'with' if asked else 'without'} it" for (state, asked), n in Counter(absent).items()
    )
    if False not in sides:
        return Comparison(control, "always", None, (), missing)
    rows, masks = _rows(control, analysis)
    columns = [
        Column("question", "question"),
        Column("name", "contrast"),
        Column("under", "under", folds=True),
        Column("sizes", "training tracks", folds=True),
        Column("plain", "plain effect", digits=3, signed=True),
        Column("plain_seeds", "plain seeds", digits=0),
        Column("plain_verdict", "plain verdict"),
        Column("controlled", "effect", digits=3, signed=True),
        Column("low", "low", digits=3, signed=True),
        Column("high", "high", digits=3, signed=True),
        Column("seeds", "seeds", digits=0),
        Column("verdict", "verdict"),
        *([Column("missing", "missing")] if any(row["missing"] for row in rows) else []),
    ]
    caption = "Plain: without it, over the same training tracks. Effect: with it, and its 95 % interval."
    table = Table(
        f"fair-{control.name}", f"Contrasts without and with equal {control.name}", caption, columns, rows, masks
    )
    return Comparison(control, "compared", table, (), missing)


def _commands(control: Control, analysis: Analysis, makings: Sequence[Making]) -> tuple[str, ...]:
    """What makes runs with a control to compare; nothing where that is not known, or there is nothing to compare."""
    if not analysis.contrasts or any(one.claim == "unknown" for one in makings):
        return ()
    having = [one.having(control.override, control.name, control.key) for one in makings]
    return tuple(dict.fromkeys(one.command for one in having))


def _asks_for(control: Control, cell: str) -> bool | None:
    """Whether a run that is not there would have the control; None where its description does not say."""
    value = re.search(rf"(?:^|[ ,]){re.escape(control.key)}=(\S+)", cell)
    if value is not None:
        return value[1].rstrip(",") != NOT_SET
    choice = re.search(rf"(?:^|[ ,]){control.name}=(\w+)", cell)
    return None if choice is None else choice[1] != control.plain


def _rows(control: Control, analysis: Analysis) -> tuple[list[dict[str, object]], list[str | None]]:
    """Contrasts with the control beside those without it; either may stand alone."""
    contrasts = analysis.contrasts
    plain = {_identity(c): c for c in contrasts if _value(c.context, control.key) == NOT_SET}
    controlled = [c for c in contrasts if _value(c.context, control.key) != NOT_SET]
    pairs: list[tuple[Contrast | None, Contrast | None]] = [
        (plain.get(_identity(contrast, without=control.key)), contrast) for contrast in controlled
    ]
    paired = {id(one) for one, _ in pairs}
    pairs += [(one, None) for one in plain.values() if id(one) not in paired]
    return [_row(*pair, analysis.runs) for pair in pairs], [one.mask for pair in pairs if (one := pair[1] or pair[0])]


def _row(plain: Contrast | None, controlled: Contrast | None, runs: Sequence[Run]) -> dict[str, object]:
    one = controlled or plain
    assert one is not None  # noqa: S101
    missing = [f"plain: {said}" for said in (plain.missing if plain else ["no runs to compare yet"])]
    missing += controlled.missing if controlled else ["no runs to compare yet"]
    if plain and controlled and (why := _differ(plain, controlled, runs)):
        missing.insert(0, f"plain: not compared, as {why}")
        plain = None
    return {
        "question": one.question,
        "name": one.name,
        "under": setting(one.context),
        "sizes": _sizes(one, runs),
        "plain": plain.effect.estimate if plain else None,
        "plain_seeds": plain.effect.n_pairs if plain else None,
        "plain_verdict": plain.effect.verdict if plain else None,
        "controlled": controlled.effect.estimate if controlled else None,
        "low": controlled.effect.low if controlled else None,
        "high": controlled.effect.high if controlled else None,
        "seeds": controlled.effect.n_pairs if controlled else None,
        "verdict": controlled.effect.verdict if controlled else None,
        "missing": "; ".join(missing),
    }


def _differ(plain: Contrast, controlled: Contrast, runs: Sequence[Run]) -> str:
    """In what two contrasts differ beside the control, so that they are not compared; empty where in nothing."""
    if plain.sizes != controlled.sizes:
        return f"it is over {_sizes(plain, runs)} training tracks"
    if plain.weighs_alone != controlled.weighs_alone:  # where neither does, it cancels or is one of the masks
        return f"its gains are over {GAIN_OVER[plain.reference]}, not over {GAIN_OVER[controlled.reference]}"
    if plain.masks != controlled.masks:
        return f"it is over the masks {', '.join(plain.masks)}, not {', '.join(controlled.masks)}"
    if plain.couplings != controlled.couplings:
        return f"it is over the couplings {_couplings(plain)}, not {_couplings(controlled)}"
    return ""


def _couplings(contrast: Contrast) -> str:
    return ", ".join(f"{one:g}" for one in contrast.couplings)


def _sizes(contrast: Contrast, runs: Sequence[Run]) -> str:
    """Training sizes of a contrast in words."""
    return tracks(contrast.sizes, [run for run in runs if is_within(run.arm, contrast)])


def _identity(contrast: Contrast, without: str = "") -> tuple[object, ...]:
    """What a contrast and the same under a control have in common.

    What it is a change over, or the masks that it weighs, depends on the runs that there are.
    """
    others = tuple((key, value) for key, value in contrast.context if key != without and value != NOT_SET)
    what, is_change, _ = contrast.name.partition(", from ")
    name = contrast.name if contrast.question == "leak" else is_change if contrast.task_set else what
    return contrast.question, contrast.target, contrast.task_set, contrast.coupling, contrast.mask, name, others


def _value(context: Settings, key: str) -> str:
    return dict(context).get(key, NOT_SET)


def _configured(config: dict[str, object], key: str) -> str | None:
    """A setting as text; None where it is not set."""
    node: object = config
    for part in key.split("."):
        node = node.get(part) if isinstance(node, dict) else None
    return None if node is None else str(node)
