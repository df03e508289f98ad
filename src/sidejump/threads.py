"""How many threads share the work: the cores this process may use, few enough for each to have its own sums.

Runs keep the threads of the matrix library to one: the package's own threads share the blocks, and on small matrices a
library that waits for a busy core costs more than it saves. Large solutions take `MATRIX_THREADS` (`threadpoolctl`),
never more than the library was set to when the package was loaded (`OMP_NUM_THREADS`).

Two threads of one interpreter wait for each other between small array operations: processes of one thread each
(:func:`divided`) have the same work done with a third less of processor time, where memory holds their operators side
by side.  `SIDEJUMP_THREADS` in the environment is how many threads there are, of a process and all it starts.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np  # noqa: F401  loads the matrix library
from threadpoolctl import threadpool_info, threadpool_limits

PARTS = 4
"""Of a sum over pairs, each by one thread: as many whatever the threads, so that its digits do not depend on them."""


def usable_cores() -> int:
    """Cores this process may run on."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1


def _of_environment() -> int | None:
    """What the environment says, None where it says nothing that can be followed."""
    text = os.environ.get(VARIABLE, "")
    return int(text) if text.isdecimal() and int(text) > 0 else None


VARIABLE = "SIDEJUMP_THREADS"
THREADS = _of_environment() or min(PARTS, usable_cores())
MATRIX_THREADS = min([THREADS, *(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")])


@contextmanager
def divided(workers: int) -> Iterator[None]:
    """Processes that are started within share the cores, or the threads that the user has set: each has its part."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = str(share(workers))
    try:
        yield
    finally:
        del os.environ[VARIABLE]
        if before is not None:
            os.environ[VARIABLE] = before


def share(workers: int) -> int:
    """Threads of each of so many processes of this machine."""
    return min(PARTS, max(1, (_of_environment() or usable_cores()) // workers))


def one_matrix_thread():
    """Context in which the matrix library has one thread.

    The libraries of the process are searched once, and again when modules have been loaded: `threadpool_limits` by
    itself does it at every call.
    """
    return threadpool_limits.wrap(limits=1)


def by_threads(work: Callable[[Any], Any], items: Iterable) -> list:
    """What `work` makes of each item, in their order: by all threads, each with one for its matrices."""
    with one_matrix_thread(), ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, items))
