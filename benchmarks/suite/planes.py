"""Two-dimensional models; eV and angstrom."""

from __future__ import annotations

import numpy as np

from sidejump import PAULI, MassiveDirac, RashbaFerromagnet, TightBinding


def dirac():
    """Massive Dirac electrons on one side of the gap."""
    return MassiveDirac(mass=0.05, velocity=3.0)


def rashba():
    """Rashba ferromagnet; with the chemical potential above the exchange both subbands are occupied."""
    return RashbaFerromagnet(effective_mass=0.4, rashba=0.6, exchange=0.05)


def haldane():
    """Honeycomb with a sublattice mass and chiral second-neighbour hops; trigonally warped pockets."""
    a = 3.2
    cell = [[a, 0.0], [a / 2, a * np.sqrt(3) / 2]]
    lattice = TightBinding(cell, [((1 / 3, 1 / 3), 1), ((2 / 3, 2 / 3), 1)]).onsite(0, 0.15).onsite(1, -0.15)
    for r in [(0, 0), (-1, 0), (0, -1)]:
        lattice.hop(0, 1, r, -1.0)
    for r in [(1, 0), (-1, 1), (0, -1)]:
        lattice.hop(0, 0, r, 0.02j).hop(1, 1, r, -0.02j)
    return lattice.build()


def quantum_hall():
    """Square lattice whose bands have Chern numbers, with a Fermi contour."""
    lattice = TightBinding(3.5 * np.eye(2), [((0, 0), 1)], spinful=True).onsite(0, 0.7 * PAULI[2])
    for axis in range(2):
        lattice.hop(0, 0, np.eye(2, dtype=int)[axis], -0.25 * PAULI[2] - 0.3j * PAULI[axis] - 0.08 * np.eye(2))
    return lattice.build()
