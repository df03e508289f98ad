"""How many threads share the work: the cores this process may use, few enough for each to have its own sums.

Runs keep the threads of the matrix library to one: the package's own threads share the blocks, and on small matrices a
library that waits for a busy core costs more than it saves. Large solutions take `MATRIX_THREADS` (`threadpoolctl`),
never more than the library was set to when the package was loaded (`OMP_NUM_THREADS`).
"""

import os

import numpy as np  # noqa: F401  loads the matrix library
from threadpoolctl import threadpool_info, threadpool_limits

_MOST = 4  # every thread of a sum over pairs holds an operator of its own


def usable_cores() -> int:
    """Cores this process may run on."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1


THREADS = min(_MOST, usable_cores())
MATRIX_THREADS = min([THREADS, *(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")])


def one_matrix_thread():
    """Context in which the matrix library has one thread.

    The libraries of the process are searched once, and again when modules have been loaded: `threadpool_limits` by
    itself does it at every call.
    """
    return threadpool_limits.wrap(limits=1)
