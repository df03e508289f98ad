"""One way to have tasks done: by threads, processes, MPI or Dask workers.

    with make_executor("processes", shared=study) as executor:
        for index, result in executor.as_completed(replica, levels, numbers):  # replica(study, level, number)
            ...

A task is a pure function of the shared object and a few small arguments, takes seconds to minutes and returns a few
small arrays.  The shared object may be large: it travels to each worker once.  Every worker keeps its matrix library to
one thread, so that the result does not depend on who computes it.  How results are combined, and in which order, is
the caller's business.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, InvalidStateError, wait
from contextlib import contextmanager
from itertools import islice
from typing import Any, Protocol

from ..errors import InputError
from ..extras import EXTRAS, needed
from ..rules import one_of, quote
from ..threads import THREADS

KINDS = ("threads", "processes", "mpi", "dask", "serial")


class Workers(Protocol):
    """What each kind of executor provides.

    `fail` is set by the executor: called with an exception, it ends every unfinished task (a worker has died); and
    `told`: called with what tasks let it know (:func:`.worker.tell`), by the kinds that have a way for it.
    """

    broken: tuple[type[BaseException], ...]  # what futures raise when a worker has died
    lost: str  # the sentence for it
    fail: Callable[[Exception], None]
    told: Callable[[Any], None]

    @property
    def count(self) -> int: ...

    def submit(self, fn: Callable, args: tuple) -> Future: ...

    def close(self) -> None:
        """After the last result: end the workers."""

    def abandon(self) -> None:
        """After an exception or Ctrl-C: do not wait for what still runs, where that is possible."""


class Executor:
    """Tasks given to workers, and their results as they finish; made by :func:`make_executor`.

    Attributes
    ----------
    kind : str
    told : callable
        Receives what running tasks let the caller know (:func:`sidejump.pairs.worker.tell`), on a thread of its own;
        only processes of this machine do.
    """

    def __init__(self, kind: str, workers: Workers):
        self.kind = kind
        self.told: Callable[[Any], None] = lambda _: None
        self._backend = workers
        self._unfinished: set[Future] = set()
        workers.fail = self._fail
        workers.told = lambda message: self.told(message)

    @property
    def workers(self) -> int:
        """How many tasks run at the same time; with Dask it may change."""
        return self._backend.count

    def submit(self, fn: Callable, *args) -> Future:
        """Have ``fn(*args)`` computed, or ``fn(shared, *args)`` where the executor was made with a shared object.

        Parameters
        ----------
        fn : callable
            At the top of a module, where other processes are to find it.
        *args
            Small: they are sent with each task.

        Returns
        -------
        concurrent.futures.Future
            Its `result` raises what `fn` raised, or RuntimeError if the worker died.

        Raises
        ------
        InputError
            If the task cannot be sent to other processes.
        """
        inner = self._backend.submit(fn, args)
        outer: Future = Future()
        self._unfinished.add(outer)
        outer.add_done_callback(self._unfinished.discard)
        outer.add_done_callback(lambda done: inner.cancel() if done.cancelled() else None)
        inner.add_done_callback(lambda done: self._hand_over(done, outer))
        return outer

    def _hand_over(self, inner: Future, outer: Future) -> None:
        """The outcome of `inner` to the caller, a worker's death as one sentence."""
        if outer.done() and not outer.cancelled():
            return  # failed with its workers
        try:
            if not outer.set_running_or_notify_cancel():
                return
            error = CancelledError() if inner.cancelled() else inner.exception()
            if error is None:
                outer.set_result(inner.result())
            elif isinstance(error, self._backend.broken):
                outer.set_exception(RuntimeError(self._backend.lost))
            else:
                outer.set_exception(error)
        except InvalidStateError:  # the workers failed in this moment
            pass

    def _fail(self, error: Exception) -> None:
        for future in list(self._unfinished):
            try:
                future.set_exception(error)
            except InvalidStateError:  # finished in this moment
                pass

    def cancel(self) -> None:
        """Cancel all that has not finished; what workers have begun runs on, its result is dropped."""
        for future in list(self._unfinished):
            future.cancel()

    def as_completed(self, fn: Callable, *iterables: Iterable) -> Iterator[tuple[int, Any]]:
        """Results of ``fn`` of the items of the iterables, in the order in which they finish.

        Parameters
        ----------
        fn : callable
        *iterables : iterable
            As for :func:`map`; they may be endless, two items for each worker are drawn ahead of the results.

        Yields
        ------
        index : int
            Position of the item.
        result : object

        Raises
        ------
        Exception
            What a task raised, with its own type and message; all that has not finished is cancelled then, as it is
            when the caller stops asking.
        """
        items = enumerate(zip(*iterables, strict=False))
        pending: dict[Future, int] = {}
        try:
            while True:
                ahead = 1 if self.kind == "serial" else 2 * self.workers
                for index, args in islice(items, max(0, ahead - len(pending))):
                    pending[self.submit(fn, *args)] = index
                if not pending:
                    return
                done, _ = wait(pending, return_when=FIRST_COMPLETED)
                for future in sorted(done, key=pending.__getitem__):
                    index = pending.pop(future)
                    yield index, future.result()
        finally:
            for future in pending:
                future.cancel()

    def map(self, fn: Callable, *iterables: Iterable) -> Iterator[Any]:
        """The same results in the order of the items."""
        early: dict[int, Any] = {}
        following = 0
        for index, result in self.as_completed(fn, *iterables):
            early[index] = result
            while following in early:
                yield early.pop(following)
                following += 1


_UNSHARED: Any = object()


def require_packages(kind: str) -> None:
    """Import what a kind of executor needs, before any work is done for it.

    Raises
    ------
    InputError
        If a package is not installed.
    """
    for package in EXTRAS.get(kind, ()):
        needed(package, f'executor = "{kind}"')


@contextmanager
def make_executor(
    kind: str = "threads", workers: int | None = None, *, shared: Any = _UNSHARED, address: str | None = None
) -> Iterator[Executor]:
    """Start workers, and end them on leaving.

    Parameters
    ----------
    kind : {"threads", "processes", "mpi", "dask", "serial"}
        `threads` of this process; `processes` of this machine, started afresh; `mpi`: the other processes of
        ``mpiexec -n N python -m mpi4py.futures ...``, or workers that are started with ``mpiexec`` if the program was
        started without; `dask`: a Dask scheduler's, or two or more of this machine; `serial`: none, each task is
        computed on submission.
    workers : int, optional
        How many; by default the cores this process may use, at most four, or all that MPI or the scheduler has.
    shared : object, optional
        First argument of every task, sent to each worker once.  Tasks must not change it.
    address : str, optional
        Of a Dask scheduler; by default the environment's ``DASK_SCHEDULER_ADDRESS``, else workers are started here.

    Yields
    ------
    Executor

    Raises
    ------
    InputError
        An unknown kind, a package, library or program that is missing, an object that cannot be sent.

    Notes
    -----
    On an exception, Ctrl-C included, tasks that wait are cancelled.  Processes and workers started here are ended at
    once; a task that already runs on a thread, or on workers that others started, cannot be stopped: nothing waits for
    it, and its result is dropped.  Warnings are shown by the worker that raised them: what the caller has to know
    belongs into the result.
    """
    if kind not in KINDS:
        raise InputError(f"executor = {quote(kind)}: {one_of(kind, KINDS)}")
    if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or workers < 1):
        raise InputError(f"workers = {workers!r} must be a whole number of at least 1")
    if address is not None and kind != "dask":
        raise InputError(f'address = "{address}" is that of a Dask scheduler; it needs executor = "dask", not "{kind}"')
    main = sys.modules.get("__mp_main__")  # of a worker, this is the main script under another name
    if kind not in ("threads", "serial") and getattr(main, "__name__", "") == "__mp_main__":
        raise InputError(
            f'executor = "{kind}" was asked for in a worker, which has read the main script again: '
            'put what the script does under `if __name__ == "__main__":`'
        )
    backend = _start(kind, workers, () if shared is _UNSHARED else (shared,), address)
    executor = Executor(kind, backend)
    try:
        yield executor
    except BaseException:
        executor.cancel()
        backend.abandon()
        raise
    backend.close()


def _start(kind: str, workers: int | None, shared: tuple, address: str | None) -> Workers:
    """Each kind imports its own packages."""
    if kind == "mpi":
        from .executor_mpi import mpi_workers

        return mpi_workers(workers, shared)
    if kind == "dask":
        from .executor_dask import DaskWorkers

        return DaskWorkers(workers, shared, address)
    from .executor_local import Processes, Serial, Threads

    if kind == "serial":
        return Serial(shared)
    return (Threads if kind == "threads" else Processes)(workers or THREADS, shared)
