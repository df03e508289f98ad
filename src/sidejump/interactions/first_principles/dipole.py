"""Dipole sums of the long-range part for many q at once.

The sums over K = q + G of `long_range` need W(K) for every q and G; all else is a product of what depends on q and what
depends on G.  With K.tau = q.tau + G.tau and the dipoles u_a = Z_a q and g_a = Z_a G,

    V_a  = i exp(-iq.tau_a) sum_G W exp(-iG.tau_a) (u_a + g_a),
    C_ab = exp(iq.tau_ab) sum_G W exp(iG.tau_ab) (u_a + g_a)(u_b + g_b)^T - (on-site term),    tau_ab = tau_a - tau_b:

the sums are matrix products of W (q, G) with tables of {1, g} and {1, g} x {1, g}.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...wannier.long_range import DipolePart


class DipoleSums:
    """Tables over the reciprocal lattice vectors of a dipole part.

    Attributes
    ----------
    part : DipolePart
    waves : ndarray, shape (nG, 3)
        G, 1/angstrom.
    single : ndarray, shape (nG, nat, 4)
        ``exp(-iG.tau_a) {1, g_a}``.
    double : dict
        ``exp(iG.tau_ab) {1, g_a} x {1, g_b}``, shape (nG, 4, 4), for a <= b.
    """

    def __init__(self, part: DipolePart):
        self.part, self.waves = part, part._shells
        phase = np.exp(1j * (self.waves @ np.asarray(part.positions).T))  # (nG, nat)
        dipoles = np.einsum("gi,aAi->gaA", self.waves, part.born_charges)
        powers = np.concatenate([np.ones((*phase.shape, 1)), dipoles], axis=2)
        self.single = phase.conj()[:, :, None] * powers
        self.double = {
            (a, b): (phase[:, a] * phase[:, b].conj())[:, None, None] * powers[:, a, :, None] * powers[:, b, None]
            for a in range(phase.shape[1])
            for b in range(a, phase.shape[1])
        }

    def at(self, q) -> DipoleWaves:
        """The sums at wave vectors q (P, 3), Cartesian, 1/angstrom."""
        near = self.part._fold(np.asarray(q, dtype=float))
        return DipoleWaves(self, near, self.part._coulomb(near[:, None] + self.waves))


@dataclass(frozen=True)
class DipoleWaves:
    """`folded` (P, 3), the q next to the origin, and `coulomb` (P, nG), W(q + G)."""

    sums: DipoleSums
    folded: np.ndarray
    coulomb: np.ndarray

    def _moments(self, table) -> np.ndarray:
        """``W @ table`` for a complex table (nG, ...): shape (..., P)."""
        flat = table.reshape(len(table), -1)
        real, imag = flat.real.T @ self.coulomb.T, flat.imag.T @ self.coulomb.T
        return (real + 1j * imag).reshape(*table.shape[1:], -1)

    def _of_q(self) -> tuple[np.ndarray, np.ndarray]:
        """``exp(iq.tau_a)`` (nat, P) and u_a (nat, 3, P)."""
        part = self.sums.part
        return np.exp(1j * (np.asarray(part.positions) @ self.folded.T)), np.asarray(part.born_charges) @ self.folded.T

    def vertex(self) -> np.ndarray:
        """As `DipolePart.vertex`, (P, 3 nat)."""
        moments = self._moments(self.sums.single)  # (nat, 4, P)
        phase, u = self._of_q()
        field = 1j * phase.conj()[:, None] * (u * moments[:, :1] + moments[:, 1:])
        zero = np.linalg.norm(self.folded, axis=1) < 1e-8  # left out there, as in `DipolePart`
        return np.where(zero, 0, field.reshape(-1, len(zero))).T

    def force_constants(self) -> np.ndarray:
        """As `DipolePart.force_constants`, (P, 3 nat, 3 nat), eV/angstrom^2."""
        phase, u = self._of_q()
        nat, count = phase.shape
        result = np.empty((nat, 3, nat, 3, count), dtype=complex)
        for (a, b), table in self.sums.double.items():
            n = self._moments(table)  # (4, 4, P)
            tensor = u[a][:, None] * (u[b] * n[0, 0] + n[0, 1:]) + n[1:, :1] * u[b] + n[1:, 1:]
            result[a, :, b] = tensor * (phase[a] * phase[b].conj())
            if b > a:
                result[b, :, a] = result[a, :, b].conj().swapaxes(0, 1)
        return result.reshape(3 * nat, 3 * nat, count).transpose(2, 0, 1) - self.sums.part._onsite
