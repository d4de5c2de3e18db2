"""Fetches official files from their public addresses."""

import os
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from msd_mtl.data.raw.files import official_name
from msd_mtl.errors import UserError

CHECKSUMS = "SHA256SUMS"  # in the form of sha256sum, so `sha256sum -c SHA256SUMS` checks a folder
PIECE_BYTES = 1 << 16  # our choice: the progress bar moves smoothly, and a lost connection costs no more


def download(
    raw: Path,
    addresses: Mapping[str, str],
    names: Sequence[str],
    console: Console | None = None,
    tries: int = 5,
    timeout_s: float = 30.0,
) -> list[Path]:
    """Fetch the files that are not there yet.

    A file counts as there if its official name is anywhere in the folder, zipped or not. The SHA-256 of each fetched
    file is noted in ``SHA256SUMS``; it must have that as long as it is there, and when it is fetched again. A download
    that was cut off goes on where it was.

    Args:
        raw: Download folder; made if it is not there.
        addresses: File name: address, for all official files.
        names: The files wanted.
        console: Where progress is shown; None for nowhere.
        tries: Connections in a row that may fail without a byte more than before.
        timeout_s: Seconds without an answer after which a connection counts as failed.

    Returns:
        The files fetched.

    Raises:
        UserError: If a name has no address, the server does not have the file or cannot be reached, or the file has
            another checksum than the one noted.
    """
    import pooch

    if unknown := [name for name in names if name not in addresses]:
        raise UserError(f"fetch must name files with an address; got {unknown[0]!r}. Known: {', '.join(addresses)}.")
    pooch.get_logger().setLevel("WARNING")
    raw.mkdir(parents=True, exist_ok=True)
    there = {official_name(name) for _, _, files in os.walk(raw) for name in files} - {None}
    fetched = []
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console or Console(quiet=True)) as progress:
        for name in names:
            noted = _noted(raw)
            if official_name(name) in there:
                _check_unchanged(raw, name, noted)
                progress.console.print(f"{name} is there", highlight=False)
                continue
            fetcher = ResumingDownloader(raw / f".{name}.part", progress, name, tries, timeout_s)
            try:
                pooch.retrieve(addresses[name], noted.get(name), fname=name, path=raw, downloader=fetcher)
            except ValueError as wrong:
                if isinstance(wrong, UserError):
                    raise
                raise UserError(
                    f"{name} must have the checksum noted in {raw / CHECKSUMS}; got another from {addresses[name]}. "
                    "The file has changed there: if you trust it, delete its line."
                ) from None
            _note(raw, noted | {name: pooch.file_hash(str(raw / name))})
            fetched.append(raw / name)
    return fetched


class ResumingDownloader:
    """A downloader for pooch that goes on where an earlier connection, or an earlier process, was cut off.

    Args:
        part: Where the bytes are kept until all are there. Beside it ``.tag`` keeps the server's mark of the version,
            so that a file which has changed meanwhile is begun anew.
        progress: Shows the bytes.
        name: Name on the progress bar.
        tries: Connections in a row that may fail without a byte more than before.
        timeout_s: Seconds without an answer after which a connection counts as failed.
    """

    def __init__(self, part: Path, progress: Progress, name: str, tries: int, timeout_s: float) -> None:
        self.part = part
        self.tag = part.with_name(part.name + ".tag")
        self.progress = progress
        self.bar = progress.add_task(name, total=None)
        self.tries = tries
        self.timeout_s = timeout_s

    def __call__(self, url: str, output_file: str, _pooch: Any) -> None:
        """Fetch an address into a file.

        Raises:
            UserError: If the server does not have the file or cannot be reached.
        """
        import requests

        failed, most = 0, self._size()
        while True:
            try:
                if self._connect(url):
                    break
                problem = "connection cut off"
            except requests.RequestException as error:
                problem = type(error).__name__
            failed = 0 if self._size() > most else failed + 1
            most = max(most, self._size())
            if failed >= self.tries:
                raise UserError(
                    f"{url} must be reachable; got {problem} {failed} times after {self._size():,} bytes. Run the "
                    "command again to go on from there, or put the file into raw by hand."
                )
            time.sleep(min(0.1 * 2**failed, 10))
        self.tag.unlink(missing_ok=True)
        self.part.replace(output_file)

    def _size(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _connect(self, url: str) -> bool:
        """Fetch what is missing; tell whether all is there now."""
        import requests

        start = self._size()
        headers = {"Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
            if self.tag.exists():
                headers["If-Range"] = self.tag.read_text()
        with requests.get(url, headers=headers, stream=True, timeout=self.timeout_s) as answer:
            if answer.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                self.part.unlink()
                return False
            if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
                answer.raise_for_status()
            if not answer.ok:
                raise UserError(f"{url} must be a file; got HTTP status {answer.status_code}. Put it into raw by hand.")
            resumed = answer.status_code == HTTPStatus.PARTIAL_CONTENT
            start = start if resumed else 0
            self._keep_tag(answer.headers)
            length = answer.headers.get("Content-Length")
            total = start + int(length) if length is not None else None
            self.progress.update(self.bar, total=total, completed=start)
            with self.part.open("ab" if resumed else "wb") as target:
                for piece in answer.iter_content(PIECE_BYTES):
                    target.write(piece)
                    self.progress.advance(self.bar, len(piece))
        return total is None or self._size() == total

    def _keep_tag(self, headers: Mapping[str, str]) -> None:
        """Keep the server's mark of the version; weak marks do not vouch for equal bytes."""
        tag = headers.get("ETag", "")
        mark = tag if tag and not tag.startswith("W/") else headers.get("Last-Modified", "")
        if mark:
            self.tag.write_text(mark)


def _noted(raw: Path) -> dict[str, str]:
    """File name: SHA-256, as noted on first use."""
    path = raw / CHECKSUMS
    rows = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {name: checksum for checksum, _, name in (row.partition("  ") for row in rows)}


def _check_unchanged(raw: Path, name: str, noted: Mapping[str, str]) -> None:
    """Refuse a file that was fetched and is not what it was then (UserError); what was put there by hand may be."""
    import pooch

    if name in noted and (raw / name).is_file() and pooch.file_hash(str(raw / name)) != noted[name]:
        raise UserError(
            f"{name} must have the checksum noted in {raw / CHECKSUMS}; got another. Delete the file to fetch it again "
            "or, if you trust it, its line."
        )


def _note(raw: Path, checksums: dict[str, str]) -> None:
    """Write the checksums."""
    rows = [f"{checksum}  {name}\n" for name, checksum in sorted(checksums.items())]
    partial = raw / f".{CHECKSUMS}.part"
    partial.write_text("".join(rows), encoding="utf-8")
    partial.replace(raw / CHECKSUMS)
