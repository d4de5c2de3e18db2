"""What is shown at the end of prepare."""

from pathlib import Path

import pytest
from rich.console import Console

from msd_mtl.data.prepare import prepare
from tests.data.official import artist, song, track, write_genres, write_mxm, write_songs, write_unique


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    write_mxm(folder / "mxm_dataset_train.txt", {track(1): {1: 2, 2: 1}, track(2): {1: 1}, track(3): {}})
    write_mxm(folder / "mxm_dataset_test.txt", {track(4): {1: 1}, track(5): {1: 1}})
    write_songs(
        folder / "msd_summary_file.h5", [song(track(1), artist(1), "A"), song(track(2), artist(2), "B", tempo=0)]
    )
    write_genres(folder / "msd_tagtraum_cd1.cls", [(track(2), "Rap"), (track(4), "Jazz"), (track(9), "Jazz")])
    write_unique(folder / "unique_tracks.txt", [(track(4), "B")])
    (folder / "notes [draft].md").touch()
    return folder


def test_counts_are_those_of_the_files(raw: Path, tmp_path: Path) -> None:
    found = prepare(raw, tmp_path / "store.h5")
    assert (found.tracks, found.official_test, found.stored) == (4, 2, 5)
    assert (found.groups, found.only_by_name, found.without_artist) == (3, 1, 1)
    assert found.labelled["loudness"] == 2
    assert found.labelled["tempo"] == 1
    assert found.labelled["genre"] == 2
    assert found.tags == {"genre": 2}
    assert {report.file: report.dropped for report in found.reports if report.dropped} == {
        "mxm_dataset_train.txt": {"no words": 1},
        "msd_tagtraum_cd1.cls": {"no lyrics": 1},
    }


def test_overlap_counts_tracks_with_both_labels(raw: Path, tmp_path: Path) -> None:
    found = prepare(raw, tmp_path / "store.h5")
    names = list(found.labelled)

    def both(first: str, second: str) -> int:
        return int(found.overlap[names.index(first), names.index(second)])

    assert both("genre", "loudness") == both("loudness", "genre") == 1
    assert both("genre", "tempo") == 0
    for name, labelled in found.labelled.items():
        assert both(name, name) == labelled


def shown(raw: Path, store: Path, width: int) -> str:
    console = Console(width=width, record=True, quiet=False, file=(store.parent / "shown.txt").open("w"))
    with console.file:
        prepare(raw, store, console=console)
    return console.export_text()


def test_everything_dropped_is_shown(raw: Path, tmp_path: Path) -> None:
    text = shown(raw, tmp_path / "store.h5", 100)
    assert "1 no words" in text
    assert "1 no lyrics" in text
    assert "Left aside: notes [draft].md (not an official name)" in text
    assert "1 tracks known only by" in text


def test_fields_known_for_the_same_tracks_share_a_row(raw: Path, tmp_path: Path) -> None:
    text = shown(raw, tmp_path / "store.h5", 200)
    row = next(line for line in text.splitlines() if line.startswith("2 loudness"))
    assert "duration, year" in row
    assert "tempo" not in row


def test_nothing_is_shown_without_a_console(raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prepare(raw, tmp_path / "store.h5")
    assert capsys.readouterr() == ("", "")
