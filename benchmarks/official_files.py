"""Writes files in the official formats, of any size, with made-up rows.

    python benchmarks/official_files.py FOLDER [--songs N] [--with-databases]

With the default of 1,000,000 songs the files have the numbers of rows of the real ones: 237,662 tracks with lyrics of
about 81 distinct words, 505,216 tracks with Last.fm tags, 133,676 with genres, 515,576 with years, 44,745 artists.
"""

import argparse
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from official_summary import FULL, Songs, make_songs, write_summary

# Rows per song of the real files.
LYRICS, TEST_SHARE = 237_662 / FULL, 27_143 / 237_662
LASTFM, LASTFM_TAGS, LASTFM_PER_TRACK = 505_216 / FULL, 522_366 / FULL, 17
GENRES, TERMS_PER_ARTIST = 133_676 / FULL, 25
N_WORDS, WORDS_PER_TRACK, N_TERMS = 5_000, 81, 7_643
CHUNK_ROWS = 20_000

COMMON_TERMS = ["rock", "pop", "electronic", "pop rock", "ballad", "hip hop", "metal", "country"]
GENRE_NAMES = ["Pop_Rock", "Electronic", "Jazz", "Rap", "Country", "RnB", "Reggae", "Blues", "Folk", "Latin"]


def lyrics_rows(
    n_tracks: int, rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
    """Words, counts and lengths of tracks, chunk by chunk: Zipf words, about 81 different ones a track."""
    weight = 1 / np.arange(1, N_WORDS + 1) ** 0.9
    cumulative = np.cumsum(weight / weight.sum())
    for start in range(0, n_tracks, CHUNK_ROWS):
        rows = min(CHUNK_ROWS, n_tracks - start)
        drawn = np.maximum(rng.lognormal(np.log(WORDS_PER_TRACK * 1.07), 0.6, rows), 2).astype(np.int64)
        word = np.searchsorted(cumulative, rng.random(int(drawn.sum()))).clip(max=N_WORDS - 1)
        key, count = np.unique(np.repeat(np.arange(rows), drawn) * N_WORDS + word, return_counts=True)
        yield key % N_WORDS, count, np.bincount(key // N_WORDS, minlength=rows)


def write_lyrics(folder: Path, track_id: NDArray[np.bytes_], rng: np.random.Generator, database: bool) -> int:
    """Write the two text files, and the database of the same rows; give the number of counts."""
    words = [f"wörd{i}" if i % 30 == 0 else f"word{i}" for i in range(N_WORDS)]
    n_test = int(len(track_id) * TEST_SHARE)
    pair = [[f"{w}:{c}" for c in range(60)] for w in range(N_WORDS + 1)]
    names = [name.decode() for name in track_id]
    row = stored = 0
    connection = _database(folder / "mxm_dataset.db") if database else None
    if connection:
        connection.execute("CREATE TABLE words (word TEXT PRIMARY KEY)")
        connection.execute(
            "CREATE TABLE lyrics (track_id, mxm_tid INT, word TEXT, count INT, is_test INT, "
            "FOREIGN KEY(word) REFERENCES words(word))"
        )
        connection.executemany("INSERT INTO words VALUES (?)", [(word,) for word in words])
    with (
        (folder / "mxm_dataset_test.txt").open("w", encoding="utf-8") as test,
        (folder / "mxm_dataset_train.txt").open("w", encoding="utf-8") as train,
    ):
        for part in (test, train):
            part.write("# made up\n%" + ",".join(words) + "\n")
        for word, count, lengths in lyrics_rows(len(track_id), rng):
            columns, counts = (word + 1).tolist(), count.clip(max=59).tolist()
            end = 0
            for length in lengths.tolist():
                here = slice(end, end := end + length)
                pairs = [pair[w][c] for w, c in zip(columns[here], counts[here], strict=True)]
                (test if row < n_test else train).write(f"{names[row]},{row + 1},{','.join(pairs)}\n")
                if connection:
                    connection.executemany(
                        "INSERT INTO lyrics VALUES (?, ?, ?, ?, ?)",
                        [
                            (names[row], row + 1, words[w - 1], c, int(row < n_test))
                            for w, c in zip(columns[here], counts[here], strict=True)
                        ],
                    )
                row += 1
            stored += len(columns)
    if connection:
        connection.commit()
        connection.execute("CREATE INDEX idx_lyrics1 ON lyrics ('track_id')")
        connection.execute("CREATE INDEX idx_lyrics2 ON lyrics ('word')")
        connection.close()
    return stored


def write_lists(folder: Path, songs: Songs, rng: np.random.Generator) -> None:
    """Write the list of tracks, the list of years and the genres."""
    names = [name.decode() for name in songs.track_id]
    artists = [songs.artist_name[artist] for artist in songs.artist]
    with (folder / "unique_tracks.txt").open("w", encoding="utf-8") as unique:
        unique.writelines(
            f"{i}<SEP>SO{i[2:]}<SEP>{artist}<SEP>Song of {i}\n" for i, artist in zip(names, artists, strict=True)
        )
    with (folder / "tracks_per_year.txt").open("w", encoding="utf-8") as years:
        years.writelines(
            f"{year}<SEP>{i}<SEP>{artist}<SEP>Song of {i}\n"
            for i, artist, year in zip(names, artists, songs.year.tolist(), strict=True)
            if year
        )
    chosen = rng.permutation(len(names))[: int(len(names) * GENRES)]
    genre = rng.integers(len(GENRE_NAMES), size=(len(chosen), 2)).tolist()
    with (folder / "msd_tagtraum_cd1.cls").open("w", encoding="utf-8") as genres:
        genres.write("# made up\n")
        for row, (first, second) in zip(chosen.tolist(), genre, strict=True):
            minority = f"\t{GENRE_NAMES[second]}" if first < second else ""
            genres.write(f"{names[row]}\t{GENRE_NAMES[first]}{minority}\n")


def write_tags(folder: Path, songs: Songs, rng: np.random.Generator) -> None:
    """Write the databases of artist terms and of Last.fm tags."""
    artists = [name.decode() for name in songs.artist_id]
    terms = [*COMMON_TERMS, *(f"term {i}" for i in range(len(COMMON_TERMS), N_TERMS))]
    connection = _database(folder / "artist_term.db")
    connection.executescript(
        "CREATE TABLE artists (artist_id TEXT PRIMARY KEY); CREATE TABLE terms (term TEXT PRIMARY KEY);"
        "CREATE TABLE artist_term (artist_id TEXT, term TEXT);"
        "CREATE TABLE mbtags (mbtag TEXT PRIMARY KEY); CREATE TABLE artist_mbtag (artist_id TEXT, mbtag TEXT);"
    )
    connection.executemany("INSERT INTO artists VALUES (?)", [(artist,) for artist in artists])
    connection.executemany("INSERT INTO terms VALUES (?)", [(term,) for term in terms])
    rows, columns = _pairs(len(artists), TERMS_PER_ARTIST, N_TERMS, rng)
    pairs = ((artists[row], terms[column]) for row, column in zip(rows.tolist(), columns.tolist(), strict=True))
    connection.executemany("INSERT INTO artist_term VALUES (?, ?)", pairs)
    _close(connection)
    connection = _database(folder / "lastfm_tags.db")
    connection.executescript(
        "CREATE TABLE tids (tid TEXT PRIMARY KEY); CREATE TABLE tags (tag TEXT PRIMARY KEY);"
        "CREATE TABLE tid_tag (tid INT, tag INT, val FLOAT);"
    )
    tagged = rng.permutation(len(songs.track_id))[: int(len(songs.track_id) * LASTFM)]
    n_tags = max(int(len(songs.track_id) * LASTFM_TAGS), 20)
    connection.executemany("INSERT INTO tids VALUES (?)", [(songs.track_id[row].decode(),) for row in tagged])
    connection.executemany(
        "INSERT INTO tags VALUES (?)", [(f"tag {i} ♫" if i % 9 == 0 else f"tag {i}",) for i in range(n_tags)]
    )
    rows, columns = _pairs(len(tagged), LASTFM_PER_TRACK, n_tags, rng)
    val = rng.integers(101, size=len(rows)).astype(float).tolist()
    connection.executemany(
        "INSERT INTO tid_tag VALUES (?, ?, ?)", zip((rows + 1).tolist(), (columns + 1).tolist(), val, strict=True)
    )
    connection.execute("CREATE INDEX idx_tid ON tid_tag (tid)")
    _close(connection)


def write_track_metadata(path: Path, songs: Songs) -> None:
    """Write the database of songs."""
    connection = _database(path)
    connection.execute(
        "CREATE TABLE songs (track_id text PRIMARY KEY, title text, song_id text, release text, artist_id text, "
        "artist_mbid text, artist_name text, duration real, artist_familiarity real, artist_hotttnesss real, year int)"
    )
    rows = (
        (
            i.decode(),
            "Song",
            f"SO{i.decode()[2:]}",
            "Release",
            songs.artist_id[a].decode(),
            "",
            songs.artist_name[a],
            d,
            h[1],
            h[0],
            y,
        )
        for i, a, d, h, y in zip(
            songs.track_id,
            songs.artist,
            songs.duration_s.tolist(),
            songs.heat[songs.artist].tolist(),
            songs.year.tolist(),
            strict=True,
        )
    )
    connection.executemany("INSERT INTO songs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    _close(connection)


def _pairs(
    n_rows: int, per_row: int, n_columns: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Different pairs, rows about equally long, columns Zipf."""
    drawn = rng.poisson(per_row * 1.15, n_rows) + 1
    column = (n_columns ** rng.random(int(drawn.sum()))).astype(np.int64) - 1
    key = np.unique(np.repeat(np.arange(n_rows), drawn) * n_columns + column.clip(0, n_columns - 1))
    return key // n_columns, key % n_columns


def _database(path: Path) -> sqlite3.Connection:
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = OFF")
    connection.execute("PRAGMA synchronous = OFF")
    return connection


def _close(connection: sqlite3.Connection) -> None:
    connection.commit()
    connection.close()


def write_all(folder: Path, n_songs: int = FULL, seed: int = 0, databases: bool = False) -> int:
    """Write one file of each family.

    Args:
        folder: Where to; made if it is not there.
        n_songs: Rows of the summary file; the other files keep their real shares.
        seed: The same seed writes the same rows.
        databases: Also the databases that repeat other files: ``mxm_dataset.db`` and ``track_metadata.db``.

    Returns:
        Number of word counts.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    songs = make_songs(n_songs, rng)
    with_lyrics = songs.track_id[rng.permutation(n_songs)[: round(n_songs * LYRICS)]]
    stored = write_lyrics(folder, with_lyrics, rng, databases)
    write_lists(folder, songs, rng)
    write_tags(folder, songs, rng)
    if databases:
        write_track_metadata(folder / "track_metadata.db", songs)
    write_summary(folder / "msd_summary_file.h5", songs, rng)
    return stored


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--songs", type=int, default=FULL)
    arguments.add_argument("--with-databases", action="store_true")
    chosen = arguments.parse_args()
    print(f"{write_all(chosen.folder, chosen.songs, databases=chosen.with_databases):,} word counts")
