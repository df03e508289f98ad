"""Long-range (dipole) part of force constants and electron-phonon coupling in polar crystals.

A displaced ion with Born charge Z* is a dipole; with K = q + G and the screened Coulomb interaction W(K),

    C_aA,bB^LR(q) = sum_K W(K) [K.Z_a]_A [K.Z_b]_B exp(i K.(tau_a - tau_b)) - (on-site term),
    V_aA(q)       = i sum_K W(K) [K.Z_a]_A exp(-i K.tau_a),

the second times the identity in the Wannier gauge (Verdi and Giustino, Phys. Rev. Lett. 115, 176401 (2015)).  The
sums are cut by an Ewald factor: what it leaves out is short-ranged and part of the file's own numbers, so the factor,
its parameter and the vectors G that are summed over must be those of the code.  Along a lattice vector with one q point
the codes take no G: K runs over the plane (or line) of the others through q.

    3D   W(K) = 4 pi e^2/Omega exp(-K.eps.K/4 alpha) / K.eps.K
    2D   W(K) = 2 pi e^2/A exp(-K^2/4 alpha) / [ |K| (1 + r(K) |K|) ],   r(K) = K.(eps - 1).K c / 2 K^2,

K in the plane, c the length of the cell along the normal (Sohier, Calandra and Mauri, Phys. Rev. B 94, 085415
(2016)).  On-site term: a rigid shift must not cost energy, so ``sum_b C_ab^LR(q = 0)`` is taken from block (a, a).
The term K = 0 is left out: at q = 0 both parts are those without the macroscopic field.

Not covered: quadrupoles; the out-of-plane dipoles of a layer; the doped (metallic) screening.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..units import COULOMB

_CUTOFF = 14.0  # exponent of the Ewald factor where the codes stop the sum


def summed_axes(q_mesh) -> tuple[bool, bool, bool]:
    """Lattice directions along which EPW, q2r.x and Perturbo sum over reciprocal lattice vectors."""
    a, b, c = (int(n) > 1 for n in q_mesh)
    return a, b, c


@dataclass(frozen=True)
class DipolePart:
    """Long-range part of a crystal with Born charges; arguments as in `phonons.Phonons`."""

    cell: np.ndarray
    positions: np.ndarray
    born_charges: np.ndarray
    dielectric: np.ndarray
    two_dimensional: bool
    alpha: float
    axes: tuple[bool, bool, bool] = (True, True, True)

    def same_sum(self, other: DipolePart) -> bool:
        """Whether both weigh the same K alike."""
        mine, theirs = ((p.alpha, p.axes, p.two_dimensional) for p in (self, other))
        return mine == theirs

    @property
    def _reciprocal(self) -> np.ndarray:
        return 2 * np.pi * np.linalg.inv(self.cell).T

    @cached_property
    def _shells(self) -> np.ndarray:
        """Reciprocal lattice vectors that can matter for q in the first zone, shape (nG, 3)."""
        smallest = 1.0 if self.two_dimensional else np.linalg.eigvalsh(0.5 * (self.dielectric + self.dielectric.T))[0]
        radius = np.sqrt(4 * self.alpha * _CUTOFF / smallest)
        # |m_i| <= K |a_i| / 2 pi, and one more for q itself
        reach = np.floor(radius * np.linalg.norm(self.cell, axis=1) / (2 * np.pi)).astype(int) + 1
        reach[~np.array(self.axes)] = 0
        if self.two_dimensional:
            reach[2] = 0
        axes = [np.arange(-n, n + 1) for n in reach]
        return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3) @ self._reciprocal

    def _fold(self, q) -> np.ndarray:
        """q moved next to the origin: the sums depend on q modulo G."""
        crystal = q @ self.cell.T / (2 * np.pi)
        if self.two_dimensional:
            q, crystal = q * [1, 1, 0], crystal * [1, 1, 0]  # nothing depends on the component along the normal
        return q - np.round(crystal) @ self._reciprocal

    def _coulomb(self, wave) -> np.ndarray:
        """W(K), eV angstrom^2, zero at K = 0 and beyond the cutoff: shape of `wave` without its last axis."""
        volume = abs(np.linalg.det(self.cell))
        if self.two_dimensional:
            plane = wave[..., :2]
            square = np.sum(plane**2, axis=-1)
            exponent = square / (4 * self.alpha)
            keep = (square > 1e-16) & (exponent < _CUTOFF)
            safe = np.where(keep, square, 1.0)
            height = volume / np.linalg.norm(np.cross(self.cell[0], self.cell[1]))
            excess = self.dielectric[:2, :2] - np.eye(2)
            r = np.einsum("...i,ij,...j->...", plane, excess, plane) / safe * height / 2
            root = np.sqrt(safe)
            return np.where(
                keep, 2 * np.pi * COULOMB * height / volume * np.exp(-exponent) / (root * (1 + r * root)), 0
            )
        square = np.einsum("...i,ij,...j->...", wave, self.dielectric, wave)
        exponent = square / (4 * self.alpha)
        keep = (square > 1e-16) & (exponent < _CUTOFF)
        return np.where(keep, 4 * np.pi * COULOMB / volume * np.exp(-exponent) / np.where(keep, square, 1.0), 0)

    def _terms(self, q):
        """K (nq, nG, 3), W(K) (nq, nG) and ``[K.Z_a]_A exp(-i K.tau_a)`` (nq, nG, 3 nat)."""
        wave = self._fold(q)[:, None] + self._shells
        charge = np.einsum("qgi,aAi->qgaA", wave, self.born_charges)
        charge = charge * np.exp(-1j * np.einsum("qgi,ai->qga", wave, self.positions))[..., None]
        return self._coulomb(wave), charge.reshape(*wave.shape[:2], -1)

    @cached_property
    def _onsite(self) -> np.ndarray:
        """``sum_b C_ab^LR(0)`` on the diagonal blocks, shape (3 nat, 3 nat)."""
        coulomb, charge = self._terms(np.zeros((1, 3)))
        total = np.einsum("g,gi,gj->ij", coulomb[0], charge[0].conj(), charge[0]).real
        nat = len(self.positions)
        result = np.zeros_like(total)
        for a in range(nat):
            block = slice(3 * a, 3 * a + 3)
            result[block, block] = total[block].reshape(3, nat, 3).sum(axis=1)
        return result

    def force_constants(self, q) -> np.ndarray:
        """C^LR(q), eV/angstrom^2: shape (nq, 3 nat, 3 nat) for q (nq, 3), Cartesian, 1/angstrom."""
        return np.concatenate([self._force_constants(block) for block in self._blocks(q)])

    def _force_constants(self, q):
        coulomb, charge = self._terms(q)
        return np.einsum("qgi,qgj->qij", charge.conj() * coulomb[..., None], charge, optimize=True) - self._onsite

    def vertex(self, q) -> np.ndarray:
        """V_aA(q), eV/angstrom, times the identity in the Wannier gauge: shape (nq, 3 nat); zero at q = 0."""
        return np.concatenate([self._vertex(block) for block in self._blocks(q)])

    def _vertex(self, q):
        coulomb, charge = self._terms(q)
        result = 1j * np.einsum("qg,qgi->qi", coulomb, charge)
        # at q = 0 the terms +-G cancel only for neutral, symmetric shells: the codes leave the whole part out
        zero = np.linalg.norm(self._fold(q), axis=1) < 1e-8
        return np.where(zero[:, None], 0, result)

    def _blocks(self, q):
        q = np.asarray(q, dtype=float).reshape(-1, 3)
        size = max(1, int(2e6 / (len(self._shells) * 3 * len(self.positions))))
        return [q[i : i + size] for i in range(0, max(len(q), 1), size)]
