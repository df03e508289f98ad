"""Consistency tests of electron-phonon data: what is impossible stops, what is merely poor is reported as a number."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from .container import ElectronPhonon, mesh_points
from .images import adjoint, fold

_IMPOSSIBLE = 0.05  # relative Hermiticity violation on the coarse mesh that no converged run shows


def examine(data: ElectronPhonon) -> ElectronPhonon:
    """`data` with its `checks` and `warnings` completed.

    Checks, all largest deviations: Hermiticity of H(R), C(R) and, on the coarse mesh, of the coupling; the acoustic sum
    rule; the rms difference of E(k) and E(-k); the number of imaginary modes on the q mesh and the most negative phonon
    energy there; at q = 0 the band-diagonal coupling to a rigid shift, which should vanish.

    Raises
    ------
    InputError
        If force constants or coupling are far from Hermitian: files of different runs or a misread format.
    """
    checks, warnings = data.checks, data.warnings
    checks["hamiltonian_hermiticity_eV"] = data.electrons.hermiticity_violation
    checks["force_constant_symmetry_eV_per_angstrom2"] = _force_constants(data)
    checks["acoustic_sum_rule_eV_per_angstrom2"] = data.phonons.acoustic_sum_rule_violation
    folded = fold(data.file_coupling, data.k_mesh, data.q_mesh)
    scale = max(float(np.abs(data.file_coupling.values).max()), 1e-9)  # the folded values may cancel
    violation = mesh_hermiticity(folded, data.k_mesh, data.q_mesh) / scale
    checks["coupling_hermiticity_on_mesh"] = violation
    if violation > _IMPOSSIBLE:
        raise InputError(
            f"{data.source}: g(k, q)^+ and g(k + q, -q) differ by {violation:.2g} of the largest element on the coarse "
            "mesh; the files are of different runs, or k_mesh and q_mesh are not those of the run"
        )
    checks["rigid_shift_coupling_eV_per_angstrom"] = _rigid_shift(data)
    checks["reversal_energy_violation_eV"] = _reversal(data)
    omega = data.phonon_energies(mesh_points(data.q_mesh))
    imaginary = omega < -1e-5
    checks["imaginary_modes_on_mesh"] = int(imaginary.sum())
    checks["lowest_phonon_energy_eV"] = float(omega.min())
    if imaginary.any():
        worst = mesh_points(data.q_mesh)[imaginary.any(axis=1)][0]
        warnings.append(
            f"{imaginary.sum()} modes are imaginary on the q mesh (first at q = {np.round(worst, 4).tolist()}, lowest "
            f"{1e3 * omega.min():.3g} meV); they have no amplitude and are left out of the scattering"
        )
    return data


def mesh_hermiticity(folded, k_mesh, q_mesh) -> float:
    """Largest violation of ``g_mn(Re, Rp) = g_nm(-Re, Rp - Re)*`` modulo the supercells, eV/angstrom."""
    return float(np.abs(folded - adjoint(folded, k_mesh, q_mesh)).max())


def _force_constants(data) -> float:
    """Largest ``|C_ab(R) - C_ba(-R)|``, eV/angstrom^2, through the Hermiticity of C(q)."""
    phonons = data.phonons
    index = {tuple(r): i for i, r in enumerate(phonons.vectors.tolist())}
    partner = np.array([index.get(tuple(-r), -1) for r in phonons.vectors])
    mirrored = np.where((partner >= 0)[:, None, None], phonons.force_constants[partner], 0).conj().swapaxes(1, 2)
    worst = float(np.abs(phonons.force_constants - mirrored).max())
    if worst > 0.05 * np.abs(phonons.force_constants).max():
        raise InputError(
            f"{data.source}: force constants C_ab(R) and C_ba(-R) differ by up to {worst:.2g} eV/angstrom^2; "
            "the file is damaged or its meshes are others"
        )
    return worst


def _rigid_shift(data) -> float:
    k = mesh_points(data.k_mesh)
    shift = data.file_coupling.at_k(k).sum(axis=1)  # q = 0
    shift = shift.reshape(len(k), -1, 3, *shift.shape[2:]).sum(axis=1)
    states = data.eigenstates(k)[1]
    diagonal = np.einsum("kmn,kcml,kln->kcn", states.conj(), shift, states, optimize=True)
    return float(np.abs(diagonal).max())


def _reversal(data) -> float:
    k = np.random.default_rng(0).random((64, 3))
    return float(np.sqrt(np.mean((data.energies(k) - data.energies(-k)) ** 2)))
