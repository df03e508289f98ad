"""Operators within groups of degenerate states: whether members of a group differ in what is observed."""

from __future__ import annotations

import numpy as np

from .states import States

_ALIKE = 1e-6  # of the size of an operator: differences within groups that are rounding


def units(states: States) -> np.ndarray:
    """The unit matrices of groups, (S, 1, m, m)."""
    members = states.vectors.shape[1]
    filled = np.arange(members) < states.multiplicity[:, None]
    return np.eye(members) * filled[:, None, :, None]


def inside(states: States, matrices) -> np.ndarray:
    """Elements of operators (S, q, N, N) within groups, (S, q, m, m)."""
    u = states.vectors[:, None]
    return u.conj() @ matrices @ u.swapaxes(2, 3)


def unlike(states: States, matrices, within) -> np.ndarray:
    """Whether operators (S, q, N, N) differ within groups, where :func:`inside` found (S, q, m, m) of them: (q,)."""
    mean = np.trace(within, axis1=2, axis2=3) / states.multiplicity[:, None]
    rest = within - mean[..., None, None] * units(states)
    return np.linalg.norm(rest, axis=(2, 3)).max(axis=0) > _ALIKE * np.linalg.norm(matrices, axis=(2, 3)).max(axis=0)
