import os
import subprocess
import sys

import numba
import numpy as np
import pytest
from numba.core import config

from msd_mtl.compiled import _OneFileEach, compiled, compiled_over_rows

FRESH = """
import numba, numpy, torch
from msd_mtl.compiled import compiled_over_rows
torch.set_num_threads(3)
def double(values):
    for i in numba.prange(len(values)):
        values[i] *= 2
values = numpy.ones(9)
compiled_over_rows(double)(values)
assert (values == 2).all()
print(torch.get_num_threads())
"""


def test_pytorch_keeps_its_number_of_threads():
    run = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "3"


def test_loops_are_compiled_where_nothing_can_be_kept():
    space: dict[str, object] = {}
    exec("def total(values):\n    return values.sum()", space)  # noqa: S102  # a function without a file
    assert compiled(space["total"])(np.ones(3)) == 3


def test_a_loop_over_rows_gives_the_numbers_of_the_loop():
    def scale(rows, by):
        for i in numba.prange(len(rows)):
            rows[i] *= by

    values, expected = np.arange(12.0).reshape(4, 3), np.arange(12.0).reshape(4, 3)
    compiled_over_rows(scale)(values, 3.0)
    scale(expected, 3.0)
    np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize("error", [OSError("no space left on device"), UnicodeDecodeError("utf-8", b"", 0, 1, "byte")])
def test_a_loop_that_cannot_be_kept_or_read_runs_all_the_same(monkeypatch, error):
    made = []

    def njit(**options):
        def make(loop):
            made.append(options.get("cache", False))

            def fail(*_):
                raise error

            return fail if made[-1] else loop

        return make

    monkeypatch.setattr(numba, "njit", njit)

    def twice(value):
        return 2 * value

    double = compiled(twice)
    assert (double(2), double(3)) == (4, 6)
    assert made == [True, False]


KEPT = """
import sys, numba, numpy, torch
from msd_mtl.compiled import compiled_over_rows

@compiled_over_rows
def double(values):
    for i in numba.prange(len(values)):
        values[i] *= 2

torch.set_num_threads(int(sys.argv[1]))
double(numpy.ones(9))
print(torch.get_num_threads())
"""


def test_a_loop_kept_by_a_process_with_threads_starts_none_in_a_process_with_one(tmp_path):
    script, kept = tmp_path / "loop.py", tmp_path / "kept"
    script.write_text(KEPT)
    for n_threads in ("2", "1"):
        command = [sys.executable, script, n_threads]
        environment = os.environ | {"NUMBA_CACHE_DIR": str(kept)}
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert run.stdout.strip() == n_threads
    assert len([path for path in kept.rglob("*") if path.is_file()]) == 2  # one with threads, one without


ZEROED = """
import sys
from pathlib import Path
import numpy
from msd_mtl.compiled import compiled

def total(values):
    return values.sum()

compiled(total)(numpy.ones(9))
(file,) = Path(sys.argv[1]).rglob("*.nbc")
whole = file.read_bytes()
lost = [whole[:place] + bytes(4096) + whole[place + 4096 :] for place in range(0, len(whole) - 4096, 4096)]
for damaged in (*lost, b"", whole[:-1]):
    file.write_bytes(damaged)
    assert compiled(total)(numpy.ones(9)) == 9
    assert len(file.read_bytes()) > 4096
    assert file.read_bytes().count(bytes(4096)) == 0
"""


def test_a_kept_loop_of_which_a_page_is_lost_is_compiled_and_kept_anew(tmp_path):
    script = tmp_path / "loop.py"
    script.write_text(ZEROED)
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "kept")}
    subprocess.run([sys.executable, script, tmp_path / "kept"], env=environment, check=True)


def test_loops_that_are_kept_at_once_are_kept_apart(monkeypatch, tmp_path):
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    values, rows = np.arange(10.0), np.arange(8)
    written = []
    with monkeypatch.context() as patched:
        patched.setattr(_OneFileEach, "_save_data", lambda self, name, data: written.append((self, name, data)))
        for some in (rows[::2], rows):  # two processes: neither has written when the other has compiled
            compiled(_picked)(values, some)
    for file, name, data in written:
        file._save_data(name, data)
    assert len([*tmp_path.rglob("*.nbc")]) == 2
    assert [compiled(_picked)(values, some) for some in (rows[::2], rows)] == [12, 28]


def _picked(values, rows):
    total = 0.0
    for row in rows:
        total += values[row]
    return total


def test_a_kept_loop_is_named_by_its_signature_its_source_and_numba(monkeypatch, tmp_path):
    names = set()
    for version, source, key in (("1", "a", "x"), ("2", "a", "x"), ("1", "b", "x"), ("1", "a", "y")):
        file = _OneFileEach(str(tmp_path), "loop", source)
        monkeypatch.setattr(file, "_version", version)
        names.add(file._name_of(key))
    assert len(names) == 4


def test_a_kept_loop_is_not_taken_by_another_state_of_the_code(monkeypatch, tmp_path):
    names = []
    monkeypatch.setattr(numba, "njit", lambda **_: lambda loop: names.append(loop.__qualname__))
    for code in ("x * y + z", "x * y - z"):
        (tmp_path / "compiled.py").write_text(code)
        monkeypatch.setattr("msd_mtl.compiled.__file__", str(tmp_path / "compiled.py"))
        compiled_over_rows(_nothing)
    assert len(set(names)) == 4  # with and without threads


def _nothing():
    """A loop."""
