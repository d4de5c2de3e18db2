"""The contrasts of a question: each seed, their mean with its interval, and the margin within which nothing matters."""

import math
from collections.abc import Sequence
from functools import partial

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from msd_mtl.study.answers.types import Contrast, Question
from msd_mtl.study.page.colours import style_of
from msd_mtl.study.page.figures.drawing import Panel, Picture, short
from msd_mtl.study.page.figures.style import BAND, INK, MUTED, zero_line
from msd_mtl.study.page.groups import ordered_masks
from msd_mtl.study.page.words import MEANING, brief, counted, metric_name, spread

ROW, MARGINS = 0.4, 0.8  # inches
MOST_ROWS, MOST_PANELS = 24, 9
TITLES: dict[Question, str] = {
    "benefit": "Gain of sharing, paired by seed",
    "size": "Change of the gain from few to many training tracks",
    "coupling": "Change of the gain from loose to tight coupling",
    "depth": "Change of the gain with the depth and place of sharing",
}


def draw_effects(question: Question, contrasts: Sequence[Contrast]) -> Picture | None:
    """The figure of a question; None without a contrast that has an estimate."""
    found: dict[tuple[str, ...], list[Contrast]] = {}
    for contrast in contrasts:
        if math.isfinite(contrast.effect.estimate):
            found.setdefault(_panel_of(contrast), []).append(contrast)
    if not found:
        return None
    targets = {contrast.target for contrast in contrasts}
    panels = [
        Panel(
            _title(key, several=len(targets) > 1),
            partial(_panel, rows=rows[:MOST_ROWS]),
            MARGINS + ROW * len(rows[:MOST_ROWS]),
        )
        for key, rows in ((key, sorted(rows, key=_order)) for key, rows in list(found.items())[:MOST_PANELS])
    ]
    left = len(contrasts) - sum(len(rows[:MOST_ROWS]) for rows in list(found.values())[:MOST_PANELS])
    further = f" {counted(left, 'further contrast')} in the table." if left else ""
    return Picture(
        name=f"effects-{question}",
        title=TITLES[question],
        caption=f"{MEANING[question]} Small dots: {spread(c.effect.n_pairs for c in contrasts)} seeds, each against "
        "its own reference; large marks: their mean with its 95 % interval over seeds and test artists; band: within "
        f"±{contrasts[0].effect.margin:g} no difference that matters. Filled marks are decided. Test split.{further}",
        panels=panels,
        masks=ordered_masks(c.mask for c in contrasts if c.mask),
        shared="x",
    )


def _panel_of(contrast: Contrast) -> tuple[str, ...]:
    coupling = "" if contrast.coupling is None else f"coupling {contrast.coupling:g}"
    return contrast.target, contrast.task_set or "", coupling, brief(contrast.context), contrast.metric


def _order(contrast: Contrast) -> tuple[object, ...]:
    mask = contrast.mask or ""
    return mask.count("1"), [-int(bit) for bit in mask]


def labels(rows: Sequence[Contrast]) -> list[str]:
    """Names of the contrasts of a panel, without what its title says or all of them have in common."""
    parts = [row.name.split(", ") for row in rows]
    said = {*_panel_of(rows[0])[1:3], *(set.intersection(*map(set, parts)) if len(rows) > 1 else ())}
    return [short(", ".join(part for part in own if part not in said) or ", ".join(own)) for own in parts]


def _title(key: tuple[str, ...], *, several: bool) -> str:
    target, task_set, coupling, context, _ = key
    return ", ".join(part for part in (target if several else "", task_set, coupling, context) if part)


def _panel(axes: Axes, rows: Sequence[Contrast]) -> None:
    effect = rows[0].effect
    if math.isfinite(effect.margin):
        axes.axvspan(-effect.margin, effect.margin, color=MUTED, alpha=BAND, linewidth=0)
    zero_line(axes, across=False)
    for row, (contrast, label) in enumerate(zip(rows, labels(rows), strict=True)):
        _mark(axes, row, contrast, label)
    seeds = [(value, row + 0.16, _ink(c)) for row, c in enumerate(rows) for value in c.per_seed.values()]
    if seeds:
        x, y, colours = zip(*seeds, strict=True)
        axes.scatter(x, y, s=6, c=colours, alpha=0.6, linewidths=0)
    axes.set_ylim(len(rows) - 0.4, -0.75)
    axes.yaxis.set_visible(False)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlabel(
        f"{'gain' if rows[0].question == 'benefit' else 'change of the gain'} in {metric_name(rows[0].metric)}"
    )


def _ink(contrast: Contrast) -> str:
    return style_of(contrast.mask).colour if contrast.mask else INK


def _mark(axes: Axes, row: int, contrast: Contrast, label: str) -> None:
    """Label above, mean and interval below."""
    effect, colour = contrast.effect, _ink(contrast)
    at = (0, row - 0.36)
    axes.annotate(label, at, xycoords=("axes fraction", "data"), fontsize=9, color=INK, va="center")
    if math.isfinite(effect.low):
        axes.plot([effect.low, effect.high], [row, row], color=colour, linewidth=1.6)
    face = "none" if effect.verdict == "undecided" else colour
    marker = style_of(contrast.mask).marker if contrast.mask else "o"
    axes.plot([effect.estimate], [row], marker=marker, color=colour, markerfacecolor=face, markersize=5.5)
