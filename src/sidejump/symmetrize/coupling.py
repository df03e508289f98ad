"""Coupling and phonons averaged over the group, in the symmetric gauge of the Wannier functions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..wannier.container import Atoms, ElectronPhonon
from ..wannier.coupling import Coupling
from ..wannier.images import fold, hermitian_images, mesh_cells
from .average import CouplingMesh, averaged_phonons
from .crystal import SymmetricCrystal
from .electrons import SymmetricElectrons
from .gauge import MeshAction


class SymmetricCoupling:
    """The coupling of `data` on its coarse meshes, the long-range part included."""

    def __init__(self, data: ElectronPhonon, crystal: SymmetricCrystal):
        self.source, self.crystal = data, crystal
        self.mesh = CouplingMesh(crystal.cell, crystal.atoms, data.k_mesh, data.q_mesh)
        self.values = self.mesh.from_cells(fold(data.file_coupling, data.k_mesh, data.q_mesh))
        self._add_long_range(data, self.values, 1)
        self._bands: np.ndarray | None = None

    def _add_long_range(self, data: ElectronPhonon, values, sign: int) -> None:
        if data.long_range is not None:
            diagonal = np.arange(values.shape[-1])
            vertex = data.long_range.vertex(self.mesh.q @ data.reciprocal_cell)
            values[..., diagonal, diagonal] += sign * vertex[:, None, :, None]

    def probes(self, action: MeshAction, states) -> list:
        """What `gauge.sewing` compares."""
        if self._bands is None:
            self._bands = self.mesh.gauged(self.values, states)
        return self.mesh.probes(action, self._bands)

    def averaged(self, electrons: SymmetricElectrons) -> tuple[ElectronPhonon, dict]:
        """The data with exact symmetry, and what that changed."""
        data, mesh, crystal = self.source, self.mesh, self.crystal
        phonons = averaged_phonons(data.phonons, crystal.cell, crystal.atoms, crystal.operations)
        plain = mesh.gauged(self.values, electrons.gauge)
        values = mesh.averaged(electrons.actions, plain)
        report = {"coupling_change": self._change(electrons, values - plain, plain)}
        del plain
        result = replace(
            data,
            electrons=electrons.averaged(),
            phonons=phonons,
            atoms=Atoms(data.atoms.symbols, crystal.atoms, data.atoms.masses),
            wannier_centres=crystal.orbitals.positions,
            _cache={},
        )
        before = data.phonons.solve(mesh.q @ data.reciprocal_cell)[0]
        after = phonons.solve(mesh.q @ result.reciprocal_cell)[0]
        report["phonon_energy_change_rms_eV"] = float(np.sqrt(np.mean((after - before) ** 2)))
        self._add_long_range(result, values, -1)
        coupling = hermitian_images(
            Coupling(mesh_cells(data.k_mesh), mesh_cells(data.q_mesh), mesh.to_cells(values)),
            cell=crystal.cell,
            positions=crystal.atoms,
            centres=crystal.orbitals.positions,
            k_mesh=data.k_mesh,
            q_mesh=data.q_mesh,
            project=True,
        )
        dense = coupling.dense()
        return replace(result, file_coupling=dense, _cache={"hermitian": (dense, coupling)}), report

    def _change(self, electrons: SymmetricElectrons, change, values) -> float:
        """Root mean square of `change` over that of `values`, between states near the Fermi energy."""
        states = electrons.gauge.conj().swapaxes(1, 2) @ electrons.states
        near = electrons.near.astype(float)
        square = [0.0, 0.0]
        for i, part in enumerate((change, values)):
            for s, g in zip(self.mesh.sum, self.mesh.gauged(part, states), strict=True):
                square[i] += float(np.einsum("km,kcmn,kn->", near[s], np.abs(g) ** 2, near, optimize=True))
        return float(np.sqrt(square[0] / square[1])) if square[1] else 0.0
