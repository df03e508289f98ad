"""A ferromagnet with two Weyl points on the axis of its magnetisation, x, on a simple cubic lattice."""

import numpy as np

import sidejump as sj

LATTICE = 4.0  # angstrom
BAND = 0.8  # eV: H = BAND (2 + cos s - cos x - cos y - cos z) sigma_x + SPIN_ORBIT (sin y sigma_y + sin z sigma_z)
SPIN_ORBIT = 0.6  # eV
SEPARATION = 1.2  # s: the points are at k_x = +-s / LATTICE

builder = sj.TightBinding(LATTICE * np.eye(3), [((0, 0, 0), 1)], spinful=True)
builder.onsite(0, BAND * (2 + np.cos(SEPARATION)) * sj.PAULI[0])
builder.hop(0, 0, (1, 0, 0), -0.5 * BAND * sj.PAULI[0])
for axis in (1, 2):
    builder.hop(0, 0, np.eye(3, dtype=int)[axis], -0.5 * BAND * sj.PAULI[0] - 0.5j * SPIN_ORBIT * sj.PAULI[axis])

model = builder.build()
