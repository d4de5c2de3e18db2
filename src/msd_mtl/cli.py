"""`msd-mtl COMMAND [overrides]`: finds the command and hands over to its Hydra application."""

import os
import re
import sys
from difflib import get_close_matches
from importlib import import_module

from msd_mtl import __version__

# Command: (module with `main`, what it does). Modules are imported only when asked for: this page must appear at once.
COMMANDS = {
    "demo": ("msd_mtl.study.demo", "a small synthetic study, end to end, with its table and report"),
    "prepare": ("msd_mtl.data.prepare", "raw=DIR store=FILE: official files -> one store"),
    "tasks": ("msd_mtl.data.candidates", "data.store=FILE tasks.target=T: tasks of a store and the sets they suggest"),
    "train": ("msd_mtl.study.train", "[-m] [overrides]: one run, or a sweep"),
    "dashboard": ("msd_mtl.study.dashboard", "study=NAME [offline=true]: a W&B workspace of a study"),
    "status": ("msd_mtl.study.status", "study=NAME [watch=SECONDS]: how the runs of a study stand"),
    "report": ("msd_mtl.study.report", "study=NAME [out=DIR]: its answers as a page with figures and tables"),
    "evaluate": ("msd_mtl.study.evaluate", "run=DIR [split=test]: a saved model on a part of its data"),
}

# Commands whose `study=NAME` means runs that are there, of any name, and no file of conf/study/.
OF_STUDIES = ("status", "dashboard", "report")


def usage() -> str:
    """The page that `msd-mtl --help` shows."""
    lines = [f"    {name:<10}{about}" for name, (_, about) in COMMANDS.items()]
    return "\n".join(
        [
            f"msd-mtl {__version__}: when, how deep and with whom should tasks share a representation?",
            "",
            "usage: msd-mtl COMMAND [overrides]",
            "",
            *lines,
            "",
            "Settings are Hydra overrides: `msd-mtl train data.coupling=0.5 sharing=high seed=3`.",
            "`msd-mtl COMMAND --help` lists a command's settings, `--cfg job` prints them resolved.",
        ]
    )


def main() -> None:
    """Entry point of the console script; exit code 1 if nobody reads all of its output, as in `msd-mtl ... | head`."""
    try:
        try:
            _command()
        finally:
            print(end="", flush=True)  # noqa: T201  # what nobody reads must be known here, and not at exit
    except BrokenPipeError:
        # Source: Python's documentation of SIGPIPE. What is still to be written would fail again at exit.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            os.dup2(nowhere, stream.fileno())
        raise SystemExit(1) from None


def _command() -> None:
    """What the command line asks for."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        sys.stdout.write(usage() + "\n")
        return
    name, *rest = arguments
    if name == "--version":
        sys.stdout.write(f"msd-mtl {__version__}\n")
        return
    if name not in COMMANDS:
        near = get_close_matches(name, COMMANDS, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else "See `msd-mtl --help`."
        sys.stderr.write(f"msd-mtl: command must be one of {', '.join(COMMANDS)}; got {name!r}. {hint}\n")
        raise SystemExit(2)
    if name in OF_STUDIES:
        quoted = [re.sub(r"^study=([\w.+-]+)$", r"study='\1'", argument) for argument in rest]  # 7 is a name too
        rest = [re.sub("^study=", "study.name=", argument) for argument in quoted]
    sys.argv = [sys.argv[0], *rest]
    try:
        import_module(COMMANDS[name][0]).main()
    except KeyboardInterrupt:  # a run says itself what it has kept
        sys.stderr.write(f"msd-mtl {name}: stopped.\n")
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
