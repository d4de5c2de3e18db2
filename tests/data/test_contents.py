"""The hash of what a store holds."""

import numpy as np
import pytest

from msd_mtl.data.contents import Array, Contents, TagMatrix, content_hash, smallest
from tests.data.official import WORDS, artist, track


def datasets() -> dict[str, Array]:
    tags = TagMatrix(
        names=["pop", "été"],
        indptr=np.array([0, 1, 2]),
        indices=np.array([1, 0]),
        entity=np.array([0, 1, -1], dtype=np.int32),
        weight=np.array([5, 6], dtype=np.uint8),
    )
    return Contents(
        track_id=np.array([track(1), track(2), track(3)], dtype="S18"),
        artist_id=np.array([artist(1), "", artist(2)], dtype="S18"),
        artist=np.array([0, 1, 2], dtype=np.int32),
        has_artist=np.array([True, False, True]),
        official_test=np.array([True, False, False]),
        lengths=np.array([1, 2, 1]),
        indices=np.array([0, 1, 6, 2]),
        counts=np.array([1, 2, 3, 4]),
        vocabulary=WORDS,
        fields={"year": np.array([1999, np.nan, 2000], dtype=np.float32)},
        tags={"lastfm": tags},
    ).datasets()


def test_hash_is_that_of_equal_contents() -> None:
    there = datasets()
    assert content_hash(there) == content_hash(dict(reversed(datasets().items())))


@pytest.mark.parametrize("name", list(datasets()))
def test_hash_changes_with_any_value(name: str) -> None:
    before, changed = content_hash(datasets()), datasets()
    raw = bytearray(changed[name].tobytes())
    raw[-1] ^= 1
    changed[name] = np.frombuffer(bytes(raw), dtype=changed[name].dtype).reshape(changed[name].shape)
    assert content_hash(changed) != before


def test_hash_changes_with_name_and_type() -> None:
    before = content_hash(datasets())
    renamed = datasets()
    renamed["fields/tempo"] = renamed.pop("fields/year")
    assert content_hash(renamed) != before
    wider = datasets()
    wider["lyrics/counts"] = wider["lyrics/counts"].astype(np.uint16)
    assert content_hash(wider) != before


@pytest.mark.parametrize(("largest", "dtype"), [(255, np.uint8), (256, np.uint16), (65536, np.uint32)])
def test_smallest_type_is_taken(largest: int, dtype: type[np.unsignedinteger]) -> None:
    assert smallest(np.array([0, largest], dtype=np.int64)).dtype == dtype
