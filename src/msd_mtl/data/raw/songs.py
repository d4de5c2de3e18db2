"""Reads per-song files, `A/B/C/TRABC....h5`, from any folder layout.

Origin, licence, units and missing values: see `song_tables`.

Format: HDF5 with the three tables of the summary file, one row each, and `/metadata/artist_terms`, the terms of the
song's artist (The Echo Nest). Only files of tracks that have lyrics are opened: the whole dataset is a million files.
"""

import hashlib
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from msd_mtl.data.raw.files import RawFile, RawFolder
from msd_mtl.data.raw.lyrics import FileReport
from msd_mtl.data.raw.song_tables import (
    TABLES,
    TEXTS,
    check_kind,
    check_rows,
    known_values,
    short_ids,
    table_of,
    wrong_layout,
)
from msd_mtl.data.raw.tables import TagTable, TrackTable, joined
from msd_mtl.errors import UserError

FAMILY = "songs"
TERMS = "metadata/artist_terms"


@dataclass(frozen=True)
class Songs:
    """What per-song files say.

    Attributes:
        report: What became of the files; a row is a file.
        tracks: Values of the songs that have lyrics; None if none has.
        terms: Terms of their artists; None if no file has terms.
        artists_compared: Files whose artist was there before.
        artists_differing: Those whose terms differ; the artist has all of them.
    """

    report: FileReport
    tracks: TrackTable | None
    terms: TagTable | None
    artists_compared: int
    artists_differing: int


def read_songs(folder: RawFolder, wanted: Container[bytes]) -> Songs:
    """Read the per-song files of tracks that have lyrics.

    Args:
        folder: What was found.
        wanted: Track ids that have lyrics.

    Returns:
        Their values and artist terms.

    Raises:
        UserError: If a file is not HDF5, is laid out in another way, is of another track than its name says, or is
            there twice.
    """
    report = FileReport(f"per-song files ({len(folder.songs)})", FAMILY, rows_read=len(folder.songs))
    parts: list[TrackTable] = []
    terms: dict[bytes, set[str]] = {}
    compared = differing = 0
    digest = hashlib.sha256()
    previous = RawFile(FAMILY, "", folder.root, "")
    for track_id, path in folder.songs:
        file = RawFile(FAMILY, track_id, Path(path), Path(path).relative_to(folder.root).as_posix())
        if track_id == previous.stem:
            raise UserError(f"{file.name}: a track must be there once; got it in {previous.name}, too. Remove one.")
        previous = file
        if track_id.encode() not in wanted:
            continue
        digest.update(file.path.read_bytes())
        part, names = _read_song(file, len(parts))
        parts.append(part)
        if names and part.artist_id is not None and (artist := bytes(part.artist_id[0])):
            compared += artist in terms
            differing += terms.get(artist, names) != names
            terms[artist] = terms.get(artist, set()) | names
    report.drop("no lyrics", len(folder.songs) - len(parts))
    report.sha256 = digest.hexdigest() if parts else ""
    tracks = joined(parts) if parts else None
    if tracks:
        report.impossible = tracks.report.impossible
        tracks.report = report
    return Songs(report, tracks, _term_table(terms), compared, differing)


def _read_song(file: RawFile, number: int) -> tuple[TrackTable, set[str]]:
    """Read one file: its row, and the terms of its artist."""
    try:
        with h5py.File(file.path, "r") as source:
            tables = {name: table_of(source, name, file) for name in TABLES}
            if any(len(table) != 1 for table in tables.values()):
                raise wrong_layout(
                    file, "tables must have one row", {name: len(table) for name, table in tables.items()}
                )
            metadata, analysis, musicbrainz = (tables[name].fields(list(TABLES[name]))[:] for name in TABLES)
            terms = _terms(source, file)
    except OSError as wrong:
        raise wrong_layout(file, "file must be readable HDF5", wrong) from None
    track_id = short_ids(analysis["track_id"], b"TR", "analysis/songs", 0, file)
    if track_id[0] != file.stem.encode():
        raise wrong_layout(file, "file must be of the track in its name", f"track {track_id[0].decode()!r}")
    part = TrackTable(
        track_id=track_id,
        report=FileReport(file.name, FAMILY),
        place="per-song file",
        rows=np.array([number]),
        values=known_values(metadata, analysis, musicbrainz),
        artist_id=short_ids(metadata["artist_id"], b"AR", "metadata/songs", 0, file),
        artist_name=np.array([bytes(metadata["artist_name"][0]).decode("utf-8", "backslashreplace")], dtype=object),
    )
    return part, {term.decode("utf-8", "backslashreplace") for term in terms} - {""}


def _terms(source: h5py.File, file: RawFile) -> list[bytes]:
    """Terms of the song's artist; a file may have none."""
    found = source.get(TERMS)
    if found is None:
        return []
    if not isinstance(found, h5py.Dataset):
        raise wrong_layout(file, f"/{TERMS} must be a table", "a group")
    check_rows(file, TERMS, found)
    check_kind(file, f"table /{TERMS}", found.dtype, TEXTS)
    terms: list[bytes] = found[:].tolist()
    return terms


def _term_table(terms: dict[bytes, set[str]]) -> TagTable | None:
    """Number artists and terms."""
    if not terms:
        return None
    names = sorted(set().union(*terms.values()))
    column = {name: index for index, name in enumerate(names)}
    pairs = [(row, column[name]) for row, artist in enumerate(terms) for name in terms[artist]]
    rows, columns = np.array(pairs, dtype=np.int32).T
    return TagTable(np.array(list(terms), dtype="S18"), names, rows, columns, FileReport(TERMS, FAMILY))
