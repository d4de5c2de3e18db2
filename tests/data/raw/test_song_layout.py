"""HDF5 tables that hold something else than the official ones do."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from msd_mtl.data.raw.files import discover
from msd_mtl.data.raw.songs import read_songs
from msd_mtl.data.raw.summary import read_summary
from msd_mtl.errors import UserError
from tests.data.official import SUMMARY, raw_file, song, track, write_song_file, write_songs

TEXT = h5py.string_dtype()
NOT_OFFICIAL = [
    ("analysis/songs", "loudness", "S8", "hold numbers; got type |S8"),
    ("analysis/songs", "tempo", "S8", "hold numbers; got type |S8"),
    ("musicbrainz/songs", "year", "S4", "hold numbers; got type |S4"),
    ("analysis/songs", "key", ("i4", (2,)), "hold numbers; got type ('<i4', (2,))"),
    ("analysis/songs", "track_id", "i8", "hold texts of fixed length; got type int64"),
    ("metadata/songs", "artist_id", TEXT, "hold texts of fixed length; got type object"),
]


def read_both(raw: Path) -> list[tuple[str, Callable[[], object]]]:
    """A summary file and a per-song file of one song, and how each is read."""
    path = raw / f"{track(1)}.h5"
    return [
        (SUMMARY, lambda: read_summary(raw_file(raw / SUMMARY))),
        (path.name, lambda: read_songs(discover(raw), {track(1).encode()})),
    ]


def rewrite(path: Path, table: str, change: Callable[[Any], Any]) -> None:
    with h5py.File(path, "a") as target:
        rows = change(target[table][:])
        del target[table]
        target[table] = rows


@pytest.mark.parametrize(("table", "column", "dtype", "message"), NOT_OFFICIAL)
def test_column_of_another_kind_is_named(tmp_path: Path, table: str, column: str, dtype: Any, message: str) -> None:
    def other(rows: Any) -> Any:
        table = np.zeros(
            len(rows), [(name, dtype if name == column else rows.dtype[name]) for name in rows.dtype.names]
        )
        if dtype is TEXT:
            table[column] = b""
        return table

    for name, read in read_both(tmp_path):
        rewrite(write_songs(tmp_path / name, [song(track(1))]), table, other)
        with pytest.raises(UserError) as error:
            read()
        assert str(error.value).startswith(f"{name}: table /{table}, column {column} must {message}. ")


def test_table_of_two_dimensions_is_named(tmp_path: Path) -> None:
    for name, read in read_both(tmp_path):
        rewrite(write_songs(tmp_path / name, [song(track(1))]), "metadata/songs", lambda rows: rows.reshape(1, 1))
        with pytest.raises(
            UserError, match=rf"^{name}: table /metadata/songs must have one dimension; got shape \(1, 1"
        ):
            read()


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        (np.arange(4.0), r"table /metadata/artist_terms must hold texts of fixed length; got type float64"),
        (np.array([["pop"]], dtype="S8"), r"table /metadata/artist_terms must have one dimension; got shape \(1, 1\)"),
        (None, "/metadata/artist_terms must be a table; got a group"),
    ],
)
def test_artist_terms_of_another_layout_are_named(tmp_path: Path, terms: Any, message: str) -> None:
    path = write_song_file(tmp_path, song(track(1)), ["pop"])
    with h5py.File(path, "a") as target:
        del target["metadata/artist_terms"]
        if terms is None:
            target.create_group("metadata/artist_terms")
        else:
            target["metadata/artist_terms"] = terms
    with pytest.raises(UserError, match=f"{track(1)}.h5: {message}"):
        read_songs(discover(tmp_path), {track(1).encode()})
