"""The coupling as Hermitian matrices around one displaced atom.

Put the displaced atom into the home cell and let the bra and the ket be cells away from it.  With
``<m 0|dV_{Rp,c}|n Re> = <m -Rp|dV_{0,c}|n Re-Rp>`` (translation by -Rp) and q = k' - k,

    V_c(l', l) = sum u'_m* exp(-ik'.B) G_c[m B, n T] exp(ik.T) u_n = f'^+ G_c f,     B = -Rp,  T = Re - Rp:

each displacement c = (atom, direction) is one matrix G_c between Bloch states f = exp(ik.T) u on a cluster of cells,
and bra and ket play the same part.  The covariant derivative of V at fixed q is that of the two Bloch states,

    D_a V = f'^+ G_c (D_a f) + (D_a f')^+ G_c f,     D_a f = exp(ik.T) (i T_a u + D_a u),

since (d/dk + d/dk')_a of the phases gives i (T - B)_a = i Re_a.  With images that treat bra and ket alike G_c is
Hermitian.  Masses enter as ``sqrt(hbar^2/2M)``, so that V summed over the components of a phonon eigenvector and
divided by the root of its energy is the vertex in eV.

Not covered: the long-range part, which is no matrix between localised functions (see `vertex`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...units import HBAR2_OVER_2M
from ...wannier.coupling import Coupling, PairCoupling
from ...wannier.planar import in_space


class ClusterCoupling:
    """The matrices G_c of all displacements, kept as the blocks that are not zero.

    Parameters
    ----------
    coupling : Coupling or PairCoupling
    masses : array, shape (nat,)
        Electron masses.

    Attributes
    ----------
    bra_cells, ket_cells : ndarray of int, shape (nB, 3), (nT, 3)
        Cells around the displaced atom that bras and kets reach.
    orbitals, displacements : int
        N and C = 3 nat.
    """

    def __init__(self, coupling: Coupling | PairCoupling, masses):
        pairs = coupling.pairs()
        self.orbitals, self.displacements = coupling.n_orbitals, coupling.n_displacements
        scale = np.repeat(np.sqrt(HBAR2_OVER_2M / np.asarray(masses)), 3)
        apart = pairs.re_vectors[pairs.re] - pairs.rp_vectors[pairs.rp]  # (nP, 3)
        self.bra_cells = -coupling.rp_vectors
        self.ket_cells, kets = np.unique(apart, axis=0, return_inverse=True)
        self._blocks: list[tuple[np.ndarray, np.ndarray]] = []  # for each bra cell: ket cells, (C, N, nE N)
        for p in range(len(self.bra_cells)):
            part = pairs.of(p)
            block = (pairs.values[part] * scale[:, None, None]).transpose(1, 2, 0, 3)
            self._blocks.append((kets.ravel()[part], block.reshape(*block.shape[:2], -1)))

    @property
    def elements(self) -> int:
        """Stored matrix elements, all displacements together."""
        return sum(block.size for _, block in self._blocks)

    def apply(self, kets) -> np.ndarray:
        """``G_c f`` for vectors f (n, nT, N): shape (C, n, nB, N)."""
        n = self.orbitals
        result = np.zeros((self.displacements, len(kets), len(self._blocks), n), dtype=kets.dtype)
        for b, (cells, block) in enumerate(self._blocks):
            if len(cells):
                gathered = kets[:, cells].reshape(len(kets), -1)
                stacked = block.reshape(-1, block.shape[-1]).astype(kets.dtype, copy=False)
                result[:, :, b] = (gathered @ stacked.T).reshape(len(kets), -1, n).swapaxes(0, 1)
        return result

    def apply_adjoint(self, bras) -> np.ndarray:
        """``G_c^+ f`` for vectors f (C, n, nB, N), one set for each displacement: shape (C, n, nT, N)."""
        c, count, _, n = bras.shape
        result = np.zeros((c, count, len(self.ket_cells), n), dtype=bras.dtype)
        for b, (cells, block) in enumerate(self._blocks):
            if len(cells):
                product = bras[:, :, b] @ block.conj().astype(bras.dtype, copy=False)
                result[:, :, cells] += product.reshape(c, count, len(cells), n)
        return result


@dataclass(frozen=True)
class GroupVectors:
    """Eigenvectors of all members of all groups, one after the other, in the lattice gauge.

    Attributes
    ----------
    k : ndarray, shape (V, 3)
        Wave vectors, 1/angstrom; those of layers with kz = 0.
    values : ndarray, shape (V, 1 + d + c, N)
        u and its covariant derivatives D_a u (angstrom), along the d directions asked for; of c observables what
        takes their place.
    carried : ndarray, shape (V, c, d, N), or None
        ``X_a u`` of the observables that are flows (:meth:`sidejump.bands.observables.Observable.carried`).
    directions : ndarray, shape (d, dimensions of the electrons)
        Along which u is derived.
    first : ndarray of int, shape (S + 1,)
        Vectors of state s are ``first[s]:first[s + 1]``.
    """

    k: np.ndarray
    values: np.ndarray
    first: np.ndarray
    directions: np.ndarray
    carried: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.k)

    def of(self, states: slice) -> slice:
        """Vectors of a slice of states."""
        start, stop, _ = states.indices(len(self.first) - 1)
        return slice(int(self.first[start]), int(self.first[max(start, stop)]))

    def on_cells(self, index, cells, lattice) -> np.ndarray:
        """Bloch states f = exp(ik.T) u and D_a f (angstrom) on a cluster of cells.

        Parameters
        ----------
        index : slice or array of int
            Which vectors, n of them.
        cells : array of int, shape (nT, 3)
        lattice : array, shape (3, 3)
            Lattice vectors as rows, angstrom.

        Returns
        -------
        ndarray, shape (n, 1 + d + c, nT, N)
        """
        where = np.asarray(cells) @ np.asarray(lattice)
        phase = np.exp(1j * (self.k[index] @ where.T))  # (n, nT)
        result = phase[:, None, :, None] * self.values[index][:, :, None]
        d, dimensions = self.directions.shape
        for a, position in enumerate(self.directions @ where.T[:dimensions]):
            result[:, 1 + a] += 1j * position[:, None] * result[:, 0]
        if self.carried is not None:
            moved = np.einsum("ta,vcan->vctn", where[:, :dimensions], self.carried[index])
            result[:, 1 + d :] += 1j * phase[:, None, :, None] * moved
        return result


def group_vectors(states, sites) -> GroupVectors:
    """Members of the groups of `states`, moved from the atomic to the lattice gauge.

    Parameters
    ----------
    states : States
        In the atomic gauge: phases with the positions of the orbitals.
    sites : array, shape (N, d)
        These positions, angstrom.

    Notes
    -----
    Of observables that are flows ``i r_a X_a u`` is added, r the position with its matrix between the orbitals: with
    the velocity and X = 1 that makes its row D_a u.

    u_n is multiplied by exp(ik.tau_n), whose derivative the covariant derivative takes along: D_a u is multiplied by
    the same phase and gains ``i tau_n,a u_n``. (Of this the diagonal of the position matrix, which gains tau, brings
    the part along u, and dH/dk, which gains ``i[tau, H]``, the rest.)
    """
    sites = np.asarray(sites)
    multiplicity = np.asarray(states.multiplicity)
    state, member = np.nonzero(np.arange(states.vectors.shape[1]) < multiplicity[:, None])
    k, u = np.asarray(states.k)[state], states.vectors[state, member]
    phase = np.exp(1j * (k @ sites.T))[:, None]
    directions = np.eye(sites.shape[1]) if states.directions is None else states.directions
    d = len(directions)
    covariant = states.covariant[state, :, member].astype(complex)
    covariant[:, :d] += 1j * (directions @ sites.T) * u[:, None]
    carried = None
    if states.carried is not None:
        carried = states.carried[state, :, :, member]
        drift = states.drift[state, :, member] + np.einsum("na,vcan->vcn", sites, carried)
        covariant[:, d:] += 1j * drift
        carried = carried * phase[:, None]
    values = np.concatenate([u[:, None], covariant], axis=1) * phase
    return GroupVectors(in_space(k), values, np.concatenate([[0], np.cumsum(multiplicity)]), directions, carried)
