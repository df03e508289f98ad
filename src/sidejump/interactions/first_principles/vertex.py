"""Strength and shift of all pairs of states, phonon mode by phonon mode.

    V_nu = sum_c e_c,nu(q) sqrt(hbar^2 / 2 M_c omega_nu) V_c,     q = k' - k,

strength ``sum |V_nu|^2`` over the members of two groups of degenerate states, shift ``- Im sum V_nu* D_a V_nu``
(theory, section 2).  The phonon factor depends on q alone, and the derivative D_a = d/dk + d/dk' is taken at fixed q.

With V_c = sum_j b_j(l')* k_j(l) (`cluster`, `factors`) a block of A x B pairs is 1 + d matrix products
for each displacement: b against k, and (b, D_a b) against (D_a k, k), shortened by what neighbouring states have in
common (`products`).  Real and imaginary parts are separate planes of pairs, so that all that follows is real
arithmetic.  The long-range part of polar crystals is a number L_c(q) times the overlap u'^+ u in the lattice gauge:
one more set of products with b = k = u.

Small q: strength and shift stay finite, |V|^2 / omega with |V| ~ q; a coupling that does not vanish at q = 0 (files
whose rigid-shift coupling is not zero) grows as 1/q, which the surface integral bears.  Pairs of one k, where
omega = 0, have no strength.

Not covered: vertices between states of different data sets; quadrupoles.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from ...threads import by_threads
from ...units import HBAR2_OVER_2M
from ...wannier.container import SOFT
from ...wannier.planar import in_space
from ..vertex import group_matrices
from .cluster import ClusterCoupling, group_vectors
from .dipole import DipoleSums, DipoleWaves
from .factors import Factors, low_rank_factors
from .modes import PhononPairs
from .products import Patterns, amplitudes, final_side, find_patterns, initial_side
from .sum_rule import RigidShift

MEMORY = 2e9
"""Bytes up to which the factors of all states of a shell are held."""

TOLERANCE = 3e-4
"""Relative rms error of the vertex that the low-rank form may have."""


@dataclass(frozen=True)
class BlockSizes:
    """How the work is cut: of cost and memory alone, no result depends on it.

    Attributes
    ----------
    states : int
        At most so many states have their patterns looked for together.
    sides : float
        Bytes of one side of the products.
    plane : int
        Pairs worked on at a time: planes in the cache, few calls.
    """

    states: int = 512
    sides: float = 2e8
    plane: int = 32768


BLOCK_SIZES = BlockSizes()
"""Measured to be fast on machines of today."""


@dataclass(frozen=True)
class Cost:
    """What the vertices of some pairs take.

    Attributes
    ----------
    states, pairs : int
    flops_per_pair, flops : float
        Matrix products only (a complex multiplication with addition counts 8); `flops` includes the factors.
    bytes : float
        Memory of the factors of all states.
    """

    states: int
    pairs: int
    flops_per_pair: float
    flops: float
    bytes: float


class PairVertices:
    """Vertices between any two of the given states.

    Parameters
    ----------
    data : ElectronPhonon
    states : States
        In the gauge of ``data.model``.
    images : {"hermitian", "file"}
        See `images`; only the first obeys detailed balance off the coarse mesh.
    memory : float
        Bytes that the factors of the states may take; beyond it they are computed for each block anew.
    dtype : numpy dtype
        complex64 (results float32) or complex128 (float64).
    tolerance : float
        Relative rms error of the low-rank form; 0: nothing dropped.
    factors : Factors, optional
        Those of earlier states of the same data near the same energy, to save their making.
    rigid_shift : RigidShift, optional
        Imposes the acoustic sum rule on the coupling.
    sizes : BlockSizes
        How the work is cut.

    Attributes
    ----------
    factors : Factors
    excluded : int
        Imaginary modes that were given no strength so far, each pair counted.
    """

    def __init__(
        self,
        data,
        states,
        *,
        images: str = "hermitian",
        memory: float = MEMORY,
        dtype=np.complex64,
        tolerance: float = TOLERANCE,
        factors: Factors | None = None,
        rigid_shift: RigidShift | None = None,
        sizes: BlockSizes = BLOCK_SIZES,
    ):
        self.states, self.dtype, self._sizes = states, np.dtype(dtype), sizes
        self._real = np.dtype(np.float32 if self.dtype == np.complex64 else np.float64)
        self._k = in_space(states.k)
        self._vectors = group_vectors(states, data.electrons.site_positions[:, : states.k.shape[1]])
        self._amplitude = np.repeat(np.sqrt(HBAR2_OVER_2M / np.asarray(data.phonons.masses)), 3)
        if factors is None:
            cluster = ClusterCoupling(data.coupling_matrix(images), data.phonons.masses)
            factors = low_rank_factors(cluster, data.electrons.cell, self._vectors, tolerance=tolerance)
        self.factors, self._rigid_shift = factors, rigid_shift
        self.phonons = PhononPairs(data.phonons, self._real)
        part = data.long_range
        same = part is not None and self.phonons.dipole is not None and part.same_sum(self.phonons.dipole.part)
        self._long_range = None if part is None else self.phonons.dipole if same else DipoleSums(part)
        self.directions = states.covariant.shape[1]
        self.excluded = 0
        self._lock = threading.Lock()
        self._kept: dict[tuple, list[Patterns]] = {}
        # sides of the products: (re, im) x (2 r + d 4 r) reals for each state and displacement
        width = (2 + 4 * self.directions) * sum(self.factors.ranks) * self._vectors_per_state
        self._states = min(sizes.states, max(16, int(sizes.sides / (2 * self._real.itemsize * width))))
        self._stored = self._all_factors() if self.cost().bytes <= memory else None
        self._rigid = None if rigid_shift is None else self._all_rigid(rigid_shift)

    # --- factors of states --------------------------------------------------------------------------------------

    def _all_factors(self):
        """b and (unless it is b up to signs) k of all vectors, each a list of (1 + d, V, r_c)."""
        count, sides = len(self._vectors), 1 if self.factors.hermitian else 2
        shape = (1 + self.directions, count)
        store = [[np.empty((*shape, r), dtype=self.dtype) for r in self.factors.ranks] for _ in range(sides)]
        cells = max(len(self.factors.cluster.ket_cells), len(self.factors.cluster.bra_cells))
        step = max(1, int(1e8 / (16 * shape[0] * cells * self.factors.cluster.orbitals)))

        def work(start):
            part = slice(start, start + step)
            for side, kept in enumerate(store):
                find = self.factors.ket if side else self.factors.bra
                for whole, piece in zip(kept, find(self._vectors, part, self.dtype), strict=True):
                    whole[:, part] = piece

        by_threads(work, range(0, count, step))
        return store

    def _all_rigid(self, rigid_shift: RigidShift):
        """What the sum rule takes out, as vectors of all states: (3, 1 + d, V, N)."""
        count, step = len(self._vectors), self._sizes.states

        def work(start):
            return rigid_shift.vectors(self._vectors, slice(start, min(start + step, count)), self.dtype)

        return np.concatenate(by_threads(work, range(0, count, step)), axis=2)

    def _rigid_sides(self, part: slice):
        """For each direction of the shift ``[u, C u]`` and its derivatives, (1 + d, n, 2 N)."""
        if self._rigid is None:
            return []
        plain = self._vectors.values[part].swapaxes(0, 1).astype(self.dtype)
        return [np.concatenate([plain, x], axis=-1) for x in self._rigid[:, :, part]]

    def _bra(self, part: slice):
        if self._stored is None:
            return self.factors.bra(self._vectors, part, self.dtype)
        return [whole[:, part] for whole in self._stored[0]]

    def _ket(self, part: slice):
        if self._stored is None:
            return self.factors.ket(self._vectors, part, self.dtype)
        if self.factors.signs is not None:
            return [b * s.astype(self._real) for b, s in zip(self._bra(part), self.factors.signs, strict=True)]
        return [whole[:, part] for whole in self._stored[1]]

    def _turned_kets(self, part: slice, onto: list[Patterns]):
        """Derivatives of k as `onto` projects them, for each displacement (d, n, rho)."""
        signs = self.factors.signs
        if self._stored is None or signs is None or any(p.patterns is None for p in onto):
            return [p.project(k[1:]) for p, k in zip(onto, self._ket(part), strict=True)]
        # the signs of k go to the patterns, which are fewer numbers
        signed = (p.scaled(s.astype(self._real)) for p, s in zip(onto, signs, strict=True))
        return [p.project(b[1:]) for p, b in zip(signed, self._bra(part), strict=True)]

    def _overlap(self, part: slice):
        """b = k = u: the long-range part is a number times the overlap in the lattice gauge."""
        if self._long_range is None:
            return []
        return [self._vectors.values[part].swapaxes(0, 1).astype(self.dtype)]

    # --- blocks of pairs ----------------------------------------------------------------------------------------

    def block(self, rows: slice, columns: slice, *, other: PairVertices | None = None, matrices: bool = False):
        """All pairs of two slices of the states, scattering from the row to the column state.

        Parameters
        ----------
        other : PairVertices, optional
            Of the states that the columns are, with the same factors; the same states when not given.
        matrices : bool
            Whether strength (modes, c, c, A, B) and shift (modes, 2, d, c, A, B) are those of
            :func:`..vertex.group_matrices`, for distributions that are matrices within groups.

        Returns
        -------
        strength : ndarray, shape (modes, A, B)
            ``sum |V_nu|^2``, eV^2, for one cell: sums over final states are averages over the zone.
        shift : ndarray, shape (modes, d, A, B)
            ``- Im sum V_nu* D_a V_nu``, eV^2 angstrom.
        omega : ndarray, shape (modes, A, B)
            eV, ascending, negative for imaginary modes.

        Notes
        -----
        Safe to call from several threads; matrix products and array operations release the interpreter's lock
        (limit BLAS to one thread then).
        """
        ends = self if other is None else other
        rows = slice(*rows.indices(len(self.states))[:2])
        columns = slice(*columns.indices(len(ends.states))[:2])
        shape = (rows.stop - rows.start, columns.stop - columns.start)
        modes = self.phonons.phonons.n_modes
        c = self.states.vectors.shape[1] ** 2
        result = [
            np.empty((modes, *x, *shape), dtype=self._real)
            for x in (((c, c), (2, self.directions, c)) if matrices else ((1 + self.directions,),))
        ]
        omega = np.empty((modes, *shape), dtype=self._real)
        for left in range(columns.start, columns.stop, self._states):
            final = slice(left, min(left + self._states, columns.stop))
            waves = self.phonons.final(ends._k[final])
            for top in range(rows.start, rows.stop, self._states):
                initial = slice(top, min(top + self._states, rows.stop))
                starting, ending = self._sides(initial, final, ends)
                height = max(1, self._sizes.plane // (final.stop - final.start))
                origin = self._vectors.of(initial).start
                for low in range(initial.start, initial.stop, height):
                    band = slice(low, min(low + height, initial.stop))
                    planes = amplitudes(starting, _moved(self._vectors.of(band), origin), ending)
                    here = (..., _moved(band, rows.start), _moved(final, columns.start))
                    *found, omega[here] = self._resolve(band, final, planes, waves, ends, matrices)
                    for whole, part in zip(result, found, strict=True):
                        whole[here] = part
        if matrices:
            return *result, omega
        return result[0][:, 0], result[0][:, 1:], omega

    def _patterns(self, states: slice, side: int) -> list[Patterns]:
        """Patterns of the values of b (side 0) or k (1) of a slice of states, kept for the next block."""
        part, factors = self._vectors.of(states), self.factors
        if side and factors.signs is not None:
            signs = [s.astype(self._real) for s in factors.signs]
            return [p.scaled(s) for p, s in zip(self._patterns(states, 0), signs, strict=True)]
        key = (states.start, states.stop, side)
        if key in self._kept:  # two threads may both find it missing and compute the same
            return self._kept[key]
        values = [x[0] for x in (self._ket(part) if side else self._bra(part))]
        weights = factors.weights or [None] * len(values)
        limit = 0.5 * factors.tolerance * factors.size
        found = [find_patterns(v, w, limit) for v, w in zip(values, weights, strict=True)]
        if self._stored is not None or all(p.patterns is not None for p in found):
            self._kept[key] = found
        return found

    def _sides(self, initial: slice, final: slice, ends: PairVertices):
        """Factors of the products: for each displacement those of `initial_side` and `final_side`."""
        a, b = self._vectors.of(initial), ends._vectors.of(final)
        starting, ending = [], []
        of_kets, of_bras = self._patterns(initial, 1), ends._patterns(final, 0)
        parts = (self._turned_kets(a, of_bras), ends._bra(b), of_kets, of_bras)
        for turned, bra, of_ket, of_bra in zip(*parts, strict=True):
            starting.append(initial_side(of_ket.projected_by(of_bra), turned, of_ket.coefficients))
            ending.append(final_side(of_bra.coefficients, of_ket.project(bra[1:])))
        for overlap, other in zip(self._overlap(a), ends._overlap(b), strict=True):
            starting.append(initial_side(overlap[0], overlap[1:], overlap[0]))
            ending.append(final_side(other[0], other[1:]))
        # u'^+ (C u) + (C' u')^+ u, with the same halves crossed on one side
        for right, other in zip(self._rigid_sides(a), ends._rigid_sides(b), strict=True):
            crossed = np.roll(right, right.shape[-1] // 2, axis=-1)
            starting.append(initial_side(crossed[0], crossed[1:], crossed[0]))
            ending.append(final_side(other[0], other[1:]))
        return starting, ending

    def _resolve(self, band: slice, final: slice, planes, waves, ends: PairVertices, matrices: bool):
        """Strength and shift (modes, 1 + d, A, B), or both as :meth:`block` has them for matrices, and omega
        (modes, A, B) from amplitudes (1 + d, C, 2, nA, nB)."""
        k, other = self._k[band], ends._k[final]

        @cache
        def dipole(sums: DipoleSums) -> DipoleWaves:
            return sums.at((other - k[:, None]).reshape(-1, k.shape[1]))

        modes = self.phonons.solve(self.phonons.initial(k), waves, lambda: dipole(self.phonons.dipole))
        if modes.excluded:
            with self._lock:
                self.excluded += modes.excluded
        shape = (len(k), len(other))
        sets = ((self._vectors.first, band), (ends._vectors.first, final))
        first = [every[part.start : part.stop + 1] - every[part.start] for every, part in sets]
        single = planes.shape[-2:] == shape
        owner = None
        if not single:
            a, b = (np.repeat(np.arange(len(f) - 1), np.diff(f)) for f in first)
            owner = (a[:, None] * shape[1] + b).ravel()
        flat = planes.reshape(*planes.shape[:-2], -1)
        if self._rigid_shift is not None:
            flat = self._without_rigid_shift(flat, self._rigid_shift.range(k, other).ravel(), owner)
        if self._long_range is not None:
            flat = self._with_long_range(flat, dipole(self._long_range), owner)
        each = modes if single else modes.take(owner)
        if matrices:
            values = each.amplitudes(flat).reshape(len(flat), -1, *planes.shape[-2:])
            members = [
                _padded(vectors.first[part.start : part.stop + 1] - vectors.first[part.start], states)
                for vectors, part, states in (
                    (self._vectors, band, self.states),
                    (ends._vectors, final, ends.states),
                )
            ]
            found = self._matrices(values, *members)
            energies = modes.per_energy.reshape(-1, *shape)
            return *(x * _after_first(energies, x) for x in found), modes.omega.reshape(-1, *shape)
        parts = each.of_each_mode(flat)
        if not single:  # sum over the members of both groups
            parts = parts.reshape(*parts.shape[:2], *planes.shape[-2:])
            parts = np.add.reduceat(np.add.reduceat(parts, first[0][:-1], axis=2), first[1][:-1], axis=3)
        parts = parts.reshape(*parts.shape[:2], -1)
        parts *= modes.per_energy[:, None]
        return parts.reshape(*parts.shape[:2], *shape), modes.omega.reshape(-1, *shape)

    def _matrices(self, values, rows, columns):
        """Strength and shift of each mode (times omega), from amplitudes (1 + d, modes, vectors, vectors); `rows` and
        `columns` (A, m): which vectors are the members, -1 where there is none."""
        values = values[:, :, rows[:, :, None, None], columns]  # (1 + d, modes, A, m, B, m')
        values = values * ((rows >= 0)[:, :, None, None] & (columns >= 0))
        elements = values.transpose(1, 0, 2, 4, 5, 3)
        strength, shift = zip(*(group_matrices(x[0], x[1:]) for x in elements), strict=True)
        return np.stack(strength), np.stack(shift)

    def _with_long_range(self, planes, waves: DipoleWaves, owner):
        """Amplitudes (1 + d, C, 2, P) with L_c(q) times the overlap, the last of `planes` (1 + d, C + 1, 2, P)."""
        number = (waves.vertex() * self._amplitude).T  # (C, pairs)
        if owner is not None:
            number = number[:, owner]
        re, im = number.real.astype(self._real), number.imag.astype(self._real)
        total, overlap = planes[:, :-1].copy(), planes[:, -1:]
        total[:, :, 0] += re * overlap[:, :, 0] - im * overlap[:, :, 1]
        total[:, :, 1] += re * overlap[:, :, 1] + im * overlap[:, :, 0]
        return total

    def _without_rigid_shift(self, planes, reach, owner):
        """Amplitudes (1 + d, C, 2, P) with the sum rule imposed; the last three of `planes` hold what that takes."""
        assert self._rigid_shift is not None
        rest, shift = planes[:, :-3], planes[:, -3:]
        reach = 0.5 * reach.astype(self._real)
        shift = shift * (reach if owner is None else reach[owner])
        share = self._rigid_shift.share.astype(self._real)
        for c, s in enumerate(share):  # in place: the amplitudes are this block's own
            rest[:, c] -= s * shift[:, c % 3]
        return rest

    # --- reports and cost ---------------------------------------------------------------------------------

    def warnings(self) -> list[str]:
        """What was left out of the blocks so far, in sentences."""
        if not self.excluded:
            return []
        return [
            f"{self.excluded} phonon modes of the pairs of states are imaginary (beyond {1e3 * SOFT:.2g} meV) and were "
            "given no strength"
        ]

    @cached_property
    def _vectors_per_state(self) -> float:
        return len(self._vectors) / max(len(self.states), 1)

    @property
    def _extra_length(self) -> int:
        """Of the products for the long-range part and the sum rule."""
        return self.factors.cluster.orbitals * ((self._long_range is not None) + 6 * (self._rigid_shift is not None))

    def flops_per_pair(self) -> float:
        """Floating-point operations of the matrix products for one pair of states, but for what patterns save."""
        lengths = sum(self.factors.ranks) + self._extra_length
        products = 8.0 * (1 + 2 * self.directions) * lengths * self._vectors_per_state**2
        return products + self.phonons.flops

    @property
    def work_bytes(self) -> float:
        """What a block takes besides its result: phonon matrices and vectors, amplitudes and their copies."""
        modes = self.phonons.phonons.n_modes
        matrices = modes**2 * (1 if self.phonons.closed_form else 2) * 2 * (8 + self._real.itemsize)
        return float(self._sizes.plane * (matrices + 6 * (1 + self.directions) * modes * self._real.itemsize))

    def block_flops(self, rows: slice, columns: slice) -> float:
        """Operations of the matrix products of one block of at most 512 x 512 states, patterns included."""
        a, b = (len(range(*self._vectors.of(s).indices(len(self._vectors)))) for s in (rows, columns))
        d, pairs = self.directions, a * b
        total = pairs / self._vectors_per_state**2 * self.phonons.flops
        for ket, bra in zip(self._patterns(rows, 1), self._patterns(columns, 0), strict=True):
            n, m = ket.coefficients.shape[1], bra.coefficients.shape[1]
            total += 8.0 * pairs * (m + d * (n + m))
            if ket.patterns is not None:
                total += 8.0 * n * (d * b * ket.patterns.shape[1] + a * m)
            if bra.patterns is not None:
                total += 8.0 * m * (d * a + n) * bra.patterns.shape[1]
        return total + 8.0 * pairs * (1 + 2 * d) * self._extra_length

    def cost(self, pairs: int | None = None) -> Cost:
        """States, pairs, operations and memory; all unordered pairs when `pairs` is not given."""
        count = len(self.states)
        pairs = count * (count + 1) // 2 if pairs is None else int(pairs)
        sides = 1 if self.factors.hermitian else 2
        per_vector = self.dtype.itemsize * (1 + self.directions) * sum(self.factors.ranks) * sides
        if self._rigid_shift is not None:
            per_vector += self.dtype.itemsize * (1 + self.directions) * 3 * self.factors.cluster.orbitals
        flops = pairs * self.flops_per_pair() + len(self._vectors) * self.factors.flops_per_vector
        return Cost(count, pairs, self.flops_per_pair(), flops, float(len(self._vectors) * per_vector))


def _padded(first, states) -> np.ndarray:
    """Which vectors belong to each state, (A, m), from where these start (A + 1,); -1 where groups have no more."""
    member = np.arange(states.vectors.shape[1])
    return np.where(member < np.diff(first)[:, None], first[:-1, None] + member, -1)


def _after_first(values, like) -> np.ndarray:
    """Of each mode and pair, (modes, A, B), for arrays (modes, ..., A, B)."""
    return values.reshape(len(values), *(1,) * (like.ndim - 3), *values.shape[1:])


def _moved(part: slice, by: int) -> slice:
    return slice(part.start - by, part.stop - by)
