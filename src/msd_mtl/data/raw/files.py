"""Finds the official files in a download folder.

Nothing but names decides: full and subset files, plain and zipped ones, and nested folders such as `AdditionalFiles/`
may be mixed as they come.
"""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from msd_mtl.errors import UserError

_ZIP = r"(\.zip)?"
# Family: file name. Order has no meaning.
PATTERNS: dict[str, re.Pattern[str]] = {
    "lyrics_text": re.compile(rf"(?P<stem>mxm_dataset_(train|test))(\.txt)?{_ZIP}"),
    "lyrics_db": re.compile(rf"(?P<stem>mxm_dataset)\.db{_ZIP}"),
    "summary": re.compile(rf"(?P<stem>(subset_)?msd_summary_file)\.h5{_ZIP}"),
    "track_metadata": re.compile(rf"(?P<stem>(subset_)?track_metadata)\.db{_ZIP}"),
    "artist_term": re.compile(rf"(?P<stem>(subset_)?artist_term)\.db{_ZIP}"),
    "lastfm": re.compile(rf"(?P<stem>(subset_)?lastfm_tags)\.db{_ZIP}"),
    "genre": re.compile(rf"(?P<stem>msd_tagtraum_cd(1|2|2c))(\.cls)?{_ZIP}"),
    "tracks_per_year": re.compile(rf"(?P<stem>(subset_)?tracks_per_year)(\.txt)?{_ZIP}"),
    "unique_tracks": re.compile(rf"(?P<stem>(subset_)?unique_tracks)(\.txt)?{_ZIP}"),
}
_SONG = re.compile(r"(TR[A-Z0-9]{16})\.h5")


@dataclass(frozen=True)
class RawFile:
    """One official file.

    Attributes:
        family: Key of ``PATTERNS``.
        stem: Official name without suffixes, such as ``subset_msd_summary_file``.
        path: Where it lies.
        name: Path relative to the download folder, with forward slashes; what messages and provenance show.
        zipped: Whether it is inside a zip archive.
    """

    family: str
    stem: str
    path: Path
    name: str
    zipped: bool = False


@dataclass
class RawFolder:
    """What was found in a download folder.

    Attributes:
        root: The folder.
        files: Official files, full ones before subset ones, then by name.
        songs: Per-song files as (track id, path), sorted by id, then path.
        ignored: Names of files left aside, with the reason.
    """

    root: Path
    files: list[RawFile] = field(default_factory=list)
    songs: list[tuple[str, str]] = field(default_factory=list)
    ignored: dict[str, str] = field(default_factory=dict)

    def of(self, family: str) -> list[RawFile]:
        """The files of one family."""
        return [file for file in self.files if file.family == family]


def discover(raw: Path) -> RawFolder:
    """Search a folder and all folders in it for official files.

    Args:
        raw: Download folder. It is only read.

    Returns:
        What was found. Where a file lies there both plain and zipped, the plain one is used.

    Raises:
        UserError: If the folder is not there or holds no official file.
    """
    if not raw.is_dir():
        raise UserError(f"raw must be a folder with official files; got {str(raw)!r}, which is not one. Set raw=DIR.")
    folder = RawFolder(raw)
    for place, inner, names in os.walk(raw):
        inner.sort()
        for name in sorted(names):
            _sort_in(folder, Path(place), name)
    folder.songs.sort()
    folder.files.sort(key=lambda file: (file.family, file.stem.startswith("subset_"), file.name))
    _leave_zips_of_plain_files(folder)
    if not folder.files and not folder.songs:
        raise UserError(
            f"raw must hold official files, such as mxm_dataset_train.txt or msd_summary_file.h5; got {str(raw)!r}, "
            "where no name is known. Put them there, or fetch them with download=true."
        )
    return folder


def _sort_in(folder: RawFolder, place: Path, name: str) -> None:
    """File one name under its family."""
    path = place / name
    if song := _SONG.fullmatch(name):
        folder.songs.append((song[1], str(path)))
        return
    shown = path.relative_to(folder.root).as_posix()
    if found := official_name(name):
        folder.files.append(RawFile(*found, path, shown, name.endswith(".zip")))
    elif not name.startswith(".") and name != "SHA256SUMS":
        folder.ignored[shown] = "not an official name"


def official_name(name: str) -> tuple[str, str] | None:
    """Family and stem of an official file name; None for any other name."""
    for family, pattern in PATTERNS.items():
        if found := pattern.fullmatch(name):
            return family, found["stem"]
    return None


def _leave_zips_of_plain_files(folder: RawFolder) -> None:
    """Drop archives whose content lies there unpacked."""
    plain = {(file.family, file.stem) for file in folder.files if not file.zipped}
    doubled = [file for file in folder.files if file.zipped and (file.family, file.stem) in plain]
    folder.ignored.update({file.name: "there unpacked, too" for file in doubled})
    folder.files = [file for file in folder.files if file not in doubled]
