"""First-principles coupling as a source of pairs: one channel for each phonon mode, its kernel a function of energy.

``|V|^2`` and the shift come from :mod:`.kinetic_vertex`; the coupling is normalised to one cell, and a sum over final
states is an average over the zone, so that both carry the volume of the cell.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ..kinetics.momentum import MomentumTransfer
from ..kinetics.sources import Channel, PairSource
from ..scattering.base import Branch
from .container import ElectronPhonon
from .kinetic_vertex import PairVertices

_MESH = 24  # q points along each axis on which the range of phonon energies is known


class ElectronPhononPairs(PairSource):
    """Pairs of states scattered by the phonons of `data`.

    Parameters
    ----------
    data : ElectronPhonon
    images : {"hermitian", "file"}
    """

    def __init__(self, data: ElectronPhonon, images: str):
        self.data, self.images = data, images
        self.branches = (Branch(coupling=np.ones_like, phonon_energy=lambda energy: energy),)
        self.channels = data.phonons.n_modes
        self.volume = float(abs(np.linalg.det(data.cell)))

    def prepare(self, states, *, single=False):
        self._vertices = PairVertices(self.data, states, images=self.images)

    def evaluate(self, rows, columns, z_cut):
        strength, shift, omega = self._vertices.block(rows, columns)
        return [
            Channel(s * self.volume, r * self.volume, np.abs(w))
            for s, r, w in zip(strength, shift, omega, strict=True)
            if np.abs(w).min() <= z_cut
        ]

    @cached_property
    def _sampled(self) -> tuple[np.ndarray, np.ndarray]:
        """|q| in the first zone and all phonon energies on a mesh: (Q,), (Q, modes)."""
        axes = (np.arange(_MESH) + 0.5) / _MESH - 0.5
        crystal = np.stack(np.meshgrid(axes, axes, axes, indexing="ij"), axis=-1).reshape(-1, 3)
        q = crystal @ self.data.reciprocal_cell
        folded = MomentumTransfer(self.data.reciprocal_cell, 3).first_zone(q)
        return np.linalg.norm(folded, axis=1), np.abs(self.data.phonons.solve(q)[0])

    def z_max(self, q_max):
        return 1.05 * float(self._sampled[1].max())

    def q_cut(self, z_cut):
        length, energy = self._sampled
        open_ = energy.min(axis=1) <= z_cut
        step = np.linalg.norm(self.data.reciprocal_cell, axis=1).max() / _MESH
        return float(length[open_].max() + step) if open_.any() else step

    def sound_velocity(self) -> float:
        """Fastest acoustic ``hbar c`` near q = 0, eV angstrom."""
        directions = np.concatenate([np.eye(3), np.ones((1, 3)) / 3**0.5, np.eye(3)[[1, 2, 0]] * 0.6 + np.eye(3) * 0.8])
        q = 0.02 * np.linalg.norm(self.data.reciprocal_cell, axis=1).min()
        low = np.sort(np.abs(self.data.phonons.solve(q * directions)[0]), axis=1)[:, :3]
        return float(low.max() / q)
