"""Artist groups."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from msd_mtl.data.groups import ArtistGroups, artist_groups, normalised
from msd_mtl.data.raw.lyrics import FileReport
from msd_mtl.data.raw.tables import TrackTable
from tests.data.official import artist, track


def groups(ids: list[int], names: list[str], elsewhere: list[tuple[int, str]] = ()) -> ArtistGroups:  # type: ignore[assignment]
    """Groups of tracks with artist ids (0: unknown) and names; ``elsewhere`` are artists of tracks without lyrics."""
    table = TrackTable(
        track_id=np.array([track(100 + row) for row in range(len(elsewhere))], dtype="S18"),
        report=FileReport("summary", "summary"),
        place="",
        rows=np.arange(len(elsewhere)),
        artist_id=np.array([artist(number) for number, _ in elsewhere], dtype="S18"),
        artist_name=np.array([name for _, name in elsewhere], dtype=object),
    )
    return artist_groups(as_ids(ids), [np.array(names, dtype=object)], [table])


def as_ids(ids: list[int]) -> NDArray[np.bytes_]:
    return np.array([artist(number) if number else "" for number in ids], dtype="S18")


def test_tracks_of_one_id_are_one_group_whatever_the_name() -> None:
    assert groups([1, 2, 1], ["A", "A", "B"]).artist.tolist() == [0, 1, 0]


def test_same_name_with_two_ids_stays_two_groups() -> None:
    assert groups([1, 2], ["Nirvana", "Nirvana"]).artist.tolist() == [0, 1]


def test_track_known_only_by_name_joins_the_artist_of_that_name() -> None:
    found = groups([1, 0, 2], ["Sigur Rós", "SIGUR  ro\u0301s", "B"])
    assert found.artist.tolist() == [0, 0, 1]
    assert (found.by_id, found.by_name, found.alone) == (2, 1, 0)


def test_name_that_may_be_either_of_two_artists_merges_both() -> None:
    assert groups([1, 2, 0], ["Nirvana", "Nirvana", "Nirvana"]).artist.tolist() == [0, 0, 0]


def test_tracks_known_only_by_one_name_are_one_group() -> None:
    assert groups([0, 0, 0], ["A", "B", "A"]).artist.tolist() == [0, 1, 0]


def test_name_is_looked_up_among_tracks_without_lyrics() -> None:
    assert groups([1, 0], ["A", "B"], elsewhere=[(1, "B")]).artist.tolist() == [0, 0]


def test_another_name_of_a_track_links_too() -> None:
    ids = as_ids([1, 0])
    names = [np.array(["A", ""], dtype=object), np.array(["The A", "The A"], dtype=object)]
    assert artist_groups(ids, names, []).artist.tolist() == [0, 0]


def test_tracks_without_any_artist_are_groups_of_their_own() -> None:
    found = groups([0, 0, 1], ["", "", ""])
    assert found.artist.tolist() == [0, 1, 2]
    assert found.alone == 2
    assert found.has_artist.tolist() == [False, False, True]


@pytest.mark.parametrize("name", ["Sigur Rós", " sigur  rós ", "ＳＩＧＵＲ rós", "SIGUR RO\u0301S"])
def test_spellings_of_a_name_are_the_same(name: str) -> None:
    assert normalised(name) == "sigur rós"


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["", "A", "B", "C", "D"])), min_size=1, max_size=30))
def test_no_id_and_no_lone_name_is_in_two_groups(rows: list[tuple[int, str]]) -> None:
    ids, names = [number for number, _ in rows], [name for _, name in rows]
    found = groups(ids, names).artist
    lone = {name for number, name in rows if name and not number}
    for number in set(ids) - {0}:
        assert len({found[row] for row, other in enumerate(ids) if other == number}) == 1
    for name in lone:
        assert len({found[row] for row, other in enumerate(names) if other == name}) == 1
    assert sorted(set(found.tolist())) == list(range(found.max() + 1))
