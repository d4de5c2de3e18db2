"""Lyrics in text files."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msd_mtl.data.raw import text
from msd_mtl.data.raw.lyrics import Lyrics
from msd_mtl.data.raw.mxm_text import read_mxm_text
from msd_mtl.errors import UserError
from tests.data.official import WORDS, raw_file, track, write_lines, write_mxm, zipped

Rows = dict[str, dict[int, int]]


def as_rows(lyrics: Lyrics) -> Rows:
    bounds = np.concatenate([[0], np.cumsum(lyrics.lengths)])
    return {
        track_id.decode(): dict(
            zip((lyrics.indices[a:b].astype(int) + 1).tolist(), lyrics.counts[a:b].tolist(), strict=True)
        )
        for track_id, a, b in zip(lyrics.track_id, bounds, bounds[1:], strict=False)
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mxm_dataset_train.txt"


def test_reads_every_count_of_every_track(path: Path) -> None:
    rows = {track(3): {1: 2, 7: 300}, track(1): {5: 1}}
    lyrics = read_mxm_text(raw_file(write_mxm(path, rows)))
    assert as_rows(lyrics) == rows
    assert not lyrics.official_test.any()
    assert lyrics.report.rows_read == 2


def test_keeps_words_that_are_not_ascii(path: Path) -> None:
    assert read_mxm_text(raw_file(write_mxm(path, {track(1): {1: 1}}))).vocabulary == WORDS


def test_file_named_test_is_the_official_test_part(tmp_path: Path) -> None:
    path = write_mxm(tmp_path / "mxm_dataset_test.txt", {track(1): {1: 1}})
    assert read_mxm_text(raw_file(path)).official_test.all()


def test_zipped_file_reads_as_the_plain_one(path: Path) -> None:
    rows = {track(1): {1: 1, 2: 3}}
    assert as_rows(read_mxm_text(raw_file(zipped(write_mxm(path, rows))))) == rows


def test_words_of_a_track_in_any_order_come_out_sorted(path: Path) -> None:
    lyrics = read_mxm_text(raw_file(write_mxm(path, {track(1): {7: 1, 2: 5, 4: 2}, track(2): {3: 1, 1: 1}})))
    assert lyrics.indices.tolist() == [1, 3, 6, 0, 2]
    assert lyrics.counts.tolist() == [5, 2, 1, 1, 1]


@settings(max_examples=40, deadline=None)
@given(
    rows=st.dictionaries(
        st.integers(0, 99).map(track),
        st.dictionaries(st.integers(1, len(WORDS)), st.integers(1, 10**9 - 1), min_size=1),
        min_size=1,
        max_size=12,
    ),
    block_bytes=st.integers(1, 200),
)
def test_any_rows_come_back_whatever_the_size_of_a_block(
    tmp_path_factory: pytest.TempPathFactory, rows: Rows, block_bytes: int
) -> None:
    path = write_mxm(tmp_path_factory.mktemp("raw") / "mxm_dataset_train.txt", rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text.blocks, "__defaults__", (block_bytes,))
        assert as_rows(read_mxm_text(raw_file(path))) == rows


def test_comments_blank_lines_and_windows_line_ends_change_nothing(path: Path) -> None:
    lines = ["# a", "%" + ",".join(WORDS), "", f"{track(1)},5,1:2", "# b", f"{track(2)},6,2:1"]
    path.write_bytes("\r\n".join([*lines, ""]).encode())
    lyrics = read_mxm_text(raw_file(path))
    assert as_rows(lyrics) == {track(1): {1: 2}, track(2): {2: 1}}
    assert lyrics.rows.tolist() == [4, 6]


def test_track_without_words_is_dropped_and_counted(path: Path) -> None:
    lyrics = read_mxm_text(raw_file(write_mxm(path, {track(1): {}, track(2): {1: 1}})))
    assert as_rows(lyrics) == {track(2): {1: 1}}
    assert lyrics.report.dropped == {"no words": 1}
    assert lyrics.report.rows_read == 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (f"{track(2)},5,1:x", "count of word 1 must be a whole number from 1; got 'x'"),
        (f"{track(2)},5,1:0", "count of word 1 must be a whole number from 1; got '0'"),
        (f"{track(2)},5,1:-3", "count of word 1 must be a whole number from 1; got '-3'"),
        (f"{track(2)},5,1:2.5", "count of word 1 must be"),
        (f"{track(2)},5,1:9999999999", "count of word 1 must be"),
        (f"{track(2)},5,8:1", "word index must be 1 to 7"),
        (f"{track(2)},5,0:1", "word index must be 1 to 7"),
        (f"{track(2)},5,2:1,2:1", "a word must occur once in a line; got 'word 2 twice'"),
        (f"{track(2)},5,1:2,", "words must be written index:count; got ''"),
        (f"{track(2)},5,1:2,3", "words must be written index:count; got '3'"),
        (f"{track(2)},5,1:2:3", "count of word 1 must be"),
        (f"{track(2)},5,1;2", "words must be written index:count"),
        (f"{track(2)},x,1:2", "musiXmatch id must be a whole number; got 'x'"),
        (f"{track(2)}", "musiXmatch id must be a whole number; got ''"),
        ("TRSHORT,5,1:2", "track id must be TR and 16 capital letters or digits; got 'TRSHORT'"),
        (f"XX{track(2)[2:]},5,1:2", "track id must be TR"),
        (f"{track(2).lower()},5,1:2", "track id must be TR"),
        ("%i,you", "file must have one line of words"),
    ],
)
def test_bad_line_is_named(path: Path, line: str, message: str) -> None:
    write_lines(path, ["# x", "%" + ",".join(WORDS), f"{track(1)},5,1:2", line, f"{track(3)},5,1:2"])
    with pytest.raises(UserError, match=r"^mxm_dataset_train\.txt, line 4: ") as error:
        read_mxm_text(raw_file(path))
    assert message in str(error.value)


@pytest.mark.parametrize("end", [f"{track(2)},5,1:", f"{track(2)},5,1:2", "TRAA"])
def test_last_line_cut_off_is_an_error_even_where_it_could_be_read(path: Path, end: str) -> None:
    write_mxm(path, {track(1): {1: 1}})
    with path.open("a") as target:
        target.write(end)
    with pytest.raises(UserError, match=r"mxm_dataset_train\.txt, line 4: last line must end with a line feed"):
        read_mxm_text(raw_file(path))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (b"%a,\xff\xfe", "words must be UTF-8"),
        (b"%a,,b", "words must not be empty; got 'none at place 2'"),
        (b"%a,b,a", "words must be different; got 'a twice'"),
    ],
)
def test_bad_line_of_words_is_named(path: Path, words: bytes, message: str) -> None:
    path.write_bytes(b"# x\n" + words + b"\n" + f"{track(1)},5,1:2\n".encode())
    with pytest.raises(UserError, match=r"mxm_dataset_train\.txt, line 2: ") as error:
        read_mxm_text(raw_file(path))
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "file must have lines; got an empty file"),
        (b"%a,b\n", "file must have tracks; got none"),
        (f"{track(1)},5,1:2\n".encode(), "a line of words .* must come before the tracks"),
    ],
)
def test_file_without_what_it_needs_is_an_error(path: Path, content: bytes, message: str) -> None:
    path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_mxm_text(raw_file(path))


def test_damaged_archive_is_an_error(path: Path) -> None:
    archive = zipped(write_mxm(path, {track(number): {1: 1, 2: 3} for number in range(500)}))
    whole = bytearray(archive.read_bytes())
    whole[len(whole) // 3] ^= 0xFF
    archive.write_bytes(whole)
    with pytest.raises(UserError, match="archive must be whole"):
        read_mxm_text(raw_file(archive))


def test_file_that_is_no_archive_is_an_error(path: Path) -> None:
    archive = path.with_name(path.name + ".zip")
    archive.write_text("<html>not found</html>")
    with pytest.raises(UserError, match="file must be a zip archive"):
        read_mxm_text(raw_file(archive))
