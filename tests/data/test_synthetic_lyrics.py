"""Made-up lyrics look like lyrics, and are the same whoever asks for them."""

import numpy as np
import pytest

from msd_mtl.data.synthetic_lyrics import make_language, make_tracks, stream


@pytest.fixture(scope="module")
def tracks():
    return make_tracks(make_language(5000, 81.0, 3), 5000, 5000, 3)


def test_counts_are_sparse_sorted_small_integers(tracks):
    assert tracks.counts.dtype == np.uint16
    assert tracks.counts.indices.dtype == np.int32
    ends = np.zeros(tracks.counts.nnz, dtype=bool)
    ends[tracks.counts.indptr[1:-1]] = True
    assert np.all((np.diff(tracks.counts.indices) > 0) | ends[1:])
    assert tracks.counts.data.min() >= 1


@pytest.mark.parametrize(("n_words", "wanted"), [(5000, 81.0), (500, 25.0), (1500, 60.0)])
def test_songs_have_the_wanted_number_of_distinct_words(n_words, wanted):
    tracks = make_tracks(make_language(n_words, wanted, 0), n_words, 4000, 0)
    assert tracks.counts.nnz / len(tracks) == pytest.approx(wanted, rel=0.05)


def test_word_frequencies_follow_zipf(tracks):
    totals = np.asarray(tracks.counts.sum(axis=0)).ravel()
    ranks = np.array([20, 40, 80, 160, 320, 640])
    smooth = [totals[rank // 2 : rank * 3 // 2].mean() for rank in ranks]
    slope = np.polyfit(np.log(ranks), np.log(smooth), 1)[0]
    assert -1.3 < slope < -0.7


def test_song_lengths_vary_and_no_song_is_empty(tracks):
    distinct = np.diff(tracks.counts.indptr)
    assert distinct.min() >= 1
    assert np.percentile(distinct, 90) > 2 * np.percentile(distinct, 10)


def test_topics_make_words_occur_together(tracks):
    there = (tracks.counts[:, 200:400] > 0).toarray().astype(float)
    correlations = np.corrcoef(there.T)[np.triu_indices(200, 1)]
    assert correlations.max() > 0.12
    assert abs(correlations.mean()) < 0.1


def test_ids_ascend_and_artists_are_not_split_by_the_official_test_part(tracks):
    assert tracks.track_id.dtype == np.dtype("S18")
    assert all(len(track) == 18 for track in tracks.track_id)
    assert np.all(tracks.track_id[:-1] < tracks.track_id[1:])
    for artist in np.unique(tracks.artist[tracks.official_test]):
        assert tracks.official_test[tracks.artist == artist].all()
    assert 0.05 < tracks.official_test.mean() < 0.2


@pytest.mark.parametrize("n_tracks", [1, 100, 4096, 4097])
def test_longer_world_begins_with_the_shorter_one(tracks, n_tracks):
    short = make_tracks(make_language(5000, 81.0, 3), 5000, n_tracks, 3)
    head = tracks.counts[:n_tracks]
    for one, other in [
        (short.track_id, tracks.track_id[:n_tracks]),
        (short.artist, tracks.artist[:n_tracks]),
        (short.official_test, tracks.official_test[:n_tracks]),
        (short.counts.indptr, head.indptr),
        (short.counts.indices, head.indices),
        (short.counts.data, head.data),
    ]:
        np.testing.assert_array_equal(one, other)


def test_streams_are_told_apart_and_stay_the_same():
    numbers = {
        stream(world, *purpose).integers(2**62) for world in (0, 1) for purpose in [("a", "b"), ("ab",), ("a", 1)]
    }
    assert len(numbers) == 6
    assert stream(0, "noise", "term:pop").integers(1000, size=3).tolist() == [566, 228, 431]
