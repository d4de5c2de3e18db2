"""The legend of a figure as the page has it, and the colours of all masks as variables of its style sheet."""

from collections.abc import Iterable

from markupsafe import Markup

from msd_mtl.study.page.colours import LONG, Dash, named, style_of
from msd_mtl.study.page.figures.drawing import Picture
from msd_mtl.study.page.figures.style import INK

# Outlines of the markers in a box of 28 x 12.
SHAPES = {
    "o": '<circle cx="14" cy="6" r="3.4"/>',
    "s": '<rect x="11" y="3" width="6" height="6"/>',
    "D": '<path d="M14 1.8 18.2 6 14 10.2 9.8 6Z"/>',
    "v": '<path d="M10.2 2.6H17.8L14 9.4Z"/>',
    "^": '<path d="M10.2 9.4H17.8L14 2.6Z"/>',
    "<": '<path d="M17.4 2.2V9.8L10.6 6Z"/>',
    ">": '<path d="M10.6 2.2V9.8L17.4 6Z"/>',
    "X": '<path d="M11.4 2 14 4.6 16.6 2 18 3.4 15.4 6 18 8.6 16.6 10 14 7.4 11.4 10 10 8.6 12.6 6 10 3.4Z"/>',
    "P": '<path d="M12.4 2h3.2v2.4H18v3.2h-2.4V10h-3.2V7.6H10V4.4h2.4Z"/>',
}
DASH_ARRAYS: dict[Dash, str] = {"-": "", "--": "5 3", ":": "1.5 2.5", "-.": "6 2 1.5 2", LONG: "11 2.6"}


def entries(picture: Picture) -> list[tuple[Markup, str]]:
    """Swatch and label of each line of a figure's legend."""
    found = [
        (_swatch(f"var(--m{mask})", style_of(mask).dash, style_of(mask).marker), named(mask)) for mask in picture.masks
    ]
    for mark in picture.marks:
        colour = "var(--ink)" if mark.colour == INK else "var(--muted)"
        found.append((_swatch(colour, mark.dash, mark.marker, mark.width), mark.label))
    return found


def mask_variables(masks: Iterable[str], *, night: bool) -> Markup:
    """CSS declarations of the colour of each mask."""
    pairs = ((mask, style_of(mask)) for mask in sorted(set(masks)))
    return Markup("".join(f"--m{mask}:{style.night if night else style.colour};" for mask, style in pairs))  # noqa: S704


def _swatch(colour: str, dash: Dash, marker: str, width: float = 1.5) -> Markup:
    array = f' stroke-dasharray="{DASH_ARRAYS[dash]}"' if DASH_ARRAYS[dash] else ""
    line = f'<path d="M1 6H27" fill="none" stroke-width="{width:g}"{array}/>'
    opening = f'<svg class="swatch" viewBox="0 0 28 12" aria-hidden="true" style="color:{colour}">'
    return Markup(f"{opening}{line}{SHAPES.get(marker, '')}</svg>")  # noqa: S704  # made of the constants above
