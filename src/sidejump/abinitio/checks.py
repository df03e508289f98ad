"""Consistency tests of electron-phonon data: what is impossible stops, what is merely poor is reported as a number."""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits

from ..errors import InputError
from .container import IMAGES, SOFT, ElectronPhonon, mesh_points
from .images import adjoints, fold
from .quality import acoustic_exponent, off_mesh_hermiticity, rigid_shift

_IMPOSSIBLE = 0.05  # relative Hermiticity violation on the coarse mesh that no converged run shows
_FOREIGN, _DOUBTFUL = 0.3, 0.15  # rigid shift between close states: see `quality`
_POOR_IMAGES = 0.3  # relative violation of Hermiticity off the mesh by the images of the file
_POOR_SHIFT = 1.0  # eV/angstrom, coupling of a rigid shift within a state


@threadpool_limits.wrap(limits=1)
def examine(data: ElectronPhonon) -> ElectronPhonon:
    """`data` with its `checks` and `warnings` completed.

    Checks, all largest deviations: Hermiticity of H(R), C(R) and, on the coarse mesh, of the coupling; the acoustic sum
    rule; the rms difference of E(k) and E(-k); the number of imaginary modes on the q mesh and the most negative phonon
    energy there; at q = 0 the band-diagonal coupling to a rigid shift, which should vanish, and how the rest of that
    coupling goes with the distance of the states (`quality`); off the meshes, `interpolation`.

    Raises
    ------
    InputError
        If numbers are not finite or the cell has no volume; if force constants or coupling are far from Hermitian, or
        the coupling of a rigid shift does not go with the bands: files of different runs or a misread format.
    """
    require_sound(data)
    checks = data.checks
    checks["hamiltonian_hermiticity_eV"] = data.electrons.hermiticity_violation
    checks["force_constant_symmetry_eV_per_angstrom2"] = _force_constants(data)
    checks["acoustic_sum_rule_eV_per_angstrom2"] = data.phonons.acoustic_sum_rule_violation
    folded = fold(data.file_coupling, data.k_mesh, data.q_mesh)
    scale = max(data.file_coupling.largest, 1e-9)  # the folded values may cancel
    violation = mesh_hermiticity(folded, data.k_mesh, data.q_mesh) / scale
    del folded
    checks["coupling_hermiticity_on_mesh"] = violation
    if violation > _IMPOSSIBLE:
        raise InputError(
            f"{data.source}: g(k, q)^+ and g(k + q, -q) differ by {violation:.2g} of the largest element on the coarse "
            "mesh; the files are of different runs, or k_mesh and q_mesh are not those of the run"
        )
    _rigid_shift(data)
    checks["reversal_energy_violation_eV"] = _reversal(data)
    _imaginary_modes(data)
    checks |= interpolation(data)
    if checks["coupling_hermiticity_file_images"] > _POOR_IMAGES:
        _warn(
            data,
            "off the coarse mesh g(k, q)^+ and g(k + q, -q) with the images of the file differ by "
            f"{checks['coupling_hermiticity_file_images']:.2g} of the largest element: the mesh of q is coarse, and "
            "Hermitian images, used here, know no more",
        )
    return data


def interpolation(data: ElectronPhonon) -> dict:
    """Figures of the interpolation between the coarse meshes, by name."""
    images = {f"coupling_hermiticity_{name}_images": off_mesh_hermiticity(data, name) for name in IMAGES}
    return images | {"acoustic_exponent": acoustic_exponent(data)}


def _warn(data, sentence) -> None:
    """Add a warning that is not there yet; a compact file carries those of its original."""
    if sentence not in data.warnings:
        data.warnings.append(sentence)


def require_sound(data) -> None:
    """Finite numbers, a cell, and meshes that fit together."""
    arrays = {
        "cell": data.cell,
        "positions of the atoms": data.atoms.positions,
        "masses": data.atoms.masses,
        "hoppings": data.electrons.hoppings,
        "sites": data.electrons.site_positions,
        "wannier_centres": data.wannier_centres,
        "position matrix": data.electrons.residual_positions,
        "force_constants": data.phonons.force_constants,
        "born_charges": data.phonons.born_charges,
        "dielectric": data.phonons.dielectric,
        "coupling": data.file_coupling.values,
    }
    for name, array in arrays.items():
        if array is not None and not np.all(np.isfinite(array)):
            raise InputError(f"{data.source}: {name} holds numbers that are not finite; the file is damaged")
    if abs(np.linalg.det(data.cell)) < 1e-6:
        raise InputError(f"{data.source}: the lattice vectors span no volume; the file is damaged")
    if np.any(np.mod(data.k_mesh, data.q_mesh)):
        raise InputError(
            f"{data.source}: k mesh {list(data.k_mesh)} is no multiple of q mesh {list(data.q_mesh)}: k + q would "
            "leave it; use files of one run"
        )


def _rigid_shift(data) -> None:
    diagonal, close = rigid_shift(data)
    data.checks["rigid_shift_coupling_eV_per_angstrom"] = diagonal
    if diagonal > _POOR_SHIFT:
        _warn(
            data,
            f"a rigid shift of the crystal couples to electrons by up to {diagonal:.2g} eV/angstrom, and should not: "
            "scattering by long acoustic waves, which dominate when cold, is wrong unless coupling_sum_rule is set",
        )
    if close is None:
        return
    data.checks["rigid_shift_close_states"] = close
    if close > _FOREIGN:
        raise InputError(
            f"{data.source}: a rigid shift couples states of nearly one energy {close:.2g} times as strongly as "
            f"distant ones (converged sets: below {_DOUBTFUL:g}); the coupling belongs to other Wannier functions than "
            "the Hamiltonian: use files of one run"
        )
    if close > _DOUBTFUL:
        _warn(
            data,
            f"a rigid shift couples states of nearly one energy {close:.2g} times as strongly as distant ones "
            f"(converged sets: below {_DOUBTFUL:g}): the meshes are coarse, or the files of different runs",
        )


def _imaginary_modes(data) -> None:
    points = mesh_points(data.q_mesh)
    omega = data.phonon_energies(points)
    imaginary, lost = omega < -1e-5, omega <= -SOFT
    data.checks["imaginary_modes_on_mesh"] = int(imaginary.sum())
    data.checks["imaginary_modes_without_amplitude"] = int(lost.sum())
    data.checks["lowest_phonon_energy_eV"] = float(omega.min())
    if not imaginary.any():
        return
    worst, limit = points[imaginary.any(axis=1)][0], f"{1e3 * SOFT:.3g} meV"
    fates = [(lost.sum(), f"beyond {limit} have no amplitude and are left out of the scattering")]
    fates += [((imaginary & ~lost).sum(), f"within {limit} count with the modulus of their energy")]
    _warn(
        data,
        f"{imaginary.sum()} modes are imaginary on the q mesh (first at q = {np.round(worst, 4).tolist()}, lowest "
        f"{1e3 * omega.min():.3g} meV): " + ", ".join(f"{count} {what}" for count, what in fates if count),
    )


def mesh_hermiticity(folded, k_mesh, q_mesh) -> float:
    """Largest violation of ``g_mn(Re, Rp) = g_nm(-Re, Rp - Re)*`` modulo the supercells, eV/angstrom."""
    return max(float(np.abs(folded[:, :, e] - part).max()) for e, part in enumerate(adjoints(folded, k_mesh, q_mesh)))


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


def _reversal(data) -> float:
    k = np.random.default_rng(0).random((64, 3))
    return float(np.sqrt(np.mean((data.energies(k) - data.energies(-k)) ** 2)))
