"""Writes tiny files in the official formats, row by row as a test wants them."""

import sqlite3
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from msd_mtl.data.raw.files import RawFile, official_name

WORDS = ("i", "the", "café", "naïve", "любовь", "愛", "you")
SUMMARY = "subset_msd_summary_file.h5"

METADATA = np.dtype(
    [
        ("analyzer_version", "S32"),
        ("artist_familiarity", "<f8"),
        ("artist_hotttnesss", "<f8"),
        ("artist_id", "S32"),
        ("artist_name", "S1024"),
        ("song_hotttnesss", "<f8"),
        ("song_id", "S32"),
        ("title", "S1024"),
    ]
)
ANALYSIS = np.dtype(
    [
        ("audio_md5", "S32"),
        ("duration", "<f8"),
        ("key", "<i4"),
        ("key_confidence", "<f8"),
        ("loudness", "<f8"),
        ("mode", "<i4"),
        ("mode_confidence", "<f8"),
        ("tempo", "<f8"),
        ("time_signature", "<i4"),
        ("time_signature_confidence", "<f8"),
        ("track_id", "S32"),
    ]
)
MUSICBRAINZ = np.dtype([("idx_artist_mbtags", "<i4"), ("year", "<i4")])
SONG = {
    "artist_familiarity": 0.5,
    "artist_hotttnesss": 0.4,
    "song_hotttnesss": 0.3,
    "duration": 200.5,
    "key": 5,
    "key_confidence": 0.7,
    "loudness": -8.25,
    "mode": 1,
    "mode_confidence": 0.6,
    "tempo": 120.5,
    "time_signature": 4,
    "time_signature_confidence": 0.9,
    "year": 1999,
}


def track(number: int) -> str:
    """A track id."""
    return f"TRAAA{number:013X}"


def artist(number: int) -> str:
    """An artist id."""
    return f"ARAAA{number:013X}"


def raw_file(path: Path) -> RawFile:
    """The file as the readers get it."""
    found = official_name(path.name)
    assert found is not None
    return RawFile(*found, path, path.name, path.suffix == ".zip")


def write_mxm(path: Path, rows: dict[str, dict[int, int]], words: Sequence[str] = WORDS) -> Path:
    """Lyrics: track id: word index, from 1: count."""
    lines = ["# MADE UP", "%" + ",".join(words)]
    for number, (track_id, counts) in enumerate(rows.items()):
        lines.append(",".join([track_id, str(number), *(f"{word}:{count}" for word, count in counts.items())]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_mxm_db(
    path: Path, rows: dict[str, dict[int, int]], test: Iterable[str] = (), words: Sequence[str] = WORDS
) -> Path:
    """Lyrics in a database."""
    tested = set(test)
    with _database(path) as connection:
        connection.execute("CREATE TABLE words (word TEXT PRIMARY KEY)")
        connection.execute("CREATE TABLE lyrics (track_id, mxm_tid INT, word TEXT, count INT, is_test INT)")
        connection.executemany("INSERT INTO words VALUES (?)", [(word,) for word in words])
        connection.executemany(
            "INSERT INTO lyrics VALUES (?, 0, ?, ?, ?)",
            [(t, words[word - 1], n, int(t in tested)) for t, counts in rows.items() for word, n in counts.items()],
        )
    return path


def song(track_id: str, artist_id: str = "", artist_name: str = "", **values: Any) -> dict[str, Any]:
    """A row of the song tables."""
    return SONG | {"track_id": track_id, "artist_id": artist_id, "artist_name": artist_name} | values


def write_songs(path: Path, songs: Sequence[dict[str, Any]], terms: Sequence[str] | None = None) -> Path:
    """The three song tables: a summary file, or a per-song file if there is one song."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as target:
        for group, dtype in (("metadata", METADATA), ("analysis", ANALYSIS), ("musicbrainz", MUSICBRAINZ)):
            table = np.zeros(len(songs), dtype)
            for row, values in enumerate(songs):
                for name in set(dtype.names or ()) & set(values):
                    value = values[name]
                    table[name][row] = value.encode() if isinstance(value, str) else value
            target.create_dataset(f"{group}/songs", data=table, chunks=(max(len(songs), 1),), compression="gzip")
        if terms is not None:
            target["metadata/artist_terms"] = np.array([term.encode() for term in terms], dtype="S256")
    return path


def write_song_file(root: Path, song_row: dict[str, Any], terms: Sequence[str] = ()) -> Path:
    """A per-song file in its place in the official tree."""
    track_id = song_row["track_id"]
    return write_songs(root / track_id[2] / track_id[3] / track_id[4] / f"{track_id}.h5", [song_row], terms)


def write_track_metadata(path: Path, songs: Sequence[dict[str, Any]]) -> Path:
    """The database of songs."""
    columns = ("track_id", "artist_id", "artist_name", "duration", "artist_familiarity", "artist_hotttnesss", "year")
    with _database(path) as connection:
        connection.execute(
            "CREATE TABLE songs (track_id text PRIMARY KEY, artist_id text, artist_name text, duration real, "
            "artist_familiarity real, artist_hotttnesss real, year int)"
        )
        rows = [tuple(row[column] for column in columns) for row in songs]
        connection.executemany("INSERT INTO songs VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    return path


def write_artist_term(path: Path, pairs: Sequence[tuple[str | None, str | None]]) -> Path:
    """The database of artist terms."""
    with _database(path) as connection:
        connection.execute("CREATE TABLE artists (artist_id TEXT PRIMARY KEY)")
        connection.execute("CREATE TABLE terms (term TEXT PRIMARY KEY)")
        connection.execute("CREATE TABLE artist_term (artist_id TEXT, term TEXT)")
        connection.executemany("INSERT INTO artist_term VALUES (?, ?)", pairs)
    return path


def write_lastfm(path: Path, tags: dict[str, dict[str, float]]) -> Path:
    """The database of Last.fm tags: track id: tag: val."""
    names = list(dict.fromkeys(tag for given in tags.values() for tag in given))
    with _database(path) as connection:
        connection.execute("CREATE TABLE tids (tid TEXT PRIMARY KEY)")
        connection.execute("CREATE TABLE tags (tag TEXT PRIMARY KEY)")
        connection.execute("CREATE TABLE tid_tag (tid INT, tag INT, val FLOAT)")
        connection.executemany("INSERT INTO tids VALUES (?)", [(track_id,) for track_id in tags])
        connection.executemany("INSERT INTO tags VALUES (?)", [(tag,) for tag in names])
        rows = [
            (row, names.index(tag) + 1, val) for row, given in enumerate(tags.values(), 1) for tag, val in given.items()
        ]
        connection.executemany("INSERT INTO tid_tag VALUES (?, ?, ?)", rows)
    return path


def write_lines(path: Path, lines: Iterable[str]) -> Path:
    """Any text file."""
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def write_years(path: Path, rows: Iterable[tuple[int | str, str, str]]) -> Path:
    """Years: year, track id, artist name."""
    return write_lines(path, [f"{year}<SEP>{track_id}<SEP>{name}<SEP>Title" for year, track_id, name in rows])


def write_unique(path: Path, rows: Iterable[tuple[str, str]]) -> Path:
    """Tracks: track id, artist name."""
    return write_lines(path, [f"{track_id}<SEP>SO<SEP>{name}<SEP>Title" for track_id, name in rows])


def write_genres(path: Path, rows: Iterable[Sequence[str]]) -> Path:
    """Genres: track id, majority and minority genre."""
    return write_lines(path, ["# MADE UP", *("\t".join(row) for row in rows)])


def zipped(path: Path) -> Path:
    """Put a file into an archive beside it, and remove it."""
    archive = path.with_name(path.name + ".zip")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        target.write(path, path.name)
    path.unlink()
    return archive


class _database:  # noqa: N801 (used like a function)
    """A database that is written and closed."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path)

    def __enter__(self) -> sqlite3.Connection:
        return self.connection

    def __exit__(self, *_: object) -> None:
        self.connection.commit()
        self.connection.close()
