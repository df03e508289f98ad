"""Threads, processes, MPI and Dask workers do the same: digits, errors, ends."""

import importlib.util
import os
import signal
import subprocess
import sys
import textwrap
import time
import types
from itertools import count
from pathlib import Path

import numpy as np
import psutil
import pytest

import helpers_executor as tasks
import sidejump as sj
from sidejump import threads
from sidejump.pairs.executor import KINDS, make_executor
from sidejump.pairs.parcel import Parcel, ParcelFile

MATRIX = np.random.default_rng(0).normal(size=(60, 60))
NEEDS = {"mpi": "mpi4py", "dask": "distributed"}
OTHERS = [kind for kind in KINDS if kind != "threads"]
POOLS = ["processes", "mpi", "dask"]


def needs(kind):
    package = NEEDS.get(kind)
    if package and importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")


@pytest.fixture(scope="module")
def executors():
    """Each kind with two workers, started when first asked for: the executor, and how often its object was sent.

    They end with these tests: what waits for work takes time from the others.
    """
    started, contexts = {}, []

    def get(kind):
        needs(kind)
        if kind not in started:
            before = tasks.Shared.sent
            context = make_executor(kind, 2, shared=tasks.Shared(MATRIX))
            contexts.append(context)
            started[kind] = context.__enter__(), tasks.Shared.sent - before
        return started[kind]

    yield get
    for context in contexts:
        context.__exit__(None, None, None)


@pytest.fixture(scope="module")
def expected(executors):
    """By threads."""
    executor, _ = executors("threads")
    return list(executor.map(tasks.levels, range(6))), executor.submit(tasks.hall, 60.0).result()


def same(a, b):
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


@pytest.mark.parametrize("kind", OTHERS)
def test_the_digits_are_those_of_threads(kind, executors, expected):
    executor, _ = executors(kind)
    assert executor.workers == (1 if kind == "serial" else 2)
    found = list(executor.map(tasks.levels, range(6)))
    assert len(found) == 6
    for a, b in zip(found, expected[0], strict=True):
        same(a, b)
    run = executor.submit(tasks.hall, 60.0).result()
    assert np.abs(run["sigma_side_jump"]).max() > 0
    same(run, expected[1])
    assert set(executor.submit(tasks.threads_of_matrices).result()) == {1}


@pytest.mark.parametrize("kind", KINDS)
def test_the_shared_object_is_sent_once_per_worker(kind, executors):
    executor, at_start = executors(kind)
    before = tasks.Shared.sent
    found = {result for _, result in executor.as_completed(tasks.arrivals, range(30))}
    assert tasks.Shared.sent == before, "the object goes with the tasks"
    processes = {process for process, _, _ in found}
    if kind in ("threads", "serial"):
        assert processes == {os.getpid()} and at_start == 0
        return
    assert len(processes) == 2 and os.getpid() not in processes
    assert {made for _, made, _ in found} == {1}, "an object that arrived more than once"
    assert all(writeable for _, _, writeable in found)
    assert 1 <= at_start <= 2


@pytest.mark.parametrize("kind", KINDS)
def test_errors_of_tasks_keep_type_and_message(kind, executors):
    executor, _ = executors(kind)
    with pytest.raises(sj.InputError, match="the mass is negative"):
        executor.submit(tasks.wrong, sj.InputError("the mass is negative")).result()
    with pytest.raises(ZeroDivisionError, match="by nothing"):
        list(executor.map(tasks.wrong, [ZeroDivisionError("by nothing")] * 9))
    with pytest.raises((tasks.TwoWords, RuntimeError), match="one and other"):
        executor.submit(tasks.two_words).result()
    assert executor.submit(tasks.wait, 0).result() == 0, "the executor lives on"


@pytest.mark.parametrize("kind", ["threads", *POOLS])
def test_results_come_as_they_finish_and_the_rest_is_cancelled(kind, executors):
    executor, _ = executors(kind)
    executor.submit(tasks.wait, 0).result()
    first = next(executor.as_completed(tasks.wait, [0.6, 0.0]))
    assert first == (1, 0.0)
    assert list(executor.map(tasks.wait, [0.1, 0.0, 0.05])) == [0.1, 0.0, 0.05]
    drawn = count()
    stream = executor.as_completed(tasks.wait, (0.001 * (next(drawn) >= 0) for _ in count()))
    assert len([next(stream) for _ in range(10)]) == 10
    stream.close()
    assert next(drawn) <= 10 + 4, "tasks are drawn as workers get free"
    futures = [executor.submit(tasks.wait, 1.0) for _ in range(40)]
    start = time.monotonic()
    executor.cancel()
    assert executor.submit(tasks.wait, 0).result() == 0
    assert time.monotonic() - start < 10, "cancelled tasks were computed"
    assert all(future.cancelled() for future in futures)


@pytest.mark.parametrize("kind", ["processes", "mpi"])
def test_what_cannot_be_sent_is_said(kind, executors):
    executor, _ = executors(kind)
    with pytest.raises(sj.InputError, match=f'"{kind}".*a task cannot be sent.*top of a module.*"threads"'):
        executor.submit(lambda shared: None)
    with pytest.raises(sj.InputError, match=f'"{kind}".*the study cannot be sent'):
        with make_executor(kind, 2, shared=lambda: None):
            pass


def test_a_worker_that_reads_the_main_script_again_says_what_it_lacks(monkeypatch):
    """As every new process does: a script without ``if __name__ == "__main__":`` starts workers of workers there."""
    monkeypatch.setitem(sys.modules, "__mp_main__", types.ModuleType("__mp_main__"))
    with pytest.raises(sj.InputError, match="put what the script does under `if __name__ =="):
        with make_executor("processes"):
            pass


def test_a_killed_process_is_one_sentence():
    with pytest.raises(RuntimeError, match=r"worker process .* ended before its task was done.*fewer workers"):
        with make_executor("processes", 1, shared=0) as executor:
            list(executor.map(tasks.die, [None, None, None]))


def test_dask_replaces_a_killed_worker(executors, tmp_path):
    executor, _ = executors("dask")
    assert executor.submit(tasks.die, str(tmp_path / "marker")).result() == "survived"
    assert len(list(executor.map(tasks.levels, range(4)))) == 4


PROGRAM = """
    import sys
    import helpers_executor as tasks
    from sidejump.pairs.executor import make_executor

    if __name__ == "__main__":
        kind = sys.argv[1]
        found = []
        try:
            with make_executor(kind, {workers}, shared=0) as executor:
                {body}
        except {error} as error:
            print("stopped after", found, error, flush=True)
"""
INTERRUPTED = """for _, result in executor.as_completed(tasks.wait, [0.0, 0.1, 60.0, 60.0, 60.0, 60.0]):
                    found.append(result)
                    print("result", result, flush=True)"""
KILLED = """for _, result in executor.as_completed(tasks.die, [None]):
                    print("result", result, flush=True)"""


def program(folder, body, error, workers=1):
    path = folder / "program.py"
    path.write_text(textwrap.dedent(PROGRAM.format(body=body, error=error, workers=workers)))
    tests = str(Path(__file__).parent)
    return path, os.environ | {"PYTHONPATH": os.pathsep.join([tests, os.environ.get("PYTHONPATH", "")])}


@pytest.mark.parametrize("kind", ["threads", *POOLS])
def test_ctrl_c_keeps_what_is_finished_and_leaves_nothing_behind(kind, tmp_path):
    needs(kind)
    path, environment = program(tmp_path, INTERRUPTED, "KeyboardInterrupt")
    run = subprocess.Popen(
        [sys.executable, path, kind],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    lines = [run.stdout.readline() for _ in range(2)]
    assert lines == ["result 0.0\n", "result 0.1\n"], run.stderr.read()
    children = psutil.Process(run.pid).children(recursive=True)
    assert len(children) >= (0 if kind == "threads" else 1)
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does: to everyone
    said, errors = run.communicate(timeout=45)
    assert said == "stopped after [0.0, 0.1] \n"
    assert errors == ""
    assert run.returncode == (130 if kind in ("threads", "mpi") else 0), "tasks of a minute were waited for"
    _, alive = psutil.wait_procs(children, timeout=5)
    assert not alive


def test_a_killed_program_leaves_no_processes_behind(tmp_path):
    """In the middle of tasks of a minute, without a word to them."""
    path, environment = program(tmp_path, INTERRUPTED, "KeyboardInterrupt", workers=2)
    with subprocess.Popen(
        [sys.executable, path, "processes"], env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as run:
        assert run.stdout.readline() == "result 0.0\n"
        children = psutil.Process(run.pid).children(recursive=True)
        assert len(children) >= 2
        run.kill()
        _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive


def test_a_killed_mpi_worker_is_one_sentence(tmp_path):
    needs("mpi")
    path, environment = program(tmp_path, KILLED, "RuntimeError")
    done = subprocess.run(
        [sys.executable, path, "mpi"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.startswith('stopped after [] a worker of executor = "mpi" ended'), done
    assert done.returncode == 1 and "Traceback" not in done.stderr


def test_processes_of_mpiexec(tmp_path, expected):
    needs("mpi")
    body = 'for x in executor.map(tasks.hall, [60.0]): print(executor.workers, x["sigma_side_jump"].tobytes().hex())'
    path, environment = program(tmp_path, body, "RuntimeError", workers=2)
    mpiexec = [Path(sys.executable).with_name("mpiexec"), "-n", "3", sys.executable]
    options = {"env": environment, "capture_output": True, "text": True, "timeout": 60, "check": False}
    done = subprocess.run([*mpiexec, "-m", "mpi4py.futures", path, "mpi"], **options)
    assert done.stdout == f"2 {expected[1]['sigma_side_jump'].tobytes().hex()}\n", done


@pytest.mark.parametrize("kind", ["mpi", "dask"])
def test_a_missing_package_names_its_extra(kind, monkeypatch):
    monkeypatch.setitem(sys.modules, NEEDS[kind], None)
    with pytest.raises(sj.InputError, match=rf'"{kind}" needs .*pip install "sidejump\[{kind}\]"$'):
        with make_executor(kind):
            pass


@pytest.mark.parametrize("kind", ["mpi", "dask"])
def test_it_is_named_before_the_work(kind, monkeypatch):
    """Not after symmetry and cost of a large crystal were found."""
    monkeypatch.setitem(sys.modules, NEEDS[kind], None)
    monkeypatch.setattr("sidejump.app.run.first_cost", lambda case: pytest.fail("the estimate had begun"))
    case = {
        "electrons": {"model": "massive_dirac", "mass": 0.1, "velocity": 3.0, "chemical_potential": 0.2},
        "scattering": [{"kind": "impurity", "correlation": "zero_range", "density": 1e11, "strength": 1.0}],
        "temperature": {"values": [40]},
        "solver": {"executor": kind},
    }
    with pytest.raises(sj.InputError, match=rf'"{kind}" needs .*pip install "sidejump\[{kind}\]"$'):
        sj.run(case)


@pytest.mark.parametrize(
    "given, words",
    [
        ({"kind": "slurm"}, 'executor = "slurm": use "threads", "processes", "mpi", "dask" or "serial"'),
        ({"kind": "threads", "workers": 0}, "workers = 0 must be a whole number"),
        ({"kind": "threads", "workers": 1.5}, "workers = 1.5 must be a whole number"),
        ({"kind": "mpi", "address": "tcp://a:1"}, 'needs executor = "dask"'),
    ],
)
def test_wrong_words_and_numbers(given, words):
    with pytest.raises(sj.InputError, match=words):
        with make_executor(**given):
            pass


def test_the_workers_of_a_scheduler(monkeypatch):
    """One that is not there, one that has no workers, one that has some."""
    needs("dask")
    import dask
    import distributed

    with dask.config.set({"distributed.comm.timeouts.connect": "0.5s"}):
        monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://127.0.0.1:9")
        with pytest.raises(sj.InputError, match=r'no scheduler at "tcp://127.0.0.1:9".*DASK_SCHEDULER_ADDRESS'):
            with make_executor("dask"):
                pass
    with distributed.LocalCluster(n_workers=0, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster:
        monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", cluster.scheduler_address)
        with dask.config.set({"distributed.comm.timeouts.connect": "0.5s"}):
            with pytest.raises(sj.InputError, match="fewer than 2 workers"):
                with make_executor("dask", 2):
                    pass
        cluster.scale(1)
        for matrix in (MATRIX, 2 * MATRIX):  # the workers outlive an executor
            with make_executor("dask", shared=tasks.Shared(matrix)) as executor:
                assert executor.workers == 1
                same(executor.submit(tasks.levels, 3).result(), tasks.levels(tasks.Shared(matrix), 3))
        with make_executor("dask", shared=0) as executor:
            with pytest.raises(RuntimeError, match=r"lost a task with its workers.*more memory"):
                executor.submit(tasks.die, None).result(timeout=60)
        with distributed.Client(cluster, set_as_default=False) as client:
            client.wait_for_workers(1, timeout=30)  # Dask fails to close one that it is just starting again


def test_a_parcel_arrives_as_it_was(tmp_path):
    rng = np.random.default_rng(1)
    given = {
        "a": rng.normal(size=(7, 3)),
        "b": np.asfortranarray(rng.normal(size=(4, 5)) + 1j),
        "c": rng.normal(size=(6, 6))[::2, ::2],
        "none": np.empty((0, 3)),
        "end": np.arange(3, dtype=np.int8),
        "word": "text",
    }
    parcel = Parcel.pack("processes", given)
    file = ParcelFile.write(parcel, tmp_path / "parcel")
    first, second = file.open(), file.open()
    for name, value in given.items():
        assert type(first[name]) is type(value)
        np.testing.assert_array_equal(first[name], value)
    first["a"][:] = 0.0  # of this one alone
    np.testing.assert_array_equal(second["a"], given["a"])
    np.testing.assert_array_equal(file.open()["a"], given["a"])


def test_processes_tell_what_they_do_and_share_the_cores(executors):
    executor, _ = executors("processes")
    heard = []
    executor.told = heard.append
    threads_of_each = set(executor.map(tasks.steps, range(4)))
    assert threads_of_each == {threads.share(2)} and max(threads_of_each) <= max(1, threads.usable_cores() // 2)
    end = time.monotonic() + 10
    while len(heard) < 12 and time.monotonic() < end:  # on a thread of its own, perhaps after the results
        time.sleep(0.01)
    assert sorted(heard) == [(number, step) for number in range(4) for step in range(3)]


@pytest.mark.parametrize(("given", "number"), [("3", 3), ("0", None), ("many", None)])
def test_threads_of_the_environment(monkeypatch, given, number):
    """What the user sets is for this process and those that it starts together; what is no number is as nothing."""
    monkeypatch.setenv(threads.VARIABLE, given)
    cores = threads.usable_cores()
    assert threads.share(1) == (number or min(threads.PARTS, cores))
    assert threads.share(number or cores) == threads.share(100) == 1
    with threads.divided(number or cores):
        assert os.environ[threads.VARIABLE] == "1"
    assert os.environ[threads.VARIABLE] == given
