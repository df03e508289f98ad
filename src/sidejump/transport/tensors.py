"""Arithmetic of responses: sums, changes and sizes of their tensors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..kinetics.response import PARTS, KineticResponse, Parts, charge, parts_of


@dataclass(frozen=True)
class Change(Parts):
    """What a correction adds to the parts, each of shape (R, d): the current, then observables.

    Corrections add up and never multiply one another.  That of the Boltzmann part, which falls by decades with T and
    cannot pass through zero, is relative to the largest element of the Boltzmann part without any correction; those
    of the side jump, which may pass through zero, are in its own unit.
    """

    boltzmann: np.ndarray
    side_jump_velocity: np.ndarray
    side_jump_distribution: np.ndarray
    skew: np.ndarray | None = None

    @classmethod
    def of(cls, tensors) -> Change:
        """From what :attr:`tensors` gives."""
        return cls(**parts_of(tensors))

    @classmethod
    def to_side_jump(cls, side_jump, response: KineticResponse) -> Change:
        """From the side jump of a response to another sj(1) (R, R), of R responses to R drives; Onsager's relation
        carries it to sj(2)."""
        d = response.side_jump_velocity.shape[1]
        first = side_jump[:, :d] - response.side_jump_velocity
        observed = -side_jump[:d, d:].T - response.side_jump_distribution[d:]
        skew = None if response.skew is None else np.zeros_like(response.skew)
        return cls(np.zeros_like(first), first, np.concatenate([-charge(first).T, observed]), skew)

    @classmethod
    def none(cls, response: KineticResponse) -> Change:
        """No change of such a response."""
        return cls.of(np.zeros_like(response.tensors))

    def times(self, factor: float) -> Change:
        return Change.of(factor * self.tensors)

    def plus(self, other: Change) -> Change:
        return Change.of(self.tensors + other.tensors)


def difference(new: KineticResponse, old: KineticResponse) -> Change:
    """What `new` adds to `old`."""
    changes = new.tensors - old.tensors
    changes[0] /= largest(old.boltzmann)
    return Change.of(changes)


def with_change(response: KineticResponse, change: Change, plain) -> KineticResponse:
    """`change` added; `plain` (d, d): Boltzmann part of the response without any correction."""
    added = change.tensors
    added[0] *= largest(plain)
    return replaced(response, response.tensors + added)


def replaced(response: KineticResponse, tensors) -> KineticResponse:
    """A response with other tensors (3 or 5, R, d)."""
    return replace(response, **parts_of(tensors))


def of_traces(response: KineticResponse) -> KineticResponse:
    """The response of the traces of distributions alone, where they are matrices within degenerate groups."""
    if response.coherence is None:
        return response
    tensors = response.tensors
    tensors[:3] -= response.coherence
    return replace(replaced(response, tensors), coherence=None)


def size_of_change(change: Change, response: KineticResponse) -> float:
    """The largest change of a part, relative to that part, or to what cancels in it where that is more."""
    _, *jumps = PARTS
    sizes = [largest(getattr(change, n)) / response.scale for n in jumps]
    return max(largest(change.boltzmann), *sizes)


def worst_of(parts) -> dict[str, Any]:
    """What is said of how well responses that make one were obtained."""
    names = ("onsager_error", "conservation_error", "residual", "iterations", "growing")
    return {name: max(getattr(p, name) for p in parts) for name in names}


def weighted_sum(parts: list[KineticResponse], weights) -> KineticResponse:
    """The sum of responses, with the worst of what is known of the parts."""
    names = (*PARTS, "contributions", "rounding", "doubt", "unresolved")
    sums = worst_of(parts) | {n: sum(w * getattr(p, n) for w, p in zip(weights, parts, strict=True)) for n in names}
    growing = sum(w * p.growing * largest(p.boltzmann) for w, p in zip(weights, parts, strict=True))
    for name in ("skew", "mesh_step"):
        if getattr(parts[0], name) is not None:
            sums[name] = sum(w * getattr(p, name) for w, p in zip(weights, parts, strict=True))
    return replace(parts[0], **sums | {"growing": growing / largest(sums["boltzmann"])})


def with_heat(response: KineticResponse, x: float) -> KineticResponse:
    """The rows of the heat current (:class:`.KineticResponse`) after the others, of carriers at ``e - mu = x``."""

    def heated(part):
        return np.concatenate([part, *(x**power * charge(part) for power in (1, 1, 2))])

    parts: dict[str, Any] = {name: heated(getattr(response, name)) for name in PARTS}
    return replace(response, **parts, heat=True)


def largest(tensor) -> float:
    """The largest element of the conductivity."""
    return max(float(np.abs(charge(tensor)).max()), np.finfo(float).tiny)


def relative_changes(new: KineticResponse, old: KineticResponse) -> np.ndarray:
    """Relative change of the longitudinal and of the side-jump tensor, shape (2,); of the latter, relative to what
    cancels in it where that is more (:func:`sidejump.kinetics.response.side_jump_scale`)."""
    longitudinal = largest(new.boltzmann - old.boltzmann) / largest(new.boltzmann)
    across = largest(new.side_jump_velocity - old.side_jump_velocity) / max(new.scale, old.scale)
    if new.heat and old.heat:  # the thermopower, which may be zero, relative to what it would be one kT away
        d = new.boltzmann.shape[1]
        conduction = float(np.abs(new.boltzmann[-d:]).max()) + np.finfo(float).tiny
        changes = [float(np.abs(rows).max()) for rows in np.split((new.boltzmann - old.boltzmann)[-3 * d :], 3)]
        both = np.sqrt(conduction * largest(new.boltzmann))
        longitudinal = max(longitudinal, changes[0] / both, changes[1] / both, changes[2] / conduction)
        energy, scale = np.sqrt(conduction / largest(new.boltzmann)), max(new.scale, old.scale)
        jumps = np.split((new.side_jump_velocity - old.side_jump_velocity)[-3 * d :], 3)
        powers = zip(jumps, (1, 1, 2), strict=True)
        across = max(across, *(float(np.abs(rows).max()) / (scale * energy**p) for rows, p in powers))
    return np.array([longitudinal, across])


def relative_change(new: KineticResponse, old: KineticResponse) -> float:
    """The larger of the two."""
    return float(relative_changes(new, old).max())
