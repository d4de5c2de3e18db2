"""Groups tracks by artist, so that no artist can be on both sides of a split."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from msd_mtl.data.raw.tables import TrackTable


@dataclass(frozen=True)
class ArtistGroups:
    """Artist groups of tracks.

    Attributes:
        artist: Group of each track, numbered in order of appearance, int32, shape ``(rows,)``.
        by_id: Tracks whose artist is known by id.
        by_name: Tracks whose artist is known only by name.
        has_artist: Whether a track's artist is known at all, bool, shape ``(rows,)``; if not, the track is a group of
            its own, although its artist may have other tracks.
    """

    artist: NDArray[np.int32]
    by_id: int
    by_name: int
    has_artist: NDArray[np.bool_]

    @property
    def alone(self) -> int:
        """Number of tracks without any artist."""
        return int((~self.has_artist).sum())


def normalised(name: str) -> str:
    """A name without differences of case, width, composition or white space."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def artist_groups(
    artist_id: NDArray[np.bytes_], names: Sequence[NDArray[np.object_]], tables: Iterable[TrackTable]
) -> ArtistGroups:
    """Group tracks whose artists are, or may be, the same.

    Tracks of one artist id are one group. A track known only by the artist's name joins the groups of all ids that have
    this name anywhere, and of all tracks with it; these groups become one, as any of them may be the artist.

    Args:
        artist_id: Artist ids, empty where unknown, bytes ``S18``, shape ``(rows,)``.
        names: Artist names from the sources, each an object array of shape ``(rows,)``, empty where unknown.
        tables: Tables whose ids and names are looked up, also those of tracks without lyrics.

    Returns:
        The groups.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    cache: dict[str, str] = {"": ""}
    unknown = artist_id == b""
    wanted = {_cached(name, cache) for source in names for name in source[unknown].tolist() if name}
    node: dict[bytes | str, int] = {}
    edges: list[tuple[int, int]] = []
    track_node = np.full(len(artist_id), -1, dtype=np.int64)
    for row, identity in enumerate(artist_id.tolist()):
        if identity:
            track_node[row] = node.setdefault(identity, len(node))
    for source in names:
        for row, name in enumerate(source.tolist()):
            if (key := _cached(name, cache)) and key in wanted:
                named = node.setdefault(key, len(node))
                if track_node[row] >= 0:
                    edges.append((int(track_node[row]), named))
                else:
                    track_node[row] = named
    for table in tables:
        edges.extend(_named_ids(table, wanted, node, cache))
    has_artist = track_node >= 0
    alone = np.flatnonzero(~has_artist)
    track_node[alone] = len(node) + np.arange(len(alone))
    n_nodes = len(node) + len(alone)
    pairs = np.array(edges, dtype=np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(n_nodes, n_nodes))
    component = connected_components(graph, directed=False)[1][track_node]
    by_name = int(unknown.sum()) - len(alone)
    return ArtistGroups(_in_order_of_appearance(component), int((~unknown).sum()), by_name, has_artist)


def _cached(name: str, cache: dict[str, str]) -> str:
    if name not in cache:
        cache[name] = normalised(name)
    return cache[name]


def _named_ids(
    table: TrackTable, wanted: set[str], node: dict[bytes | str, int], cache: dict[str, str]
) -> set[tuple[int, int]]:
    """Links of ids to the names that are looked for."""
    if table.artist_id is None or table.artist_name is None or not wanted:
        return set()
    found = set()
    for identity, name in zip(table.artist_id.tolist(), table.artist_name.tolist(), strict=True):
        if identity and (key := _cached(name, cache)) in wanted:
            found.add((identity, key))
    return {(node.setdefault(identity, len(node)), node.setdefault(key, len(node))) for identity, key in sorted(found)}


def _in_order_of_appearance(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Number labels by their first row."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int32)
    rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    return rank[inverse]
