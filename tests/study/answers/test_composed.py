"""Runs composed once more from what their sweep set in them."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from msd_mtl.app import conf_dir
from msd_mtl.study.answers.composed import composed, still_make

CHOSEN = [
    ("study=places", "tasks=tight", f"sharing={mask}", f"seed={seed}") for mask in ("low", "high") for seed in (0, 1)
]

DATA = ["synthetic"]


@pytest.fixture
def conf(tmp_path, monkeypatch) -> Path:
    shutil.copytree(conf_dir(), tmp_path / "conf")
    monkeypatch.setattr("msd_mtl.study.answers.composed.conf_dir", lambda: tmp_path / "conf")
    return tmp_path / "conf"


def swept(given: Sequence[tuple[str, ...]] = CHOSEN) -> dict[str, tuple[str, ...]]:
    return {run: overrides for overrides in given for run in composed(overrides, DATA)}


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("sharing/high.yaml", "[0, 0, 1, 1]", "[0, 1, 1, 1]"),
        ("sharing/high.yaml", "mask:", "x: [\nmask:"),
        ("study/places.yaml", "study:", "recipe: {select_after: 0.25}\nstudy:"),
        ("tasks/tight.yaml", "names:", "nonsense:"),
        ("tasks/tight.yaml", "names:", "names: null #"),
        ("data/synthetic.yaml", "split_seed: 0", "split_seed: ${seed}"),  # the first seed is 0
    ],
)
def test_once_a_study_or_a_group_that_any_run_chooses_is_edited_the_runs_are_not_made(conf, file, old, new):
    runs = swept()
    assert len(runs) == 4
    assert still_make(runs, DATA)
    edit(conf / file, old, new)
    assert not still_make(runs, DATA)


def test_what_makes_no_run_of_the_data_is_nothing(conf):
    assert not still_make(swept(), ["other data"])
    assert composed(["sharing=of_nobody"], DATA) == {}


def test_one_run_is_composed_for_each_group_that_is_chosen_and_the_last(conf, monkeypatch):
    runs, asked = swept(), []
    monkeypatch.setattr(
        "msd_mtl.study.answers.composed.composed", lambda run, data: asked.append(run) or composed(run, data)
    )
    assert still_make(runs, DATA)
    assert asked == [CHOSEN[3], CHOSEN[0], CHOSEN[2]]
