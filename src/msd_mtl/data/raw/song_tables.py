"""The three HDF5 tables that the summary file and the per-song files share, and what is missing in them.

Origin: Million Song Dataset (The Echo Nest, LabROSA), http://millionsongdataset.com/pages/example-track-description.
Licence: research use; see http://millionsongdataset.com/faq.
Unit: loudness dB, tempo BPM, duration s, year; key 0 (C) to 11, mode 0 (minor) or 1 (major), time signature in beats
per bar; song and artist hotttnesss and artist familiarity without unit, 0 to about 1.

Missing values have no mark of their own in the files. What counts as missing here:

- `year` 0: not known.
- `tempo` 0, `time_signature` 0, `duration` 0 or less: the analysis found none; a true 0 has no meaning.
- `artist_familiarity` 0 or less (-1 occurs), `artist_hotttnesss` 0 and `song_hotttnesss` 0: estimates that had
  nothing to go by. For `song_hotttnesss` some releases write 0 and others NaN for the same songs.
- `key` and `mode` -1: not detected. Key 0 is C and mode 0 is minor, and the analysis gives them with confidence 0, too:
  they stay. A key or time signature that is no class of its task, or a mode other than 0 and 1, is counted and missing.
- A row whose loudness, tempo, time signature, key, mode and their confidences are all 0 was never analysed: there, and
  only there, key 0, mode 0 and loudness 0 are missing. A loudness of 0 dB in an analysed row stays.
"""

from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from msd_mtl.data.raw.files import RawFile
from msd_mtl.data.raw.tables import Values, missing_where
from msd_mtl.errors import UserError, quoted

METADATA = ("artist_id", "artist_name", "artist_familiarity", "artist_hotttnesss", "song_hotttnesss")
ANALYSIS = (
    "track_id",
    "duration",
    "key",
    "key_confidence",
    "loudness",
    "mode",
    "mode_confidence",
    "tempo",
    "time_signature",
    "time_signature_confidence",
)
TABLES: dict[str, tuple[str, ...]] = {
    "metadata/songs": METADATA,
    "analysis/songs": ANALYSIS,
    "musicbrainz/songs": ("year",),
}
TEXT = ("track_id", "artist_id", "artist_name")
TEXTS, NUMBERS = "texts of fixed length", "numbers"  # what a column or an array holds
KINDS = {TEXTS: "S", NUMBERS: "iuf"}  # as NumPy's ``dtype.kind``
ANALYSED = tuple(name for name in ANALYSIS if name not in ("track_id", "duration"))
ID_LENGTH = 18


def positive(values: NDArray[np.generic]) -> Values:
    """Values of a field where 0 and less mean missing, as float32 with NaN."""
    numbers = values.astype(np.float64)
    return missing_where(numbers, ~(numbers > 0))


def known_values(
    metadata: NDArray[np.void], analysis: NDArray[np.void], musicbrainz: NDArray[np.void]
) -> dict[str, Values]:
    """Take the fields out of aligned rows of the three tables.

    Args:
        metadata: Rows with the columns of ``METADATA``, shape ``(rows,)``.
        analysis: Rows with the columns of ``ANALYSIS``, same shape.
        musicbrainz: Rows with ``year``, same shape.

    Returns:
        Field: float32, shape ``(rows,)``, NaN where missing.
    """
    analysed = np.zeros(len(analysis), dtype=np.bool_)
    for name in ANALYSED:
        analysed |= (analysis[name] != 0) & np.isfinite(analysis[name])
    key, mode, loudness = (analysis[name] for name in ("key", "mode", "loudness"))
    return {
        "loudness": missing_where(loudness, ~analysed),
        "tempo": positive(analysis["tempo"]),
        "duration": positive(analysis["duration"]),
        "key": missing_where(key, ~analysed | (key == -1)),
        "mode": missing_where(mode, ~analysed | (mode == -1)),
        "time_signature": positive(analysis["time_signature"]),
        "song_hotttnesss": positive(metadata["song_hotttnesss"]),
        "artist_hotttnesss": positive(metadata["artist_hotttnesss"]),
        "artist_familiarity": positive(metadata["artist_familiarity"]),
        "year": positive(musicbrainz["year"]),
    }


def short_ids(ids: NDArray[np.bytes_], prefix: bytes, table: str, first_row: int, file: RawFile) -> NDArray[np.bytes_]:
    """Check ids of a table and cut their padding.

    Args:
        ids: Bytes, shape ``(rows,)``.
        prefix: ``b"TR"`` or ``b"AR"``.
        table: Name of the table, for messages.
        first_row: Number of the first of these rows in the table, from 0, for messages.
        file: For messages.

    Returns:
        Bytes ``S18``, same shape.

    Raises:
        UserError: If an id is neither empty nor ``prefix`` and 16 characters.
    """
    lengths = np.char.str_len(ids)
    wrong = np.flatnonzero((lengths > 0) & ((lengths != ID_LENGTH) | ~np.char.startswith(ids, prefix)))
    if len(wrong):
        row = int(wrong[0])
        raise UserError(
            f"{file.name}, table /{table}, row {first_row + row}: id must be {prefix.decode()} and 16 characters; "
            f"got {quoted(bytes(ids[row]))}. Download the file again."
        )
    return ids.astype("S18")


def table_of(source: h5py.File, name: str, file: RawFile) -> h5py.Dataset:
    """A table of the file, if it has the official columns, and in each what it officially holds."""
    found = source.get(name)
    if not isinstance(found, h5py.Dataset):
        raise wrong_layout(file, f"file must have a table /{name}", f"groups {sorted(source)}")
    columns = found.dtype.names or ()
    if missing := [column for column in TABLES[name] if column not in columns]:
        raise wrong_layout(file, f"table /{name} must have columns {', '.join(missing)}", list(columns) or found.dtype)
    check_rows(file, name, found)
    for column in TABLES[name]:
        check_kind(file, f"table /{name}, column {column}", found.dtype[column], TEXTS if column in TEXT else NUMBERS)
    return found


def check_rows(file: RawFile, name: str, found: h5py.Dataset) -> None:
    """Refuse a table or array that is no plain sequence of rows (UserError)."""
    if found.ndim != 1:
        raise wrong_layout(file, f"table /{name} must have one dimension", f"shape {found.shape}")


def check_kind(file: RawFile, place: str, dtype: np.dtype[Any], holds: str) -> None:
    """Refuse what does not hold what its official file does (UserError).

    Args:
        file: For messages.
        place: Table and column, for messages.
        dtype: Its type.
        holds: ``TEXTS`` or ``NUMBERS``.
    """
    if dtype.kind not in KINDS[holds]:
        raise wrong_layout(file, f"{place} must hold {holds}", f"type {dtype}")


def wrong_layout(file: RawFile, expectation: str, got: object) -> UserError:
    """The error of an HDF5 file that is laid out in another way."""
    return UserError(f"{file.name}: {expectation}; got {got}. Use the official file, or download it again.")
