"""What a user is shown at the end of `msd-mtl prepare`."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from msd_mtl.data.contents import Contents
from msd_mtl.data.raw.lyrics import FileReport
from msd_mtl.data.reading import Reading
from msd_mtl.data.task import FIELDS, TAG_FAMILIES, task_of


@dataclass(frozen=True)
class Overview:
    """Counts of a store.

    Attributes:
        store: The file.
        content_hash: Its content hash.
        tracks: Tracks, that is tracks with lyrics.
        official_test: Those of the official test part.
        words: Words of the vocabulary.
        stored: Distinct words of all tracks together.
        groups: Artist groups.
        only_by_name: Tracks whose artist is known only by name.
        without_artist: Tracks without an artist; each is a group of its own.
        labelled: Field or family of tags: tracks with a label.
        tags: Family of tags: number of tags.
        overlap: Tracks with a label of both, int64, shape ``(fields, fields)``, in the order of ``labelled``.
        reports: What became of the rows of each file.
        ignored: Files left aside, with the reason.
        compared: Field: values compared between sources.
        differing: Field: those that differ.
    """

    store: Path
    content_hash: str
    tracks: int
    official_test: int
    words: int
    stored: int
    groups: int
    only_by_name: int
    without_artist: int
    labelled: dict[str, int]
    tags: dict[str, int]
    overlap: NDArray[np.int64]
    reports: list[FileReport]
    ignored: dict[str, str]
    compared: dict[str, int]
    differing: dict[str, int]

    @staticmethod
    def of(reading: Reading, store: Path, content_hash: str) -> "Overview":
        """Count what was read."""
        contents = reading.contents
        known = _known(contents)
        masks = np.stack(list(known.values())).astype(np.float64) if known else np.zeros((0, len(contents.track_id)))
        return Overview(
            store=store,
            content_hash=content_hash,
            tracks=len(contents.track_id),
            official_test=int(contents.official_test.sum()),
            words=len(contents.vocabulary),
            stored=len(contents.indices),
            groups=int(contents.artist.max(initial=-1)) + 1,
            only_by_name=reading.groups.by_name,
            without_artist=reading.groups.alone,
            labelled={name: int(mask.sum()) for name, mask in known.items()},
            tags={family: len(matrix.names) for family, matrix in contents.tags.items()},
            overlap=(masks @ masks.T).astype(np.int64),
            reports=reading.reports,
            ignored=reading.ignored,
            compared=reading.disagreements.compared,
            differing=reading.disagreements.differing,
        )


def _known(contents: Contents) -> dict[str, NDArray[np.bool_]]:
    """Which tracks have a label, for each family of tags and each field."""
    families = [family for family in TAG_FAMILIES if family in contents.tags]
    fields = [name for name in FIELDS if name in contents.fields]
    return {family: contents.tags[family].entity >= 0 for family in families} | {
        name: ~np.isnan(contents.fields[name]) for name in fields
    }


def show(overview: Overview, console: Console) -> None:
    """Print the overview."""
    console.print(_files(overview))
    console.print(_labels(overview))
    if len(overview.labelled) > 1:
        console.print(_overlap(overview))
    if others := [name for name in overview.compared if name not in overview.labelled]:
        shown = ", ".join(f"{name} {overview.differing[name]:,} of {overview.compared[name]:,}" for name in others)
        console.print(f"Sources differ, too: {shown}", highlight=False)
    if overview.ignored:
        names = ", ".join(f"{name} ({reason})" for name, reason in list(overview.ignored.items())[:5])
        more = f" and {len(overview.ignored) - 5} more" if len(overview.ignored) > 5 else ""
        console.print(f"Left aside: {names}{more}", highlight=False, markup=False)
    console.print(
        f"{overview.tracks:,} tracks with lyrics ({overview.official_test:,} official test), {overview.words:,} words, "
        f"{overview.stored:,} counts, {overview.groups:,} artists ({overview.only_by_name:,} tracks known only by the "
        f"artist's name, {overview.without_artist:,} without artist)",
        highlight=False,
    )
    console.print(f"{overview.store}  content {overview.content_hash[:16]}", highlight=False, markup=False)


def _files(overview: Overview) -> Table:
    table = Table("file", title="Official files", title_justify="left", box=None)
    for header in ("rows", "in store"):
        table.add_column(header, justify="right")
    table.add_column("dropped")
    for report in overview.reports:
        counted = report.dropped | {f"impossible {name}": n for name, n in report.impossible.items()}
        dropped = ", ".join(f"{rows:,} {reason}" for reason, rows in counted.items())
        table.add_row(escape(report.file), f"{report.rows_read:,}", f"{report.rows_joined:,}", escape(dropped) or "-")
    return table


def _labels(overview: Overview) -> Table:
    table = Table("labels", title="Labelled tracks", title_justify="left", box=None)
    for header in ("tracks", "share", "sources differ"):
        table.add_column(header, justify="right")
    for name, labelled in overview.labelled.items():
        shown = f"{name} ({overview.tags[name]:,} tags)" if name in overview.tags else name
        unit = "" if name in overview.tags else task_of(name).unit
        shown = f"{shown} ({unit})" if unit else shown
        compared = overview.compared.get(name, 0)
        differ = f"{overview.differing[name]:,} of {compared:,}" if compared else "-"
        share = f"{labelled / max(overview.tracks, 1):.0%}"
        table.add_row(shown, f"{labelled:,}", share, differ)
    return table


def _overlap(overview: Overview) -> Table:
    """Tracks labelled by both; fields known for the same tracks share a row."""
    merged: dict[bytes, list[int]] = {}
    for index in range(len(overview.labelled)):
        merged.setdefault(overview.overlap[index].tobytes(), []).append(index)
    names = list(overview.labelled)
    rows = list(merged.values())
    table = Table("", title="Tracks labelled for both", title_justify="left", box=None, pad_edge=False)
    for number in range(len(rows)):
        table.add_column(str(number + 1), justify="right")
    for number, members in enumerate(rows):
        cells = [_compact(int(overview.overlap[members[0], other[0]])) for other in rows[: number + 1]]
        table.add_row(f"{number + 1} {', '.join(names[index] for index in members)}", *cells)
    return table


def _compact(count: int) -> str:
    """A count in at most five characters."""
    if count < 10_000:
        return f"{count:,}"
    return f"{count / 1000:.0f}k"
