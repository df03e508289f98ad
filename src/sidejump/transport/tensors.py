"""Arithmetic of responses: sums, changes and sizes of their three tensors."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..kinetics.response import KineticResponse

PARTS = ("boltzmann", "side_jump_velocity", "side_jump_distribution")


@dataclass(frozen=True)
class Change:
    """What a correction adds to the three parts, each of shape (d, d).

    Corrections add up and never multiply one another.  That of the Boltzmann part, which falls by decades with T and
    cannot pass through zero, is relative to the largest element of the Boltzmann part without any correction; those
    of the side jump, which may pass through zero, are in its own unit.
    """

    boltzmann: np.ndarray
    side_jump_velocity: np.ndarray
    side_jump_distribution: np.ndarray

    @classmethod
    def of_side_jump(cls, change) -> Change:
        """`change` (d, d) of sj(1); Onsager's relation carries it to sj(2)."""
        return cls(np.zeros_like(change), change, -change.T)

    @property
    def tensors(self) -> np.ndarray:
        """Shape (3, d, d)."""
        return np.stack([self.boltzmann, self.side_jump_velocity, self.side_jump_distribution])

    def times(self, factor: float) -> Change:
        return Change(*(factor * self.tensors))


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


def weighted_sum(parts: list[KineticResponse], weights) -> KineticResponse:
    sums = {n: sum(w * getattr(p, n) for w, p in zip(weights, parts, strict=True)) for n in PARTS}
    return replace(parts[0], **sums)


def largest(tensor) -> float:
    return max(float(np.abs(tensor).max()), np.finfo(float).tiny)


def relative_change(new: KineticResponse, old: KineticResponse) -> float:
    """Largest relative change of the longitudinal and of the side-jump tensor; of the latter, relative to what cancels
    in it where that is more (:func:`sidejump.kinetics.response.side_jump_scale`)."""
    longitudinal = float(np.abs(new.boltzmann - old.boltzmann).max()) / largest(new.boltzmann)
    across = float(np.abs(new.side_jump_velocity - old.side_jump_velocity).max()) / max(new.scale, old.scale)
    return max(longitudinal, across)
