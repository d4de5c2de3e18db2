"""Reads a store, and no more of it than is asked for."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from msd_mtl.data.contents import FORMAT, SCHEMA_VERSION, content_hash, texts_of
from msd_mtl.data.tags import MAJORITY
from msd_mtl.data.task import FIELDS, TAG_FAMILIES, task_of
from msd_mtl.data.tracks import Tracks
from msd_mtl.errors import UserError

MAX_SUGGESTED_AMONG = 20_000  # our choice: comparing a name with half a million tags would take seconds
DAMAGE = (LookupError, OSError, RuntimeError, TypeError, ValueError)  # as h5py tells of it


class Store:
    """A store, open for reading. Every call opens the file anew, so a store may be held by many processes.

    The first call of a process that reads contents hashes them all, as does one that finds the file written since: what
    is trained on is what the content hash names.

    Attributes:
        path: The file.
        content_hash: Hash of the contents, 64 hexadecimal digits; equal contents have equal hashes.
    """

    def __init__(self, path: Path, content_hash: str) -> None:
        self.path = path
        self.content_hash = content_hash

    @staticmethod
    def open(path: Path | str) -> "Store":
        """Check that a file is a store of this version.

        Args:
            path: A file that ``msd-mtl prepare`` wrote.

        Returns:
            The store; nothing but attributes has been read.

        Raises:
            UserError: If it is not there, not a store, or of another version.
        """
        path = Path(path)
        again = "Make it with `msd-mtl prepare raw=DIR store=FILE`."
        if not path.is_file():
            what = "a folder" if path.is_dir() else "not there"
            raise UserError(f"store must be a file; got {str(path)!r}, which is {what}. {again}")
        try:
            with h5py.File(path, "r") as source:
                attributes = dict(source.attrs)
        except (PermissionError, BlockingIOError) as problem:
            raise UserError(f"store must be free to be read; got {str(path)!r}: {problem.strerror}.") from None
        except DAMAGE:
            raise UserError(f"store must be an HDF5 file; got {str(path)!r}, which is not one. {again}") from None
        if str(attributes.get("format")) != FORMAT or "content_hash" not in attributes:
            raise UserError(f"store must be made by msd-mtl; got another HDF5 file, {str(path)!r}. {again}")
        version = str(attributes.get("schema_version"))
        if version != str(SCHEMA_VERSION):
            raise UserError(f"store must have schema version {SCHEMA_VERSION}; got {version} in {str(path)!r}. {again}")
        return Store(path, str(attributes["content_hash"]))

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """Where the contents come from: files, their checksums, rows read, joined and dropped, disagreements."""
        with self._read() as source:
            found: dict[str, Any] = json.loads(source["provenance"][()])
        return found

    def tracks(self) -> Tracks:
        """Lyrics of all tracks, their artist groups and the official test part."""
        with self._read() as source:
            vocabulary = _texts(source, "lyrics/vocabulary")
            track_id = source["tracks/track_id"][:]
            indptr = source["lyrics/indptr"][:]
            indices = source["lyrics/indices"][:].astype(np.int32)
            counts = csr_array((source["lyrics/counts"][:], indices, indptr), shape=(len(track_id), len(vocabulary)))
            counts.has_sorted_indices = True
            return Tracks(
                track_id=track_id,
                artist=source["tracks/artist"][:],
                official_test=source["tracks/official_test"][:],
                counts=counts,
                vocabulary=tuple(vocabulary),
                has_artist=source["tracks/has_artist"][:] if "tracks/has_artist" in source else None,
            )

    @cached_property
    def _tags(self) -> dict[str, dict[str, int]]:
        """Family: tag: column, for tags that a track with lyrics has; most frequent tags first."""
        found = {}
        with self._read() as source:
            for family in (family for family in TAG_FAMILIES if f"tags/{family}" in source):
                names = _texts(source, f"tags/{family}/names")
                columns = _positive_pairs(source[f"tags/{family}"], family)[1]
                frequency = np.bincount(columns, minlength=len(names))
                order = np.argsort(-frequency, kind="stable")
                found[family] = {names[column]: int(column) for column in order if frequency[column]}
        return found

    @cached_property
    def _fields(self) -> list[str]:
        """Fields with at least one label, in the order of the contract."""
        with self._read() as source:
            there = source.get("fields", {})
            return [name for name in FIELDS if name in there and not np.isnan(there[name][:]).all()]

    def names(self) -> list[str]:
        """Every task that the store has labels for: fields, then tags of each family, most frequent first."""
        return self._fields + [f"{family}:{tag}" for family, tags in self._tags.items() for tag in tags]

    def labels(self, name: str) -> NDArray[np.float32]:
        """Labels of a task.

        Args:
            name: One of ``names()``.

        Returns:
            float32, shape ``(rows,)``: 0 or 1, class index, or value in the unit of the data; NaN where missing. A
            tag is 0 only for tracks, or tracks of artists, that the source of tags knows.

        Raises:
            UserError: If the store has no such task; with the nearest names.
        """
        family, _, tag = name.partition(":")
        if name in self._fields:
            with self._read() as source:
                values: NDArray[np.float32] = source[f"fields/{name}"][:]
                return values
        if tag not in self._tags.get(family, {}):
            raise self._unknown(name)
        with self._read() as source:
            group = source[f"tags/{family}"]
            rows, columns = _positive_pairs(group, family)
            entity = group["entity"][:]
            has_tag = np.zeros(len(group["indptr"]) - 1, dtype=np.float32)
            has_tag[rows[columns == self._tags[family][tag]]] = 1
        return np.where(entity >= 0, has_tag[entity], np.float32(np.nan)).astype(np.float32)

    def tag_matrix(self, family: str) -> tuple[list[str], csr_array, NDArray[np.bool_]]:
        """All tags of a family.

        Args:
            family: ``term``, ``lastfm`` or ``genre``.

        Returns:
            Tags; matrix of 0 and 1, uint8, shape ``(rows, tags)``; which rows the source knows, bool, shape
            ``(rows,)``: the others are empty because their tags are missing, not because they have none.

        Raises:
            UserError: If the store has no tags of the family.
        """
        if family not in self._tags:
            raise UserError(
                f"family of tags must be one of {', '.join(self._tags) or 'none in this store'}; got {family!r}. "
                "Prepare the store with a file of such tags."
            )
        tags = self._tags[family]
        with self._read() as source:
            group = source[f"tags/{family}"]
            rows, columns = _positive_pairs(group, family)
            entity = group["entity"][:]
            shape = (len(group["indptr"]) - 1, int(columns.max(initial=0)) + 1)
        of_entities = csr_array((np.ones(len(rows), dtype=np.uint8), (rows, columns)), shape=shape)
        known = entity >= 0
        of_tracks = of_entities[np.where(known, entity, 0)][:, list(tags.values())]
        keep = np.repeat(known, np.diff(of_tracks.indptr))
        lengths = np.where(known, np.diff(of_tracks.indptr), 0)
        indptr = np.concatenate([[0], np.cumsum(lengths)])
        matrix = csr_array((of_tracks.data[keep], of_tracks.indices[keep], indptr), shape=of_tracks.shape)
        matrix.sort_indices()
        return list(tags), matrix, known

    def _unknown(self, name: str) -> UserError:
        """The error of a task that the store has no labels for."""
        task_of(name)  # a name without a known form has its own error
        names = self.names()
        family = name.partition(":")[0] + ":" if ":" in name else ""
        alike = [other for other in names if other.startswith(family)][:MAX_SUGGESTED_AMONG] or names
        near = get_close_matches(name, alike, n=5, cutoff=0.4) or alike[:5]
        next_step = f"Nearest: {', '.join(near)}." if near else "No other task has: prepare it with files of labels."
        return UserError(
            f"task must have labels in the store; got {name!r}, which has none in {str(self.path)!r}. {next_step}"
        )

    @contextmanager
    def _read(self) -> Iterator[h5py.File]:
        try:
            self._check()
            with h5py.File(self.path, "r") as source:
                yield source
        except (KeyError, OSError) as problem:  # it was replaced a moment ago
            raise self._changed(str(problem)) from None

    def _check(self) -> None:
        """Refuse contents that are not those of the content hash."""
        try:
            stat = self.path.stat()
            found = _hash_of(self.path, stat.st_ino, stat.st_size, stat.st_mtime_ns)
        except DAMAGE as problem:
            raise self._changed(str(problem)) from None
        if found != self.content_hash:
            raise self._changed(f"their hash is {found[:16]}")

    def _changed(self, how: str) -> UserError:
        return UserError(
            f"store must hold the contents {self.content_hash[:16]} that `msd-mtl prepare` wrote; got "
            f"{str(self.path)!r}, which was changed or damaged since ({how}). Make it again with "
            f"`msd-mtl prepare raw=DIR store={self.path}`."
        )


@lru_cache(maxsize=8)
def _hash_of(path: Path, *state: int) -> str:  # noqa: ARG001  # they tell a file written since from the one hashed
    """Content hash of what a store holds now; its provenance is not part of it."""
    with h5py.File(path, "r") as source:
        objects: dict[str, object] = {}
        links: list[str] = []
        source.visititems(objects.__setitem__)  # each object by one name, and none that a soft or external link names
        source.visit_links(links.append)
        if further := sorted(set(links) - set(objects)):
            raise ValueError(f"{further[0]} is a link")
        datasets = {name: found for name, found in objects.items() if isinstance(found, h5py.Dataset)}
        return content_hash({name: found for name, found in datasets.items() if name != "provenance"})


def _texts(source: h5py.File, name: str) -> list[str]:
    return texts_of(source[f"{name}/utf8"][:], source[f"{name}/offsets"][:])


def _positive_pairs(group: h5py.Group, family: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of the pairs that make a tag positive: all, but of genres only the majority."""
    columns = group["indices"][:].astype(np.int64)
    rows = np.repeat(np.arange(len(group["indptr"]) - 1), np.diff(group["indptr"][:]))
    if family == "genre":
        majority = group["weight"][:] == MAJORITY
        return rows[majority], columns[majority]
    return rows, columns
