"""Reads `msd_summary_file.h5` and `subset_msd_summary_file.h5`.

Origin, licence, units and missing values: see `song_tables`.

Format: HDF5 compound tables `/metadata/songs`, `/analysis/songs`, `/musicbrainz/songs`, aligned by row. The full file
unpacks to 5.5 GB, nearly all of it padding of strings: it is read in blocks of rows.
"""

import h5py
import numpy as np

from msd_mtl.data.raw.archive import unpacked
from msd_mtl.data.raw.files import RawFile
from msd_mtl.data.raw.lyrics import FileReport
from msd_mtl.data.raw.song_tables import TABLES, known_values, short_ids, table_of, wrong_layout
from msd_mtl.data.raw.tables import TrackTable, joined

BLOCK_ROWS = 1 << 14  # our choice: 87 MB of unpacked rows at a time


def read_summary(file: RawFile) -> TrackTable:
    """Read ids and values of every song of a summary file.

    Args:
        file: Full or subset summary file, plain or zipped.

    Returns:
        One row per song, in the order of the file; rows without track id are dropped.

    Raises:
        UserError: If the file is not HDF5, or its tables are not the official ones.
    """
    with unpacked(file) as path:
        try:
            source = h5py.File(path, "r")
        except OSError as wrong:
            raise wrong_layout(file, "file must be HDF5", wrong) from None
        with source:
            tables = {name: table_of(source, name, file) for name in TABLES}
            n_rows = {name: len(table) for name, table in tables.items()}
            if len(set(n_rows.values())) != 1:
                raise wrong_layout(file, "tables must have one length, as their rows belong together", n_rows)
            names: dict[bytes, str] = {}
            parts = [_block(tables, start, names, file) for start in range(0, n_rows["analysis/songs"], BLOCK_ROWS)]
    if not parts:
        raise wrong_layout(file, "tables must have rows", "none")
    return joined(parts)


def _block(tables: dict[str, h5py.Dataset], start: int, names: dict[bytes, str], file: RawFile) -> TrackTable:
    """Read some rows of the three tables; the same name becomes the same object, so that a million stay small."""
    rows = slice(start, start + BLOCK_ROWS)
    try:
        metadata, analysis, musicbrainz = (tables[name].fields(list(columns))[rows] for name, columns in TABLES.items())
    except OSError as wrong:
        raise wrong_layout(file, f"rows from {start} must be readable", wrong) from None
    decoded = [
        names.get(name) or names.setdefault(name, name.decode("utf-8", "backslashreplace"))
        for name in metadata["artist_name"].tolist()
    ]
    return TrackTable(
        track_id=short_ids(analysis["track_id"], b"TR", "analysis/songs", start, file),
        report=FileReport(file.name, file.family, rows_read=len(analysis)),
        place=f"{file.name}, table /analysis/songs, row",
        rows=np.arange(start, start + len(analysis)),
        values=known_values(metadata, analysis, musicbrainz),
        artist_id=short_ids(metadata["artist_id"], b"AR", "metadata/songs", start, file),
        artist_name=np.array(decoded, dtype=object),
    )
