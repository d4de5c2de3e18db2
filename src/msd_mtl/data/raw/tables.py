"""What the readers of values give: one row per track, joined by track id later."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from msd_mtl.data.raw.lyrics import FileReport
from msd_mtl.data.task import FIELDS

Values = NDArray[np.float32]
LAST_YEAR = 9999  # of four digits, as the official list of years has them


@dataclass
class TrackTable:
    """Values of tracks from one file.

    Attributes:
        track_id: Bytes ``S18``, shape ``(rows,)``, in the order of the file.
        report: What became of the file's rows.
        place: What ``rows`` counts, such as ``"tracks_per_year.txt, line"``.
        rows: Place of each row in the file, int64, shape ``(rows,)``.
        values: Field: float32, shape ``(rows,)``, in the unit of the field, NaN where missing.
        artist_id: Bytes ``S18``, empty where unknown; None if the file has no artist ids.
        artist_name: Strings, empty where unknown; None if the file has no names.
    """

    track_id: NDArray[np.bytes_]
    report: FileReport
    place: str
    rows: NDArray[np.int64]
    values: dict[str, Values] = field(default_factory=dict)
    artist_id: NDArray[np.bytes_] | None = None
    artist_name: NDArray[np.object_] | None = None


@dataclass
class TagTable:
    """Tags of tracks or artists from one file, as pairs.

    Attributes:
        entity: Ids, bytes ``S18``, shape ``(entities,)``: the ones that the source knows, each once.
        tags: Tag names, each once.
        rows: Entity of each pair, int32, shape ``(pairs,)``.
        columns: Tag of each pair, int32, shape ``(pairs,)``.
        weight: Weight of each pair, uint8, shape ``(pairs,)``, in the unit of the source; None if it has none.
        report: What became of the file's rows.
    """

    entity: NDArray[np.bytes_]
    tags: list[str]
    rows: NDArray[np.int32]
    columns: NDArray[np.int32]
    report: FileReport
    weight: NDArray[np.uint8] | None = None


def joined(parts: list[TrackTable]) -> TrackTable:
    """Join tables of parts of a file, drop rows without track id, and take out values that a field cannot have.

    Args:
        parts: At least one table; all of one file, with the same fields.

    Returns:
        All rows in order; rows without id and impossible values are counted in the report.
    """
    first = parts[0]
    track_id = np.concatenate([part.track_id for part in parts])
    kept = track_id != b""
    report = FileReport(first.report.file, first.report.family, rows_read=len(track_id))
    report.drop("no track id", int((~kept).sum()))
    values = {name: np.concatenate([part.values[name] for part in parts])[kept] for name in first.values}
    for name, column in values.items():
        wrong = _impossible(name, column)
        if wrong.any():
            report.impossible[name] = int(wrong.sum())
            column[wrong] = np.nan
    ids = [part.artist_id for part in parts if part.artist_id is not None]
    names = [part.artist_name for part in parts if part.artist_name is not None]
    return TrackTable(
        track_id=track_id[kept],
        report=report,
        place=first.place,
        rows=np.concatenate([part.rows for part in parts])[kept],
        values=values,
        artist_id=np.concatenate(ids)[kept] if ids else None,
        artist_name=np.concatenate(names)[kept] if names else None,
    )


def _impossible(name: str, values: Values) -> NDArray[np.bool_]:
    """Which values are no class of a field that has classes, or no year; missing ones are none of them."""
    kind, _, n_classes = FIELDS[name]
    if name == "year":
        return values > LAST_YEAR
    if kind == "regression":
        return np.zeros(len(values), dtype=np.bool_)
    return ~np.isnan(values) & ~np.isin(values, np.arange(n_classes or 2))


def missing_where(values: NDArray[np.generic], missing: NDArray[np.bool_]) -> Values:
    """Values as float32 with NaN where they are missing or not finite."""
    with np.errstate(over="ignore"):  # too large is infinite, so not known either
        numbers = values.astype(np.float32)
    numbers[missing | ~np.isfinite(numbers)] = np.nan
    return numbers
