"""What lies beside a Hamiltonian without a position matrix: `_r.dat`, `_centres.xyz`; layers; spins by program."""

import bz2
import gzip
import warnings

import numpy as np
import pytest

from helpers_models import random_wannier
from helpers_wannier90 import full_positions, write_hr, write_tb, write_win, write_wsvec
from sidejump import read_wannier90
from sidejump.app.run import prepare
from sidejump.bands.lattice import LatticeModel
from sidejump.bands.spin_order import ORDERINGS, PROGRAMS, spin_matrices
from sidejump.errors import InputError, SidejumpWarning
from sidejump.intrinsic.berry import band_curvature
from sidejump.wannier.position import centres_of, position_elements

K = np.random.default_rng(1).uniform(-1, 1, (5, 3))


@pytest.fixture
def model():
    return random_wannier(3, 3, seed=5)


def write_r(path, model, degeneracy=None, *, counted=True):
    """A `_r.dat` of Wannier90 3, or of 2, which does not count the lattice vectors; rows in another order of R."""
    full = full_positions(model)
    lines = [" written by a test", f"  {model.n_orbitals}", *([f"  {len(model.vectors)}"] if counted else [])]
    for i in reversed(range(len(model.vectors))):
        for n in range(model.n_orbitals):
            for m in range(model.n_orbitals):
                z = full[i, :, m, n] * (1 if degeneracy is None else degeneracy[i])
                numbers = " ".join(f"{x:.14e}" for pair in zip(z.real, z.imag, strict=True) for x in pair)
                lines.append("{:5d}{:5d}{:5d}{:5d}{:5d} ".format(*model.vectors[i], m + 1, n + 1) + numbers)
    path.write_text("\n".join(lines) + "\n")


def images_of(r, m, n):
    """Elements between the first two functions are shared by two cells, Hermitian as a whole."""
    if {m, n} != {1, 2} or not any(r):
        return [(0, 0, 0)]
    return [(0, 0, 0), (3, 0, 0) if m == 1 else (-3, 0, 0)]


def write_centres(path, centres):
    rows = [f"X {x:16.8f} {y:16.8f} {z:16.8f}" for x, y, z in centres]
    atoms = [f"Fe {x:16.8f} {y:16.8f} {z:16.8f}" for x, y, z in centres[:1]]
    head = [f"{len(rows) + 1:6d}", " Wannier centres, written by Wannier90 on  1Jan2026"]
    path.write_text("\n".join([*head, *rows, *atoms]) + "\n")


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize("images", [True, False])
def test_r_beside_hr_is_what_tb_holds(tmp_path, model, counted, images):
    degeneracy = np.where(np.abs(model.vectors).sum(axis=1) > 1, 2, 1).tolist()
    write_tb(tmp_path / "a_tb.dat", model, degeneracy)
    write_hr(tmp_path / "b_hr.dat", model, degeneracy=degeneracy)
    write_r(tmp_path / "b_r.dat", model, degeneracy, counted=counted)
    for stem in "ab":
        if images:
            write_wsvec(tmp_path / f"{stem}_wsvec.dat", model, images_of)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole, parts = read_wannier90(tmp_path / "a_tb.dat"), read_wannier90(tmp_path / "b_hr.dat", cell=model.cell)
    np.testing.assert_allclose(position_elements(parts), position_elements(whole), atol=1e-12)
    np.testing.assert_allclose(parts.site_positions, whole.site_positions, atol=1e-12)
    np.testing.assert_allclose(band_curvature(parts, K)[2], band_curvature(whole, K)[2], rtol=1e-8, atol=1e-8)
    assert not any("position matrix" in sentence for sentence in parts.warnings)


def test_centres_beside_hr_are_the_diagonal(tmp_path, model):
    write_hr(tmp_path / "x_hr.dat", model)
    centres = centres_of(model)
    write_centres(tmp_path / "x_centres.xyz", centres)
    with pytest.warns(SidejumpWarning, match=r"the Wannier centres alone are known, from x_centres.xyz"):
        found = read_wannier90(tmp_path / "x_hr.dat", cell=model.cell)
    diagonal = np.zeros_like(full_positions(model))
    diagonal[13] = np.stack([np.diag(c) for c in centres.T])
    expected = LatticeModel(model.cell, model.vectors, model.hoppings, diagonal)
    np.testing.assert_allclose(band_curvature(found, K)[2], band_curvature(expected, K)[2], rtol=1e-6, atol=1e-6)
    bare = LatticeModel(model.cell, model.vectors, model.hoppings)
    assert np.abs(band_curvature(bare, K)[2] - band_curvature(expected, K)[2]).max() > 0.1
    (tmp_path / "x_centres.xyz").rename(tmp_path / "y_centres.xyz")
    assert read_wannier90(tmp_path / "x_hr.dat", cell=model.cell).residual_positions is None


@pytest.mark.parametrize("pack", [gzip, bz2])
def test_packed(tmp_path, model, pack):
    write_hr(tmp_path / "x_hr.dat", model)
    write_r(tmp_path / "x_r.dat", model)
    ending = "gz" if pack is gzip else "bz2"
    for name in ("x_hr.dat", "x_r.dat"):
        (tmp_path / f"{name}.{ending}").write_bytes(pack.compress((tmp_path / name).read_bytes()))
        (tmp_path / name).unlink()
    found = read_wannier90(tmp_path / f"x_hr.dat.{ending}", cell=model.cell)
    np.testing.assert_allclose(position_elements(found), full_positions(model), atol=1e-12)


def test_files_of_another_run_are_refused(tmp_path, model):
    def refused(words):
        with pytest.raises(InputError, match=words) as caught:
            read_wannier90(tmp_path / "x_hr.dat", cell=model.cell)
        assert "x_" in str(caught.value) and "\n" not in str(caught.value)

    write_hr(tmp_path / "x_hr.dat", model)
    write_centres(tmp_path / "x_centres.xyz", centres_of(model)[:2])
    refused("x_centres.xyz: 2 Wannier centres, the Hamiltonian has 3 functions")
    (tmp_path / "x_centres.xyz").write_text("5\nWannier centres\nX 0 0 0\n")
    refused("x_centres.xyz: truncated or not .*1 lines, its first line announces 5")
    (tmp_path / "x_centres.xyz").write_text("3\n\nX 0 0 0\nX 0 nan 0\nX 0 0 0\n")
    refused("x_centres.xyz: .*not finite")
    write_r(tmp_path / "x_r.dat", random_wannier(3, 2, seed=5))
    refused("x_r.dat: .*2 Wannier functions, the Hamiltonian has 3")
    write_r(tmp_path / "x_r.dat", model)
    text = (tmp_path / "x_r.dat").read_text().splitlines()
    (tmp_path / "x_r.dat").write_text("\n".join(text[:-9]) + "\n")
    refused(r"x_r.dat: lacks R = \[-1, -1, -1\], unlike the Hamiltonian")
    (tmp_path / "x_r.dat").write_text("\n".join(text[:-2]) + "\n")
    refused("x_r.dat: .*rows of 11 numbers expected")


def test_translated_centres_are_not_taken(tmp_path, model):
    write_hr(tmp_path / "x_hr.dat", model)
    write_centres(tmp_path / "x_centres.xyz", centres_of(model))
    write_win(tmp_path / "x.win", model.cell)
    with (tmp_path / "x.win").open("a") as file:
        file.write("translate_home_cell = .true.\n")
    with pytest.warns(SidejumpWarning, match="x_centres.xyz: not used: x.win has translate_home_cell = true"):
        assert read_wannier90(tmp_path / "x_hr.dat").residual_positions is None


def layer():
    """A two-dimensional model, and the same in a cell of 12 angstrom with vacuum."""
    flat = random_wannier(2, 3, seed=4)
    cell = np.zeros((3, 3))
    cell[:2, :2], cell[2, 2] = flat.cell, 12.0
    vectors = np.pad(flat.vectors, ((0, 0), (0, 1)))
    positions = np.pad(full_positions(flat), ((0, 0), (0, 1), (0, 0), (0, 0)))
    heights = np.array([0.3, 1.1, -0.2])
    positions[4, 2] = np.diag(heights)
    sites = np.column_stack([flat.site_positions, heights])
    return flat, LatticeModel(cell, vectors, flat.hoppings, positions, sites)


def test_a_layer_is_run_in_its_plane(tmp_path):
    flat, thick = layer()
    write_tb(tmp_path / "x_tb.dat", thick, [1] * 9)
    found = read_wannier90(tmp_path / "x_tb.dat", two_dimensional=True)
    assert found.dimension == 2
    k = K[:, :2]
    np.testing.assert_allclose(np.linalg.eigvalsh(found.hamiltonian(k)), np.linalg.eigvalsh(flat.hamiltonian(k)))
    np.testing.assert_allclose(band_curvature(found, k)[2], band_curvature(flat, k)[2], rtol=1e-8, atol=1e-8)
    text = """[electrons]
model = "wannier90"
file = "x_tb.dat"
fermi_energy = 0.1
two_dimensional = true
[[scattering]]
kind = "impurity"
correlation = "zero_range"
density = 1e12
strength = 1.0
[temperature]
values = [100]
"""
    (tmp_path / "x.toml").write_text(text)
    assert prepare(tmp_path / "x.toml").model.dimension == 2
    (tmp_path / "x.toml").write_text(text.replace("two_dimensional = true\n", "").replace("e12", "e19"))
    assert any("set two_dimensional = true" in sentence for sentence in prepare(tmp_path / "x.toml").warnings)


def test_what_is_no_layer(tmp_path, model):
    write_tb(tmp_path / "x_tb.dat", model, [1] * 27)
    with pytest.raises(InputError, match=r"x_tb.dat: a layer must lie in the xy plane"):
        read_wannier90(tmp_path / "x_tb.dat", two_dimensional=True)
    cubic = LatticeModel(3 * np.eye(3), model.vectors, model.hoppings, full_positions(model))
    write_tb(tmp_path / "x_tb.dat", cubic, [1] * 27, positions=full_positions(model))
    with pytest.raises(InputError, match="a hopping crosses the boundary of the cell along the third"):
        read_wannier90(tmp_path / "x_tb.dat", two_dimensional=True)


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_order_of_a_program_is_compared_with_the_data(tmp_path, model, program):
    """Time reversal holds in one order; the program that writes the other is refused."""
    for order in ORDERINGS:
        sy = spin_matrices(order, 6)[1]
        h = random_wannier(3, 6, seed=2).hoppings
        kramers = 0.5 * (h + sy @ h.conj() @ sy)
        write_hr(tmp_path / "x_hr.dat", LatticeModel(model.cell, model.vectors, kramers))
        if PROGRAMS[program] == order:
            found = read_wannier90(tmp_path / "x_hr.dat", cell=model.cell, spin_ordering=program)
            np.testing.assert_array_equal(found.spin, spin_matrices(order, 6))
        else:
            words = rf'spin_ordering = "{program}" contradicts the Hamiltonian.*use "{order}"'
            with pytest.raises(InputError, match=words):
                read_wannier90(tmp_path / "x_hr.dat", cell=model.cell, spin_ordering=program)
    with pytest.raises(InputError, match=r'spin_ordering = "vsap".*vasp'):
        read_wannier90(tmp_path / "x_hr.dat", cell=model.cell, spin_ordering="vsap")
