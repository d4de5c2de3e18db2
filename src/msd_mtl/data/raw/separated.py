"""Reads the two official lists with `<SEP>` between columns.

`tracks_per_year.txt` (also `subset_...`)
    Origin: Million Song Dataset, years from MusicBrainz, http://millionsongdataset.com/pages/getting-dataset.
    Format: `year<SEP>track_id<SEP>artist<SEP>title`, only tracks whose year is known.
`unique_tracks.txt` (also `subset_...`)
    Origin: Million Song Dataset, same page.
    Format: `track_id<SEP>song_id<SEP>artist<SEP>title`.

Licence: research use; see http://millionsongdataset.com/faq.
Unit: year of the song's first release. Names may be empty: such an artist is unknown.
"""

import numpy as np

from msd_mtl.data.raw.files import RawFile
from msd_mtl.data.raw.lyrics import FileReport
from msd_mtl.data.raw.song_tables import positive
from msd_mtl.data.raw.tables import TrackTable
from msd_mtl.data.raw.text import bad_line, lines, track_ids

SEPARATOR = "<SEP>"


def read_tracks_per_year(file: RawFile) -> TrackTable:
    """Read years and artist names.

    Args:
        file: The list, plain or zipped.

    Returns:
        One row per line, with the field ``year``.

    Raises:
        UserError: If a line is not as the format has it; with its number.
    """
    table, first = _read(file, "year", "track_id", id_column=1)
    for number, year in zip(table.rows, first, strict=True):
        if not (year.isdecimal() and len(year) <= 4):
            raise bad_line(file, int(number), "year must be a whole number of at most four digits", year)
    table.values["year"] = positive(np.array(first, dtype=np.int64))
    return table


def read_unique_tracks(file: RawFile) -> TrackTable:
    """Read artist names.

    Args:
        file: The list, plain or zipped.

    Returns:
        One row per line, without fields.

    Raises:
        UserError: If a line is not as the format has it; with its number.
    """
    return _read(file, "track_id", "song_id", id_column=0)[0]


def _read(file: RawFile, *columns: str, id_column: int) -> tuple[TrackTable, list[str]]:
    """Read track ids and artist names; and the first column."""
    numbers, ids, first = [], [], []
    names: dict[str, str] = {}
    artists = []
    for number, line in lines(file):
        parts = line.split(SEPARATOR, 3)
        if len(parts) != 4:
            form = SEPARATOR.join([*columns, "artist", "title"])
            raise bad_line(file, number, f"line must be {form}", line)
        numbers.append(number)
        ids.append(parts[id_column])
        first.append(parts[0])
        artists.append(names.setdefault(parts[2], parts[2]))
    rows = np.array(numbers, dtype=np.int64)
    return TrackTable(
        track_id=track_ids(ids, rows, file),
        report=FileReport(file.name, file.family, rows_read=len(rows)),
        place=f"{file.name}, line",
        rows=rows,
        artist_name=np.array(artists, dtype=object),
    ), first
