"""Consistency tests of electron-phonon data: what is impossible stops, what is merely poor is reported as a number."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from .images import fold, mesh_cells

_IMPOSSIBLE = 0.05  # relative Hermiticity violation on the coarse mesh that no converged run shows


def examine(data):
    """`data` with its `checks` and `warnings` completed.

    Raises
    ------
    InputError
        If the coupling is not Hermitian on its own coarse mesh: files of different runs or a misread format.
    """
    checks = data.checks
    checks["hamiltonian_hermiticity_eV"] = data.electrons.hermiticity_violation
    checks["acoustic_sum_rule_eV_per_angstrom2"] = data.phonons.acoustic_sum_rule_violation
    folded = fold(data.file_coupling, data.k_mesh, data.q_mesh)
    checks["coupling_hermiticity_on_mesh"] = violation = mesh_hermiticity(folded, data.k_mesh, data.q_mesh)
    if violation > _IMPOSSIBLE:
        raise InputError(
            f"{data.source}: g(k, q)^+ and g(k + q, -q) differ by {violation:.2g} of the largest element on the coarse "
            "mesh; the files are of different runs, or k_mesh and q_mesh are not those of the run"
        )
    return data


def mesh_hermiticity(folded, k_mesh, q_mesh) -> float:
    """Violation of ``g_mn(Re, Rp) = g_nm(-Re, Rp - Re)*`` modulo the supercells, of the largest element."""
    re, rp = mesh_cells(k_mesh), mesh_cells(q_mesh)
    minus = np.ravel_multi_index(tuple(np.mod(-re, k_mesh).T), tuple(k_mesh))
    largest = np.abs(folded).max()
    worst = 0.0
    for i, p in enumerate(rp):
        moved = np.ravel_multi_index(tuple(np.mod(p - re, q_mesh).T), tuple(q_mesh))
        partner = folded[moved, :, minus].conj().swapaxes(-1, -2)  # (nRe, 3nat, N, N)
        worst = max(worst, float(np.abs(folded[i].swapaxes(0, 1) - partner).max()))
    return worst / float(largest)
