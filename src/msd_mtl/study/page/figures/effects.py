"""The contrasts of a question: each seed, their mean with its interval, and the margin within which nothing matters."""

import math
from collections.abc import Sequence
from functools import partial

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from msd_mtl.study.answers.arms import mask_order
from msd_mtl.study.answers.types import Analysis, Arm, Contrast, Question
from msd_mtl.study.page.colours import style_of
from msd_mtl.study.page.figures.basis import INTERVALS, Basis, tracks
from msd_mtl.study.page.figures.bounds import bounds_of, cut_note, within
from msd_mtl.study.page.figures.drawing import LINE, Panel, Picture, wrapped
from msd_mtl.study.page.figures.style import BAND, INK, MUTED, PAPER, zero_line
from msd_mtl.study.page.groups import is_within, ordered_masks
from msd_mtl.study.page.words import briefly, counted, meaning, metric_name

ROW, MARGINS = 0.4, 0.8  # inches
MOST_ROWS, MOST_PANELS = 24, 9
DIFFERENCES = ("benefit", "leak")  # of two scores; other effects are changes of such, slopes without bounds
WHAT: dict[Question, str] = {"benefit": "gain", "leak": "difference"}
PLAIN = "plain"  # a panel without what others have a setting for, as the fair comparisons call it
TITLES: dict[Question, str] = {
    "benefit": "Gain of sharing, paired by seed",
    "size": "Change of the gain from few to many training tracks",
    "coupling": "Change of the gain from loose to tight coupling",
    "depth": "Change of the gain with the depth and place of sharing",
    "leak": "Score with the split by track minus score with the split by artist",
}


def draw_effects(question: Question, analysis: Analysis) -> Picture | None:
    """The figure of a question; None without a contrast that has an estimate."""
    contrasts = [contrast for contrast in analysis.contrasts if contrast.question == question]
    found: dict[tuple[str, ...], list[Contrast]] = {}
    for contrast in contrasts:
        if math.isfinite(contrast.effect.estimate):
            found.setdefault(_panel_of(contrast), []).append(contrast)
    if not found:
        return None
    drawn = [sorted(rows, key=_order)[:MOST_ROWS] for rows in list(found.values())[:MOST_PANELS]]
    shown = [contrast for rows in drawn for contrast in rows]
    sizes = [_sizes(rows, analysis) if len({one.sizes for one in shown}) > 1 else [] for rows in drawn]
    uniform = [own[0] if len(set(own)) == 1 else "" for own in sizes]
    headings, common = titles([(*_panel_of(rows[0]), n) for rows, n in zip(drawn, uniform, strict=True)])
    panels = [
        _of_rows(title, rows, labels(rows, () if n else own))
        for title, rows, own, n in zip(headings, drawn, sizes, uniform, strict=True)
    ]
    left = len(contrasts) - len(shown)
    notes = _cut(shown) + (f" All panels: {', '.join(common)}." if common else "")
    if left:
        notes += f" {counted(left, 'further contrast')} in the table."
    against = ", each against its own reference" if any(one.reference for one in shown) else ""
    return Picture(
        name=f"effects-{question}",
        title=TITLES[question],
        about=f"{meaning(question, shown)} Small dots: seeds{against}; large marks: their mean, "
        f"filled where it is decided; band: within {_margins(shown)} no difference that matters.",
        basis=_basis(shown, analysis),
        panels=panels,
        masks=ordered_masks(c.mask for c in shown if c.mask),
        shared="x",
        notes=notes,
    )


def _of_rows(title: str, rows: Sequence[Contrast], names: Sequence[str]) -> Panel:
    height = ROW + LINE * max(name.count("\n") for name in names)  # of a row that has room for the longest label
    draw = partial(_panel, rows=rows, names=names)
    return Panel(title, draw, MARGINS + height * len(rows), unit=rows[0].metric, bounds={"x": _bounds(rows[0])})


def _by_metric(contrasts: Sequence[Contrast]) -> dict[str, list[Contrast]]:
    found: dict[str, list[Contrast]] = {}
    for contrast in contrasts:
        found.setdefault(contrast.metric, []).append(contrast)
    return found


def _margins(contrasts: Sequence[Contrast]) -> str:
    """``±0.01``; ``±0.01 AUROC or ±0.02 R²`` where there are several metrics."""
    margins = {metric: f"±{ones[0].effect.margin:g}" for metric, ones in _by_metric(contrasts).items()}
    if len(margins) == 1:
        return "".join(margins.values())
    return " or ".join(f"{margin} {metric_name(metric)}" for metric, margin in margins.items())


def _cut(contrasts: Sequence[Contrast]) -> str:
    """What is said of intervals that are cut: those of gains."""
    return "".join(
        cut_note(
            metric,
            (end for one in ones if one.question in DIFFERENCES for end in (one.effect.low, one.effect.high)),
            gain=True,
            in_full="the table of contrasts",
        )
        for metric, ones in _by_metric(contrasts).items()
    )


def _sizes(contrasts: Sequence[Contrast], analysis: Analysis) -> list[str]:
    """Training sizes of each contrast in words."""
    return [f"n = {tracks(one.sizes, _basis([one], analysis).runs)}" for one in contrasts]


def _basis(contrasts: Sequence[Contrast], analysis: Analysis) -> Basis:
    """What contrasts rest on: one in which the reference cancels does so though no gain is known."""
    seeds = {
        cell.arm: {seed for one in contrasts if _is_of(cell.arm, one) for seed in one.per_seed}
        for cell in analysis.cells
    }
    return Basis(
        {size for contrast in contrasts for size in contrast.sizes},
        [contrast.effect.n_pairs for contrast in contrasts],
        f"Lines: {INTERVALS}",
        "test",
        [run for run in analysis.runs if run.seed in seeds.get(run.arm, ())],
    )


def _is_of(arm: Arm, contrast: Contrast) -> bool:
    """Whether a contrast is about an arm, perhaps among others."""
    if not is_within(arm, contrast) or arm.train_size not in contrast.sizes:
        return False
    pairs = ((contrast.task_set, arm.task_set), (contrast.mask, arm.mask), (contrast.coupling, arm.coupling))
    return all(own is None or own == other for own, other in pairs)


def _panel_of(contrast: Contrast) -> tuple[str, ...]:
    coupling = "" if contrast.coupling is None else f"coupling {contrast.coupling:g}"
    task_set = contrast.task_set or ("between task sets" if contrast.question == "depth" else "")
    if contrast.question == "leak":  # a target has few
        return contrast.target, "", "", *briefly(contrast.context)
    return contrast.target, task_set, coupling, *briefly(contrast.context)


def _order(contrast: Contrast) -> tuple[object, ...]:
    return mask_order(contrast.mask or "")


def labels(rows: Sequence[Contrast], sizes: Sequence[str] = ()) -> list[str]:
    """Names of the contrasts of a panel, without what its title says or all of them have in common.

    Args:
        rows: The contrasts.
        sizes: Training sizes of each, where they are to be said.
    """
    parts = [row.name.split(", ") for row in rows]
    said = {*_panel_of(rows[0])[1:3], *(set.intersection(*map(set, parts)) if len(rows) > 1 else ())}
    names = [", ".join(part for part in own if part not in said) or ", ".join(own) for own in parts]
    return [wrapped(", ".join(own)) for own in (zip(names, sizes, strict=True) if sizes else zip(names, strict=True))]


def titles(keys: Sequence[tuple[str, ...]]) -> tuple[list[str], list[str]]:
    """What tells panels apart, and what all of them have in common.

    Args:
        keys: Of each panel its target, task set, coupling and settings; empty where it has none.

    Returns:
        A title for each panel, all of its own where it has nothing but what the others have, ``PLAIN`` where it has
        nothing and others have something; what is in all of several panels, their target left out.
    """
    several = len({target for target, *_ in keys}) > 1
    parts = [[part for part in (key if several else key[1:]) if part] for key in keys]
    nothing = PLAIN if any(parts) else ""
    common = [part for part in parts[0] if all(part in own for own in parts)] if len(keys) > 1 else []
    return [", ".join(part for part in own if part not in common) or ", ".join(own) or nothing for own in parts], common


def _panel(axes: Axes, rows: Sequence[Contrast], names: Sequence[str]) -> None:
    effect = rows[0].effect
    if math.isfinite(effect.margin):
        axes.axvspan(-effect.margin, effect.margin, color=MUTED, alpha=BAND, linewidth=0)
    zero_line(axes, across=False)
    for row, (contrast, label) in enumerate(zip(rows, names, strict=True)):
        _mark(axes, row, contrast, label)
    seeds = [(value, row + 0.16, _ink(c)) for row, c in enumerate(rows) for value in c.per_seed.values()]
    if seeds:
        x, y, colours = zip(*seeds, strict=True)
        axes.scatter(x, y, s=6, c=colours, alpha=0.6, linewidths=0)
    axes.set_ylim(len(rows) - 0.4, -0.75)
    axes.yaxis.set_visible(False)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlabel(f"{WHAT.get(rows[0].question, 'change of the gain')} in {metric_name(rows[0].metric)}")


def _bounds(contrast: Contrast) -> tuple[float, float]:
    """What the effect can be."""
    return bounds_of(contrast.metric, gain=True) if contrast.question in DIFFERENCES else (-math.inf, math.inf)


def _ink(contrast: Contrast) -> str:
    return style_of(contrast.mask).colour if contrast.mask else INK


def _mark(axes: Axes, row: int, contrast: Contrast, label: str) -> None:
    """Label above, on paper of its own so that no band runs through it; mean and interval below."""
    effect, colour = contrast.effect, _ink(contrast)
    axes.annotate(
        label,
        *((0, row), (0, 5)),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        fontsize=9,
        color=INK,
        va="bottom",
        zorder=1,  # above band and line, below all that is measured
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.8},
    )
    if math.isfinite(effect.low):
        ends = [within(end, _bounds(contrast)) for end in (effect.low, effect.high)]
        axes.plot(ends, [row, row], color=colour, linewidth=1.6)
    face = "none" if effect.verdict == "undecided" else colour
    marker = style_of(contrast.mask).marker if contrast.mask else "o"
    axes.plot([effect.estimate], [row], marker=marker, color=colour, markerfacecolor=face, markersize=5.5)
