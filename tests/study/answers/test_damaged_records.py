"""Whatever somebody has done to a record, its study is analysed: with the run, or with it named as not used."""

import copy
import json
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import pytest

from msd_mtl.study.answers.analyse import analyse
from msd_mtl.study.record import RECORD

GONE = object()
VALUES = (GONE, None, "text", "", 7, -1.5, float("nan"), True, [], [1, 2], [["a"]], {}, {"a": 1})
CORE = {"status", "seed", "train_size", "names", "mask", "label", "coupling", "fingerprint"}  # what arms are read off


def places(node: Any, *above: Any) -> Iterator[tuple[Any, ...]]:
    """Where the entries of a record are, at any depth."""
    found: Sequence[Any] = (
        list(node.items()) if isinstance(node, dict) else list(enumerate(node)) if isinstance(node, list) else []
    )
    for key, below in found:
        yield (*above, key)
        yield from places(below, *above, key)


def edited(whole: dict[str, Any], place: tuple[Any, ...], value: Any) -> dict[str, Any]:
    record = copy.deepcopy(whole)
    node = record
    for key in place[:-1]:
        node = node[key]
    if value is GONE:
        del node[place[-1]]
    else:
        node[place[-1]] = value
    return record


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_no_edit_of_a_record_ends_an_analysis(study, status):
    study.add("pop", "0000", 0)
    name = study.add("tight", "1100", 0, status=status, label_coupling=0.3, data__coupling=None)
    study.write_index()
    folder = study.folder / name
    whole = json.loads((folder / RECORD).read_text())
    for n, place in enumerate(places(whole)):
        is_core = place[-1] in CORE or place[-2:-1] == ("names",)
        some = [VALUES[n % len(VALUES)]] if status == "completed" else []
        for value in VALUES if is_core else some:
            (folder / RECORD).write_text(json.dumps(edited(whole, place, value)))
            made = analyse(study.folder, "made", n_bootstrap=2)
            told = [*(run.run_id for run in made.runs), *(one.run_id for one in made.absent), *made.warnings]
            assert any(name in one for one in told), (place, value)


def test_a_run_whose_seed_was_edited_is_damaged(crossed):
    study = crossed()
    run = analyse(study.folder, "made", n_bootstrap=2).runs[0]
    (run.folder / RECORD).write_text(json.dumps(run.record | {"seed": run.seed + 1}))
    (one,) = analyse(study.folder, "made", n_bootstrap=2).damaged
    assert (one.run_id, one.error) == (
        run.run_id,
        "its record lacks seed equal to config.seed; delete it, and repeat the sweep",
    )


@pytest.mark.parametrize("n", [0, -3])
def test_a_completed_run_without_a_labelled_training_track_is_damaged(study, n):
    for seed, train_size in product((0, 1), (500, None)):
        study.add("pop", "0000", seed, data__train_size=train_size)
        name = study.add("tight", "1100", seed, data__train_size=train_size)
    study.write_index()
    folder = study.folder / name
    record = json.loads((folder / RECORD).read_text())
    record["data"]["labelled"]["train"]["term:pop"] = n
    (folder / RECORD).write_text(json.dumps(record))
    made = analyse(study.folder, "made", n_bootstrap=2)
    (one,) = made.damaged
    assert one.error == "its record lacks data.labelled.train.term:pop above 0; delete it, and repeat the sweep"
    assert [one.effect.n_pairs for one in made.contrasts if one.question == "size"] == [1]
