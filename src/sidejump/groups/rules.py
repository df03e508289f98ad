"""Whether observables transform as their rules say, measured on the model.

Two sums over occupied states that no phase of an eigenvector changes are compared between k and its images: the
expectation value ``sum f <O>`` and the curvature ``sum f Omega^O_b`` of :mod:`sidejump.bands.row_curvature`, a vector
in b more, which time reversal gives one sign more.  Of an observable whose expectation value vanishes, such as a spin
where time reversal with inversion holds, the curvature is left.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import expit

from ..bands.observables import Observable
from ..bands.row_curvature import row_curvature
from ..errors import InputError
from .operations import Operations, identity, is_group
from .symmetry import sample_points

_BROKEN = 1e-3
"""Of the size of what is compared: a difference beyond is one of the operator, not of numbers."""

_POINTS = 6
_NOTHING = 1e-9  # of the terms of a sum: a sum below is zero


def obeying(model, observables: Sequence[Observable], operations: Operations, energy: float) -> Operations:
    """The operations under which all observables transform as their rules say.

    Raises
    ------
    InputError
        If an observable of one's own does not.
    """
    kept = np.ones(len(operations), dtype=bool)
    for o in _one_for_each_tensor(observables):
        violation = violations(model, o, operations, energy)
        if o.ready_made:  # a magnet without spin-orbit coupling has operations that do not turn its spins
            kept &= violation < _BROKEN
        elif violation.max() >= _BROKEN:
            raise InputError(wrong_rule(o, float(violation.max())))
    found = operations.take(kept)
    return found if kept[0] and is_group(found) else identity(model.dimension)


def wrong_rule(observable: Observable, violation: float) -> str:
    """The sentence."""
    return (
        f"observable {observable.name}: {observable.rule} does not fit: an operation of the model changes the operator "
        f"otherwise, by {100 * violation:.2g} % of its size; correct rank, axial and time_reversal, or leave the rule "
        "out (its points are then not reduced by symmetry)"
    )


def violations(model, observable: Observable, operations: Operations, energy: float) -> np.ndarray:
    """Largest violation of the rule by each operation, relative, shape (n,)."""
    assert observable.rule is not None
    k = sample_points(model, _POINTS, np.random.default_rng(0))
    odd, turns = observable.rule.odd, observable.rule.turns(operations.matrices)
    here, noise = _sums(model, observable, k, energy)
    found = np.zeros(len(operations))
    for g, (m, sign) in enumerate(zip(operations.matrices, operations.signs, strict=True)):
        there, _ = _sums(model, observable, k @ m.T, energy)
        for each in (1, -1) if sign == 0 else (sign,):
            images = (
                each**odd * here[0] @ turns[g].T,
                each ** (odd + 1) * np.einsum("st,ktb,ab->ksa", turns[g], here[1], m),
            )
            for x, y, image, least in zip(there, here, images, noise, strict=True):
                size = np.sqrt(np.mean(np.abs(y) ** 2))
                if size > _NOTHING * least:
                    found[g] = max(found[g], float(np.abs(x - image).max() / size))
    return found


def _sums(model, observable: Observable, k, energy: float):
    """``sum f <O>`` (nk, t) and ``sum f Omega^O`` (nk, t, d), and the sizes of their terms."""
    rows = observable.tensor(model, k)
    levels, _, expectation, omega = row_curvature(model, rows, k)
    width = 0.02 * np.ptp(levels) + 1e-6
    f = expit((energy - levels) / width)
    terms = (f[:, None] * expectation, f[:, None, None] * omega)
    sizes = tuple(float(np.sqrt(np.mean(np.abs(x) ** 2))) or 1.0 for x in (expectation, omega))
    return tuple(x.sum(axis=-1) for x in terms), sizes


def _one_for_each_tensor(observables: Sequence[Observable]) -> list[Observable]:
    found: list[Observable] = []
    for o in observables:
        if not any(o.same_tensor(other) for other in found):
            found.append(o)
    return found
