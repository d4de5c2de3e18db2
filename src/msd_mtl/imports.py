"""Imports of large libraries, which nobody need search for garbage."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def lasting_imports(module: str) -> Iterator[None]:
    """Have Python's search for garbage pass over what is imported in the block, then and later.

    PyTorch and Lightning are hundreds of thousands of objects that stay to the end; searching them again and again took
    two of the five seconds of a short run. Once the module is there nothing is done, so that what runs leave is
    collected.

    Args:
        module: What the block imports.
    """
    if module in sys.modules:
        yield
        return
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        if was_enabled:
            gc.enable()
