"""Downloads, from a server on this machine."""

import hashlib
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from msd_mtl.app import conf_dir
from msd_mtl.data.download import CHECKSUMS, download
from msd_mtl.data.raw.files import official_name
from msd_mtl.errors import UserError

NAME = "artist_term.db"
CONTENT = os.urandom(1_000_000)


class Server(ThreadingHTTPServer):
    """Serves one file, in the way a test wants it."""

    content = CONTENT
    tag = '"one"'
    knows_ranges = True
    cut_after = 10**9  # bytes of a connection
    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.ranges: list[str | None] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/{NAME}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.ranges.append(wanted)
        if self.server.status != 200:
            self.send_error(self.server.status)
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        if not self.server.knows_ranges or self.headers.get("If-Range", self.server.tag) != self.server.tag:
            start = 0
        if start >= len(self.server.content):
            self.send_error(416)
            return
        body = self.server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("ETag", self.server.tag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.cut_after])

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def fetch(raw: Path, server: Server, tries: int = 2) -> list[Path]:
    return download(raw, {NAME: server.address}, [NAME], tries=tries, timeout_s=5)


def test_fetches_a_file_and_notes_its_checksum(tmp_path: Path, server: Server) -> None:
    raw = tmp_path / "new" / "raw"
    assert fetch(raw, server) == [raw / NAME]
    assert (raw / NAME).read_bytes() == CONTENT
    assert (raw / CHECKSUMS).read_text() == f"{hashlib.sha256(CONTENT).hexdigest()}  {NAME}\n"
    assert {path.name for path in raw.iterdir()} == {NAME, CHECKSUMS}


@pytest.mark.parametrize("there", [NAME, f"{NAME}.zip", f"AdditionalFiles/{NAME}"])
def test_file_that_is_there_is_not_fetched_again(tmp_path: Path, server: Server, there: str) -> None:
    (tmp_path / there).parent.mkdir(exist_ok=True)
    (tmp_path / there).write_text("mine")
    assert fetch(tmp_path, server) == []
    assert server.ranges == []
    assert (tmp_path / there).read_text() == "mine"


def test_dropped_connection_goes_on_where_it_was(tmp_path: Path, server: Server) -> None:
    server.cut_after = 300_000
    fetch(tmp_path, server)
    assert (tmp_path / NAME).read_bytes() == CONTENT
    starts = [int(wanted[6:-1]) for wanted in server.ranges if wanted]
    assert server.ranges[0] is None
    assert starts == sorted(set(starts))
    assert len(starts) >= 3


def test_killed_download_goes_on_where_it_was(tmp_path: Path, server: Server) -> None:
    (tmp_path / f".{NAME}.part").write_bytes(CONTENT[:700_000])
    (tmp_path / f".{NAME}.part.tag").write_text(server.tag)
    fetch(tmp_path, server)
    assert (tmp_path / NAME).read_bytes() == CONTENT
    assert server.ranges == ["bytes=700000-"]


def test_file_that_has_changed_on_the_server_is_begun_anew(tmp_path: Path, server: Server) -> None:
    (tmp_path / f".{NAME}.part").write_bytes(b"old" * 1000)
    (tmp_path / f".{NAME}.part.tag").write_text('"old"')
    fetch(tmp_path, server)
    assert (tmp_path / NAME).read_bytes() == CONTENT


def test_server_without_ranges_is_asked_for_everything(tmp_path: Path, server: Server) -> None:
    server.knows_ranges = False
    (tmp_path / f".{NAME}.part").write_bytes(CONTENT[:700_000])
    fetch(tmp_path, server)
    assert (tmp_path / NAME).read_bytes() == CONTENT


def test_part_that_is_longer_than_the_file_is_begun_anew(tmp_path: Path, server: Server) -> None:
    (tmp_path / f".{NAME}.part").write_bytes(CONTENT + b"more")
    fetch(tmp_path, server)
    assert (tmp_path / NAME).read_bytes() == CONTENT


def test_file_fetched_again_must_have_the_checksum_noted_first(tmp_path: Path, server: Server) -> None:
    fetch(tmp_path, server)
    (tmp_path / NAME).unlink()
    fetch(tmp_path, server)
    (tmp_path / NAME).unlink()
    server.content = CONTENT[::-1]
    with pytest.raises(UserError, match=f"{NAME} must have the checksum noted in .*{CHECKSUMS}; got another from http"):
        fetch(tmp_path, server)
    assert not (tmp_path / NAME).exists()


def test_fetched_file_that_has_changed_since_is_refused(tmp_path: Path, server: Server) -> None:
    fetch(tmp_path, server)
    assert fetch(tmp_path, server) == []
    (tmp_path / NAME).write_bytes(CONTENT[::-1])
    with pytest.raises(
        UserError, match=f"{NAME} must have the checksum noted in .*{CHECKSUMS}; got another. Delete the"
    ):
        fetch(tmp_path, server)
    assert len(server.ranges) == 1
    (tmp_path / NAME).unlink()
    assert fetch(tmp_path, server) == [tmp_path / NAME]


@pytest.mark.parametrize(
    ("status", "message"), [(404, "must be a file; got HTTP status 404"), (503, "must be reachable")]
)
def test_server_that_does_not_give_the_file_is_an_error(
    tmp_path: Path, server: Server, status: int, message: str
) -> None:
    server.status = status
    with pytest.raises(UserError, match=f"{server.address} {message}"):
        fetch(tmp_path, server)
    assert list(tmp_path.iterdir()) == []


def test_server_that_never_gives_a_byte_is_given_up(tmp_path: Path, server: Server) -> None:
    server.cut_after = 0
    with pytest.raises(UserError, match=r"must be reachable; got .* 3 times after 0 bytes\. Run the command again"):
        fetch(tmp_path, server, tries=3)
    assert len(server.ranges) == 3


def test_name_without_address_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"fetch must name files with an address; got 'x\.db'. Known: artist_term\.db"):
        download(tmp_path, {NAME: "http://127.0.0.1:9"}, ["x.db"])


def test_every_configured_file_is_one_that_prepare_reads() -> None:
    cfg = OmegaConf.load(conf_dir() / "prepare.yaml")
    assert set(cfg.fetch) <= set(cfg.files)
    for name, address in cfg.files.items():
        assert official_name(str(name)) is not None
        assert str(address).startswith("http")
        assert str(address).endswith(f"/{name}")
