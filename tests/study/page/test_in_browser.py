"""The page in a real Chromium: what only a browser can tell."""

import re
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.slow

PAGES = pytest.mark.parametrize("report", ["plain", "all masks", "hostile"], indirect=True)
WIDTHS = pytest.mark.parametrize("width", [400, 1400])


@PAGES
@WIDTHS
def test_every_figure_is_visible_within_the_page_and_nothing_complains(opened, width):
    page = opened(width)
    svgs = page.locator("figure svg[role=img]")
    assert svgs.count() >= 6
    for svg in svgs.all():
        box = svg.bounding_box()
        assert svg.is_visible()
        assert box["width"] > 150
        assert box["height"] > 40
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.complaints == []
    assert all(url.startswith(("file:", "data:")) for url in page.asked)


@pytest.mark.parametrize("report", ["plain"], indirect=True)
def test_tables_sort_by_a_click_or_the_keyboard(opened):
    page = opened()
    column = "#cells tbody tr td:nth-child({})"
    heads = page.locator("#cells th button").all_text_contents()
    gain = heads.index("gain")

    def shown():
        return page.locator(column.format(gain + 1)).all_text_contents()

    def numbers(texts):
        return [float(text.replace("\N{MINUS SIGN}", "-")) for text in texts if text != "–"]

    before = shown()
    page.locator("#cells th button").nth(gain).click()
    assert page.locator("#cells th").nth(gain).get_attribute("aria-sort") == "ascending"
    assert numbers(shown()) == sorted(numbers(before)) != numbers(before)
    assert shown()[-1] == "–"
    page.locator("#cells th button").nth(gain).press("Enter")
    assert page.locator("#cells th").nth(gain).get_attribute("aria-sort") == "descending"
    assert numbers(shown()) == sorted(numbers(before), reverse=True)
    assert shown()[-1] == "–"
    sizes = heads.index("training tracks")
    page.locator("#cells th button").nth(sizes).click()
    first = page.locator(column.format(sizes + 1)).first.text_content()
    assert first == "500"
    assert page.locator("#cells th[aria-sort]").count() == 1
    verdict = heads.index("verdict")
    page.locator("#cells th button").nth(verdict).click()
    words = page.locator(column.format(verdict + 1)).all_text_contents()
    known = [word for word in words if word != "–"]
    assert words[: len(known)] == sorted(known)
    assert len(set(known)) > 1
    heads = page.locator("#contrasts-benefit th button").all_text_contents()
    page.locator("#contrasts-benefit th button").nth(heads.index("p")).click()
    ps = page.locator(f"#contrasts-benefit tbody td:nth-child({heads.index('p') + 1})").all_text_contents()
    bounds = [text == "< 0.001" for text in ps]
    assert bounds == sorted(bounds, reverse=True)
    assert set(bounds) == {True, False}


@pytest.mark.parametrize("report", ["plain"], indirect=True)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_lines_and_text_of_figures_stand_out_in_light_and_dark(opened, scheme):
    page = opened(color_scheme=scheme)
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    inks = page.evaluate("""
        [...document.querySelectorAll('figure svg[role=img] text, figure svg[role=img] path')].flatMap(e => {
            const s = getComputedStyle(e);
            return e.closest('[id^=heat-map]') ? [] : [e.tagName === 'text' ? s.fill : s.stroke];
        }).filter(c => c.startsWith('rgb('))""")
    assert {contrast_of(paper, ink) >= 2.8 for ink in set(inks)} == {True}


@pytest.mark.parametrize("report", ["plain"], indirect=True)
def test_it_prints_in_light_with_whole_tables(opened):
    page = opened(color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).getPropertyValue('--paper')").strip() == "#ffffff"
    assert page.evaluate("getComputedStyle(document.querySelector('.scroll')).maxHeight") == "none"
    assert page.locator("nav").is_hidden()


PORTRAIT, LANDSCAPE = 680, 1030  # pixels of A4 between the margins


@PAGES
def test_figures_and_tables_are_as_wide_as_their_paper(opened):
    page = opened(PORTRAIT)
    page.emulate_media(media="print")
    for svg in page.locator("figure svg[role=img]").all():
        box = svg.bounding_box()
        assert box["x"] + box["width"] <= PORTRAIT
    wide = "[...document.querySelectorAll('.scroll')].map(e => [getComputedStyle(e).page, e.scrollWidth])"
    assert max(width for paper, width in page.evaluate(wide) if paper != "wide") <= PORTRAIT
    page.set_viewport_size({"width": LANDSCAPE, "height": 680})
    on_wide = [width for paper, width in page.evaluate(wide) if paper == "wide"]
    assert len(on_wide) >= 3
    assert max(on_wide) <= LANDSCAPE


PRINTED = pytest.mark.skipif(
    shutil.which("pdftotext") is None, reason="pdftotext is not installed: apt-get install poppler-utils"
)


@pytest.fixture
def printed(opened, tmp_path):
    """Prints the page, and reads the text of each sheet."""

    def print_page(paper):
        file = tmp_path / "page.pdf"
        file.write_bytes(opened().pdf(prefer_css_page_size=True, format=paper))
        told = subprocess.run(["pdftotext", "-layout", file, "-"], capture_output=True, text=True, check=True)
        return told.stdout.split("\f")

    return print_page


@PRINTED
@pytest.mark.parametrize("report", ["all masks", "crowded"], indirect=True)
def test_the_first_printed_page_has_the_first_verdicts(opened, printed):
    cards = opened().locator("#answers article p")
    said = [" ".join(text.split())[:12] for text in cards.all_inner_texts()]
    first, second, *_ = printed("A4")
    assert all(text in " ".join(first.split()) for text in said)
    title = "Gain of sharing, paired by seed"
    page = first if title in first else second
    legend = [" ".join(text.split()) for text in opened().locator("#effects-benefit .legend li").all_inner_texts()]
    assert all(name in page for name in (title, *legend))


@PRINTED
@pytest.mark.parametrize("report", ["all masks"], indirect=True)
def test_the_head_of_a_table_stands_on_each_of_its_printed_pages(printed):
    of_cells = [page for page in printed("A5") if re.search(r"^ *[01]{4} +(500|1,000) ", page, re.MULTILINE)]
    assert len(of_cells) > 1
    assert all(re.search(r"sharing .*tracks .*score .*verdict .*parameters", page) for page in of_cells)


@pytest.mark.parametrize("report", ["hostile"], indirect=True)
def test_names_run_nothing(opened):
    page = opened()
    assert page.locator("script").count() == 1
    assert page.complaints == []
    assert "<script>alert(1)</script>" in page.locator("h1").text_content()


@pytest.mark.parametrize("report", ["plain"], indirect=True)
def test_what_would_be_loaded_from_elsewhere_is_blocked(opened):
    page = opened()
    blocked = page.evaluate("""new Promise(told => {
        document.addEventListener('securitypolicyviolation', event => told(event.violatedDirective));
        fetch('https://example.invalid/x.json').catch(() => null);
        setTimeout(() => told('nothing'), 2000);
    })""")
    assert blocked == "connect-src"


@pytest.mark.parametrize("report", ["plain"], indirect=True)
def test_tables_wider_than_a_phone_scroll_in_their_box(opened):
    page = opened(400)
    box = page.locator(".scroll", has=page.locator("#cells"))
    assert box.evaluate("box => (box.scrollLeft = 100, box.scrollLeft)") == 100
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    assert box.bounding_box()["width"] <= 400
    assert page.locator("#cells caption .text").bounding_box()["width"] <= 400
    assert max(row.bounding_box()["height"] for row in page.locator("#cells tbody tr").all()) < 40  # no broken number


@pytest.mark.parametrize("report", ["plain", "all masks"], indirect=True)
def test_tables_fit_a_screen_and_say_where_they_go_on(opened):
    page = opened(1400)
    assert page.locator(".scroll.wide").count() == 0
    assert page.locator(".across").filter(visible=True).count() == 0
    box = page.locator(".scroll", has=page.locator("#cells"))
    assert box.locator(".down").is_visible() == box.evaluate("box => box.scrollHeight > box.clientHeight")
    assert page.locator("#cells th button[title]").first.get_attribute("title").startswith("p of no gain")
    page.set_viewport_size({"width": 400, "height": 900})
    page.wait_for_function("document.querySelector('.scroll.wide') !== null")
    assert box.locator(".across").is_visible()
    box.evaluate("box => box.scrollLeft = 200")
    first = page.locator("#cells tbody td:first-child").first.bounding_box()
    assert first["x"] == pytest.approx(box.bounding_box()["x"], abs=1)  # what a row is stays in sight
    page.emulate_media(media="print")
    assert box.locator(".across").is_hidden()


def contrast_of(one, other):
    """Contrast ratio of two CSS colours ``rgb(r, g, b)``."""
    from msd_mtl.study.page.colours import contrast

    def code(text):
        return "#" + "".join(f"{int(value):02x}" for value in text[4:-1].split(","))

    return contrast(code(one), code(other))
