"""Reads official text files, plain or zipped, in blocks of whole lines."""

import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

import numpy as np
from numpy.typing import NDArray

from msd_mtl.data.raw.archive import damaged, opened
from msd_mtl.data.raw.files import RawFile
from msd_mtl.errors import UserError, quoted

BLOCK_BYTES = 4 << 20  # our choice: large enough for whole-array work, small enough to stay in cache and memory
TRACK_ID_LENGTH = 18


def blocks(file: RawFile, block_bytes: int = BLOCK_BYTES) -> Iterator[tuple[int, bytes]]:
    """Cut a file into blocks of whole lines.

    Args:
        file: Plain text, or a zip archive with one text file in it.
        block_bytes: About the size of a block, in bytes.

    Yields:
        Number of the block's first line, from 1, and the block; every line in it ends with a line feed.

    Raises:
        UserError: If the last line has no end, as after a broken download, or the archive is damaged.
    """
    first_line = 1
    rest = b""
    with opened(file) as stream:
        while piece := _read(stream, file, block_bytes):
            whole, line_end, tail = piece.rpartition(b"\n")
            if not line_end:
                rest += piece
                continue
            block = rest + whole + line_end
            rest = tail
            yield first_line, block.replace(b"\r\n", b"\n") if b"\r" in block else block
            first_line += block.count(b"\n")
    if rest:
        raise UserError(
            f"{file.name}, line {first_line}: last line must end with a line feed; got a line cut off after "
            f"{quoted(rest[-30:])}. Download the file again."
        )
    if first_line == 1:
        raise UserError(f"{file.name}: file must have lines; got an empty file. Download it again.")


def lines(file: RawFile) -> Iterator[tuple[int, str]]:
    """Read lines of a text file, without blank lines and comments.

    Args:
        file: Plain or zipped UTF-8 text.

    Yields:
        Line number, from 1, and the line without its end.

    Raises:
        UserError: As ``blocks``, and if a line is not UTF-8.
    """
    for first_line, block in blocks(file):
        # not splitlines: titles hold characters that Python takes for line ends
        for number, line in enumerate(block[:-1].split(b"\n"), first_line):
            if not line or line.startswith(b"#"):
                continue
            try:
                yield number, line.decode("utf-8")
            except UnicodeDecodeError:
                raise bad_line(file, number, "text must be UTF-8", line) from None


def bad_line(file: RawFile, number: int, expectation: str, got: bytes | str) -> UserError:
    """The error of a line that is not as it must be."""
    return UserError(f"{file.name}, line {number}: {expectation}; got {_short(got)}. Download the file again.")


def track_ids(ids: list[str], numbers: NDArray[np.int64], file: RawFile) -> NDArray[np.bytes_]:
    """Check track ids of a text file.

    Args:
        ids: The ids.
        numbers: Line of each, int64, shape ``(len(ids),)``.
        file: For messages.

    Returns:
        The ids as bytes ``S18``, same shape.

    Raises:
        UserError: If one is not ``TR`` and 16 characters, with its line.
    """
    for number, track_id in zip(numbers, ids, strict=True):
        if len(track_id) != TRACK_ID_LENGTH or not (track_id.startswith("TR") and track_id.isalnum()):
            raise bad_line(file, int(number), "track id must be TR and 16 letters or digits", track_id)
    return np.array(ids, dtype="S18")


def _read(stream: IO[bytes], file: RawFile, size: int) -> bytes:
    try:
        return stream.read(size)
    except (zipfile.BadZipFile, zlib.error, EOFError) as damage:
        raise damaged(file, damage) from None


def _short(text: bytes | str, length: int = 60) -> str:
    shown = quoted(text)
    return shown if len(shown) <= length else f"{shown[: length - 3]}...{shown[0]}"
