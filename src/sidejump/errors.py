"""The one error a user can cause: bad input."""


class InputError(ValueError):
    """Input that cannot be used: one sentence that names the file, key or value and the fix."""


class NoStates(InputError):
    """No electronic state where one is needed."""
