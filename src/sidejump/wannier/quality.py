"""How good an interpolated coupling is, in a few numbers.

A rigid shift of the crystal, ``sum_a g_a(k, q = 0)``, is the commutator of H with a derivative: between states m and n
it is (E_m - E_n) times a smooth matrix and vanishes within a group of degenerate states.  Two figures follow:

* its size within a state, which should be zero, and keeps |g|^2 of acoustic phonons from falling as q where it is not
  (the exponent of |g|^2 ~ q^p tells below which wave vector);
* its size between close states over that between distant ones.  It tells whether Hamiltonian and coupling belong to
  the same Wannier functions, which no count of numbers does: five real sets have 1e-6 to 0.11 (coarse meshes with
  spin-orbit coupling the most), a coupling in another gauge about 1.  Rotations of the functions by 0.1, 0.2 and 0.3
  give 0.05 to 0.17, 0.1 to 0.3 and 0.15 to 0.4, two functions exchanged 0.7 as a rule.  Functions that are equivalent,
  or do not mix, can be exchanged unnoticed.

Both hold for eigenstates of the crystal alone.  Above the frozen window of disentangled bands Wannier functions span
none, and a rigid shift couples them by electronvolts per angstrom where nothing is wrong: what counts are the states
that can scatter, near the Fermi energy.
"""

from __future__ import annotations

import numpy as np

from .container import ElectronPhonon, mesh_points

ACOUSTIC_Q = (0.05, 0.1, 0.2)
"""Wave vectors at which the acoustic limit is examined, 1/angstrom."""

_CLOSE, _DISTANT = 0.05, 0.5  # eV
_NEAR, _EDGE = 1.0, 0.5  # eV: of the Fermi energy, or of the nearest state where that is in a gap
_SHIFT = 0.01  # of the largest element: a rigid shift that couples less tells nothing (orbitals that move along)


def near_level(energies, level: float | None) -> np.ndarray:
    """States that can scatter: those near `level` (eV), or next to the gap that it is in; all without a level."""
    if level is None:
        return np.ones(np.shape(energies), dtype=bool)
    distance = np.abs(np.asarray(energies) - level)
    return distance < max(_NEAR, distance.min() + _EDGE)


def rigid_shift(data: ElectronPhonon, level: float | None = None) -> tuple[float, float | None]:
    """Coupling to a rigid shift on the coarse k mesh, of states that can scatter.

    Parameters
    ----------
    data : ElectronPhonon
    level : float, optional
        Fermi energy, eV; that of the data when not given, and all states where there is none.

    Returns
    -------
    diagonal : float
        Largest within a state near the level, eV/angstrom.
    close : float or None
        Root mean square between states near the level that are closer than 0.05 eV, over that from such states to
        those at least 0.5 eV apart; None where a rigid shift hardly couples, or there are no distant states.
    """
    k = mesh_points(data.k_mesh)
    phase = np.exp(2j * np.pi * (k @ data.file_coupling.re_vectors.T))
    shift = np.tensordot(phase, data.file_coupling.rigid_shift(), axes=(1, 1))  # (k, 3, N, N)
    energies, states = data.eigenstates(k)
    near = near_level(energies, data.fermi_energy if level is None else level)
    square = np.abs(states.conj().swapaxes(1, 2)[:, None] @ shift @ states[:, None]) ** 2
    diagonal = float(np.sqrt(np.einsum("kcnn->kcn", square).max(axis=1)[near].max()))
    square = square.mean(axis=1)
    gap = np.abs(energies[:, :, None] - energies[:, None, :])
    distant = (gap > _DISTANT) & (near[:, :, None] | near[:, None, :])
    close = (gap < _CLOSE) & near[:, :, None] & near[:, None, :]
    least = max(_SHIFT * data.file_coupling.largest, 1e-6)
    if not distant.any() or square[distant].mean() < least**2:
        return diagonal, None
    return diagonal, float(np.sqrt(square[close].mean() / square[distant].mean()))


def off_mesh_hermiticity(data: ElectronPhonon, images: str, *, n: int = 12, seed: int = 0) -> float:
    """Largest ``|g(k, q)^+ - g(k + q, -q)|`` at random k and q, of the largest element."""
    rng = np.random.default_rng(seed)
    k, q = rng.random((n, 3)), rng.random((n, 3)) - 0.5
    if data.two_dimensional:
        k[:, 2] = q[:, 2] = 0
    return data.hermiticity_violation(k, q, images)


def acoustic_exponent(data: ElectronPhonon, *, window: float = 2.0, seed: int = 0) -> list[float] | None:
    """Exponents p of ``|g|^2 ~ q^p`` between the wave vectors `ACOUSTIC_Q`, ideally 1.

    |g|^2 of the three acoustic modes within a band (or group of degenerate bands), averaged over random k and the
    states within `window` (eV) of the Fermi energy (all states where there is none). None where nothing couples.
    """
    rng = np.random.default_rng(seed)
    k = rng.random((32, 3))
    direction = rng.normal(size=3)
    if data.two_dimensional:
        k[:, 2] = direction[2] = 0
    direction /= np.linalg.norm(direction)
    energies = data.energies(k)
    group = np.abs(energies[:, :, None] - energies[:, None, :]) < 1e-3
    if data.fermi_energy is not None:
        near = np.abs(energies - data.fermi_energy) < window
        if near.any():
            group &= near[:, :, None]
    strength = []
    for length in ACOUSTIC_Q:
        q = np.tile(length * direction @ data.cell.T / (2 * np.pi), (len(k), 1))
        g = np.abs(data.coupling(k, q)[..., :3]) ** 2
        strength.append(float(np.sum(g * group[..., None])))
    if min(strength) <= 0:
        return None
    return (np.diff(np.log(strength)) / np.diff(np.log(ACOUSTIC_Q))).tolist()
