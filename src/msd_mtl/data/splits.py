"""Who trains, validates and tests; which rows a training size means. All from hashes, nothing from file order."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from msd_mtl.data.task import PARTS
from msd_mtl.data.tracks import Tracks
from msd_mtl.errors import UserError

Split = Literal["official", "artist", "track"]


def unit_hash(keys: NDArray[np.bytes_], salt: str) -> NDArray[np.float64]:
    """A number in [0, 1) for each key that depends on the key and the salt alone.

    Args:
        keys: Byte strings, shape ``(keys,)``.
        salt: What the numbers are for; another salt gives independent numbers.

    Returns:
        float64, shape ``(keys,)``.
    """
    prefix = blake2b(salt.encode(), digest_size=8)
    digests = bytearray()
    for key in keys.tolist():
        mixed = prefix.copy()
        mixed.update(b"\0" + key)
        digests += mixed.digest()
    return (np.frombuffer(digests, dtype=">u8") >> np.uint64(11)).astype(np.float64) / 2.0**53


@dataclass(frozen=True)
class Parts:
    """Rows of each part.

    Attributes:
        rows: Part name (``train``, ``val``, ``test``) to row numbers, int64, in ascending order.
        dropped: Reason to number of rows that belong to no part.
    """

    rows: dict[str, NDArray[np.int64]]
    dropped: dict[str, int]


def split_rows(
    tracks: Tracks, split: str, *, split_seed: int = 0, val_fraction: float = 0.15, test_fraction: float = 0.2
) -> Parts:
    """Split tracks into training, validation and test.

    Args:
        tracks: All tracks of the source.
        split: ``official`` (official test part; validation carved from the other artists), ``artist`` (no artist in two
            parts) or ``track`` (leaks artists, to measure the leak).
        split_seed: Another seed draws another split; it is not the seed of the run.
        val_fraction: Share of artists (or tracks) in validation, of the non-test ones under ``official``.
        test_fraction: Share of artists (or tracks) in the test part; unused under ``official``.

    Returns:
        The rows of each part, and what was left out.

    Raises:
        UserError: If the split is unknown or the fractions leave nothing to train on.
    """
    if split not in get_args(Split):
        raise UserError(f"data.split must be one of {', '.join(get_args(Split))}; got {split!r}.")
    if not (0 < val_fraction < 1 and 0 < test_fraction < 1 and val_fraction + test_fraction < 1):
        raise UserError(
            "data.val_fraction and data.test_fraction must be above 0 and sum to less than 1; "
            f"got {val_fraction} and {test_fraction}."
        )
    keys = tracks.track_id if split == "track" else _artist_keys(tracks)
    draw = unit_hash(keys, f"split/{split_seed}")
    if split != "official":
        test = draw < test_fraction
        val = ~test & (draw < test_fraction + val_fraction)
        return _parts(~test & ~val, val, test, {})
    test = tracks.official_test
    tested_artist = np.zeros(int(tracks.artist.max(initial=-1)) + 1, dtype=bool)
    tested_artist[tracks.artist[test]] = True
    leaked = ~test & tested_artist[tracks.artist]
    val = ~test & ~leaked & (draw < val_fraction)
    return _parts(~test & ~leaked & ~val, val, test, {"training tracks of an official test artist": int(leaked.sum())})


def subset_order(track_id: NDArray[np.bytes_], has_target: NDArray[np.bool_], seed: int) -> NDArray[np.int64]:
    """The order whose prefixes are the training subsets of a seed.

    Tracks that carry the target's label come first, so that every task set of a target trains on the same tracks as the
    target alone for as long as there are any; tracks with labels of other tasks only follow.

    Args:
        track_id: Track ids of the training rows, shape ``(rows,)``.
        has_target: Whether a row has the target's label, bool, shape ``(rows,)``.
        seed: Seed of the run.

    Returns:
        A permutation of the rows, int64, shape ``(rows,)``.
    """
    draw = unit_hash(track_id, f"subset/{seed}")
    return np.lexsort((draw, ~has_target)).astype(np.int64)


def _artist_keys(tracks: Tracks) -> NDArray[np.bytes_]:
    """The smallest track id of each track's artist: a name for the artist that no file order can change."""
    by_id = np.argsort(tracks.track_id)
    _, first, group = np.unique(tracks.artist[by_id], return_index=True, return_inverse=True)
    keys = np.empty_like(tracks.track_id)
    keys[by_id] = tracks.track_id[by_id][first][group]
    return keys


def _parts(train: NDArray[np.bool_], val: NDArray[np.bool_], test: NDArray[np.bool_], dropped: dict[str, int]) -> Parts:
    return Parts(dict(zip(PARTS, (np.flatnonzero(m) for m in (train, val, test)), strict=True)), dropped)
