"""The one kind of error that a user is meant to read."""


class UserError(ValueError):
    """Bad input or a bad setting.

    The message says what must hold, what was given and what to do next. Commands print it as it is, without a
    traceback, and end with exit code 2.
    """
