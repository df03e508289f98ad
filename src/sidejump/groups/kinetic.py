"""Which operations the whole kinetic problem obeys: those of the bands under which the rates stay the same as well."""

from __future__ import annotations

import numpy as np

from ..bands.states import States, shell_states
from .mean_square import root_mean_square
from .operations import Operations, exact_operations, identity, is_group

_SAMPLE = 12  # states of a shell whose pairs are compared
_NO_SHIFT = 1e-4  # angstrom: mean shifts far below are none
_ROUNDING = 32 * float(np.finfo(np.float32).eps)  # of |D_a u|: shifts that products in single precision leave
_ALLOWED = 1e-3  # difference of rates and shifts, rms relative to their rms, that counts as obeyed


def kinetic_operations(problem, search) -> tuple[Operations, float]:
    """Operations under which bands, rates and coordinate shifts do not change, and the largest violation left.

    Parameters
    ----------
    problem : Problem
    search : callable
        ``search(operations)`` gives a shell: irreducible points under operations that the bands obey. Some of their
        images are the states to compare.
    """
    operations = exact_operations(problem.model, energy=problem.mu)
    if len(operations) == 1:
        return operations, 0.0
    shell, rng = search(operations), np.random.default_rng(0)
    chosen = rng.choice(len(shell), min(_SAMPLE, len(shell)), replace=False)
    k, band = shell.k[chosen], shell.band[chosen]
    n = len(k)
    k = np.einsum("sab,sb->sa", operations.matrices[rng.integers(0, len(operations), n)], k)
    images = problem.momentum.first_zone(np.concatenate([k @ m.T for m in operations.matrices]))
    states = shell_states(problem.model, images, np.tile(band, len(operations)), problem.settings.degeneracy)
    errors = np.zeros((2, len(operations)))
    for source in problem.sources:
        errors = np.maximum(errors, _violations(source.exact(), states, n, operations))
    # the Berry curvature alone may leave the sign open
    possible = (errors < _ALLOWED) & (operations.signs * np.array([[1], [-1]]) >= 0)
    kept = possible.any(axis=0)
    result = Operations(operations.matrices[kept], (possible[0].astype(int) - possible[1])[kept])
    if not is_group(result):
        return identity(3), 0.0
    return result, float(np.where(possible, errors, 0.0).max())


def _violations(source, states: States, n: int, operations: Operations) -> np.ndarray:
    """How far rates and shifts between images differ from those between the states: shape (2, operations).

    The first row for shifts that only turn, the second for shifts that time reversal changes the sign of.
    """
    prepared = source.prepared(states)
    z_cut = source.z_max(1e9)
    apart = ~np.eye(n, dtype=bool)

    def sums(operation):
        part = slice(operation * n, (operation + 1) * n)
        channels = prepared.evaluate(part, part, z_cut)
        # modes of one pair that are nearly degenerate may mix: their sum is what counts
        totals = (sum(c.strength for c in channels), sum(c.strength * c.z for c in channels))
        strength, energy = (np.asarray(x, dtype=float)[apart] for x in totals)
        return strength, np.asarray(sum(c.shift for c in channels), dtype=float)[:, apart], energy

    strength, shift, energy = sums(0)
    size = root_mean_square(strength) or 1.0
    # Kramers pairs have no shift but for rounding, which is no violation
    least = max(_NO_SHIFT, _ROUNDING / _ALLOWED * root_mean_square(states.covariant[:, : operations.matrices.shape[1]]))
    length = root_mean_square(shift) + least * size
    errors = []
    for g, turn in enumerate(operations.matrices):
        there, turned, weighted = sums(g)
        rates = max(
            root_mean_square(there - strength) / size,
            root_mean_square(weighted - energy) / (root_mean_square(energy) or 1.0),
        )
        errors.append([max(rates, root_mean_square(turned - sign * turn @ shift) / length) for sign in (1, -1)])
    return np.array(errors).T
