"""Pages, and a real Chromium to open them."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from msd_mtl.study.page.make import make_report

from .crowded import crowded
from .made import MASKS4, analysis, hostile

MADE = {
    "plain": analysis,
    "all masks": lambda folder: analysis(folder, masks=MASKS4, sizes=(500, 1000), couplings=(None,)),
    "hostile": hostile,
    "crowded": crowded,
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


@pytest.fixture(scope="module")
def report(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    return make_report(MADE[request.param](folder / "runs"), folder / "runs", folder / "report")


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
