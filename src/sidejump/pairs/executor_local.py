"""Workers of this machine: none, threads, processes."""

from __future__ import annotations

import multiprocessing
import signal
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from threadpoolctl import threadpool_limits

from ..threads import divided
from .leaving import end_without
from .parcel import Parcel, ParcelFile, sendable
from .worker import NOTHING, prepare, process_number, run_pickled


class Serial:
    """No worker: a task is done when it is submitted."""

    count = 1
    broken: tuple[type[BaseException], ...] = ()
    lost = ""
    fail: Callable[[Exception], None]
    told: Callable[[Any], None]

    def __init__(self, shared: tuple):
        self._shared = shared
        self._limit = threadpool_limits(1)

    def submit(self, fn: Callable, args: tuple) -> Future:
        future: Future = Future()
        try:
            future.set_result(fn(*self._shared, *args))
        except Exception as error:
            future.set_exception(error)
        return future

    def close(self) -> None:
        self._limit.restore_original_limits()

    abandon = close


class Threads:
    """Threads of this process; array operations and matrix products release the interpreter's lock."""

    broken: tuple[type[BaseException], ...] = ()
    lost = ""
    fail: Callable[[Exception], None]
    told: Callable[[Any], None]

    def __init__(self, workers: int, shared: tuple):
        self.count = workers
        self._shared = shared
        self._limit = threadpool_limits(1)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="sidejump")
        self._futures: set[Future] = set()

    def submit(self, fn: Callable, args: tuple) -> Future:
        future = self._pool.submit(fn, *self._shared, *args)
        self._futures.add(future)
        future.add_done_callback(self._futures.discard)
        return future

    def close(self) -> None:
        self._pool.shutdown()
        self._limit.restore_original_limits()

    def abandon(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        end_without(lambda: bool(self._futures))
        self._limit.restore_original_limits()


class Processes:
    """New processes of this machine: a fork would copy the locks of the matrix library's threads."""

    broken: tuple[type[BaseException], ...] = (BrokenProcessPool,)
    lost = (
        'a worker process of executor = "processes" ended before its task was done: killed, or out of memory '
        '(use fewer workers), or started by a script that lacks `if __name__ == "__main__":`'
    )
    fail: Callable[[Exception], None]
    told: Callable[[Any], None]

    def __init__(self, workers: int, shared: tuple):
        self.count = workers
        self._token = uuid.uuid4().hex
        parcel = Parcel.pack("processes", shared[0]) if shared else None
        self._folder = TemporaryDirectory(prefix="sidejump-")
        file = ParcelFile.write(parcel, Path(self._folder.name) / "shared") if parcel else NOTHING
        messages, self._way = multiprocessing.Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(
            workers, multiprocessing.get_context("spawn"), initializer=prepare, initargs=(self._token, file, self._way)
        )
        others = set(multiprocessing.active_children())
        with divided(workers), deaf_children():
            for _ in range(workers):  # the pool starts a process with each task as long as all are busy
                self._pool.submit(process_number)
        self._processes = set(multiprocessing.active_children()) - others
        threading.Thread(target=self._listen, args=(messages,), daemon=True, name="messages of workers").start()

    def submit(self, fn: Callable, args: tuple) -> Future:
        return self._pool.submit(run_pickled, self._token, sendable("processes", "a task", (fn, args)))

    def _listen(self, messages) -> None:
        with messages, suppress(EOFError, OSError):
            while True:
                message = messages.recv()
                self.told(message)  # looked up when there is something to say: it is set after the start

    def close(self) -> None:
        self._pool.shutdown()
        self._end()

    def abandon(self) -> None:
        for process in self._processes:
            process.terminate()
        self._pool.shutdown(cancel_futures=True)
        self._end()

    def _end(self) -> None:
        self._way.close()  # those of the workers have gone: there is no more to hear
        self._folder.cleanup()


@contextmanager
def deaf_children() -> Iterator[None]:
    """Children started here are born with Ctrl-C blocked: they end when their parent says so, and say nothing."""
    if not hasattr(signal, "pthread_sigmask"):  # not on this system
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
