"""Lists of years and tracks, genres, and what was found in a folder."""

from pathlib import Path

import numpy as np
import pytest

from msd_mtl.data.raw.files import discover
from msd_mtl.data.raw.separated import read_tracks_per_year, read_unique_tracks
from msd_mtl.data.raw.tagtraum import read_tagtraum
from msd_mtl.errors import UserError
from tests.data.official import raw_file, track, write_genres, write_lines, write_unique, write_years, zipped


def test_years_come_with_track_and_artist(tmp_path: Path) -> None:
    rows = [(1999, track(2), "Sigur Rós"), (0, track(1), ""), (1922, track(3), "A\u2028B")]
    table = read_tracks_per_year(raw_file(write_years(tmp_path / "tracks_per_year.txt", rows)))
    np.testing.assert_array_equal(table.values["year"], np.array([1999, np.nan, 1922], np.float32))
    assert table.track_id.tolist() == [track(2).encode(), track(1).encode(), track(3).encode()]
    assert table.artist_name is not None
    assert table.artist_name.tolist() == ["Sigur Rós", "", "A\u2028B"]


def test_unique_tracks_give_names_and_titles_may_hold_anything(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "unique_tracks.txt", [f"{track(1)}<SEP>SO<SEP>Кино<SEP>a<SEP>b # c"])
    table = read_unique_tracks(raw_file(path))
    assert table.artist_name is not None
    assert table.artist_name.tolist() == ["Кино"]
    assert table.values == {}


def test_zipped_list_reads_as_the_plain_one(tmp_path: Path) -> None:
    path = zipped(write_unique(tmp_path / "subset_unique_tracks.txt", [(track(1), "A")]))
    assert len(read_unique_tracks(raw_file(path)).track_id) == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("soon<SEP>" + track(2) + "<SEP>A<SEP>T", "year must be a whole number of at most four digits; got 'soon'"),
        ("-5<SEP>" + track(2) + "<SEP>A<SEP>T", "year must be a whole number"),
        ("1999<SEP>TRX<SEP>A<SEP>T", "track id must be TR and 16 letters or digits; got 'TRX'"),
        ("1999<SEP>" + track(2), "line must be year<SEP>track_id<SEP>artist<SEP>title"),
    ],
)
def test_bad_year_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = write_lines(tmp_path / "tracks_per_year.txt", [f"1999<SEP>{track(1)}<SEP>A<SEP>T", line])
    with pytest.raises(UserError, match=rf"tracks_per_year\.txt, line 2: {message}"):
        read_tracks_per_year(raw_file(path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f"{track(1)}<SEP>S".encode(), "line 1: last line must end with a line feed"),
        (f"{track(1)}<SEP>S<SEP>\xff<SEP>T\n".encode("latin-1"), "line 1: text must be UTF-8"),
    ],
)
def test_text_that_cannot_be_read_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "unique_tracks.txt").write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_unique_tracks(raw_file(tmp_path / "unique_tracks.txt"))


def test_genres_have_majority_and_minority(tmp_path: Path) -> None:
    rows = [(track(2), "Rap"), (track(1), "Pop_Rock", "Blues"), (track(3), "")]
    table = read_tagtraum(raw_file(write_genres(tmp_path / "msd_tagtraum_cd2c.cls", rows)))
    assert table.source == "cd2c"
    assert [table.genres[index] for index in table.majority] == ["Rap", "Pop_Rock"]
    assert table.minority[0] == -1
    assert table.genres[table.minority[1]] == "Blues"
    assert table.report.dropped == {"no genre": 1}
    assert table.rows.tolist() == [2, 3]


@pytest.mark.parametrize("row", [(track(1),), (track(1), "A", "B", "C")])
def test_bad_genre_is_named(tmp_path: Path, row: tuple[str, ...]) -> None:
    path = write_genres(tmp_path / "msd_tagtraum_cd1.cls", [(track(2), "Rap"), row])
    with pytest.raises(
        UserError, match=r"msd_tagtraum_cd1\.cls, line 3: line must be a track id and one or two genres"
    ):
        read_tagtraum(raw_file(path))


def test_finds_plain_zipped_full_subset_and_nested_files(tmp_path: Path) -> None:
    names = {
        "mxm_dataset_train.txt": "lyrics_text",
        "mxm_dataset_test.txt.zip": "lyrics_text",
        "AdditionalFiles/subset_msd_summary_file.h5": "summary",
        "AdditionalFiles/track_metadata.db": "track_metadata",
        "subset_artist_term.db": "artist_term",
        "lastfm/lastfm_tags.db": "lastfm",
        "msd_tagtraum_cd2.cls.zip": "genre",
        "tracks_per_year.txt": "tracks_per_year",
        "subset_tracks_per_year.txt": "tracks_per_year",
    }
    for name in [*names, f"songs/A/A/A/{track(1)}.h5", "notes.md", "SHA256SUMS", "AdditionalFiles/artist_location.txt"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    folder = discover(tmp_path)
    assert {file.name: file.family for file in folder.files} == names
    assert [file.stem for file in folder.of("tracks_per_year")] == ["tracks_per_year", "subset_tracks_per_year"]
    assert [track_id for track_id, _ in folder.songs] == [track(1)]
    assert set(folder.ignored) == {"notes.md", "AdditionalFiles/artist_location.txt"}


def test_archive_of_a_plain_file_is_left_aside(tmp_path: Path) -> None:
    (tmp_path / "mxm_dataset_train.txt").touch()
    (tmp_path / "mxm_dataset_train.txt.zip").touch()
    folder = discover(tmp_path)
    assert [file.name for file in folder.files] == ["mxm_dataset_train.txt"]
    assert folder.ignored == {"mxm_dataset_train.txt.zip": "there unpacked, too"}


@pytest.mark.parametrize("content", [None, "notes.md"])
def test_folder_without_official_files_is_an_error(tmp_path: Path, content: str | None) -> None:
    if content:
        (tmp_path / content).touch()
    with pytest.raises(
        UserError, match=r"raw must hold official files, such as mxm_dataset_train\.txt .*no name is known"
    ):
        discover(tmp_path)


def test_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="raw must be a folder with official files"):
        discover(tmp_path / "none")
