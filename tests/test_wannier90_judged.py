"""What Wannier90 files say twice: X(R) and its adjoint, and the order of spins."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest

from helpers_models import random_wannier
from helpers_wannier90 import full_positions, write_hr, write_tb
from sidejump.app import build
from sidejump.app.config import validate
from sidejump.bands.base import PAULI
from sidejump.bands.lattice import LatticeModel
from sidejump.bands.spin_order import require_spin_order, reversal_violation, spin_coupling, spin_matrices
from sidejump.errors import InputError
from sidejump.formats.hermiticity import judged_position, mirrored, partners
from sidejump.formats.wannier90 import read_wannier90

PHONONS = {"deformation_potential": 5.0, "sound_velocity": 5000.0, "mass_density": 7874.0}
HOME = 13  # row of R = 0 of `random_wannier`


@pytest.fixture
def model():
    return random_wannier(3, 3, seed=5)


def read(tmp_path, model, positions=None, **options):
    """The model that a file gives, and its warnings."""
    write_tb(
        tmp_path / "x_tb.dat", model, [1] * 27, positions=full_positions(model) if positions is None else positions
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = read_wannier90(tmp_path / "x_tb.dat", **options)
    return found, " ".join(found.warnings)


def test_position_matrix_at_home_is_hermitian(tmp_path, model):
    positions = full_positions(model)
    expected = positions.copy()
    for error, words in ((1e-6, ""), (1e-3, "differs from its adjoint by 0.001 angstrom"), (30.0, None)):
        wrong = positions.copy()
        wrong[HOME, 1, 2, 0] += error
        if words is not None:
            said = read(tmp_path, model, wrong)[1]
            assert words in said and bool(words) == bool(said)
            continue
        with pytest.raises(InputError, match=r"30 angstrom \(R = \[0, 0, 0\], element \((1, 3|3, 1)\)\).*trust_file"):
            read(tmp_path, model, wrong)
        found, said = read(tmp_path, model, wrong, trust_file=True)
        assert "Hermitian part is used" in said
        expected[HOME, 1, 2, 0] += 15.0
        expected[HOME, 1, 0, 2] += 15.0
        other = LatticeModel(model.cell, model.vectors, model.hoppings, expected, found.site_positions)
        k = np.random.default_rng(0).normal(size=(3, 3))
        np.testing.assert_allclose(found.position_matrix(k), other.position_matrix(k), atol=1e-12)


def test_position_matrix_beyond_the_home_cell(tmp_path, model):
    positions = full_positions(model)
    largest = np.abs(positions[np.arange(27) != HOME]).max()
    for error, words in ((0.2 * largest, ""), (10 * largest, r"differs from r\(-R\)"), (30.0, None)):
        wrong = positions.copy()
        wrong[4, 0, 1, 1] += error
        if words is None:
            with pytest.raises(InputError, match=r"by 30 angstrom \(R = .*element \(2, 2\)\), where the mesh"):
                read(tmp_path, model, wrong)
            words = "differs"
            said = read(tmp_path, model, wrong, trust_file=True)[1]
        else:
            said = read(tmp_path, model, wrong)[1]
        assert ("differs from r(-R)^+" in said and f"R = {model.vectors[4].tolist()}" in said) or not words
        assert bool(words) == bool(said)


def test_the_position_matrix_of_a_mesh_is_not_hermitian_beyond_home(model):
    """``r = i sum_b w_b b (<u(k)|u(k+b)> - 1)`` of the lower bands of a model on 4^3 points: the difference between
    r(R) and r(-R)^+ is of the size of r itself, vanishes at R = 0, and is no reason for a word."""
    n, cell = 4, model.cell
    reciprocal = 2 * np.pi * np.linalg.inv(cell).T
    grid = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), -1).reshape(-1, 3)
    big = random_wannier(3, 6, seed=2, sites=False)
    big = LatticeModel(cell, big.vectors, big.hoppings)
    trial = np.eye(6)[:, :3]

    def smooth(points):
        states = np.linalg.eigh(big.hamiltonian(points @ reciprocal / n))[1][:, :, :3]
        left, _, right = np.linalg.svd(states.conj().swapaxes(1, 2) @ trial)
        return states @ (left @ right)

    u = smooth(grid)
    steps = np.concatenate([np.eye(3, dtype=int), -np.eye(3, dtype=int)])
    b = steps @ reciprocal / n
    pairs = [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)]
    # weights with sum_b w b b = 1 need six shells in a cell without symmetry: 12 vectors beside the axes
    extra = np.array([(1, 1, 0), (1, 0, 1), (0, 1, 1)])
    steps = np.concatenate([steps, extra, -extra])
    b = steps @ reciprocal / n
    columns = np.array([[v[i] * v[j] for v in b] for i, j in pairs])
    weight = np.linalg.lstsq(columns, np.array([1.0, 1, 1, 0, 0, 0]), rcond=None)[0]
    r_k = np.zeros((len(grid), 3, 3, 3), dtype=complex)
    for step, vector, w in zip(steps, b, weight, strict=True):
        overlap = u.conj().swapaxes(1, 2) @ smooth(grid + step) - np.eye(3)
        r_k += 1j * w * vector[None, :, None, None] * overlap[:, None]
    vectors = np.stack(np.meshgrid(*[np.arange(-1, 2)] * 3, indexing="ij"), -1).reshape(-1, 3)
    phase = np.exp(-2j * np.pi * vectors @ grid.T / n) / len(grid)
    positions = np.einsum("rk,kdmn->rdmn", phase, r_k)
    difference = np.abs(positions - mirrored(positions, partners(vectors)))
    home = ~vectors.any(axis=1)
    off = difference[home] * (1 - np.eye(3))
    assert off.max() < 1e-12 < 0.2 * np.abs(positions[~home]).max() < difference[~home].max()
    positions[home] += mirrored(positions, partners(vectors))[home]  # Wannier90 has Im ln of the diagonal, real
    positions[home] /= 2
    _, said = judged_position(vectors, positions, cell, "x")
    assert said == []


def test_hamiltonian_against_its_adjoint(tmp_path, model):
    hoppings = model.hoppings
    for error, words in ((1e-6, ""), (5e-4, "differs from H(-R)^+ by 0.0005 eV"), (0.5, None)):
        wrong = hoppings.copy()
        wrong[4, 0, 1] += error
        made = LatticeModel(model.cell, model.vectors, hoppings, full_positions(model))
        made.hoppings = wrong
        if words is not None:
            said = read(tmp_path, made)[1]
            assert words in said and bool(words) == bool(said)
            continue
        with pytest.raises(InputError, match=r"0.5 eV \(R = .*element \((1, 2|2, 1)\)\).*trust_file"):
            read(tmp_path, made)
        found, said = read(tmp_path, made, trust_file=True)
        assert "Hermitian part" in said
        assert found.hoppings[4, 0, 1] == pytest.approx(hoppings[4, 0, 1] + 0.25)


def test_a_vector_without_its_opposite(tmp_path, model):
    half = LatticeModel(model.cell, model.vectors, model.hoppings)
    half.vectors, half.hoppings = half.vectors[:14], half.hoppings[:14]
    write_hr(tmp_path / "x_hr.dat", half)
    with pytest.raises(InputError, match=r"lists R = .* and not the opposite"):
        read_wannier90(tmp_path / "x_hr.dat", cell=model.cell)


def spinful(kind, order, n=3, seed=1):
    """Vectors and H(R) of `n` orbitals with spin, time reversal or collinearity exact, in the order asked for."""
    rng = np.random.default_rng(seed)
    vectors = np.array([(0, 0, 0), (1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0)])

    def part(sign, home=1.0):
        """Real for sign 1, imaginary for -1; Hermitian in R."""
        a = rng.normal(size=(5, n, n)) * (1 if sign > 0 else 1j)
        return home * (a + a[[0, 2, 1, 4, 3]].conj().swapaxes(1, 2)) / 2

    h = np.kron(part(1), np.eye(2)).reshape(5, 2 * n, 2 * n)
    if kind == "nonmagnetic":  # sigma times what is odd under time reversal
        h = h + sum(np.kron(part(-1), s).reshape(5, 2 * n, 2 * n) for s in PAULI)
    elif kind == "collinear":
        h = h + np.kron(0.5 * part(1), PAULI[2])
    elif kind == "noncollinear":
        h = h + sum(np.kron(0.5 * part(1) + part(-1), s) for s in PAULI)
    if order == "block":
        places = np.concatenate([np.arange(0, 2 * n, 2), np.arange(1, 2 * n, 2)])
        h = h[:, places][:, :, places]
    return vectors, h


@pytest.mark.parametrize("order", ["interleaved", "block"])
@pytest.mark.parametrize("kind", ["nonmagnetic", "collinear", "noncollinear"])
@pytest.mark.parametrize("seed", range(4))
def test_order_of_spins(tmp_path, order, kind, seed):
    other = "block" if order == "interleaved" else "interleaved"
    vectors, h = spinful(kind, order, seed=seed)
    spin = spin_matrices(order, 6)
    if kind == "nonmagnetic":
        assert reversal_violation(spin, vectors, h) < 1e-12
        assert reversal_violation(spin_matrices(other, 6), vectors, h) > 0.2
    if kind == "collinear":
        assert spin_coupling(spin, vectors, h) < 1e-12 < 0.2 < spin_coupling(spin_matrices(other, 6), vectors, h)
    write_hr(tmp_path / "x_hr.dat", LatticeModel(3 * np.eye(3), vectors, h))

    def given(name, **options):
        return read_wannier90(tmp_path / "x_hr.dat", cell=3 * np.eye(3), spin_ordering=name, **options)

    np.testing.assert_array_equal(given(order).spin, spin)
    if kind == "noncollinear":
        given(other)  # such a file cannot tell
        return
    with pytest.raises(InputError, match=f'"{other}" contradicts the Hamiltonian.*use "{order}".*trust_file'):
        given(other)
    assert given(other, trust_file=True).spin is not None


def test_order_of_spins_with_noise_and_where_nothing_tells():
    vectors, h = spinful("nonmagnetic", "block")
    noise = 0.01 * np.random.default_rng(3).normal(size=h.shape)
    noisy = h + noise + noise[[0, 2, 1, 4, 3]].swapaxes(1, 2)
    require_spin_order("block", vectors, noisy, "x")
    with pytest.raises(InputError, match="contradicts"):
        require_spin_order("interleaved", vectors, noisy, "x")
    for diagonal in (h * np.eye(6), np.zeros_like(h)):  # functions that do not couple: both orders fit
        for name in ("interleaved", "block"):
            require_spin_order(name, vectors, diagonal, "x")
    pair = spinful("noncollinear", "block", n=1)
    for name in ("interleaved", "block"):  # one function with spin: both are the same
        require_spin_order(name, *pair, "x")


def electrons(folder, **keys):
    """What an `[electrons]` section with `keys` gives."""
    settings = {
        "electrons": {"fermi_energy": 0.0, **keys},
        "scattering": [{"kind": "acoustic_deformation_potential", **PHONONS}],
        "temperature": {"values": [100.0]},
    }
    return build.build_electrons(validate(settings).electrons, folder)


def test_input_files_say_and_override_the_same(tmp_path, model):
    wrong = full_positions(model)
    wrong[HOME, 0, 0, 1] += 3.0
    write_tb(tmp_path / "x_tb.dat", model, [2, *[1] * 25, 2], positions=wrong)
    section = {"model": "wannier90", "file": "x_tb.dat"}
    with pytest.raises(InputError, match="trust_file = true"):
        electrons(tmp_path, **section)
    found = electrons(tmp_path, **section, trust_file=True)
    assert [any(w in x for x in found.warnings) for w in ("Hermitian part", "x_wsvec.dat")] == [True, True]
    found = electrons(tmp_path, **section, trust_file=True, wsvec=False)
    assert not any("x_wsvec.dat" in x for x in found.warnings)
    with pytest.raises(InputError, match="wsvec = true: give text"):
        electrons(tmp_path, **section, wsvec=True)


def test_order_of_spins_in_input_files(tmp_path):
    vectors, h = spinful("nonmagnetic", "block")
    write_hr(tmp_path / "x_hr.dat", LatticeModel(3 * np.eye(3), vectors, h))
    section = {"model": "wannier90", "file": "x_hr.dat", "cell": (3 * np.eye(3)).tolist()}
    electrons(tmp_path, **section, spin_ordering="block")
    with pytest.raises(InputError, match=r'use "block".*trust_file'):
        electrons(tmp_path, **section, spin_ordering="interleaved")
    assert electrons(tmp_path, **section, spin_ordering="interleaved", trust_file=True).model.spin is not None


def test_order_of_spins_of_first_principles_files():
    """EPW and Perturbo name the order in the input file, after the bands were read."""
    vectors, h = spinful("collinear", "block")
    data = SimpleNamespace(electrons=LatticeModel(3 * np.eye(3), vectors, h), source="EPW files in x")
    np.testing.assert_array_equal(build._with_spin(data, "block", False).spin, spin_matrices("block", 6))
    with pytest.raises(InputError, match=r'EPW files in x: .*use "block".*trust_file'):
        build._with_spin(data, "interleaved", False)
    assert build._with_spin(data, "interleaved", True).spin is not None
