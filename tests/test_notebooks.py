"""The notebooks of the documentation run as they are, and are small."""

from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

import sidejump as sj

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_notebooks_are_small_and_show_what_they_found(path):
    assert path.stat().st_size < 1e5
    shown = [output for cell in nbformat.read(path, as_version=4).cells for output in cell.get("outputs", ())]
    assert shown and not [output for output in shown if output.output_type == "error"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_notebooks_run(path):
    book = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(path.parent)}}
    nbclient.NotebookClient(book, timeout=120, kernel_name="python3", resources=resources).execute()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_cells_run(path, monkeypatch):
    """The same cells as one script of this process: a kernel takes longer to start than most of them to run."""
    monkeypatch.chdir(path.parent)
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    namespace: dict = {}
    with matplotlib.rc_context():
        for number, cell in enumerate(cells):
            plain = "\n".join(line for line in cell.splitlines() if not line.startswith("%"))  # words of IPython
            exec(compile(plain, f"{path.name}[{number}]", "exec"), namespace)
    plt.close("all")
    assert "sj" in namespace and len(cells) > 3


def test_there_are_five():
    assert {path.stem for path in NOTEBOOKS} == {"toy_model", "own_hamiltonian", "wannier90", "epw", "experiment"}


def test_the_layer_of_epw_is_that_of_the_demonstration():
    stored = sj.read_compact(ROOT / "src" / "sidejump" / "app" / "demo_case" / "ferromagnetic_layer.h5")
    epw = sj.read_epw(ROOT / "examples" / "first_principles" / "layer_epw")
    k, q = np.array([[0.13, 0.29, 0.0]]), np.array([[0.41, -0.17, 0.0]])
    assert epw.two_dimensional and epw.fermi_energy == stored.fermi_energy
    assert np.allclose(epw.energies(k), stored.energies(k))
    assert np.allclose(abs(epw.coupling(k, q)), abs(stored.coupling(k, q)))  # phases of states are free
