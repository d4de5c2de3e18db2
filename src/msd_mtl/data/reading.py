"""Reads every official file of a folder and joins them."""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msd_mtl.data.contents import SCHEMA_VERSION, Contents, TagMatrix
from msd_mtl.data.groups import ArtistGroups, artist_groups
from msd_mtl.data.join import TRUST, Disagreements, join_tables, merge_lyrics
from msd_mtl.data.raw.artist_term import read_artist_term
from msd_mtl.data.raw.files import RawFile, RawFolder, discover
from msd_mtl.data.raw.lastfm import read_lastfm
from msd_mtl.data.raw.lyrics import FileReport, Lyrics
from msd_mtl.data.raw.mxm_db import read_mxm_db
from msd_mtl.data.raw.mxm_text import read_mxm_text
from msd_mtl.data.raw.separated import read_tracks_per_year, read_unique_tracks
from msd_mtl.data.raw.songs import Songs, read_songs
from msd_mtl.data.raw.summary import read_summary
from msd_mtl.data.raw.tables import TrackTable
from msd_mtl.data.raw.tagtraum import SOURCES, read_tagtraum
from msd_mtl.data.raw.track_metadata import read_track_metadata
from msd_mtl.data.tags import genre_matrix, tag_matrix
from msd_mtl.errors import UserError

Say = Callable[[str], None]

TABLES: dict[str, Callable[[RawFile], TrackTable]] = {
    "summary": read_summary,
    "track_metadata": read_track_metadata,
    "tracks_per_year": read_tracks_per_year,
    "unique_tracks": read_unique_tracks,
}


@dataclass
class Reading:
    """What was read.

    Attributes:
        contents: What a store of it holds.
        reports: What became of the rows of each file.
        disagreements: Sources compared.
        groups: Artist groups.
        used: Field: file: values taken from it.
        ignored: Files left aside, with the reason.
    """

    contents: Contents
    reports: list[FileReport]
    disagreements: Disagreements
    groups: ArtistGroups
    used: dict[str, dict[str, int]] = field(default_factory=dict)
    ignored: dict[str, str] = field(default_factory=dict)

    def provenance(self) -> dict[str, Any]:
        """Where everything comes from, as JSON values without times and without names of folders."""
        return {
            "schema_version": SCHEMA_VERSION,
            "files": [asdict(report) for report in self.reports],
            "ignored": self.ignored,
            "trust": ["lyrics_text before lyrics_db", *TRUST, "artist_term before songs", "full before subset files"],
            "used": self.used,
            "compared": self.disagreements.compared,
            "disagreements": self.disagreements.differing,
            "artists": {
                "groups": int(self.groups.artist.max(initial=-1)) + 1,
                "tracks_by_id": self.groups.by_id,
                "tracks_only_by_name": self.groups.by_name,
                "tracks_without_artist": self.groups.alone,
            },
        }


def read_folder(raw: Path, genres: str = "auto", say: Say = lambda _: None) -> Reading:
    """Read and join the official files of a folder.

    Args:
        raw: Download folder; it is only read.
        genres: Which genre file to use: ``cd1``, ``cd2``, ``cd2c``, or ``auto`` for the first of them that is there.
        say: Told what is being read.

    Returns:
        Contents of a store, and what became of every row.

    Raises:
        UserError: If a file is not as its format has it, or there are no lyrics.
    """
    folder = discover(raw)
    _leave_copies(folder)
    reader = _Reader(folder, say)
    with ThreadPoolExecutor(max_workers=1) as background:  # checksums need no interpreter: they run beside the reading
        checksums = {file.name: background.submit(_sha256, file.path) for file in folder.files}
        try:
            reading = reader.read(genres)
        except BaseException:
            background.shutdown(wait=False, cancel_futures=True)
            raise
        say("checksums")
        for report in reading.reports:
            if report.file in checksums:
                report.sha256 = checksums[report.file].result()
    return reading


class _Reader:
    """Reads family after family, and keeps only what the tracks with lyrics need."""

    def __init__(self, folder: RawFolder, say: Say) -> None:
        self.folder = folder
        self.say = say
        self.reports: list[FileReport] = []
        self.disagreements = Disagreements()

    def read(self, genres: str) -> Reading:
        """Read and join everything."""
        lyrics = self.lyrics()
        tables, songs = self.tables(lyrics)
        self.say("joining by track id")
        joined = join_tables(lyrics.track_id, tables, self.disagreements)
        groups = artist_groups(joined.artist_id, joined.names, tables)
        tags = {
            "term": self.terms(songs, joined.artist_id),
            "lastfm": self.lastfm(lyrics.track_id),
            "genre": self.genres(lyrics.track_id, genres),
        }
        contents = Contents(
            track_id=lyrics.track_id,
            artist_id=joined.artist_id,
            artist=groups.artist,
            has_artist=groups.has_artist,
            official_test=lyrics.official_test,
            lengths=lyrics.lengths,
            indices=lyrics.indices,
            counts=lyrics.counts,
            vocabulary=lyrics.vocabulary,
            fields=joined.values,
            tags={family: matrix for family, matrix in tags.items() if matrix is not None},
        )
        return Reading(contents, self.reports, self.disagreements, groups, joined.used, self.folder.ignored)

    def each(self, family: str) -> Iterator[RawFile]:
        """The files of a family, announced."""
        for file in self.folder.of(family):
            self.say(file.name)
            yield file

    def lyrics(self) -> Lyrics:
        """Lyrics of all sources."""
        parts = [read_mxm_text(file) for file in self.each("lyrics_text")]
        parts += [read_mxm_db(file) for file in self.each("lyrics_db")]
        if not parts:
            raise UserError(
                f"raw must hold lyrics; got {str(self.folder.root)!r} without mxm_dataset_train.txt and mxm_dataset.db."
                " Only tracks with lyrics enter a store: add one of them, or set download=true."
            )
        parts_with_words = [part for part in parts if len(part.track_id)]
        if not parts_with_words:
            files = ", ".join(part.report.file for part in parts)
            raise UserError(f"lyrics must have words; got {files}, where no track has any. Download them again.")
        merged = merge_lyrics(parts_with_words, self.disagreements)
        for part in parts:
            part.report.rows_joined = part.report.rows_read - sum(part.report.dropped.values())
            self.reports.append(part.report)
        return merged

    def tables(self, lyrics: Lyrics) -> tuple[list[TrackTable], Songs | None]:
        """Values of tracks, from every source."""
        tables = [read(file) for family, read in TABLES.items() for file in self.each(family)]
        songs = None
        if self.folder.songs:
            self.say(f"{len(self.folder.songs)} per-song files")
            songs = read_songs(self.folder, frozenset(lyrics.track_id.tolist()))
            if songs.tracks is not None:
                tables.append(songs.tracks)
            self.disagreements.count("term", songs.artists_compared, songs.artists_differing)
            self.reports.append(songs.report)
        self.reports += [table.report for table in tables if table.report not in self.reports]
        return tables, songs

    def terms(self, songs: Songs | None, artist_id: NDArray[np.bytes_]) -> TagMatrix | None:
        """Terms of artists: the database before the per-song files."""
        sources = [read_artist_term(file) for file in self.each("artist_term")]
        self.reports += [source.report for source in sources]
        if songs is not None and songs.terms is not None:
            sources.append(songs.terms)
        return tag_matrix("term", sources, artist_id, self.disagreements) if sources else None

    def lastfm(self, track_id: NDArray[np.bytes_]) -> TagMatrix | None:
        """Last.fm tags of tracks."""
        sources = [read_lastfm(file, track_id) for file in self.each("lastfm")]
        self.reports += [source.report for source in sources]
        return tag_matrix("lastfm", sources, track_id, self.disagreements) if sources else None

    def genres(self, track_id: NDArray[np.bytes_], choice: str) -> TagMatrix | None:
        """Genres of tracks: of the file chosen."""
        sources = {source.source: source for source in map(read_tagtraum, self.each("genre"))}
        self.reports += [source.report for source in sources.values()]
        if choice not in ("auto", *SOURCES) or (choice != "auto" and choice not in sources):
            there = ", ".join(sources) or "no genre file"
            raise UserError(
                f"genres must be auto or a genre file that is there; got {choice!r} with {there}. Set genres=auto."
            )
        order = sorted(sources, key=lambda source: (source != choice, SOURCES.index(source)))
        ordered = [sources[source] for source in order]
        return genre_matrix(ordered, track_id, self.disagreements) if ordered else None


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _leave_copies(folder: RawFolder) -> None:
    """Use one of several files of the same official name, if they are the same."""
    first: dict[tuple[str, str], RawFile] = {}
    for file in list(folder.files):
        other = first.setdefault((file.family, file.stem), file)
        if other is file:
            continue
        if other.zipped != file.zipped or _sha256(other.path) != _sha256(file.path):
            raise UserError(f"{file.name}: an official file must be there once; got another {other.name}. Remove one.")
        folder.files.remove(file)
        folder.ignored[file.name] = f"a copy of {other.name}"
