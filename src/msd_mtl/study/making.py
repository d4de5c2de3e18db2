"""Makes what a ``_target_`` of the configuration names."""

from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate

from msd_mtl.errors import UserError
from msd_mtl.overrides import literal
from msd_mtl.study.identity import Config


def make(settings: Config | None, **arguments: Any) -> Any:
    """Make what a group of settings describes.

    Args:
        settings: Of a resolved configuration; a ``${`` in them refers to nothing. None makes None.
        arguments: Further arguments of what is made.

    Raises:
        UserError: If it does not take its settings: what is wrong with them is the user's to read.
    """
    if settings is None:
        return None
    try:
        # libraries want plain dicts and lists; Hydra resolves twice what is resolved already
        return instantiate(literal(literal(settings)), _convert_="all", **arguments)
    except InstantiationException as error:
        cause = error.__cause__
        if isinstance(cause, UserError):
            raise cause from None
        message = (f"{type(cause).__name__}: {cause}" if cause else str(error).splitlines()[0]).rstrip(".")
        raise UserError(f"settings of {settings['_target_']} must be ones that it takes; got {message}.") from error
