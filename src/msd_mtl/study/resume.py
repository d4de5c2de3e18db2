"""The checkpoint from which a run goes on, if it is fit for that: a bad one costs time, never the run."""

import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msd_mtl.study.keep import LAST


@contextmanager
def resumable(folder: Path) -> Iterator[Path | None]:
    """The last checkpoint of a run, for as long as the block trains.

    A checkpoint that cannot be read is removed, and the run begins anew: its numbers are the same. So is one from which
    the block got no further before it failed, as with one of another version of a library, which a check of the file
    alone does not show.

    Args:
        folder: Run directory.

    Yields:
        Where the checkpoint is; None to begin.
    """
    last = folder / LAST
    if last.is_file() and not _is_whole(last):
        sys.stderr.write(f"{last} cannot be read; the run begins anew.\n")
        last.unlink(missing_ok=True)
    found = last.stat().st_mtime_ns if last.is_file() else None
    try:
        yield last if found else None
    except Exception:
        if last.is_file() and last.stat().st_mtime_ns == found:
            last.unlink(missing_ok=True)
        raise


def _is_whole(path: Path) -> bool:
    """Whether every part of an archive that ``torch.save`` wrote has the checksum that it had then."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError):
        return False
