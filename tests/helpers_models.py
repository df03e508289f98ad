"""Models the tests share."""

from __future__ import annotations

import numpy as np

from sidejump.bands.base import PAULI
from sidejump.bands.dirac import MassiveDirac
from sidejump.bands.function import FunctionModel
from sidejump.bands.lattice import LatticeModel
from sidejump.bands.luttinger import Luttinger
from sidejump.bands.rashba import RashbaFerromagnet
from sidejump.bands.tight_binding import TightBinding
from sidejump.bands.weyl import Weyl
from sidejump.bands.zeeman import WithZeeman


def random_wannier(dimension=3, n=4, seed=0, sites=True, position=True) -> LatticeModel:
    """Random Hermitian H(R) and r(R) on R in {-1, 0, 1}^d, orbitals off the origin."""
    rng = np.random.default_rng(seed)
    cell = 2.5 * np.eye(dimension) + 0.4 * rng.normal(size=(dimension, dimension))
    vectors = np.stack(np.meshgrid(*[[-1, 0, 1]] * dimension, indexing="ij"), -1).reshape(-1, dimension)

    def hermitian(*shape):
        x = rng.normal(size=(len(vectors), *shape, n, n)) + 1j * rng.normal(size=(len(vectors), *shape, n, n))
        return 0.5 * (x + x[::-1].conj().swapaxes(-1, -2))  # the list of R reversed is -R

    decay = np.exp(-np.abs(vectors).sum(axis=1))
    hoppings = hermitian() * decay[:, None, None]
    positions = 0.2 * hermitian(dimension) * decay[:, None, None, None]
    centres = rng.uniform(-0.8, 0.8, (n, dimension))
    positions[len(vectors) // 2] += np.stack([np.diag(c) for c in centres.T])
    return LatticeModel(
        cell, vectors, hoppings, positions if position else None, centres if sites else np.zeros_like(centres)
    )


def haldane(mass=0.0, t2=0.0) -> LatticeModel:
    """Honeycomb lattice with sublattice mass and Haldane's second-neighbour hops, eV."""
    a = 2.46
    cell = [[a, 0.0], [a / 2, a * np.sqrt(3) / 2]]
    builder = TightBinding(cell, [((1 / 3, 1 / 3), 1), ((2 / 3, 2 / 3), 1)]).onsite(0, mass).onsite(1, -mass)
    for r in [(0, 0), (-1, 0), (0, -1)]:
        builder.hop(0, 1, r, -2.7)
    for r in [(1, 0), (-1, 1), (0, -1)]:
        builder.hop(0, 0, r, 1j * t2).hop(1, 1, r, -1j * t2)
    return builder.build()


def rashba_lattice(rashba=0.3) -> LatticeModel:
    """Square lattice with spin and Rashba hops."""
    builder = TightBinding(3.0 * np.eye(2), [((0, 0), 1)], spinful=True)
    builder.hop(0, 0, (1, 0), -0.5 * np.eye(2) - 0.5j * rashba * PAULI[1])
    return builder.hop(0, 0, (0, 1), -0.5 * np.eye(2) + 0.5j * rashba * PAULI[0]).build()


def warped(k):
    """Rashba coupling with hexagonal warping, analytic in k."""
    kx, ky = k[:, 0, None, None], k[:, 1, None, None]
    return 3.0 * (kx * PAULI[1] - ky * PAULI[0]) + (0.08 + 40.0 * (kx**3 - 3 * kx * ky**2)) * PAULI[2]


MODELS = {
    "dirac": lambda: MassiveDirac(mass=0.1, velocity=3.0, tilt=(0.4, -0.2)),
    "rashba": lambda: RashbaFerromagnet(effective_mass=0.6, rashba=0.8, exchange=0.05),
    "weyl": lambda: Weyl(velocity=2.0, node=0.08, axial_velocity=1.5, tilt=(0.1, 0.2, 0.3)),
    "luttinger": lambda: Luttinger(gamma1=6.9, gamma2=2.0, gamma3=2.9, exchange=(0.01, 0.02, -0.03)),
    "function": lambda: FunctionModel(warped, dimension=2, search_half_width=0.3),
    "haldane": lambda: haldane(0.2, 0.1),
    "zeeman_kp": lambda: WithZeeman(RashbaFerromagnet(effective_mass=0.6, rashba=0.8, exchange=0.0), (0.1, 0, 0.2)),
    "zeeman_lattice": lambda: WithZeeman(rashba_lattice(), (0.1, 0.0, 0.2)),
    "wannier_2d": lambda: random_wannier(2, 3),
    "wannier_3d": lambda: random_wannier(3, 4),
}
"""Names and builders of one model of each kind."""


def points(model, n=5, seed=3) -> np.ndarray:
    """Random wave vectors on the model's own scale."""
    return model.k_scale * np.random.default_rng(seed).uniform(-1, 1, (n, model.dimension))
