"""Baselines are computed once for all runs of the same rows, and again where what was kept of them is damaged."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from tests.conftest import SMALL

from msd_mtl.app import conf_dir
from msd_mtl.study import baseline_cache
from msd_mtl.study.baseline_cache import FOLDER, baselines
from msd_mtl.study.fit import build_data
from msd_mtl.study.identity import resolved


def test_a_cache_that_is_not_whole_is_computed_again(small_run, tmp_path, monkeypatch, capsys):
    data = build_data(resolved(small_run()))
    made = baselines(tmp_path, data)
    kept = {path: path.read_text() for path in (tmp_path / FOLDER).iterdir()}
    path, whole = min(kept.items())
    for damaged in (whole[:100], "", "{}", "[1]", '"\ud800"'):
        path.write_bytes(damaged.encode("utf-8", "surrogatepass"))
        assert baselines(tmp_path, data) == made
        assert capsys.readouterr().err == f"{path} is not as it was written; its baselines are computed again.\n"
        assert {path: path.read_text() for path in (tmp_path / FOLDER).iterdir()} == kept
    monkeypatch.setattr(baseline_cache, "linear_baseline", lambda *_: pytest.fail("it was computed again"))
    assert baselines(tmp_path, data) == made
    assert not capsys.readouterr().err


def of(*keys: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Puts a value to the end of some keys; ... takes the last of them away."""

    def edit(entry: dict[str, Any]) -> None:
        for key in keys[:-1]:
            entry = entry[key]
        if value is ...:
            del entry[keys[-1]]
        else:
            entry[keys[-1]] = value

    return edit


EDITS = {
    "no scores": of("val", value={}),
    "a metric lacks": of("test", "linear", "auroc", value=...),
    "a metric of another kind": of("test", "linear", "rmse", value=1.0),
    "a number that cannot be": of("test", "linear", "auroc", value=7.0),
    "a number that can be": of("test", "linear", "auroc", value=0.625),
    "a metric is no number": of("test", "linear", "auroc", value=float("nan")),
    "a choice lacks": of("chosen", "fallback", value=...),
    "no digest": of("digest", value=...),
    "a digest is null": of("digest", value=None),
}


@pytest.fixture(scope="module")
def three_kinds(tmp_path_factory):
    """Data of a task of each kind, and a folder that has their baselines."""
    tasks = "tasks.names=['term:pop',loudness,key]"
    small = [*SMALL, "data.world.n_tracks=300", "data.train_size=100", "sharing=full", "tasks=tight", tasks]
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        data = build_data(resolved(compose("train", small)))
    folder = tmp_path_factory.mktemp("runs")
    return data, folder, baselines(folder, data)


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_a_cache_that_somebody_has_edited_is_computed_again(three_kinds, capsys, edit):
    data, folder, made = three_kinds
    (path,) = (path for path in (folder / FOLDER).iterdir() if "term:pop" in path.read_text())
    whole = path.read_text()
    entry = json.loads(whole)
    edit(entry)
    path.write_text(json.dumps(entry))
    assert baselines(folder, data) == made
    assert capsys.readouterr().err == f"{path} is not as it was written; its baselines are computed again.\n"
    assert path.read_text() == whole


def test_what_is_kept_of_other_rows_is_not_taken_for_that_of_these(three_kinds, capsys):
    data, folder, made = three_kinds
    one, other = sorted((folder / FOLDER).iterdir())[:2]
    whole = one.read_text()
    one.write_text(other.read_text())
    assert baselines(folder, data) == made
    assert capsys.readouterr().err == f"{one} is not as it was written; its baselines are computed again.\n"
    assert one.read_text() == whole


def test_what_is_kept_of_any_kind_of_task_is_taken(three_kinds, monkeypatch, capsys):
    data, folder, made = three_kinds
    monkeypatch.setattr(baseline_cache, "linear_baseline", lambda *_: pytest.fail("it was computed again"))
    assert baselines(folder, data) == made
    assert not capsys.readouterr().err
