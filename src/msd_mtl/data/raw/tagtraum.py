"""Reads `msd_tagtraum_cd1.cls`, `msd_tagtraum_cd2.cls` and `msd_tagtraum_cd2c.cls`.

Origin: tagtraum genre annotations for the Million Song Dataset (H. Schreiber, ISMIR 2015),
http://www.tagtraum.com/msd_genre_datasets.html.
Licence: research use, non-commercial; see the page.
Unit: a track's majority genre, and its minority genre where the votes were split.

Format: `#` comments; `track_id<TAB>majority[<TAB>minority]`. CD1 has the genres of Top-MAGD; CD2 splits rock
and pop in other ways and adds Metal and Punk; CD2C is CD2 without tracks
of split votes. The genres of CD1 and CD2 do not mean the same, so one file is used for a store and not a mixture.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from msd_mtl.data.raw.files import RawFile
from msd_mtl.data.raw.lyrics import FileReport
from msd_mtl.data.raw.text import bad_line, lines, track_ids

SOURCES = ("cd1", "cd2", "cd2c")  # order of trust: CD1 is the one with three sources of votes


@dataclass(frozen=True)
class GenreTable:
    """Genres of tracks from one file.

    Attributes:
        track_id: Bytes ``S18``, shape ``(rows,)``.
        genres: Genre names, sorted.
        majority: Majority genre, int16, shape ``(rows,)``.
        minority: Minority genre, -1 where there is none, int16, shape ``(rows,)``.
        rows: Line of each track, int64, shape ``(rows,)``.
        report: What became of the file's rows.
        source: ``cd1``, ``cd2`` or ``cd2c``.
    """

    track_id: NDArray[np.bytes_]
    genres: list[str]
    majority: NDArray[np.int16]
    minority: NDArray[np.int16]
    rows: NDArray[np.int64]
    report: FileReport
    source: str


def read_tagtraum(file: RawFile) -> GenreTable:
    """Read the genres of tracks.

    Args:
        file: One of the three files, plain or zipped.

    Returns:
        One row per track; rows without a genre are dropped.

    Raises:
        UserError: If a line is not as the format has it; with its number.
    """
    numbers, ids, majority, minority = [], [], [], []
    report = FileReport(file.name, file.family)
    for number, line in lines(file):
        track_id, *genres = line.split("\t")
        if not 1 <= len(genres) <= 2:
            raise bad_line(file, number, "line must be a track id and one or two genres, with tabs between", line)
        report.rows_read += 1
        if not genres[0]:
            report.drop("no genre", 1)
            continue
        numbers.append(number)
        ids.append(track_id)
        majority.append(genres[0])
        minority.append(genres[1] if len(genres) == 2 else "")
    rows = np.array(numbers, dtype=np.int64)
    names = sorted({*majority, *minority} - {""})
    index = {name: place for place, name in enumerate(names)} | {"": -1}
    return GenreTable(
        track_id=track_ids(ids, rows, file),
        genres=names,
        majority=np.array([index[name] for name in majority], dtype=np.int16),
        minority=np.array([index[name] for name in minority], dtype=np.int16),
        rows=rows,
        report=report,
        source=file.stem.removeprefix("msd_tagtraum_"),
    )
