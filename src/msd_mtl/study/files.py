"""Files that are whole or not there: written under a temporary name, then renamed."""

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def drawn(name: str) -> str:
    """A name as matplotlib writes it out: a tag may hold dollars, which would begin a formula."""
    return name.replace("$", r"\$")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its name once the block has ended well.

    Args:
        path: The file to make or replace; its folder must exist.

    Yields:
        Where to write. A process killed at any moment leaves the old file, or none, under ``path``.
    """
    # no process id: of two machines that share the disk, each may have a process of that number
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises:
        ValueError: If it is none, or no file could hold its text: an escape may stand for half a character.
    """
    text = path.read_text(encoding="utf-8")
    value = json.loads(text)
    if "\\u" in text:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def writable(text: str) -> str:
    """The same text as a file can hold it: what is no character, as in a file name that is not UTF-8, by its number."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write strict JSON: a number that is not finite becomes null."""
    write_text(path, json.dumps(finite(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def finite(value: Any) -> Any:
    """The same value with None in place of every float that is not finite, in nested dicts and lists too."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):  # noqa: PLR0124  # NaN
        return None
    return value
