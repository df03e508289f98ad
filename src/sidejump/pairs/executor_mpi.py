"""MPI processes as workers.

Two ways lead to them.  Under ``mpiexec -n N python -m mpi4py.futures program`` the first process runs the program and
the others wait for tasks.  Without ``mpiexec`` the workers are a job of their own, started here and joined through a
port of MPI: MPI ends a job that has lost a process, and spawned workers would take the program with them.
"""

from __future__ import annotations

import multiprocessing.spawn
import os
import shutil
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..extras import needed
from ..threads import THREADS, divided
from .leaving import end_without
from .parcel import Parcel, sendable
from .worker import NOTHING, prepare, run_pickled

_STOP_SECONDS = 20.0


def mpi_workers(workers: int | None, shared: tuple) -> WorldWorkers | JobWorkers:
    """Workers among the processes of this program's ``mpiexec``, else a job of workers."""
    mpi = _mpi()
    parcel = Parcel.pack("mpi", shared[0]) if shared else NOTHING
    size = mpi.COMM_WORLD.Get_size()
    if "mpi4py.futures" in sys.orig_argv:
        if size == 1:
            raise InputError(
                'executor = "mpi" has no workers: mpi4py.futures was started with one process; '
                "write mpiexec -n N python -m mpi4py.futures ... with N of at least 2, or leave both out"
            )
        if workers not in (None, size - 1):
            raise InputError(f"workers = {workers}, but mpiexec -n {size} gives {size - 1}: leave the number out")
        return WorldWorkers(size - 1, parcel)
    if size > 1:
        raise InputError(
            f'executor = "mpi": each of the {size} processes of mpiexec runs the whole program; '
            f"write mpiexec -n {size} python -m mpi4py.futures PROGRAM (-m sidejump for the command line)"
        )
    return JobWorkers(workers or THREADS, parcel)


def _mpi() -> Any:
    needed("mpi4py", 'executor = "mpi"')
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        raise InputError(
            f'executor = "mpi": mpi4py finds no MPI library ({str(error).splitlines()[0]}); '
            "load your machine's, or pip install mpich"
        ) from error
    return MPI


class _MPIWorkers:
    """What both ways have in common: tasks go to a pool of mpi4py."""

    broken: tuple[type[BaseException], ...] = (BrokenExecutor,)
    lost = (
        'a worker of executor = "mpi" ended before its task was done, and MPI ended the others with it: killed, or out '
        "of memory (use fewer workers on each machine), or started by a script that lacks "
        '`if __name__ == "__main__":`'
    )
    fail: Callable[[Exception], None]
    told: Callable[[Any], None]
    _pool: Any

    def __init__(self, count: int):
        self.count = count
        self._token = uuid.uuid4().hex

    def submit(self, fn: Callable, args: tuple) -> Future:
        return self._pool.submit(run_pickled, self._token, sendable("mpi", "a task", (fn, args)))


class WorldWorkers(_MPIWorkers):
    """The other processes of ``mpiexec -n N python -m mpi4py.futures``."""

    def __init__(self, count: int, parcel):
        from mpi4py.futures import MPIPoolExecutor

        super().__init__(count)
        self._pool = MPIPoolExecutor(initializer=prepare, initargs=(self._token, parcel))
        self._pool.bootup()

    def close(self) -> None:
        self._pool.shutdown()

    def abandon(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


class JobWorkers(_MPIWorkers):
    """A job of workers started with ``mpiexec``, see :mod:`sidejump.pairs.mpi_worker`."""

    def __init__(self, count: int, parcel):
        from mpi4py import MPI
        from mpi4py.futures import MPICommExecutor

        super().__init__(count)
        self._ending = False
        self._job = _start_job(count)
        port = _port(self._job)
        with_workers = MPI.COMM_SELF.Connect(port)
        self._comm = with_workers.Merge(high=False)
        with_workers.Disconnect()
        self._comm.bcast(_surroundings())
        self._context = MPICommExecutor(self._comm, initializer=prepare, initargs=(self._token, parcel))
        self._pool = self._context.__enter__()
        threading.Thread(target=self._watch, daemon=True, name="MPI workers").start()

    def _watch(self) -> None:
        assert self._job.stdout is not None
        for _ in self._job.stdout:  # what mpiexec says of processes that were killed
            pass
        self._job.wait()
        if not self._ending:
            self.fail(RuntimeError(self.lost))

    def submit(self, fn: Callable, args: tuple) -> Future:
        if self._job.poll() is not None:
            raise RuntimeError(self.lost)
        return super().submit(fn, args)

    def close(self) -> None:
        if self._job.poll() is not None:
            return self.abandon()
        self._ending = True
        self._context.__exit__(None, None, None)
        self._comm.Disconnect()
        _wait(self._job)

    def abandon(self) -> None:
        self._ending = True
        self._job.terminate()
        _wait(self._job)
        # mpi4py's thread waits for results that no one computes any more
        self._pool.shutdown(wait=False, cancel_futures=True)
        end_without(lambda: True)


def _start_job(count: int) -> subprocess.Popen:
    """``mpiexec`` of this environment before that of the PATH: it has to be of the library that mpi4py has loaded."""
    mpiexec = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which("mpiexec")
    if mpiexec is None:
        raise InputError(
            'executor = "mpi" starts its workers with mpiexec, which is not on the PATH; '
            "load your machine's MPI, or pip install mpich"
        )
    # a process that mpiexec itself started, with no other beside it, must not pass on its place in that job
    place = ("PMI", "HYDI_", "OMPI_COMM_WORLD", "PMIX_")
    with divided(count):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(place)}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    command = [mpiexec, "-n", str(count), sys.executable, "-m", "mpi4py", "-m", "sidejump.pairs.mpi_worker"]
    return subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.PIPE,  # closed when this process ends, however it ends
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for this process
    )


def _wait(job: subprocess.Popen) -> None:
    try:
        job.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        job.kill()
        job.wait()


def _port(job: subprocess.Popen) -> str:
    from .mpi_worker import PORT

    assert job.stdout is not None
    for line in job.stdout:
        if line.startswith(PORT):
            return line.removeprefix(PORT).strip()
    raise RuntimeError(f'the workers of executor = "mpi" did not start: mpiexec ended with status {job.wait()}')


def _surroundings() -> dict:
    """Folders of modules and the main module, as for processes of :mod:`multiprocessing`."""
    data = multiprocessing.spawn.get_preparation_data("MPI worker")
    wanted = ("sys_path", "sys_argv", "dir", "orig_dir", "init_main_from_name", "init_main_from_path")
    return {name: data[name] for name in wanted if name in data}
