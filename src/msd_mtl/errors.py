"""The one kind of error that a user is meant to read, the check that needs it most, and the exit code of the others."""

from typing import Any


class UserError(ValueError):
    """Bad input or a bad setting.

    The message says what must hold, what was given and what to do next. Commands print it as it is, without a
    traceback, and end with exit code 2.
    """


class RefusedLaunchError(UserError):
    """A sweep that was refused before any of its runs could begin."""


def failing(code: Any) -> Any:
    """What a process exits by whose run has called ``sys.exit``: as it was called, but never what comes to 0.

    Args:
        code: As ``sys.exit`` has it. Of a whole number the last byte counts; a text is shown, and is 1.
    """
    return 1 if code is None or (isinstance(code, int) and code % 256 == 0) else code


def quoted(value: object) -> str:
    """A value as a message has it: bytes as the text that they are, numbers for those that are none."""
    if not isinstance(value, bytes):
        return repr(value)
    return repr(value.decode("utf-8", "backslashreplace")).replace("\\\\x", "\\x")


def check_whole(setting: str, value: object, *, at_least: int) -> None:
    """Check that a setting is a whole number.

    Args:
        setting: Its name on the command line.
        value: Its value.
        at_least: The smallest that it may have.

    Raises:
        UserError: If it is not, or is smaller.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < at_least:
        raise UserError(f"{setting} must be a whole number of at least {at_least}; got {value!r}.")
