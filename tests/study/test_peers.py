"""What the record of a run says of an error of one of its processes."""

import json

import pytest

from msd_mtl.study.peers import FailedPeerError, check_peers, fail_for_all

ERROR = {"kind": "OSError", "message": "disk full", "task": "year"}
THIRD = {"rank": 2, "exit_code": 1}
TOLD = r"^OSError \(task year, rank 2\): disk full$"
BEGUN = {"schema_version": 1, "run_id": "a", "status": "running", "started_at": "now", "attempts": []}


@pytest.fixture
def record(tmp_path, monkeypatch):
    """Writes a record, has the third process of its run fail, and gives what the record then says."""
    monkeypatch.setenv("RANK", "2")

    def after(said: str, exit_code: int = 1) -> str:
        (tmp_path / "record.json").write_text(said)
        fail_for_all(tmp_path, ERROR, exit_code)
        return (tmp_path / "record.json").read_text()

    return after


def test_the_error_of_another_process_stands_in_the_record_and_is_told_by_the_first(record, tmp_path):
    assert json.loads(record(json.dumps(BEGUN))) == BEGUN | {"status": "failed", "error": ERROR | THIRD}
    with pytest.raises(FailedPeerError, match=TOLD) as failed:
        check_peers(tmp_path, BEGUN)
    assert failed.value.exit_code == 1


def test_an_error_that_needs_no_traceback_is_left_to_the_first_to_tell(record, tmp_path):
    with pytest.raises(FailedPeerError, match=TOLD) as left:
        record(json.dumps(BEGUN), 2)
    with pytest.raises(FailedPeerError, match=TOLD) as told:
        check_peers(tmp_path, BEGUN)
    assert left.value.exit_code == told.value.exit_code == 2


@pytest.mark.parametrize("said", [*(json.dumps(BEGUN | {"status": end}) for end in ("completed", "failed")), "{"])
def test_a_record_that_has_ended_or_cannot_be_read_stays_as_it_is(record, said):
    assert record(said) == said


def test_a_process_that_fails_before_there_is_a_record_leaves_none(tmp_path):
    fail_for_all(tmp_path, ERROR, 2)
    fail_for_all(tmp_path / "none", ERROR, 2)
    assert not list(tmp_path.iterdir())


def test_a_failure_of_an_earlier_attempt_is_none_of_this_one(record, tmp_path):
    record(json.dumps(BEGUN | {"started_at": "before"}))
    check_peers(tmp_path, BEGUN)
    (tmp_path / "record.json").write_text(json.dumps(BEGUN))
    check_peers(tmp_path, BEGUN)
    (tmp_path / "record.json").unlink()
    check_peers(tmp_path, BEGUN)
