"""Made-up lyrics: sparse word counts with the statistics of the musiXmatch bag of words.

Zipf word frequencies, topics that make words occur together, songs of different length, artists with several songs.
Rows are drawn in chunks with a random stream of their own, so a longer world begins with the rows of a shorter one.
"""

import hashlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from msd_mtl.data.tracks import Tracks

CHUNK_ROWS = 4096
N_TOPICS = 20
TOPIC_WORDS = 0.05  # share of the vocabulary that a topic uses
TOKEN_SOURCES = (0.7, 0.9)  # of a song's tokens 70 % follow all songs, 20 % its first topic, 10 % its second
LENGTH_SPREAD = 0.5  # standard deviation of the log number of tokens of a song
MIN_TOKENS = 4
SUNG_ONCE = 0.4  # chance that a word is not sung again; musiXmatch: about 230 words a song, 81 of them distinct
TRACKS_PER_ARTIST = 8  # musiXmatch: 237,662 tracks of about 22,000 artists, many of them with one
OFFICIAL_TEST_SHARE = 27_143 / 237_662  # musiXmatch test part


class Language(NamedTuple):
    """How songs of a world are written.

    Attributes:
        table: Words by probability, int32, shape ``(topics + 1, draws)``: a uniform column is a draw; row 0 is what
            all songs have in common.
        median_tokens: Median number of tokens of a song before words are sung again.
    """

    table: NDArray[np.int32]
    median_tokens: float


def stream(world: int, *purpose: str | int) -> np.random.Generator:
    """Random numbers of their own for one purpose in one world, the same in every process.

    Args:
        world: Seed of the world.
        purpose: What the numbers are for, such as ``"noise", "term:pop"``.

    Returns:
        A generator that no other purpose shares.
    """
    digest = hashlib.sha256("\0".join(map(str, purpose)).encode()).digest()
    key = np.frombuffer(digest, dtype="<u4")[:4].tolist()
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([world, *key])))


def make_language(n_words: int, words_per_track: float, world: int) -> Language:
    """Plant word frequencies, topics and song length.

    Args:
        n_words: Size of the vocabulary.
        words_per_track: Wanted mean number of distinct words of a song.
        world: Seed of the world.

    Returns:
        The language.
    """
    rng = stream(world, "language")
    zipf = 1.0 / (np.arange(n_words) + 3.0)  # flattened at the top, as where stop words are many
    shares = [zipf]
    for _ in range(N_TOPICS):
        used = rng.random(n_words) < TOPIC_WORDS
        used[rng.integers(n_words)] = True
        shares.append(zipf * used)
    n_draws = 1 << int(np.ceil(np.log2(32 * n_words)))
    middles = (np.arange(n_draws) + 0.5) / n_draws
    cumulative = np.cumsum(np.stack(shares), axis=1)
    cumulative /= cumulative[:, -1:]
    table = np.stack([np.searchsorted(row, middles) for row in cumulative]).astype(np.int32)
    return Language(table, _median_tokens(np.stack(shares), words_per_track))


def write_songs(language: Language, n_words: int, n_rows: int, rng: np.random.Generator) -> csr_array:
    """Draw songs.

    Args:
        language: Word frequencies, topics and song length.
        n_words: Size of the vocabulary.
        n_rows: Number of songs; a call with fewer gives other songs.
        rng: Source of randomness.

    Returns:
        Word counts, uint16, sorted indices, shape ``(n_rows, n_words)``.
    """
    n_draws = language.table.shape[1]
    tokens = np.exp(LENGTH_SPREAD * rng.standard_normal(n_rows)) * language.median_tokens
    n_tokens = np.maximum(MIN_TOKENS, np.round(tokens)).astype(np.int64)
    topics = rng.integers(1, N_TOPICS + 1, size=(2, n_rows), dtype=np.int32)
    row = np.repeat(np.arange(n_rows, dtype=np.int64), n_tokens)
    source = rng.random(row.size, dtype=np.float32)
    topic = np.where(source < TOKEN_SOURCES[1], topics[0][row], topics[1][row])
    topic[source < TOKEN_SOURCES[0]] = 0
    word = language.table[topic, rng.integers(n_draws, size=row.size, dtype=np.int32)]
    cell = row * n_words + word
    cell.sort()
    first = np.flatnonzero(np.concatenate(([True], cell[1:] != cell[:-1])))
    counts = (np.diff(first, append=cell.size) + rng.geometric(SUNG_ONCE, size=first.size) - 1).astype(np.uint16)
    indices = (cell[first] % n_words).astype(np.int32)
    offsets = np.searchsorted(cell[first], np.arange(n_rows + 1, dtype=np.int64) * n_words).astype(np.int32)
    return csr_array((counts, indices, offsets), shape=(n_rows, n_words))


def make_tracks(language: Language, n_words: int, n_tracks: int, world: int) -> Tracks:
    """Draw the tracks of a world.

    Args:
        language: Word frequencies, topics and song length.
        n_words: Size of the vocabulary.
        n_tracks: Number of tracks.
        world: Seed of the world.

    Returns:
        Tracks with lyrics, artists and an official split by artist.
    """
    blocks, artists, tests = [], [], []
    per_chunk = CHUNK_ROWS // TRACKS_PER_ARTIST
    for chunk in range(-(-n_tracks // CHUNK_ROWS)):
        rng = stream(world, "tracks", chunk)
        kept = min(CHUNK_ROWS, n_tracks - chunk * CHUNK_ROWS)
        fame = rng.exponential(size=per_chunk)
        artist = rng.choice(per_chunk, size=CHUNK_ROWS, p=fame / fame.sum())
        tests.append((rng.random(per_chunk) < OFFICIAL_TEST_SHARE)[artist][:kept])
        artists.append((artist + chunk * per_chunk)[:kept].astype(np.int32))
        blocks.append(write_songs(language, n_words, CHUNK_ROWS, rng)[:kept])
    return Tracks(
        track_id=np.array([b"TRSYN%013d" % row for row in range(n_tracks)], dtype="S18"),
        artist=np.concatenate(artists),
        official_test=np.concatenate(tests),
        counts=_stack(blocks),
        vocabulary=tuple(f"word{word:05d}" for word in range(n_words)),
        has_artist=np.ones(n_tracks, dtype=np.bool_),
    )


def _stack(blocks: list[csr_array]) -> csr_array:
    """Blocks of rows as one matrix, in the types of the blocks."""
    starts = np.cumsum([0, *(block.nnz for block in blocks)])
    offsets = [block.indptr[:-1] + start for block, start in zip(blocks, starts, strict=False)]
    parts = (
        np.concatenate([block.data for block in blocks]),
        np.concatenate([block.indices for block in blocks]),
        np.concatenate([*offsets, starts[-1:]]).astype(np.int32),
    )
    return csr_array(parts, shape=(sum(block.shape[0] for block in blocks), blocks[0].shape[1]))


def _median_tokens(shares: NDArray[np.float64], words_per_track: float) -> float:
    """Median length at which a song has ``words_per_track`` distinct words on average (bisection)."""
    sources = shares / shares.sum(axis=1, keepdims=True)
    first, second = TOKEN_SOURCES
    songs = first * sources[0] + (second - first) * sources[1:] + (1 - second) * np.roll(sources[1:], 1, axis=0)
    spread = np.exp(LENGTH_SPREAD * np.array([-1.65, -1.04, -0.67, -0.39, -0.13, 0.13, 0.39, 0.67, 1.04, 1.65]))
    low, high = float(MIN_TOKENS), 1e6
    for _ in range(40):
        middle = float(np.sqrt(low * high))
        distinct = np.mean([(1 - np.exp(-middle * factor * songs)).sum(axis=1).mean() for factor in spread])
        low, high = (middle, high) if distinct < words_per_track else (low, middle)
    return high
