"""Low-rank form of the vertex on the states of a shell: V_c(l', l) = sum_j b_j(l')* k_j(l).

The matrices G_c of `cluster` act on a thousand localised functions, but Bloch states of one energy meet only
a few hundred combinations of them.  Take a random sample X of the states and of their derivatives (each normalised)
and the matrix M = X^+ G X of all vertices between them; with its eigenvalues and eigenvectors M = W L W^+,

    G  ->  (G X) W L^-1 W^+ (G X)^+,        b(f) = |L|^-1/2 W^+ (G X)^+ f,        k = sign(L) b

reproduces M exactly when no eigenvalue is dropped.  Dropped are the smallest, as many as leave the rms error of M
below `tolerance` times its rms value; the form is Hermitian whatever is dropped, so that detailed balance and the
antisymmetry of the shift stay exact.  What is not in the sample is tested on an independent one, and the sample grows
until that test is passed.  Groups of degenerate states enter the sample whole.  Where all are Kramers pairs (inversion
times time reversal maps each onto itself) nothing is dropped that the symmetry relates to something kept: the form has
the symmetry then, and every shift vanishes as it must.  A coupling that is not Hermitian (images of a file) takes the
singular values of M.

Not covered: a bound for single pairs.  The tolerance is on the rms over pairs, relative to the rms vertex; that of the
derivatives (of vectors D_a u scaled to the norm of u) is allowed to be three times as large.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .cluster import ClusterCoupling
from .sample import Pool, dominant_eigenpairs, dominant_triples, sample_vectors

_HERMITIAN = 1e-4  # violation, relative rms, up to which the coupling is taken for Hermitian with rounding
_TEST = 200
_SINGLE = 1e-5  # tolerance from which the sample is kept in single precision
_DERIVATIVE = 3.0  # error allowed for derivatives, in units of that of values
_OTHERS = 1.2  # error allowed for other states, in units of the tolerance

SAMPLE = 1000
"""Vectors of the first sample; it doubles until the test on others is passed."""


@dataclass(frozen=True)
class Factors:
    """Maps from Bloch states to the factors b (of the final state) and k (of the initial state).

    Attributes
    ----------
    cluster : ClusterCoupling
    lattice : ndarray, shape (3, 3)
        Lattice vectors as rows, angstrom.
    bra_maps : list of (nB N, r_c), or None
        ``b = f @ conj(bra_map)``; None: b is f itself, nothing is dropped.
    ket_maps : list of (nT N, r_c), or None
        The same for k; None: ``k = signs * b``, or k = G f where nothing is dropped.
    signs : list of (r_c,), or None
    weights : list of (r_c,), or None
        rms of the elements of b and k over the sample.
    size : float
        rms vertex of the sample, strongest displacement.
    tolerance : float
    value_error, derivative_error : float
        rms errors on the independent sample.
    """

    cluster: ClusterCoupling
    lattice: np.ndarray
    bra_maps: list | None = None
    ket_maps: list | None = None
    signs: list | None = None
    weights: list | None = None
    size: float = 0.0
    tolerance: float = 0.0
    value_error: float = 0.0
    derivative_error: float = 0.0

    @property
    def ranks(self) -> tuple[int, ...]:
        """Length of b and k for each displacement."""
        if self.bra_maps is None:
            return (len(self.cluster.bra_cells) * self.cluster.orbitals,) * self.cluster.displacements
        return tuple(m.shape[1] for m in self.bra_maps)

    @property
    def hermitian(self) -> bool:
        """Whether k is b up to signs."""
        return self.signs is not None

    @property
    def flops_per_vector(self) -> float:
        """For both factors of one vector with its derivatives in three directions."""
        if self.bra_maps is None:
            return 4 * 8.0 * self.cluster.elements
        return 4 * 8.0 * sum(m.size for m in self.bra_maps + (self.ket_maps or []))

    def bra(self, vectors, index, dtype) -> list[np.ndarray]:
        """b of every displacement, shape (1 + d, n, r_c): values, then derivatives.

        Parameters
        ----------
        vectors : GroupVectors
        index : slice or array of int
            Which of them, n.
        dtype : numpy dtype
            Complex.
        """
        bloch = self._bloch(vectors, index, self.cluster.bra_cells, dtype)
        if self.bra_maps is None:
            return [bloch] * self.cluster.displacements
        return [_mapped(bloch, m) for m in self.bra_maps]

    def ket(self, vectors, index, dtype) -> list[np.ndarray]:
        """k of every displacement, shape (1 + d, n, r_c)."""
        if self.signs is not None:
            bras = self.bra(vectors, index, dtype)
            return [b * s.astype(b.real.dtype) for b, s in zip(bras, self.signs, strict=True)]
        bloch = self._bloch(vectors, index, self.cluster.ket_cells, dtype)
        if self.ket_maps is not None:
            return [_mapped(bloch, m) for m in self.ket_maps]
        x, n, _ = bloch.shape
        images = self.cluster.apply(bloch.reshape(x * n, -1, self.cluster.orbitals))
        return list(images.reshape(len(images), x, n, -1))

    def _bloch(self, vectors, index, cells, dtype):
        bloch = vectors.on_cells(index, cells, self.lattice).astype(dtype, copy=False)
        return bloch.reshape(*bloch.shape[:2], -1).swapaxes(0, 1)  # (1 + d, n, cells N)


def low_rank_factors(cluster, lattice, vectors, *, tolerance: float, seed: int = 0, sample: int = SAMPLE) -> Factors:
    """The shortest factors with errors below `tolerance` (head of the file); exact ones where little can be saved.

    Parameters
    ----------
    cluster : ClusterCoupling
    lattice : array, shape (3, 3)
    vectors : GroupVectors
        All whose pairs will be asked for.
    tolerance : float
        Relative rms error; zero: exact factors.
    seed : int
        Of the sample.
    sample : int
        Vectors of the first sample, doubled until the test on others is passed.
    """
    exact = Factors(cluster, np.asarray(lattice))
    if tolerance <= 0:
        return exact
    pool = Pool(vectors, np.random.default_rng(seed))
    test = pool.take(2 * _TEST)
    size = sample
    while True:
        found = _factorise(exact, vectors, pool.take(size), 0.5 * tolerance)
        if sum(found.ranks) >= 0.9 * sum(exact.ranks):
            return exact
        value, derivative = factor_errors(found, vectors, test)
        if value <= tolerance and derivative <= _DERIVATIVE * tolerance:
            return replace(found, tolerance=tolerance, value_error=value, derivative_error=derivative)
        if size >= pool.size:  # everything was in the sample and it still does not do
            return exact
        size *= 2


def _factorise(exact, vectors, entries, tolerance) -> Factors:
    cluster, lattice = exact.cluster, exact.lattice
    kramers = bool(np.all(np.diff(vectors.first) % 2 == 0))
    dtype = np.complex64 if tolerance >= _SINGLE and not kramers else np.complex128
    kets = sample_vectors(vectors, entries, cluster.ket_cells, lattice, dtype)
    bras = sample_vectors(vectors, entries, cluster.bra_cells, lattice, dtype)
    images = cluster.apply(kets)  # (C, n, nB, N)
    flat = images.reshape(len(images), len(entries), -1)
    matrices = bras.reshape(len(entries), -1).conj() @ flat.swapaxes(1, 2)  # (C, n bras, n kets)
    n, rank = len(entries), cluster.orbitals * min(len(cluster.bra_cells), len(cluster.ket_cells))
    size = float(np.linalg.norm(matrices, axis=(1, 2)).max())
    if size == 0:
        return exact
    violation = np.linalg.norm(matrices - matrices.conj().swapaxes(1, 2), axis=(1, 2)).max() / size
    hermitian = violation < _HERMITIAN
    if not hermitian:
        adjoint = cluster.apply_adjoint(np.broadcast_to(bras, (len(images), *bras.shape)))
        adjoint = adjoint.reshape(len(images), n, -1)

    def root(value):  # not zero where a displacement has no coupling
        return np.sqrt(np.maximum(np.abs(value), 1e-20 * size))

    bra_maps, ket_maps, signs, weights = [], [], [], []
    for c, (m, image) in enumerate(zip(matrices, flat, strict=True)):
        if hermitian:
            span = bras.reshape(n, -1).conj() if kramers else None
            value, right = dominant_eigenpairs(0.5 * (m + m.conj().T), tolerance * size, rank, span)
            signs.append(np.sign(value))
        else:
            left, value, right = dominant_triples(m, tolerance * size, rank)
            ket_maps.append((adjoint[c].T @ left) / root(value))
        bra_maps.append((image.T @ right) / root(value))
        weights.append(root(value) / np.sqrt(n))
    return replace(
        exact,
        bra_maps=bra_maps,
        ket_maps=None if hermitian else ket_maps,
        signs=signs if hermitian else None,
        weights=weights,
        size=size / n,
    )


def factor_errors(factors, vectors, entries) -> tuple[float, float]:
    """Relative rms errors of the vertices of the chosen values with values, and of derivatives with values."""
    cluster, lattice = factors.cluster, factors.lattice
    n, value = len(entries), entries[:, 1] == 0
    bras = sample_vectors(vectors, entries, cluster.bra_cells, lattice).reshape(n, -1)
    kets = sample_vectors(vectors, entries[value], cluster.ket_cells, lattice)
    exact = bras.conj() @ cluster.apply(kets).reshape(cluster.displacements, len(kets), -1).swapaxes(1, 2)
    apart = np.empty_like(exact)
    for c, bra_map in enumerate(factors.bra_maps):
        b = bras @ bra_map.conj()
        if factors.signs is None:
            k = kets.reshape(len(kets), -1) @ factors.ket_maps[c].conj()
        else:
            k = b[value] * factors.signs[c]
        apart[c] = exact[c] - b.conj() @ k.T
    # relative to the strongest displacement
    size = np.linalg.norm(exact[:, value], axis=(1, 2)).max() or 1.0
    errors = (np.linalg.norm(apart[:, rows], axis=(1, 2)).max() for rows in (value, ~value))
    scale = np.sqrt([1.0, value.sum() / max((~value).sum(), 1)])
    first, second = (float(e * s / size) for e, s in zip(errors, scale, strict=True))
    return first, second


def factors_serve(factors: Factors, vectors) -> bool:
    """Whether factors that were made for other vectors describe these as well: tested on a sample of them."""
    if factors.bra_maps is None:
        return True
    test = Pool(vectors, np.random.default_rng(1)).take(2 * _TEST)
    value, derivative = factor_errors(factors, vectors, test)
    return value <= _OTHERS * factors.tolerance and derivative <= _OTHERS * _DERIVATIVE * factors.tolerance


def _mapped(bloch, matrix):
    """``f @ conj(matrix)`` for f (1 + d, n, cells N)."""
    x, n, width = bloch.shape
    product = np.ascontiguousarray(bloch).reshape(x * n, width) @ matrix.conj().astype(bloch.dtype, copy=False)
    return product.reshape(x, n, -1)
