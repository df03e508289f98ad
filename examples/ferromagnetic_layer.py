"""First-principles-like data made by hand: electrons, phonons and their coupling in a ferromagnetic layer.

One atom in a cell of the triangular lattice, orbitals p_x and p_y with spin, an exchange field along z, spin-orbit
coupling, and hopping to nearest neighbours whose size and direction follow the atoms: its derivative is the coupling.
Springs between the same neighbours make the phonons. `sidejump demo` runs on the file that this script writes;
`python ferromagnetic_layer.py layer_epw` writes the same as EPW does, for the notebook on EPW.
"""

import itertools
import sys
from dataclasses import replace

import numpy as np

import sidejump as sj
from sidejump.bands.lattice import LatticeModel
from sidejump.formats.epw_write import write_epw
from sidejump.wannier.checks import examine
from sidejump.wannier.container import Atoms, ElectronPhonon
from sidejump.wannier.coupling import Coupling
from sidejump.wannier.phonons import Phonons
from sidejump.wannier.rydberg import ATOMIC_MASS

A = 3.2  # lattice constant, angstrom
V_SIGMA, V_PI = 0.6, -0.2  # hopping at that distance, eV
DECAY = 0.9  # length over which hopping falls, angstrom
SPIN_ORBIT, EXCHANGE = 0.8, 1.0  # lambda of lambda L.S and half the splitting, eV
MASS = 100.0  # atomic mass units
STRETCH, BEND = 4.0, 1.2  # springs between neighbours, eV/angstrom^2
FERMI_ENERGY = 2.2  # eV: one pocket of holes of one spin around Gamma

cell = np.array([[A, 0.0, 0.0], [-A / 2, A * np.sqrt(3) / 2, 0.0], [0.0, 0.0, 12.0]])
vectors = np.array([v for v in itertools.product((-1, 0, 1), (-1, 0, 1), (0,)) if v not in ((1, -1, 0), (-1, 1, 0))])
HOME = int(np.flatnonzero(~vectors.any(axis=1))[0])


def hopping(d):
    """<p_i at 0|H|p_j at d>, shape (2, 2), eV, and its gradient to d, shape (3, 2, 2), eV/angstrom."""
    length = np.linalg.norm(d)
    n = d[:2] / length
    size, pair, rest = np.exp(-(length - A) / DECAY), np.outer(n, n), np.eye(2)
    angular = V_SIGMA * pair + V_PI * (rest - pair)
    turn = (np.eye(3)[:, :2] - np.outer(d / length, n)) / length  # dn_i/dd_c, shape (3, 2)
    turned = turn[:, :, None] * n + n[:, None] * turn[:, None, :]
    return size * angular, size * ((V_SIGMA - V_PI) * turned - (d / length / DECAY)[:, None, None] * angular)


def layer():
    """The data, as `sidejump.read_compact` returns them."""
    sx, sy, sz = sj.PAULI
    rotation = np.array([[0, -1j], [1j, 0]])  # L_z of p_x, p_y
    h = np.zeros((len(vectors), 4, 4), dtype=complex)
    g = np.zeros((len(vectors), 3, len(vectors), 4, 4), dtype=complex)
    c = np.zeros((len(vectors), 3, 3))
    for i, d in enumerate(vectors @ cell):
        if i == HOME:
            continue
        value, gradient = hopping(d)
        h[i] = np.kron(value, np.eye(2))  # up and down alternate
        moved = np.stack([np.kron(x, np.eye(2)) for x in gradient])
        g[i, :, i] += moved  # the neighbour moves
        g[HOME, :, i] -= moved  # the atom at home does
        along = np.outer(d, d) / A**2
        c[i] = -(STRETCH * along + BEND * (np.eye(3) - along))
    h[HOME] = SPIN_ORBIT / 2 * np.kron(rotation, sz) + EXCHANGE * np.kron(np.eye(2), sz)
    c[HOME] = -c.sum(axis=0)  # a rigid shift costs nothing
    spin = np.stack([np.kron(np.eye(2), s) for s in (sx, sy, sz)])
    positions, masses = np.zeros((1, 3)), np.array([MASS * ATOMIC_MASS])
    data = ElectronPhonon(
        LatticeModel(cell, vectors, h, np.zeros((len(vectors), 3, 4, 4)), np.zeros((4, 3)), spin),
        Phonons(cell, positions, masses, vectors, c),
        Coupling(vectors, vectors, g),
        Atoms(("X",), positions, masses),
        np.zeros((4, 3)),
        k_mesh=(3, 3, 1),
        q_mesh=(3, 3, 1),
        spinor=True,
        fermi_energy=FERMI_ENERGY,
        two_dimensional=True,
        source="ferromagnetic layer",
        family="epw",
    )
    return examine(data)


if __name__ == "__main__":
    target = sys.argv[1] if len(sys.argv) > 1 else "ferromagnetic_layer.h5"
    if target.endswith(".h5"):
        print("wrote", sj.write_compact(layer(), target))
    else:
        # the images of each pair of orbitals, as those of EPW's own meshes would reach beyond the neighbours
        print("wrote", write_epw(replace(layer(), family="perturbo"), target, prefix="layer", n_electrons=1.0))
