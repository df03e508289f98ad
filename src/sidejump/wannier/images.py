"""Which periodic images of a coupling between Wannier functions to use.

A calculation on an N_k mesh of k and an N_q mesh of q knows g(Re, Rp) only modulo the two supercells: the values on
the coarse meshes do not change when Re moves by a vector of the k supercell or Rp by one of the q supercell.  Between
the mesh points they do.  Writing codes choose the images of Rp nearest to the bra's Wannier function: the relation

    g_mn(Re, Rp) = g_nm(-Re, Rp - Re)*        (the potential is Hermitian: g(k, q)^+ = g(k + q, -q))

moves Rp off that set, and detailed balance is lost between the mesh points.  A measure of distance that treats bra
and ket alike keeps it: of all images take those with the least

    |Rp + tau - w_m|^2 + |Rp + tau - Re - w_n|^2 = |Re + w_n - w_m|^2 / 2 + 2 |Rp + tau - (w_m + Re + w_n)/2|^2,

w the Wannier centres and tau the displaced atom; ties share the weight.  The relation maps this measure onto itself,
so that g is Hermitian at every (k, q) to the accuracy with which the file's values are on the coarse mesh.

Functions of one atom are best placed on it (`on_atoms`): hybrids keep their symmetry, and ties that noise in the
centres would break stay ties.  In bcc iron (2 x 2 x 2 mesh of q) the fourfold axis is broken by 1.4 % of |g|^2 so,
with the centres as they are by 3.2 %, and the acoustic coupling at small q is a third larger.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator

import numpy as np
import spglib

from ..bands.nearest import near_origin
from ..errors import InputError
from ..groups.spglib_calls import of_spglib
from .coupling import Coupling, PairCoupling

_BLOCK = 1 << 15  # elements that are moved at a time


def minimal_images(cell, mesh, shift, *, tolerance: float = 1e-6) -> tuple[np.ndarray, np.ndarray]:
    """Lattice vectors R with ``|R + shift|`` minimal among their images in the supercell of `mesh`.

    Parameters
    ----------
    cell : array, shape (3, 3)
        Lattice vectors as rows.
    mesh : sequence of 3 int
    shift : array, shape (3,)
        Cartesian.
    tolerance : float
        Squared lengths closer than this are ties.

    Returns
    -------
    vectors : ndarray of int, shape (nR, 3)
        Sorted, first component slowest.
    degeneracy : ndarray of int, shape (nR,)
        Number of tied images.
    """
    mesh = np.asarray(mesh, dtype=int)
    lattice = _superlattice(cell, mesh)
    base = mesh_cells(mesh)
    images = base[:, None] + lattice.near_origin(base @ cell + shift)
    square = _squares(images @ cell + shift)
    tied = square < square.min(axis=1, keepdims=True) + tolerance
    degeneracy = np.broadcast_to(tied.sum(axis=1, keepdims=True), tied.shape)[tied]
    vectors = images[tied]
    order = np.lexsort(vectors.T[::-1])
    return vectors[order], degeneracy[order]


def on_atoms(centres, positions, cell, *, radius: float = 0.8) -> np.ndarray:
    """`centres` (N, 3) moved to the nearest atom (any image) where one is within `radius`, angstrom."""
    centres = np.array(centres, dtype=float)
    apart = centres[:, None] - positions  # (N, nat, 3)
    images = (positions[:, None] + near_origin(-apart, cell) @ cell).reshape(len(centres), -1, 3)
    length = np.linalg.norm(images - centres[:, None], axis=-1)
    best = length.argmin(axis=1)
    rows = np.arange(len(centres))
    near = length[rows, best] < radius
    centres[near] = images[rows, best][near]
    return centres


def fold(coupling: Coupling | PairCoupling, k_mesh, q_mesh) -> np.ndarray:
    """g modulo the supercells: shape (N_q, 3 nat, N_k, N, N), the sum of the images of each class."""
    coupling = coupling.dense()
    q_class, k_class = mesh_class(coupling.rp_vectors, q_mesh), mesh_class(coupling.re_vectors, k_mesh)
    order = np.argsort(k_class, kind="stable")
    present, starts = np.unique(k_class[order], return_index=True)
    c, n = coupling.n_displacements, coupling.n_orbitals
    folded = np.zeros((math.prod(q_mesh), c, math.prod(k_mesh), n, n), dtype=coupling.values.dtype)
    for target, part in zip(q_class, coupling.values, strict=True):
        folded[target][:, present] += np.add.reduceat(part[:, order], starts, axis=1)
    return folded


def fold_vectors(vectors, values, mesh) -> np.ndarray:
    """Sum of `values` (nR, ...) over the vectors of each class modulo the supercell: shape (N, ...)."""
    folded = np.zeros((int(np.prod(mesh)), *values.shape[1:]), dtype=values.dtype)
    for target, value in zip(mesh_class(vectors, mesh), values, strict=True):
        folded[target] += value
    return folded


def adjoint(folded, k_mesh, q_mesh) -> np.ndarray:
    """``g_nm(-Re, Rp - Re)*`` modulo the supercells, for `folded` as `fold` returns it: equal to it where Hermitian."""
    return np.stack(list(adjoints(folded, k_mesh, q_mesh)), axis=2)


def adjoints(folded, k_mesh, q_mesh) -> Iterator[np.ndarray]:
    """`adjoint` for one Re after the other: (N_q, 3 nat, N, N) each."""
    re, rp = mesh_cells(k_mesh), mesh_cells(q_mesh)
    for r, minus in zip(re, mesh_class(-re, k_mesh), strict=True):
        yield folded[mesh_class(rp - r, q_mesh), :, minus].conj().swapaxes(2, 3)


def hermitian_images(
    coupling: Coupling, *, cell, positions, centres, k_mesh, q_mesh, tolerance: float = 0.05, project: bool = False
) -> PairCoupling:
    """The same coupling on the coarse meshes, with images that keep it Hermitian between them.

    Parameters
    ----------
    coupling : Coupling
        With any choice of images.
    cell : array, shape (3, 3)
        Lattice vectors as rows, angstrom.
    positions : array, shape (nat, 3)
        Atoms, angstrom.
    centres : array, shape (N, 3)
        Wannier centres, or the atoms they belong to (`on_atoms`), angstrom.
    k_mesh, q_mesh : sequence of 3 int
        Coarse meshes; the k mesh must be a multiple of the q mesh.
    tolerance : float
        Images whose measure is within this of the least share the weight, angstrom^2.
    project : bool
        Take the Hermitian part on the coarse meshes as well, where the file misses it by the noise of its
        calculation; without it the values there stay those of the file.

    Raises
    ------
    InputError
        If the meshes do not fit together.
    """
    k_mesh, q_mesh = np.asarray(k_mesh, dtype=int), np.asarray(q_mesh, dtype=int)
    if np.any(k_mesh % q_mesh):
        raise InputError(
            f"k mesh {k_mesh.tolist()} is no multiple of q mesh {q_mesh.tolist()}: k + q would leave the k mesh"
        )
    folded = fold(coupling, k_mesh, q_mesh)
    if project:
        folded = 0.5 * (folded + adjoint(folded, k_mesh, q_mesh))
    cell, positions, centres = (np.asarray(x, dtype=float) for x in (cell, positions, centres))
    kinds, kind = np.unique(np.round(centres, 9), axis=0, return_inverse=True)
    kind = kind.ravel()
    choices = {
        (a, m, n): _closest(cell, k_mesh, q_mesh, kinds[m], kinds[n], positions[a], tolerance)
        for a, m, n in itertools.product(range(len(positions)), range(len(kinds)), range(len(kinds)))
    }
    re_vectors = np.unique(np.concatenate([c[0] for c in choices.values()]), axis=0)
    rp_vectors = np.unique(np.concatenate([c[1] for c in choices.values()]), axis=0)
    # pairs of cells as one number each: vectors Rp in turn, and for each of them those of Re
    numbers = {
        key: _locate(rp_vectors, rp) * len(re_vectors) + _locate(re_vectors, re) for key, (re, rp, _) in choices.items()
    }
    pairs = np.unique(np.concatenate(list(numbers.values())))
    n = coupling.n_orbitals
    values = np.zeros((len(pairs), coupling.n_displacements, n, n), dtype=complex)
    for (a, m, n_), (re, rp, weight) in choices.items():
        rows = np.searchsorted(pairs, numbers[a, m, n_])
        e_class, p_class = mesh_class(re, k_mesh), mesh_class(rp, q_mesh)
        bras, kets = np.flatnonzero(kind == m), np.flatnonzero(kind == n_)
        block = max(1, _BLOCK // (len(bras) * len(kets)))
        for start, direction in itertools.product(range(0, len(rows), block), range(3)):
            part, c = slice(start, start + block), 3 * a + direction
            source = folded[p_class[part, None, None], c, e_class[part, None, None], bras[:, None], kets]
            values[rows[part, None, None], c, bras[:, None], kets] = weight[part, None, None] * source
    rp, re = np.divmod(pairs, len(re_vectors))
    first = np.searchsorted(rp, np.arange(len(rp_vectors) + 1))
    return PairCoupling(re_vectors, rp_vectors, first, re, values)


def _closest(cell, k_mesh, q_mesh, bra, ket, atom, tolerance):
    """Images (Re, Rp) of every class with the least measure, and their weights: (n, 3), (n, 3), (n,)."""
    # Candidates for Re. The midpoint term is at most twice the square of the q supercell's covering radius.
    lattice_k, lattice_q = _superlattice(cell, k_mesh), _superlattice(cell, q_mesh)
    span = ket - bra
    base = mesh_cells(k_mesh)
    images = base[:, None] + lattice_k.around_origin(base @ cell + span)
    half = 0.5 * _squares(images @ cell + span)
    near = half <= half.min(axis=1, keepdims=True) + 2 * lattice_q.covering_square + tolerance
    re, half = images[near], half[near]
    e_class = mesh_class(re, k_mesh)
    # For each of them the images of Rp nearest to the middle of the bond
    middle = 0.5 * (bra + ket + re @ cell) - atom  # (nE, 3): where Rp should be
    found = []
    for p in mesh_cells(q_mesh):
        rp = p + lattice_q.near_origin(p @ cell - middle)  # (nE, n, 3)
        measure = half[:, None] + 2 * _squares(rp @ cell - middle[:, None])
        least = np.full(len(base), np.inf)
        np.minimum.at(least, e_class, measure.min(axis=1))
        row, column = np.nonzero(measure < least[e_class][:, None] + tolerance)
        ties = np.bincount(e_class[row], minlength=len(base))
        found.append((re[row], rp[row, column], 1 / ties[e_class[row]]))
    re, rp, weight = (np.concatenate(part) for part in zip(*found, strict=True))
    return re, rp, weight


def _squares(vectors) -> np.ndarray:
    """Of lengths, of vectors (..., 3); a sum over an axis of three numbers takes several times as long."""
    x, y, z = np.moveaxis(vectors**2, -1, 0)
    return x + y + z


class _Superlattice:
    """Vectors of the supercell of a mesh, through a Delaunay-reduced basis: short vectors have small coefficients."""

    def __init__(self, cell, mesh):
        supercell = np.asarray(cell) * np.asarray(mesh)[:, None]
        self.reduced = np.array(_reduced(tuple(supercell.ravel().tolist()))).reshape(3, 3)
        self.inverse = np.linalg.inv(self.reduced)
        # rows of the reduced basis in units of the unit cell
        self.steps = np.round(self.reduced @ np.linalg.inv(cell)).astype(int)
        # rounding in turn along the Gram-Schmidt vectors comes this close to any point
        self.covering_square = 0.25 * float(np.sum(np.linalg.qr(self.reduced.T)[1].diagonal() ** 2))
        # v can be as close as 0 to a point x of the rounded cell only if x.v > v^2/2 for some x
        self.all = np.array(list(itertools.product(range(-2, 3), repeat=3)))
        v = self.all @ self.reduced
        self.neighbours = self.all[np.abs(v @ self.reduced.T).sum(axis=1) >= np.sum(v**2, axis=1) - 1.0]

    def near_origin(self, points) -> np.ndarray:
        """Supercell vectors that may bring `points` (n, 3) closest to the origin, in units of the cell: (n, m, 3)."""
        return self._moves(points, self.neighbours)

    def around_origin(self, points) -> np.ndarray:
        """Supercell vectors that bring `points` (n, 3) around the origin, in units of the cell: (n, 125, 3)."""
        return self._moves(points, self.all)

    def _moves(self, points, choices):
        first = -np.round(points @ self.inverse).astype(int)
        return (first @ self.steps)[:, None] + choices @ self.steps


def _superlattice(cell, mesh) -> _Superlattice:
    """That of a cell and a mesh: every pair of Wannier functions asks for the same one."""
    return _made(tuple(np.asarray(cell, dtype=float).ravel().tolist()), tuple(int(n) for n in mesh))


@functools.lru_cache(maxsize=16)
def _made(cell: tuple[float, ...], mesh: tuple[int, ...]) -> _Superlattice:
    return _Superlattice(np.reshape(cell, (3, 3)), np.array(mesh))


@functools.lru_cache(maxsize=256)
def _reduced(cell: tuple[float, ...]) -> tuple[float, ...]:
    reduced = of_spglib(spglib.delaunay_reduce, np.reshape(cell, (3, 3)), eps=1e-6)
    if reduced is None:
        raise InputError(f"lattice vectors {np.round(cell, 4).tolist()} span no volume")
    return tuple(reduced.ravel().tolist())


def mesh_cells(mesh) -> np.ndarray:
    """Cells of the supercell at the origin, (N, 3), last component fastest."""
    return np.array(list(itertools.product(*[range(int(n)) for n in mesh])))


def mesh_class(vectors, mesh) -> np.ndarray:
    """Index into `mesh_cells` of every vector, modulo the supercell."""
    return np.ravel_multi_index(tuple(np.mod(vectors, mesh).T), tuple(int(n) for n in mesh))


def _locate(table, vectors) -> np.ndarray:
    """Rows of the sorted, unique `table` that hold `vectors`."""
    low = table.min(axis=0)
    size = tuple(table.max(axis=0) - low + 1)
    keys = np.ravel_multi_index(tuple((table - low).T), size)
    return np.searchsorted(keys, np.ravel_multi_index(tuple((vectors - low).T), size))
