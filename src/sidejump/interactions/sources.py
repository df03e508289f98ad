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

from ..bands.lattice_operator import LatticeOperator
from ..bands.spin_sum import SpinSum
from ..bands.vertex import vertex_operator
from ..energy.basis import ABSORPTION, BOTH, EMISSION
from .base import Branch, Scatterer
from .polar import Patches, averaged_over_patch, mean_speed, transfer_square
from .scalar_potential import with_vertex
from .vertex import pair_amplitudes, pair_matrices, pair_vertex

if TYPE_CHECKING:
    from ..bands.momentum import MomentumTransfer
    from ..bands.states import States
    from ..groups.images import Images


@dataclass(frozen=True)
class Channel:
    """Pairs of P row states and Q column states.

    Attributes
    ----------
    strength : (P, Q)
        ``|V|^2`` without the factor of the kernel.
    shift : (d, P, Q)
        ``- Im V* D_a V``, antisymmetric under exchange; for each row of ``States.covariant`` where the source
        :attr:`~PairSource.observes`.
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
        Whether shifts have a component for each row of ``States.covariant``: along ``States.directions`` alone where
        there are some, and those of own observables included.  Elsewhere they are those along the d coordinates.
    matrices : bool
        Whether :meth:`group_matrices` is there.
    process : int
        `ABSORPTION` or `EMISSION` where the pairs do one of them alone, from rows to columns.  Two such sources belong
        together: the reverse events of one are the events of the other.
    """

    branches: tuple[Branch, ...]
    singular: bool = False
    channels: int = 1
    seconds_per_pair: float = 4e-8
    expensive: bool = False
    observes: bool = False
    matrices: bool = False
    process: int = BOTH

    patches: Patches | None = None
    turned: Images | None = None

    @abc.abstractmethod
    def prepare(self, states: States, *, single: bool = False) -> None:
        """What is needed once for all pairs of these (ordered) states; `single`: single precision is enough."""

    def prepared(
        self,
        states: States,
        *,
        single: bool = False,
        patches: Patches | None = None,
        turned: Images | None = None,
    ) -> Self:
        """A copy for these states: every shell has its own; `patches`: what they stand for, where that is known;
        `turned`: what makes those of the images of the first ones, where something does."""
        other = copy(self)
        other.patches, other.turned = patches, turned
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

    def group_matrices(self, rows: slice, columns: slice, z_cut: float) -> list[Channel]:
        """The same for distributions that are matrices in groups of degenerate states: not means, but with strength and
        shift of :func:`.vertex.pair_matrices`."""
        raise NotImplementedError

    def pairs_as(self, other: PairSource) -> bool:
        """Whether channels are those of another source of the same states, which differs in its branches alone."""
        return self is other

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

    def softest(self) -> float:
        """Lowest energy (eV) of the bosons; 0 where something is static, or acoustic."""
        energies = [np.asarray(b.phonon_energy(_WAVES)) for b in self.branches if b.phonon_energy is not None]
        static = len(energies) < len(self.branches)
        return 0.0 if static else min(float(e.min()) for e in energies)

    @abc.abstractmethod
    def q_cut(self, z_cut: float) -> float:
        """A momentum transfer beyond which every z exceeds `z_cut`."""


_WAVES = np.geomspace(1e-7, 1e2, 1001)  # 1/angstrom: among them those of all bosons
_SAMPLE, _FLAT = np.array([0.02, 0.05, 0.1]), 0.2  # 1/angstrom; relative change of an optical energy over these


_LONGER = 4.0  # time of a pair with the longer vectors of a position matrix over one without, measured on iron


class ScalarPairs(PairSource):
    """Model scatterers that share a vertex S: ``V = V0(q) <u'|(S exp(i q.r) + exp(i q.r) S) / 2|u>``.

    ``V0(q) u'^+ S u`` with a constant matrix S, unless it connects orbitals on different sites or the basis has a
    position matrix (:mod:`.scalar_potential`).
    """

    def __init__(
        self,
        operator: LatticeOperator | SpinSum,
        scatterers: Sequence[Scatterer],
        model,
        momentum: MomentumTransfer,
        process: int = BOTH,
    ):
        self.observes, self.matrices, self.process = True, True, process
        self.branches = tuple(b for s in scatterers for b in s.branches)
        self.singular = any(s.singular for s in scatterers)
        self.momentum = momentum
        self._sites = _sites(np.asarray(model.site_positions)) if len(momentum.images) > 1 else []
        self._single = False
        self._model = model
        self._positioned = model.position_matrix(np.zeros((1, model.dimension))) is not None
        self._operator, self._adjoint = operator, operator.adjoint
        if self._positioned:
            self.seconds_per_pair *= _LONGER

    @property
    def _applied(self) -> bool:
        return self._operator.between_sites

    def pairs_as(self, other):
        if not type(self) is type(other) is ScalarPairs or self._model is not other._model:
            return False  # what is averaged over patches knows the branches
        return self.process == other.process and self._operator.same(other._operator)

    def prepare(self, states, *, single=False):
        self._single = single
        precision = np.complex64 if single else np.complex128
        constant = self._operator.constant
        self._matrix = None if constant is None else constant.astype(precision)
        if self.turned is not None and self._positioned and self._operator.unit:
            points = states[slice(0, self.turned.count)]
            self.states = self.finals = self.turned.with_positions(
                with_vertex(self._model, points, self._operator, precision)
            )
        elif self._positioned or self._applied:
            self.states = self.finals = with_vertex(self._model, states, self._operator, precision)
            if self._adjoint is not self._operator:
                self.finals = with_vertex(self._model, states, self._adjoint, precision)
        else:
            self.states = self.finals = replace(
                states, vectors=states.vectors.astype(precision), covariant=states.covariant.astype(precision)
            )

    def load(self, states):
        _, members, orbitals = states.vectors.shape
        d = states.covariant.shape[1]
        item = 8 if d == 3 else 16  # three dimensions are done in single precision
        more = self._applied + d * self._positioned  # vectors of N orbitals after the first
        held = (1 + more) * (1 + (more > 0 and self._adjoint is not self._operator))
        multiplied = 2 * more + (not self._applied)
        return Load(item * (1 + d) * members * held * orbitals, 8.0 * (1 + 2 * d) * members**2 * multiplied * orbitals)

    def z_max(self, q_max):
        return q_max

    def q_cut(self, z_cut):
        return z_cut

    def evaluate(self, rows, columns, z_cut):
        return self._evaluated(pair_vertex, rows, columns, z_cut)

    def group_matrices(self, rows, columns, z_cut):
        return self._evaluated(pair_matrices, rows, columns, z_cut)

    def _evaluated(self, function, rows, columns, z_cut):
        found = self.between(self.states[rows], self.finals[columns], z_cut, function)
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

    def between(self, a: States, b: States, z_cut: float, function=pair_vertex) -> list[Channel]:
        """Channels of the pairs of two sets of prepared states, those of `finals` at the second; with what `function`,
        one of :mod:`.vertex`, makes of them."""
        images = self.momentum.nearby_images(a.k, b.k, z_cut)
        if len(images) == 0:
            return []
        transfer, image, q = self._transfers(a, b, images)
        if q.min() > z_cut:
            return []
        strength, shift = self._between(function, a, b, images, transfer, image)
        mean = mean_over_members(a, b) if function is pair_vertex else None
        z = self._z(a, b, q)
        return [Channel(strength, shift, z) if mean is None else Channel(strength * mean, shift * mean, z)]

    def amplitudes(self, a: States, b: States) -> tuple[np.ndarray, np.ndarray]:
        """``<u_b|W|u_a>`` between all members of two sets of prepared states, (P, m, Q, m'), and |q|, (P, Q)."""
        images = self.momentum.nearby_images(a.k, b.k, np.inf)
        transfer, image, q = self._transfers(a, b, images)
        return self._between(pair_amplitudes, a, b, images, transfer, image), q

    def _transfers(self, a: States, b: States, images):
        """Vectors q and the place of their image, where vertices need them, and lengths (P, Q)."""
        if self._positioned or (self._sites and images.any()):
            transfer, image = self.momentum.transfers(a.k, b.k, images, single=self._single)
            return transfer, image, np.sqrt(np.einsum("cpq,cpq->pq", transfer, transfer))
        return None, None, self.momentum.lengths(a.k, b.k, images, single=self._single)

    def _between(self, function, a: States, b: States, images, transfer, image):
        """What `function`, :func:`.pair_vertex` or one like it, makes of pairs with these transfers."""
        # u(k + G) = exp(-i G tau) u(k)
        phases = [
            (orbitals, np.exp(1j * (images @ tau)).astype(b.vectors.dtype))
            for tau, orbitals in (self._sites if images.any() else [])
        ]
        sites = None
        if image is None:
            b = _turned(b, self._model.n_orbitals, phases)
        else:
            sites = [(orbitals, phase[image]) for orbitals, phase in phases] or None
        q = transfer if self._positioned else None
        return function(a, b, self._matrix, applied=self._applied, q=q, sites=sites)


class PolarPairs(ScalarPairs):
    """Polar optical phonons: z is the momentum transfer of :mod:`.polar` at the phonons' energy.

    On a single shell, in the quasi-elastic theory, it is |q|.
    """

    _FARTHEST = 4.0  # q_max: there the coupling has fallen to nothing

    def __init__(self, operator, scatterers, model, momentum):
        super().__init__(operator, scatterers, model, momentum)
        self._one_shell = False
        energies = [float(b.phonon_energy(np.array([1e-6]))[0]) for b in self.branches if b.phonon_energy is not None]
        self._phonon = min(energies)

    def prepare(self, states, *, single=False):
        super().prepare(states, single=single)
        self._one_shell = bool(np.ptp(states.energy) < 1e-3 * self._phonon)

    def _evaluated(self, function, rows, columns, z_cut):
        if self.patches is not None and self.patches[rows].across(self.patches[columns]):
            plain = copy(self)
            plain._one_shell = True  # nothing diverges there
            return plain.between(self.states[rows], self.finals[columns], z_cut, function)
        return super()._evaluated(function, rows, columns, z_cut)

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
        return self.initial.between(self.initial.states[rows], self.final.finals[columns], z_cut)


def _turned(states: States, orbitals: int, sites) -> States:
    """Final states seen in an image: ``exp(i G.tau)`` (1,) of the orbitals of each site, conjugated."""
    if not sites:
        return states
    phase = np.empty(orbitals, dtype=states.vectors.dtype)
    for members, here in sites:
        phase[members] = here.conj()
    phase = np.tile(phase, states.vectors.shape[-1] // orbitals)
    return replace(states, vectors=states.vectors * phase, covariant=states.covariant * phase)


def _sites(positions) -> list[tuple[np.ndarray, np.ndarray]]:
    """Positions of different sites with the orbitals there; none where all share one, whose phase does not matter."""
    _, first, which = np.unique(np.round(positions, 9), axis=0, return_index=True, return_inverse=True)
    if len(first) == 1:
        return []
    return [(positions[place], np.flatnonzero(which.reshape(-1) == i)) for i, place in enumerate(first)]


def mean_over_members(a: States, b: States) -> np.ndarray | None:
    """What makes sums over the members of two groups their means, (P, Q); None where no state is degenerate."""
    if a.vectors.shape[1] == 1 and b.vectors.shape[1] == 1:
        return None
    return (1 / np.outer(a.multiplicity, b.multiplicity)).astype(a.vectors.real.dtype)


def pair_sources(scatterers, model, momentum) -> list[PairSource]:
    """One source for each vertex matrix, one for each scatterer that brings its own, and two, of absorption and of
    emission, where another operator acts in either."""
    sources: list[PairSource] = []
    for scatterer in scatterers:
        if hasattr(scatterer, "sources"):
            sources += scatterer.sources(model)
        elif not isinstance(scatterer, Scatterer):
            sources.append(scatterer.source(model))
    groups: list[tuple[LatticeOperator | SpinSum, list[Scatterer]]] = []
    for scatterer in scatterers:
        if not isinstance(scatterer, Scatterer) or hasattr(scatterer, "sources"):
            continue
        if scatterer.directed:
            absorbs = vertex_operator(scatterer.vertex, model, hermitian=False)
            for process, operator in ((ABSORPTION, absorbs), (EMISSION, absorbs.adjoint)):
                sources.append(ScalarPairs(operator, [scatterer], model, momentum, process))
            continue
        operator = vertex_operator(scatterer.vertex, model)
        if scatterer.singular and all(b.phonon_energy is not None for b in scatterer.branches):
            sources.append(PolarPairs(operator, [scatterer], model, momentum))
            continue
        for known, members in groups:
            if known.same(operator):
                members.append(scatterer)
                break
        else:
            groups.append((operator, [scatterer]))
    return sources + [ScalarPairs(operator, members, model, momentum) for operator, members in groups]
