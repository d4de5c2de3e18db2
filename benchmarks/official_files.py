"""Writes files in the official formats, of any size, with made-up rows.

    python benchmarks/official_files.py FOLDER [--songs N] [--with-databases]

With the default of 1,000,000 songs the files have the numbers of rows of the real ones: 237,662 tracks with lyrics of
about 81 distinct words, 505,216 tracks with Last.fm tags, 133,676 with genres, 515,576 with years, 44,745 artists.
"""

import argparse
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

FULL = 1_000_000
# Rows per song of the real files.
LYRICS, TEST_SHARE = 237_662 / FULL, 27_143 / 237_662
LASTFM, LASTFM_TAGS, LASTFM_PER_TRACK = 505_216 / FULL, 522_366 / FULL, 17
GENRES, YEARS, ARTISTS, TERMS_PER_ARTIST = 133_676 / FULL, 515_576 / FULL, 44_745 / FULL, 25
N_WORDS, WORDS_PER_TRACK, N_TERMS = 5_000, 81, 7_643
CHUNK_ROWS = 20_000

SONG_DTYPES = {
    "metadata": [
        ("analyzer_version", "S32"), ("artist_7digitalid", "<i4"), ("artist_familiarity", "<f8"),
        ("artist_hotttnesss", "<f8"), ("artist_id", "S32"), ("artist_latitude", "<f8"), ("artist_location", "S1024"),
        ("artist_longitude", "<f8"), ("artist_mbid", "S40"), ("artist_name", "S1024"), ("artist_playmeid", "<i4"),
        ("genre", "S1024"), ("idx_artist_terms", "<i4"), ("idx_similar_artists", "<i4"), ("release", "S1024"),
        ("release_7digitalid", "<i4"), ("song_hotttnesss", "<f8"), ("song_id", "S32"), ("title", "S1024"),
        ("track_7digitalid", "<i4"),
    ],
    "analysis": [
        ("analysis_sample_rate", "<i4"), ("audio_md5", "S32"), ("danceability", "<f8"), ("duration", "<f8"),
        ("end_of_fade_in", "<f8"), ("energy", "<f8"), ("idx_bars_confidence", "<i4"), ("idx_bars_start", "<i4"),
        ("idx_beats_confidence", "<i4"), ("idx_beats_start", "<i4"), ("idx_sections_confidence", "<i4"),
        ("idx_sections_start", "<i4"), ("idx_segments_confidence", "<i4"), ("idx_segments_loudness_max", "<i4"),
        ("idx_segments_loudness_max_time", "<i4"), ("idx_segments_loudness_start", "<i4"),
        ("idx_segments_pitches", "<i4"), ("idx_segments_start", "<i4"), ("idx_segments_timbre", "<i4"),
        ("idx_tatums_confidence", "<i4"), ("idx_tatums_start", "<i4"), ("key", "<i4"), ("key_confidence", "<f8"),
        ("loudness", "<f8"), ("mode", "<i4"), ("mode_confidence", "<f8"), ("start_of_fade_out", "<f8"),
        ("tempo", "<f8"), ("time_signature", "<i4"), ("time_signature_confidence", "<f8"), ("track_id", "S32"),
    ],
    "musicbrainz": [("idx_artist_mbtags", "<i4"), ("year", "<i4")],
}  # fmt: skip
GENRE_NAMES = ["Pop_Rock", "Electronic", "Jazz", "Rap", "Country", "RnB", "Reggae", "Blues", "Folk", "Latin"]


@dataclass(frozen=True)
class Songs:
    """Made-up songs.

    Attributes:
        track_id: Bytes ``S18``, shape ``(songs,)``.
        artist: Artist of each song, shape ``(songs,)``.
        artist_id: Bytes ``S18``, shape ``(artists,)``.
        artist_name: Shape ``(artists,)``.
        year: 0 where unknown, shape ``(songs,)``.
        duration_s: Seconds, shape ``(songs,)``.
        heat: Hotttnesss and familiarity of artists, shape ``(artists, 2)``.
    """

    track_id: NDArray[np.bytes_]
    artist: NDArray[np.int64]
    artist_id: NDArray[np.bytes_]
    artist_name: list[str]
    year: NDArray[np.int64]
    duration_s: NDArray[np.float64]
    heat: NDArray[np.float64]


def ids(prefix: str, n: int, rng: np.random.Generator) -> NDArray[np.bytes_]:
    """Different ids of the official form: prefix, five letters, eleven hexadecimal digits."""
    letters = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", np.uint8)
    figures = np.frombuffer(b"0123456789ABCDEF", np.uint8)
    characters = np.empty((n, 18), np.uint8)
    characters[:, :2] = np.frombuffer(prefix.encode(), np.uint8)
    characters[:, 2:7] = letters[rng.integers(26, size=(n, 5))]
    characters[:, 7:] = figures[rng.integers(16, size=(n, 11))]
    number = rng.permutation(n)
    for place in range(6):  # the last six digits are a running number: no two ids are the same
        characters[:, 17 - place] = figures[(number >> (4 * place)) & 15]
    return characters.view("S18").ravel()


def make_songs(n_songs: int, rng: np.random.Generator) -> Songs:
    """Make up songs; artists are as skewed as real ones, some names are not ASCII."""
    n_artists = max(int(n_songs * ARTISTS), 2)
    popularity = 1 / np.arange(1, n_artists + 1) ** 0.6
    artist = rng.choice(n_artists, n_songs, p=popularity / popularity.sum())
    names = [f"{('The Band', 'Sigur Rós', 'Кино', '电台')[i % 4]} {i}" for i in range(n_artists)]
    year = np.where(rng.random(n_songs) < YEARS, 2011 - np.minimum(rng.exponential(12, n_songs), 88), 0).astype(int)
    duration = rng.lognormal(5.4, 0.4, n_songs).round(5)
    return Songs(
        ids("TR", n_songs, rng), artist, ids("AR", n_artists, rng), names, year, duration, rng.random((n_artists, 2))
    )


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


def write_summary(path: Path, songs: Songs, rng: np.random.Generator) -> None:
    """Write the summary file: tables as PyTables lays them out, compressed at level 1 with shuffled bytes."""
    n = len(songs.track_id)
    name = np.array([text.encode() for text in songs.artist_name], dtype="S1024")
    with h5py.File(path, "w") as target:
        for table, columns in SONG_DTYPES.items():
            dtype = np.dtype(columns)
            chunk = max(min(n, (1 << 18) // dtype.itemsize), 1)
            made = target.create_dataset(
                f"{table}/songs",
                (n,),
                dtype,
                chunks=(chunk,),
                compression="gzip",
                compression_opts=1,
                shuffle=True,
                maxshape=(None,),
            )
            for start in range(0, n, chunk * 64):
                rows = np.arange(start, min(start + chunk * 64, n))
                made[start : start + len(rows)] = _song_rows(table, dtype, rows, songs, name, rng)


def _song_rows(
    table: str,
    dtype: np.dtype[np.void],
    rows: NDArray[np.int64],
    songs: Songs,
    name: NDArray[np.bytes_],
    rng: np.random.Generator,
) -> NDArray[np.void]:
    made = np.zeros(len(rows), dtype)
    artist = songs.artist[rows]
    if table == "musicbrainz":
        made["year"] = songs.year[rows]
    elif table == "metadata":
        made["artist_id"], made["artist_name"] = songs.artist_id[artist], name[artist]
        made["artist_hotttnesss"], made["artist_familiarity"] = songs.heat[artist].T
        made["song_hotttnesss"] = np.where(rng.random(len(rows)) < 0.58, rng.random(len(rows)), np.nan)
        made["title"] = np.char.add(b"Song of ", songs.track_id[rows])
        made["release"] = np.char.add(b"Release ", songs.artist_id[artist])
        made["song_id"] = np.char.replace(songs.track_id[rows], b"TR", b"SO")
    else:
        made["track_id"], made["duration"] = songs.track_id[rows], songs.duration_s[rows]
        made["loudness"] = -rng.gamma(4, 2.5, len(rows)).round(3)
        made["tempo"] = np.where(rng.random(len(rows)) < 0.997, rng.normal(124, 35, len(rows)).clip(30, 260), 0).round(
            3
        )
        made["key"], made["mode"] = rng.integers(12, size=len(rows)), rng.random(len(rows)) < 0.67
        made["time_signature"] = rng.choice([1, 3, 4, 5, 7], len(rows), p=[0.15, 0.13, 0.63, 0.06, 0.03])
        for confidence in ("key_confidence", "mode_confidence", "time_signature_confidence"):
            made[confidence] = rng.random(len(rows)).round(3)
        made["audio_md5"] = rng.integers(1 << 62, size=len(rows)).astype("S32")
    return made


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
    terms = [f"term {i}" for i in range(N_TERMS)]
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
