"""A gauge of the Wannier functions in which the symmetry operations are those of atomic orbitals.

On the coarse mesh the bands of a calculation are symmetric although its Wannier functions need not be.  An operation S
takes the Bloch sums at k to those at k' by a unitary matrix

    B_S(k) = U(k') L_S(k) U(k)^+        (U(k)^T for antiunitary operations),

U the eigenvectors of H and L unitary within groups of (nearly) degenerate bands.  L is found from D, the matrix of the
atomic orbitals, by the closest unitary, and refined by what must be covariant as well: the velocity and the coupling,

    B_S(k + q) O(k, q) B_S(k)^+ = O_S(k', q'),

solved for L by repeated closest unitaries, for all k together.  The gauge

    W(k') = closest unitary to  sum_S B_S(k) D_S(k)^+

then has ``B_S(k) W(k) = W(k') D_S(k)``: in it the operations are D.  It is smooth where B is, and leaves the physics
on the coarse mesh as it was.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..groups.magnetic_group import Operation, words
from ..groups.representation import Orbitals
from ..wannier.images import mesh_cells, mesh_class

_ITERATIONS = 200
_SETTLED = 1e-5
_FAR = 0.3
_DEGENERATE = 1e-5  # eV: bands closer than this belong together whatever the noise


@dataclass(frozen=True)
class MeshAction:
    """One operation on the coarse mesh.

    Attributes
    ----------
    operation : Operation
    image : ndarray of int, shape (N_k,)
        Mesh point k' of every mesh point k.
    matrices : ndarray, shape (N_k, N, N)
        ``D_m'm exp(-i k'.T_m)``, lattice gauge.
    """

    operation: Operation
    image: np.ndarray
    matrices: np.ndarray

    def carried(self, left, right):
        """``D_left X D_right^+`` needs X conjugated for antiunitary operations: a function of X (..., N, N)."""
        return lambda x: left @ (x.conj() if self.operation.antiunitary else x) @ _dagger(right)

    def apply(self, values):
        """``D(k) X(k) D(k)^+`` at k', for X (N_k, ..., N, N)."""
        extra = values.ndim - 3
        d = self.matrices.reshape(len(self.matrices), *(1,) * extra, *self.matrices.shape[1:])
        moved = np.empty_like(values)
        moved[self.image] = self.carried(d, d)(values)
        return moved


def mesh_image(operation: Operation, mesh) -> np.ndarray:
    """Mesh point that each mesh point goes to: shape (N,).

    Raises
    ------
    InputError
        If the mesh has not the symmetry of the operation.
    """
    mesh = np.asarray(mesh)
    moved = operation.wave_vectors(mesh_cells(mesh) / mesh) * mesh
    if np.abs(moved - np.round(moved)).max() > 1e-6:
        raise InputError(
            f"symmetrize: the {' x '.join(map(str, mesh))} mesh has not the symmetry {operation.name} of the crystal; "
            "use a mesh with equal numbers along equivalent axes"
        )
    return mesh_class(np.round(moved).astype(int), mesh)


def mesh_actions(orbitals: Orbitals, operations: list[Operation], mesh) -> list[MeshAction]:
    """Every operation on the mesh."""
    points = mesh_cells(mesh) / np.asarray(mesh)
    actions = []
    for operation in operations:
        _, shift = orbitals.site_images(operation)
        phase = np.exp(-2j * np.pi * operation.wave_vectors(points) @ shift[orbitals.site_of].T)  # (N_k, N)
        matrix = orbitals.matrix(operation)
        actions.append(MeshAction(operation, mesh_image(operation, mesh), matrix * phase[:, None, :]))
    return actions


def averaged(actions: list[MeshAction], values) -> np.ndarray:
    """Mean over the group of X (N_k, N, N)."""
    return sum(action.apply(values) for action in actions) / len(actions)


def band_groups(energies, actions: list[MeshAction]) -> np.ndarray:
    """Which bands belong together, (N_k, N, N) of bool: closer than the noise by which images of k differ.

    The same for all images of a k point, so that B is block diagonal in them.
    """
    star = np.stack([energies[action.image] for action in actions])
    spread = star.max(axis=0) - star.min(axis=0)
    close = np.diff(energies, axis=1) < _DEGENERATE + spread[:, 1:] + spread[:, :-1]
    joined = close.copy()
    for action in actions:
        joined |= close[action.image]
    label = np.concatenate([np.zeros((len(energies), 1)), np.cumsum(~joined, axis=1)], axis=1)
    return label[:, :, None] == label[:, None, :]


def sound_bands(energies, actions: list[MeshAction]) -> np.ndarray:
    """Bands whose energies are as symmetric as most, (N_k, N) of bool: those within the frozen window."""
    star = np.stack([energies[action.image] for action in actions])
    spread = star.max(axis=0) - star.min(axis=0)
    return spread < max(1e-6, 10 * float(np.median(spread)))


def sewing(action: MeshAction, states, groups, probes, sound) -> tuple[np.ndarray, np.ndarray]:
    """B (N_k, N, N) of one operation, and the size of its overlaps with D for every band (N_k, N).

    Parameters
    ----------
    action : MeshAction
    states : array, shape (N_k, N, N)
        Eigenvectors of H in the lattice gauge.
    groups : array of bool, shape (N_k, N, N)
        From `band_groups`.
    probes : list of tuple
        ``(other, here, there)``: index of k + q (N_k,), O(k, q) between bands (N_k, C, N, N) and O_S(k', q') likewise.
    sound : array of bool, shape (N_k, N)
        Bands whose energies are symmetric: the others are left at the closest unitary.
    """
    conjugate = np.conj if action.operation.antiunitary else np.asarray
    target = states[action.image]
    overlap = _dagger(target) @ action.matrices @ conjugate(states)
    start, strength = _unitary(np.where(groups, overlap, 0))
    rotation = start
    if probes:
        rotation = _refined(start, groups, [(o, conjugate(here), there) for o, here, there in probes], sound)
        # what turns far from D is no band of the crystal: states at the edge of the disentangled space
        turned = np.abs(np.einsum("kmn,kmn->kn", rotation, start.conj()) - 1) > _FAR
        if turned.any():
            rotation = _refined(
                start, groups, [(o, conjugate(here), there) for o, here, there in probes], sound & ~turned
            )
    return target @ rotation @ _dagger(conjugate(states)), strength


def _refined(rotation, groups, probes, sound):
    """L with the least ``sum |L(k + q) O L(k)^+ - O_S|^2`` over the bands that are `sound`, by repeated polar parts."""
    weighted = []
    shift = 0.0
    for other, here, there in probes:
        both = (sound[other][:, :, None] & sound[:, None, :])[:, None]
        here, there = np.where(both, here, 0), np.where(both, there, 0)
        weighted.append((other, here, _dagger(there)))
        shift = shift + np.sum(np.abs(here) ** 2, axis=(1, 2))
    # half of what couples to a band keeps the iteration from alternating
    shift = np.maximum(0.5 * shift, 1e-3 * np.max(shift))[:, None, :]
    for _ in range(_ITERATIONS):
        total = rotation * shift
        for other, here, there in weighted:
            total = total + np.sum(there @ rotation[other][:, None] @ here, axis=1)
        new, _ = _unitary(np.where(groups, total, 0))
        change = np.abs(new - rotation).max()
        rotation = new
        if change < _SETTLED:
            break
    return rotation


def composed(actions: list[MeshAction], made: dict) -> list[tuple[np.ndarray, np.ndarray]]:
    """B and D (N_k, N, N) of every operation, from those of the generators `made` (index: (B, D)).

    Products of D may differ from D by a phase, that of a full turn of the spin or of a lattice vector: B and D are
    multiplied alike.
    """
    for n, pair in words([a.operation for a in actions]):
        if pair is not None:
            i, j = pair
            conjugate = np.conj if actions[i].operation.antiunitary else np.asarray
            then = [x[actions[j].image] for x in made[i]]
            made[n] = tuple(x @ conjugate(y) for x, y in zip(then, made[j], strict=True))
    return [made[n] for n in range(len(actions))]


def symmetric_gauge(actions: list[MeshAction], sewings) -> tuple[np.ndarray, float]:
    """W (N_k, N, N), and the smallest singular value of the sum it is the closest unitary of (1: B is D already).

    Parameters
    ----------
    actions : list of MeshAction
    sewings : list of tuple
        B and D of every operation, from `composed`.
    """
    gauge = np.broadcast_to(np.eye(actions[0].matrices.shape[-1], dtype=complex), actions[0].matrices.shape)
    smallest = 0.0
    for step in range(3):  # one is enough when the B are those of a group exactly
        total = np.zeros(gauge.shape, dtype=complex)
        for action, (b, d) in zip(actions, sewings, strict=True):
            w = gauge.conj() if action.operation.antiunitary else gauge
            total[action.image] += b @ w @ _dagger(d)
        gauge, strength = _unitary(total / len(actions))
        if step == 0:
            smallest = float(strength.min())
    return gauge, smallest


def _unitary(matrices) -> tuple[np.ndarray, np.ndarray]:
    """Closest unitary matrices and singular values."""
    u, s, v = np.linalg.svd(matrices)
    return u @ v, s


def _dagger(x):
    return np.conj(np.swapaxes(x, -1, -2))
