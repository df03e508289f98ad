"""What is imported is installed: by the package, or by the extra that a sentence names where it is missing."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from helpers_inputs import ACOUSTIC_SECTION, RASHBA_SECTION
from sidejump.errors import InputError
from sidejump.extras import EXTRAS, needed
from sidejump.pairs.executor import make_executor

REPOSITORY = Path(__file__).parent.parent
SOURCES = REPOSITORY / "src" / "sidejump"
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
OPTIONAL = {package for packages in EXTRAS.values() for package in packages}


def distributions(requirements) -> set[str]:
    return {re.match(r"[\w-]+", line)[0] for line in requirements}


def modules(distribution: str) -> str:
    return {"pyyaml": "yaml"}.get(distribution, distribution.replace("-", "_"))


@cache
def imported() -> tuple[tuple[str, str, bool], ...]:
    """Name, file, and whether it is at the top of the file, of every import of another package."""
    found = []
    for path in sorted(SOURCES.rglob("*.py")):
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            for name in names:
                first = name.partition(".")[0]
                if first not in sys.stdlib_module_names and first != "sidejump":
                    found.append((first, path.relative_to(SOURCES).as_posix(), node in tree.body))
    return tuple(found)


def test_what_is_imported_is_a_dependency_and_the_other_way_round():
    ours = {modules(name) for name in distributions(PROJECT["dependencies"])}
    used = {name for name, _, _ in imported()} - {"pydantic_core", "mpl_toolkits"}  # parts of pydantic and matplotlib
    # xarray opens files by h5netcdf without our naming it
    assert (ours - {"h5netcdf"}) | OPTIONAL >= used >= (ours - {"h5netcdf"})


def test_extras_are_imported_where_they_are_used():
    assert not [(name, path) for name, path, at_the_top in imported() if name in OPTIONAL and at_the_top]


def test_extras_install_what_the_sentences_say():
    for extra, packages in EXTRAS.items():
        assert {modules(name) for name in distributions(PROJECT["optional-dependencies"][extra])} == set(packages)


@pytest.mark.skipif("CI" not in os.environ, reason="the environment of `make venv` is what the public checks have")
def test_nothing_is_skipped_for_a_package_that_dev_declares():
    """Tests of extras are skipped where a package is missing: of the public checks none is, an MPI library included."""

    def declared(extra):
        for word in PROJECT["optional-dependencies"][extra]:
            requirement = Requirement(word)
            if requirement.name == "sidejump":
                for other in requirement.extras:
                    yield from declared(other)
            elif requirement.marker is None or requirement.marker.evaluate():
                yield requirement

    installed = {requirement.name: metadata.version(requirement.name) for requirement in declared("dev")}
    assert "mpich" in installed
    assert [r.name for r in declared("dev") if installed[r.name] not in r.specifier] == []


@pytest.mark.parametrize(("kind", "package"), [("mpi", "mpi4py"), ("dask", "dask"), ("dask", "distributed")])
def test_a_missing_extra_is_named(monkeypatch, kind, package):
    monkeypatch.setitem(sys.modules, package, None)
    if kind == "dask" and package != "dask":  # which may be missing here as well
        monkeypatch.setitem(sys.modules, "dask", sys)
    with pytest.raises(InputError, match=rf'executor = "{kind}" needs {package}: pip install "sidejump\[{kind}\]"'):
        with make_executor(kind):
            pass


def test_an_extra_that_cannot_be_loaded_says_why(monkeypatch, tmp_path):
    (tmp_path / "mpi4py.py").write_text("raise ImportError('libmpi.so: cannot open shared object file')")
    monkeypatch.delitem(sys.modules, "mpi4py", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match=r"mpi4py \(libmpi.so: cannot open shared object file\)"):
        needed("mpi4py", "x")


RUN = """
import sys
for name in {blocked}:
    sys.modules[name] = None
from sidejump.app.cli import main
print([main(arguments) for arguments in {commands}])
"""


SMALL = f"""{RASHBA_SECTION}{ACOUSTIC_SECTION}
[temperature]
values = [40]

[solver]
energy_nodes = 1
tolerance = 0.3

[solver.expert]
geometry = "shared"
accuracy = 0.3
"""


def without(blocked, *commands, cwd):
    """Exit statuses of commands, one after the other in a process without some packages, and what they said."""
    script = RUN.format(blocked=sorted(blocked), commands=list(commands))
    done = subprocess.run([sys.executable, "-c", script], cwd=cwd, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return ast.literal_eval(done.stdout.splitlines()[-1]), done.stderr


def test_a_run_needs_no_extra(tmp_path):
    (tmp_path / "small.toml").write_text(SMALL)
    statuses, said = without(OPTIONAL, ["init", "dirac"], ["run", "small.toml"], cwd=tmp_path)
    assert statuses == [0, 0], said
    assert (tmp_path / "small.nc").exists() and (tmp_path / "small.png").exists()


def test_nothing_but_drawing_needs_what_draws(tmp_path):
    """The result is written before the figure, and all other commands do without."""
    drawing = {"matplotlib"}
    (tmp_path / "small.toml").write_text(SMALL)
    others = [["init", "dirac"], ["models"], ["info", "x_tb.dat"], ["csv", "x.nc"]]
    statuses, said = without(drawing, *others, ["run", "small.toml"], cwd=tmp_path)
    assert statuses == [0, 0, 2, 2, 2]
    of_others, of_the_run = said.split("estimate: ")
    assert "x.nc" in of_others and "matplotlib" not in of_others
    assert "pip install matplotlib" in of_the_run and (tmp_path / "small.nc").exists()
