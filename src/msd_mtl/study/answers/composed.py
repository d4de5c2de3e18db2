"""Runs composed once more, from what their sweep set in them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from msd_mtl.app import conf_dir
from msd_mtl.errors import UserError
from msd_mtl.study.identity import Config, resolved, run_id


def composed(overrides: Sequence[str]) -> Config | None:
    """Resolved configuration of a run; None where the configuration as it is now makes none of what is set.

    Args:
        overrides: What is set in it, as on a command line.
    """
    with suppress(HydraException, OmegaConfBaseException, UserError), _composing():
        return resolved(compose("train", list(overrides)))
    return None


def still_make(sweep: Mapping[str, Sequence[str]], fingerprints: Mapping[str, str]) -> bool:
    """Whether what was set in the runs of a sweep gives these runs today, or its study or a group was edited since.

    One run is composed for each group that is chosen in any: what a run sets itself is no matter of files.

    Args:
        sweep: What it set in each run, as on a command line, by ``run_id``.
        fingerprints: Data of the runs that are known; the others are not looked at.
    """
    seen: set[str] = set()
    for run in (run for run in sweep if run in fingerprints):
        chosen = {"", *(one for one in sweep[run] if "." not in one.partition("=")[0] and not one.startswith("seed="))}
        if chosen <= seen:
            continue
        seen |= chosen
        config = composed(sweep[run])
        if config is None or run_id(config, fingerprints[run]) != run:
            return False
    return True


@contextmanager
def _composing() -> Iterator[None]:
    """Hydra as the command has set it up, which knows its ``--config-dir``; in no command as the package is."""
    is_up = GlobalHydra.instance().is_initialized()
    with nullcontext() if is_up else initialize_config_dir(str(conf_dir()), version_base="1.3"):
        yield
