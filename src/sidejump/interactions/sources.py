"""Where pairs of states get their rates: model scatterers here, first-principles coupling in `first_principles`.

A source gives, for a block of pairs, one or more *channels*: a strength, a shift and the variable z that its kernel
depends on.  For model scatterers z is |q| and all branches with one vertex matrix share a channel; with
first-principles phonons every mode is a channel and z its energy.
"""

from __future__ import annotations

import abc
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np

from ..bands.vertex import vertex_matrix
from .base import Branch, Scatterer
from .polar import Patches, averaged_over_patch, mean_speed, transfer_square
from .scalar_potential import final_vectors, initial_kets
from .vertex import products, state_kets

if TYPE_CHECKING:
    from ..bands.momentum import MomentumTransfer
    from ..bands.states import States


@dataclass(frozen=True)
class Channel:
    """Pairs of P row states and Q column states.

    Attributes
    ----------
    strength : (P, Q)
        ``|V|^2`` without the factor of the kernel.
    shift : (d, P, Q)
        ``- Im V* D_a V``, antisymmetric under exchange.
    z : (P, Q)
        What the kernel depends on.

    Notes
    -----
    Of degenerate states strength and shift are means over the members of both groups; the weights of the shell count
    the members.
    """

    strength: np.ndarray
    shift: np.ndarray
    z: np.ndarray


@dataclass(frozen=True)
class Load:
    """What the vertices take.

    Attributes
    ----------
    bytes_per_state : float
        Held for each state.
    flops_per_pair : float
        Floating-point operations for each pair of states.
    most_bytes : float
        Beyond so many for all states nothing is held.
    work_bytes : float
        What one thread works with while it computes a block of pairs.
    """

    bytes_per_state: float
    flops_per_pair: float
    most_bytes: float = np.inf
    work_bytes: float = 0.0

    def held(self, states: float) -> float:
        """Bytes for so many states."""
        needed = states * self.bytes_per_state
        return needed if needed <= self.most_bytes else 0.0


class CrossedPairs(Protocol):
    """Pairs between two sets of states."""

    def evaluate(self, rows: slice, columns: slice, z_cut: float) -> list[Channel]:
        """As :meth:`PairSource.evaluate`: rows of the initial, columns of the final states."""


class PairSource(abc.ABC):
    """Rates of one kind of scatterer.

    Attributes
    ----------
    branches : tuple of Branch
        Coupling and phonon energy as functions of z.
    singular : bool
        Whether the coupling diverges at z = 0.
    channels : int
        Channels per pair.
    seconds_per_pair : float
        On one core, for estimates.
    expensive : bool
        Whether a block of pairs takes longer to compute than to read from a disk.
    observes : bool
        Whether shifts have a component for each row of ``States.covariant``, those of own observables included.
    """

    branches: tuple[Branch, ...]
    singular: bool = False
    channels: int = 1
    seconds_per_pair: float = 4e-8
    expensive: bool = False
    observes: bool = False

    patches: Patches | None = None

    @abc.abstractmethod
    def prepare(self, states: States, *, single: bool = False) -> None:
        """What is needed once for all pairs of these (ordered) states; `single`: single precision is enough."""

    def prepared(self, states: States, *, single: bool = False, patches: Patches | None = None) -> Self:
        """A copy for these states: every shell has its own; `patches`: what they stand for, where that is known."""
        other = copy(self)
        other.patches = patches
        other.prepare(states, single=single)
        return other

    def warnings(self) -> list[str]:
        """Sentences about what has no strength, for the result."""
        return []

    def exact(self) -> PairSource:
        """The same without whatever is approximate in it: for few states, to check symmetries with."""
        return self

    @abc.abstractmethod
    def load(self, states: States) -> Load:
        """What vertices between states such as these take; a few thousand are enough to tell."""

    @abc.abstractmethod
    def evaluate(self, rows: slice, columns: slice, z_cut: float) -> list[Channel]:
        """Channels of the pairs of two slices of the prepared states; those wholly beyond `z_cut` are left out."""

    @abc.abstractmethod
    def crossed(
        self, initial: States, final: States, *, single: bool = False, known: Self | None = None
    ) -> CrossedPairs:
        """Pairs of two sets of states.

        `known`: this source already prepared for the final states.
        """

    @abc.abstractmethod
    def z_max(self, q_max: float) -> float:
        """Largest z for momentum transfers up to `q_max`."""

    def z_min(self, q: float) -> float:
        """z at a short momentum transfer q, below which nothing is resolved."""
        return self.z_max(q)

    def threshold(self) -> float | None:
        """Energy (eV) of optical phonons, at which emission starts; None if there is no such energy."""
        energies = [np.asarray(b.phonon_energy(_SAMPLE)) for b in self.branches if b.phonon_energy is not None]
        flat = [float(e.max()) for e in energies if np.ptp(e) < _FLAT * e.max()]
        return max(flat, default=None)

    @abc.abstractmethod
    def q_cut(self, z_cut: float) -> float:
        """A momentum transfer beyond which every z exceeds `z_cut`."""


_SAMPLE, _FLAT = np.array([0.02, 0.05, 0.1]), 0.2  # 1/angstrom; relative change of an optical energy over these


_LONGER = 4.0  # time of a pair with the longer vectors of a position matrix over one without, measured on iron


class ScalarPairs(PairSource):
    """Model scatterers that share a constant vertex matrix W: ``V = V0(q) u'^+ W u``.

    In a basis with a position matrix W has a term of the first order in q (:mod:`.scalar_potential`).
    """

    def __init__(self, matrix: np.ndarray, scatterers: Sequence[Scatterer], model, momentum: MomentumTransfer):
        self.matrix, self.observes = matrix, True
        self.branches = tuple(b for s in scatterers for b in s.branches)
        self.singular = any(s.singular for s in scatterers)
        self.momentum = momentum
        self._sites = np.asarray(model.site_positions)
        self._single = False
        self._phases = bool(np.ptp(self._sites, axis=0).max() > 1e-9) and len(momentum.images) > 1
        self._model = model
        self._positioned = model.position_matrix(np.zeros((1, model.dimension))) is not None
        if self._positioned:
            self.seconds_per_pair *= _LONGER

    def prepare(self, states, *, single=False):
        self._single = single
        precision = np.complex64 if single else np.complex128
        self.matrix = self.matrix.astype(precision)
        self._unit = np.array_equal(self.matrix, np.eye(len(self.matrix)))
        if self._positioned:
            self.states = final_vectors(self._model, states, self.matrix, precision)
        else:
            self.states = replace(
                states, vectors=states.vectors.astype(precision), covariant=states.covariant.astype(precision)
            )

    def load(self, states):
        _, members, orbitals = states.vectors.shape
        d = states.covariant.shape[1]
        item = 8 if d == 3 else 16  # three dimensions are done in single precision
        length = orbitals * (2 + 2 * d if self._positioned else 1)
        return Load(item * (1 + d) * members * length, 8.0 * (1 + 2 * d) * members**2 * length)

    def z_max(self, q_max):
        return q_max

    def q_cut(self, z_cut):
        return z_cut

    def evaluate(self, rows, columns, z_cut):
        found = self.between(self.states[rows], self.states[columns], z_cut)
        if self.patches is None:
            return found
        return [replace(c, z=self._over_patches(c.z, self.patches[rows], self.patches[columns])) for c in found]

    def _over_patches(self, z, initial: Patches, final: Patches):
        return z

    def _z(self, a: States, b: States, q):
        """Variable of the kernel at momentum transfers of length q (P, Q)."""
        return q

    def crossed(self, initial, final, *, single=False, known=None):
        return CrossedScalarPairs(self.prepared(initial, single=single), known or self.prepared(final, single=single))

    def between(self, a: States, b: States, z_cut: float) -> list[Channel]:
        """Channels of the pairs of two sets of prepared states."""
        images = self.momentum.nearby_images(a.k, b.k, z_cut)
        if len(images) == 0:
            return []
        q = self.momentum.lengths(a.k, b.k, images, single=self._single)
        if q.min() > z_cut:
            return []
        strength, shift = self._vertex(a, b, images)
        mean, z = mean_over_members(a, b), self._z(a, b, q)
        return [Channel(strength, shift, z) if mean is None else Channel(strength * mean, shift * mean, z)]

    def _vertex(self, a, b, images):
        if not self._phases and not (self._positioned and len(images) > 1):
            return self._one_image(a, b, images[0])
        which = self.momentum.shortest_image(a.k, b.k, images)
        strength = np.zeros(which.shape, dtype=b.vectors.real.dtype)
        shift = np.zeros((a.covariant.shape[1], *which.shape), dtype=strength.dtype)
        for index, g in enumerate(images):
            here = which == index
            some, others = here.any(axis=1), here.any(axis=0)
            if not some.any():
                continue
            rows, columns = _spanned(some), _spanned(others)
            here = here[rows, columns]
            s, r = self._one_image(a[rows], b[columns], g)
            np.copyto(strength[rows, columns], s, where=here)
            np.copyto(shift[:, rows, columns], r, where=here)
        return strength, shift

    def amplitudes(self, a: States, b: States) -> tuple[np.ndarray, np.ndarray]:
        """``<u_b|W|u_a>`` between all members of two sets of prepared states, (P, m, Q, m'), and |q|, (P, Q).

        Unlike strengths and shifts they have the phases of the eigenvectors: what is made of them has to close.
        """
        images = self.momentum.nearby_images(a.k, b.k, np.inf)
        q = self.momentum.lengths(a.k, b.k, images)
        if not self._phases and not (self._positioned and len(images) > 1):
            return self._amplitude(a, b, images[0]), q
        which = self.momentum.shortest_image(a.k, b.k, images)
        found = np.zeros((len(a), a.vectors.shape[1], len(b), b.vectors.shape[1]), dtype=b.vectors.dtype)
        for index, g in enumerate(images):
            here = which == index
            if here.any():
                np.copyto(found, self._amplitude(a, b, g), where=here[:, None, :, None])
        return found, q

    def _amplitude(self, a, b, g):
        kets, b = self._between(a, b, g)
        bras = np.conj(b.vectors.reshape(-1, b.vectors.shape[-1])).T
        return (kets[0].reshape(-1, kets.shape[-1]) @ bras).reshape(*kets.shape[1:3], *b.vectors.shape[:2])

    def _one_image(self, a, b, g):
        """Vertices of pairs with the momentum transfer ``k' + g - k``."""
        kets, b = self._between(a, b, g)
        return products(kets, a, b)

    def _between(self, a, b, g):
        """What the initial states make of the vertex, (1 + d, P, m, L), and the final states to multiply it with."""
        kets = initial_kets(a, g, self.matrix) if self._positioned else state_kets(a)
        if self._phases and g.any():
            # u(k + G) = exp(-i G tau) u(k) of orbitals on different sites
            phase = np.exp(-1j * (self._sites @ g)).astype(kets.dtype)
            if not np.allclose(phase[:, None] * self.matrix, self.matrix * phase):
                return self._turned(a, b, g, phase)
            kets *= np.tile(phase.conj(), kets.shape[-1] // len(phase))
        if not self._positioned and not self._unit:
            kets = kets @ self.matrix.T
        return kets, b

    def _turned(self, a, b, g, phase):
        """The same where the vertex is between sites and does not commute with the phases."""
        n = len(phase)
        moved = replace(b, k=b.k + g, vectors=b.vectors[..., :n] * phase, covariant=b.covariant[..., :n] * phase)
        if not self._positioned:
            return state_kets(a, self.matrix), moved
        moved = final_vectors(self._model, moved, self.matrix, b.vectors.dtype)
        return initial_kets(a, np.zeros_like(g), self.matrix), moved


class PolarPairs(ScalarPairs):
    """Polar optical phonons: z is the momentum transfer of :mod:`.polar` at the phonons' energy.

    On a single shell, in the quasi-elastic theory, it is |q|.
    """

    _FARTHEST = 4.0  # q_max: there the coupling has fallen to nothing

    def __init__(self, matrix, scatterers, model, momentum):
        super().__init__(matrix, scatterers, model, momentum)
        self._one_shell = False
        energies = [float(b.phonon_energy(np.array([1e-6]))[0]) for b in self.branches if b.phonon_energy is not None]
        self._phonon = min(energies)

    def prepare(self, states, *, single=False):
        super().prepare(states, single=single)
        self._one_shell = bool(np.ptp(states.energy) < 1e-3 * self._phonon)

    def evaluate(self, rows, columns, z_cut):
        if self.patches is not None and self.patches[rows].across(self.patches[columns]):
            plain = copy(self)
            plain._one_shell = True  # nothing diverges there
            return plain.between(self.states[rows], self.states[columns], z_cut)
        return super().evaluate(rows, columns, z_cut)

    def z_max(self, q_max):
        return self._FARTHEST * q_max

    def z_min(self, q):
        return q

    def _z(self, a, b, q):
        if self._one_shell:
            return q
        speed, final_speed = (np.linalg.norm(x.velocity, axis=1) for x in (a, b))
        speed = mean_speed(a.energy, b.energy, speed, final_speed, None, None)
        return np.sqrt(transfer_square(q.astype(float) ** 2, a.energy, b.energy, speed, self._phonon))

    def _over_patches(self, z, initial, final):
        if self._one_shell:
            return z
        return np.sqrt(averaged_over_patch(z**2, initial, final, self.states.k.shape[1]))


@dataclass(frozen=True)
class CrossedScalarPairs:
    """See :class:`CrossedPairs`: the same scatterers prepared for either set."""

    initial: ScalarPairs
    final: ScalarPairs

    def evaluate(self, rows: slice, columns: slice, z_cut: float) -> list[Channel]:
        """As in :class:`CrossedPairs`."""
        return self.initial.between(self.initial.states[rows], self.final.states[columns], z_cut)


def _spanned(some) -> slice:
    """From the first to the last that is true."""
    places = np.flatnonzero(some)
    return slice(int(places[0]), int(places[-1]) + 1)


def mean_over_members(a: States, b: States) -> np.ndarray | None:
    """What makes sums over the members of two groups their means, (P, Q); None where no state is degenerate."""
    if a.vectors.shape[1] == 1 and b.vectors.shape[1] == 1:
        return None
    return (1 / np.outer(a.multiplicity, b.multiplicity)).astype(a.vectors.real.dtype)


def pair_sources(scatterers, model, momentum) -> list[PairSource]:
    """One source for each vertex matrix, and one for each scatterer that brings its own."""
    sources: list[PairSource] = [s.source(model) for s in scatterers if not isinstance(s, Scatterer)]
    groups: list[tuple[np.ndarray, list[Scatterer]]] = []
    for scatterer in scatterers:
        if not isinstance(scatterer, Scatterer):
            continue
        matrix = vertex_matrix(scatterer.vertex, model)
        if scatterer.singular and all(b.phonon_energy is not None for b in scatterer.branches):
            sources.append(PolarPairs(matrix, [scatterer], model, momentum))
            continue
        for known, members in groups:
            if np.array_equal(known, matrix):
                members.append(scatterer)
                break
        else:
            groups.append((matrix, [scatterer]))
    return sources + [ScalarPairs(matrix, members, model, momentum) for matrix, members in groups]
