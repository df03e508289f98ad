"""The rooms of the package: imports run one way, and `import sidejump` is cheap."""

import ast
import importlib
import subprocess
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import sidejump

ROOT = Path(sidejump.__file__).parent

ORDER = [
    "errors",
    "notebook",
    "extras",
    "units",
    "threads",
    "freed",
    "text_numbers",
    "files",
    "outputs",
    "result",
    "rules",
    "bands",
    "groups",
    "wannier",
    "formats",
    "interop",
    "symmetrize",
    "energy",
    "surfaces",
    "intrinsic",
    "interactions",
    "interactions.first_principles",
    "pairs",
    "kinetics",
    "transport",
    "accuracy",
    "reference",
    "experiment",
    "plot",
    "app",
    "",  # sidejump/__init__.py: the public names
    "__main__",
]
"""From bottom to top: a room imports from those above it in this list only."""

DATA = {"gallery_cases"}
"""Folders of files that are copied to users, Python files of models among them."""


def modules(root: Path) -> dict[str, Path]:
    """Path of every module by its name without `sidejump`; a package has the name of its folder."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if DATA & set(parts):
            continue
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def import_statements(text: str) -> list[ast.Import | ast.ImportFrom]:
    """Those of a module, parsed once for all copies of the package."""
    return [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import | ast.ImportFrom)]


def imports(name: str, path: Path, known) -> set[str]:
    """Modules that one imports, wherever in it: at the top, in functions, for type checkers only."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for node in import_statements(path.read_text()):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name.split(".")[0] == "sidejump"]
            found |= {full.partition(".")[2] for full in names}
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                parts = package.split(".") if package else []
                parts = parts[: len(parts) - node.level + 1] + (node.module.split(".") if node.module else [])
            elif node.module and node.module.split(".")[0] == "sidejump":
                parts = node.module.split(".")[1:]
            else:
                continue
            for alias in node.names:
                full = ".".join([*parts, alias.name])
                found.add(full if full in known else ".".join(parts))
    return found


def room(name: str) -> str:
    """The longest entry of the list that a module lies in."""
    inside = [entry for entry in ORDER if name == entry or (entry and name.startswith(f"{entry}."))]
    assert inside, f"{name} is in none of the rooms of this test"
    return max(inside, key=len)


def upward(root: Path) -> list[str]:
    """Imports from a room higher up."""
    known = modules(root)
    return [
        f"{name} imports {other}"
        for name, path in known.items()
        for other in sorted(imports(name, path, known))
        if ORDER.index(room(other)) > ORDER.index(room(name))
    ]


def circle(root: Path) -> list[str]:
    """Modules that import each other in a circle, or nothing."""
    known = modules(root)
    graph = {name: imports(name, path, known) - {name} for name, path in known.items() if name}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_import_runs_up():
    assert set(ORDER) == {room(name) for name in modules(ROOT)}
    assert upward(ROOT) == []


def test_no_circle_of_modules():
    assert circle(ROOT) == []


@pytest.mark.parametrize(
    "line",
    [
        "from ..interactions.base import Scatterer",
        "from .. import interactions",
        "import sidejump.interactions.base",
        "from sidejump.app import run",
        "def later():\n    from ..app import run",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..pairs.block import Block",
        "from .. import MassiveDirac",
    ],
)
def test_an_import_that_runs_up_is_found(tmp_path, line):
    """In a room at the bottom, of a package that has a room at the top."""
    for name in ("__init__", "bands/__init__", "interactions/__init__", "interactions/base", "pairs/block", "app/run"):
        copy = (tmp_path / name).with_suffix(".py")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text("from ..errors import InputError\n" if "/" in name and "_" not in name else "")
    (tmp_path / "errors.py").write_text("")
    (tmp_path / "bands" / "base.py").write_text(f"from ..errors import InputError\n{line}\n")
    [found] = upward(tmp_path)
    assert found.startswith("bands.base imports ")


def test_a_circle_is_found(tmp_path):
    (tmp_path / "bands").mkdir()
    (tmp_path / "bands" / "a.py").write_text("from .b import x")
    (tmp_path / "bands" / "b.py").write_text("def f():\n    from . import a")
    assert set(circle(tmp_path)) == {"bands.a", "bands.b"}


def test_public_names_are_there():
    for name in (*sidejump.__all__, "__version__"):
        assert getattr(sidejump, name) is getattr(sidejump, name)
        assert name in dir(sidejump)
    assert set(sidejump._PLACE) == set(sidejump.__all__)
    for name in sidejump._MODULES:
        assert getattr(sidejump, name) is importlib.import_module(f"sidejump.{name}")
    assert not hasattr(sidejump, "no_such_name")


def test_type_checkers_see_the_public_names():
    """What the block for type checkers imports is what is imported when a name is asked for."""
    tree = ast.parse((ROOT / "__init__.py").read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    assert seen == sidejump._PLACE
    assert (ROOT / "py.typed").exists()


@pytest.mark.parametrize("start", ["import sidejump", "import sidejump.app.cli"])
def test_a_start_imports_nothing_heavy(start):
    """Names of the command line and of the package cost what they cost when they are used, not before."""
    script = f"import sys; {start}; print(*sorted({{m.partition('.')[0] for m in sys.modules}}))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    heavy = {"numpy", "scipy", "xarray", "matplotlib", "pydantic", "h5py", "spglib", "rich", "pandas"}
    assert heavy & set(loaded.stdout.split()) == set()
