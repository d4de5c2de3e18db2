"""Reads `lastfm_tags.db`.

Origin: Last.fm dataset of the Million Song Dataset, http://millionsongdataset.com/lastfm.
Licence: research use, strictly non-commercial; see http://www.last.fm/api/tos.
Unit: `val`, 0 to 100: how often listeners gave a tag to a track, as a percentage of the track's most given tag.

Format: SQLite tables `tids(tid)`, `tags(tag)`, `tid_tag(tid, tag, val)`; the last holds ROWIDs of the first two.
A val of 0 is a percentage rounded down: the tag was given, only seldom. A listed tag is therefore positive whatever its
val, and the val is kept beside it. A track in `tids` without a tag is unknown to this source.
"""

import itertools
import sqlite3
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msd_mtl.data.raw.files import RawFile
from msd_mtl.data.raw.lyrics import FileReport
from msd_mtl.data.raw.sqlite import bad_row, database
from msd_mtl.data.raw.tables import TagTable
from msd_mtl.errors import UserError

COLUMNS: dict[str, tuple[str, ...]] = {"tids": ("tid",), "tags": ("tag",), "tid_tag": ("tid", "tag", "val")}
CHUNK_ROWS = 1 << 17  # our choice: at most so many rows are Python objects at a time
NO_LYRICS, NOT_LISTED = -1, -2
_ROW = np.dtype([("tid", "i8"), ("tag", "i8"), ("val", "f4")])


def read_lastfm(file: RawFile, wanted: NDArray[np.bytes_]) -> TagTable:
    """Read the tags of tracks that have lyrics.

    Args:
        file: The database, plain or zipped.
        wanted: Track ids that have lyrics, ascending, bytes ``S18``.

    Returns:
        Pairs of track and tag with ``val`` as weight, of tracks of ``wanted`` only. A pair listed twice counts once,
        with the larger val.

    Raises:
        UserError: If the file is no such database, or a row is not as the format has it; with its number.
    """
    report = FileReport(file.name, file.family)
    with database(file, COLUMNS) as connection:
        track_of = _tracks(connection, wanted, file)
        names = dict(connection.execute("SELECT rowid, tag FROM tags WHERE tag <> ''"))
        named = np.zeros(max(names, default=0) + 1, dtype=np.bool_)
        named[list(names)] = True
        parts = [_kept(chunk, track_of, named, report) for chunk in _chunks(connection, file)]
    track, tag, val = (np.concatenate(column) for column in zip(*parts, strict=True)) if parts else _nothing()
    order = np.lexsort((val, tag, track))
    track, tag, val = track[order], tag[order], val[order]
    last = np.append((np.diff(track) != 0) | (np.diff(tag) != 0), np.ones(min(len(track), 1), dtype=np.bool_))
    report.drop("the same pair again", int((~last).sum()))
    entities, rows = np.unique(track[last], return_inverse=True)
    tags, columns = np.unique(tag[last], return_inverse=True)
    return TagTable(
        entity=wanted[entities],
        tags=[names[int(number)] for number in tags],
        rows=rows.astype(np.int32),
        columns=columns.astype(np.int32),
        report=report,
        weight=val[last],
    )


def _tracks(connection: sqlite3.Connection, wanted: NDArray[np.bytes_], file: RawFile) -> NDArray[np.int32]:
    """For each ROWID of `tids` its place in ``wanted``, or ``NO_LYRICS``, or ``NOT_LISTED`` without such a row."""
    listed = connection.execute("SELECT rowid, tid FROM tids").fetchall()
    for row, tid in listed:
        if not isinstance(tid, str) or len(tid) != 18 or not tid.startswith("TR") or not tid.isascii():
            raise bad_row(file, "tids", row, "track id must be TR and 16 characters", tid)
    ids = np.array([tid for _, tid in listed], dtype="S18")
    rows = np.array([row for row, _ in listed], dtype=np.int64)
    track_of = np.full(int(rows.max(initial=0)) + 1, NOT_LISTED, dtype=np.int32)
    place = np.searchsorted(wanted, ids).clip(max=len(wanted) - 1)
    track_of[rows] = np.where(wanted[place] == ids, place, NO_LYRICS)
    return track_of


def _chunks(connection: sqlite3.Connection, file: RawFile) -> Iterator[NDArray[np.void]]:
    """Read rows of `tid_tag`."""
    rows = connection.execute("SELECT tid, tag, val FROM tid_tag ORDER BY rowid")
    first = 1
    while chunk := list(itertools.islice(rows, CHUNK_ROWS)):
        try:
            table = np.fromiter(chunk, dtype=_ROW, count=len(chunk))
        except (TypeError, ValueError, OverflowError):
            raise _wrong_row(chunk, first, file) from None
        if not ((table["val"] >= 0) & (table["val"] <= 100)).all():
            raise _wrong_row(chunk, first, file)
        yield table
        first += len(chunk)


def _wrong_row(chunk: list[tuple[Any, ...]], first: int, file: RawFile) -> UserError:
    """The error of the first row that cannot be read."""
    for number, (tid, tag, val) in enumerate(chunk, first):
        if not isinstance(tid, int) or not isinstance(tag, int):
            return bad_row(file, "tid_tag", number, "tid and tag must be ROWIDs of tids and tags", (tid, tag))
        if not isinstance(val, int | float) or not 0 <= val <= 100:
            return bad_row(file, "tid_tag", number, "val must be 0 to 100", val)
    return bad_row(file, "tid_tag", first, "rows must be whole", chunk[0])


def _kept(
    chunk: NDArray[np.void], track_of: NDArray[np.int32], named: NDArray[np.bool_], report: FileReport
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint8]]:
    """Keep the rows of tracks with lyrics; count the others."""
    tid, tag = chunk["tid"], chunk["tag"]
    listed = (tid >= 0) & (tid < len(track_of)) & (tag >= 0) & (tag < len(named))
    track = np.where(listed, track_of[np.where(listed, tid, 0)], NOT_LISTED)
    track[listed & ~named[np.where(listed, tag, 0)]] = NOT_LISTED
    report.rows_read += len(chunk)
    report.drop("no lyrics", int((track == NO_LYRICS).sum()))
    report.drop("track or tag not listed", int((track == NOT_LISTED).sum()))
    kept = track >= 0
    return track[kept], tag[kept].astype(np.int32), np.rint(chunk["val"][kept]).astype(np.uint8)


def _nothing() -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint8]]:
    return np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.uint8)
