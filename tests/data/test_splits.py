from dataclasses import replace

import numpy as np
import pytest

from msd_mtl.data.splits import split_rows, subset_order, unit_hash
from msd_mtl.data.tracks import Tracks
from msd_mtl.errors import UserError


def artists(tracks: Tracks, rows: np.ndarray) -> set[int]:
    return set(tracks.artist[rows].tolist())


def shuffled(tracks: Tracks, seed: int) -> Tracks:
    order = np.random.default_rng(seed).permutation(len(tracks))
    other = np.random.default_rng(seed).permutation(1000).astype(np.int32)  # artists numbered in another order
    return replace(
        tracks,
        track_id=tracks.track_id[order],
        artist=other[tracks.artist[order]],
        official_test=tracks.official_test[order],
        counts=tracks.counts[order],
    )


@pytest.mark.parametrize("split", ["official", "artist"])
def test_no_artist_is_in_two_parts(tracks, split):
    rows = split_rows(tracks, split).rows
    for one, other in (("train", "val"), ("train", "test"), ("val", "test")):
        assert not artists(tracks, rows[one]) & artists(tracks, rows[other])


@pytest.mark.parametrize("split", ["official", "artist", "track"])
def test_parts_are_disjoint_and_of_the_asked_size(tracks, split):
    parts = split_rows(tracks, split, val_fraction=0.2, test_fraction=0.3)
    together = np.concatenate(list(parts.rows.values()))
    assert len(np.unique(together)) == len(together) == len(tracks) - sum(parts.dropped.values())
    test_share = len(parts.rows["test"]) / len(tracks)
    assert test_share == pytest.approx(tracks.official_test.mean() if split == "official" else 0.3, abs=0.08)


@pytest.mark.parametrize("split", ["official", "artist", "track"])
def test_parts_do_not_depend_on_the_order_of_rows(tracks, split):
    other = shuffled(tracks, 3)
    before, after = split_rows(tracks, split).rows, split_rows(other, split).rows
    for part, rows in before.items():
        assert set(tracks.track_id[rows]) == set(other.track_id[after[part]])


def test_track_split_leaks_artists(tracks):
    rows = split_rows(tracks, "track").rows
    assert artists(tracks, rows["train"]) & artists(tracks, rows["test"])


def test_official_test_part_is_kept_and_its_artists_leave_training(tracks):
    leaky = replace(tracks, official_test=np.arange(len(tracks)) % 7 == 0)
    parts = split_rows(leaky, "official")
    np.testing.assert_array_equal(parts.rows["test"], np.flatnonzero(leaky.official_test))
    assert not artists(leaky, parts.rows["train"]) & artists(leaky, parts.rows["test"])
    (dropped,) = parts.dropped.values()
    assert dropped == len(tracks) - sum(map(len, parts.rows.values())) > 0


def test_another_split_seed_is_another_split(tracks):
    one, other = (split_rows(tracks, "artist", split_seed=seed).rows["test"] for seed in (0, 1))
    assert set(one) != set(other)


def test_subsets_are_nested_and_begin_with_the_tracks_of_the_target():
    ids = np.array([f"TR{i}" for i in range(100)], dtype="S18")
    has_target = np.arange(100) % 3 == 0
    order = subset_order(ids, has_target, seed=5)
    assert sorted(order) == list(range(100))
    assert has_target[order[: has_target.sum()]].all()
    np.testing.assert_array_equal(order, subset_order(ids, has_target, seed=5))
    assert list(order) != list(subset_order(ids, has_target, seed=6))


def test_the_target_alone_trains_on_the_same_tracks_as_with_auxiliaries():
    ids = np.array([f"TR{i}" for i in range(100)], dtype="S18")
    has_target = np.arange(100) % 2 == 0
    with_auxiliaries = ids[subset_order(ids, has_target, 0)[:40]]
    alone = ids[has_target][subset_order(ids[has_target], np.ones(50, dtype=bool), 0)[:40]]
    np.testing.assert_array_equal(with_auxiliaries, alone)


def test_hash_is_uniform_and_keyed():
    keys = np.array([f"AR{i}" for i in range(20_000)], dtype="S18")
    draw = unit_hash(keys, "a")
    assert abs(draw.mean() - 0.5) < 0.01
    assert abs(np.corrcoef(draw, unit_hash(keys, "b"))[0, 1]) < 0.03
    assert unit_hash(np.array([b"TRAAAAK128F9318786"]), "split/0")[0] == pytest.approx(0.158639, abs=1e-6)


def test_unknown_split_is_refused(tracks):
    with pytest.raises(UserError, match=r"data\.split must be one of official, artist, track; got 'random'"):
        split_rows(tracks, "random")


def test_fractions_that_leave_nothing_are_refused(tracks):
    with pytest.raises(UserError, match=r"sum to less than 1; got 0\.5 and 0\.5"):
        split_rows(tracks, "artist", val_fraction=0.5, test_fraction=0.5)
