"""What goes wrong by the user's hand, and what a user has to know of a result."""


class InputError(ValueError):
    """Input that cannot be used: one sentence that names the file, key or value and the fix."""


class TooLarge(InputError):
    """More memory than a run may use."""


class NoStates(InputError):
    """No electronic state where one is needed."""


class Terminated(KeyboardInterrupt):
    """The process was asked to end (SIGTERM), as batch systems do where the time of a job is up."""


class SidejumpWarning(UserWarning):
    """Something about data or result that its reader has to know: wrong, unconverged, approximate or left out."""
