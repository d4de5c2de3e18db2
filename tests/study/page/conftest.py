"""Pages, and a real Chromium to open them."""

import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from msd_mtl.study.page.make import make_report

from .crowded import crowded
from .made import MASKS4, analysis, hostile

SMALL = {"masks": ("0000", "1100"), "sizes": (500, 1000), "n_seeds": 2}
MADE = {
    "plain": analysis,
    "all masks": lambda folder: analysis(folder, masks=MASKS4, sizes=(500, 1000), couplings=(None,)),
    "hostile": hostile,
    "crowded": crowded,
    "small": lambda folder: analysis(folder, **SMALL),
}
# Nothing but the page: no updates, no accounts, no network in the background.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Headless Chromium, driven by Playwright."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install playwright")
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def page_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Makes each page once for all tests, which only read it."""

    @cache
    def made(name: str) -> Path:
        folder = tmp_path_factory.mktemp("report")
        return make_report(MADE[name](folder / "runs"), folder / "runs", folder / "report")

    return made


@pytest.fixture(scope="module")
def report(request, page_of):
    return page_of(request.param)


@pytest.fixture
def opened(browser, report):
    """Opens the page, offline, and collects what the browser complains about."""
    contexts = []

    def open_page(width=1400, **settings):
        context = browser.new_context(viewport={"width": width, "height": 900}, offline=True, **settings)
        contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("dialog", lambda dialog: page.complaints.append(f"dialog: {dialog.message}") or dialog.dismiss())
        page.on("requestfailed", lambda asked: page.complaints.append(f"failed: {asked.url}"))
        page.asked = []
        page.on("request", lambda asked: page.asked.append(asked.url))
        page.goto(report.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
