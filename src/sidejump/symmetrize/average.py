"""Averages over the group of what belongs to the nuclei and of the coupling on the coarse meshes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..groups.representation import site_images
from ..wannier.images import mesh_cells, mesh_class
from ..wannier.phonons import Phonons
from .gauge import MeshAction, mesh_image


def averaged_phonons(phonons: Phonons, cell, positions, operations) -> Phonons:
    """Force constants, Born charges and dielectric tensor averaged over the group: ``C(R') = S C(R) S^+``."""
    nat = len(positions)
    tensor = np.asarray(phonons.force_constants, dtype=complex).reshape(-1, nat, 3, nat, 3).transpose(0, 1, 3, 2, 4)
    rows: list[np.ndarray] = []
    blocks: list[np.ndarray] = []
    for operation in operations:
        target, shift = site_images(cell, positions, operation)
        s = operation.cartesian
        moved = np.einsum("ia,Rxyab,jb->Rxyij", s, tensor, s, optimize=True)
        for a in range(nat):
            for b in range(nat):
                vectors = phonons.vectors @ operation.rotation.T + shift[b] - shift[a]
                labels = np.broadcast_to([target[a], target[b]], (len(vectors), 2))
                rows.append(np.concatenate([vectors, labels], axis=1))
                blocks.append(moved[:, a, b])
    keys = np.concatenate(rows)
    values = np.concatenate(blocks)
    # C_ab(R) = C_ba(-R)^T
    keys = np.concatenate([keys, np.concatenate([-keys[:, :3], keys[:, 4:], keys[:, 3:4]], axis=1)])
    values = 0.5 * np.concatenate([values, values.swapaxes(1, 2)]).real
    vectors, index = np.unique(keys[:, :3], axis=0, return_inverse=True)
    total = np.zeros((len(vectors), nat, nat, 3, 3))
    np.add.at(total, (index.ravel(), keys[:, 3], keys[:, 4]), values / len(operations))
    live = np.abs(total).max(axis=(1, 2, 3, 4)) > 0
    live |= ~vectors.any(axis=1)
    constants = total[live].transpose(0, 1, 3, 2, 4).reshape(-1, 3 * nat, 3 * nat).astype(complex)
    charges, dielectric = phonons.born_charges, phonons.dielectric
    if charges is not None:
        mean = np.zeros_like(charges)
        for operation in operations:
            target, _ = site_images(cell, positions, operation)
            s = operation.cartesian
            mean[target] += np.einsum("ia,xab,jb->xij", s, charges, s) / len(operations)
        charges = mean
        dielectric = sum(o.cartesian @ dielectric @ o.cartesian.T for o in operations) / len(operations)
    return replace(
        phonons,
        cell=cell,
        positions=positions,
        vectors=vectors[live],
        force_constants=constants,
        born_charges=charges,
        dielectric=dielectric,
    )


class CouplingMesh:
    """The coupling g(k, q) on the coarse meshes, lattice gauge: arrays (N_q, N_k, 3 nat, N, N), eV/angstrom.

    Parameters
    ----------
    cell, positions : array
        Of the crystal and its atoms, angstrom.
    k_mesh, q_mesh : sequence of 3 int
    """

    def __init__(self, cell, positions, k_mesh, q_mesh):
        self.cell, self.positions = cell, np.asarray(positions)
        self.k_mesh, self.q_mesh = np.asarray(k_mesh), np.asarray(q_mesh)
        self.q = mesh_cells(q_mesh) / self.q_mesh
        step = mesh_cells(q_mesh) * (self.k_mesh // self.q_mesh)
        # mesh point k + q of every q and k
        self.sum = np.stack([mesh_class(mesh_cells(k_mesh) + s, k_mesh) for s in step])
        k = mesh_cells(k_mesh) / self.k_mesh
        self._phase_k = np.exp(2j * np.pi * k @ mesh_cells(k_mesh).T)
        self._phase_q = np.exp(2j * np.pi * self.q @ mesh_cells(q_mesh).T)

    def from_cells(self, folded) -> np.ndarray:
        """From (N_q, 3 nat, N_k, N, N), cells of the supercells, as `images.fold` returns them."""
        return self._transform(folded.transpose(0, 2, 1, 3, 4), self._phase_q, self._phase_k)

    def to_cells(self, values) -> np.ndarray:
        """The inverse of `from_cells`."""
        inverse_q, inverse_k = self._phase_q.conj().T / len(self._phase_q), self._phase_k.conj().T / len(self._phase_k)
        return self._transform(values, inverse_q, inverse_k).transpose(0, 2, 1, 3, 4)

    @staticmethod
    def _transform(values, phase_q, phase_k):
        n_q, n_k, *rest = values.shape
        half = (phase_q @ values.reshape(n_q, -1)).reshape(n_q, n_k, -1)
        return (phase_k @ half).reshape(n_q, n_k, *rest)

    def gauged(self, values, gauge) -> np.ndarray:
        """``W(k + q)^+ g W(k)`` for W (N_k, N, N)."""
        left = gauge.conj().swapaxes(1, 2)
        return np.stack([left[s][:, None] @ g @ gauge[:, None] for s, g in zip(self.sum, values, strict=True)])

    def images(self, action: MeshAction) -> tuple[np.ndarray, np.ndarray]:
        """Mesh point q' of every q (N_q,), and the matrix V (N_q, 3 nat, 3 nat) that displacements turn by.

        ``V_ba = S exp(i q'.T_a)``: the displacement a goes to b.
        """
        operation = action.operation
        target, shift = site_images(self.cell, self.positions, operation)
        nat = len(self.positions)
        phase = np.exp(2j * np.pi * operation.wave_vectors(self.q) @ shift.T)  # (N_q, nat)
        turn = np.zeros((len(self.q), nat, 3, nat, 3), dtype=complex)
        for a, b in enumerate(target):
            turn[:, b, :, a, :] = phase[:, a, None, None] * operation.cartesian
        return mesh_image(operation, self.q_mesh), turn.reshape(len(self.q), 3 * nat, 3 * nat)

    def carried(self, action: MeshAction, values) -> np.ndarray:
        """The image of the coupling under one operation."""
        image, turn = self.images(action)
        left, right = action.matrices, action.matrices.conj().swapaxes(1, 2)[:, None]
        result = np.empty_like(values)
        for i, (j, v) in enumerate(zip(image, turn, strict=True)):
            g = values[i].conj() if action.operation.antiunitary else values[i]
            moved = left[self.sum[i]][:, None] @ g @ right
            n_k, c, n, _ = moved.shape
            result[j, action.image] = (v @ moved.reshape(n_k, c, n * n)).reshape(moved.shape)
        return result

    def averaged(self, actions: list[MeshAction], values) -> np.ndarray:
        """Mean over the group."""
        total = np.zeros_like(values)
        for action in actions:
            total += self.carried(action, values)
        return total / len(actions)

    def probes(self, action: MeshAction, bands) -> list:
        """What `sewing` compares, for the coupling between bands (N_q, N_k, 3 nat, N, N)."""
        image, turn = self.images(action)
        found = []
        for i, (j, v) in enumerate(zip(image, turn, strict=True)):
            there = bands[j][action.image]
            n_k, c, n, _ = there.shape
            back = (v.conj().T @ there.reshape(n_k, c, n * n)).reshape(there.shape)
            found.append((self.sum[i], bands[i], back))
        return found
