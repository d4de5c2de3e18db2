"""Databases of artist terms and Last.fm tags."""

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from msd_mtl.data.raw.artist_term import read_artist_term
from msd_mtl.data.raw.lastfm import read_lastfm
from msd_mtl.data.raw.tables import TagTable
from msd_mtl.errors import UserError
from tests.data.official import artist, raw_file, track, write_artist_term, write_lastfm

WANTED = np.array([track(1), track(2)], dtype="S18")


def as_pairs(table: TagTable) -> dict[tuple[str, str], int]:
    weight = np.zeros(len(table.rows), np.uint8) if table.weight is None else table.weight
    return {
        (table.entity[row].decode(), table.tags[column]): int(value)
        for row, column, value in zip(table.rows, table.columns, weight, strict=True)
    }


def test_terms_of_artists_keep_their_characters(tmp_path: Path) -> None:
    pairs = [(artist(1), "pop"), (artist(2), "chanson française"), (artist(1), "ロック")]
    table = read_artist_term(raw_file(write_artist_term(tmp_path / "artist_term.db", pairs)))
    assert set(as_pairs(table)) == set(pairs)
    assert table.report.rows_read == 3


def test_incomplete_and_doubled_terms_are_dropped_and_counted(tmp_path: Path) -> None:
    pairs = [(artist(1), "pop"), (artist(1), "pop"), (artist(1), None), (None, "pop"), ("", "pop"), (artist(3), "")]
    table = read_artist_term(raw_file(write_artist_term(tmp_path / "artist_term.db", pairs)))
    assert set(as_pairs(table)) == {(artist(1), "pop")}
    assert table.entity.tolist() == [artist(1).encode()]
    assert table.report.dropped == {"no artist or no term": 4, "the same pair again": 1}


def test_bad_artist_id_is_named(tmp_path: Path) -> None:
    path = write_artist_term(tmp_path / "artist_term.db", [(artist(1), "pop"), ("Björk", "pop")])
    with pytest.raises(UserError, match=r"artist_term\.db, table artist_term, row 2: artist id must be AR"):
        read_artist_term(raw_file(path))


def test_lastfm_gives_tags_of_tracks_with_lyrics_and_their_weight(tmp_path: Path) -> None:
    tags = {track(2): {"rock ♥": 100, "seldom": 0}, track(9): {"rock ♥": 50}, track(1): {"pop": 7}}
    table = read_lastfm(raw_file(write_lastfm(tmp_path / "lastfm_tags.db", tags)), WANTED)
    assert as_pairs(table) == {(track(2), "rock ♥"): 100, (track(2), "seldom"): 0, (track(1), "pop"): 7}
    assert table.report.rows_read == 4
    assert table.report.dropped == {"no lyrics": 1}


def test_lastfm_track_without_a_tag_is_unknown(tmp_path: Path) -> None:
    tags: dict[str, dict[str, float]] = {track(1): {}, track(2): {"pop": 7}}
    table = read_lastfm(raw_file(write_lastfm(tmp_path / "lastfm_tags.db", tags)), WANTED)
    assert table.entity.tolist() == [track(2).encode()]


def test_lastfm_rows_that_point_nowhere_are_dropped_and_pairs_count_once(tmp_path: Path) -> None:
    path = write_lastfm(tmp_path / "lastfm_tags.db", {track(1): {"pop": 7}})
    with closing(sqlite3.connect(path)) as connection:
        connection.executemany("INSERT INTO tid_tag VALUES (?, ?, ?)", [(5, 1, 3), (1, 9, 3), (-1, 1, 3), (1, 1, 30)])
        connection.commit()
    table = read_lastfm(raw_file(path), WANTED)
    assert as_pairs(table) == {(track(1), "pop"): 30}
    assert table.report.dropped == {"track or tag not listed": 3, "the same pair again": 1}


def test_lastfm_without_rows_knows_no_track(tmp_path: Path) -> None:
    table = read_lastfm(raw_file(write_lastfm(tmp_path / "lastfm_tags.db", {})), WANTED)
    assert len(table.entity) == 0


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((1, 1, 101), "val must be 0 to 100; got 101"),
        ((1, 1, -1), "val must be 0 to 100; got -1"),
        ((1, 1, None), "val must be 0 to 100; got None"),
        (("x", 1, 5), r"tid and tag must be ROWIDs of tids and tags; got \('x', 1\)"),
        ((1, 1, float("inf")), "val must be 0 to 100; got inf"),
    ],
)
def test_bad_lastfm_row_is_named(tmp_path: Path, row: tuple[object, ...], message: str) -> None:
    path = write_lastfm(tmp_path / "lastfm_tags.db", {track(1): {"pop": 7}})
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO tid_tag VALUES (?, ?, ?)", row)
        connection.commit()
    with pytest.raises(UserError, match=rf"lastfm_tags\.db, table tid_tag, row 2: {message}"):
        read_lastfm(raw_file(path), WANTED)


def test_bad_lastfm_track_is_named(tmp_path: Path) -> None:
    path = write_lastfm(tmp_path / "lastfm_tags.db", {"TRX": {"pop": 7}})
    with pytest.raises(UserError, match=r"lastfm_tags\.db, table tids, row 1: track id must be TR"):
        read_lastfm(raw_file(path), WANTED)
