"""Consistency tests of electron-phonon data: what is impossible stops, what is merely poor is reported as a number.

What stops because a figure is beyond any that was ever seen (`Judge`) can be had all the same, with a warning:
`trust_file`.
"""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits

from ..errors import InputError
from .container import IMAGES, SOFT, ElectronPhonon, mesh_points
from .images import adjoints, fold
from .quality import acoustic_exponent, off_mesh_hermiticity, rigid_shift
from .rydberg import ATOMIC_MASS

_IMPOSSIBLE = 0.05  # relative Hermiticity violation on the coarse mesh that no converged run shows
_FOREIGN, _DOUBTFUL = 0.3, 0.15  # rigid shift between close states: see `quality`
_POOR_IMAGES = 0.3  # relative violation of Hermiticity off the mesh by the images of the file
_POOR_SHIFT = 1.0  # eV/angstrom, coupling of a rigid shift within a state
_MASSES = (0.9, 320.0)  # unified atomic mass units: of any atom
_ASYMMETRY = 0.05  # of the largest force constant
_SHIFTED = "a rigid shift of the crystal couples to electrons"
_UNLIKE = "a rigid shift couples states of nearly one energy"
ONE_Q_POINT = "polar, with one q point along lattice vector"


def judge(warnings: list, sentence: str, trust: bool) -> None:
    """Stop with `sentence`; keep it as a warning where the file is to be trusted.

    Raises
    ------
    InputError
        Unless `trust`.
    """
    if not trust:
        raise InputError(f"{sentence}; trust_file = true takes it as it is")
    if sentence not in warnings:
        warnings.append(sentence)


@threadpool_limits.wrap(limits=1)
def examine(data: ElectronPhonon, *, trust_file: bool = False) -> ElectronPhonon:
    """`data` with its `checks` and `warnings` completed.

    Parameters
    ----------
    data : ElectronPhonon
    trust_file : bool
        Whether what no sound file shows is a warning only.

    Checks, all largest deviations: Hermiticity of H(R), C(R) and, on the coarse mesh, of the coupling; the acoustic sum
    rule; the rms difference of E(k) and E(-k); the number of imaginary modes on the q mesh and the most negative phonon
    energy there; at q = 0 the band-diagonal coupling to a rigid shift, which should vanish, and how the rest of that
    coupling goes with the distance of the states (`quality`); off the meshes, `interpolation`.

    Raises
    ------
    InputError
        If force constants or coupling are far from Hermitian, or masses those of no atom: files of different runs, or
        a misread format.
    """
    checks = data.checks
    _masses(data, trust_file)
    checks["hamiltonian_hermiticity_eV"] = data.electrons.hermiticity_violation
    checks["force_constant_symmetry_eV_per_angstrom2"] = _force_constants(data, trust_file)
    checks["acoustic_sum_rule_eV_per_angstrom2"] = data.phonons.acoustic_sum_rule_violation
    folded = fold(data.file_coupling, data.k_mesh, data.q_mesh)
    scale = max(data.file_coupling.largest, 1e-9)  # the folded values may cancel
    violation = mesh_hermiticity(folded, data.k_mesh, data.q_mesh) / scale
    del folded
    checks["coupling_hermiticity_on_mesh"] = violation
    if violation > _IMPOSSIBLE:
        judge(
            data.warnings,
            f"{data.source}: g(k, q)^+ and g(k + q, -q) differ by {violation:.2g} of the largest element on the coarse "
            "mesh; the files are of different runs, or k_mesh and q_mesh are not those of the run",
            trust_file,
        )
    judge_rigid_shift(data)
    _one_q_point(data)
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


def _masses(data, trust: bool) -> None:
    masses = np.asarray(data.atoms.masses) / ATOMIC_MASS
    wrong = np.flatnonzero((masses < _MASSES[0]) | (masses > _MASSES[1]))
    if len(wrong):
        judge(
            data.warnings,
            f"{data.source}: atom {wrong[0] + 1} has a mass of {masses[wrong[0]]:.3g} u, as no atom has (1 to 300); "
            "the unit of the masses is another, or the file damaged",
            trust,
        )


def judge_rigid_shift(data, level: float | None = None) -> None:
    """Figures and warnings of the coupling to a rigid shift, for states near `level` (eV; that of the data)."""
    for start in (_SHIFTED, _UNLIKE):
        data.warnings[:] = [w for w in data.warnings if not w.startswith(start)]
    diagonal, close = rigid_shift(data, level)
    data.checks["rigid_shift_coupling_eV_per_angstrom"] = diagonal
    if diagonal > _POOR_SHIFT:
        _warn(
            data,
            f"{_SHIFTED} by up to {diagonal:.2g} eV/angstrom, and should not: scattering by long acoustic waves, which "
            "dominate when cold, is wrong unless coupling_sum_rule is set",
        )
    data.checks.pop("rigid_shift_close_states", None)
    if close is None:
        return
    data.checks["rigid_shift_close_states"] = close
    if close > _DOUBTFUL:
        cause = "the meshes are coarse, or the files of different runs"
        if close > _FOREIGN:
            cause = "the coupling hardly belongs to the Wannier functions of the Hamiltonian: are the files of one run?"
        _warn(
            data,
            f"{_UNLIKE} {close:.2g} times as strongly as distant ones (converged sets: below {_DOUBTFUL:g}): {cause}",
        )


def _one_q_point(data) -> None:
    """Nothing in the files tells a layer with periodic images from a bulk crystal of this mesh."""
    if not data.phonons.polar or data.two_dimensional or max(data.q_mesh) == 1:
        return
    for axis in np.flatnonzero(np.array(data.q_mesh) == 1):
        _warn(
            data,
            f"{ONE_Q_POINT} {axis + 1}: taken for a bulk crystal, whose long-range part has no reciprocal lattice "
            "vectors along it; if it is a layer, set two_dimensional = true",
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


def _force_constants(data, trust: bool) -> float:
    """Largest ``|C_ab(R) - C_ba(-R)|``, eV/angstrom^2, through the Hermiticity of C(q)."""
    phonons = data.phonons
    index = {tuple(r): i for i, r in enumerate(phonons.vectors.tolist())}
    partner = np.array([index.get(tuple(-r), -1) for r in phonons.vectors])
    mirrored = np.where((partner >= 0)[:, None, None], phonons.force_constants[partner], 0).conj().swapaxes(1, 2)
    worst = float(np.abs(phonons.force_constants - mirrored).max())
    if worst > _ASYMMETRY * np.abs(phonons.force_constants).max():
        judge(
            data.warnings,
            f"{data.source}: force constants C_ab(R) and C_ba(-R) differ by up to {worst:.2g} eV/angstrom^2; "
            "the file is damaged or its meshes are others",
            trust,
        )
    return worst


def _reversal(data) -> float:
    k = np.random.default_rng(0).random((64, 3))
    return float(np.sqrt(np.mean((data.energies(k) - data.energies(-k)) ** 2)))
