"""Loops over arrays, compiled by numba on first use and kept on disk; loops over rows run on the threads of PyTorch."""

import hashlib
import pickle
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import FunctionType
from typing import Any, ParamSpec, TypeVar

import numba
import torch
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils, config
from numba.core.caching import IndexDataCacheFile
from numba.extending import intrinsic

P = ParamSpec("P")
R = TypeVar("R")

# The layer that PyTorch's build for CPU uses too: loops of both then take turns on one set of threads.
config.THREADING_LAYER_PRIORITY = ["omp", "tbb", "workqueue"]  # type: ignore[attr-defined]


def compiled(loop: Callable[P, R]) -> Callable[P, R]:
    """Compile a loop that runs on one thread."""
    return _kept(loop)


def compiled_over_rows(loop: Callable[P, None]) -> Callable[P, None]:
    """Compile a loop whose ``numba.prange`` is shared by as many threads as PyTorch uses.

    Rows must be independent of each other: the numbers then do not depend on the number of threads. On one thread
    numba starts none.
    """
    alone = _kept(loop)
    together = _kept(loop, parallel=True)

    def on_threads(*args: P.args, **kwargs: P.kwargs) -> None:
        n_threads = torch.get_num_threads()
        if n_threads == 1:
            alone(*args, **kwargs)
            return
        numba.set_num_threads(min(n_threads, config.NUMBA_NUM_THREADS))  # type: ignore[attr-defined]
        if torch.get_num_threads() != n_threads:  # numba sets it too when it starts its threads, to that of the cores
            torch.set_num_threads(n_threads)
        together(*args, **kwargs)

    return on_threads


def _multiply_add(_context: Any, x: Any, y: Any, z: Any) -> Any:
    """Of types the signature, and what to generate."""

    def generate(_target: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.fma(*args)

    return x(x, y, z), generate


# For compiled loops: x * y + z of three floats of one type, rounded once, as in PyTorch's own loops.
multiply_add: Any = intrinsic(_multiply_add)


def _prefetch(_context: Any, array: Any, index: Any) -> Any:
    """Of types the signature, and what to generate."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        made = context.make_array(signature.args[0])(context, builder, args[0])
        parts = zip(cgutils.unpack_tuple(builder, args[1]), index, strict=True)  # type: ignore[no-untyped-call]
        place = [context.cast(builder, number, of, types.intp) for number, of in parts]
        element = cgutils.get_item_pointer(context, builder, array, made, place, wraparound=False)  # type: ignore[no-untyped-call]
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        fetch = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        # to be written, into all caches, data
        builder.call(fetch, [builder.bitcast(element, byte), *(number(i) for i in (1, 3, 1))])
        return context.get_dummy_value()

    return types.void(array, index), generate


# For compiled loops: ask for the cache line of an element, by a tuple of its indices, before it is needed; changes no
# number.
prefetch: Any = intrinsic(_prefetch)
CACHE_LINE = 64  # bytes


class _OneFileEach(IndexDataCacheFile):
    """A file for each signature, named by it and by the state of the source; it ends in a hash.

    numba's own are numbered by an index: of two processes that keep loops at once, or where a disk is full, one may be
    given the loop of another signature, and of a damaged file any loop.
    """

    def save(self, key: Any, data: Any) -> None:
        """Keep a loop."""
        self._save_data(self._name_of(key), data)  # type: ignore[no-untyped-call]

    def load(self, key: Any) -> Any:
        """What is kept; None, for which numba compiles and keeps it anew, where it is damaged."""
        try:
            kept = Path(self._data_path(self._name_of(key))).read_bytes()  # type: ignore[no-untyped-call]
        except OSError:
            return None
        data, digest = kept[:-32], kept[-32:]
        return pickle.loads(data) if hashlib.sha256(data).digest() == digest else None

    def _dump(self, obj: Any) -> bytes:
        data: bytes = super()._dump(obj)  # type: ignore[no-untyped-call]
        return data + hashlib.sha256(data).digest()

    def _name_of(self, key: Any) -> Any:
        of = hashlib.sha256(repr((self._version, self._source_stamp, key)).encode())
        return self._data_name(int(of.hexdigest()[:15], 16))  # type: ignore[no-untyped-call]


def _kept(loop: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    loop = _named_apart(loop, options)
    try:
        function: Any = _njit(loop, cache=True, **options)
        with suppress(AttributeError):  # of a numba that keeps loops otherwise
            function._cache._cache_file.__class__ = _OneFileEach
    except RuntimeError:  # neither the package nor the home directory can be written
        return _njit(loop, **options)

    def call(*args: Any) -> Any:
        nonlocal function
        try:
            return function(*args)
        except Exception:  # noqa: BLE001  # a damaged file raises anything, before the loop, which raises nothing, has run
            function = _njit(loop, **options)
            return function(*args)

    return call


def _named_apart(loop: Callable[..., Any], options: Mapping[str, Any]) -> Callable[..., Any]:
    """The same loop by another name: numba takes what is kept of a name, whatever its options and what is above."""
    kind = hashlib.sha256(Path(__file__).read_bytes() + str(options).encode()).hexdigest()[:8]
    apart = FunctionType(loop.__code__, loop.__globals__, loop.__name__, loop.__defaults__, loop.__closure__)
    apart.__qualname__ = f"{loop.__qualname__}_{kind}"
    return apart


def _njit(loop: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    # no fastmath: the compiler would choose from call to call, by where the arrays lie, how a sum is rounded
    made: Callable[..., Any] = numba.njit(nogil=True, error_model="numpy", fastmath=False, **options)(loop)
    return made
