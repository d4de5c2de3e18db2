"""Runs composed once more from what their sweep set in them."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from hydra import initialize_config_dir
from tests.study.answers.conftest import composed

from msd_mtl.app import conf_dir
from msd_mtl.data.store import Store
from msd_mtl.study.answers.composed import _still_makes, still_made
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


def recorded(runs: dict[str, tuple[str, ...]], data: Sequence[str] = DATA) -> dict[str, Record]:
    found = {run: composed(overrides, data)[run] for run, overrides in runs.items()}
    return {run: {"config": config, "data": {"fingerprint": one}} for run, (config, one) in found.items()}


def still_make(runs: dict[str, tuple[str, ...]], records: dict[str, Record]) -> bool:
    (found,) = still_made([runs], records)
    return found


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
    assert not still_make(swept(data=["other data"]), {})
    assert not still_make(swept(of_store("here.h5", "high"), [ELSEWHERE]) | begun, recorded(begun, [HERE]))


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


def test_runs_that_have_a_record_are_compared_with_that_wherever_their_store_is(conf):
    runs = swept(of_store("old/here.h5") + of_store("old/here.h5", "high"), [HERE])
    moved = swept(of_store("new/here.h5") + of_store("new/here.h5", "high"), [HERE])
    assert list(moved) == list(runs)
    elsewhere = swept(of_store("elsewhere.h5") + of_store("elsewhere.h5", "high"), [ELSEWHERE])
    sweeps, records = [runs, moved, runs | elsewhere, elsewhere], recorded(runs, [HERE])
    assert still_made(sweeps, records) == [True, True, True, True]
    edit(conf / "sharing/high.yaml", "[0, 0, 1, 1]", "[0, 1, 1, 1]")
    assert still_made(sweeps, records) == [False, False, False, True]  # of the last nothing is known


def test_runs_of_a_store_that_was_made_anew_since_are_taken_for_made(conf, msd_store):
    begun = swept(of_store(str(msd_store)), ["what was in it"])
    now = swept(of_store(str(msd_store), "high"), [Store.open(msd_store).content_hash])
    assert still_made([begun, now], recorded(begun, ["what was in it"])) == [True, True]


def test_where_to_write_and_a_store_may_hang_on_the_machine(conf, monkeypatch):
    monkeypatch.setenv("SCRATCH", "somewhere")
    places = ("runs_dir=${oc.env:SCRATCH}/runs", "logger=wandb", "logger.entity=${oc.env:SCRATCH}")
    runs = swept([(*one, *places) for one in of_store("${oc.env:SCRATCH}/here.h5", "high")], [HERE])
    records = recorded(runs, [HERE])
    monkeypatch.delenv("SCRATCH")
    assert still_make(runs, records)
    assert still_make(runs, {})
    edit(conf / "sharing/high.yaml", "[0, 0, 1, 1]", "[0, 1, 1, 1]")
    assert not still_make(runs, records)


def test_an_edit_that_spares_the_only_run_with_a_record_is_seen(conf):
    runs = swept(CHOSEN[:2])
    edit(conf / "data/synthetic.yaml", "split_seed: 0", "split_seed: ${seed}")
    assert not still_make(runs, recorded(dict(list(runs.items())[:1])))


def test_runs_are_composed_as_the_command_itself_is(tmp_path):
    shutil.copytree(conf_dir(), tmp_path / "own")
    (tmp_path / "own" / "sharing" / "mine.yaml").write_text("mask: [0, 1, 0, 1]\n")
    with initialize_config_dir(str(tmp_path / "own"), version_base="1.3"):
        runs = swept([("tasks=tight", "sharing=mine", "seed=0")])
        assert still_make(runs, {})
    assert not still_make(runs, {})


def asked_of(sweeps, records, monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, ...]]:
    asked, compared = set(), _still_makes
    monkeypatch.setattr(
        "msd_mtl.study.answers.composed._still_makes",
        lambda run, overrides, _: (asked.add(overrides), compared(run, overrides, {}))[1],
    )
    assert all(still_made(sweeps, records))
    return asked


def test_the_last_run_is_composed_for_each_group_that_is_chosen(conf, monkeypatch):
    assert asked_of([swept()], {}, monkeypatch) == {CHOSEN[1], CHOSEN[3]}


def test_of_sweeps_that_choose_alike_only_the_last_is_composed(conf, monkeypatch):
    given = ("study=places", "data.split_seed=${seed}")
    sweeps = [swept([(*given, f"model.dropout=0.{seed}", f"seed={seed}")]) for seed in (3, 1, 2)]
    other = swept([("study=places", "data.split_seed=0", "seed=1")])  # what is set in the others may be edited in it
    records = recorded({run: overrides for sweep in (other, *sweeps) for run, overrides in sweep.items()})
    assert asked_of([other, *sweeps], records, monkeypatch) == {*other.values(), *sweeps[-1].values()}


def test_sweeps_that_choose_alike_with_an_edit_between_are_each_compared(conf):
    first = swept(CHOSEN[:2])
    records = recorded(first)
    edit(conf / "data/synthetic.yaml", "split_seed: 0", "split_seed: 7")
    second = swept([(*CHOSEN[0][:3], "seed=2")])
    records |= recorded(second)
    assert still_made([first, second], records) == [False, True]
    assert still_made([second, first], records) == [True, False]


@pytest.mark.parametrize(("seeds", "edited"), [((0, 1), "1"), ((3, 4), "${seed}")])
def test_an_edit_that_goes_as_a_seed_goes_or_makes_a_value_go_so_is_seen(conf, seeds, edited):
    first = swept([(*CHOSEN[0][:3], f"seed={seeds[0]}")])
    records = recorded(first)
    edit(conf / "data/synthetic.yaml", "split_seed: 0", f"split_seed: {edited}")
    second = swept([(*CHOSEN[0][:3], f"seed={seeds[1]}")])
    records |= recorded(second)
    assert still_made([first, second], records) == [False, True]
