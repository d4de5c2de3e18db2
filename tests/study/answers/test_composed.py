"""Runs composed once more from what their sweep set in them."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from msd_mtl.app import conf_dir
from msd_mtl.data.store import Store
from msd_mtl.study.answers.composed import composed, still_make
from msd_mtl.study.record import Record

CHOSEN = [
    ("study=places", "tasks=tight", f"sharing={mask}", f"seed={seed}") for mask in ("low", "high") for seed in (0, 1)
]

DATA = ["synthetic"]
HERE, ELSEWHERE = "here", "elsewhere"  # content hashes of two stores that are not on this machine


@pytest.fixture
def conf(tmp_path, monkeypatch) -> Path:
    shutil.copytree(conf_dir(), tmp_path / "conf")
    monkeypatch.setattr("msd_mtl.study.answers.composed.conf_dir", lambda: tmp_path / "conf")
    return tmp_path / "conf"


def swept(given: Sequence[tuple[str, ...]] = CHOSEN, data: Sequence[str] = DATA) -> dict[str, tuple[str, ...]]:
    return {run: overrides for overrides in given for run in composed(overrides, data)}


def recorded(runs: dict[str, tuple[str, ...]], data: Sequence[str] = DATA) -> list[Record]:
    found = [composed(overrides, data)[run] for run, overrides in runs.items()]
    return [{"config": config, "data": {"fingerprint": one}} for config, one in found]


def of_store(store: str, mask: str = "low") -> list[tuple[str, ...]]:
    return [("data=msd", f"data.store={store}", "tasks=tight", f"sharing={mask}", f"seed={seed}") for seed in (0, 1)]


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
@pytest.mark.parametrize("n_begun", [0, 1, 4])
def test_once_a_study_or_a_group_that_any_run_chooses_is_edited_the_runs_are_not_made(conf, file, old, new, n_begun):
    runs = swept()
    records = recorded(dict(list(runs.items())[:n_begun]))
    assert len(runs) == 4
    assert still_make(runs, records)
    edit(conf / file, old, new)
    assert not still_make(runs, records)


def test_what_makes_no_run_of_its_own_data_is_nothing(conf):
    begun = swept(of_store("here.h5"), [HERE])
    assert not still_make(swept(data=["other data"]), [])
    assert not still_make(swept(of_store("here.h5", "high"), [ELSEWHERE]) | begun, recorded(begun, [HERE]))
    assert composed(["sharing=of_nobody"], DATA) == {}


def test_runs_of_a_store_that_nobody_here_knows_are_taken_for_made_if_they_compose(conf):
    begun, other = swept(of_store("here.h5"), [HERE]), swept(of_store("elsewhere.h5", "high"), [ELSEWHERE])
    records = recorded(begun, [HERE])
    assert still_make(begun | other, records)
    edit(conf / "sharing/high.yaml", "mask:", "x: [\nmask:")
    assert not still_make(begun | other, records)


def test_runs_of_a_store_of_which_none_is_begun_are_compared_with_what_is_in_it(conf, msd_store):
    begun = swept(of_store("here.h5"), [HERE])
    other = swept(of_store(str(msd_store), "high"), [Store.open(msd_store).content_hash])
    records = recorded(begun, [HERE])
    assert still_make(begun | other, records)
    edit(conf / "sharing/high.yaml", "[0, 0, 1, 1]", "[0, 1, 1, 1]")
    assert not still_make(begun | other, records)


def test_one_run_is_composed_for_each_group_that_is_chosen_and_the_last(conf, monkeypatch):
    runs, asked = swept(), []
    monkeypatch.setattr(
        "msd_mtl.study.answers.composed._still_makes", lambda run, overrides, _: asked.append(overrides) or True
    )
    assert still_make(runs, [])
    assert asked == [CHOSEN[3], CHOSEN[0], CHOSEN[2]]
