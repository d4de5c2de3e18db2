"""A matplotlib SVG made fit to stand inside a page: small, unique ids, inks and colours of the style sheet."""

import io
import re
from html import escape

from markupsafe import Markup
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from msd_mtl.study.page.figures.style import FAINT, INK, MUTED, PAPER

INKS = {INK: "--ink", MUTED: "--muted", FAINT: "--faint", PAPER: "--paper"}


def inline_svg(figure: Figure, name: str, title: str, colours: dict[str, str]) -> Markup:
    """A figure as an element of the page.

    Args:
        figure: The figure, drawn with ``SETTINGS``.
        name: Unique in the page; begins every id.
        title: What it shows, for readers who do not see it.
        colours: Colour as drawn, ``#rrggbb`` in small letters, to the CSS variable that stands for it.
    """
    file = io.StringIO()
    lay_out(figure, FigureCanvasSVG)
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    body = file.getvalue()
    body = body[body.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r"<defs>\s*</defs>", "", body)
    head = body[: body.index(">") + 1]
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', body))
    body = re.sub(r"<[^>]+>", lambda tag: _tag(tag[0], name, used, INKS | colours), body[len(head) :])
    body = re.sub(r">\s+<", "><", body).strip()
    width, height = (72 * inches for inches in figure.get_size_inches())
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="0 0 {width:g} {height:g}" role="img" aria-labelledby="{name}-title">'
        f'<title id="{name}-title">{escape(title)}</title>'
    )
    return Markup(opening + body)  # noqa: S704  # matplotlib escapes its texts, and the title is escaped above


def lay_out(figure: Figure, canvas: type[FigureCanvasBase]) -> None:
    """Lay a figure out for a kind of file. Saving it would, too, but has all of it drawn twice for that."""
    canvas(figure)
    if engine := figure.get_layout_engine():
        engine.execute(figure)
        figure.set_layout_engine(None)


def _tag(tag: str, name: str, used: set[str], inks: dict[str, str]) -> str:
    """An element's start with short numbers, ids of its own, and variables for colours."""
    tag = re.sub(r' id="([^"]*)"', lambda found: f' id="{name}-{found[1]}"' if found[1] in used else "", tag)
    tag = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", tag)
    tag = re.sub(r"-?\d+\.\d{3,}", lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), tag)
    tag = re.sub(r"#[0-9a-f]{6}\b", lambda found: f"var({inks[found[0]]})" if found[0] in inks else found[0], tag)
    return re.sub(r"font: (?:normal )*(bold |\d00 )?([\d.]+)px [^;\"]*", _font, tag)


def _font(found: re.Match[str]) -> str:
    weight = f"font-weight: {found[1].strip()}; " if found[1] else ""
    return f"{weight}font-size: {found[2]}px"
