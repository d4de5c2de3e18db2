"""One colour, marker and dash per sharing mask, the same in every figure and table of a page.

Hue and marker say which end of the network is shared, shade and dash tell masks of one family apart: readers who see no
hues have the marker and the dash.
"""

import colorsys
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Literal

# Okabe and Ito's palette, told apart by colour-blind readers, where it has a colour that stands out on white.
COLOURS = {"0000": "#111111", "1100": "#0072B2", "0011": "#D55E00", "1001": "#CC79A7", "1111": "#009E73"}
NAMES = {"0000": "none", "1100": "low", "0011": "high", "1001": "interspersed", "1111": "full"}

# Family of masks: (colour of its middle, marker).
FAMILIES = {
    "none": ("#111111", "o"),
    "full": ("#009E73", "D"),
    "first": ("#0072B2", "v"),  # the first layers: low
    "last": ("#D55E00", "^"),  # the last layers: high
    "ends": ("#CC79A7", "s"),  # both ends, not all between
    "inner": ("#A67C00", "P"),  # neither end
    "first, with gaps": ("#6A51A3", "<"),
    "last, with gaps": ("#7A7A2E", ">"),
}
Dash = Literal["-", "--", ":", "-."] | tuple[int, tuple[float, float]]  # as matplotlib has them
DASHES: tuple[Dash, ...] = ("-", "--", ":", "-.")
LONG: Dash = (0, (5.0, 1.2))  # of no mask: of the target alone
SHADE = 0.3  # of the way to white or black from one mask of a family to the next
MOST_LAYERS = 8  # of which all masks are listed; of deeper networks a family is one colour
NIGHT, DAY = "#14171a", "#ffffff"  # paper of the page
NIGHT_INK = "#f2f2f2"  # no sharing on dark paper
ENOUGH = {NIGHT: 5.0, DAY: 2.8}  # least contrast of a mark on paper; the palette's own pink has 2.9 on white


@dataclass(frozen=True)
class Style:
    """How a mask is drawn.

    Attributes:
        colour: On white, ``#rrggbb``.
        night: The same hue, light enough for dark paper.
        marker: A marker of matplotlib.
        dash: A line style of matplotlib.
    """

    colour: str
    night: str
    marker: str
    dash: Dash


def family(mask: str) -> str:
    """Which end of the network a mask shares, a key of ``FAMILIES``."""
    if "1" not in mask:
        return "none"
    if "0" not in mask:
        return "full"
    first, last, whole = mask[0] == "1", mask[-1] == "1", "01" not in mask.lstrip("0")
    if first and last:
        return "ends"
    if first or last:
        return ("first" if first else "last") + ("" if whole else ", with gaps")
    return "inner"


@cache
def style_of(mask: str) -> Style:
    """Colour, marker and dash of a mask such as ``1100``."""
    base, marker = FAMILIES[family(mask)]
    alike = _masks_like(mask)
    rank = alike.index(mask) if mask in alike else 0
    named = next((place for place, other in enumerate(alike) if other in COLOURS), (len(alike) - 1) // 2)
    step = rank - named
    shade = 1 - (1 - SHADE) ** abs(step)
    colour = COLOURS.get(mask) or _mixed(base, "#ffffff" if step < 0 else "#000000", shade)
    night = NIGHT_INK if family(mask) == "none" else _mixed(_readable(base, NIGHT), "#ffffff", 1 - (1 - SHADE) ** rank)
    return Style(_readable(colour, DAY), night, marker, DASHES[rank % len(DASHES)])


def named(mask: str) -> str:
    """A mask with its name, where it has one: ``low (1100)``."""
    if mask in NAMES:
        return f"{NAMES[mask]} ({mask})"
    return f"{family(mask)} ({mask})" if family(mask) in ("none", "full") else mask


@cache
def _masks_like(mask: str) -> list[str]:
    """Masks of the same family and depth, from few shared layers to many."""
    if len(mask) > MOST_LAYERS:
        return [mask]
    masks = ("".join(bits) for bits in product("10", repeat=len(mask)))
    return sorted((m for m in masks if family(m) == family(mask)), key=lambda m: (m.count("1"), m))


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21.

    Source: WCAG 2.2, relative luminance.
    """
    low, high = sorted(_luminance(colour) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _readable(colour: str, paper: str) -> str:
    """The colour, lighter or darker until it stands out on paper."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*_rgb(colour))
    towards = 0.02 if paper == NIGHT else -0.02
    while contrast(colour, paper) < ENOUGH[paper] and 0 <= lightness + towards <= 1:
        lightness += towards
        colour = _hex(colorsys.hls_to_rgb(hue, lightness, saturation))
    return colour.lower()


def _mixed(colour: str, other: str, share: float) -> str:
    return _hex(tuple(a + share * (b - a) for a, b in zip(_rgb(colour), _rgb(other), strict=True)))


def _rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return red, green, blue


def _hex(rgb: tuple[float, ...]) -> str:
    return "#" + "".join(f"{round(255 * value):02x}" for value in rgb)
