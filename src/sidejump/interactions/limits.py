"""The two limits of temperature as scatterers of their own, to see how far a material is from either.

*Equipartition*, eq. 15: far above the phonon energies ``N = N + 1 = kT / omega`` and scattering is elastic, with the
strength ``|V|^2 2 kT / omega``: the side jump no longer depends on temperature, the conductivity goes as 1/T.

*Curvature shift*, eqs 13 and 14: cold phonons scatter through a small angle, and the shift of a pair becomes

    dr = Omega x (k' - k)

if the coupling has no phase of its own.  The rates stay what they are, so that what changes against the full shift is
what eq. 13 leaves out: angles that are not small, avoided crossings narrower than the thermal phonons, and the phase of
a coupling that is not a scalar potential.

*Small angles*, what replaces eq. 14 for a coupling that acts on the states: its phase is of the first order in q too.
With the vertex ``V = v + i q_j m_j`` between parallel-transported states around the midpoint of the pair

    |V|^2 dr_a = |V|^2 (Omega x q)_a - q_j (v d_a m_j - m_j d_a v)

up to q^3: the program takes the second term from the interaction's own pairs of states that are close.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..bands.momentum import MomentumTransfer
from ..bands.states import States, solve_states
from ..energy.basis import BOTH
from ..errors import InputError
from ..intrinsic.berry import curvature_of_matrices
from .base import Branch
from .sources import Channel, CrossedPairs, PairSource, pair_sources

_CHUNK = 4096  # states at a time
_CLOSE = 32  # of which all pairs are computed and the diagonal is kept
_ANGLE = 2e-4  # by which a state turns over the distance of the pairs that stand for q -> 0
_INSTEAD = "compare with CurvatureShift"
_LINEAR = 1e-3  # relative deviation from a linear function of q above which a shift is not one


@dataclass(frozen=True)
class _Altered:
    """A scatterer that stands for another one."""

    scatterer: Any

    @property
    def singular(self) -> bool:
        return self.scatterer.singular

    @property
    def resolution(self) -> float:
        return self.scatterer.resolution

    @property
    def silent(self) -> bool:
        return getattr(self.scatterer, "silent", False)

    @property
    def data(self):
        """First-principles data of the other scatterer, or None."""
        return getattr(self.scatterer, "data", None)

    @property
    def data_warnings(self) -> list[str]:
        """What was found wrong with these."""
        return getattr(self.scatterer, "data_warnings", [])


@dataclass(frozen=True)
class HighTemperatureLimit(_Altered):
    """Eq. 15 for the phonons of another scatterer: its rates per eV of kT, elastic.

    The conductivity that comes out is the one at temperature T times kT in eV; the side jump is the limit itself.

    Attributes
    ----------
    scatterer
        Any scatterer with phonons; static ones have no such limit.
    """

    @property
    def name(self) -> str:
        return f"{self.scatterer.name}, equipartition"

    @property
    def sound_velocity(self) -> None:
        """None: no phonon is short of energy, every momentum transfer counts."""

    def sources(self, model) -> list[PairSource]:
        """Pairs of the states of `model`; two kinds where absorption and emission are different.

        Raises
        ------
        InputError
            If the scatterer has no phonons.
        """
        found = _sources(self.scatterer, model)
        if all(b.phonon_energy is None for source in found for b in source.branches):
            raise InputError(
                f"HighTemperatureLimit: {self.scatterer.name} has no phonons; give a scatterer with phonons"
            )
        return [EquipartitionPairs(source) for source in found]


@dataclass(frozen=True)
class _OtherShift(_Altered):
    """With the rates of the other one, whose phonons are short of energy where its own are."""

    @property
    def sound_velocity(self) -> float | None:
        return self.scatterer.sound_velocity

    @property
    def stiffness(self) -> float | None:
        return getattr(self.scatterer, "stiffness", None)


@dataclass(frozen=True)
class CurvatureShift(_OtherShift):
    """Another scatterer with its coordinate shift replaced by ``Omega x (k' - k)``, as eq. 13 assumes.

    Attributes
    ----------
    scatterer
        Any scatterer.
    """

    @property
    def name(self) -> str:
        return f"{self.scatterer.name}, shift of the curvature"

    def sources(self, model) -> list[PairSource]:
        """Pairs of the states of `model`; two kinds where absorption and emission are different."""
        return [CurvatureShiftPairs(source, model) for source in _sources(self.scatterer, model)]


@dataclass(frozen=True)
class SmallAngleShift(_OtherShift):
    """Another scatterer with its coordinate shift in the limit of small q: what eq. 13 becomes for any matrix vertex.

    ``Omega x q`` and what the vertex adds to it in the first order of q; for a scalar potential that is nothing, and
    this is :class:`CurvatureShift`.

    Attributes
    ----------
    scatterer
        Any scatterer whose shift is a linear function of q where q is small, as of a constant matrix in the basis of
        the model.
    """

    @property
    def name(self) -> str:
        return f"{self.scatterer.name}, shift of small angles"

    def sources(self, model) -> list[PairSource]:
        """Pairs of the states of `model`.

        Raises
        ------
        InputError
            If absorption and emission act by different operators: the shift of small q is then a length, not of the
            order of q.
        """
        found = _sources(self.scatterer, model)
        if any(source.process != BOTH for source in found):
            raise InputError(
                f"SmallAngleShift: {self.scatterer.name} absorbs and emits through different operators, its shift does "
                "not fall with q: give a scatterer with a Hermitian vertex"
            )
        return [SmallAnglePairs(source, model, self.scatterer.name) for source in found]


def _sources(scatterer, model) -> list[PairSource]:
    return pair_sources([scatterer], model, MomentumTransfer(model.reciprocal_cell, model.dimension))


class _AlteredPairs(PairSource):
    """Another source of pairs with something about it replaced."""

    def __init__(self, inner: PairSource):
        self.inner = inner
        self.branches, self.singular, self.process = inner.branches, inner.singular, inner.process
        self.channels, self.expensive = inner.channels, inner.expensive
        self.seconds_per_pair = inner.seconds_per_pair

    def prepare(self, states, *, single=False):
        self.inner = self.inner.prepared(states, single=single, patches=self.patches, turned=self.turned)

    def load(self, states):
        return self.inner.load(states)

    def evaluate(self, rows, columns, z_cut):
        return self.inner.evaluate(rows, columns, z_cut)

    def crossed(self, initial, final, *, single=False, known=None):
        return self.inner.crossed(initial, final, single=single, known=None if known is None else known.inner)

    def warnings(self):
        return self.inner.warnings()

    def z_max(self, q_max):
        return self.inner.z_max(q_max)

    def z_min(self, q):
        return self.inner.z_min(q)

    def q_cut(self, z_cut):
        return self.inner.q_cut(z_cut)

    def threshold(self):
        return self.inner.threshold()


class EquipartitionPairs(_AlteredPairs):
    """Static scattering with ``|V0|^2 2 / omega`` in place of phonons (eq. 15 at kT = 1 eV)."""

    def __init__(self, inner: PairSource):
        super().__init__(inner)
        self.branches = tuple(_equipartition(b) for b in inner.branches if b.phonon_energy is not None)

    def exact(self):
        return EquipartitionPairs(self.inner.exact())

    def threshold(self):
        return None


def _equipartition(branch: Branch) -> Branch:
    energy = branch.phonon_energy
    assert energy is not None
    return Branch(lambda z: 2 * np.asarray(branch.coupling(z)) / energy(z))


class CurvatureShiftPairs(_AlteredPairs):
    """Rates of another source with the shift ``(Omega + Omega') / 2 x q`` of its pairs."""

    def __init__(self, inner: PairSource, model):
        super().__init__(inner)
        self._model = model
        self._momentum = MomentumTransfer(model.reciprocal_cell, model.dimension)

    def prepare(self, states, *, single=False):
        super().prepare(states, single=single)
        self._states, self._curvature = states, group_curvature(self._model, states)

    def exact(self):
        return CurvatureShiftPairs(self.inner.exact(), self._model)

    def evaluate(self, rows, columns, z_cut):
        return self.altered(self.inner.evaluate(rows, columns, z_cut), rows, self, columns)

    def altered(self, found: list[Channel], rows: slice, final: CurvatureShiftPairs, columns: slice) -> list[Channel]:
        """Channels between the prepared states of this source and of another one, with the shift of the curvature."""
        if not found:
            return found
        q = self._transfer(self._states.k[rows], final._states.k[columns])
        start, end = self._curvature[rows][:, None], final._curvature[columns][None]
        shift = 0.5 * (_cross(start, q) + _cross(end, q))
        return [_with_shift(c, shift) for c in found]

    def crossed(self, initial, final, *, single=False, known=None):
        inner = super().crossed(initial, final, single=single, known=known)
        end = known or self.prepared(final, single=single)
        return _CrossedCurvaturePairs(inner, self.prepared(initial, single=single), end)

    def _transfer(self, k, other) -> np.ndarray:
        """Shortest ``k' - k + G``, (P, Q, d)."""
        images = self._momentum.nearby_images(k, other, np.inf)
        return np.moveaxis(self._momentum.transfers(k, other, images)[0], 0, -1)


class SmallAnglePairs(CurvatureShiftPairs):
    """Rates of another source with the shift that its pairs have in the first order of q."""

    def __init__(self, inner: PairSource, model, name: str):
        super().__init__(inner, model)
        self._name = name
        self._words = f"SmallAngleShift: the coupling of {name} at small q depends on the direction of q"

    def prepare(self, states, *, single=False):
        super().prepare(states, single=single)
        self._close, self._added = self._beyond_curvature(states)

    def exact(self):
        return SmallAnglePairs(self.inner.exact(), self._model, self._name)

    def altered(self, found, rows, final, columns):
        """As in the base class, with what the vertex adds."""
        plain = super().altered(found, rows, final, columns)
        if not plain or not (self._added.any() or final._added.any()):
            return plain
        q = self._transfer(self._states.k[rows], final._states.k[columns])
        start, end = self._added[rows][:, None], final._added[columns][None]
        squares = self._close[rows][:, None] + final._close[columns]
        # |V|^2 over its mean at the two ends: the rate stays as it is; of two ends without a coupling there is nothing
        share = np.divide(plain[0].strength, squares, out=np.zeros_like(squares), where=squares > 0)
        more = share * np.einsum("pqj,pqja->apq", q, start + end)
        return [replace(c, shift=c.shift + more.astype(c.shift.dtype)) for c in plain]

    def _beyond_curvature(self, states: States) -> tuple[np.ndarray, np.ndarray]:
        """``|V|^2`` at q = 0 (S,), and what multiplies q_j in ``|V|^2 dr_a - |V|^2 (Omega x q)_a`` (S, d, d)."""
        d, axes = states.k.shape[1], np.eye(states.k.shape[1])
        columns = [self._along(states, axis) for axis in axes]
        tensor = np.stack([shift for _, shift in columns], axis=1)
        diagonal = np.ones(d) / np.sqrt(d)
        across = self._along(states, diagonal)
        deviation = np.abs(across[1] - np.einsum("j,sja->sa", diagonal, tensor)).max(initial=0.0)
        strengths = np.stack([strength for strength, _ in (*columns, across)])
        turning = float(np.max(np.asarray(states.interband) ** 2, initial=0.0))  # the scale of curvatures, zero or not
        largest = np.abs(tensor).max(initial=0.0) + np.abs(strengths).max(initial=0.0) * turning
        if deviation > _LINEAR * largest or np.ptp(strengths, axis=0).max() > _LINEAR * strengths.max():
            raise InputError(f"{self._words}, and its shift is not a linear function of q: {_INSTEAD}")
        strength = strengths.mean(axis=0)
        curved = np.stack([_cross(self._curvature, np.broadcast_to(axis, (len(states), d))) for axis in axes], axis=1)
        return strength, tensor - strength[:, None, None] * curved

    def _along(self, states: States, axis) -> tuple[np.ndarray, np.ndarray]:
        """``|V|^2`` (S,), and ``|V|^2 dr_a`` per length of q, (S, d), of pairs of each state's band along `axis`."""
        turning = np.asarray(states.interband)
        step = _ANGLE / np.maximum(turning, max(float(turning.mean()), 1e-3))
        strength, shift = [], []
        for i in range(0, len(states), _CLOSE):
            part, h = states[i : i + _CLOSE], step[i : i + _CLOSE, None]
            n, half = len(part), 0.5 * h * axis
            energies = np.linalg.eigvalsh(self._model.hamiltonian(part.k))
            band = np.abs(energies - np.asarray(part.energy)[:, None]).argmin(axis=1)
            ends = solve_states(self._model, np.concatenate([part.k - half, part.k + half]), np.tile(band, 2))
            channel, *others = self.inner.prepared(ends).evaluate(slice(0, n), slice(n, 2 * n), np.inf)
            if others:
                raise InputError(f"{self._words} of each mode, and its shift is not a linear function of q: {_INSTEAD}")
            strength.append(np.diagonal(channel.strength))
            shift.append(np.diagonal(channel.shift, axis1=1, axis2=2).T / h)
        return np.concatenate(strength), np.concatenate(shift)


@dataclass(frozen=True)
class _CrossedCurvaturePairs:
    """See :class:`.sources.CrossedPairs`."""

    inner: CrossedPairs
    initial: CurvatureShiftPairs
    final: CurvatureShiftPairs

    def evaluate(self, rows: slice, columns: slice, z_cut: float) -> list[Channel]:
        """As in :class:`.sources.CrossedPairs`."""
        return self.initial.altered(self.inner.evaluate(rows, columns, z_cut), rows, self.final, columns)


def _with_shift(channel: Channel, shift) -> Channel:
    """`shift` (P, Q, d) of the pairs times their strength."""
    return replace(channel, shift=channel.strength * np.moveaxis(shift, -1, 0).astype(channel.strength.dtype))


def _cross(curvature, q) -> np.ndarray:
    """``Omega x q`` for Omega (..., 3), or of the z component (..., 1) in two dimensions."""
    if q.shape[-1] == 3:
        return np.cross(curvature, q)
    return curvature * np.stack([-q[..., 1], q[..., 0]], axis=-1)


def group_curvature(model, states: States) -> np.ndarray:
    """Berry curvature of the states, the mean over a group of degenerate ones: (S, 3), or (S, 1) in two dimensions."""
    parts = []
    for i in range(0, len(states), _CHUNK):
        part = states[i : i + _CHUNK]
        matrices = [
            function(part.k)
            for function in (model.hamiltonian, model.hamiltonian_gradient, model.position_matrix, model.position_curl)
        ]
        energy, _, curvature = curvature_of_matrices(*matrices)
        distance = np.abs(energy - np.asarray(part.energy)[:, None])
        member = distance.argsort(axis=1).argsort(axis=1) < np.asarray(part.multiplicity)[:, None]
        parts.append(np.einsum("scn,sn->sc", curvature, member / member.sum(axis=1, keepdims=True)))
    return np.concatenate(parts)
