"""A worker of a job that the program started: it says where it can be reached, and works for whoever connects.

mpiexec -n N python -m mpi4py -m sidejump.pairs.mpi_worker
"""

from __future__ import annotations

import multiprocessing.spawn
import os
import threading

PORT = "sidejump listens at "


def main() -> None:
    from mpi4py import MPI
    from mpi4py.futures import MPICommExecutor

    comm = MPI.COMM_WORLD
    first = comm.Get_rank() == 0
    port = ""  # of the first process alone
    if first:
        threading.Thread(target=_end_with_parent, daemon=True).start()
        port = MPI.Open_port()
        print(PORT + port, flush=True)
    with_program = comm.Accept(port)
    if first:
        MPI.Close_port(port)
    everyone = with_program.Merge(high=True)
    with_program.Disconnect()
    multiprocessing.spawn.prepare(everyone.bcast(None))
    with MPICommExecutor(everyone):
        pass
    everyone.Disconnect()


def _end_with_parent() -> None:
    """The program holds the other end of the standard input: its end is the end of the job."""
    while os.read(0, 1):  # not through sys.stdin, whose lock Python wants when it ends
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
