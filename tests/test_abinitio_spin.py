"""Two spin channels, exchange field and spin-orbit coupling."""

from dataclasses import replace

import numpy as np
import pytest

from helpers_abinitio import CELL, Toy
from sidejump.bands.base import PAULI
from sidejump.errors import InputError
from sidejump.groups.orbitals import HARMONICS, HYBRID_FAMILIES, HYBRIDS, orbital_components
from sidejump.wannier.container import Atoms
from sidejump.wannier.spin import angular_momentum, two_channels, with_exchange, with_spin_orbit

UP = Toy().data()


@pytest.mark.parametrize(("shell", "l"), [("p", 1), ("d", 2)])
def test_angular_momentum_algebra(shell, l):
    x, y, z = angular_momentum(shell)
    np.testing.assert_allclose(x @ y - y @ x, 1j * z, atol=1e-12)
    np.testing.assert_allclose(x @ x + y @ y + z @ z, l * (l + 1) * np.eye(2 * l + 1), atol=1e-12)
    np.testing.assert_allclose(np.stack([x, y, z]).real, 0, atol=1e-12)  # real orbitals: L is imaginary


def test_orbitals_are_the_cartesian_ones():
    """L_z turns x into y: L_z |x> = i |y>, L_z |xz> = i |yz>, L_z |x2-y2> = 2 i |xy>; L_x |y> = i |z>."""
    p, d = angular_momentum("p"), angular_momentum("d")
    i, j = HARMONICS[1].index, HARMONICS[2].index
    assert p[2][i("py"), i("px")] == pytest.approx(1j)
    assert p[0][i("pz"), i("py")] == pytest.approx(1j)
    assert d[2][j("dyz"), j("dxz")] == pytest.approx(1j)
    assert d[2][j("dxy"), j("dx2-y2")] == pytest.approx(2j)
    assert d[0][j("dxy"), j("dxz")] == pytest.approx(-1j)  # L_x |xz> = -i |xy>: z -> -y


@pytest.mark.parametrize(("shell", "levels"), [("p", [(-1.0, 2), (0.5, 4)]), ("d", [(-1.5, 4), (1.0, 6)])])
def test_free_shell_splits_by_total_angular_momentum(shell, levels):
    orbitals = HARMONICS["spd".index(shell)]
    toy = Toy(owner=[0] * len(orbitals))
    data = two_channels(toy.data(), toy.data())
    with_it = with_spin_orbit(data, orbitals, {shell: 0.2})
    home = np.flatnonzero(~data.electrons.vectors.any(axis=1))[0]
    term = with_it.electrons.hoppings[home] - data.electrons.hoppings[home]
    expected = np.repeat([0.2 * level for level, _ in levels], [count for _, count in levels])
    np.testing.assert_allclose(np.linalg.eigvalsh(term), expected, atol=1e-12)


def test_hybrids_are_orthonormal_and_point_where_they_should():
    for family, number in HYBRID_FAMILIES.items():
        parts = [orbital_components(f"{family}-{i + 1}") for i in range(len(HYBRIDS[number]))]
        orbitals = sorted({o for part in parts for o in part})
        matrix = np.array([[part.get(o, 0.0) for o in orbitals] for part in parts])
        np.testing.assert_allclose(matrix @ matrix.T, np.eye(len(parts)), atol=1e-12)
    assert not orbital_components("sp3-5") and not orbital_components("dx2") and orbital_components("dx2-y2")
    # the p shell inside six complete hybrids and the rest feels the same coupling as a pure one
    names = [*(f"sp3d2-{i + 1}" for i in range(6)), "dxy", "dxz", "dyz"]
    toy = Toy(owner=[0] * 9)
    data = two_channels(toy.data(), toy.data())
    term = (with_spin_orbit(data, names, {"d": 0.1, "p": 0.3}).electrons.hoppings - data.electrons.hoppings)[
        np.flatnonzero(~data.electrons.vectors.any(axis=1))[0]
    ]
    expected = np.sort([*[-0.3] * 2, *[0.15] * 4, *[-0.15] * 4, *[0.1] * 6, 0, 0])
    np.testing.assert_allclose(np.linalg.eigvalsh(term), expected, atol=1e-12)


def test_nonmagnetic_crystal_twice():
    both = two_channels(UP, UP)
    k, q = np.random.default_rng(0).random((2, 4, 3))
    np.testing.assert_allclose(both.energies(k), np.repeat(UP.energies(k), 2, axis=1), atol=1e-12)
    strength = np.sum(np.abs(both.coupling(k, q)) ** 2, axis=(1, 2))
    np.testing.assert_allclose(strength, 2 * np.sum(np.abs(UP.coupling(k, q)) ** 2, axis=(1, 2)))
    assert both.spinor and both.electrons.spin.shape == (3, 6, 6)
    assert both.electrons.position_matrix(k @ UP.reciprocal_cell).shape == (4, 3, 6, 6)


def test_exchange_splits_and_spin_orbit_keeps_time_reversal():
    both = two_channels(UP, UP)
    k = np.random.default_rng(0).random((4, 3))
    split = with_exchange(both, (0.0, 0.3, 0.4)).energies(k)
    bands = UP.energies(k)
    np.testing.assert_allclose(split, np.sort(np.concatenate([bands - 0.5, bands + 0.5], axis=1)), atol=1e-12)
    local = with_exchange(both, np.array([[0, 0, 0.1], [0, 0, 0], [0.2, 0, 0]]))
    home = np.flatnonzero(~both.electrons.vectors.any(axis=1))[0]
    term = local.electrons.hoppings[home] - both.electrons.hoppings[home]
    expected = np.kron(PAULI[2], np.diag([0.1, 0, 0])) + np.kron(PAULI[0], np.diag([0, 0, 0.2]))
    np.testing.assert_allclose(term, expected, atol=1e-12)
    # T = i sigma_y K: the on-site term commutes with it
    turned = with_spin_orbit(both, ["px", "py", None], {"p": 0.3})
    term = turned.electrons.hoppings[home] - both.electrons.hoppings[home]
    flip = np.kron(1j * PAULI[1], np.eye(3))
    assert np.abs(term).max() > 0.1
    np.testing.assert_allclose(flip @ term.conj() @ flip.conj().T, term, atol=1e-12)


def test_two_different_channels():
    """Each keeps its own bands and couplings; vectors of both lists are kept."""
    down = replace(Toy(seed=7, cutoff=1).data(), phonons=UP.phonons)
    both = two_channels(UP, down)
    k, q = np.random.default_rng(0).random((2, 3, 3))
    expected = np.sort(np.concatenate([UP.energies(k), down.energies(k)], axis=1))
    np.testing.assert_allclose(both.energies(k), expected, atol=1e-12)
    vertex = both.wannier_vertex(k, q, "file")
    np.testing.assert_allclose(vertex[..., :3, :3], UP.wannier_vertex(k, q, "file"), atol=1e-12)
    np.testing.assert_allclose(vertex[..., 3:, 3:], down.wannier_vertex(k, q, "file"), atol=1e-12)
    assert not vertex[..., :3, 3:].any()


def test_sites_do_not_mix():
    """Functions on different atoms have no common angular momentum."""
    toy = Toy(owner=[0, 1])
    data = two_channels(toy.data(), toy.data())
    same = with_spin_orbit(data, ["px", "py"], {"p": 0.3})
    np.testing.assert_allclose(same.electrons.hoppings, data.electrons.hoppings)


def test_wrong_input():
    both = two_channels(UP, UP)
    with pytest.raises(InputError, match="spinor model already"):
        two_channels(both, UP)
    with pytest.raises(InputError, match="different unit cells"):
        two_channels(UP, Toy(cell=1.01 * CELL).data())
    with pytest.raises(InputError, match="different phonons"):
        two_channels(UP, replace(UP, phonons=replace(UP.phonons, force_constants=1.1 * UP.phonons.force_constants)))
    with pytest.raises(InputError, match="3 and 2 Wannier functions"):
        two_channels(UP, Toy(owner=[0, 1]).data())
    with pytest.raises(InputError, match="no spin matrices"):
        with_exchange(UP, (0, 0, 1))
    with pytest.raises(InputError, match=r"expected \(3,\) or \(3, 3\)"):
        with_exchange(both, (0, 1))
    with pytest.raises(InputError, match="2 names for 3"):
        with_spin_orbit(both, ["px", "py"], {"p": 0.1})
    with pytest.raises(InputError, match='orbital "pxy"'):
        with_spin_orbit(both, ["px", "py", "pxy"], {"p": 0.1})
    with pytest.raises(InputError, match='shell "f"'):
        with_spin_orbit(both, ["px", "py", "pz"], {"f": 0.1})
    with pytest.raises(InputError, match='none belongs to the "d" shell'):
        with_spin_orbit(both, ["px", "py", "pz"], {"d": 0.1})
    moved = replace(UP, atoms=Atoms(None, UP.atoms.positions + 0.1, UP.atoms.masses))
    with pytest.raises(InputError, match="different atoms"):
        two_channels(UP, moved)
