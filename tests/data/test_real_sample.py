"""The real sample, where it is there."""

from pathlib import Path

import numpy as np
import pytest

from msd_mtl.data.prepare import prepare
from msd_mtl.data.store import Store

RAW = Path(__file__).parents[3] / "shared" / "data" / "raw"
pytestmark = pytest.mark.skipif(not RAW.is_dir(), reason="the real sample is not beside this working copy")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    path = tmp_path_factory.mktemp("sample") / "store.h5"
    prepare(RAW, path)
    return Store.open(path)


def test_tracks_of_both_parts_are_there(store: Store) -> None:
    tracks = store.tracks()
    assert len(tracks) == 1697 + 4112
    assert tracks.official_test.sum() == 4112
    assert len(tracks.vocabulary) == 5000
    assert sum(not word.isascii() for word in tracks.vocabulary) == 171
    shared = set(tracks.artist[~tracks.official_test]) & set(tracks.artist[tracks.official_test])
    assert tracks.has_artist is not None
    assert (~tracks.has_artist).sum() == 170
    assert len(shared) == 2, "Frank Sinatra and the Black Eyed Peas: other ids, but one name, in the official parts"


def test_terms_have_their_known_counts(store: Store) -> None:
    known = ~np.isnan(store.labels("term:pop")) & ~np.isnan(store.labels("year"))
    assert known.sum() == 1636
    assert not store.tracks().official_test[known].any()
    for tag, positives in (("pop", 1152), ("pop rock", 466), ("ballad", 308)):
        assert np.nansum(store.labels(f"term:{tag}")[known]) == positives


def test_a_track_has_the_values_of_its_own_rows(store: Store) -> None:
    tracks = store.tracks()
    row = tracks.track_id.tolist().index(b"TRAAAEF128F4273421")
    values = {name: float(store.labels(name)[row]) for name in ("key", "mode", "year", "time_signature")}
    assert values == {"key": 0, "mode": 1, "year": 1982, "time_signature": 4}
    assert store.labels("loudness")[row] == np.float32(-9.013)
    assert store.labels("tempo")[row] == np.float32(119.293)
    assert store.labels("term:new romantic")[row] == 1
    assert store.labels("genre:Pop_Rock")[row] == 1
    assert tracks.counts[row, :5].toarray().ravel().tolist() == [5, 4, 3, 2, 1]


def test_sources_agree(store: Store) -> None:
    compared, differing = store.provenance["compared"], store.provenance["disagreements"]
    assert compared["duration"] == 1665
    assert not any(differing.values())


def test_tags_of_lastfm_are_of_the_test_part(store: Store) -> None:
    known = ~np.isnan(store.labels("lastfm:rock"))
    assert known.sum() == 3051
    assert store.tracks().official_test[known].all()
    assert np.nansum(store.labels("lastfm:rock")) == 844
