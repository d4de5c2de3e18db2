"""Paths of the machine in what a page shows: the names of files, not of their folders."""

import re

PATHS = ("data.store", "--config-dir")
FOLDERS = r"[^,'\"]*/"  # of each of several paths


def without_folders(override: str) -> str:
    """An override, or an option of the command line, with its files by name.

    Args:
        override: Such as ``data.store=/where/it/is/store.h5``; what is no path is returned as it is.
    """
    key, _, value = override.partition("=")
    return f"{key}={re.sub(FOLDERS, '', value)}" if key.lstrip("+~") in PATHS else override
