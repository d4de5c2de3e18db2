"""What a store says about its tracks."""

import re
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from msd_mtl.data.contents import text_arrays, texts_of
from msd_mtl.data.prepare import prepare
from msd_mtl.data.store import Store
from msd_mtl.errors import UserError
from tests.data.official import (
    WORDS,
    artist,
    song,
    track,
    write_artist_term,
    write_genres,
    write_lastfm,
    write_mxm,
    write_song_file,
    write_songs,
)

NAN = float("nan")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Four tracks: 1 and 2 of one artist with terms, 3 of one without, 4 of nobody."""
    raw = tmp_path / "raw"
    raw.mkdir()
    write_mxm(raw / "mxm_dataset_train.txt", {track(3): {7: 1}, track(1): {1: 300, 5: 2}, track(4): {2: 1}})
    write_mxm(raw / "mxm_dataset_test.txt", {track(2): {6: 1, 1: 2}})
    songs = [
        song(track(2), artist(1), "A", key=0, mode=0, year=0),
        song(track(1), artist(1), "A", key=11, year=1999),
        song(track(3), artist(2), "B", tempo=0, year=0),
        song(track(8), artist(3), "C"),
    ]
    write_songs(raw / "msd_summary_file.h5", songs)
    write_artist_term(raw / "artist_term.db", [(artist(1), "pop"), (artist(1), "rock"), (artist(3), "jazz")])
    write_lastfm(raw / "lastfm_tags.db", {track(1): {"pop": 100}, track(3): {"été": 0, "pop": 3}, track(8): {"x": 1}})
    genres = [(track(1), "Rap", "Pop"), (track(4), "Pop"), (track(9), "Jazz")]
    write_genres(raw / "msd_tagtraum_cd1.cls", genres)
    prepare(raw, tmp_path / "store.h5")
    return Store.open(tmp_path / "store.h5")


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("term:pop", [1, 1, NAN, NAN]),
        ("lastfm:pop", [1, NAN, 1, NAN]),
        ("lastfm:été", [0, NAN, 1, NAN]),
        ("genre:Rap", [1, NAN, NAN, 0]),
        ("genre:Pop", [0, NAN, NAN, 1]),
        ("key", [11, 0, 5, NAN]),
        ("mode", [1, 0, 1, NAN]),
        ("year", [1999, NAN, NAN, NAN]),
        ("tempo", [120.5, 120.5, NAN, NAN]),
        ("loudness", [-8.25, -8.25, -8.25, NAN]),
    ],
)
def test_labels_are_of_the_right_track_and_missing_where_not_known(
    store: Store, name: str, labels: list[float]
) -> None:
    found = store.labels(name)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.array(labels, np.float32))


def test_tracks_have_their_words_artist_and_part(store: Store) -> None:
    tracks = store.tracks()
    assert tracks.vocabulary == WORDS
    assert tracks.track_id.tolist() == [track(number).encode() for number in (1, 2, 3, 4)]
    assert tracks.official_test.tolist() == [False, True, False, False]
    assert tracks.official_test.dtype == np.bool_
    assert tracks.artist.tolist() == [0, 0, 1, 2]
    assert tracks.has_artist is not None
    assert tracks.has_artist.tolist() == [True, True, True, False]
    assert tracks.counts.toarray()[:, [0, 1, 4, 5, 6]].tolist() == [
        [300, 0, 2, 0, 0],
        [2, 0, 0, 1, 0],
        [0, 0, 0, 0, 1],
        [0, 1, 0, 0, 0],
    ]
    assert tracks.counts.has_sorted_indices


def test_numbers_are_stored_in_the_smallest_type(store: Store) -> None:
    with h5py.File(store.path) as source:
        assert source["lyrics/indices"].dtype == np.uint8
        assert source["lyrics/counts"].dtype == np.uint16
        assert source["tags/lastfm/indices"].dtype == np.uint8


def test_names_are_the_tasks_with_labels(store: Store) -> None:
    names = store.names()
    assert {name for name in names if ":" in name} == {
        "term:pop", "term:rock", "lastfm:pop", "lastfm:été", "genre:Rap", "genre:Pop",
    }  # fmt: skip
    assert {"key", "year", "song_hotttnesss"} <= set(names)
    for name in names:
        assert not np.isnan(store.labels(name)).all()


@pytest.mark.parametrize("family", ["term", "lastfm", "genre"])
def test_matrix_of_tags_says_what_the_labels_say(store: Store, family: str) -> None:
    tags, matrix, known = store.tag_matrix(family)
    assert matrix.dtype == np.uint8
    assert matrix.shape == (4, len(tags))
    for column, tag in enumerate(tags):
        labels = store.labels(f"{family}:{tag}")
        np.testing.assert_array_equal(np.isnan(labels), ~known)
        np.testing.assert_array_equal(matrix.toarray()[known, column], labels[known])
        assert not matrix.toarray()[~known].any()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("term:popp", r"got 'term:popp', which has none .*Nearest: term:pop"),
        ("lastfm:ete", "Nearest: lastfm:été"),
        ("genre:Jazz", "got 'genre:Jazz', which has none"),
        ("tempi", "Nearest: tempo"),
        ("pop", "Nearest: term:pop, lastfm:pop, genre:pop"),
        ("mood:sad", "task name must be one of term:NAME"),
    ],
)
def test_unknown_task_is_an_error_with_the_nearest_names(store: Store, name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        store.labels(name)


def test_unknown_family_is_an_error(store: Store) -> None:
    with pytest.raises(UserError, match="family of tags must be one of term, lastfm, genre; got 'mood'"):
        store.tag_matrix("mood")


def test_store_without_tags_and_values_serves_lyrics(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    write_mxm(tmp_path / "raw" / "mxm_dataset_train.txt", {track(1): {1: 1}, track(2): {1: 1}})
    prepare(tmp_path / "raw", tmp_path / "store.h5")
    store = Store.open(tmp_path / "store.h5")
    assert store.names() == []
    assert store.tracks().artist.tolist() == [0, 1]
    with pytest.raises(UserError, match="family of tags must be one of none in this store"):
        store.tag_matrix("term")
    with pytest.raises(UserError, match=r"store\.h5'\. No other task has: prepare it with files of labels\.$"):
        store.labels("year")


def test_terms_of_per_song_files_fill_what_the_database_does_not_know(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    write_mxm(raw / "mxm_dataset_train.txt", {track(number): {1: 1} for number in (1, 2)})
    write_song_file(raw, song(track(1), artist(1), "A"), ["pop", "jazz"])
    write_song_file(raw, song(track(2), artist(2), "B"), ["folk"])
    write_artist_term(raw / "artist_term.db", [(artist(1), "pop")])
    prepare(raw, tmp_path / "store.h5")
    store = Store.open(tmp_path / "store.h5")
    assert store.labels("term:pop").tolist() == [1, 0]
    assert store.labels("term:folk").tolist() == [0, 1]
    assert "term:jazz" not in store.names()
    assert store.provenance["compared"]["term"] == 1
    assert store.provenance["disagreements"]["term"] == 1


def test_genres_come_from_one_file(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    write_mxm(raw / "mxm_dataset_train.txt", {track(number): {1: 1} for number in (1, 2, 3)})
    write_genres(raw / "msd_tagtraum_cd1.cls", [(track(1), "Rap"), (track(2), "Jazz")])
    write_genres(raw / "msd_tagtraum_cd2.cls", [(track(1), "Rap"), (track(2), "Rap"), (track(3), "Metal")])
    prepare(raw, tmp_path / "store.h5")
    first = Store.open(tmp_path / "store.h5")
    np.testing.assert_array_equal(first.labels("genre:Rap"), np.array([1, 0, NAN], np.float32))
    prepare(raw, tmp_path / "store.h5", genres="cd2")
    second = Store.open(tmp_path / "store.h5")
    np.testing.assert_array_equal(second.labels("genre:Rap"), np.array([1, 1, 0], np.float32))
    with pytest.raises(UserError, match="genres must be auto or a genre file that is there; got 'cd2c' with cd1, cd2"):
        prepare(raw, tmp_path / "store.h5", genres="cd2c")


@pytest.mark.parametrize("version", [0, 2, "1.0", [1, 1], np.void(b"1")])
def test_store_of_another_version_is_an_error(store: Store, version: object) -> None:
    with h5py.File(store.path, "a") as target:
        target.attrs["schema_version"] = version
        said = re.escape(str(target.attrs["schema_version"]))
    with pytest.raises(UserError, match=f"store must have schema version 1; got {said} in .*store.h5"):
        Store.open(store.path)


def test_file_that_is_no_store_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"store must be a file; got .*none\.h5', which is not there"):
        Store.open(tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("text")
    with pytest.raises(UserError, match=r"store must be an HDF5 file; got .*text\.h5', which is not one"):
        Store.open(tmp_path / "text.h5")
    path = write_songs(tmp_path / "other.h5", [song(track(1))])
    with pytest.raises(UserError, match="store must be made by msd-mtl; got another HDF5 file"):
        Store.open(path)


@pytest.mark.parametrize("reason", [PermissionError(13, "Permission denied"), BlockingIOError(11, "locked by another")])
def test_a_store_that_cannot_be_opened_now_is_not_called_something_else(store, monkeypatch, reason) -> None:
    def refuse(*_args: object) -> None:
        raise reason

    monkeypatch.setattr("msd_mtl.data.store.h5py.File", refuse)
    with pytest.raises(UserError, match=rf"store must be free to be read; got .*store\.h5': {reason.strerror}\."):
        Store.open(store.path)


def remove(source: h5py.File) -> None:
    del source["tracks/artist"]


def add(source: h5py.File) -> None:
    source["tracks/more"] = 1.0


def change_a_label(source: h5py.File) -> None:
    source["fields/loudness"][0] += 1


def change_a_tag(source: h5py.File) -> None:
    source["tags/term/indices"][0] += 1


def change_a_count(source: h5py.File) -> None:
    source["lyrics/counts"][-1] += 1


@pytest.mark.parametrize("edit", [remove, add, change_a_label, change_a_tag, change_a_count])
@pytest.mark.parametrize("read", [Store.tracks, Store.names, lambda store: store.labels("loudness")])
def test_contents_that_are_not_those_of_the_hash_are_refused(
    store: Store, edit: Callable[[h5py.File], None], read: Callable[[Store], object]
) -> None:
    before = store.labels("loudness").tolist()
    with h5py.File(store.path, "a") as target:
        target["provenance"][()] = "{}"
    assert Store.open(store.path).labels("loudness").tolist()[:3] == before[:3]  # the hash does not cover where from
    with h5py.File(store.path, "a") as target:
        edit(target)
    for changed in (store, Store.open(store.path)):  # also where this process has read it before
        with pytest.raises(UserError, match=r"^store must hold .*store\.h5', which was changed .*msd-mtl prepare raw="):
            read(changed)


def link_a_field(source: h5py.File) -> None:
    source["fields/more"] = h5py.SoftLink("/fields/loudness")


def link_a_family(source: h5py.File) -> None:
    source["tags/mood"] = h5py.SoftLink("/tags/term")


def link_another_file(source: h5py.File) -> None:
    with h5py.File(Path(source.filename).with_name("other.h5"), "w") as other:
        other["loudness"] = source["fields/loudness"][:]
    source["fields/more"] = h5py.ExternalLink("other.h5", "loudness")


def link_twice(source: h5py.File) -> None:
    source["fields/more"] = source["fields/loudness"]


@pytest.mark.parametrize("edit", [link_a_field, link_a_family, link_another_file, link_twice])
def test_contents_that_a_link_names_are_refused(store: Store, edit: Callable[[h5py.File], None]) -> None:
    with h5py.File(store.path, "a") as target:
        edit(target)
    with pytest.raises(UserError, match=r"^store must hold .*\((fields/\w+|tags/mood) is a link\)\. Make it again"):
        store.labels("loudness")


def test_a_damaged_byte_is_told_as_such(store: Store) -> None:
    rng = np.random.default_rng(0)
    whole, fields = store.path.read_bytes(), Store.open(store.path).labels("loudness")
    for place in rng.integers(len(whole), size=150):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(rng.integers(8))
        store.path.write_bytes(damaged)
        try:
            found = Store.open(store.path).labels("loudness")
        except UserError:
            continue
        np.testing.assert_array_equal(found, fields)  # a byte that holds nothing


def test_any_text_comes_back() -> None:
    texts = ["", "a\0b", "любовь", "愛", "😀", " "]
    arrays = text_arrays("x", texts)
    assert texts_of(arrays["x/utf8"], arrays["x/offsets"]) == texts  # type: ignore[arg-type]
