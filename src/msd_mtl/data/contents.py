"""What a store holds, and the hash of it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import h5py

Array = NDArray[np.generic]
FORMAT = "msd-mtl store"
SCHEMA_VERSION = 1
BLOCK_ROWS = 1 << 20  # our choice: at most 18 MB of a dataset at a time


@dataclass(frozen=True)
class TagMatrix:
    """Which artists or tracks have which tags.

    Attributes:
        names: Tag of each column, sorted.
        indptr: Start of each row in ``indices``, int64, shape ``(entities + 1,)``. A row is an artist for terms, a
            track for the others; only those that the source knows have one.
        indices: Columns, ascending in a row, shape ``(pairs,)``.
        entity: Row of each track, -1 where the source does not know it, int32, shape ``(rows,)``.
        weight: Weight of each pair, uint8, shape ``(pairs,)``: val for Last.fm, 2 for the majority and 1 for
            the minority genre, None for terms.
    """

    names: list[str]
    indptr: NDArray[np.int64]
    indices: Array
    entity: NDArray[np.int32]
    weight: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class Contents:
    """Everything about the tracks with lyrics, in canonical order.

    Attributes:
        track_id: Ascending, bytes ``S18``, shape ``(rows,)``.
        artist_id: Empty where unknown, bytes ``S18``, shape ``(rows,)``.
        artist: Artist group, int32, shape ``(rows,)``.
        has_artist: Whether the artist is known, bool, shape ``(rows,)``; if not, the group is the track alone.
        official_test: Official test part, bool, shape ``(rows,)``.
        lengths: Distinct words of each track, int64, shape ``(rows,)``.
        indices: Word columns, ascending in a row, smallest unsigned type, shape ``(stored,)``.
        counts: Word counts, smallest unsigned type, shape ``(stored,)``.
        vocabulary: Word of each column.
        fields: Field: float32, shape ``(rows,)``, NaN where missing.
        tags: Family (``term``, ``lastfm``, ``genre``): its matrix.
    """

    track_id: NDArray[np.bytes_]
    artist_id: NDArray[np.bytes_]
    artist: NDArray[np.int32]
    has_artist: NDArray[np.bool_]
    official_test: NDArray[np.bool_]
    lengths: NDArray[np.int64]
    indices: Array
    counts: Array
    vocabulary: tuple[str, ...]
    fields: dict[str, NDArray[np.float32]]
    tags: dict[str, TagMatrix]

    def datasets(self) -> dict[str, Array]:
        """The contents as named arrays, as they are stored."""
        arrays: dict[str, Array] = {
            "tracks/track_id": self.track_id,
            "tracks/artist_id": self.artist_id,
            "tracks/artist": self.artist,
            "tracks/has_artist": self.has_artist,
            "tracks/official_test": self.official_test,
            "lyrics/indptr": np.concatenate([[0], np.cumsum(self.lengths)]).astype(np.int64),
            "lyrics/indices": smallest(self.indices),
            "lyrics/counts": smallest(self.counts),
            **text_arrays("lyrics/vocabulary", list(self.vocabulary)),
        }
        arrays |= {f"fields/{name}": values for name, values in self.fields.items()}
        for family, matrix in self.tags.items():
            arrays |= text_arrays(f"tags/{family}/names", matrix.names)
            arrays[f"tags/{family}/indptr"] = matrix.indptr
            arrays[f"tags/{family}/indices"] = smallest(matrix.indices)
            arrays[f"tags/{family}/entity"] = matrix.entity
            if matrix.weight is not None:
                arrays[f"tags/{family}/weight"] = matrix.weight
        return arrays


def smallest(values: Array) -> Array:
    """Unsigned integers in the smallest type that holds them."""
    return values.astype(np.min_scalar_type(int(values.max(initial=0))), copy=False)


def text_arrays(name: str, texts: list[str]) -> dict[str, Array]:
    """Texts as UTF-8 bytes, one after the other, and where each begins: no character is special, none is lost."""
    encoded = [text.encode("utf-8") for text in texts]
    offsets = np.concatenate([[0], np.cumsum([len(text) for text in encoded], dtype=np.int64)]).astype(np.int64)
    return {f"{name}/utf8": np.frombuffer(b"".join(encoded), dtype=np.uint8), f"{name}/offsets": offsets}


def texts_of(utf8: NDArray[np.uint8], offsets: NDArray[np.int64]) -> list[str]:
    """The texts that ``text_arrays`` stored."""
    joined = utf8.tobytes()
    bounds = offsets.tolist()
    return [joined[start:end].decode("utf-8") for start, end in pairwise(bounds)]


def content_hash(datasets: "Mapping[str, Array | h5py.Dataset]") -> str:
    """SHA-256 of named arrays: names, types, shapes and bytes, in order of the names.

    Arrays are in canonical order, so the hash does not depend on the order of rows in the official files; it covers no
    time, no path and no name of a file.

    Args:
        datasets: Name: array, or dataset of an open file, which is read in blocks of rows; at least one dimension.

    Returns:
        64 hexadecimal digits.
    """
    digest = hashlib.sha256(f"{FORMAT} {SCHEMA_VERSION}".encode())
    for name in sorted(datasets):
        rows = datasets[name]
        dtype = rows.dtype.newbyteorder("<")
        digest.update(f"\n{name} {dtype.str} {rows.shape}\n".encode())
        for start in range(0, rows.shape[0], BLOCK_ROWS):
            digest.update(np.ascontiguousarray(rows[start : start + BLOCK_ROWS], dtype=dtype).data)
    return digest.hexdigest()
