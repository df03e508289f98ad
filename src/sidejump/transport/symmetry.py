"""Which operations the whole kinetic problem obeys: those of the bands under which the rates stay the same as well."""

from __future__ import annotations

import numpy as np

from ..electrons.operations import Operations, exact_operations, identity, is_group
from ..electrons.states import States
from ..kinetics.geometry import shell_states

_SAMPLE = 12  # states of a shell whose pairs are compared
_ALLOWED = 1e-3  # difference of rates and shifts, rms relative to their rms, that counts as obeyed


def kinetic_operations(problem, shell) -> tuple[Operations, float]:
    """Operations under which bands, rates and coordinate shifts do not change, and the largest violation left.

    Parameters
    ----------
    problem : Problem
    shell : Shell
        Some states to compare.
    """
    operations = exact_operations(problem.model, energy=problem.mu)
    if len(operations) == 1:
        return operations, 0.0
    chosen = np.random.default_rng(0).choice(len(shell), min(_SAMPLE, len(shell)), replace=False)
    k, band = shell.k[chosen], shell.band[chosen]
    n = len(k)
    images = problem.momentum.first_zone(np.concatenate([k @ m.T for m in operations.matrices]))
    states = shell_states(problem.model, images, np.tile(band, len(operations)), problem.settings.degeneracy)
    errors = np.zeros(len(operations))
    for source in problem.sources:
        errors = np.maximum(errors, _violations(source.exact(), states, n, operations))
    kept = errors < _ALLOWED
    result = operations.take(kept)
    if not is_group(result):
        return identity(3), 0.0
    return result, float(errors[kept].max())


def _violations(source, states: States, n: int, operations: Operations) -> np.ndarray:
    """For each operation how far rates and shifts between images differ from those between the states."""
    prepared = source.prepared(states)
    z_cut = source.z_max(1e9)

    def sums(operation):
        part = slice(operation * n, (operation + 1) * n)
        channels = prepared.evaluate(part, part, z_cut)
        # modes of one pair that are nearly degenerate may mix: their sum is what counts
        strength = sum(c.strength for c in channels)
        shift = sum(c.shift for c in channels)
        return np.asarray(strength, dtype=float), np.asarray(shift, dtype=float)

    strength, shift = sums(0)
    apart = ~np.eye(n, dtype=bool)
    errors = []
    for g, (turn, sign) in enumerate(zip(operations.matrices, operations.signs, strict=True)):
        there, turned = sums(g)
        expected = sign * np.einsum("ab,bij->aij", turn, shift)
        errors.append(
            max(
                _relative(there[apart], strength[apart]),
                0.0 if sign == 0 else _relative(turned[:, apart], expected[:, apart]),
            )
        )
    return np.array(errors)


def _relative(x, y) -> float:
    size = float(np.sqrt(np.mean(y**2)))
    return float(np.sqrt(np.mean((x - y) ** 2))) / size if size > 0 else 0.0
