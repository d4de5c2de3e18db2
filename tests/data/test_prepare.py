"""From a folder of official files to a store."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import h5py
import numpy as np
import pytest
from rich.console import Console

from msd_mtl.data.overview import show
from msd_mtl.data.prepare import prepare
from msd_mtl.data.raw.files import RawFile
from msd_mtl.data.store import Store
from msd_mtl.errors import UserError
from tests.data.official import (
    WORDS,
    artist,
    song,
    track,
    write_artist_term,
    write_genres,
    write_lastfm,
    write_lines,
    write_mxm,
    write_mxm_db,
    write_song_file,
    write_songs,
    write_track_metadata,
    write_unique,
    write_years,
    zipped,
)
from tests.warm import msd_mtl

Item = TypeVar("Item")
FAMILIES = ("fields/year", "fields/loudness", "fields/key")


def write_everything(raw: Path, seed: int = 0) -> None:
    """One file of each family, with the same rows in an order of their own for each seed."""
    order = random.Random(seed)

    def shuffled(items: Sequence[Item]) -> list[Item]:
        return order.sample(list(items), len(items))

    def some(start: int, step: int) -> list[int]:
        return shuffled(range(start, 60, step))

    fixed = np.random.default_rng(7)
    words = {
        n: {int(w): int(c) for w, c in enumerate(fixed.integers(0, 4, len(WORDS)), 1) if c} | {1: n + 1}
        for n in range(60)
    }
    lyrics = {track(n): dict(shuffled(list(words[n].items()))) for n in shuffled(range(50))}
    songs = {
        n: song(track(n), artist(n // 3), f"Band {n // 3}", loudness=-n, key=n % 12, year=1950 + n) for n in range(60)
    }
    raw.mkdir()
    write_mxm(raw / "mxm_dataset_train.txt", {t: counts for t, counts in lyrics.items() if int(t[5:], 16) % 5})
    write_mxm(raw / "mxm_dataset_test.txt", {t: counts for t, counts in lyrics.items() if not int(t[5:], 16) % 5})
    in_database = {track(n): words[n] for n in some(40, 1)}
    write_mxm_db(raw / "mxm_dataset.db", in_database, test=[t for t in in_database if not int(t[5:], 16) % 5])
    write_songs(raw / "subset_msd_summary_file.h5", [songs[n] for n in some(0, 2)])
    write_track_metadata(raw / "track_metadata.db", [songs[n] | {"year": 2000} for n in some(0, 3)])
    for n in some(0, 7):
        write_song_file(raw / "songs", songs[n], shuffled(["pop", "ロック", f"term {n % 4}"]))
    pairs = [(artist(n), f"term {n % k}") for n in range(12) for k in (2, 3, 5)]
    write_artist_term(raw / "artist_term.db", shuffled(sorted(set(pairs))))
    tags = {n: {f"tag {k}": float(n) for k in shuffled(range(1 + n % 4))} for n in range(60)}
    write_lastfm(raw / "lastfm_tags.db", {track(n): tags[n] for n in some(1, 2)})
    genres = ["Rap", "Pop_Rock", "Blues"]
    write_genres(raw / "msd_tagtraum_cd1.cls", [(track(n), genres[n % 3], genres[(n + 1) % 3]) for n in some(0, 2)])
    write_years(raw / "tracks_per_year.txt", [(1950 + n, track(n), f"BAND {n // 3}") for n in some(1, 2)])
    write_unique(raw / "unique_tracks.txt", [(track(n), f"Band {n // 3}") for n in some(0, 1)])


def test_order_of_rows_in_every_file_changes_nothing(tmp_path: Path) -> None:
    stores = []
    for seed in range(3):
        write_everything(tmp_path / f"raw{seed}", seed)
        prepare(tmp_path / f"raw{seed}", tmp_path / f"{seed}.h5")
        stores.append(Store.open(tmp_path / f"{seed}.h5"))
    assert len({store.content_hash for store in stores}) == 1
    changed = {file["file"]: file["sha256"] for file in stores[0].provenance["files"]}
    for file in stores[1].provenance["files"]:
        assert changed[file["file"]] != file["sha256"] or file["family"] == "songs"


def test_every_value_is_that_of_its_track(tmp_path: Path) -> None:
    write_everything(tmp_path / "raw", seed=5)
    prepare(tmp_path / "raw", tmp_path / "store.h5")
    store = Store.open(tmp_path / "store.h5")
    tracks = store.tracks()
    number = np.array([int(track_id[5:], 16) for track_id in tracks.track_id.tolist()])
    assert number.tolist() == list(range(60))
    counts = tracks.counts.toarray()
    assert counts[:, 0].tolist() == (number + 1).tolist()
    loudness, year, key = (store.labels(name) for name in ("loudness", "year", "key"))
    analysed = (number % 2 == 0) | (number % 7 == 0)
    np.testing.assert_array_equal(loudness, np.where(analysed, -number, np.nan).astype(np.float32))
    np.testing.assert_array_equal(key[analysed], (number % 12)[analysed])
    np.testing.assert_array_equal(year[analysed], (1950 + number)[analysed])
    assert tracks.official_test.tolist() == (number % 5 == 0).tolist()
    assert tracks.artist.tolist() == (number // 3).tolist()
    np.testing.assert_array_equal(store.labels("genre:Rap")[::2], (number % 3 == 0)[::2])
    assert np.isnan(store.labels("genre:Rap")[1::2]).all()
    np.testing.assert_array_equal(store.labels("lastfm:tag 1")[1::2], (number % 4 >= 1)[1::2])


def test_running_again_gives_the_same_file(tmp_path: Path) -> None:
    write_everything(tmp_path / "raw")
    digests = []
    for name in ("a.h5", "b.h5", "b.h5"):
        prepare(tmp_path / "raw", tmp_path / name)
        digests.append(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(set(digests)) == 1


def test_zipped_nested_and_databases_give_the_same_contents(tmp_path: Path) -> None:
    write_everything(tmp_path / "raw")
    prepare(tmp_path / "raw", tmp_path / "a.h5")
    nested = tmp_path / "raw" / "AdditionalFiles"
    nested.mkdir()
    for path in [path for path in (tmp_path / "raw").iterdir() if path.is_file()]:
        path.rename(nested / path.name)
        zipped(nested / path.name)
    prepare(tmp_path / "raw", tmp_path / "b.h5")
    assert Store.open(tmp_path / "a.h5").content_hash == Store.open(tmp_path / "b.h5").content_hash


def test_provenance_accounts_for_every_row(tmp_path: Path) -> None:
    write_everything(tmp_path / "raw")
    prepare(tmp_path / "raw", tmp_path / "store.h5")
    provenance = Store.open(tmp_path / "store.h5").provenance
    assert len(provenance["files"]) == 11
    for file in provenance["files"]:
        assert file["rows_read"] == file["rows_joined"] + sum(file["dropped"].values()), file
        assert len(file["sha256"]) == 64
        path = tmp_path / "raw" / file["file"]
        if path.exists():
            assert file["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert provenance["disagreements"]["year"] > 0
    assert provenance["disagreements"]["loudness"] == 0
    assert provenance["compared"]["lyrics"] == 10
    assert str(tmp_path) not in str(provenance)


def test_copy_of_a_file_is_left_aside_and_another_version_is_an_error(tmp_path: Path) -> None:
    write_everything(tmp_path / "raw")
    (tmp_path / "raw" / "old").mkdir()
    copy = tmp_path / "raw" / "old" / "tracks_per_year.txt"
    copy.write_bytes((tmp_path / "raw" / "tracks_per_year.txt").read_bytes())
    prepare(tmp_path / "raw", tmp_path / "store.h5")
    ignored = Store.open(tmp_path / "store.h5").provenance["ignored"]
    assert ignored == {"tracks_per_year.txt": "a copy of old/tracks_per_year.txt"}
    write_years(copy, [(1999, track(1), "A")])
    with pytest.raises(UserError, match="an official file must be there once; got another old/tracks_per_year"):
        prepare(tmp_path / "raw", tmp_path / "store.h5")


def test_folder_without_lyrics_is_an_error(tmp_path: Path) -> None:
    write_years(tmp_path / "tracks_per_year.txt", [(1999, track(1), "A")])
    with pytest.raises(UserError, match=r"raw must hold lyrics; got .* without mxm_dataset_train\.txt"):
        prepare(tmp_path, tmp_path / "store.h5")


def test_raw_folder_without_write_permission_is_enough(tmp_path: Path) -> None:
    write_everything(tmp_path / "raw")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "raw").rglob("*")}
    (tmp_path / "raw").chmod(0o555)
    try:
        prepare(tmp_path / "raw", tmp_path / "store.h5")
    finally:
        (tmp_path / "raw").chmod(0o755)
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "raw").rglob("*")}


KILLED = """
import signal, sys, time
from pathlib import Path
from msd_mtl.data import writing
from msd_mtl.data.prepare import prepare

def wait(path):
    print("written", flush=True)
    time.sleep(60)

writing._sync = wait
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in background jobs of a shell
prepare(Path(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGINT])
def test_killed_while_writing_leaves_the_old_store_and_is_cleaned_up(tmp_path: Path, blow: signal.Signals) -> None:
    write_everything(tmp_path / "raw")
    store = tmp_path / "out" / "store.h5"
    prepare(tmp_path / "raw", store)
    whole = store.read_bytes()
    command = [sys.executable, "-c", KILLED, str(tmp_path / "raw"), str(store)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        process.send_signal(blow)
        assert process.wait() != 0
    left = [path for path in store.parent.iterdir() if path != store]
    assert len(left) == (blow == signal.SIGKILL)
    assert store.read_bytes() == whole
    for path in left:
        os.utime(path, (time.time() - 7200,) * 2)
    fresh = store.with_name(".store.h5.0000.partial")
    fresh.touch()
    prepare(tmp_path / "raw", store)
    assert store.read_bytes() == whole
    assert set(store.parent.iterdir()) == {store, fresh}, "another process may still be writing a fresh one"


def test_error_while_writing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_everything(tmp_path / "raw")

    def full(_: Path) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("msd_mtl.data.writing._sync", full)
    with pytest.raises(UserError, match=r"store must be a file that can be written; got .*No space"):
        prepare(tmp_path / "raw", tmp_path / "out" / "store.h5")
    assert list((tmp_path / "out").iterdir()) == []


def test_store_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    write_everything(tmp_path / "raw")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match=r"store must be a file that can be written; got .*folder"):
        prepare(tmp_path / "raw", tmp_path / "folder")
    (tmp_path / "notes").touch()
    with pytest.raises(UserError, match=r"store must be a file that can be written; got .*notes"):
        prepare(tmp_path / "raw", tmp_path / "notes" / "store.h5")


def spoil_sqlite(raw: Path) -> None:
    (raw / "lastfm_tags.db").write_text("<html>" * 500)


def spoil_hdf5(raw: Path) -> None:
    (raw / "subset_msd_summary_file.h5").write_bytes(b"\x89HDF\r\n\x1a\n")


def spoil_lyrics(raw: Path) -> None:
    path = raw / "mxm_dataset_train.txt"
    path.write_bytes(path.read_bytes()[:-4])


def spoil_genres(raw: Path) -> None:
    write_lines(raw / "msd_tagtraum_cd1.cls", [f"{track(1)}\tRap", f"{track(2)}\tRap", f"{track(1)}\tRap"])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoil_sqlite, "lastfm_tags.db: file must be a whole SQLite database"),
        (spoil_hdf5, "subset_msd_summary_file.h5: file must be HDF5"),
        (spoil_lyrics, "mxm_dataset_train.txt, line 42: last line must end with a line feed"),
        (spoil_genres, f"msd_tagtraum_cd1.cls, line 3: a track must be there once; got {track(1)} again after 1"),
    ],
)
def test_command_ends_with_one_message_and_writes_nothing(
    tmp_path: Path, spoil: Callable[[Path], None], message: str
) -> None:
    write_everything(tmp_path / "raw")
    spoil(tmp_path / "raw")
    ended = run_command(tmp_path, "raw=raw", "store=out/store.h5")
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"msd-mtl prepare: {message}")
    assert ended.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_command_without_a_folder_says_what_to_add(tmp_path: Path) -> None:
    ended = run_command(tmp_path, "store=store.h5")
    assert ended.returncode == 2
    assert ended.stderr == "msd-mtl prepare: raw must be set; got nothing. Add raw=DIR.\n"


def run_command(folder: Path, *overrides: str) -> "subprocess.CompletedProcess[str]":
    return msd_mtl("prepare", *overrides, cwd=folder)


def test_command_shows_what_is_in_the_store(tmp_path: Path) -> None:
    write_everything(tmp_path / "raw")
    ended = run_command(tmp_path, "raw=raw", "store=store.h5")
    assert ended.returncode == 0, ended.stderr
    shown = " ".join(ended.stdout.split())
    assert "60 tracks with lyrics (12 official test), 7 words" in shown
    assert "subset_msd_summary_file.h5 30 30 -" in shown
    assert "mxm_dataset.db 20 10 10 in a more trusted file, too" in shown
    assert "year (year) 60 100%" in shown
    assert "Sources differ, too: lyrics 0 of 10, artist_id 0 of" in shown
    assert Store.open(tmp_path / "store.h5").content_hash[:16] in shown
    assert not (tmp_path / "outputs").exists()


def test_command_fetches_what_is_not_there_and_goes_on(tmp_path: Path) -> None:
    write_everything(tmp_path / "raw")
    site = tmp_path / "site" / "AdditionalFiles"
    site.mkdir(parents=True)
    for name in ("mxm_dataset_train.txt", "mxm_dataset_test.txt"):
        (tmp_path / "raw" / name).rename(site / name)
        zipped(site / name)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(site.parent))) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        fetch = "fetch=[mxm_dataset_train.txt.zip,mxm_dataset_test.txt.zip,artist_term.db]"
        address = f"msd=http://127.0.0.1:{server.server_port}"
        ended = run_command(tmp_path, "raw=raw", "store=store.h5", "download=true", fetch, address)
        server.shutdown()
    assert ended.returncode == 0, ended.stderr
    assert "artist_term.db is there" in ended.stdout
    assert "mxm_dataset_train.txt.zip" in (tmp_path / "raw" / "SHA256SUMS").read_text()
    assert len(Store.open(tmp_path / "store.h5").tracks()) == 60


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_preparing_does_not_import_torch() -> None:
    code = "import sys, msd_mtl.data.prepare, msd_mtl.data.store; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_error_while_reading_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_everything(tmp_path / "raw")

    def fail(file: RawFile, *_: Any) -> None:
        raise UserError(f"{file.name} is bad")

    monkeypatch.setattr("msd_mtl.data.reading.read_lastfm", fail)
    with pytest.raises(UserError, match=r"lastfm_tags\.db is bad"):
        prepare(tmp_path / "raw", tmp_path / "store.h5")
    assert not (tmp_path / "store.h5").exists()


def test_values_that_a_field_cannot_have_are_missing_labels_and_counted(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    write_mxm(raw / "mxm_dataset_train.txt", {track(number): {1: 1} for number in range(1, 8)})
    impossible = [{"key": 99}, {"key": 3.5, "mode": 0.5}, {"mode": 2}, {"time_signature": 9}, {"key": -1, "mode": -1}]
    songs = [song(track(i), **row) for i, row in enumerate(impossible, 1)]
    write_songs(raw / "msd_summary_file.h5", [*songs, song(track(7), year=99999, loudness=1e300)])
    with h5py.File(raw / "msd_summary_file.h5", "r+") as source:  # no official type has halves
        table = source["analysis/songs"][:]
        types = [(name, "f8" if name in ("key", "mode") else table.dtype[name]) for name in table.dtype.names]
        del source["analysis/songs"]
        halves = table.astype(types)
        halves["key"][1], halves["mode"][1] = 3.5, 0.5
        source["analysis/songs"] = halves
    write_song_file(raw, song(track(6), key=12, time_signature=8))
    overview = prepare(raw, tmp_path / "store.h5")
    store = Store.open(tmp_path / "store.h5")
    labelled = {
        name: (~np.isnan(store.labels(name))).tolist() for name in ("key", "mode", "time_signature", "loudness")
    }
    assert labelled == {
        "key": [False, False, True, True, False, False, True],
        "mode": [True, False, False, True, False, True, True],
        "time_signature": [True, True, True, False, True, False, True],
        "loudness": [True] * 6 + [False],
    }
    assert "year" not in store.names() or np.isnan(store.labels("year")[6])
    counted = {report.family: report.impossible for report in overview.reports if report.impossible}
    assert counted == {
        "summary": {"key": 2, "mode": 2, "time_signature": 1, "year": 1},
        "songs": {"key": 1, "time_signature": 1},
    }
    console = Console(record=True, width=200)
    show(overview, console)
    assert "2 impossible key, 2 impossible mode, 1 impossible time_signature" in console.export_text()


def test_lyrics_without_a_word_are_an_error_only_where_all_are(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    train, test = raw / "mxm_dataset_train.txt", raw / "mxm_dataset_test.txt"
    write_mxm(train, {track(1): {}, track(2): {}})
    write_mxm(test, {track(3): {}})
    write_songs(raw / "msd_summary_file.h5", [song(track(1))])
    with pytest.raises(
        UserError, match=r"lyrics must have words; got mxm_dataset_t.*_t.*\.txt, where no track has any"
    ):
        prepare(raw, tmp_path / "store.h5")
    assert not (tmp_path / "store.h5").exists()
    write_mxm(test, {track(3): {1: 1}})
    overview = prepare(raw, tmp_path / "store.h5")
    assert (overview.tracks, overview.official_test) == (1, 1)
    assert {r.file: r.dropped for r in overview.reports if r.file == train.name} == {train.name: {"no words": 2}}
