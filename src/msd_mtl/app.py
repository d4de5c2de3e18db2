"""What every command has in common: its configuration folder and how it ends."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from errno import EEXIST, ENOSPC, ENOTDIR
from functools import partial
from pathlib import Path
from typing import Any

import hydra
import yaml
from hydra._internal.utils import get_args_parser
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf._utils import get_yaml_loader
from omegaconf.errors import InterpolationResolutionError, MissingMandatoryValue, OmegaConfBaseException

from msd_mtl.errors import UserError
from msd_mtl.overrides import explain, refused
from msd_mtl.study.interruption import InterruptedRun
from msd_mtl.trainer_settings import reachable

FULL_ERROR = "HYDRA_FULL_ERROR"  # Hydra raises its errors instead of printing them
# What to do where a file cannot be used.
NEXT = {
    ENOSPC: "Make room on the disk, and repeat the command.",
    **dict.fromkeys((EEXIST, ENOTDIR), "A file is where a folder has to be: name another folder."),
}
SEE = "See whether it is there, and whose it is."
Command = Callable[[DictConfig], None]


def conf_dir() -> Path:
    """The configuration folder: inside an installed package, or at the top of a working copy."""
    installed = Path(__file__).parent / "conf"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "conf"


def read_conf(file: Path) -> Any:
    """What a file of the configuration folder says, read as Hydra reads it.

    Args:
        file: The file.

    Returns:
        Plain values; None where it is empty.

    Raises:
        UserError: If it is not YAML.
    """
    try:
        with file.open(encoding="utf-8") as text:
            return yaml.load(text, get_yaml_loader())  # noqa: S506  # makes plain values and paths only
    except (ValueError, yaml.YAMLError) as error:
        what = " ".join(str(error).replace(f'in "{file}", ', "in ").split())
        raise UserError(f"{file} must be YAML; got {what}. Mend it, and repeat the command.") from None


def composed_from(given: Any, command: str) -> list[str]:
    """Options of the command line that say where else than in its file of ``conf/`` a command is composed from.

    Args:
        given: Hydra's own configuration.
        command: Name of that file, without ``.yaml``.
    """
    own = [] if given.job.config_name == command else [f"--config-name={given.job.config_name}"]
    return own + [f"--config-dir={one.path}" for one in given.runtime.config_sources if one.provider == "command-line"]


def message_of(error: BaseException) -> str | None:
    """What a command says of an error that is the user's to mend; None of any other."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError):  # a full disk, a folder that is read-only or a file
        if error.filename is None and error.errno != ENOSPC:
            return None
        path = error.filename2 or error.filename  # of two the one to be made
        where = f": {path}" if path else ""
        return f"files must be readable and writable; got {error.strerror}{where}. {NEXT.get(error.errno or 0, SEE)}"
    if isinstance(error, MissingMandatoryValue):
        key = str(error.full_key).replace("study.name", "study")  # as it is written on the command line
        return f"{key} must be set; got nothing. Add {key}=VALUE."
    if isinstance(error, InterpolationResolutionError):
        return f"every setting must have a value; {str(error).splitlines()[0]}. Set {error.full_key}=VALUE."
    return None


@contextmanager
def one_message(command: str) -> Iterator[None]:
    """End the process with one message and exit code 2 where the block meets what is the user's to mend.

    Args:
        command: Name of the command.
    """
    try:
        yield
    except Exception as error:
        message = message_of(error)
        if message is None:
            raise
    else:
        return
    sys.stderr.write(f"msd-mtl {command}: {message}\n")
    raise SystemExit(2)


def hydra_app(
    config_name: str, *, attempts: bool = False, name: str | None = None
) -> Callable[[Command], Callable[[], None]]:
    """Make a Hydra application out of a function of the configuration.

    Args:
        config_name: Primary configuration in ``conf/``, without ``.yaml``.
        attempts: In a sweep, the command does with a run what ``msd_mtl.study.cell.attempt`` does, and no more; its
            sweeper may then call that.
        name: Of the command, which signs its messages; None for that of its configuration.

    Returns:
        A decorator. The decorated function reads the command line; a ``UserError``, a file that cannot be used or a
        setting without a value ends it with a message on standard error and exit code 2.
    """
    signed = name or config_name

    def decorate(command: Command) -> Callable[[], None]:
        def guarded(cfg: DictConfig) -> None:
            try:
                with one_message(signed):
                    command(cfg)
            except InterruptedRun as interruption:
                sys.stderr.write(f"msd-mtl {signed}: {interruption}\n")
                raise SystemExit(interruption.exit_code) from None

        vars(guarded).update(attempts=attempts, command=signed)
        main: Callable[[], None] = hydra.main(str(conf_dir()), config_name, "1.3")(guarded)
        return partial(_run, config_name, signed, main)

    return decorate


def _run(config_name: str, signed: str, main: Callable[[], None]) -> None:
    """Run a Hydra application; overrides that it refuses end it with one message and exit code 2."""
    with one_message(signed):
        sys.argv[1:] = reachable(sys.argv[1:], read_conf(conf_dir() / "trainer" / "cpu.yaml") or ())
    if FULL_ERROR in os.environ:
        main()
        return
    os.environ[FULL_ERROR] = "1"
    try:
        main()
    except (HydraException, OmegaConfBaseException, ValueError, yaml.YAMLError) as error:
        given = get_args_parser().parse_args(sys.argv[1:])
        if isinstance(error, UnicodeDecodeError | yaml.YAMLError):  # of which file, Hydra does not always say
            with one_message(signed):
                for folder in (conf_dir(), *map(Path, filter(None, [given.config_dir]))):
                    for file in sorted(folder.rglob("*.yaml")):
                        read_conf(file)
        own = Path(given.config_dir) if given.config_dir else None
        knows_choices = not (given.config_path or given.config_name or (own and not own.is_dir()))
        message = None
        if knows_choices:
            message = explain(conf_dir(), config_name, given.overrides, multirun=given.multirun, own=own)
        if message is None:
            if not isinstance(error, HydraException):
                raise
            message = refused(error)
        sys.stderr.write(f"msd-mtl {signed}: {message}\n")
        raise SystemExit(2) from None
    finally:
        del os.environ[FULL_ERROR]
