"""Commands in processes that have their imports behind them.

`python -m msd_mtl.cli train` takes 3 s of processor time before its run begins. Where a test asks what a command does,
and not how it starts, its process is a fork of a server that has imported what runs and reports need: one server for
each worker of pytest, started by the first command.
"""

import os
import sys
import tempfile
from collections.abc import Mapping
from contextlib import chdir
from functools import cache
from multiprocessing import forkserver, get_context
from pathlib import Path
from subprocess import CompletedProcess

CONTEXT = get_context("forkserver")
ROOT = Path(__file__).parents[1]


def msd_mtl(*arguments: str, cwd: Path, environment: Mapping[str, str] | None = None) -> CompletedProcess[str]:
    """A command, in a process of its own with this one's environment variables and some more; waits for its end."""
    _serve()
    with tempfile.TemporaryDirectory() as folder:
        said = [Path(folder) / name for name in ("output", "errors")]
        variables = os.environ | (environment or {})
        process = CONTEXT.Process(target=_command, args=(arguments, cwd, dict(variables), said))
        process.start()
        process.join()
        code = process.exitcode
        assert code is not None
        return CompletedProcess(arguments, code, *(path.read_text(encoding="utf-8") for path in said))


@cache
def _serve() -> None:
    CONTEXT.set_forkserver_preload(["tests.warm_imports"])
    with chdir(ROOT):  # where it looks for them
        forkserver.ensure_running()


def _command(arguments: tuple[str, ...], cwd: Path, variables: dict[str, str], said: list[Path]) -> None:
    for number, path in enumerate(said, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), number)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(variables)
    sys.argv = ["msd-mtl", *arguments]
    from msd_mtl.cli import main

    main()
