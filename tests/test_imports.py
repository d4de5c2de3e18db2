import gc
import sys

import pytest

from msd_mtl import study
from msd_mtl.imports import lasting_imports
from msd_mtl.study import fit
from msd_mtl.study.run import run_once


@pytest.fixture(autouse=True)
def thawed():
    yield
    gc.unfreeze()


def test_garbage_is_searched_for_again_whatever_an_import_ends_with():
    frozen = gc.get_freeze_count()

    def lose() -> None:
        assert not gc.isenabled()
        raise ImportError("lost")

    with pytest.raises(ImportError, match="lost"), lasting_imports("not.there"):
        lose()
    assert gc.isenabled()
    assert gc.get_freeze_count() == frozen


def test_what_the_first_run_imports_is_passed_over_and_what_runs_leave_is_not(small_run, monkeypatch):
    monkeypatch.setattr(study, "fit", fit)  # with the next line: whoever imports it later gets the one that is there
    monkeypatch.delitem(sys.modules, "msd_mtl.study.fit")
    run_once(small_run("baselines=false"))
    passed_over = gc.get_freeze_count()
    assert passed_over > 100_000
    assert gc.isenabled()
    run_once(small_run("baselines=false", "seed=1"))
    assert gc.get_freeze_count() <= passed_over
