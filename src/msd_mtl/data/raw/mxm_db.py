"""Reads `mxm_dataset.db`.

Origin: musiXmatch dataset, http://millionsongdataset.com/musixmatch.
Licence: research use only, no lyrics are distributed.
Unit: occurrences of a stemmed word in a song's lyrics.

Format: SQLite tables `words(word)`, in order of ROWID most popular first, and
`lyrics(track_id, mxm_tid, word, count, is_test)`, one row per track and word.
"""

import itertools
import re
import sqlite3
from collections.abc import Iterator
from operator import index as whole
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from msd_mtl.data.raw.files import RawFile
from msd_mtl.data.raw.lyrics import FileReport, Indices, Lyrics
from msd_mtl.data.raw.sqlite import bad_row, database
from msd_mtl.errors import UserError

COLUMNS: dict[str, tuple[str, ...]] = {"words": ("word",), "lyrics": ("track_id", "word", "count", "is_test")}
CHUNK_ROWS = 1 << 17  # our choice: at most so many rows are Python objects at a time, about 40 MB
_ID = re.compile(rb"TR[A-Z0-9]{16}")
_ROW = np.dtype([("track", "i4"), ("word", "i4"), ("count", "u4"), ("test", "i1")])
Row = tuple[Any, Any, Any, Any]


class _Counts(NamedTuple):
    track: NDArray[np.int32]  # number of the track, in order of appearance
    word: Indices  # column, from 0
    times: Indices


def read_mxm_db(file: RawFile) -> Lyrics:
    """Read the musiXmatch dataset from its database.

    Args:
        file: ``mxm_dataset.db``, plain or zipped.

    Returns:
        Its tracks; ``is_test`` makes the official test part.

    Raises:
        UserError: If the file is no such database, a row is not as the format has it, with its number, or a track is
            of both parts.
    """
    tracks: dict[bytes, int] = {}
    of_part: tuple[set[int], set[int]] = (set(), set())  # tracks by the is_test of their rows
    with database(file, COLUMNS) as connection:
        connection.text_factory = bytes  # 38 million texts need not be decoded one by one
        words = [word for (word,) in connection.execute("SELECT word FROM words ORDER BY rowid")]
        vocabulary = tuple(_decoded(word, row, file) for row, word in enumerate(words, 1))
        parts = list(_counts(connection, words, tracks, of_part, file))
    if not parts:
        raise UserError(f"{file.name}: table lyrics must have rows; got none. Download it again.")
    counts = _Counts(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    del parts
    counts = _sorted(counts, list(tracks), vocabulary, file)
    if both := set.intersection(*of_part):
        track = list(tracks)[min(both)].decode()
        raise UserError(
            f"{file.name}, table lyrics, track {track}: is_test must be the same in all rows of a track; got 0 and 1. "
            "Download the file again."
        )
    is_test = np.zeros(len(tracks), dtype=np.bool_)
    is_test[list(of_part[1])] = True
    return Lyrics(
        track_id=np.array(list(tracks), dtype="S18"),
        official_test=is_test,
        lengths=np.bincount(counts.track, minlength=len(tracks)).astype(np.int64),
        indices=counts.word,
        counts=counts.times,
        vocabulary=vocabulary,
        rows=np.arange(1, len(tracks) + 1),
        place=f"{file.name}, table lyrics, track",
        report=FileReport(file.name, file.family, rows_read=len(tracks)),
    )


def _decoded(word: Any, row: int, file: RawFile) -> str:
    """A word of the vocabulary; none is lost."""
    try:
        return bytes(word).decode("utf-8")
    except (TypeError, UnicodeDecodeError):
        raise bad_row(file, "words", row, "word must be UTF-8 text", word) from None


def _counts(
    connection: sqlite3.Connection,
    words: list[bytes],
    tracks: dict[bytes, int],
    of_part: tuple[set[int], set[int]],
    file: RawFile,
) -> Iterator[_Counts]:
    """Read rows of `lyrics`, number their tracks in order of appearance, and note those of each part."""
    column = {word: number for number, word in enumerate(words)}
    index_type = np.min_scalar_type(max(len(words) - 1, 0))
    rows = connection.execute("SELECT track_id, word, count, is_test FROM lyrics ORDER BY rowid")
    first = 1
    while chunk := list(itertools.islice(rows, CHUNK_ROWS)):
        known = len(tracks)
        numbered = (
            (tracks.setdefault(track, len(tracks)), column[word], whole(count), whole(test))
            for track, word, count, test in chunk
        )
        try:
            table = np.fromiter(numbered, dtype=_ROW, count=len(chunk))
        except (KeyError, TypeError, ValueError, OverflowError):
            raise _wrong_row(chunk, first, column, file) from None
        new = itertools.islice(tracks, known, None)
        if (
            table["count"].min() < 1
            or not set(np.unique(table["test"]).tolist()) <= {0, 1}
            or not all(map(_is_id, new))
        ):
            raise _wrong_row(chunk, first, column, file)
        for is_test, members in enumerate(of_part):
            members.update(np.unique(table["track"][table["test"] == is_test]).tolist())
        narrow = np.min_scalar_type(int(table["count"].max()))
        yield _Counts(table["track"].copy(), table["word"].astype(index_type), table["count"].astype(narrow))
        first += len(chunk)


def _is_id(track: Any) -> bool:
    return isinstance(track, bytes) and _ID.fullmatch(track) is not None


def _wrong_row(chunk: list[Row], first: int, column: dict[bytes, int], file: RawFile) -> UserError:
    """The error of the first row that is not as it must be."""
    for row, (track, word, count, test) in enumerate(chunk, first):
        if not _is_id(track):
            return bad_row(file, "lyrics", row, "track id must be TR and 16 capital letters or digits", track)
        if word not in column:
            return bad_row(file, "lyrics", row, "word must be one of table words", word)
        if not isinstance(count, int) or not 0 < count < 1 << 32:
            return bad_row(file, "lyrics", row, "count must be a whole number from 1", count)
        if test not in (0, 1):
            return bad_row(file, "lyrics", row, "is_test must be 0 or 1", test)
    return bad_row(file, "lyrics", first, "rows must be whole", chunk[0])


def _sorted(counts: _Counts, tracks: list[bytes], vocabulary: tuple[str, ...], file: RawFile) -> _Counts:
    """Sort by track and word; a word twice in a track is an error."""
    key = counts.track.astype(np.int64) * len(vocabulary) + counts.word
    if (np.diff(key) <= 0).any():
        order = np.argsort(key, kind="stable")
        key = key[order]
        counts = _Counts(counts.track[order], counts.word[order], counts.times[order])
    doubled = np.flatnonzero(np.diff(key) == 0)
    if len(doubled):
        track, word = tracks[counts.track[doubled[0]]].decode(), vocabulary[counts.word[doubled[0]]]
        raise UserError(
            f"{file.name}, table lyrics, track {track}: a track must have a word once; got {word!r} twice. "
            "Download the file again."
        )
    return counts
