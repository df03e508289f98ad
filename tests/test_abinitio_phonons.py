"""Phonons: against a finite crystal, the acoustic sum rule, and the closed forms of the dipole part."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from helpers_abinitio import CELL, Toy, polar
from sidejump.errors import InputError
from sidejump.units import COULOMB, HBAR2_OVER_2M
from sidejump.wannier.phonons import Phonons

TOY = Toy()
RECIPROCAL = 2 * np.pi * np.linalg.inv(CELL).T


def random_q(n, seed=0):
    return np.random.default_rng(seed).random((n, 3)) @ RECIPROCAL


def test_frequencies_are_those_of_a_finite_periodic_crystal():
    """All normal modes of 3 x 2 x 2 cells, diagonalised at once."""
    size = np.array([3, 2, 2])
    cells = np.array(list(itertools.product(*[range(n) for n in size])))
    index = {tuple(c): i for i, c in enumerate(cells.tolist())}
    constants, n = TOY.force_constants(), 6
    full = np.zeros((len(cells), n, len(cells), n))
    for c, (r, block) in itertools.product(cells, zip(TOY.vectors, constants, strict=True)):
        full[index[tuple(c)], :, index[tuple(np.mod(c + r, size))], :] += block
    root = np.tile(np.repeat(TOY.masses, 3) ** -0.5, len(cells))
    full = full.reshape(len(root), len(root)) * 2 * HBAR2_OVER_2M * root[:, None] * root
    square = np.linalg.eigvalsh(full)
    omega, vectors = TOY.phonons().solve(cells / size @ RECIPROCAL)
    np.testing.assert_allclose(np.sort((np.sign(omega) * omega**2).ravel()), square, atol=1e-14)
    np.testing.assert_allclose(vectors.conj().swapaxes(1, 2) @ vectors, np.tile(np.eye(6), (12, 1, 1)), atol=1e-12)


def test_acoustic_sum_rule_is_measured_and_imposed():
    good = TOY.phonons()
    assert good.acoustic_sum_rule_violation < 1e-12
    constants = good.force_constants.copy()
    home = np.flatnonzero(~good.vectors.any(axis=1))[0]
    constants[home, 1, 1] -= 0.05
    bad = replace(good, force_constants=constants)
    assert bad.acoustic_sum_rule_violation == pytest.approx(0.05)
    gamma = np.zeros((1, 3))
    assert bad.solve(gamma)[0][0].min() < -1e-3  # imaginary modes are negative
    mended = bad.with_acoustic_sum_rule()
    assert mended.acoustic_sum_rule_violation < 1e-12
    assert np.abs(mended.solve(gamma)[0][0, :3]).max() < 1e-8


def test_lattice_vectors_of_reciprocal_space_change_nothing():
    for phonons in (TOY.phonons(), polar(TOY, alpha=0.4)):
        q = random_q(4)
        moved = phonons.dynamical_matrix(q + np.array([1, -2, 1]) @ RECIPROCAL)
        np.testing.assert_allclose(moved, phonons.dynamical_matrix(q), atol=1e-12)


def test_macroscopic_field_splits_longitudinal_modes():
    """q -> 0 along n: the non-analytic term 4 pi e^2/Omega (n.Z_a)(n.Z_b)/(n.eps.n), whatever the Ewald parameter."""
    for alpha in (0.3, 0.9):
        phonons = polar(TOY, alpha=alpha)
        charges, volume = phonons.born_charges, abs(np.linalg.det(CELL))
        n = np.array([0.6, 0.0, 0.8])
        small = phonons.dipole_part.force_constants(np.stack([1e-5 * n, 0 * n]))
        z = (charges @ n).ravel()
        expected = 4 * np.pi * COULOMB / volume * np.outer(z, z) / (n @ phonons.dielectric @ n)
        np.testing.assert_allclose(small[0] - small[1], expected, atol=2e-4 * np.abs(expected).max())


def test_ewald_parameter_only_moves_short_range_force_constants():
    """The difference of two parameters is smooth at q = 0: the same from every direction."""
    parts = [polar(TOY, alpha=alpha).dipole_part for alpha in (0.6, 1.2)]
    q = 1e-5 * np.array([[1, 0, 0], [0, 1, 0], [0, 0.6, 0.8], [0, 0, 0]])
    difference = parts[1].force_constants(q) - parts[0].force_constants(q)
    assert np.abs(difference).max() > 1e-3
    np.testing.assert_allclose(difference[:3], np.tile(difference[3], (3, 1, 1)), atol=1e-5)


def test_dipole_part_costs_no_energy_for_a_rigid_shift():
    part = polar(TOY, alpha=0.5).dipole_part
    total = part.force_constants(np.zeros((1, 3)))[0].reshape(2, 3, 2, 3).sum(axis=2)
    assert np.abs(total).max() < 1e-12


def test_dipole_vertex_is_froehlich_at_small_q_and_hermitian():
    phonons = polar(TOY, alpha=0.5)
    part, n = phonons.dipole_part, np.array([0.0, 0.6, 0.8])
    vertex = part.vertex(1e-5 * n[None])[0]
    expected = 4j * np.pi * COULOMB / abs(np.linalg.det(CELL)) * (phonons.born_charges @ n).ravel()
    np.testing.assert_allclose(vertex * 1e-5, expected / (n @ phonons.dielectric @ n), rtol=1e-4)
    q = random_q(5)
    np.testing.assert_allclose(part.vertex(-q), part.vertex(q).conj(), atol=1e-14)
    assert not part.vertex(np.zeros((1, 3))).any()


def test_layer_splits_linearly_in_q():
    """In a layer the splitting vanishes: 2 pi e^2/A |q| (n.Z_a)(n.Z_b) / (1 + r |q|)."""
    toy = Toy(cell=np.diag([3.0, 3.0, 20.0]))
    phonons = polar(toy, alpha=0.5, two_dimensional=True)
    part, n = phonons.dipole_part, np.array([0.6, 0.8, 0.0])
    z = (phonons.born_charges @ n).ravel()
    r = (n @ phonons.dielectric @ n - 1) * 20.0 / 2
    for length in (1e-4, 1e-2):
        parts = part.force_constants(np.stack([length * n, 0 * n]))
        expected = 2 * np.pi * COULOMB / 9.0 * length / (1 + r * length) * np.outer(z, z)
        # the phases exp(i K.(tau_a - tau_b)) of the other terms are linear in q, and imaginary
        np.testing.assert_allclose((parts[0] - parts[1]).real, expected, atol=2e-3 * np.abs(expected).max() + 1e-8)
    lifted = part.force_constants(np.array([[0.1, 0.2, 0.3]])) - part.force_constants(np.array([[0.1, 0.2, 0.0]]))
    assert np.abs(lifted).max() < 1e-12  # nothing depends on q along the normal


def test_wrong_input_is_refused():
    good = TOY.phonons()
    with pytest.raises(InputError, match="force_constants has shape"):
        replace(good, force_constants=good.force_constants[:, :3])
    with pytest.raises(InputError, match="mass"):
        replace(good, masses=-good.masses)
    with pytest.raises(InputError, match="dielectric"):
        Phonons(good.cell, good.positions, good.masses, good.vectors, good.force_constants, np.zeros((2, 3, 3)))


def test_phonons_of_another_source():
    data = Toy().data()
    softer = replace(data.phonons, force_constants=0.25 * data.phonons.force_constants)
    found = data.with_phonons(softer)
    q = np.random.default_rng(2).uniform(-1, 1, (3, 3))
    np.testing.assert_allclose(found.phonon_energies(q), 0.5 * data.phonon_energies(q), atol=1e-12)
    np.testing.assert_allclose(found.wannier_vertex(q, q), data.wannier_vertex(q, q))
    with pytest.raises(InputError, match=r"masses .* differ"):
        data.with_phonons(replace(softer, masses=softer.masses[::-1]))
    with pytest.raises(InputError, match="positions of the atoms of the phonons differ by"):
        data.with_phonons(replace(softer, positions=softer.positions + [0.1, 0, 0]))
