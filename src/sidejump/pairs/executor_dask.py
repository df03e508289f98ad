"""Workers of a Dask scheduler, or a small Dask cluster on this machine."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from math import inf
from time import monotonic
from typing import Any

from ..errors import InputError
from ..extras import needed
from ..threads import THREADS, VARIABLE, share
from .executor_local import deaf_children
from .parcel import Parcel, sendable
from .worker import NOTHING, drop, hold, run_pickled

_COUNT_SECONDS = 1.0  # asking takes as long as a small task
_RESTART_SECONDS = 20.0


class DaskWorkers:
    """A client of the scheduler at `address`, or of a cluster started here.

    A worker that dies is replaced, and its task given to another; a task that has killed several workers fails.  The
    shared object is a plugin of the workers, which those that join later are given as well: Dask keeps scattered data
    on a single worker, sends them anew when another wants them and cannot replace them.
    """

    lost = (
        'executor = "dask" has lost a task with its workers: killed, or out of memory; '
        "give each worker more memory, or use fewer workers on each machine"
    )
    fail: Callable[[Exception], None]
    told: Callable[[Any], None]

    def __init__(self, workers: int | None, shared: tuple, address: str | None):
        what = 'executor = "dask"'
        # functions of scripts travel as a whole, by cloudpickle: workers elsewhere do not have the script
        dask, distributed, cloudpickle = (needed(name, what) for name in ("dask", "distributed", "cloudpickle"))
        self.broken: tuple[type[BaseException], ...] = (distributed.KilledWorker, CancelledError)
        self._dumps = cloudpickle.dumps
        parcel = Parcel.pack("dask", shared[0], self._dumps) if shared else NOTHING
        address = address or os.environ.get("DASK_SCHEDULER_ADDRESS")
        patience = dask.config.get("distributed.comm.timeouts.connect")
        self._token = uuid.uuid4().hex
        self._started = 0  # workers of our own that are there, or are being replaced
        self._cluster = None if address else _cluster(workers or THREADS)
        try:
            self._client = distributed.Client(self._cluster or address, timeout=patience, set_as_default=False)
        except (OSError, ValueError) as error:
            raise InputError(
                f'executor = "dask" reaches no scheduler at "{address}"; start one (dask scheduler), correct the '
                "address or DASK_SCHEDULER_ADDRESS, or leave it out for workers on this machine"
            ) from error
        try:
            self._client.wait_for_workers(workers or 1, timeout=patience)
        except TimeoutError as error:
            self._leave()
            raise InputError(
                f'the Dask scheduler at "{address}" has fewer than {workers or 1} workers; start them (dask worker '
                f"{address}), or ask for fewer"
            ) from error
        self._started = workers or THREADS
        self._client.register_plugin(_plugin(self._token, parcel))
        self._threads, self._counted = 0, -inf
        self._pool = self._client.get_executor(pure=False)

    @property
    def count(self) -> int:
        """Tasks that run at the same time now: workers come and go."""
        if monotonic() > self._counted + _COUNT_SECONDS:
            self._threads = sum(self._client.nthreads().values())
            self._counted = monotonic()
        return max(1, self._threads)

    def submit(self, fn: Callable, args: tuple) -> Future:
        return self._pool.submit(run_pickled, self._token, sendable("dask", "a task", (fn, args), self._dumps))

    def close(self) -> None:
        self._pool.shutdown()
        self._client.unregister_worker_plugin(self._token)
        self._leave()

    def abandon(self) -> None:
        if self._cluster is None:  # the workers live on
            self._client.unregister_worker_plugin(self._token)
        self._leave()

    def _leave(self) -> None:
        if self._cluster is not None and self._started:
            # Dask fails to close a worker that it is just putting in the place of one that died
            end = monotonic() + _RESTART_SECONDS
            while (coming := self._coming()) and monotonic() < end:
                with suppress(TimeoutError):
                    self._client.wait_for_workers(coming, timeout=_COUNT_SECONDS)
                    break
        self._client.close()
        if self._cluster is not None:
            # at its end, with all workers closed, it looks for those that Ctrl-C has ended before
            with suppress(KeyError):
                self._cluster.close()

    def _coming(self) -> int:
        """Workers of our own that are there or will be: Ctrl-C in a terminal ends them as well, and for good."""
        if self._cluster is None:
            return 0
        from distributed import Status

        ends = {Status.closing_gracefully, Status.closing, Status.closed, Status.failed}
        return sum(keeper.status not in ends for keeper in self._cluster.workers.values())


def _plugin(token: str, parcel) -> Any:
    from distributed import WorkerPlugin

    class SharedObject(WorkerPlugin):
        name = token

        def setup(self, worker):
            hold(token, parcel)

        def teardown(self, worker):
            drop(token)

    return SharedObject()


def _cluster(workers: int) -> Any:
    import dask
    import distributed

    # As in other processes, the matrix library is limited when the worker has seen how many threads there are; and how
    # much memory a task may take is decided before it is begun.
    with dask.config.set({"distributed.nanny.pre-spawn-environ": {}}), deaf_children():
        return distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            memory_limit=0,
            env={VARIABLE: str(share(workers))},
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        )
