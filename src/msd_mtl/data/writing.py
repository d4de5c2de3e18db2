"""Writes a store: whole or not at all."""

import json
import os
import secrets
import time
from pathlib import Path
from typing import Any

import h5py

from msd_mtl.data.contents import FORMAT, SCHEMA_VERSION, Contents, content_hash
from msd_mtl.errors import UserError

STALE_S = 3600  # our choice: a store is written in seconds; an older temporary file belongs to a killed process


def write_store(path: Path, contents: Contents, provenance: dict[str, Any]) -> str:
    """Write a store under a temporary name in the same folder, then rename it: it is there whole or not at all.

    Args:
        path: The store; replaced if it is there.
        contents: What it holds.
        provenance: JSON values; not part of the content hash.

    Returns:
        The content hash.

    Raises:
        UserError: If the file cannot be written.
    """
    try:
        return _write(path, contents, provenance)
    except OSError as problem:
        raise UserError(
            f"store must be a file that can be written; got {str(path)!r} ({problem}). Set store=FILE to another place."
        ) from None


def _write(path: Path, contents: Contents, provenance: dict[str, Any]) -> str:
    """Write a store, and leave nothing else behind unless killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for stale in path.parent.glob(f".{path.name}.*.partial"):
        if time.time() - stale.stat().st_mtime > STALE_S:
            stale.unlink(missing_ok=True)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    datasets = contents.datasets()
    digest = content_hash(datasets)
    try:
        with h5py.File(partial, "x") as target:
            target.attrs["format"] = FORMAT
            target.attrs["schema_version"] = SCHEMA_VERSION
            target.attrs["content_hash"] = digest
            for name, array in datasets.items():
                target.create_dataset(name, data=array)
            target.create_dataset("provenance", data=json.dumps(provenance, ensure_ascii=False, indent=1))
        _sync(partial)
        partial.replace(path)
        _sync(path.parent)
    finally:
        partial.unlink(missing_ok=True)
    return digest


def _sync(path: Path) -> None:
    """Have the system write a file or folder to the disk, where it can (Windows has no such call for folders)."""
    if path.is_dir() and os.name == "nt":
        return
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
