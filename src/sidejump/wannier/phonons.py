"""Phonons from force constants in real space.

    D_ab(q) = hbar^2/sqrt(M_a M_b) [ sum_R exp(i q.R) C_ab(R) + C_ab^LR(q) ],   D e = (hbar omega)^2 e

with C_ab(R) between atom a in the home cell and atom b in cell R (Cartesian directions included in a and b), R the
lattice vector alone: the displacement of atom b in cell R is ``e_b exp(i q.R) / sqrt(M_b)``.  The dipole part C^LR
(polar crystals; `long_range`) is taken out of C(R) by the codes before the Fourier transform and is put back here.

Acoustic sum rule: a rigid shift costs no energy, ``sum_R,b C_ab(R) = 0``.  Files obey it approximately; the
violation is reported, and removed (from the on-site term) only where it is asked for.

Not covered: rotational sum rules, anharmonicity, temperature dependence.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..errors import InputError
from ..notebook import card
from ..units import HBAR2_OVER_2M, mass_density_from_si, velocity_from_si
from .long_range import DipolePart

_LONG = 1e-2  # wave vector times the longest lattice vector, of a wave that sees the crystal as a continuum


@dataclass(frozen=True)
class Phonons:
    """Harmonic lattice dynamics of a crystal.

    Parameters
    ----------
    cell : array, shape (3, 3)
        Lattice vectors as rows, angstrom.
    positions : array, shape (nat, 3)
        Atoms, Cartesian, angstrom.
    masses : array, shape (nat,)
        Electron masses.
    vectors : array of int, shape (nR, 3)
        R in units of the cell.
    force_constants : array, shape (nR, 3 nat, 3 nat)
        C(R), eV/angstrom^2, weights of the Wigner-Seitz cell folded in, dipole part taken out.
    born_charges : array, shape (nat, 3, 3), optional
        Z*[a, i, j]: direction of the displacement first, of the field last.
    dielectric : array, shape (3, 3), optional
        Relative high-frequency dielectric tensor.
    two_dimensional : bool
        The long-range part is that of a layer in vacuum, normal along the third lattice vector.
    alpha : float
        Ewald parameter, 1/angstrom^2.
    axes : tuple of 3 bool
        Lattice directions along which the long-range part has reciprocal lattice vectors (`summed_axes`).

    Raises
    ------
    InputError
        If shapes disagree or a mass is not positive.
    """

    cell: np.ndarray
    positions: np.ndarray
    masses: np.ndarray
    vectors: np.ndarray
    force_constants: np.ndarray
    born_charges: np.ndarray | None = None
    dielectric: np.ndarray | None = None
    two_dimensional: bool = False
    alpha: float = 1.0
    axes: tuple[bool, bool, bool] = (True, True, True)

    def _repr_html_(self) -> str:
        values = {
            "cell (angstrom)": np.round(self.cell, 6).tolist(),
            "atoms": f"{len(self.masses)}, {self.n_modes} modes",
            "lattice vectors": f"{len(self.vectors)} with force constants",
            "polar": "yes" if self.polar else "no",
        }
        return card("Phonons", values)

    def __post_init__(self):
        n = self.n_modes
        shapes = {
            "cell": (self.cell, (3, 3)),
            "positions": (self.positions, (n // 3, 3)),
            "vectors": (self.vectors, (len(self.vectors), 3)),
            "force_constants": (self.force_constants, (len(self.vectors), n, n)),
        }
        if self.born_charges is not None:
            if self.dielectric is None:
                raise InputError("phonons: born_charges need dielectric")
            shapes["born_charges"] = (self.born_charges, (n // 3, 3, 3))
            shapes["dielectric"] = (self.dielectric, (3, 3))
        for name, (array, shape) in shapes.items():
            if np.shape(array) != shape:
                raise InputError(f"phonons: {name} has shape {np.shape(array)}; expected {shape}")
        if not np.all(np.asarray(self.masses) > 0):
            raise InputError("phonons: a mass is not positive")

    @property
    def n_modes(self) -> int:
        return 3 * len(self.masses)

    @property
    def polar(self) -> bool:
        return self.born_charges is not None

    @cached_property
    def dipole_part(self) -> DipolePart | None:
        """Long-range part of force constants and electron-phonon coupling; None when there is none."""
        if self.born_charges is None or self.dielectric is None:
            return None
        return DipolePart(
            self.cell, self.positions, self.born_charges, self.dielectric, self.two_dimensional, self.alpha, self.axes
        )

    @cached_property
    def _inverse_root_mass(self) -> np.ndarray:
        return np.repeat(1 / np.sqrt(self.masses), 3)

    def dynamical_matrix(self, q) -> np.ndarray:
        """``hbar^2`` times the dynamical matrix, Hermitian, eV^2: shape (nq, 3 nat, 3 nat).

        Parameters
        ----------
        q : array, shape (nq, 3)
            Cartesian, 1/angstrom.
        """
        q = np.asarray(q, dtype=float)
        phase = np.exp(1j * (q @ (self.vectors @ self.cell).T))
        n = self.n_modes
        d = (phase @ self.force_constants.reshape(len(self.vectors), -1)).reshape(len(q), n, n)
        if self.dipole_part is not None:
            d += self.dipole_part.force_constants(q)
        d = 0.5 * (d + d.conj().swapaxes(1, 2))
        root = self._inverse_root_mass
        return 2 * HBAR2_OVER_2M * d * (root[:, None] * root)

    def solve(self, q) -> tuple[np.ndarray, np.ndarray]:
        """Phonon energies and eigenvectors.

        Parameters
        ----------
        q : array, shape (nq, 3)
            Cartesian, 1/angstrom.

        Returns
        -------
        omega : ndarray, shape (nq, 3 nat)
            ``hbar omega``, eV, ascending; negative where omega is imaginary.
        eigenvectors : ndarray, shape (nq, 3 nat, 3 nat)
            Columns e_nu of the dynamical matrix (not divided by the root of the mass).
        """
        square, vectors = np.linalg.eigh(self.dynamical_matrix(q))
        return np.sign(square) * np.sqrt(np.abs(square)), vectors

    def sound_velocities(self, direction) -> np.ndarray:
        """Slopes of the three lowest branches at long waves along `direction` (3,), ascending, m/s."""
        n = np.asarray(direction, dtype=float)
        if n.shape != (3,) or not np.isfinite(n).all() or not np.any(n):
            raise InputError(f"phonons: direction = {direction!r}: give three numbers, not all zero")
        size = np.linalg.norm(self.cell, axis=1).max()
        q = _LONG / size  # 1/angstrom
        return self.solve((q * n / np.linalg.norm(n))[None])[0][0, :3] / (q * velocity_from_si(1.0))

    @property
    def mass_density(self) -> float:
        """Mass of a cell over its volume, kg/m^3."""
        density = np.sum(self.masses) / (2 * HBAR2_OVER_2M * abs(np.linalg.det(self.cell)))
        return float(density / mass_density_from_si(1.0, 3))

    @property
    def acoustic_sum_rule_violation(self) -> float:
        """Largest ``|sum_R,b C_ab(R)|``, eV/angstrom^2."""
        return float(np.abs(self._rigid_shift).max())

    @cached_property
    def _rigid_shift(self) -> np.ndarray:
        """Force on each atom for a rigid unit shift along each direction: shape (nat, 3, 3)."""
        nat = len(self.masses)
        return self.force_constants.sum(axis=0).real.reshape(nat, 3, nat, 3).sum(axis=2)

    def with_acoustic_sum_rule(self) -> Phonons:
        """The same with the violation of the acoustic sum rule taken from the on-site force constants.

        The Born charges are made neutral in the same sense: their mean over the atoms is taken out.
        """
        home = np.flatnonzero(~self.vectors.any(axis=1))
        if len(home) != 1:
            raise InputError(f"phonons: R = 0 is listed {len(home)} times; list it once")
        corrected = np.array(self.force_constants, dtype=complex)
        for a, shift in enumerate(self._rigid_shift):
            block = slice(3 * a, 3 * a + 3)
            corrected[home[0], block, block] -= 0.5 * (shift + shift.T)
        charges = self.born_charges
        if charges is not None:
            charges = charges - charges.mean(axis=0)
        return replace(self, force_constants=corrected, born_charges=charges)
