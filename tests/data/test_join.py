"""Joining by track id."""

from pathlib import Path

import numpy as np
import pytest

from msd_mtl.data.join import Disagreements, join_tables, merge_lyrics
from msd_mtl.data.raw.lyrics import FileReport, Lyrics
from msd_mtl.data.raw.mxm_db import read_mxm_db
from msd_mtl.data.raw.mxm_text import read_mxm_text
from msd_mtl.data.raw.tables import TrackTable
from msd_mtl.errors import UserError
from tests.data.official import WORDS, artist, raw_file, track, write_mxm, write_mxm_db
from tests.data.raw.test_mxm_text import Rows, as_rows


def text_part(folder: Path, part: str, rows: Rows) -> Lyrics:
    return read_mxm_text(raw_file(write_mxm(folder / f"mxm_dataset_{part}.txt", rows)))


def table(family: str, ids: list[int], years: list[float], artists: list[str] | None = None) -> TrackTable:
    return TrackTable(
        track_id=np.array([track(number) for number in ids], dtype="S18"),
        report=FileReport(family, family),
        place=f"{family}, row",
        rows=np.arange(len(ids)),
        values={"year": np.array(years, dtype=np.float32)},
        artist_id=None if artists is None else np.array(artists, dtype="S18"),
    )


TRACKS = np.array([track(1), track(2), track(3)], dtype="S18")


def test_parts_are_merged_and_sorted_by_id(tmp_path: Path) -> None:
    train, test = {track(5): {3: 1}, track(1): {1: 2}}, {track(3): {2: 9}}
    merged = merge_lyrics([text_part(tmp_path, "train", train), text_part(tmp_path, "test", test)], Disagreements())
    assert as_rows(merged) == train | test
    assert merged.track_id.tolist() == sorted(merged.track_id.tolist())
    assert merged.official_test.tolist() == [False, True, False]


def test_track_twice_in_a_file_is_named_with_both_lines(tmp_path: Path) -> None:
    path = write_mxm(tmp_path / "mxm_dataset_train.txt", {track(1): {1: 2}, track(2): {1: 2}})
    path.write_text(path.read_text() + f"{track(1)},0,2:1\n")
    message = (
        rf"mxm_dataset_train\.txt, line 5: a track must have lyrics once; got {track(1)} again after "
        r"mxm_dataset_train\.txt, line 3"
    )
    with pytest.raises(UserError, match=message):
        merge_lyrics([read_mxm_text(raw_file(path))], Disagreements())


def test_track_in_both_parts_is_named_with_both_files(tmp_path: Path) -> None:
    parts = [
        text_part(tmp_path, "train", {track(9): {1: 1}, track(1): {1: 2}}),
        text_part(tmp_path, "test", {track(1): {1: 2}}),
    ]
    message = rf"mxm_dataset_test\.txt, line 3: .* got {track(1)} again after mxm_dataset_train\.txt, line 4"
    with pytest.raises(UserError, match=message):
        merge_lyrics(parts, Disagreements())


def test_database_adds_tracks_and_text_is_trusted(tmp_path: Path) -> None:
    text = {track(1): {1: 2}, track(2): {1: 1, 3: 4}, track(3): {1: 1, 2: 1}}
    other = {track(1): {1: 2}, track(2): {1: 1, 3: 5}, track(3): {1: 1}, track(4): {7: 1}}
    database = read_mxm_db(raw_file(write_mxm_db(tmp_path / "mxm_dataset.db", other, test=[track(4)])))
    found = Disagreements()
    merged = merge_lyrics([text_part(tmp_path, "train", text), database], found)
    assert as_rows(merged) == text | {track(4): {7: 1}}
    assert merged.official_test.tolist() == [False, False, False, True]
    assert (found.compared, found.differing) == ({"lyrics": 3}, {"lyrics": 2})
    assert database.report.dropped == {"in a more trusted file, too": 3}


def test_sources_with_other_words_are_an_error(tmp_path: Path) -> None:
    words = (*WORDS[:2], "other", *WORDS[3:])
    database = read_mxm_db(raw_file(write_mxm_db(tmp_path / "mxm_dataset.db", {track(1): {1: 1}}, words=words)))
    with pytest.raises(UserError, match=r"words must be those of .* \(word 3 is 'other', not 'café'\)"):
        merge_lyrics([text_part(tmp_path, "train", {track(1): {1: 1}}), database], Disagreements())


def test_values_go_to_their_track_whatever_the_order(tmp_path: Path) -> None:
    joined = join_tables(TRACKS, [table("summary", [3, 9, 1], [1993, 1999, 1991])], Disagreements())
    np.testing.assert_array_equal(joined.values["year"], np.array([1991, np.nan, 1993], np.float32))


def test_most_trusted_value_is_taken_and_differences_are_counted() -> None:
    found = Disagreements()
    tables = [
        table("tracks_per_year", [1, 2, 3], [2001, 2002, 2003]),
        table("summary", [1, 2, 3], [1991, np.nan, 2003]),
        table("songs", [1], [1981]),
    ]
    joined = join_tables(TRACKS, tables, found)
    assert joined.values["year"].tolist() == [1981, 2002, 2003]
    assert found.compared == {"year": 3}
    assert found.differing == {"year": 2}
    assert joined.used["year"] == {"songs": 1, "summary": 1, "tracks_per_year": 1}


def test_full_file_is_trusted_before_subset_file() -> None:
    joined = join_tables(TRACKS, [table("summary", [1], [1991]), table("summary", [1], [1992])], Disagreements())
    assert joined.values["year"][0] == 1991


def test_rounding_is_no_disagreement() -> None:
    found = Disagreements()
    join_tables(TRACKS, [table("summary", [1], [0.45423116]), table("songs", [1], [0.454231156571])], found)
    assert found.differing == {"year": 0}


def test_rows_without_lyrics_are_dropped_and_counted() -> None:
    source = table("summary", [1, 8, 9], [1, 2, 3])
    join_tables(TRACKS, [source], Disagreements())
    assert source.report.rows_joined == 1
    assert source.report.dropped == {"no lyrics": 2}


def test_track_twice_in_a_table_is_named() -> None:
    with pytest.raises(UserError, match=f"summary, row 2: a track must be there once; got {track(1)} again after 0"):
        join_tables(TRACKS, [table("summary", [1, 2, 1], [1, 2, 3])], Disagreements())


def test_artist_ids_are_joined_by_trust() -> None:
    found = Disagreements()
    tables = [
        table("track_metadata", [1, 2, 3], [1, 2, 3], [artist(1), artist(2), artist(3)]),
        table("summary", [1, 2], [1, 2], [artist(9), ""]),
    ]
    joined = join_tables(TRACKS, tables, found)
    assert joined.artist_id.tolist() == [artist(number).encode() for number in (9, 2, 3)]
    assert (found.compared["artist_id"], found.differing["artist_id"]) == (1, 1)
