"""Arithmetic of responses: sums, changes and sizes of their three tensors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..kinetics.response import KineticResponse

PARTS = ("boltzmann", "side_jump_velocity", "side_jump_distribution")


def with_side_jump(response: KineticResponse, change) -> KineticResponse:
    """`change` (d, d) added to sj(1); Onsager's relation carries it to sj(2)."""
    return replace(
        response,
        side_jump_velocity=response.side_jump_velocity + change,
        side_jump_distribution=response.side_jump_distribution - change.T,
    )


def along(new: np.ndarray, old: np.ndarray) -> float:
    """Size of one tensor along another."""
    square = float((old * old).sum())
    return float((new * old).sum()) / square if square > 0 else 1.0


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
