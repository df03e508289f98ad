"""Arithmetic of responses: sums, changes and sizes of their three tensors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..kinetics.response import KineticResponse, charge

PARTS = ("boltzmann", "side_jump_velocity", "side_jump_distribution")


@dataclass(frozen=True)
class Change:
    """What a correction adds to the three parts, each of shape (R, d): the current, then observables.

    Corrections add up and never multiply one another.  That of the Boltzmann part, which falls by decades with T and
    cannot pass through zero, is relative to the largest element of the Boltzmann part without any correction; those
    of the side jump, which may pass through zero, are in its own unit.
    """

    boltzmann: np.ndarray
    side_jump_velocity: np.ndarray
    side_jump_distribution: np.ndarray

    @classmethod
    def to_side_jump(cls, side_jump, response: KineticResponse) -> Change:
        """From the side jump of a response to another sj(1) (R, R), of R responses to R drives; Onsager's relation
        carries it to sj(2)."""
        d = response.side_jump_velocity.shape[1]
        first = side_jump[:, :d] - response.side_jump_velocity
        observed = -side_jump[:d, d:].T - response.side_jump_distribution[d:]
        return cls(np.zeros_like(first), first, np.concatenate([-charge(first).T, observed]))

    @property
    def tensors(self) -> np.ndarray:
        """Shape (3, R, d)."""
        return np.stack([self.boltzmann, self.side_jump_velocity, self.side_jump_distribution])

    @classmethod
    def none(cls, response: KineticResponse) -> Change:
        """No change of such a response."""
        return cls(*(np.zeros_like(getattr(response, name)) for name in PARTS))

    def times(self, factor: float) -> Change:
        return Change(*(factor * self.tensors))

    def plus(self, other: Change) -> Change:
        return Change(*(self.tensors + other.tensors))


def difference(new: KineticResponse, old: KineticResponse) -> Change:
    """What `new` adds to `old`."""
    boltzmann, *jumps = (getattr(new, n) - getattr(old, n) for n in PARTS)
    return Change(boltzmann / largest(old.boltzmann), *jumps)


def with_change(response: KineticResponse, change: Change, plain) -> KineticResponse:
    """`change` added; `plain` (d, d): Boltzmann part of the response without any correction."""
    boltzmann, *jumps = change.tensors
    added = (boltzmann * largest(plain), *jumps)
    return replace(response, **{n: getattr(response, n) + x for n, x in zip(PARTS, added, strict=True)})


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
    names = (*PARTS, "contributions", "rounding")
    sums = worst_of(parts) | {n: sum(w * getattr(p, n) for w, p in zip(weights, parts, strict=True)) for n in names}
    growing = sum(w * p.growing * largest(p.boltzmann) for w, p in zip(weights, parts, strict=True))
    return replace(parts[0], **sums | {"growing": growing / largest(sums["boltzmann"])})


def with_heat(response: KineticResponse, x: float) -> KineticResponse:
    """The rows of the heat current (:class:`.KineticResponse`) after the others, of carriers at ``e - mu = x``."""

    def heated(part):
        return np.concatenate([part, *(x**power * charge(part) for power in (1, 1, 2))])

    boltzmann, *jumps = (heated(getattr(response, n)) for n in PARTS)
    return replace(
        response, boltzmann=boltzmann, side_jump_velocity=jumps[0], side_jump_distribution=jumps[1], heat=True
    )


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
