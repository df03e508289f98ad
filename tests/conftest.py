"""What several files of tests share."""

import gc
import os
import sys
from pathlib import Path

import pytest

os.environ.setdefault("MPLBACKEND", "Agg")  # figures are files here, in the processes that tests start as well
# what tests start would otherwise compile the package anew in every process
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# several tests run side by side: threads of the matrix library that wait for a busy core take ten times the work
os.environ.setdefault("OMP_NUM_THREADS", "1")
# and threads of one interpreter wait for each other: `test_threads.py` looks at what several of them compute
os.environ.setdefault("SIDEJUMP_THREADS", "1")


@pytest.fixture
def empty_folder(tmp_path, monkeypatch):
    """An empty current directory, and a terminal of 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


@pytest.fixture
def pages():
    """Whoever asks for it has figures drawn."""


@pytest.fixture
def threads(monkeypatch):
    """Sets how many threads all sums and searches take; those of the matrix library stay."""

    def have(number):
        for name, module in list(sys.modules.items()):
            if name.startswith("sidejump.") and hasattr(module, "THREADS"):
                monkeypatch.setattr(module, "THREADS", number)

    return have


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are written: with blank pages, where the test does not ask for pages as well."""
    from matplotlib.figure import Figure

    found, save = [], Figure.savefig

    def savefig(figure, *arguments, **keys):
        found.append(figure)
        return save(figure, *arguments, **keys)

    monkeypatch.setattr(Figure, "savefig", savefig)
    return found


@pytest.fixture
def killed():
    """Runs a function in a copy of this process, which needs not load anything, until a signal ends it: which one."""

    def run(function):
        child = os.fork()
        if not child:
            try:
                function()
            finally:
                os._exit(0)  # nothing of what pytest does at its end
        return -os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    return run


@pytest.fixture
def few_points_of_two_green_functions(monkeypatch):
    """For tests of impurities of all orders that do not look at the values of these integrals over all states, which
    take most of the time; what is found on a coarse mesh is not kept for others."""
    from sidejump.interactions import green_pairs

    monkeypatch.setattr(green_pairs, "_WORK", 1.0)
    monkeypatch.setattr(green_pairs, "_integrals", green_pairs._integrals.__wrapped__)


@pytest.fixture(autouse=True)
def blank_pages(request, monkeypatch):
    """A figure is made with all that belongs to it, and its file is a blank page: to draw it takes longer than most
    runs. Tests that ask for pages have it drawn."""
    if "pages" in request.fixturenames:
        return
    from matplotlib.figure import Figure

    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda _, *arguments, **keys: save(Figure((1, 1)), *arguments, **keys))


def pytest_collection_finish():
    """What is loaded by now stays: a tenth of the time of the tests went into looking whether it is garbage."""
    gc.collect()
    gc.freeze()


SLOW = Path(__file__).with_name("slow.txt")


def pytest_collection_modifyitems(config, items):
    """Mark what `slow.txt` lists; refuse lines of it that name nothing in a file that was read whole."""
    listed = {line for line in SLOW.read_text().splitlines() if line and not line.startswith("#")}
    found = {item.nodeid.removeprefix("tests/"): item for item in items}
    for name in listed & found.keys():
        found[name].add_marker(pytest.mark.slow)
    whole = not any("::" in argument for argument in config.args) and not config.option.ignore
    files = {name.split("::")[0] for name in found} if whole else set()
    stale = sorted(name for name in listed - found.keys() if name.split("::")[0] in files)
    if stale:
        raise pytest.UsageError(f"{SLOW.name} lists what is no test any more: {', '.join(stale)}")
