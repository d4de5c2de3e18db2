"""Summary files, per-song files and the database of songs."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from msd_mtl.data.raw.files import discover
from msd_mtl.data.raw.songs import read_songs
from msd_mtl.data.raw.summary import read_summary
from msd_mtl.data.raw.tables import TrackTable
from msd_mtl.data.raw.track_metadata import read_track_metadata
from msd_mtl.errors import UserError
from tests.data.official import (
    SONG,
    SUMMARY,
    artist,
    raw_file,
    song,
    track,
    write_song_file,
    write_songs,
    write_track_metadata,
    zipped,
)

FIELDS = (
    "loudness",
    "tempo",
    "duration",
    "key",
    "mode",
    "time_signature",
    "song_hotttnesss",
    "artist_hotttnesss",
    "artist_familiarity",
    "year",
)
SONGS = [
    song(track(2), artist(1), "Björk", year=2001, loudness=-3.5),
    song(track(1), artist(2), "Sigur Rós", year=0, key=0, mode=0),
]


def test_summary_gives_every_field_id_and_name(tmp_path: Path) -> None:
    table = read_summary(raw_file(write_songs(tmp_path / SUMMARY, SONGS)))
    assert table.track_id.tolist() == [track(2).encode(), track(1).encode()]
    assert table.artist_id is not None
    assert table.artist_id.tolist() == [artist(1).encode(), artist(2).encode()]
    assert table.artist_name is not None
    assert table.artist_name.tolist() == ["Björk", "Sigur Rós"]
    assert set(table.values) == set(FIELDS)
    for name in FIELDS:
        assert table.values[name][0] == np.float32(SONGS[0][name])


def test_zipped_summary_reads_as_the_plain_one(tmp_path: Path) -> None:
    assert len(read_summary(raw_file(zipped(write_songs(tmp_path / SUMMARY, SONGS)))).track_id) == 2


def test_all_ways_to_say_a_song_say_the_same(tmp_path: Path) -> None:
    one = song(track(1), artist(1), "Sigur Rós")
    write_song_file(tmp_path / "songs", one)
    from_file = read_songs(discover(tmp_path), {track(1).encode()}).tracks
    assert from_file is not None
    from_summary = read_summary(raw_file(write_songs(tmp_path / SUMMARY, [one])))
    from_database = read_track_metadata(raw_file(write_track_metadata(tmp_path / "track_metadata.db", [one])))
    for table in (from_summary, from_database):
        assert table.artist_id is not None
        assert table.artist_id.tolist() == [artist(1).encode()]
        assert table.artist_name is not None
        assert table.artist_name.tolist() == ["Sigur Rós"]
        for name, values in table.values.items():
            np.testing.assert_array_equal(values, from_file.values[name])


Reader = Callable[[Path, list[dict[str, Any]]], TrackTable]


def summary_of(path: Path, songs: list[dict[str, Any]]) -> TrackTable:
    return read_summary(raw_file(write_songs(path / SUMMARY, songs)))


def metadata_of(path: Path, songs: list[dict[str, Any]]) -> TrackTable:
    return read_track_metadata(raw_file(write_track_metadata(path / "track_metadata.db", songs)))


@pytest.mark.parametrize("read", [summary_of, metadata_of])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("year", 0),
        ("duration", 0.0),
        ("artist_familiarity", 0.0),
        ("artist_familiarity", -1.0),
        ("artist_hotttnesss", 0.0),
        ("artist_hotttnesss", float("nan")),
    ],
)
def test_value_that_says_missing_is_missing(tmp_path: Path, read: Reader, field: str, value: float) -> None:
    values = read(tmp_path, [song(track(1), artist(1), "A", **{field: value}), song(track(2), artist(1), "A")]).values
    assert np.isnan(values[field]).tolist() == [True, False]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tempo", 0.0),
        ("time_signature", 0),
        ("song_hotttnesss", 0.0),
        ("song_hotttnesss", np.nan),
        ("key", -1),
        ("mode", -1),
    ],
)
def test_analysis_that_found_nothing_is_missing_alone(tmp_path: Path, field: str, value: float) -> None:
    values = summary_of(tmp_path, [song(track(1), **{field: value})]).values
    assert [name for name in FIELDS if np.isnan(values[name][0])] == [field]


@pytest.mark.parametrize(("field", "value"), [("key", 0), ("mode", 0), ("loudness", 0.0)])
def test_true_zero_of_an_analysed_song_stays(tmp_path: Path, field: str, value: float) -> None:
    sure = {f"{field}_confidence": 0.0} if field != "loudness" else {}
    assert summary_of(tmp_path, [song(track(1), **{field: value}, **sure)]).values[field][0] == 0


def test_song_that_was_never_analysed_has_no_key_mode_or_loudness(tmp_path: Path) -> None:
    nothing = dict.fromkeys([name for name in SONG if name not in ("year", "duration", "artist_familiarity")], 0)
    values = summary_of(tmp_path, [song(track(1), **nothing)]).values
    assert {name for name in FIELDS if not np.isnan(values[name][0])} == {"year", "duration", "artist_familiarity"}


def test_null_in_the_database_is_missing(tmp_path: Path) -> None:
    values = metadata_of(tmp_path, [song(track(1), year=None, duration=None), song(track(2))]).values
    assert np.isnan(values["year"]).tolist() == [True, False]
    assert np.isnan(values["duration"]).tolist() == [True, False]


def test_song_without_track_id_is_dropped_and_counted(tmp_path: Path) -> None:
    table = summary_of(tmp_path, [song(""), song(track(1))])
    assert table.track_id.tolist() == [track(1).encode()]
    assert table.report.dropped == {"no track id": 1}
    assert table.rows.tolist() == [1]


def break_layout(path: Path, change: str) -> None:
    with h5py.File(path, "a") as target:
        if change == "no table":
            del target["analysis/songs"]
        elif change == "no column":
            rows = target["musicbrainz/songs"][:]
            del target["musicbrainz/songs"]
            target["musicbrainz/songs"] = rows[["idx_artist_mbtags"]]
        elif change == "other length":
            rows = target["musicbrainz/songs"][:]
            del target["musicbrainz/songs"]
            target["musicbrainz/songs"] = rows[:1]
        else:
            del target["analysis/songs"]
            target["analysis/songs"] = np.zeros(3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("no table", r"file must have a table /analysis/songs; got groups \['analysis', 'metadata', 'musicbrainz'\]"),
        ("no column", r"table /musicbrainz/songs must have columns year; got \['idx_artist_mbtags'\]"),
        ("other length", "tables must have one length"),
        ("plain array", "table /analysis/songs must have columns track_id, .*; got float64"),
    ],
)
def test_wrong_layout_is_named(tmp_path: Path, change: str, message: str) -> None:
    path = write_songs(tmp_path / SUMMARY, SONGS)
    break_layout(path, change)
    with pytest.raises(UserError, match=f"^{SUMMARY}: {message}"):
        read_summary(raw_file(path))


def test_summary_that_is_no_hdf5_is_an_error(tmp_path: Path) -> None:
    (tmp_path / SUMMARY).write_text("<html>")
    with pytest.raises(UserError, match=f"{SUMMARY}: file must be HDF5"):
        read_summary(raw_file(tmp_path / SUMMARY))


def test_summary_cut_off_is_an_error(tmp_path: Path) -> None:
    path = write_songs(tmp_path / SUMMARY, SONGS)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError, match=f"{SUMMARY}: file must be HDF5"):
        read_summary(raw_file(path))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (song("TRSHORT"), "table /analysis/songs, row 1: id must be TR and 16 characters; got 'TRSHORT'"),
        (song(track(2), "SO" + artist(1)[2:]), "table /metadata/songs, row 1: id must be AR and 16 characters"),
    ],
)
def test_bad_id_is_named(tmp_path: Path, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        summary_of(tmp_path, [song(track(1), artist(1)), wrong])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (song("TRSHORT", artist(1)), "row 2: id must be TR and 16 characters; got 'TRSHORT'"),
        (song(track(2), "X"), "row 2: id must be AR and 16 characters; got 'X'"),
        (song(track(2), artist(1), year="soon"), "row 2: year must be a number; got 'soon'"),
    ],
)
def test_bad_row_of_the_database_is_named(tmp_path: Path, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=rf"track_metadata\.db, table songs, {message}"):
        metadata_of(tmp_path, [song(track(1), artist(1)), wrong])


def test_database_without_the_table_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "track_metadata.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE tracks (track_id)")
    with pytest.raises(UserError, match=r"must have a table songs with track_id, .*; got tables \['tracks'\]"):
        read_track_metadata(raw_file(path))


def test_only_per_song_files_with_lyrics_are_opened(tmp_path: Path) -> None:
    write_song_file(tmp_path, song(track(1), artist(1), "A"), ["pop", "pop rock"])
    write_song_file(tmp_path, song(track(2), artist(2), "B"), ["jazz"]).write_text("not HDF5, and not wanted")
    songs = read_songs(discover(tmp_path), {track(1).encode()})
    assert songs.tracks is not None
    assert songs.tracks.track_id.tolist() == [track(1).encode()]
    assert songs.report.rows_read == 2
    assert songs.report.dropped == {"no lyrics": 1}
    assert songs.terms is not None
    assert songs.terms.tags == ["pop", "pop rock"]
    assert songs.terms.entity.tolist() == [artist(1).encode()]


def test_terms_of_an_artist_are_those_of_all_its_files(tmp_path: Path) -> None:
    write_song_file(tmp_path, song(track(1), artist(1)), ["pop"])
    write_song_file(tmp_path, song(track(2), artist(1)), ["pop", "rock"])
    songs = read_songs(discover(tmp_path), {track(1).encode(), track(2).encode()})
    assert songs.terms is not None
    assert len(songs.terms.rows) == 2
    assert (songs.artists_compared, songs.artists_differing) == (1, 1)


def test_per_song_file_of_another_track_is_an_error(tmp_path: Path) -> None:
    path = write_song_file(tmp_path, song(track(1)))
    path.rename(path.with_name(f"{track(2)}.h5"))
    with pytest.raises(
        UserError, match=f"A/A/A/{track(2)}.h5: file must be of the track in its name; got track '{track(1)}'"
    ):
        read_songs(discover(tmp_path), {track(2).encode()})


def test_per_song_file_that_is_there_twice_is_an_error(tmp_path: Path) -> None:
    path = write_song_file(tmp_path, song(track(1)))
    (tmp_path / "copy").mkdir()
    shutil.copy(path, tmp_path / "copy")
    with pytest.raises(UserError, match="a track must be there once"):
        read_songs(discover(tmp_path), {track(1).encode()})


@pytest.mark.parametrize(
    ("content", "message"), [("rubbish", "must be readable HDF5"), (None, "tables must have one row")]
)
def test_bad_per_song_file_is_named(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / f"{track(1)}.h5"
    if content:
        path.write_text(content)
    else:
        write_songs(path, [song(track(1)), song(track(2))])
    with pytest.raises(UserError, match=f"{track(1)}.h5: .*{message}"):
        read_songs(discover(tmp_path), {track(1).encode()})
