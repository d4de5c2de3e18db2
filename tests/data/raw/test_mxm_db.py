"""Lyrics in the database."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from msd_mtl.data.raw.mxm_db import read_mxm_db
from msd_mtl.data.raw.mxm_text import read_mxm_text
from msd_mtl.errors import UserError
from tests.data.official import WORDS, raw_file, track, write_mxm, write_mxm_db, zipped
from tests.data.raw.test_mxm_text import as_rows

ROWS = {track(3): {2: 2, 7: 300}, track(1): {5: 1, 1: 4}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_mxm_db(tmp_path / "mxm_dataset.db", ROWS, test=[track(1)])


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_says_the_same_as_the_text_file(path: Path, tmp_path: Path) -> None:
    from_text = read_mxm_text(raw_file(write_mxm(tmp_path / "mxm_dataset_train.txt", ROWS)))
    lyrics = read_mxm_db(raw_file(path))
    assert as_rows(lyrics) == as_rows(from_text) == ROWS
    assert lyrics.vocabulary == from_text.vocabulary == WORDS
    assert lyrics.official_test.tolist() == [False, True]
    assert lyrics.report.rows_read == 2


def test_zipped_database_reads_as_the_plain_one(path: Path) -> None:
    assert as_rows(read_mxm_db(raw_file(zipped(path)))) == ROWS


def test_rows_of_a_track_need_not_be_together(path: Path) -> None:
    change(path, f"INSERT INTO lyrics VALUES ('{track(3)}', 0, 'i', 9, 0)")  # noqa: S608
    assert as_rows(read_mxm_db(raw_file(path)))[track(3)] == {1: 9, **ROWS[track(3)]}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (f"'{track(1)}', 0, 'unheard', 1, 0", "word must be one of table words; got 'unheard'"),
        (f"'{track(1)}', 0, 'you', 0, 0", "count must be a whole number from 1; got 0"),
        (f"'{track(1)}', 0, 'you', -2, 0", "count must be a whole number from 1; got -2"),
        (f"'{track(1)}', 0, 'you', 'many', 0", "count must be a whole number from 1; got 'many'"),
        (f"'{track(1)}', 0, 'you', NULL, 0", "count must be a whole number from 1; got None"),
        (f"'{track(1)}', 0, 'you', 2.5, 0", "count must be a whole number from 1; got 2.5"),
        (f"'{track(1)}', 0, 'you', 1, 2", "is_test must be 0 or 1; got 2"),
        (f"'{track(1)}', 0, 'you', 1, NULL", "is_test must be 0 or 1; got None"),
        ("'TRX', 0, 'i', 1, 0", "track id must be TR and 16 capital letters or digits; got 'TRX'"),
        ("NULL, 0, 'i', 1, 0", "track id must be TR and 16 capital letters or digits; got None"),
    ],
)
def test_bad_row_is_named(path: Path, row: str, message: str) -> None:
    change(path, f"INSERT INTO lyrics VALUES ({row})")  # noqa: S608
    with pytest.raises(UserError, match=r"mxm_dataset\.db, table lyrics, row 5: ") as error:
        read_mxm_db(raw_file(path))
    assert message in str(error.value)


def test_word_twice_in_a_track_is_an_error(path: Path) -> None:
    change(path, f"INSERT INTO lyrics VALUES ('{track(1)}', 0, 'i', 1, 0)")  # noqa: S608
    with pytest.raises(UserError, match=f"track {track(1)}: a track must have a word once; got 'i' twice"):
        read_mxm_db(raw_file(path))


def test_track_of_both_parts_is_an_error(path: Path) -> None:
    change(path, f"INSERT INTO lyrics VALUES ('{track(1)}', 0, 'the', 1, 0)")  # noqa: S608
    with pytest.raises(
        UserError, match=rf"^mxm_dataset\.db, table lyrics, track {track(1)}: is_test must be the same .*"
    ):
        read_mxm_db(raw_file(path))


def test_word_that_is_not_utf8_is_an_error(path: Path) -> None:
    change(path, "INSERT INTO words VALUES (CAST(x'ff61' AS TEXT))")
    with pytest.raises(UserError, match="table words, row 8: word must be UTF-8 text"):
        read_mxm_db(raw_file(path))


def test_file_that_is_no_database_is_an_error(path: Path) -> None:
    path.write_text("<html>not found</html>" * 100)
    with pytest.raises(UserError, match=r"mxm_dataset\.db: file must be a whole SQLite database"):
        read_mxm_db(raw_file(path))


def test_database_cut_off_is_an_error(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:8192])
    with pytest.raises(UserError, match="file must be a whole SQLite database"):
        read_mxm_db(raw_file(path))


def test_empty_file_is_an_error(path: Path) -> None:
    path.write_bytes(b"")
    with pytest.raises(UserError, match="database must have a table words with word"):
        read_mxm_db(raw_file(path))


def test_other_columns_are_an_error(path: Path) -> None:
    change(path, "ALTER TABLE lyrics RENAME COLUMN count TO n")
    with pytest.raises(UserError, match="database must have a table lyrics with count; got columns"):
        read_mxm_db(raw_file(path))


def test_table_without_rows_is_an_error(path: Path) -> None:
    change(path, "DELETE FROM lyrics")
    with pytest.raises(UserError, match="table lyrics must have rows; got none"):
        read_mxm_db(raw_file(path))


def test_database_in_a_folder_without_write_permission_is_read(path: Path) -> None:
    path.parent.chmod(0o555)
    try:
        assert as_rows(read_mxm_db(raw_file(path))) == ROWS
    finally:
        path.parent.chmod(0o755)
