"""Three-dimensional lattices; hops in eV, lengths in angstrom."""

from __future__ import annotations

import numpy as np

from sidejump import PAULI, TightBinding

CUBE = np.eye(3, dtype=int)


def ferromagnet(spin_orbit: float):
    """Simple cubic; the spin bands cross on a surface of k space, where spin-orbit coupling opens a small gap."""
    lattice = TightBinding(2.8 * np.eye(3), [((0, 0, 0), 1)], spinful=True).onsite(0, 0.1 * PAULI[2])
    for axis in range(3):
        # the majority spin moves easily along z, the minority spin in the plane
        spin = 0.25 * PAULI[2] * (1.0 if axis == 2 else -0.5)
        lattice.hop(0, 0, CUBE[axis], -0.4 * np.eye(2) - spin - 0.5j * spin_orbit * PAULI[axis])
    return lattice.build()


def body_centred(spin_orbit: float = 0.06):
    """Body-centred cubic, eight hops with d.sigma along the bond."""
    a = 1.43
    cell = a * np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1.0]])
    lattice = TightBinding(cell, [((0, 0, 0), 1)], spinful=True).onsite(0, 0.25 * PAULI[2])
    for vector in [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1)]:
        bond = np.tensordot(np.array(vector) @ cell / (a * np.sqrt(3)), PAULI, 1)
        lattice.hop(0, 0, vector, -0.2 * np.eye(2) - 0.05 * PAULI[2] - 0.5j * spin_orbit * bond)
    return lattice.build()


def angular_momentum() -> np.ndarray:
    """L of p orbitals (x, y, z), shape (3, 3, 3); that of t2g orbitals (yz, zx, xy) is its negative."""
    levi_civita = np.zeros((3, 3, 3))
    for a, b, c in [(0, 1, 2), (1, 2, 0), (2, 0, 1)]:
        levi_civita[a, b, c], levi_civita[a, c, b] = 1, -1
    return -1j * levi_civita


def spin_orbit_and_exchange(sign: float, spin_orbit: float, exchange: float) -> np.ndarray:
    """``sign lambda L.sigma / 2 - h sigma_z`` on three orbitals with spin."""
    coupled = sum(np.kron(l, s) for l, s in zip(angular_momentum(), PAULI, strict=True))
    return 0.5 * sign * spin_orbit * coupled - exchange * np.kron(np.eye(3), PAULI[2])


def t2g(spin_orbit: float = 0.1, exchange: float = 0.3, between: float = 0.06):
    """Simple cubic, orbitals yz, zx, xy: each moves in its own plane."""
    lattice = TightBinding(3.9 * np.eye(3), [((0, 0, 0), 3)], spinful=True)
    for axis in range(3):
        lattice.hop(0, 0, CUBE[axis], np.diag([-0.03 if orbital == axis else -0.3 for orbital in range(3)]))
    # without hops between the orbitals H(k) is even in every component, and no Berry curvature is left
    for i, j in [(0, 1), (1, 2), (2, 0)]:
        mixing = np.zeros((3, 3))
        mixing[i, j] = mixing[j, i] = between
        lattice.hop(0, 0, CUBE[i] + CUBE[j], -mixing).hop(0, 0, CUBE[i] - CUBE[j], mixing)
    return lattice.onsite(0, spin_orbit_and_exchange(-1.0, spin_orbit, exchange)).build()


def fcc_p(spin_orbit: float = 0.15, exchange: float = 0.2):
    """Face-centred cubic, p orbitals with sigma and pi bonds."""
    cell = 2.0 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0.0]])
    lattice = TightBinding(cell, [((0, 0, 0), 3)], spinful=True)
    for vector in [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, -1, 0), (0, 1, -1), (1, 0, -1)]:
        bond = np.array(vector) @ cell
        along = np.outer(bond, bond) / (bond @ bond)
        lattice.hop(0, 0, vector, 0.4 * along - 0.05 * (np.eye(3) - along))
    return lattice.onsite(0, spin_orbit_and_exchange(1.0, spin_orbit, exchange)).build()


def layers(between: float = 0.03):
    """Square layers, each a massive Dirac model on a lattice, weakly coupled: the surface is open along z."""
    lattice = TightBinding(np.diag([3.0, 3.0, 6.0]), [((0, 0, 0), 1)], spinful=True)
    for axis in range(2):
        lattice.hop(0, 0, CUBE[axis], -0.15 * np.eye(2) - 0.3 * PAULI[2] - 0.4j * PAULI[axis])
    return lattice.hop(0, 0, CUBE[2], -between * np.eye(2)).onsite(0, 1.4 * PAULI[2]).build()


def kagome(spin_orbit: float = 0.06, between: float = 0.08):
    """Stacked kagome layers of one spin, spin-orbit coupling in the nearest hops."""
    a = 5.3
    cell = [[a, 0, 0], [-a / 2, a * np.sqrt(3) / 2, 0], [0, 0, 4.5]]
    lattice = TightBinding(cell, [((0.5, 0, 0), 1), ((0.5, 0.5, 0), 1), ((0, 0.5, 0), 1)])
    hop = -0.35 + 1j * spin_orbit
    for i, j, up, down in [(0, 1, (0, 0, 0), (0, -1, 0)), (1, 2, (1, 0, 0), (0, 0, 0)), (2, 0, (-1, 0, 0), (0, 1, 0))]:
        lattice.hop(i, j, up, hop).hop(i, j, down, hop)
    for i in range(3):
        lattice.hop(i, i, (0, 0, 1), -between)
    return lattice.build()


def weyl(separation: float, tilt: float = 0.03):
    """Two Weyl points at ``k_z = +- separation`` (in units of 1/a), each with a pocket of its own."""
    lattice = TightBinding(4.0 * np.eye(3), [((0, 0, 0), 1)], spinful=True)
    lattice.onsite(0, (2.0 + np.cos(separation)) * 0.8 * PAULI[2])
    for axis in range(2):
        lattice.hop(0, 0, CUBE[axis], -0.4 * PAULI[2] - 0.3j * PAULI[axis])
    return lattice.hop(0, 0, CUBE[2], -0.4 * PAULI[2] - 1j * tilt * np.eye(2)).build()
