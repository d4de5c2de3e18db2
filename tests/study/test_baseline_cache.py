"""Baselines are computed once for all runs of the same rows, and again where what was kept of them is damaged."""

import pytest

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
        assert capsys.readouterr().err == f"{path} cannot be read; its baselines are computed again.\n"
        assert {path: path.read_text() for path in (tmp_path / FOLDER).iterdir()} == kept
    monkeypatch.setattr(baseline_cache, "linear_baseline", lambda *_: pytest.fail("it was computed again"))
    assert baselines(tmp_path, data) == made
    assert not capsys.readouterr().err
