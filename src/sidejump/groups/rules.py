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

from ..bands.observables import Observable, Velocity
from ..bands.row_curvature import row_curvature
from ..errors import InputError
from .hall import kinetic_symmetry
from .mean_square import root_mean_square
from .operations import Operations, identity, is_group
from .symmetry import sample_points

_BROKEN = 1e-3
"""Of the size of what is compared: a difference beyond is one of the operator, not of numbers."""

_POINTS = 6
_NOTHING = 1e-7  # of what a sum could be: one below is zero


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


def require_rules(model, observables: Sequence[Observable], energy: float) -> None:
    """Put the rules of observables of one's own to the test, whether or not the points are reduced by symmetry.

    In two dimensions an operation in the plane may turn the normal round or not: one of the two has to fit.

    Raises
    ------
    InputError
        If an operation that the model obeys to rounding does not fit a rule.
    """
    own = [o for o in _one_for_each_tensor(observables) if o.rule is not None and not o.ready_made]
    if not own:
        return
    found = kinetic_symmetry(model, [], energy)
    signs = np.array([sign for _, sign in found], dtype=int)
    matrices = np.array([sign * s for s, sign in found]).reshape(-1, 3, 3)
    normals = (np.diag([1.0, 1.0, 1.0]), np.diag([1.0, 1.0, -1.0]))[: 1 + (model.dimension == 2)]
    for o in own:
        each = [violations(model, o, Operations(matrices @ n, signs), energy) for n in normals]
        violation = np.min(each, axis=0).max(initial=0.0)
        if violation >= _BROKEN:
            raise InputError(wrong_rule(o, float(violation)))


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
        plane = m[: model.dimension, : model.dimension]
        there, _ = _sums(model, observable, k @ plane.T, energy)
        for each in (1, -1) if sign == 0 else (sign,):
            images = (
                each**odd * here[0] @ turns[g].T,
                each ** (odd + 1) * np.einsum("st,ktb,ab->ksa", turns[g], here[1], plane),
            )
            for x, y, image, least in zip(there, here, images, noise, strict=True):
                size = root_mean_square(y)
                if size > _NOTHING * least:
                    found[g] = max(found[g], float(np.abs(x - image).max() / size))
    return found


def _sums(model, observable: Observable, k, energy: float):
    """``sum f <O>`` (nk, t) and ``sum f Omega^O`` (nk, t, d), and what they could be: the size of the operator, and
    that times the curvature of a velocity over the size of the velocity."""
    rows, velocity = observable.tensor(model, k), Velocity()(model, k)
    levels, _, expectation, omega = row_curvature(model, np.concatenate([rows, velocity], axis=1), k)
    f = expit((energy - levels) / (0.02 * np.ptp(levels) + 1e-6))
    size, speed = root_mean_square(rows), root_mean_square(velocity)
    t = rows.shape[1]
    sums = (f[:, None] * expectation[:, :t]).sum(axis=-1), (f[:, None, None] * omega[:, :t]).sum(axis=-1)
    return sums, (size, size * root_mean_square(omega[:, t:]) / (speed or 1.0))


def _one_for_each_tensor(observables: Sequence[Observable]) -> list[Observable]:
    found: list[Observable] = []
    for o in observables:
        if not any(o.same_tensor(other) for other in found):
            found.append(o)
    return found
