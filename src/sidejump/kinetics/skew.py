"""Skew scattering of static scatterers: what rates beyond the golden rule add to the current, to first order.

With g the distributions that the field drives, L g = drive, a rate of its own ``w^a(l -> l') = -w^a(l' -> l)`` adds
``- sum_ll' g^a_l w^a g^b_l'`` to the response of a to a field along b.  No matrix of rates is made: both parts are
contractions of g with the amplitudes ``V_l'l = <u_l'|W|u_l>`` on one surface (theory, skew scattering).

Conventional, of the third moment ``n <v v v>``, with M = w^(1/2) V w^(1/2) = Q B Q^+ of low rank and E_a = Q^+ g_a Q:

    sigma_ab = - (2 pi)^2 n Im Tr g_a M g_b M M = - (2 pi)^2 n Im Tr E_a B E_b B B.

That of all orders, of impurities of zero range, is in :mod:`.odd`.

Gaussian, of the fourth order in V, without crossed lines: a Berry curvature of what scattering mixes into the bands,

    sigma_ab = - (2 pi)^2 sum_l w_l Im sum_m <u_l|D^a_l|u_m> <u_m|D^b_l|u_l> / (e_l - e_m),
    D^a_l = sum_l' w_l' C(k - k') W u_l' u_l'^+ W (g^a_l' - g^a_l),        m the other bands at k, C = n |v|^2.

Not covered: crossed diagrams (X and Psi); principal values, which renormalise bands and wave functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import numpy as np
from scipy.sparse.linalg import eigsh
from threadpoolctl import threadpool_limits

from ..bands.states import States
from ..errors import TooLarge
from ..interactions.sources import ScalarPairs
from ..pairs.sample import Sample, Surface
from ..threads import by_threads

_RANK, _LARGEST_RANK = 48, 192
"""Vectors of the first attempt at the range of M, and the most of it; then as many more until they hold it."""

_STORED = 0.4
"""Of the memory: what M may take, else it is computed for each product."""

_RANGE = 0.1
"""Tolerances of a run: what of M may be outside of its range, relatively."""

_ROWS, _COLUMNS = 32, 256
"""Points of a block of pairs."""


@dataclass(frozen=True)
class Third:
    """Scatterers with a third moment: ``factor v(q) v(q') v(q'')``, v in eV angstrom^d, factor in angstrom^-d."""

    potential: Callable[[np.ndarray], np.ndarray]
    factor: float


@dataclass(frozen=True)
class SkewSource:
    """What one vertex matrix scatters.

    Attributes
    ----------
    pairs : ScalarPairs
        Not yet prepared.
    correlation : callable or None
        ``C(q)``, eV^2 angstrom^d, of |q|; None: no Gaussian part.
    thirds : tuple of Third
    """

    pairs: ScalarPairs
    correlation: Callable[[np.ndarray], np.ndarray] | None
    thirds: tuple[Third, ...]


@dataclass(frozen=True)
class SkewResponse:
    """What skew scattering adds.

    Attributes
    ----------
    tensors : ndarray, shape (2, R, d)
        Conventional and Gaussian part, ``e^2/hbar angstrom^(2-d)``.
    strength : float
        Largest ``pi M`` of any kind of scatterer: the T-matrix is a series in it, of which the conventional part is the
        first order.
    """

    tensors: np.ndarray
    strength: float


@dataclass(frozen=True)
class _Driven:
    """States of one energy, between which static scatterers act, with their distributions.

    Attributes
    ----------
    surface : Surface
        Of L points, K states with their images.
    g, all_g : (L, F, R), (K, F, R)
        F functions of the energy, R responses.
    thermal : (F,)
        Thermal weight of each function.
    """

    surface: Surface
    g: np.ndarray
    all_g: np.ndarray
    thermal: np.ndarray


@threadpool_limits.wrap(limits=1)
def skew_response(
    model,
    sample: Sample,
    sources: Sequence[SkewSource],
    normal,
    thermal_weight,
    *,
    memory: float,
    tolerance: float = 1e-5,
) -> SkewResponse:
    """Conventional and Gaussian part of the response.

    Parameters
    ----------
    model : ElectronModel
    sample : Sample
    sources : sequence of SkewSource
    normal : ndarray, shape (S, m, R)
        g of the field along each direction, then of what observables drive.
    thermal_weight : ndarray, shape (S, m)
        Of each function or node.
    memory : float
        Bytes that it may take.
    tolerance : float
        Relative, of the conventional part.

    Raises
    ------
    TooLarge
    """
    d, responses = sample.velocity.shape[-1], normal.shape[-1]
    found, strength = np.zeros((2, responses, d)), 0.0
    for driven in _driven(sample, normal, thermal_weight):
        gaussian = []
        for source in sources:
            prepared = source.pairs.prepared(driven.surface.everywhere, single=d == 3)
            everywhere = _bare(prepared.states)
            for third in source.thirds:
                part, size = _conventional(prepared, everywhere, driven, third, d, memory, tolerance)
                found[0] += part
                strength = max(strength, size)
            if source.correlation is not None:
                gaussian.append((prepared, source.correlation, everywhere))
        if gaussian:
            found[1] += _gaussian(model, gaussian, driven, d)
    return SkewResponse(found, strength)


def _driven(sample: Sample, normal, thermal) -> Iterator[_Driven]:
    for surface in sample.surfaces():
        g = surface.of(normal)
        everywhere = np.stack([sample.everywhere(g[:, f]) for f in range(g.shape[1])], axis=1)
        yield _Driven(surface, g, everywhere, surface.of(thermal)[0])


def _bare(states: States) -> States:
    """Without derivatives: amplitudes do not take them."""
    return replace(states, covariant=states.covariant[:, :0])


def _conventional(
    pairs: ScalarPairs, states: States, driven: _Driven, third: Third, d: int, memory: float, tolerance: float
) -> tuple[np.ndarray, float]:
    """The part of one third moment, (R, d), and the size of ``pi M``."""
    members, count = states.vectors.shape[1], driven.surface.count
    root = np.repeat(np.sqrt(driven.surface.all_weights), members)
    g = np.repeat(driven.all_g, members, axis=0)  # (K m, F, R)
    block = partial(_block, pairs, states, third.potential, root)
    blocks = _slices(len(states), _COLUMNS, count)
    stored = states.vectors.itemsize * len(root) ** 2
    matrix = _whole(block, blocks, members, states.vectors.dtype) if _is_stored(stored, memory) else None
    apply = partial(_product, block, blocks, members) if matrix is None else matrix.__matmul__
    points = count * members
    basis = _range(apply, (len(root), points), states.vectors.dtype, memory, _RANGE * tolerance)
    if basis is None:  # the rates from every point, in the mean over its images
        needed = stored * (1 + 3 * points / len(root))
        if matrix is None or needed > memory:
            raise _too_large(needed, memory, len(root))
        rates = (matrix[:points] * (matrix[:points] @ matrix).conj()).imag * (len(root) / points)
        scattered = (rates @ g[:, :, :d].reshape(len(g), -1).astype(rates.dtype)).reshape(points, -1, d)
        found = np.einsum("kfa,f,kfb->ab", g[:points], driven.thermal, scattered, optimize=True)
        return -((2 * np.pi) ** 2) * third.factor * found, np.pi * _norm(matrix)
    core = basis.conj().T @ apply(basis)
    found = np.zeros((g.shape[2], d))
    for f, thermal in enumerate(driven.thermal):
        each = np.stack([basis.conj().T @ (g[:, f, a, None] * basis) for a in range(g.shape[2])])
        left, right = each @ core, each[:d] @ (core @ core)
        found += thermal * np.einsum("aij,bji->ab", left, right).imag
    return -((2 * np.pi) ** 2) * third.factor * found, np.pi * _norm(core)


def _is_stored(size: float, memory: float) -> bool:
    return size < _STORED * memory


def bytes_of_potential(states: float, itemsize: int, memory: float) -> float:
    """Of M of a third moment between so many states, their members counted; 0 where it is not stored."""
    size = itemsize * float(states) ** 2
    return size if _is_stored(size, memory) else 0.0


def _norm(hermitian) -> float:
    """The largest eigenvalue, in size."""
    if len(hermitian) <= _RANK:
        return float(np.abs(np.linalg.eigvalsh(hermitian)).max())
    start = np.random.default_rng(0).standard_normal(len(hermitian))
    return float(np.abs(eigsh(hermitian, 1, v0=start.astype(hermitian.dtype), return_eigenvectors=False, tol=1e-3)[0]))


def _block(pairs: ScalarPairs, states: States, potential, root, rows: slice, columns: slice) -> np.ndarray:
    """``w^(1/2) V w^(1/2)`` between two sets of states, their members one after the other."""
    amplitude, q = pairs.amplitudes(states[columns], states[rows])  # (Q, m, P, m)
    amplitude *= potential(q)[:, None, :, None].astype(q.dtype)
    p, members = amplitude.shape[2:]
    there, here = (root[part.start * members : part.stop * members].astype(q.dtype) for part in (columns, rows))
    return amplitude.reshape(-1, p * members).T * here[:, None] * there


def _whole(block, blocks: list[slice], members: int, dtype) -> np.ndarray:
    """All of M from the blocks on and above the diagonal."""
    size = blocks[-1].stop * members
    matrix = np.empty((size, size), dtype=dtype)

    def fill(i):
        rows = slice(blocks[i].start * members, blocks[i].stop * members)
        for part in blocks[i:]:
            columns = slice(part.start * members, part.stop * members)
            matrix[rows, columns] = block(blocks[i], part)
            matrix[columns, rows] = matrix[rows, columns].conj().T

    by_threads(fill, range(len(blocks)))
    return matrix


def _product(block, blocks: list[slice], members: int, x) -> np.ndarray:
    """M x for columns x (K m, r), without M."""

    def rows(part):
        return sum(block(part, other) @ x[other.start * members : other.stop * members] for other in blocks)

    return np.concatenate(by_threads(rows, blocks))


def _too_large(needed: float, memory: float, states: int) -> TooLarge:
    return TooLarge(
        f"memory = {memory / 1e9:.3g} GB is too little: conventional skew scattering of {states} states needs "
        f"{needed / 1e9:.3g} GB; raise memory"
    )


def _range(apply, sizes: tuple[int, int], dtype, memory: float, tolerance: float) -> np.ndarray | None:
    """Orthonormal columns (size, r) that span the range of a Hermitian matrix known by its products; None where r is no
    small part of the second of `sizes` (Halko, Martinsson and Tropp, SIAM Rev. 53, 217 (2011))."""
    random, (size, most) = np.random.default_rng(0), sizes
    basis = np.zeros((size, 0), dtype=dtype)  # one precision in all products, or the whole matrix is converted
    first = int(np.clip(size // 64, _RANK, _LARGEST_RANK))
    while 2 * (columns := max(first, basis.shape[1])) < most:
        if 64.0 * size * columns > memory:
            raise _too_large(64.0 * size * columns, memory, size)
        image = apply(random.standard_normal((size, columns)).astype(dtype))
        outside = image
        for _ in range(2):  # twice is enough
            outside = outside - basis @ (basis.conj().T @ outside)
        if np.linalg.norm(outside) <= tolerance * np.linalg.norm(image):
            return basis
        basis = np.hstack([basis, np.linalg.qr(outside)[0]])
    return None


def _gaussian(model, sources: Sequence[tuple[ScalarPairs, Callable, States]], driven: _Driven, d: int) -> np.ndarray:
    """The part of fourth order, (R, d); of each source its pairs, its correlation, and the states that it scatters
    into.

    What all sources mix into the bands is summed first: two events by different ones are in the square of it.
    """
    surface, (_, functions, responses) = driven.surface, driven.g.shape
    weights = np.repeat(surface.all_weights[:, None], 1 + functions * responses, axis=1)
    weights[:, 1:] *= driven.all_g.reshape(len(weights), -1)

    def rows(part):
        points = surface.own[part]
        bands, energies, own = _all_bands(model, points)
        p, m = own.shape
        place, there = np.arange(p)[:, None], own >= 0
        sums = np.zeros((weights.shape[1], p * m * energies.shape[1]), dtype=complex)
        for pairs, correlation, everywhere in sources:
            final = pairs.prepared(bands, single=d == 3).states
            for columns in _slices(len(everywhere), _COLUMNS, surface.count):
                amplitude, q = pairs.amplitudes(everywhere[columns], final)  # (Q, mj, P, N)
                among = amplitude[:, :, place, own] * there  # (Q, mj, P, m)
                product = np.einsum("qjpn,qjpi,qp->qpin", amplitude, among.conj(), correlation(q), optimize=True)
                sums += weights[columns].T @ product.reshape(len(q), -1)
        sums = sums.reshape(-1, p, m, energies.shape[1])
        g = driven.g[part].reshape(p, -1).T[:, :, None, None]
        mixed = (sums[1:] - g * sums[0]).reshape(functions, responses, p, m, -1)
        gap = points.energy[:, None] - energies
        other = np.ones(gap.shape, dtype=bool)
        np.put_along_axis(other, np.where(there, own, own[:, :1]), False, axis=1)
        inverse = np.where(other, 1 / np.where(other, gap, 1.0), 0.0) * surface.weight[part, None]
        return np.einsum(
            "f,fapin,fbpin,pn->ab", driven.thermal, mixed.conj(), mixed[:, :d], inverse, optimize=True
        ).imag

    return -((2 * np.pi) ** 2) * sum(by_threads(rows, _slices(surface.count, _ROWS)))


def _all_bands(model, points: States) -> tuple[States, np.ndarray, np.ndarray]:
    """All bands at the k of P states as members of one group, their energies (P, N), and which of them the members of
    the states are, (P, m), -1 for none."""
    energies, vectors = np.linalg.eigh(model.hamiltonian(points.k))
    rows = np.swapaxes(vectors, 1, 2)
    overlap = (np.abs(np.matmul(points.vectors.conj(), vectors)) ** 2).sum(axis=1)
    inside = overlap > 0.5
    m = points.vectors.shape[1]
    order = np.argsort(~inside, axis=1, kind="stable")[:, :m]
    own = np.where(np.take_along_axis(inside, order, axis=1), order, -1)
    covariant = np.zeros((len(rows), 0, *rows.shape[1:]), dtype=rows.dtype)
    return replace(points, vectors=rows, covariant=covariant), energies, own


def _slices(count: int, most: int, period: int | None = None) -> list[slice]:
    """Parts of a range of nearly one size, none of which lies across a multiple of `period`."""
    period = period or count
    bounds = np.linspace(0, period, -(-period // most) + 1).astype(int)
    return [slice(int(a) + i, int(b) + i) for i in range(0, count, period) for a, b in pairwise(bounds)]
