"""Joins tags of several sources and brings them to the tracks with lyrics."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from msd_mtl.data.contents import TagMatrix
from msd_mtl.data.join import Disagreements, rows_of
from msd_mtl.data.raw.tables import TagTable
from msd_mtl.data.raw.tagtraum import GenreTable

MINORITY, MAJORITY = 1, 2  # weights of genres in the store


def tag_matrix(
    family: str, sources: Sequence[TagTable], track_entity: NDArray[np.bytes_], disagreements: Disagreements
) -> TagMatrix:
    """Join tags of several sources.

    Args:
        family: ``term`` or ``lastfm``, for the count of disagreements.
        sources: At least one, the most trusted first. An artist or track has the tags of the first source that knows
            it.
        track_entity: What carries the tags of each track (its artist's id, or its own), bytes ``S18``, empty where
            unknown, shape ``(rows,)``.
        disagreements: Artists or tracks that two sources know, and those whose tags differ, are counted.

    Returns:
        Tags of the artists or tracks that have lyrics; tags that none of them has are left out.
    """
    entities = np.unique(track_entity[track_entity != b""])
    names = sorted({name for source in sources for name in source.tags})
    column = {name: index for index, name in enumerate(names)}
    known = np.zeros(len(entities), dtype=np.bool_)
    keys: NDArray[np.int64] = np.empty(0, dtype=np.int64)
    weights: NDArray[np.uint8] = np.empty(0, dtype=np.uint8)
    weighted = all(source.weight is not None for source in sources)
    for source in sources:
        new_keys, new_weights, here = _keys(source, entities, column)
        both = known & here
        differing = np.unique(np.setxor1d(keys, new_keys) // len(names))
        disagreements.count(family, int(both.sum()), int(both[differing].sum()))
        first = ~known[new_keys // len(names)]
        keys = np.concatenate([keys, new_keys[first]])
        weights = np.concatenate([weights, new_weights[first]])
        known |= here
    order = np.argsort(keys)
    keys, weights = keys[order], weights[order]
    return _compressed(keys, weights if weighted else None, names, entities[known], track_entity, entities)


def _keys(
    source: TagTable, entities: NDArray[np.bytes_], column: dict[str, int]
) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.bool_]]:
    """Pairs of a source as ``entity * tags + tag``, each once; their weights; which entities the source knows."""
    place = np.searchsorted(entities, source.entity).clip(max=max(len(entities) - 1, 0))
    found = entities[place] == source.entity if len(entities) else np.zeros(len(source.entity), dtype=np.bool_)
    joined = found[source.rows]
    source.report.rows_joined = int(joined.sum())
    source.report.drop("no lyrics", int((~joined).sum()))
    to_column = np.array([column[name] for name in source.tags], dtype=np.int64)
    keys = place[source.rows[joined]] * len(column) + to_column[source.columns[joined]]
    weights = np.zeros(len(keys), dtype=np.uint8) if source.weight is None else source.weight[joined]
    order = np.lexsort((weights, keys))
    keys, weights = keys[order], weights[order]
    last = np.diff(keys, append=-1) != 0
    here = np.zeros(len(entities), dtype=np.bool_)
    here[keys // max(len(column), 1)] = True
    return keys[last], weights[last], here


def _compressed(
    keys: NDArray[np.int64],
    weights: NDArray[np.uint8] | None,
    names: list[str],
    known: NDArray[np.bytes_],
    track_entity: NDArray[np.bytes_],
    entities: NDArray[np.bytes_],
) -> TagMatrix:
    """Compress sorted pairs by row, with only the tags that occur and the entities that are known."""
    rows, columns = keys // len(names), keys % len(names)
    used, indices = np.unique(columns, return_inverse=True)
    row_of = np.searchsorted(known, entities[rows])
    indptr = np.concatenate([[0], np.cumsum(np.bincount(row_of, minlength=len(known)))])
    place = np.searchsorted(known, track_entity).clip(max=max(len(known) - 1, 0))
    there = known[place] == track_entity if len(known) else np.zeros(len(track_entity), dtype=np.bool_)
    return TagMatrix(
        names=[names[index] for index in used],
        indptr=indptr.astype(np.int64),
        indices=indices.astype(np.min_scalar_type(max(len(used) - 1, 0))),
        entity=np.where(there, place, -1).astype(np.int32),
        weight=weights,
    )


def genre_matrix(
    sources: Sequence[GenreTable], track_id: NDArray[np.bytes_], disagreements: Disagreements
) -> TagMatrix:
    """Bring the genres of the most trusted file to the tracks with lyrics.

    Args:
        sources: At least one, the one to use first. Others are only compared: on tracks that both know, majority genres
            that both files have in their list of genres.
        track_id: Tracks with lyrics, ascending, bytes ``S18``, shape ``(rows,)``.
        disagreements: Counts are added under ``genre``.

    Returns:
        Genres of tracks; weight 2 is the majority genre, 1 the minority genre.

    Raises:
        UserError: If the file has a track twice.
    """
    used, *others = sources
    majority, minority = _genres(used, track_id)
    for other in others:
        compared = _genres(other, track_id)[0]
        both = np.isin(majority, [*other.genres]) & np.isin(compared, [*used.genres])
        disagreements.count("genre", int(both.sum()), int((majority[both] != compared[both]).sum()))
        other.report.rows_joined = 0
        other.report.drop(f"other genres than those of {used.report.file}, which is used", len(other.track_id))
    known = majority != ""
    table = TagTable(
        entity=track_id[known],
        tags=used.genres,
        rows=np.empty(0, np.int32),
        columns=np.empty(0, np.int32),
        report=used.report,
    )
    index = {name: column for column, name in enumerate(used.genres)}
    pairs = [
        (row, index[name], weight)
        for row, names in enumerate(zip(majority[known].tolist(), minority[known].tolist(), strict=True))
        for name, weight in zip(names, (MAJORITY, MINORITY), strict=True)
        if name
    ]
    table.rows, table.columns = (np.array([pair[side] for pair in pairs], dtype=np.int32) for side in (0, 1))
    table.weight = np.array([weight for _, _, weight in pairs], dtype=np.uint8)
    matrix = tag_matrix("genre", [table], track_id, disagreements)
    used.report.rows_joined = int(known.sum())
    used.report.drop("no lyrics", len(used.track_id) - int(known.sum()))
    return matrix


def _genres(table: GenreTable, track_id: NDArray[np.bytes_]) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Majority and minority genre of each track, empty where there is none."""
    rows, place = rows_of(table.track_id, table.rows, f"{table.report.file}, line", track_id)
    names = np.array([*table.genres, ""], dtype=object)  # -1 is the last
    majority, minority = (np.full(len(track_id), "", dtype=object) for _ in range(2))
    majority[place] = names[table.majority[rows]]
    minority[place] = names[table.minority[rows]]
    return majority, minority
