"""The Python blocks of the README and of the documentation run as they are printed, page by page."""

import ast
import importlib.util
import io
import re
import subprocess
import sys
import tokenize
from html.parser import HTMLParser
from importlib import import_module
from inspect import signature
from pathlib import Path

import pytest

import sidejump as sj
from sidejump.app import results

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
WITH_OUTPUT = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
"""A block, and the one behind it that has what it prints."""

NUMBER = re.compile(r"(?<![\w^/.+-])[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?(?!\w)")
"""None of a name or a power of a unit."""
WITH_CODE = [page for page in PAGES if BLOCK.search(page.read_text())]


@pytest.fixture(scope="module")
def stand_in():
    """A small result in place of iron's, for pages that read one."""
    model = sj.MassiveDirac(mass=0.1, velocity=3.0)
    phonons = sj.acoustic_deformation_potential(
        deformation_potential=5.0, sound_velocity=2000.0, mass_density=7.6e-7, dimension=2
    )
    return sj.anomalous_hall(model, phonons, chemical_potential=0.2, temperatures=[20, 60], energy_nodes=1)


@pytest.mark.parametrize("page", WITH_CODE, ids=[p.name for p in WITH_CODE])
def test_python_blocks_run(page, stand_in, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    results.write(stand_in, tmp_path / "results" / "iron.nc")
    carriers = stand_in.assign(mobility=stand_in.sigma_boltzmann, carrier_density=stand_in.onsager_violation)
    results.write(carriers, tmp_path / "results" / "gaas.nc")
    said: dict[int, str] = {}

    def note(*values, sep=" ", **_):
        line = sys._getframe(1).f_lineno
        said[line] = f"{said.get(line, '')} {sep.join(map(str, values))}"

    namespace: dict = {"print": note}
    for block, output in WITH_OUTPUT.findall(page.read_text()):
        said.clear()
        exec(compile(block, str(page), "exec"), namespace)
        for line, text in said.items():
            assert_says(promised(block, line), text, f"{page.name}: {block.splitlines()[line - 1]}", whole=False)
        if output:
            assert_says(output, " ".join(said.values()), page.name)


def promised(block, line):
    """The numbers that a comment behind a line begins with."""
    for token in tokenize.generate_tokens(io.StringIO(block).readline):
        if token.type == tokenize.COMMENT and token.start[0] == line:
            words = [word.strip("[],:") for word in token.string.lstrip("# ").split()]
            count = next((i for i, word in enumerate(words) if not NUMBER.fullmatch(word)), len(words))
            return " ".join(words[:count])
    return ""


def assert_says(page, printed, where, whole=True):
    """The numbers of a page are those that are printed, to the last digit of the page or within two of its error bars.

    `whole`: all that is printed is on the page; otherwise the page has its beginning.
    """
    wanted, found = (list(NUMBER.finditer(text)) for text in (page, printed))
    assert len(wanted) == len(found) if whole else len(wanted) <= len(found), (where, page, printed)
    for i, (one, other) in enumerate(zip(wanted, found, strict=False)):
        digits, _, power = one[0].partition("e")
        room = 10.0 ** (int(power or 0) - len(digits.partition(".")[2]))
        if page[one.end() :].lstrip().startswith("+-"):
            room = max(room, 2 * float(wanted[i + 1][0]))
        assert abs(float(one[0]) - float(other[0])) <= room * (1 + 1e-9), (where, one[0], other[0])


def test_numbers_that_a_page_has_wrong_are_found():
    assert_says("a = 1.20 +- 0.05", "a = 1.29 +- 0.054", "")
    assert_says("-1 0.00", "[-1.0001, -3e-9]", "")
    assert_says("2.30", "2.304 0.138", "", whole=False)
    for page, printed in (("0.25", "0.27"), ("1.2 +- 0.1", "1.5 +- 0.1"), ("1 2", "1"), ("5e-4", "7e-4")):
        with pytest.raises(AssertionError):
            assert_says(page, printed, "")
    block = "a = 1\nprint(a)  # 1, 2.5e-3 e^2/h\nprint(a)  # of e^2\n"
    assert [promised(block, line) for line in (1, 2, 3)] == ["", "1 2.5e-3", ""]


def test_what_python_blocks_name_is_there():
    """Of all pages, those that run in the long suite alone among them."""
    count = 0
    for page in WITH_CODE:
        for node in (node for block in BLOCK.findall(page.read_text()) for node in ast.walk(ast.parse(block))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "sj":
                assert hasattr(sj, node.attr), f"{page.name} names sj.{node.attr}"
                count += 1
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sidejump"):
                for alias in node.names:
                    assert hasattr(import_module(node.module), alias.name), f"{page.name} imports {alias.name}"
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                called = getattr(sj, node.func.attr, None) if ast.unparse(node.func.value) == "sj" else None
                if not callable(called):
                    continue
                parameters = signature(called).parameters
                if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
                    unknown = {keyword.arg for keyword in node.keywords} - parameters.keys() - {None}
                    assert not unknown, f"{page.name} gives {node.func.attr} {unknown}"
    assert count >= 100


def test_the_first_block_is_a_run_in_under_ten_lines():
    text = (ROOT / "README.md").read_text()
    block = BLOCK.findall(text)[0]
    assert "anomalous_hall" in block and len(block.strip().splitlines()) < 10


def test_the_landing_page_makes_its_picture_in_ten_lines():
    block = BLOCK.findall((ROOT / "docs" / "index.md").read_text())[0]
    assert len(block.strip().splitlines()) <= 11 and "savefig" in block


def test_every_name_in_a_result_is_on_its_page(stand_in):
    names = set(re.findall(r"`(\w+)`", (ROOT / "docs" / "results.md").read_text()))
    missing = (set(stand_in.attrs) | set(stand_in.variables)) - names
    assert not missing, f"docs/results.md lacks {sorted(missing)}"


def test_files_that_pages_name_exist():
    for page in PAGES:
        text = page.read_text()
        for name in re.findall(r"`(examples/[\w.]+|data/[\w./]+)`", text):
            assert (ROOT / name).exists(), f"{page.name} names {name}"
        for target in re.findall(r"\]\(((?!http)[\w./]+\.(?:md|png))[#)]", text):
            assert (page.parent / target).exists(), f"{page.name} links {target}"
        assert "<!--" not in text, f"{page.name} has a placeholder"


class _Fetched(HTMLParser):
    """What a browser fetches when it shows a page."""

    def __init__(self):
        super().__init__()
        self.names: list[str] = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag in ("script", "img", "iframe", "source", "video") and given.get("src"):
            self.names.append(given["src"])
        fetched = ("stylesheet", "icon", "preload", "preconnect", "prefetch", "dns-prefetch")
        if tag == "link" and given.get("rel") in fetched:
            self.names.append(given["href"])


needs_mkdocs = pytest.mark.skipif(
    importlib.util.find_spec("mkdocs") is None, reason="needs the packages of the documentation"
)


def build(folder, site) -> list[Path]:
    """Pages of the site that `folder` holds the pages and the settings of; every one shows without the network."""
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(site)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    pages = sorted(site.rglob("index.html"))
    for page in pages:
        reader = _Fetched()
        reader.feed(page.read_text())
        assert reader.names
        fetched = [name for name in reader.names if not name.startswith("data:image/")]  # pictures of notebooks
        for name in fetched:
            assert "//" not in name and not name.startswith("data:"), f"{page} fetches {name}"
            assert (page.parent / name.split("?")[0]).resolve().is_file(), f"{page} lacks {name}"
        assert not re.search(r"import [^;]*https?://", page.read_text()), f"{page} has a script that fetches"
        assert "arithmatex" not in page.read_text(), f"{page} holds a formula that is no MathML"
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*[\"']?(https?:)?//", sheet.read_text()), sheet
    theory = (site / "theory" / "index.html").read_text()
    assert theory.count("<math") > 50 and "<mfrac>" in theory
    return pages


@needs_mkdocs
def test_pages_with_formulas_and_notebooks_need_no_network(tmp_path):
    """One of each with the settings of the site, which the long suite builds whole."""
    settings = (ROOT / "mkdocs.yml").read_text()
    (tmp_path / "mkdocs.yml").write_text(re.sub(r"^(nav|validation):\n( .*\n)*", "", settings, flags=re.MULTILINE))
    for name in ("hooks", "site.css", "img", "index.md", "theory.md", "notebooks/own_hamiltonian.ipynb"):
        link = tmp_path / "docs" / name
        link.parent.mkdir(exist_ok=True, parents=True)
        link.symlink_to(ROOT / "docs" / name)
    assert len(build(tmp_path, tmp_path / "site")) == 3


@needs_mkdocs
def test_the_site_needs_no_network(tmp_path):
    """Every page shows with the files of the site alone, its formulas included; every name has its documentation."""
    assert len(build(ROOT, tmp_path)) >= 15
    reference = (tmp_path / "api" / "index.html").read_text()
    lacking = [name for name in sj.__all__ if not re.search(rf'id="sidejump\.[\w.]*\b{name}"', reference)]
    assert not lacking, f"docs/api.md lacks {lacking}"


def test_public_names_are_on_the_page_of_python():
    """By themselves or with all of their module."""
    shown = set(re.findall(r"^::: (\S+)$", (ROOT / "docs" / "api.md").read_text(), re.MULTILINE))
    for name in sj.__all__:
        module = getattr(getattr(sj, name), "__module__", "sidejump")
        assert shown & {f"sidejump.{name}", f"{module}.{name}", module} or any(x.endswith(f".{name}") for x in shown), (
            name
        )
