"""Whatever somebody has done to the predictions of a run, they are read as they are, or not at all."""

import shutil

import numpy as np
import pytest

from msd_mtl.study.answers.analyse import analyse
from msd_mtl.study.answers.predictions import read_predictions
from msd_mtl.study.record import PREDICTIONS


def saved(folder):
    with np.load(folder / PREDICTIONS) as arrays:
        return dict(arrays)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        *((name, lambda column: column[:100]) for name in ("artist", "track_id", "prediction_0")),
        *((name, lambda column: column[0]) for name in ("artist", "track_id", "prediction_0")),
        *(
            ("target", change)
            for change in (lambda t: t[:0], lambda t: t[0], lambda t: t[:, :100], lambda t: t[..., None])
        ),
        ("prediction_0", lambda column: column[:, None]),
        ("prediction_0", lambda column: column.astype(str)),
        ("target", lambda column: column.astype(str)),
    ],
)
def test_predictions_that_make_no_table_are_none(crossed, name, change):
    study = crossed(seeds=[0, 1])
    run = analyse(study.folder, "made", n_bootstrap=2).runs[0]
    arrays = saved(run.folder)
    np.savez(run.folder / PREDICTIONS, **{**arrays, name: change(arrays[name])})
    assert read_predictions(run.folder, "term:pop") is None
    (warning,) = analyse(study.folder, "made", n_bootstrap=2).warnings
    said = f"Run {run.run_id} has no predictions that can be read: it counts in no contrast."
    assert warning == f"{said} Delete its folder, and repeat the sweep."


def test_predictions_of_classes_are_a_table_of_two_axes(crossed):
    run = analyse(crossed(seeds=[0, 1]).folder, "made", n_bootstrap=2).runs[0]
    arrays = saved(run.folder) | {"task": np.array(["key"])}
    n = len(arrays["artist"])
    np.savez(run.folder / PREDICTIONS, **{**arrays, "prediction_0": np.full((n, 12), 1 / 12, np.float32)})
    assert read_predictions(run.folder, "key").values.shape == (n, 12)
    np.savez(run.folder / PREDICTIONS, **arrays)
    assert read_predictions(run.folder, "key") is None


def test_no_byte_that_is_changed_ends_an_analysis(study):
    folder = study.folder / study.add("pop", "0000", 0)
    whole = (folder / PREDICTIONS).read_bytes()
    for place in range(0, len(whole), 37):
        changed = bytearray(whole)
        changed[place] ^= 1 << place % 8
        (folder / PREDICTIONS).write_bytes(changed)
        read_predictions(folder, "term:pop")
    (folder / PREDICTIONS).unlink()
    (folder / PREDICTIONS).mkdir()
    assert read_predictions(folder, "term:pop") is None


def test_a_folder_that_holds_the_record_of_another_run_takes_its_place_from_none(crossed):
    study = crossed(seeds=[0, 1])
    whole = analyse(study.folder, "made", n_bootstrap=2)
    one, other = whole.runs[0], whole.runs[1]
    shutil.rmtree(other.folder)
    shutil.copytree(one.folder, other.folder)
    analysis = analyse(study.folder, "made", n_bootstrap=2)
    assert {run.run_id for run in whole.runs} - {run.run_id for run in analysis.runs} == {other.run_id}
    assert analysis.duplicates == ()
    assert [(absent.run_id, absent.error) for absent in analysis.damaged] == [
        (other.run_id, "its record lacks run_id equal to the name of its folder; delete it, and repeat the sweep")
    ]
