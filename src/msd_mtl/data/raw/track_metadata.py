"""Reads `track_metadata.db` and `subset_track_metadata.db`.

Origin: Million Song Dataset (The Echo Nest, MusicBrainz), http://millionsongdataset.com/pages/getting-dataset.
Licence: research use; see http://millionsongdataset.com/faq.
Unit: duration s, year; familiarity and hotttnesss without unit, 0 to about 1.

Format: SQLite table `songs(track_id, title, song_id, release, artist_id, artist_mbid, artist_name, duration,
artist_familiarity, artist_hotttnesss, year, ...)`, one row per track. Missing values are as in the HDF5 files: see
`song_tables`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msd_mtl.data.raw.files import RawFile
from msd_mtl.data.raw.lyrics import FileReport
from msd_mtl.data.raw.song_tables import positive
from msd_mtl.data.raw.sqlite import bad_row, database
from msd_mtl.data.raw.tables import TrackTable, joined

NUMBERS = ("duration", "artist_familiarity", "artist_hotttnesss", "year")
COLUMNS = ("track_id", "artist_id", "artist_name", *NUMBERS)
CHUNK_ROWS = 1 << 17  # our choice: at most so many rows are Python objects at a time


def read_track_metadata(file: RawFile) -> TrackTable:
    """Read ids, names and values of every song of the database.

    Args:
        file: Full or subset database, plain or zipped.

    Returns:
        One row per song; rows without track id are dropped.

    Raises:
        UserError: If the file is no such database, or a row is not as the format has it; with its number.
    """
    parts = []
    names: dict[str, str] = {}
    with database(file, {"songs": COLUMNS}) as connection:
        rows = connection.execute(f"SELECT rowid, {', '.join(COLUMNS)} FROM songs ORDER BY rowid")  # noqa: S608
        while chunk := rows.fetchmany(CHUNK_ROWS):
            parts.append(_part(chunk, names, file))
    if not parts:
        raise bad_row(file, "songs", 1, "table must have rows", "none")
    return joined(parts)


def _part(chunk: list[tuple[Any, ...]], names: dict[str, str], file: RawFile) -> TrackTable:
    """Turn some rows into a table."""
    row, track_id, artist_id, artist_name, *numbers = zip(*chunk, strict=True)
    return TrackTable(
        track_id=_ids(track_id, "TR", row, file),
        report=FileReport(file.name, file.family),
        place=f"{file.name}, table songs, row",
        rows=np.array(row, dtype=np.int64),
        values={
            name: positive(_numbers(column, name, row, file)) for name, column in zip(NUMBERS, numbers, strict=True)
        },
        artist_id=_ids(artist_id, "AR", row, file),
        artist_name=np.array([names.setdefault(name or "", name or "") for name in artist_name], dtype=object),
    )


def _ids(ids: tuple[Any, ...], prefix: str, rows: tuple[int, ...], file: RawFile) -> NDArray[np.bytes_]:
    """Check ids; none may be there, but no wrong one."""
    for row, value in zip(rows, ids, strict=True):
        if value and not (isinstance(value, str) and len(value) == 18 and value.startswith(prefix) and value.isascii()):
            raise bad_row(file, "songs", row, f"id must be {prefix} and 16 characters", value)
    return np.array([value or "" for value in ids], dtype="S18")


def _numbers(values: tuple[Any, ...], name: str, rows: tuple[int, ...], file: RawFile) -> NDArray[np.float64]:
    """Convert a column; NULL is missing."""
    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        for row, value in zip(rows, values, strict=True):
            if not isinstance(value, int | float | None):
                raise bad_row(file, "songs", row, f"{name} must be a number", value) from None
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
