"""Opens official SQLite files, which are only ever read."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from msd_mtl.data.raw.archive import unpacked
from msd_mtl.data.raw.files import RawFile
from msd_mtl.errors import UserError, quoted


@contextmanager
def database(file: RawFile, columns: dict[str, tuple[str, ...]]) -> Iterator[sqlite3.Connection]:
    r"""Open a database and check that it has the tables of its official file.

    It is opened as a file that nobody writes, so a folder without write permission will do. Text that is not UTF-8
    is kept, its odd bytes written as ``\xNN``.

    Args:
        file: SQLite file, plain or zipped.
        columns: Table: the columns that are read.

    Yields:
        A read-only connection.

    Raises:
        UserError: If the file is no SQLite database, is damaged, or lacks a table or column.
    """
    with unpacked(file) as path:
        try:
            with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
                connection.text_factory = lambda text: text.decode("utf-8", "backslashreplace")
                _check(connection, columns, file)
                yield connection
        except sqlite3.Error as wrong:
            raise UserError(
                f"{file.name}: file must be a whole SQLite database; got an error ({wrong}). Download it again."
            ) from None


def bad_row(file: RawFile, table: str, row: int | str, expectation: str, got: object) -> UserError:
    """The error of a row that is not as it must be."""
    return UserError(
        f"{file.name}, table {table}, row {row}: {expectation}; got {quoted(got)}. Download the file again."
    )


def _check(connection: sqlite3.Connection, columns: dict[str, tuple[str, ...]], file: RawFile) -> None:
    """Compare the tables with those that must be there."""
    for table, needed in columns.items():
        there = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        if missing := [name for name in needed if name not in there]:
            tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            got = f"columns {there}" if there else f"tables {tables}"
            raise UserError(
                f"{file.name}: database must have a table {table} with {', '.join(missing)}; got {got}. "
                "Download the official file again."
            )
