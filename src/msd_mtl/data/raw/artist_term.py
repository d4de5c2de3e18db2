"""Reads `artist_term.db` and `subset_artist_term.db`.

Origin: Million Song Dataset; terms are The Echo Nest's tags of artists,
http://millionsongdataset.com/pages/getting-dataset.
Licence: research use; see http://millionsongdataset.com/faq.
Unit: none; an artist has a term or has it not.

Format: SQLite tables `artists(artist_id)`, `terms(term)`, `artist_term(artist_id, term)`; the MusicBrainz tags beside
them are not read. An artist without a single term is one that The Echo Nest had no tags for, not one of whom all
terms are untrue: such artists are unknown to this source.
"""

from typing import Any

import numpy as np

from msd_mtl.data.raw.files import RawFile
from msd_mtl.data.raw.lyrics import FileReport
from msd_mtl.data.raw.sqlite import bad_row, database
from msd_mtl.data.raw.tables import TagTable

COLUMNS: dict[str, tuple[str, ...]] = {"artist_term": ("artist_id", "term")}


def read_artist_term(file: RawFile) -> TagTable:
    """Read the terms of artists.

    Args:
        file: Full or subset database, plain or zipped.

    Returns:
        Pairs of artist and term, each pair once; rows without one of the two are dropped.

    Raises:
        UserError: If the file is no such database, or a row is not as the format has it; with its number.
    """
    report = FileReport(file.name, file.family)
    artists: dict[str, int] = {}
    terms: dict[str, int] = {}
    with database(file, COLUMNS) as connection:
        rows = connection.execute("SELECT artist_id, term FROM artist_term ORDER BY rowid")
        numbered = (_numbered(pair, artists, terms) for pair in rows)
        pairs = np.fromiter(numbered, dtype=np.dtype([("row", "i4"), ("column", "i4")]))
    report.rows_read = len(pairs)
    for number, artist in enumerate(artists):
        if not (isinstance(artist, str) and len(artist) == 18 and artist.startswith("AR") and artist.isascii()):
            row = int(np.flatnonzero(pairs["row"] == number)[0]) + 1
            raise bad_row(file, "artist_term", row, "artist id must be AR and 16 characters", artist)
    whole = pairs[pairs["row"] >= 0]
    report.drop("no artist or no term", len(pairs) - len(whole))
    once = np.unique(whole)
    report.drop("the same pair again", len(whole) - len(once))
    ids = np.array(list(artists), dtype="S18")
    return TagTable(ids, [str(term) for term in terms], once["row"].copy(), once["column"].copy(), report)


def _numbered(pair: tuple[Any, Any], artists: dict[str, int], terms: dict[str, int]) -> tuple[int, int]:
    """Number artist and term in order of appearance; -1 where one is missing."""
    artist, term = pair
    if not artist or not term:
        return -1, -1
    return artists.setdefault(artist, len(artists)), terms.setdefault(term, len(terms))
