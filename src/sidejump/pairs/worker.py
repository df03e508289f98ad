"""What runs in a worker: the object that all tasks share, and one task after the other."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
from contextlib import suppress
from functools import cache
from multiprocessing.connection import Connection
from typing import Any

import scipy.linalg  # noqa: F401  has a matrix library of its own, which can be limited once it is there
from threadpoolctl import threadpool_limits

from .. import threads  # noqa: F401  reads how many threads the matrix library has before it is limited here

NOTHING = None
"""In place of a parcel: the tasks share nothing."""

_held: dict[str, tuple] = {}  # by executor: workers of mpiexec and of a Dask scheduler outlive one
_ways: list[Connection] = []  # the one to the caller while a task runs, where there is one


def prepare(token: str, parcel, way: Connection | None = None) -> None:
    """Make this process a worker of one executor: deaf to Ctrl-C, since its parent ends it; messages go that `way`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _held.clear()
    _ways[:] = [] if way is None else [way]
    if way is not None:  # a child of the caller's
        threading.Thread(target=_end_with_parent, daemon=True, name="until the parent ends").start()
    hold(token, parcel)


def hold(token: str, parcel) -> None:
    """Open the parcel for the tasks of the executor `token`; one thread for matrices from now on."""
    limit_matrix_threads()
    try:
        _held[token] = () if parcel is NOTHING else (parcel.open(),)
    except Exception as error:  # a pool would only say that some worker failed; the first task says why
        _held[token] = (_Unopened(error),)


def _end_with_parent() -> None:
    """A parent that was killed says nothing to its workers, which would wait for tasks for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def tell(message: Any) -> None:
    """Let the caller know something while a task runs, such as how much of it is done; lost where nobody listens.

    All workers write to one pipe, without a lock that one could die with: the message and its length together are to be
    less than the 4096 bytes that a system writes at once.
    """
    with suppress(OSError):  # the caller has gone
        for way in _ways:
            way.send(message)


def drop(token: str) -> None:
    _held.pop(token, None)


class _Unopened:
    def __init__(self, error: Exception):
        self.error = error


@cache
def limit_matrix_threads() -> None:
    """Workers share the cores, not their matrices."""
    threadpool_limits(1)


def run_pickled(token: str, task: bytes) -> Any:
    """The result of a task ``(fn, args)``, called as ``fn(*shared, *args)``."""
    if token not in _held:
        raise RuntimeError("two executors use the same MPI workers: close the first before the second is made")
    shared = _held[token]
    if shared and isinstance(shared[0], _Unopened):
        raise travelling(shared[0].error)
    try:
        fn, args = pickle.loads(task)
        return fn(*shared, *args)
    except Exception as error:
        raise travelling(error) from error.__cause__


def travelling(error: Exception) -> Exception:
    """The error if it survives being sent, else its words.

    An exception whose class wants more than a message is pickled without complaint and breaks the pool on arrival.
    """
    try:
        if str(pickle.loads(pickle.dumps(error))) == str(error):
            return error
    except Exception:  # whatever a class raises when it is made from the wrong arguments
        pass
    return RuntimeError(f"{type(error).__name__}: {error}")


def process_number() -> int:
    """Something to do for a worker that is being started."""
    return os.getpid()
