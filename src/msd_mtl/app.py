"""What every command has in common: its configuration folder and how it ends."""

import sys
from collections.abc import Callable
from errno import ENOSPC
from pathlib import Path

import hydra
from omegaconf import DictConfig
from omegaconf.errors import MissingMandatoryValue

from msd_mtl.errors import UserError
from msd_mtl.study.interruption import InterruptedRun

Command = Callable[[DictConfig], None]


def conf_dir() -> Path:
    """The configuration folder: inside an installed package, or at the top of a working copy."""
    installed = Path(__file__).parent / "conf"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "conf"


def hydra_app(config_name: str) -> Callable[[Command], Callable[[], None]]:
    """Make a Hydra application out of a function of the configuration.

    Args:
        config_name: Primary configuration in ``conf/``, without ``.yaml``.

    Returns:
        A decorator. The decorated function reads the command line; a ``UserError``, a file that cannot be used or a
        setting without a value ends it with a message on standard error and exit code 2.
    """

    def decorate(command: Command) -> Callable[[], None]:
        def guarded(cfg: DictConfig) -> None:
            try:
                command(cfg)
            except InterruptedRun as interruption:
                sys.stderr.write(f"msd-mtl {config_name}: {interruption}\n")
                raise SystemExit(interruption.exit_code) from None
            except UserError as error:
                sys.stderr.write(f"msd-mtl {config_name}: {error}\n")
                raise SystemExit(2) from None
            except OSError as error:  # a full disk, a folder that is read-only or a file
                if error.filename is None and error.errno != ENOSPC:
                    raise
                where = f": {error.filename}" if error.filename else ""
                sys.stderr.write(
                    f"msd-mtl {config_name}: files must be readable and writable; got {error.strerror}{where}.\n"
                )
                raise SystemExit(2) from None
            except MissingMandatoryValue as error:
                key = error.full_key
                sys.stderr.write(f"msd-mtl {config_name}: {key} must be set; got nothing. Add {key}=VALUE.\n")
                raise SystemExit(2) from None

        main: Callable[[], None] = hydra.main(str(conf_dir()), config_name, "1.3")(guarded)
        return main

    return decorate
