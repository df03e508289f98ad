"""Lattice vectors and weights of EPW's files.

EPW sums over lattice vectors of a Wigner-Seitz cell of the coarse-mesh supercell, ties sharing the weight.  The cell is
that of R itself (`use_ws = .false.`), or of each pair (`use_ws = .true.`):

    electrons  R + w_n - w_m;        phonons  R + tau_b - tau_a;
    coupling   Rp + tau_a - w_m (the bra), or, in some versions, Rp + tau_a - (w_m + w_n)/2.

Where `wigner.fmt` is missing, `rebuild` finds the sets that the stored numbers of vectors belong to.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..files import reading, text_size
from ..text_numbers import counts as positive
from ..text_numbers import floats
from ..wannier.images import minimal_images
from .files import read_whole_text

_LARGEST = 1_000_000  # of a component of R, and of a degeneracy


@dataclass(frozen=True)
class WignerSeitz:
    """Vectors (nR, 3) and degeneracies; 0 means that a vector does not belong to the pair.

    The degeneracies are (nRe, d, d) for electrons, (nRq, a, a) for phonons and (nRp, d, d, a) for the coupling (bra,
    ket, atom), with d = N or 1 and a = nat or 1; the ket axis of the last is 1 for sets centred on the bra.
    """

    re_vectors: np.ndarray
    re_degeneracy: np.ndarray
    phonon_vectors: np.ndarray
    phonon_degeneracy: np.ndarray
    rp_vectors: np.ndarray
    rp_degeneracy: np.ndarray
    k_mesh: tuple[int, int, int]
    q_mesh: tuple[int, int, int]
    divided: bool = False

    def _weights(self, degeneracy) -> np.ndarray:
        if self.divided:
            return (degeneracy > 0).astype(float)
        return np.where(degeneracy > 0, 1 / np.maximum(degeneracy, 1), 0.0)

    def same(self, other: WignerSeitz) -> bool:
        """Whether both give every element the same vectors and weights."""
        pairs = (
            (self.re_vectors, other.re_vectors),
            (self.phonon_vectors, other.phonon_vectors),
            (self.rp_vectors, other.rp_vectors),
        )
        ties = (
            (self.re_degeneracy, other.re_degeneracy),
            (self.phonon_degeneracy, other.phonon_degeneracy),
            (self.rp_degeneracy, other.rp_degeneracy),
        )
        return all(np.array_equal(a, b) for a, b in pairs) and all(np.all(a == b) for a, b in ties)

    def electron_weights(self, n: int) -> np.ndarray:
        """(nRe, N, N)."""
        weights = self._weights(self.re_degeneracy)
        return np.broadcast_to(weights, (len(weights), n, n))

    def phonon_weights(self, nat: int) -> np.ndarray:
        """(nRq, 3 nat, 3 nat)."""
        weights = self._weights(self.phonon_degeneracy)
        weights = np.broadcast_to(weights, (len(weights), nat, nat))
        return np.repeat(np.repeat(weights, 3, axis=1), 3, axis=2)

    def weigh_coupling(self, values, out=None) -> np.ndarray:
        """`values` (nRp, 3 nat, nRe, N, N) times the weights of Re and Rp; into `out`, where that is given."""
        nat = values.shape[1] // 3
        rp = self._weights(self.rp_degeneracy)
        rp = np.broadcast_to(rp, (*rp.shape[:3], nat))
        rp = np.repeat(rp.transpose(0, 3, 1, 2), 3, axis=1)[:, :, None]
        return np.multiply(np.multiply(values, self._weights(self.re_degeneracy), out=out), rp, out=out)


def from_file(path: Path, counts, cell, k_mesh=None, q_mesh=None) -> WignerSeitz:
    """Read `wigner.fmt`; `counts` are the numbers of vectors that epwdata.fmt states."""
    with reading(path, "EPW's wigner.fmt"):
        tokens = read_whole_text(path, lambda head: text_size(_numbers_announced(head, counts))).split()
        start = _start(tokens)
        n_k, n_q, n_g, dims, dims2 = _announced(tokens)
        if (n_k, n_q, n_g) != tuple(counts):
            raise InputError(
                f"{path}: {n_k}, {n_q}, {n_g} vectors, epwdata.fmt has {', '.join(map(str, counts))}; "
                "use files of one run"
            )
        divided = start > 0 and int(tokens[2]) != 0
        position = start + 5
        expected = _numbers_announced(" ".join(tokens[:position]), counts)
        if len(tokens) != position + expected:
            raise ValueError(f"{expected} numbers expected, {len(tokens) - position} found")
        blocks = []
        for n, rows, columns in ((n_k, dims, dims), (n_q, dims2, dims2), (n_g, dims, dims2)):
            size = 4 + rows * columns
            block = floats(tokens[position : position + n * size]).reshape(n, size)
            whole = np.delete(block, 3, axis=1)  # R and degeneracies; between them the length
            if np.abs(whole).max() > _LARGEST or np.any(whole != np.rint(whole)) or whole[:, 3:].min() < 0:
                raise ValueError("a lattice vector or degeneracy that is no whole number, or a negative degeneracy")
            blocks.append((whole[:, :3].astype(int), whole[:, 3:].astype(int).reshape(n, rows, columns)))
            position += n * size
    (re, re_degeneracy), (rq, rq_degeneracy), (rp, rp_degeneracy) = blocks
    return WignerSeitz(
        re,
        re_degeneracy,
        rq,
        rq_degeneracy,
        rp,
        rp_degeneracy[:, :, None, :],
        _mesh_of(path, cell, re, re_degeneracy, k_mesh, "k_mesh"),
        _mesh_of(path, cell, rq, rq_degeneracy, q_mesh, "q_mesh"),
        divided,
    )


def _start(words) -> int:
    """Words before the counts: newer versions begin with -2 and two flags."""
    return 3 if words and words[0] == "-2" else 0


def _announced(words) -> list[int]:
    """Numbers of vectors of electrons, phonons and coupling, and the two dimensions of the degeneracies."""
    names = (
        "the number of electron vectors",
        "of phonon vectors",
        "of coupling vectors",
        "the dimension",
        "the second one",
    )
    return positive(words[_start(words) :], names)


def _numbers_announced(head: str, counts) -> int:
    *_, dims, dims2 = _announced(head.split(None, 8))
    n_k, n_q, n_g = counts
    return n_k * (4 + dims**2) + n_q * (4 + dims2**2) + n_g * (4 + dims * dims2)


def _mesh_of(path, cell, vectors, degeneracy, given, name):
    """The mesh whose Wigner-Seitz cell holds the vectors of the first pair."""
    own = degeneracy[:, 0, 0]
    total = np.sum(1 / own[own > 0])
    n = round(total)
    wanted = {tuple(r) for r in vectors[own > 0].tolist()}
    candidates = _factorisations(n) if given is None else [tuple(int(x) for x in given)]
    candidates = [mesh for mesh in candidates if math.prod(mesh) == n]  # before the points of a mesh are listed
    if abs(total - n) < 1e-3:
        for mesh in candidates:
            if {tuple(r) for r in minimal_images(cell, mesh, np.zeros(3))[0].tolist()} == wanted:
                return mesh
    raise InputError(
        f"{path}: its vectors fill no Wigner-Seitz cell of {name} = {list(given) if given else 'any mesh'}"
    )


def _factorisations(n: int):
    return [(a, b, n // a // b) for a in range(1, n + 1) if n % a == 0 for b in range(1, n // a + 1) if n // a % b == 0]


def plain_sets(cell, k_mesh, q_mesh, alat) -> WignerSeitz:
    """Sets of R alone (`use_ws = .false.`)."""
    return _sets(Rule(np.zeros((1, 3)), np.zeros((1, 3)), alat), cell, k_mesh, q_mesh)


def pair_sets(cell, k_mesh, q_mesh, positions, centres, alat) -> WignerSeitz:
    """Sets of each pair (`use_ws = .true.`), those of the coupling centred on the bra."""
    return _sets(Rule(positions, centres, alat), cell, k_mesh, q_mesh)


def _sets(rule, cell, k_mesh, q_mesh):
    (re, re_n), (rq, rq_n) = rule.electrons(cell, k_mesh), rule.phonons(cell, q_mesh)
    rp, rp_n = rule.coupling(cell, q_mesh)
    return WignerSeitz(re, re_n, rq, rq_n, rp, rp_n, k_mesh, q_mesh)


class Rule:
    """Union of the Wigner-Seitz sets of all pairs, in EPW's order: pairs in turn, what is new appended."""

    def __init__(self, positions, centres, alat, centred_on="bra"):
        self.positions, self.centres, self.centred_on = positions, centres, centred_on
        self.tolerance = 1e-6 * alat**2  # EPW compares squared lengths in units of alat^2

    def electrons(self, cell, mesh):
        return _union(cell, mesh, self.tolerance, self.centres[None] - self.centres[:, None])

    def phonons(self, cell, mesh):
        return _union(cell, mesh, self.tolerance, self.positions[None] - self.positions[:, None])

    def coupling(self, cell, mesh):
        if self.centred_on == "bra":
            shift = self.positions[None] - self.centres[:, None]  # (N, nat, 3)
            vectors, degeneracy = _union(cell, mesh, self.tolerance, shift)
            return vectors, degeneracy[:, :, None, :]
        middle = 0.5 * (self.centres[None] + self.centres[:, None])
        return _union(cell, mesh, self.tolerance, self.positions - middle[:, :, None])


def _union(cell, mesh, tolerance, shifts):
    """Vectors (nR, 3) and degeneracies (nR, ...) for every shift of the array `shifts` (..., 3)."""
    flat = shifts.reshape(-1, 3)
    kinds, kind = np.unique(np.round(flat, 9), axis=0, return_inverse=True)
    sets = [minimal_images(cell, mesh, s, tolerance=tolerance) for s in kinds]
    index: dict[tuple, int] = {}
    for i in kind.ravel():
        for r in map(tuple, sets[i][0].tolist()):
            index.setdefault(r, len(index))
    degeneracy = np.zeros((len(index), len(flat)), dtype=int)
    for column, i in enumerate(kind.ravel()):
        rows = [index[tuple(r)] for r in sets[i][0].tolist()]
        degeneracy[rows, column] = sets[i][1]
    return np.array(list(index)), degeneracy.reshape(len(index), *shifts.shape[:-1])


def given_mesh(name, mesh) -> tuple[int, int, int] | None:
    """A mesh as three positive whole numbers; None stays None.

    Raises
    ------
    InputError
        If it is anything else.
    """
    if mesh is None:
        return None
    numbers = np.atleast_1d(np.asarray(mesh))
    if numbers.shape != (3,) or not np.issubdtype(numbers.dtype, np.integer) or numbers.min() < 1:
        raise InputError(f"{name} = {mesh}: give three whole numbers, for instance (4, 4, 4)")
    return int(numbers[0]), int(numbers[1]), int(numbers[2])


def named(name, mesh) -> str:
    """A mesh in words, for messages."""
    return f"any {name}" if mesh is None else f"{name} = {list(mesh)}"
