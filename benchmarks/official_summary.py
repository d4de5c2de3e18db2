"""Makes up songs, and writes them as a summary file in the official format."""

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

FULL = 1_000_000
YEARS, ARTISTS = 515_576 / FULL, 44_745 / FULL  # per song of the real files

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
