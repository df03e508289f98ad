"""What names something names something that is there: docstrings, documentation, benchmarks."""

import importlib
import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md"))]
CODE = sorted(path for room in ("src", "benchmarks", "examples", "tests") for path in (ROOT / room).rglob("*.py"))


def is_there(name: str) -> bool:
    """Whether a dotted name is a module of the package or something within one."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[end:]:
            found = getattr(found, attribute, None)
        return found is not None
    return False


def test_names_in_docstrings():
    assert is_there("sidejump.transport.settings.TransportSettings") and not is_there("sidejump.shells.placement")
    role = re.compile(r":(?:mod|class|func|meth|data|attr):`~?(sidejump[\w.]*)`")
    named = {name: path for path in [*TEXTS, *CODE] for name in role.findall(path.read_text())}
    assert len(named) > 10
    assert not {name: str(path) for name, path in named.items() if not is_there(name)}


def test_files_named_in_the_documentation():
    file = re.compile(r"(?:benchmarks|examples|tests|docs|src/sidejump)/[\w/]+\.(?:py|toml|txt|jsonl|md)\b")
    named = {
        name: path for path in [*TEXTS, *CODE] if path != Path(__file__) for name in file.findall(path.read_text())
    }
    assert len(named) > 20
    assert not {name: str(path) for name, path in named.items() if not (ROOT / name).exists()}


@pytest.mark.parametrize("path", sorted(ROOT.glob("benchmarks/*.py")), ids=lambda path: path.stem)
def test_benchmarks_find_what_they_import(path, monkeypatch):
    """They are run by hand, long after the code that they use has moved."""
    monkeypatch.syspath_prepend(str(path.parent))
    assert runpy.run_path(str(path), run_name="imported")["__doc__"]
