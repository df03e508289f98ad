"""The value of every part and its error, as the sum of terms that have their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..kinetics.response import CANCELLING as CANCELLING_IN_CHANGES
from ..kinetics.response import KineticResponse, charge, parts_of
from ..transport.term import FOLLOWED, GREEN, MESH_STEP, NODE_CHANGES, POINTS, SPACING, UNRESOLVED
from ..transport.terms import AVERAGE, SURFACE
from .composition import Composition
from .replica import FINER, Replica
from .statistics import Moments, Samples, moments

CANCELLING = 0.03
"""The tolerance of a part is relative to it, or to this fraction of what cancels in it if that is more."""

SIDE_JUMP, GAUSSIAN = 3, 5
"""Places of the whole side jump, after the three parts of a response, and of the Gaussian part of skew scattering."""

NODES, WINDOW_SHELLS = "energy nodes", "shells over the thermal window"
BETWEEN_SHELLS = "phonons between shells"
GREEN_FUNCTION = "Green function of impurities"
WITHIN_PATCHES = "momentum transfers shorter than points are apart"
GEOMETRY, WINDOW_LEFT_OUT = "geometry", "thermal window left out"
FEW_SHELLS = "few shells for the thermal window"
"""What may leave an error that no replica and no level takes away."""

UNKNOWN = 0.2
"""Relative change by further energy nodes where there is nothing that tells it."""

_CHANGES = {
    NODES: "node_change",
    WINDOW_SHELLS: "window_change",
    BETWEEN_SHELLS: FOLLOWED,
    GREEN_FUNCTION: GREEN,
    WITHIN_PATCHES: UNRESOLVED,
}
"""Facts that say what the last step of a sequence inside a replica changed, relatively: the next would change less; or
of which size what replicas leave out is."""


@dataclass(frozen=True)
class TermEstimate:
    """One term at every temperature it is computed for.

    Attributes
    ----------
    name : str
    moments : Moments
        Of arrays (nT, P, R, d): boltzmann, both halves of the side jump, and their sum, and where it is asked for
        conventional and Gaussian skew scattering; NaN at other temperatures.
    seconds : float
        Wall time of all replicas.
    """

    name: str
    moments: Moments
    seconds: float


@dataclass(frozen=True)
class Estimate:
    """All parts with their errors, ``e^2/hbar angstrom^(2-d)``.

    Attributes
    ----------
    value, error : ndarray, shape (nT, P, R, d)
        boltzmann, side jump of the velocity and of the distribution, side jump, and where it is asked for conventional
        and Gaussian skew scattering; one standard error each.
    cancels : ndarray, shape (nT,)
        What cancels in the side jump.
    terms : list of TermEstimate
    responses : list of KineticResponse
        Values, and the worst of how well the equation was solved.
    floors : dict of ndarray, shape (nT, P)
        By what leaves it, the part of the error of the largest element that no replica and no level takes away.
    """

    value: np.ndarray
    error: np.ndarray
    cancels: np.ndarray
    terms: list[TermEstimate]
    responses: list[KineticResponse]
    floors: dict[str, np.ndarray] = field(default_factory=dict)

    def relative_floors(self) -> dict[str, np.ndarray]:
        """The same over what the tolerance is relative to, shape (nT, 2): boltzmann and side jump."""
        return {name: some[:, (0, SIDE_JUMP)] / self.scales() for name, some in self.floors.items()}

    def relative_error(self) -> np.ndarray:
        """Largest error of a tensor over what the tolerance is relative to, shape (nT, 2): boltzmann and side jump."""
        scale = self.scales()
        sizes = [np.abs(charge(self.error[:, part])).max(axis=(1, 2)) for part in (0, SIDE_JUMP)]
        return np.stack(sizes, axis=1) / scale

    def scales(self) -> np.ndarray:
        """What errors are relative to, shape (nT, 2)."""
        largest = [np.abs(charge(self.value[:, part])).max(axis=(1, 2)) for part in (0, SIDE_JUMP)]
        largest[1] = np.maximum(largest[1], CANCELLING * self.cancels)
        return np.maximum(np.stack(largest, axis=1), np.finfo(float).tiny)


def estimated(replicas: dict[str, list[Replica]], composition: Composition) -> Estimate | None:
    """The estimate that replicas of all terms allow; None where a temperature has none of its first term.

    Parameters
    ----------
    replicas : dict of list of Replica
        By the name of the term, those that count (:func:`.counted.counted`).
    composition : Composition
    """
    temperatures = composition.temperatures
    count = len(temperatures)
    found = {
        name: _moments(some, temperatures, conductivity=composition.first[name])
        for name, some in replicas.items()
        if some
    }
    if not found:
        return None
    shape = next(iter(found.values())).value.shape
    value, square = np.full(shape, np.nan), np.zeros(shape)
    for name, known in found.items():
        if composition.first[name]:
            here = known.level >= 0
            value[here], square[here] = known.value[here], known.error[here] ** 2
    if np.isnan(value[:, 0, 0, 0]).any():
        return None
    size = np.abs(charge(value[:, 0])).max(axis=(1, 2))[:, None, None]
    terms = []
    for name, known in found.items():
        if not composition.first[name]:
            known = _in_units(known, size)
            here = known.level >= 0
            value[here] += known.value[here]
            square[here] += known.error[here] ** 2
        terms.append(TermEstimate(name, known, sum(r.seconds for r in replicas[name])))
    quality = _worst([r for name, some in replicas.items() if composition.first[name] for r in some], count)
    sizes = _sizes(value, np.array([q["contributions"] for q in quality]))
    floors = {name: _left(replicas, fact, count, shape[1]) for name, fact in _CHANGES.items()}
    shared = np.zeros(count, dtype=bool)  # no shells of their own
    shared[composition.places.get(SURFACE.name, [])] = True
    averaged = composition.places.get(AVERAGE.name, [])
    other = np.where(shared, np.nan_to_num(composition.measured), 0.0)[:, None] * np.ones(shape[1])
    floors[FEW_SHELLS if averaged else GEOMETRY] = other
    shared[averaged] = False
    floors[WINDOW_LEFT_OUT] = _left_out(composition, shared, terms, sizes)
    floors = {name: left for name, left in floors.items() if left.any()}
    for left in floors.values():
        square += (left[:, :, None, None] * sizes) ** 2
    square[:, GAUSSIAN:] += _mesh_step(replicas, square[:, GAUSSIAN:].shape) ** 2
    halves = np.delete(value, SIDE_JUMP, axis=1)
    responses = [KineticResponse(**parts_of(tensors), **q) for tensors, q in zip(halves, quality, strict=True)]
    cancels = np.array([2 * r.contributions for r in responses])
    largest = charge(sizes).max(axis=(2, 3))
    return Estimate(
        value, np.sqrt(square), cancels, terms, responses, {name: left * largest for name, left in floors.items()}
    )


def _sizes(value, contributions) -> np.ndarray:
    """What relative changes of tensors are taken of, (nT, P, R, d): the conductivities along both directions of an
    element; for a side jump as in :attr:`sidejump.kinetics.response.KineticResponse.scale`; of an observable its
    largest value."""
    halves = np.zeros(value.shape[1])
    halves[1 : SIDE_JUMP + 1] = 1.0, 1.0, 2.0
    cancels = CANCELLING_IN_CHANGES * contributions[:, None] * halves
    d = value.shape[-1]
    sizes = np.broadcast_to(np.abs(value).max(axis=3, keepdims=True), value.shape).copy()
    sizes[:, :, :d] = np.maximum(np.abs(charge(value)).max(axis=(2, 3)), cancels)[:, :, None, None]
    along = np.sqrt(np.abs(np.diagonal(value[:, 0], axis1=1, axis2=2)))
    sizes[:, 0, :d] = along[:, :, None] * along[:, None]
    return sizes


def _left(replicas: dict[str, list[Replica]], fact: str, count: int, parts: int) -> np.ndarray:
    """What a sequence that replicas end by themselves may leave, (nT, P): as much as its last step changed."""
    total = np.zeros((count, parts))
    for some in replicas.values():
        finest = _of_finest(some, count, lambda replica, column: _change(replica, column, fact, parts))
        total = np.hypot(total, [np.max(known, axis=0) if known else np.zeros(parts) for known in finest])
    return total


def _mesh_step(replicas: dict[str, list[Replica]], shape: tuple[int, ...]) -> np.ndarray:
    """What the last mesh of the integrals over all states added to the Gaussian part, (nT, 1, R, d), in size: about the
    same in all replicas, which share the mesh, so that their number takes nothing away."""
    found = np.zeros(shape)
    steps = _of_finest(
        [replica for some in replicas.values() for replica in some],
        len(found),
        lambda replica, column: np.abs(replica.facts[MESH_STEP][column]) if MESH_STEP in replica.facts else None,
    )
    for here, known in zip(found, steps, strict=True):
        if known:
            here[...] = np.max(known, axis=0)
    return found


def _of_finest(replicas: list[Replica], count: int, each: Callable[[Replica, int], Any]) -> list[list]:
    """What ``each(replica, column)`` finds at every temperature, of the finest level alone that has anything there but
    None."""
    found: list[list] = [[] for _ in range(count)]
    level = [-1] * count
    for replica in replicas:
        for column, i in enumerate(replica.task.where):
            known = each(replica, column)
            if known is None or replica.task.level < level[i]:
                continue
            if replica.task.level > level[i]:
                level[i], found[i] = replica.task.level, []
            found[i].append(known)
    return found


def _change(replica: Replica, column: int, fact: str, parts: int) -> np.ndarray | None:
    """Of each part; where one number stands for all, that. What is across the field changes as the side jump does.

    None where it was found on coarser levels alone, or there is nothing to be found.
    """
    if fact == "node_change" and NODE_CHANGES in replica.facts:
        conductivity, side_jump = replica.facts[NODE_CHANGES][column]
        change = np.array([conductivity, *[side_jump] * (parts - 1)])
    else:
        change = np.full(parts, replica.facts[fact][column] if fact in replica.facts else np.nan)
    return None if np.isnan(change).any() else np.where(np.isfinite(change), change, UNKNOWN)


def _left_out(composition: Composition, shared, terms: list[TermEstimate], sizes) -> np.ndarray:
    """Relative change by the thermal window at temperatures that are not averaged over it (`shared`), (nT, P).

    What it changes at the coldest one that is averaged says what it would change at others, in proportion to T^2.
    """
    t = composition.temperatures
    left = np.zeros(sizes.shape[:2])
    for term in terms:
        if term.name == AVERAGE.name:
            coldest = min(composition.places[AVERAGE.name], key=lambda i: t[i])
            change = np.abs(np.nan_to_num(charge(term.moments.value[coldest]))).max(axis=(1, 2))
            size = charge(sizes[coldest]).max(axis=(1, 2))  # zero where symmetry forbids a Hall effect
            relative = np.divide(change, size, out=np.zeros_like(change), where=size > 0)
            left[shared] = (t[shared, None] / t[coldest]) ** 2 * relative
    return left


def _moments(replicas: list[Replica], temperatures, *, conductivity: bool) -> Moments:
    """Of one term; `conductivity`: its Boltzmann part is one, not the change of one relative to it."""
    samples, count = [], len(temperatures)
    for replica in replicas:
        side_jump = replica.values[:, 1] + replica.values[:, 2]
        values = np.insert(replica.values, SIDE_JUMP, side_jump, axis=1)
        spacing = np.nan_to_num(replica.facts.get(SPACING, np.zeros(len(replica.task.where))))
        fineness = _fineness(replica)
        samples.append(Samples(replica.task.level, np.array(replica.task.where), values[None], spacing, fineness))
    if not conductivity:
        return moments(samples, np.log(temperatures))
    return moments(samples, np.log(temperatures), _units(samples, count))


def _fineness(replica: Replica) -> np.ndarray | None:
    """How close the points of a replica are by their number, (n,), in levels; None where it does not say how many."""
    if POINTS not in replica.facts:
        return None
    points, across = np.array(replica.facts[POINTS], dtype=float), replica.values.shape[-1] - 1
    return np.log(points) / (across * np.log(FINER))


def _units(samples: list[Samples], count: int) -> np.ndarray:
    """What the parts at a temperature are in proportion to, (nT, P, 1, 1): the Boltzmann part and conventional skew
    scattering to the conductivity, which may change tenfold between neighbours; Hall parts, which may change sign, to
    nothing."""
    total, number = np.zeros(count), np.zeros(count)
    for s in samples:
        total[s.where] += np.abs(charge(s.values[0, :, 0])).max(axis=(1, 2))
        number[s.where] += 1
    parts = np.arange(samples[0].values.shape[2])
    size = np.where(total > 0, total / np.maximum(number, 1), 1.0)[:, None]
    return np.where((parts == 0) | (parts == SIDE_JUMP + 1), size, 1.0)[..., None, None]


def _in_units(known: Moments, size) -> Moments:
    """The Boltzmann part of a change, which is relative, in its unit."""
    unit = np.ones((*known.value.shape[:2], 1, 1))
    unit[:, 0] = size
    return known.times(unit)


def _worst(replicas: list[Replica], count: int) -> list[dict]:
    """For each temperature the worst of what the finest replicas of the first term say of themselves."""
    return [
        {name: known[-1][name] if name == "method" else max(q[name] for q in known) for name in known[0]}
        for known in _of_finest(replicas, count, lambda replica, column: replica.quality[column])
    ]
