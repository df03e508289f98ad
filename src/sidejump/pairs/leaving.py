"""The end of a program whose last tasks cannot be stopped."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable

from ..errors import Terminated


def end_without(still_running: Callable[[], bool]) -> None:
    """Let the interpreter end without the threads of a pool, if `still_running` then.

    Python waits for them before it ends: for a task of minutes, or for the answer of a worker that has died.  It asks
    `threading` first, which has no public name for that; pools register there themselves, and the last comes first.
    """
    error = sys.exc_info()[1]
    status = 143 if isinstance(error, Terminated) else 130 if isinstance(error, KeyboardInterrupt) else 1

    def leave() -> None:
        if still_running():
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    threading._register_atexit(leave)  # type: ignore[attr-defined]
