import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser

import pandas as pd
import pytest

from msd_mtl.errors import UserError
from msd_mtl.study.page.make import make_report
from msd_mtl.study.report import verdict_table

from .conftest import SMALL
from .made import analysis


@pytest.fixture(scope="module")
def plain(page_of):
    return page_of("plain").parent


@pytest.fixture(scope="module")
def attacked(page_of):
    return page_of("hostile").parent


class Elements(HTMLParser):
    """Elements and attributes of a page."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


@pytest.fixture(scope="module", params=["plain", "attacked"])
def report(request):
    return request.getfixturevalue(request.param)


def test_nothing_is_loaded_from_elsewhere(report):
    loading = [
        (tag, value)
        for tag, attributes in Elements((report / "index.html").read_text()).found
        for name, value in attributes.items()
        if name in ("src", "srcset", "data", "action") or (name == "href" and tag not in ("a", "use"))
    ]
    assert loading == [("link", "data:,")]
    assert "url(http" not in (report / "index.html").read_text()
    assert "@import" not in (report / "index.html").read_text()


def test_ids_are_unique_and_references_lead_somewhere(report):
    found = Elements((report / "index.html").read_text()).found
    ids = [attributes["id"] for _, attributes in found if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [a[key] for _, a in found for key in ("href", "xlink:href") if a.get(key, "").startswith("#")]
    references = re.findall(r"url\(#([^)]+)\)", (report / "index.html").read_text())
    labels = [attributes["aria-labelledby"] for _, attributes in found if "aria-labelledby" in attributes]
    assert {link[1:] for link in links} | set(references) | set(labels) <= set(ids)


def test_every_file_that_the_page_links_to_is_there(report):
    for tag, attributes in Elements((report / "index.html").read_text()).found:
        target = attributes.get("href") or ""
        if tag == "a" and not target.startswith("#"):
            assert (report / target).is_file(), target
            assert (report / target).stat().st_size > 0


def test_every_figure_and_table_has_a_title_and_a_caption(report):
    text = (report / "index.html").read_text()
    assert text.count("<figure") == text.count("<figcaption") > 5
    assert text.count("<table") == text.count("<caption") > 8
    assert text.count('<svg xmlns="http://www.w3.org/2000/svg"') == len(re.findall(r"<title id=", text))


def test_text_from_data_is_escaped_everywhere(attacked):
    text = (attacked / "index.html").read_text()
    assert "alert(1)" in text
    assert "<script>alert" not in text
    assert [tag for tag, _ in Elements(text).found].count("script") == 1
    latex = (attacked / "tables" / "absent.tex").read_text()
    assert r"\textbackslash textbf\{\%\}" in latex
    assert r"\textbf{%}" not in latex


def test_every_figure_speaks_of_n_seeds_interval_and_split(plain):
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", (plain / "index.html").read_text(), re.DOTALL)
    assert len(captions) > 8
    for caption in captions:
        assert "n = 500, 2,000 and 8,000 training tracks; 3 seeds." in caption
        assert re.search(r"95 % intervals (over seeds and test artists|\(t over seeds\))", caption), caption
        assert re.search(r"(Test|Validation) split \(artist\): 900 labelled tracks\.", caption), caption


def test_one_colour_a_sharing_in_all_figures(plain):
    text = (plain / "index.html").read_text()
    assert "--m1100:#0072b2" in text
    figures = "".join(re.findall(r"<figure.*?</figure>", text, re.DOTALL))
    assert "var(--m1100)" in figures
    assert "#0072b2" not in figures.lower()
    assert '<tr style="--c:var(--m1100)">' in text


def test_tables_hold_every_digit_in_csv(plain):
    cells = pd.read_csv(plain / "tables" / "cells.csv", dtype={"mask": str})
    assert len(cells) == 5 * 3 * 2
    verdicts = json.loads((plain / "verdicts.json").read_text())
    assert cells["mean"].tolist() == pytest.approx([cell["mean"] for cell in verdicts["cells"]], abs=1e-15)
    assert {"low", "high", "gain", "p_holm", "n_parameters", "seconds", "linear", "bayes"} <= set(cells.columns)
    assert (plain / "tables" / "cells.tex").read_text().startswith("\\begin{tabular}")


def test_latex_needs_no_package_for_the_characters_of_tables(plain):
    for file in (plain / "tables").glob("*.tex"):
        assert file.read_text().isascii(), file


def test_verdicts_hold_every_contrast_with_its_seeds_and_where_it_is_from(plain):
    verdicts = json.loads((plain / "verdicts.json").read_text())
    assert verdicts["schema_version"] == 1
    assert set(verdicts["questions"]) == {"benefit", "size", "coupling", "depth"}
    first = verdicts["contrasts"][0]
    assert {"estimate", "low", "high", "p", "p_holm", "p_equivalence", "verdict", "margin", "n_pairs", "se_seeds",
            "se_artists", "df", "seeds_needed"} <= set(first["effect"])  # fmt: skip
    assert list(first["per_seed"]) == ["0", "1", "2"]
    assert first["sentence"]
    assert verdicts["provenance"]["commands"][-1] == "msd-mtl report study=made"


def test_what_says_most_is_told_with_what_it_was_made_under(tmp_path):
    made = analysis(tmp_path / "runs", contexts=((("data.world.common", "low"), ("data.control", "null")),), **SMALL)
    page = make_report(made, tmp_path / "runs", tmp_path / "report")
    leading = json.loads((page.parent / "verdicts.json").read_text())["questions"]["depth"]["leading"]
    assert leading.startswith("tight, slope over depth, common low: no difference beyond")
    assert leading in [str(cell) for cell in verdict_table(made).columns[2].cells]
    assert "<b>tight, slope over depth</b>, common low:" in page.read_text()


def test_a_page_made_twice_is_the_same_bytes(tmp_path):
    made = analysis(tmp_path / "runs", **SMALL)
    one, other = (make_report(made, tmp_path / "runs", tmp_path / name).parent for name in ("one", "other"))
    files = sorted(path.relative_to(one) for path in one.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(other) for path in other.rglob("*") if path.is_file())
    assert len(files) > 20
    assert [path for path in files if (one / path).read_bytes() != (other / path).read_bytes()] == []


def test_a_study_with_nothing_to_compare_has_a_page(tmp_path):
    made = analysis(tmp_path / "runs", masks=("0000",), sizes=(500,), couplings=(None,), n_seeds=1, histories=False)
    made = replace(made, contrasts=())
    page = make_report(made, tmp_path / "runs", tmp_path / "report").read_text()
    texts = re.sub(r"<[^>]+>", "", page)
    assert texts.count("Not asked: this needs") == 8


def test_what_is_missing_is_said_first(attacked):
    text = (attacked / "index.html").read_text()
    assert text.index("Not all runs are in these numbers") < text.index('id="answers"')
    for state in ("1 failed", "1 missing", "2 duplicate"):
        assert state in text


def test_a_report_replaces_a_report_and_nothing_else(page_of, tmp_path):
    made = analysis(tmp_path / "runs", **SMALL)
    out = shutil.copytree(page_of("small").parent, tmp_path / "report")
    (out / "left.txt").touch()
    make_report(made, tmp_path / "runs", out)
    assert not (out / "left.txt").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    with pytest.raises(UserError, match=r"out must be a new folder or that of a report; got .*mine\. Choose another"):
        make_report(made, tmp_path / "runs", tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.tex").exists()


def test_a_report_that_cannot_be_made_leaves_the_old_one(page_of, tmp_path, monkeypatch):
    made = analysis(tmp_path / "runs", **SMALL)
    page = shutil.copytree(page_of("small").parent, tmp_path / "report") / "index.html"
    before = page.read_bytes()
    monkeypatch.setattr("msd_mtl.study.page.make.write_json", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        make_report(made, tmp_path / "runs", tmp_path / "report")
    assert page.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report", "runs"]


def test_what_a_killed_process_left_is_removed(tmp_path):
    dead = 2**22 + 1  # above the largest process id
    (tmp_path / f".report.{dead}.part").mkdir()
    (tmp_path / f".report.{dead}.old").mkdir()
    (tmp_path / ".report.1.part").mkdir()  # of a process that lives
    make_report(analysis(tmp_path / "runs", **SMALL), tmp_path / "runs", tmp_path / "report")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".report.1.part", "report", "runs"]
