"""Eigensystems of two orbitals in closed form against those of a library."""

import numpy as np
import pytest

from sidejump.bands.eigen import eigensystem


@pytest.mark.parametrize("orbitals", [2, 3])
def test_random_and_degenerate_matrices(orbitals):
    """Of all sizes, of one level, of one level but for rounding, diagonal in both orders, real."""
    rng = np.random.default_rng(1)
    h = rng.normal(size=(400, orbitals, orbitals)) + 1j * rng.normal(size=(400, orbitals, orbitals))
    h *= 10.0 ** rng.integers(-150, 150, 400)[:, None, None]
    h[:8] = 0.0
    h[1:8, range(orbitals), range(orbitals)] = rng.normal(size=orbitals)
    h[2], h[3] = h[1][::-1, ::-1], 0.7 * np.eye(orbitals)
    h[4:6, 0, 1] = 1e-300, 1e-17j
    h[6, 0, 1] = 1e-9
    h = h + h.conj().swapaxes(1, 2)
    energies, states = eigensystem(h.reshape(20, 20, orbitals, orbitals))
    energies, states = energies.reshape(400, orbitals), states.reshape(h.shape)
    size = np.abs(h).max(axis=(1, 2), initial=1e-300)[:, None]
    np.testing.assert_allclose(energies / size, np.linalg.eigvalsh(h) / size, atol=1e-14)
    np.testing.assert_allclose(np.abs(states.conj().swapaxes(1, 2) @ states - np.eye(orbitals)), 0, atol=1e-14)
    off = np.abs(h @ states - states * energies[:, None]).max(axis=1) / size
    np.testing.assert_allclose(off, 0, atol=1e-14)


def test_matrices_of_real_numbers_alone():
    energies, states = eigensystem(np.array([[1.0, 2.0], [2.0, 1.0]]))
    np.testing.assert_allclose(energies, [-1, 3], atol=1e-15)
    np.testing.assert_allclose(np.abs(states) ** 2, 0.5, atol=1e-15)
