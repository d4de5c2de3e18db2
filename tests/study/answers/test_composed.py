"""Runs composed once more from what their sweep set in them."""

import shutil
from pathlib import Path

import pytest

from msd_mtl.app import conf_dir
from msd_mtl.study.answers.composed import composed, still_make
from msd_mtl.study.identity import run_id

CHOSEN = [
    ("study=places", "tasks=tight", f"sharing={mask}", f"seed={seed}") for mask in ("low", "high") for seed in (0, 1)
]


@pytest.fixture
def conf(tmp_path, monkeypatch) -> Path:
    shutil.copytree(conf_dir(), tmp_path / "conf")
    monkeypatch.setattr("msd_mtl.study.answers.composed.conf_dir", lambda: tmp_path / "conf")
    return tmp_path / "conf"


def swept() -> dict[str, tuple[str, ...]]:
    found = {}
    for overrides in CHOSEN:
        config = composed(overrides)
        assert config is not None
        found[run_id(config, "synthetic")] = overrides
    return found


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_what_a_study_or_a_group_that_any_run_chooses_sets_is_no_longer_the_same_once_it_is_edited(conf):
    runs = swept()
    data = dict.fromkeys(runs, "synthetic")
    assert still_make(runs, data)
    for file, old, new in (
        ("sharing/high.yaml", "[0, 0, 1, 1]", "[0, 1, 1, 1]"),
        ("study/places.yaml", "study:", "recipe: {select_after: 0.25}\nstudy:"),
        ("tasks/tight.yaml", "names:", "nonsense:"),
    ):
        whole = (conf / file).read_text()
        edit(conf / file, old, new)
        assert not still_make(runs, data)
        assert still_make(runs, {})  # nothing is known of them
        (conf / file).write_text(whole)
    assert not still_make(runs, dict.fromkeys(runs, "other data"))
    assert composed(["sharing=of_nobody"]) is None


def test_one_run_is_composed_for_each_group_that_is_chosen(conf, monkeypatch):
    runs, asked = swept(), []
    monkeypatch.setattr("msd_mtl.study.answers.composed.composed", lambda run: asked.append(run) or composed(run))
    assert still_make(runs, dict.fromkeys(runs, "synthetic"))
    assert asked == [CHOSEN[0], CHOSEN[2]]
