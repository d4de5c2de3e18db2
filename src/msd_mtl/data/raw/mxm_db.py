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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msd_mtl.data.raw.files import RawFile
from msd_mtl.data.raw.lyrics import FileReport, Lyrics
from msd_mtl.data.raw.sqlite import bad_row, database
from msd_mtl.errors import UserError

COLUMNS: dict[str, tuple[str, ...]] = {"words": ("word",), "lyrics": ("track_id", "word", "count", "is_test")}
CHUNK_ROWS = 1 << 17  # our choice: at most so many rows are Python objects at a time, about 40 MB
_ID = re.compile(r"TR[A-Z0-9]{16}")
_ROW = np.dtype([("row", "i8"), ("track", "i4"), ("word", "i4"), ("count", "i4"), ("test", "?")])


def read_mxm_db(file: RawFile) -> Lyrics:
    """Read the musiXmatch dataset from its database.

    Args:
        file: ``mxm_dataset.db``, plain or zipped.

    Returns:
        Its tracks; ``is_test`` makes the official test part.

    Raises:
        UserError: If the file is no such database, or a row is not as the format has it; with its number.
    """
    tracks: dict[str, int] = {}
    with database(file, COLUMNS) as connection:
        vocabulary = tuple(word for (word,) in connection.execute("SELECT word FROM words ORDER BY rowid"))
        index = {word: column for column, word in enumerate(vocabulary)}
        chunks = list(_chunks(connection, index, tracks, file))
    if not chunks:
        raise UserError(f"{file.name}: table lyrics must have rows; got none. Download it again.")
    table = np.concatenate(chunks)
    del chunks
    table = table[np.argsort(table["track"].astype(np.int64) * len(vocabulary) + table["word"], kind="stable")]
    track = table["track"]
    starts = np.flatnonzero(np.diff(track, prepend=-1))
    _check(table, starts, list(tracks), vocabulary, file)
    return Lyrics(
        track_id=np.array(list(tracks), dtype="S18"),
        official_test=np.logical_or.reduceat(table["test"], starts),
        lengths=np.diff(starts, append=len(table)),
        indices=table["word"].astype(np.min_scalar_type(len(vocabulary) - 1)),
        counts=table["count"].astype(np.min_scalar_type(int(table["count"].max()))),
        vocabulary=vocabulary,
        rows=np.minimum.reduceat(table["row"], starts).astype(np.int64),
        place=f"{file.name}, table lyrics, row",
        report=FileReport(file.name, file.family, rows_read=len(tracks)),
    )


def _chunks(
    connection: sqlite3.Connection, index: dict[str, int], tracks: dict[str, int], file: RawFile
) -> Iterator[NDArray[np.void]]:
    """Read rows of `lyrics` and number their tracks in order of appearance."""
    rows = connection.execute("SELECT rowid, track_id, word, count, is_test FROM lyrics")
    while chunk := list(itertools.islice(rows, CHUNK_ROWS)):
        numbered = (
            (row, tracks.setdefault(track, len(tracks)), index[word], count, test)
            for row, track, word, count, test in chunk
        )
        try:
            yield np.fromiter(numbered, dtype=_ROW, count=len(chunk))
        except (KeyError, TypeError, ValueError, OverflowError):
            raise _wrong_row(chunk, index, file) from None


def _wrong_row(chunk: list[tuple[Any, ...]], index: dict[str, int], file: RawFile) -> UserError:
    """The error of the first row that cannot be read."""
    for row, _, word, count, test in chunk:
        if word not in index:
            return bad_row(file, "lyrics", row, "word must be one of table words", word)
        if not isinstance(count, int) or not 0 < count < 1 << 31:
            return bad_row(file, "lyrics", row, "count must be a whole number from 1", count)
        if test not in (0, 1):
            return bad_row(file, "lyrics", row, "is_test must be 0 or 1", test)
    return bad_row(file, "lyrics", chunk[0][0], "rows must be whole", chunk[0])


def _check(
    table: NDArray[np.void],
    starts: NDArray[np.intp],
    tracks: list[str],
    vocabulary: tuple[str, ...],
    file: RawFile,
) -> None:
    """Check the sorted rows: ids, counts, and no word twice in a track."""
    for track_id, start in zip(tracks, starts, strict=True):
        if not isinstance(track_id, str) or not _ID.fullmatch(track_id):
            row = int(table["row"][start])
            raise bad_row(file, "lyrics", row, "track id must be TR and 16 capital letters or digits", track_id)
    small = np.flatnonzero(table["count"] < 1)
    if len(small):
        row, count = (int(table[name][small[0]]) for name in ("row", "count"))
        raise bad_row(file, "lyrics", row, "count must be a whole number from 1", count)
    doubled = np.flatnonzero((np.diff(table["track"]) == 0) & (np.diff(table["word"]) == 0))
    if len(doubled):
        row, word = int(table["row"][doubled[0] + 1]), vocabulary[table["word"][doubled[0]]]
        raise bad_row(file, "lyrics", row, "a track must have a word once", f"{word} twice")
