"""Opens files that may lie there zipped."""

import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from msd_mtl.data.raw.files import RawFile
from msd_mtl.errors import UserError


def opened(file: RawFile) -> IO[bytes]:
    """Open a file for reading bytes.

    Args:
        file: A file, or a zip archive with one file in it.

    Returns:
        The stream of the file or of the archive's only member.

    Raises:
        UserError: If a zipped file is no archive, or holds none or several files.
    """
    if not file.zipped:
        return file.path.open("rb")
    try:
        archive = zipfile.ZipFile(file.path)
    except zipfile.BadZipFile:
        raise UserError(f"{file.name}: file must be a zip archive; got another one. Download it again.") from None
    inside = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX")]
    if len(inside) != 1:
        raise UserError(f"{file.name}: archive must hold one file; got {len(inside)}: {inside[:5]}. Unpack it by hand.")
    return archive.open(inside[0])


@contextmanager
def unpacked(file: RawFile) -> Iterator[Path]:
    """Give a file that libraries can open by its path.

    Args:
        file: A file, used where it lies, or a zip archive with one file in it, unpacked to the temporary folder.

    Yields:
        Path of the plain file.

    Raises:
        UserError: As ``opened``, and if the archive is damaged.
    """
    if not file.zipped:
        yield file.path
        return
    with tempfile.TemporaryDirectory(prefix="msd-mtl-") as folder:
        plain = Path(folder) / file.stem
        with opened(file) as source, plain.open("wb") as target:
            try:
                shutil.copyfileobj(source, target, 1 << 20)
            except (zipfile.BadZipFile, zlib.error, EOFError) as damage:
                raise damaged(file, damage) from None
        yield plain


def damaged(file: RawFile, damage: Exception) -> UserError:
    """The error of an archive that cannot be unpacked to its end."""
    return UserError(f"{file.name}: archive must be whole; got damage ({damage}). Download it again.")
