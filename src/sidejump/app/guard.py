"""Every failure as one sentence and an exit status: 2 for the user's mistakes and the machine's limits, 1 for ours."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..errors import InputError, Terminated
from .terminal import printable, say

DEBUG = "SIDEJUMP_TRACEBACK"
"""Environment variable: set to 1 to see where an error came from."""

INTERRUPTED, TERMINATED = 130, 143
"""As shells count what a signal has ended: 128 and its number."""


def guarded(command: Callable[[], int | None]) -> int:
    """Run `command`; its exit status."""
    warnings.showwarning = _show_warning
    for name in ("stdout", "stderr"):  # closed by the shell, `>&-`: there is nobody to tell
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))
    with _ended_by_signal() as ended:
        return _guarded(command, ended)


@contextmanager
def _ended_by_signal() -> Iterator[list[int]]:
    """SIGTERM ends the program as Ctrl-C does, with what that cleans up; it is in the list then, once.

    Where whoever started the program has it ignored it stays so.
    """
    received: list[int] = []

    def end(number, frame):
        signal.signal(number, signal.SIG_IGN)  # a second one would disturb the end
        received.append(number)
        raise Terminated

    alone = threading.current_thread() is not threading.main_thread()  # which has no signals
    if alone or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield received
        return
    signal.signal(signal.SIGTERM, end)
    try:
        yield received
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _guarded(command: Callable[[], int | None], ended: list[int]) -> int:
    try:
        return _status(command(), ended)
    except KeyboardInterrupt:
        return _status(INTERRUPTED, ended)
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if os.environ.get(DEBUG) == "1":
            sys.stderr.write(printable(traceback.format_exc(), keep="\n"))
        sentence, status = describe(error)
        say(f"error: {sentence}")
        return status


def _show_warning(message, category, filename, lineno, file=None, line=None) -> None:
    """A Python warning as a line of this program: its words may be those of a file."""
    say(f"warning: {message}")


def _status(result: int | None, ended: list[int]) -> int:
    if result == INTERRUPTED:
        say(f"{'terminated' if ended else 'interrupted'}: no file was left half-written")
        return TERMINATED if ended else INTERRUPTED
    return result or 0


def describe(error: Exception) -> tuple[str, int]:
    """Sentence and exit status of an exception."""
    if isinstance(error, InputError):
        return str(error), 2
    if hasattr(error, "format_message"):  # wrong use of the command line
        return f"{_wrong_use(error)}; see {_help(error)}", 2
    if isinstance(error, MemoryError):
        return "the machine has too little free memory for this run; lower memory in [solver]", 2
    if isinstance(error, OSError):
        name = f"{error.filename}: " if error.filename else ""
        return f"{name}{error.strerror or _first_line(error)}", 2
    if isinstance(error, ArithmeticError) or _of_linear_algebra(error):
        return f"the numbers of this input cannot be computed with ({_first_line(error)}); look for extreme values", 2
    if isinstance(error, ModuleNotFoundError) and error.name and not error.name.startswith("sidejump"):
        package = error.name.partition(".")[0]
        return f"{package} is not installed, which this needs: pip install {package}", 2
    return f"a defect of the program: {type(error).__name__}: {_first_line(error)}; set {DEBUG}=1 and report it", 1


def _wrong_use(error) -> str:
    """An option or a value that the command line does not take, with the value and what it stands for."""
    message = error.format_message().rstrip(".").replace(". Did you", "; did you")
    failed = getattr(error.__cause__, "errors", None)
    if failed is None or getattr(error, "param", None) is None:
        return f"{message[:1].lower()}{message[1:]}"
    from ..rules import quote, requirement

    first = failed(include_url=False)[0]
    option = error.param.opts[0] if error.param.opts else error.param.name
    return f"{option} {quote(first['input'])}: {requirement(dict(first), None, '')} ({error.param.help.rstrip('.')})"


def _of_linear_algebra(error: Exception) -> bool:
    from numpy.linalg import LinAlgError  # a command that only prints its help starts without NumPy

    return isinstance(error, LinAlgError)


def _help(error) -> str:
    context = getattr(error, "ctx", None)
    return f"{context.command_path if context is not None else 'sidejump'} --help"


def _first_line(error) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
