"""Loops over arrays, compiled by numba on first use and kept on disk; loops over rows run on the threads of PyTorch."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numba
import torch
from numba.core import config

P = ParamSpec("P")
R = TypeVar("R")

# The layer that PyTorch's build for CPU uses too: loops of both then take turns on one set of threads.
config.THREADING_LAYER_PRIORITY = ["omp", "tbb", "workqueue"]  # type: ignore[attr-defined]


def compiled(loop: Callable[P, R]) -> Callable[P, R]:
    """Compile a loop that runs on one thread; each product and sum of it is rounded, whoever calls it."""
    return _njit(loop, fastmath=False)  # said aloud, or it would be taken over from the first caller


def compiled_over_rows(loop: Callable[P, None]) -> Callable[P, None]:
    """Compile a loop whose ``numba.prange`` is shared by as many threads as PyTorch uses.

    Rows must be independent of each other: the numbers then do not depend on the number of threads. A product and a
    sum may be rounded once together, as in PyTorch's own loops.
    """
    function = _njit(loop, parallel=True, fastmath={"contract"})

    def on_threads(*args: P.args, **kwargs: P.kwargs) -> None:
        n_threads = torch.get_num_threads()
        numba.set_num_threads(min(n_threads, config.NUMBA_NUM_THREADS))  # type: ignore[attr-defined]
        if torch.get_num_threads() != n_threads:  # numba sets it too when it starts its threads, to that of the cores
            torch.set_num_threads(n_threads)
        function(*args, **kwargs)

    return on_threads


def _njit(loop: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    options |= {"nogil": True, "error_model": "numpy"}
    try:
        function: Callable[..., Any] = numba.njit(cache=True, **options)(loop)
    except RuntimeError:  # neither the package nor the home directory can be written: compile in every process
        function = numba.njit(**options)(loop)
    return function
