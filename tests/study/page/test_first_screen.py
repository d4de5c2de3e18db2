"""What a reader sees without scrolling, in a real Chromium."""

import re

import pytest

from .crowded import WARNINGS

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("report", ["plain", "all masks", "hostile"], indirect=True)
def test_title_verdicts_and_figures_are_on_the_first_screen(opened):
    page = opened(1400)
    for chosen in ("h1", "#answers article >> nth=3", "#effects-benefit svg >> nth=0"):
        box = page.locator(chosen).first.bounding_box()
        assert box["y"] < 900, chosen
    assert page.locator("#answers").bounding_box()["y"] < 400


@pytest.mark.parametrize("report", ["plain", "all masks", "crowded"], indirect=True)
def test_on_a_phone_too_the_first_figure_begins_on_the_first_screen(opened):
    page = opened(400)
    assert page.locator("figure").first.bounding_box()["y"] < 800
    assert page.locator("figure svg[role=img]").first.bounding_box()["y"] < 900
    cards = page.locator("#answers article").all()
    assert len(cards) == 4
    for card in cards:
        said = card.locator("p").inner_text()
        assert re.search("(better|worse|larger|smaller) by|no difference|undecided|Not asked", said), said
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


@pytest.mark.parametrize("report", ["crowded"], indirect=True)
def test_what_the_head_leaves_out_on_a_phone_stands_further_down(opened):
    page = opened(400)
    head, rest = page.locator(".note"), page.locator("#absent-section")
    assert WARNINGS[0] in head.inner_text()
    assert "and 2 more" in head.inner_text()
    assert all(warning in rest.inner_text() for warning in WARNINGS)
    assert "95 % interval" not in page.locator("#answers").inner_text()
    assert "95 % interval" in page.locator("#benefit .sentences").inner_text()
    wide = opened(1400)
    assert all(warning in wide.locator(".note").inner_text() for warning in WARNINGS[:2])
    assert "and 1 more" in wide.locator(".note").inner_text()
    assert "95 % interval" in wide.locator("#answers").inner_text()
