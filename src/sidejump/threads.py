"""How many threads share the work: the cores this process may use, few enough for each to have its own sums.

Runs keep the threads of the matrix library to one: the package's own threads share the blocks, and on small matrices a
library that waits for a busy core costs more than it saves. Large solutions take all (`threadpoolctl`).
"""

import os

_MOST = 4  # every thread of a sum over pairs holds an operator of its own


def usable_cores() -> int:
    """Cores this process may run on."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1


THREADS = min(_MOST, usable_cores())
