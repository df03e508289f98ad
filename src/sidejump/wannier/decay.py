"""How Hamiltonian, force constants and coupling decay with distance: the quality of a Wannier interpolation.

Everything is interpolated by Fourier sums that stop at the supercell of the coarse mesh; what has not decayed there is
the error.  Distances run between the centres that an element connects: the two Wannier functions for H; the two
atoms for the force constants; for the coupling the two functions, or the displaced atom and the nearer of them.
"""

from __future__ import annotations

import numpy as np

from .container import ElectronPhonon
from .images import on_atoms

_STEP = 0.05  # angstrom: elements whose distances differ by less share a point


def decay_arrays(data: ElectronPhonon, images: str = "hermitian") -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Largest element at each distance.

    Returns
    -------
    dict
        ``hamiltonian`` (eV), ``force_constants`` (eV/angstrom^2), ``coupling_electrons`` and ``coupling_phonons``
        (eV/angstrom): distance (n,), angstrom, ascending, and the largest modulus there (n,).
    """
    electrons, phonons, coupling = data.electrons, data.phonons, data.coupling_matrix(images).pairs()
    sites = on_atoms(data.wannier_centres, data.atoms.positions, data.cell)
    atoms = data.atoms.positions
    between = sites[None] - sites[:, None]  # w_n - w_m
    hop = np.linalg.norm((electrons.vectors @ data.cell)[:, None, None] + between, axis=-1)
    bond = (phonons.vectors @ data.cell)[:, None, None] + atoms[None] - atoms[:, None]
    n_r, nat = len(phonons.vectors), len(atoms)
    constants = np.abs(phonons.force_constants).reshape(n_r, nat, 3, nat, 3).max(axis=(2, 4))
    size = np.abs(coupling.values)  # (nP, 3 nat, m, n)
    size = size.reshape(len(size), nat, 3, *size.shape[2:]).max(axis=2)
    re, rp = coupling.re_vectors @ data.cell, coupling.rp_vectors @ data.cell
    bra = np.linalg.norm(rp[:, None, None] + atoms[:, None] - sites, axis=-1)  # (nRp, nat, m)
    shift = (rp[coupling.rp] - re[coupling.re])[:, None, None] + atoms[:, None] - sites
    near = np.minimum(bra[coupling.rp][..., None], np.linalg.norm(shift, axis=-1)[:, :, None])
    largest = np.zeros((len(re), *size.shape[2:]))
    np.maximum.at(largest, coupling.re, size.max(axis=1))
    apart = np.linalg.norm(re[:, None, None] + between, axis=-1)
    return {
        "hamiltonian": _envelope(hop, np.abs(electrons.hoppings)),
        "force_constants": _envelope(np.linalg.norm(bond, axis=-1), constants),
        "coupling_electrons": _envelope(apart, largest),
        "coupling_phonons": _envelope(near, size),
    }


def _envelope(distance, size):
    distance, size = np.ravel(distance), np.ravel(size)
    label = np.round(distance / _STEP).astype(int)
    largest, count, total = (np.zeros(label.max() + 1) for _ in range(3))
    np.maximum.at(largest, label, size)
    np.add.at(count, label[size > 0], 1)
    np.add.at(total, label[size > 0], distance[size > 0])
    kept = np.flatnonzero(largest > 0)
    return total[kept] / count[kept], largest[kept]
