import errno
import os

import pytest

from msd_mtl.errors import RefusedLaunchError
from msd_mtl.study import launch
from msd_mtl.study.cell import Cell
from msd_mtl.study.index import COMMAND, FOLDER, add_sweep, commands, left_out, read_study, reports, studies, sweeps
from msd_mtl.study.launch import enter, entered

CELLS = [Cell("a", ("seed=0",), {})]


def test_what_sweeps_leave_out_is_kept_beside_their_runs_and_said_once(tmp_path):
    add_sweep(tmp_path, "s", CELLS, ["n=900 is too many: 2 runs left out."])
    add_sweep(tmp_path, "s", [Cell("b", (), {})], ["n=900 is too many: 2 runs left out.", "n=700 too."])
    assert sorted(left_out(tmp_path, "s")) == ["n=700 too.", "n=900 is too many: 2 runs left out."]
    assert list(read_study(tmp_path, "s")) == ["a", "b"]
    assert left_out(tmp_path, "other") == []


def test_of_a_size_that_several_sweeps_lack_the_latest_speaks(tmp_path):
    size = "data.train_size=9,000, of 1,051 training tracks with"
    add_sweep(tmp_path, "s", CELLS, [f"{size} term:pop: 5 runs left out.", "data.train_size=7,000: 1 runs left out."])
    add_sweep(tmp_path, "s", [Cell("b", (), {})], [f"{size} {tag}: 30 runs left out." for tag in ("year", "term:pop")])
    assert left_out(tmp_path, "s") == [
        "data.train_size=7,000: 1 runs left out.",
        f"{size} year: 30 runs left out. So the latest of 2 sweeps.",
        f"{size} term:pop: 30 runs left out. So the latest of 2 sweeps.",
    ]


def test_the_same_sweep_on_data_that_has_grown_leaves_nothing_out(tmp_path):
    add_sweep(tmp_path, "s", CELLS, ["n=900 is too many."])
    add_sweep(tmp_path, "s", CELLS)
    assert left_out(tmp_path, "s") == []


def test_a_sweep_that_is_taken_back_leaves_nothing(tmp_path):
    add_sweep(tmp_path, "s", CELLS, ["n=900 is too many."], {"questions": ["size"]})()
    assert studies(tmp_path) == []
    assert not (tmp_path / FOLDER / "s").exists()


def test_a_sweep_that_is_taken_back_leaves_what_its_earlier_launch_said(tmp_path):
    add_sweep(tmp_path, "s", CELLS, ["n=900 is too many."], {"questions": ["size"]})
    add_sweep(tmp_path, "s", CELLS, [], {"questions": ["depth"]})()
    assert (left_out(tmp_path, "s"), reports(tmp_path, "s")) == (["n=900 is too many."], [{"questions": ["size"]}])


def test_what_the_command_line_of_a_sweep_said_is_kept_and_an_index_without_it_is_read(tmp_path):
    add_sweep(tmp_path, "s", CELLS)
    add_sweep(tmp_path, "s", [Cell("b", (), {})], command=["study=s", "seed=0,1"])
    assert commands(tmp_path, "s") == [(), ("study=s", "seed=0,1")]
    assert [list(sweep) for sweep in sweeps(tmp_path, "s")] == [["a"], ["b"]]
    (kept,) = (tmp_path / FOLDER / "s").glob(f"*{COMMAND}")
    assert kept.suffix != ".json"  # which an msd-mtl that knows nothing of it takes for a sweep
    for text in ("seed: 0", "[", "", r'["seed=\ud800"]'):
        kept.write_text(text)
        assert commands(tmp_path, "s") == [(), ()]


def test_the_same_sweep_of_a_study_that_says_nothing_any_more_says_nothing(tmp_path):
    add_sweep(tmp_path, "s", CELLS, report={"questions": ["size"]})
    add_sweep(tmp_path, "s", CELLS)
    assert reports(tmp_path, "s") == []


def test_a_launch_enters_what_its_sweep_left_out_and_says_of_its_report(tmp_path):
    config = {"runs_dir": str(tmp_path), "study": {"name": "s", "report": {"questions": ["size"]}}}
    with entered([Cell("a", (), config)], ["n=900 is too many."]):
        assert left_out(tmp_path, "s") == ["n=900 is too many."]
        assert reports(tmp_path, "s") == [{"questions": ["size"]}]


@pytest.fixture
def read_only(monkeypatch):
    """A disk that cannot be written to."""

    def add_sweep(runs_dir, *_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(runs_dir))

    monkeypatch.setattr(launch, "add_sweep", add_sweep)


@pytest.mark.usefixtures("read_only")
def test_a_sweep_that_is_done_needs_no_disk_to_write_to(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(launch, "launched", [])
    cells = [Cell(run, (), {"runs_dir": str(tmp_path), "study": {"name": "s"}}) for run in "ab"]
    monkeypatch.setattr(Cell, "is_done", property(lambda cell: cell.run_id == "a"))
    with entered(cells[:1]):
        pass
    assert capsys.readouterr().err == "msd-mtl train: study s is left as it is: Read-only file system.\n"
    with pytest.raises(RefusedLaunchError, match="no"), entered(cells[:1]):
        raise RefusedLaunchError("no")
    with pytest.raises(OSError, match="Read-only file system"):
        enter(cells)
