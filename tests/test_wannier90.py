"""Reading Wannier90 files: small ones written here, and iron."""

import bz2
import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from helpers_models import random_wannier
from helpers_wannier90 import write_hr, write_tb
from sidejump.errors import InputError, SidejumpWarning
from sidejump.formats.wannier90 import read_wannier90
from sidejump.units import BOHR
from sidejump.wannier.position import centres_of

ROOT = Path(__file__).parents[1]
FERMI = 17.2745


@pytest.fixture
def model():
    return random_wannier(3, 3, seed=5)


@pytest.fixture
def tb_file(tmp_path, model):
    path = tmp_path / "x_tb.dat"
    write_tb(path, model, 1 + (np.arange(len(model.vectors)) - len(model.vectors) // 2) ** 2 % 3)  # R and -R alike
    (tmp_path / "x.win").write_text("use_ws_distance = .false.\n")  # degeneracies, and no _wsvec.dat
    return path


K = np.random.default_rng(0).normal(size=(4, 3))


def test_round_trip(tb_file, model):
    found = read_wannier90(tb_file)
    np.testing.assert_allclose(
        np.linalg.eigvalsh(found.hamiltonian(K)), np.linalg.eigvalsh(model.hamiltonian(K)), atol=1e-12
    )
    # the sites may be grouped differently: compare what does not depend on them
    total = [np.swapaxes(m.residual_positions, 0, 1) for m in (found, model)]
    home = np.flatnonzero(~model.vectors.any(axis=1))[0]
    for t, m in zip(total, (found, model), strict=True):
        t[:, home] += np.stack([np.diag(c) for c in m.site_positions.T])
    np.testing.assert_allclose(total[0], total[1], atol=1e-12)


def test_energies_take_crystal_coordinates(tb_file, model):
    found = read_wannier90(tb_file)
    energies = found.energies(K)
    assert energies.shape == (4, 3)
    expected = np.linalg.eigvalsh(model.hamiltonian(K @ (2 * np.pi * np.linalg.inv(model.cell).T)))
    np.testing.assert_allclose(energies, expected, atol=1e-12)
    np.testing.assert_allclose(found.energies(K + [1, -2, 3]), expected, atol=1e-11)
    with pytest.raises(InputError, match=r"expected \(n, 3\), crystal coordinates"):
        found.energies(K[:, :2])


@pytest.mark.parametrize("packing", ["gz", "bz2"])
def test_packed_files_read_the_same(tb_file, tmp_path, packing):
    packed = tmp_path / f"x_tb.dat.{packing}"
    packed.write_bytes({"gz": gzip, "bz2": bz2}[packing].compress(tb_file.read_bytes()))
    np.testing.assert_array_equal(read_wannier90(packed).hamiltonian(K), read_wannier90(tb_file).hamiltonian(K))


def test_hr_needs_a_cell(tmp_path, model):
    path = tmp_path / "x_hr.dat"
    write_hr(path, model)
    with pytest.raises(InputError, match="no lattice vectors"):
        read_wannier90(path)
    expected = np.linalg.eigvalsh(model.hamiltonian(K))
    given = read_wannier90(path, cell=model.cell)
    np.testing.assert_allclose(np.linalg.eigvalsh(given.hamiltonian(K)), expected, atol=1e-12)
    assert given.position_matrix(K) is None
    rows = "\n".join(" ".join(f"{x / BOHR:.14f}" for x in row) for row in model.cell)
    (tmp_path / "x.win").write_text(f"num_wann = 3\nBegin Unit_Cell_Cart\nbohr\n{rows}\nEnd Unit_Cell_Cart\n")
    np.testing.assert_allclose(np.linalg.eigvalsh(read_wannier90(path).hamiltonian(K)), expected, atol=1e-10)


def test_wsvec_splits_elements_over_equivalent_vectors(tb_file, tmp_path, model):
    """Element (1, 2) of R = 0 goes half to T = 0 and half to T = (0, 0, 2), its partner to the opposite."""
    lines = [" written by a test"]
    for r in model.vectors:
        for m in range(1, 4):
            for n in range(1, 4):
                moved = not r.any() and (m, n) in ((1, 2), (2, 1))
                shifts = ["0 0 0", "0 0 2" if m < n else "0 0 -2"] if moved else ["0 0 0"]
                lines += [" ".join(map(str, [*r, m, n])), str(len(shifts)), *shifts]
    (tmp_path / "x_wsvec.dat").write_text("\n".join(lines) + "\n")
    found = read_wannier90(tb_file)
    plain = read_wannier90(tb_file, wsvec=False)
    home = np.flatnonzero(~model.vectors.any(axis=1))[0]
    element = plain.hoppings[home, 0, 1]
    where = {tuple(r): i for i, r in enumerate(found.vectors.tolist())}
    assert found.hoppings[where[0, 0, 0], 0, 1] == pytest.approx(element / 2)
    assert found.hoppings[where[0, 0, 2], 0, 1] == pytest.approx(element / 2)
    assert found.hoppings[where[0, 0, -2], 1, 0] == pytest.approx(np.conj(element) / 2)
    np.testing.assert_allclose(found.hoppings.sum(axis=0), plain.hoppings.sum(axis=0), atol=1e-12)
    (tmp_path / "x_wsvec.dat").write_text("\n".join(lines[: len(lines) // 2]) + "\n")
    with pytest.raises(InputError, match=r"x_wsvec\.dat"):
        read_wannier90(tb_file)


def test_spin_ordering(tb_file, tmp_path):
    with pytest.raises(InputError, match="even number"):
        read_wannier90(tb_file, spin_ordering="interleaved")
    write_tb(tmp_path / "even_tb.dat", even := random_wannier(3, 4), [1] * len(even.vectors))
    up_down = np.array([1, -1, 1, -1])
    for ordering, diagonal in (("interleaved", up_down), ("block", np.array([1, 1, -1, -1]))):
        spin = read_wannier90(tmp_path / "even_tb.dat", spin_ordering=ordering).spin
        np.testing.assert_array_equal(np.diag(spin[2]).real, diagonal)
        np.testing.assert_allclose(spin[0] @ spin[1] - spin[1] @ spin[0], 2j * spin[2])
    with pytest.raises(InputError, match="interleaved"):
        read_wannier90(tmp_path / "even_tb.dat", spin_ordering="other")


def test_bad_files_give_one_sentence(tb_file, tmp_path):
    text = tb_file.read_text()

    def refuses(name, content, words):
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(InputError, match=words) as caught:
            read_wannier90(path)
        assert name in str(caught.value) and "\n" not in str(caught.value)

    packed = gzip.compress(text.encode())
    refuses("none_tb.dat", None, "no such file")
    refuses("half_tb.dat", text[: len(text) // 2].encode(), "truncated")
    refuses("other_tb.dat", b"not\na Wannier90 file\n", "not a Wannier90 file")
    refuses("empty_tb.dat", b"", "truncated")
    refuses("cut_tb.dat.gz", packed[: len(packed) // 2], "truncated")
    refuses("broken_tb.dat.gz", packed[:400] + b"\xff" * 60 + packed[460:], "truncated")
    refuses("plain_tb.dat.gz", text.encode(), "not what its name says")
    refuses("model.dat", text.encode(), "SEEDNAME_tb.dat")


def test_a_last_number_cut_short(tb_file, tmp_path):
    """What is left of it is still a number, and the count is right."""
    content = tb_file.read_bytes()
    for lost in (2, 3, 10):
        tb_file.write_bytes(content[:-lost])
        packed = tmp_path / "y_tb.dat.gz"
        packed.write_bytes(gzip.compress(content[:-lost]))
        for path in (tb_file, packed):
            with pytest.raises(InputError, match="truncated in its last line"):
                read_wannier90(path)


@pytest.mark.parametrize("place", ["cell", "hamiltonian", "position"])
@pytest.mark.parametrize("value", ["nan", "inf"])
def test_numbers_that_are_not_finite_are_refused(tb_file, place, value):
    lines = tb_file.read_text().splitlines()
    line = {"cell": 2, "hamiltonian": 8, "position": -1}[place]
    words = lines[line].split()
    lines[line] = " ".join([*words[:-1], value])
    tb_file.write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError, match="not finite") as caught:
        read_wannier90(tb_file)
    assert str(caught.value).startswith(str(tb_file)) and "\n" not in str(caught.value)


def test_a_degeneracy_of_zero_is_refused(tb_file):
    lines = tb_file.read_text().splitlines()
    lines[6] = "0" + lines[6][1:]
    tb_file.write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError, match="degeneracy of 0"):
        read_wannier90(tb_file)


def iron_folder():
    """The folder with the reference bands, which the repository does not carry."""
    folder = Path(os.environ.get("SIDEJUMP_DATA", ROOT.parent / "shared" / "data")) / "iron_wannier90"
    if not (folder / "Fe.eig").exists():
        pytest.skip(f"{folder} is missing: set SIDEJUMP_DATA to the folder that holds iron_wannier90")
    return folder


@pytest.fixture(scope="module")
def iron():
    file = ROOT / "data" / "iron" / "Fe_tb.dat.gz"
    if not file.exists():
        pytest.skip(f"{file} is missing")
    return read_wannier90(file)


def test_iron_model(iron):
    assert iron.n_orbitals == 18 and iron.hermiticity_violation < 1e-12
    assert not iron.site_positions.any()  # one atom, at the origin
    position = iron.position_matrix(K)
    np.testing.assert_allclose(position, position.conj().swapaxes(-1, -2), atol=1e-12)
    bands = np.linalg.eigvalsh(iron.hamiltonian(np.zeros((1, 3))))[0]
    assert 0 < np.searchsorted(bands, FERMI) < 18


def test_iron_without_wsvec_differs_between_the_mesh_points(iron):
    plain = read_wannier90(ROOT / "data" / "iron" / "Fe_tb.dat.gz", wsvec=False)
    mesh = np.array([[0.25, 0.5, 0.0]]) @ iron.reciprocal_cell
    between = np.array([[0.13, 0.37, 0.06]]) @ iron.reciprocal_cell
    difference = [
        np.abs(np.linalg.eigvalsh(plain.hamiltonian(k)) - np.linalg.eigvalsh(iron.hamiltonian(k))).max()
        for k in (mesh, between)
    ]
    assert difference[0] < 1e-5 < 1e-2 < difference[1]


def test_iron_reproduces_the_first_principles_energies(iron):
    folder = iron_folder()
    mesh = np.stack(np.meshgrid(*[np.arange(4) / 4] * 3, indexing="ij"), -1).reshape(-1, 3)
    reference = np.loadtxt(folder / "Fe.eig")[:, 2].reshape(64, 32)[:, :18]
    energies = np.linalg.eigvalsh(iron.hamiltonian(mesh @ iron.reciprocal_cell))
    frozen = reference < 27.4
    assert frozen.sum() > 700
    np.testing.assert_allclose(energies[frozen], reference[frozen], rtol=0, atol=1e-6)


def test_iron_bands_are_those_of_wannier90(iron):
    table = np.loadtxt(iron_folder() / "Fe_band.dat.gz")
    length, reference = table[:, 0].reshape(18, -1)[0], table[:, 1].reshape(18, -1)
    corners = [[0, 0, 0], [0.5, 0.5, 0.5], [0.75, 0.25, -0.25], [0.5, 0, -0.5], [0, 0, 0]]
    corners = np.array(corners) @ iron.reciprocal_cell
    distance = np.append(0, np.cumsum(np.linalg.norm(np.diff(corners, axis=0), axis=1)))
    assert length[-1] == pytest.approx(distance[-1], rel=1e-6)
    k = np.stack([np.interp(length, distance, corners[:, a]) for a in range(3)], axis=1)
    np.testing.assert_allclose(np.linalg.eigvalsh(iron.hamiltonian(k)).T, reference, rtol=0, atol=1e-4)


def test_iron_hr_file_gives_the_same_bands(iron):
    with pytest.warns(SidejumpWarning, match=r"from Fe_centres.xyz"):
        found = read_wannier90(iron_folder() / "Fe_hr.dat.gz")  # cell from Fe.win, six decimals
    np.testing.assert_allclose(centres_of(found), centres_of(iron), rtol=0, atol=1e-7)
    expected = np.linalg.eigvalsh(iron.hamiltonian(0.1 * K))
    np.testing.assert_allclose(np.linalg.eigvalsh(found.hamiltonian(0.1 * K)), expected, rtol=0, atol=2e-4)
