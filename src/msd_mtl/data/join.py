"""Joins what the files say about a track by its id, never by position."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from msd_mtl.data.raw.lyrics import Lyrics, gather
from msd_mtl.data.raw.tables import TrackTable, Values
from msd_mtl.errors import UserError

# Order of trust where several files have a value: the files nearest to the analysis first, lists made from them last.
TRUST = ("songs", "summary", "track_metadata", "tracks_per_year", "unique_tracks")
RELATIVE_TOLERANCE = 1e-4  # our choice: the files round to different digits, years must differ by one
ABSOLUTE_TOLERANCE = 1e-6  # our choice: as above, near 0


@dataclass
class Disagreements:
    """How often several sources of a value were compared, and how often they differ.

    Attributes:
        compared: Field: pairs of values compared.
        differing: Field: those that differ.
    """

    compared: dict[str, int] = field(default_factory=dict)
    differing: dict[str, int] = field(default_factory=dict)

    def count(self, name: str, compared: int, differing: int) -> None:
        """Add to the counts of a field; a field that was never compared is not kept."""
        if compared:
            self.compared[name] = self.compared.get(name, 0) + int(compared)
            self.differing[name] = self.differing.get(name, 0) + int(differing)


@dataclass
class Joined:
    """Values of the tracks with lyrics.

    Attributes:
        values: Field: float32, shape ``(rows,)``, NaN where missing.
        artist_id: Bytes ``S18``, empty where unknown, shape ``(rows,)``.
        names: Artist names of the tracks in each source that has names, each an object array of shape ``(rows,)``,
            empty strings where unknown; most trusted source first.
        used: Field: file: values taken from it.
    """

    values: dict[str, Values]
    artist_id: NDArray[np.bytes_]
    names: list[NDArray[np.object_]]
    used: dict[str, dict[str, int]]


def merge_lyrics(parts: Sequence[Lyrics], disagreements: Disagreements) -> Lyrics:
    """Join lyrics of several sources and sort them by track id.

    Args:
        parts: At least one source, the most trusted first: text files, then the database.
        disagreements: Counts are added under ``lyrics``.

    Returns:
        Every track once, ascending by id.

    Raises:
        UserError: If the sources have different words, or two of one family have the same track.
    """
    merged = _sorted(parts[0])
    for part in parts[1:]:
        if part.vocabulary != merged.vocabulary:
            raise UserError(
                f"{part.report.file}: words must be those of {parts[0].report.file}; got others"
                f"{_first_difference(merged.vocabulary, part.vocabulary)}. Download both again."
            )
        merged = _with(merged, _sorted(part), disagreements)
    return merged


def _sorted(part: Lyrics) -> Lyrics:
    """Sort by track id; a track that is there twice is an error."""
    order = np.argsort(part.track_id, kind="stable")
    track_id, rows = part.track_id[order], part.rows[order]
    doubled = np.flatnonzero(track_id[1:] == track_id[:-1])
    if len(doubled):
        first, second = sorted(int(row) for row in rows[doubled[0] : doubled[0] + 2])
        raise _twice(track_id[doubled[0]], f"{part.place} {first}", f"{part.place} {second}")
    if (order == np.arange(len(order))).all():
        return part
    indices, counts = gather(part.lengths, order, (part.indices, part.counts))
    return Lyrics(
        track_id,
        part.official_test[order],
        part.lengths[order],
        indices,
        counts,
        part.vocabulary,
        rows,
        part.place,
        part.report,
    )


def _with(trusted: Lyrics, other: Lyrics, disagreements: Disagreements) -> Lyrics:
    """Add the tracks of another source that are not there yet; both are sorted."""
    place = np.searchsorted(trusted.track_id, other.track_id).clip(max=len(trusted.track_id) - 1)
    there = trusted.track_id[place] == other.track_id
    if there.any():
        if trusted.report.family == other.report.family:
            row = int(np.flatnonzero(there)[0])
            first = f"{trusted.place} {int(trusted.rows[place[row]])}"
            raise _twice(other.track_id[row], first, f"{other.place} {int(other.rows[row])}")
        differing = _differing(trusted, place[there], other, np.flatnonzero(there))
        disagreements.count("lyrics", int(there.sum()), differing)
        other.report.drop("in a more trusted file, too", int(there.sum()))
    lengths = np.concatenate([trusted.lengths, other.lengths])
    track_id = np.concatenate([trusted.track_id, other.track_id])
    new = np.concatenate([np.ones(len(trusted.track_id), dtype=np.bool_), ~there])
    order = np.flatnonzero(new)[np.argsort(track_id[new], kind="stable")]
    indices, counts = gather(
        lengths,
        order,
        (np.concatenate([trusted.indices, other.indices]), np.concatenate([trusted.counts, other.counts])),
    )
    test = np.concatenate([trusted.official_test, other.official_test])
    rows = np.concatenate([trusted.rows, other.rows])
    return Lyrics(
        track_id[order],
        test[order],
        lengths[order],
        indices,
        counts,
        trusted.vocabulary,
        rows[order],
        trusted.place,
        trusted.report,
    )


def _differing(left: Lyrics, left_rows: NDArray[np.int64], right: Lyrics, right_rows: NDArray[np.int64]) -> int:
    """Number of aligned tracks whose words, counts or part differ."""
    lengths = left.lengths[left_rows]
    same = (lengths == right.lengths[right_rows]) & (left.official_test[left_rows] == right.official_test[right_rows])
    left_indices, left_counts = gather(left.lengths, left_rows[same], (left.indices, left.counts))
    right_indices, right_counts = gather(right.lengths, right_rows[same], (right.indices, right.counts))
    wrong = (left_indices != right_indices) | (left_counts != right_counts)
    track = np.repeat(np.arange(int(same.sum())), lengths[same])
    return int((~same).sum()) + len(np.unique(track[wrong]))


def _twice(track_id: bytes, first: str, second: str) -> UserError:
    return UserError(
        f"{second}: a track must have lyrics once; got {track_id.decode()} again after {first}. Remove one of the two."
    )


def _first_difference(left: tuple[str, ...], right: tuple[str, ...]) -> str:
    for place, (one, other) in enumerate(zip(left, right, strict=False), 1):
        if one != other:
            return f" (word {place} is {other!r}, not {one!r})"
    return f" ({len(right)} words, not {len(left)})"


def join_tables(track_id: NDArray[np.bytes_], tables: Sequence[TrackTable], disagreements: Disagreements) -> Joined:
    """Take the values of tracks with lyrics out of the tables.

    Args:
        track_id: Tracks with lyrics, ascending, bytes ``S18``, shape ``(rows,)``.
        tables: Any order; they are taken in the order of ``TRUST``, within a family as they come.
        disagreements: Counts are added for each field and for ``artist_id``.

    Returns:
        For each field the most trusted value that is not missing.

    Raises:
        UserError: If a table has a track twice.
    """
    result = Joined({}, np.zeros(len(track_id), dtype="S18"), [], {})
    for table in sorted(tables, key=lambda table: TRUST.index(table.report.family)):
        rows, place = rows_of(table.track_id, table.rows, table.place, track_id)
        table.report.rows_joined = len(rows)
        table.report.drop("no lyrics", len(table.track_id) - len(rows))
        for name, values in table.values.items():
            known = result.values.setdefault(name, np.full(len(track_id), np.nan, dtype=np.float32))
            new = values[rows]
            both = ~np.isnan(known[place]) & ~np.isnan(new)
            close = np.isclose(known[place], new, rtol=RELATIVE_TOLERANCE, atol=ABSOLUTE_TOLERANCE)
            disagreements.count(name, int(both.sum()), int((both & ~close).sum()))
            fill = np.isnan(known[place]) & ~np.isnan(new)
            known[place[fill]] = new[fill]
            result.used.setdefault(name, {})[table.report.file] = int(fill.sum())
        _join_artists(table, rows, place, result, disagreements)
    return result


def rows_of(
    ids: NDArray[np.bytes_], numbers: NDArray[np.int64], place_name: str, track_id: NDArray[np.bytes_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the rows of a file that belong to tracks with lyrics.

    Args:
        ids: Track ids of the file, bytes ``S18``, shape ``(file rows,)``.
        numbers: Place of each in the file, int64, same shape, for messages.
        place_name: What ``numbers`` counts, for messages.
        track_id: Tracks with lyrics, ascending, bytes ``S18``, shape ``(rows,)``.

    Returns:
        Rows of the file, and the row of the track that each belongs to.

    Raises:
        UserError: If a track with lyrics is there twice.
    """
    place = np.searchsorted(track_id, ids).clip(max=len(track_id) - 1)
    rows = np.flatnonzero(track_id[place] == ids)
    place = place[rows]
    doubled = np.flatnonzero(np.bincount(place, minlength=1) > 1)
    if len(doubled):
        first, second = (int(number) for number in numbers[rows[place == doubled[0]][:2]])
        raise UserError(
            f"{place_name} {second}: a track must be there once; got {track_id[doubled[0]].decode()} again after "
            f"{first}. Download the file again."
        )
    return rows, place


def _join_artists(
    table: TrackTable,
    rows: NDArray[np.int64],
    place: NDArray[np.int64],
    result: Joined,
    disagreements: Disagreements,
) -> None:
    """Take artist ids and names of a table."""
    if table.artist_id is not None:
        new, known = table.artist_id[rows], result.artist_id[place]
        both = (new != b"") & (known != b"")
        disagreements.count("artist_id", int(both.sum()), int((new[both] != known[both]).sum()))
        fill = (known == b"") & (new != b"")
        result.artist_id[place[fill]] = new[fill]
        result.used.setdefault("artist_id", {})[table.report.file] = int(fill.sum())
    if table.artist_name is not None:
        names = np.full(len(result.artist_id), "", dtype=object)
        names[place] = table.artist_name[rows]
        result.names.append(names)
