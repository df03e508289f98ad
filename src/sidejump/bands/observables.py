"""What else an electric field drives: the response of any Hermitian operator O(k).

The charge current is always computed.  An observable of one's own is one object of :class:`Observable`.  Its density
answers to the force F = -eE on the electrons, ``<O>_b = chi_b F_b``, with the parts of the velocity (eqs C41 to C50):

    chi_b = sum_l <O>_l (g^n_l,b + g^a_l,b) + sum_ll' P_ll' dO_ll' g^n_l,b + intrinsic,
    dO_ll' = - Im V_l'l^* (<u_l'|W|a_l> + <a_l'|W|u_l>),     |a_l> = sum_j |u_j> <u_j|O|u_l> / (e_l - e_j),

a_l in place of D_a u_l of the coordinate shift.  The intrinsic part is that of the Berry curvature with O in place of
one velocity (:mod:`sidejump.intrinsic.operator`).  With O the velocity along a these are sigma_ab.

Not covered: the real, off-shell part of the correction by scattering, which renormalises what is there without it; and
first-principles vertices.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError

_HERMITIAN = 1e-9  # of the largest element


@dataclass(frozen=True)
class Observable:
    """A Hermitian operator whose response to an electric field is asked for.

    Attributes
    ----------
    name : str
        In the result.
    operator : callable, ndarray of shape (N, N), or str
        ``operator(model, k)``, k (n, d) in 1/angstrom, gives Hermitian matrices (n, N, N) in the basis of the
        orbitals; or one matrix for all k; or "velocity_x", "velocity_y", "velocity_z": ``hbar`` times the velocity,
        eV angstrom.
    unit : str
        Of the operator.

    Examples
    --------
    The current of spin along y:

    >>> import sidejump as sj
    >>> def spin_current(model, k):
    ...     v = model.hamiltonian_gradient(k)[:, 1]
    ...     return 0.5 * (v @ sj.PAULI[2] + sj.PAULI[2] @ v)
    >>> sj.Observable("spin current", spin_current, "eV angstrom").name
    'spin current'
    """

    name: str
    operator: Callable[[Any, np.ndarray], np.ndarray] | np.ndarray | str
    unit: str = "1"

    def matrices(self, model, k) -> np.ndarray:
        """O at k (n, d): shape (n, N, N).

        Raises
        ------
        InputError
            If what the operator gives has another shape, is not finite or not Hermitian.
        """
        if isinstance(self.operator, str):
            return self._velocity(model, k)
        found = np.asarray(self.operator(model, k) if callable(self.operator) else self.operator, dtype=complex)
        shape = (len(k), model.n_orbitals, model.n_orbitals)
        if found.shape not in (shape, shape[1:]):
            raise InputError(f"observable {self.name}: matrices of shape {found.shape}, {shape} or {shape[1:]} needed")
        if not np.isfinite(found).all():
            raise InputError(f"observable {self.name}: the operator is not finite")
        off = np.abs(found - np.conj(np.swapaxes(found, -1, -2))).max(initial=0.0)
        if off > _HERMITIAN * np.abs(found).max(initial=0.0):
            raise InputError(f"observable {self.name}: not Hermitian by {off:.2g}; add the conjugate and halve")
        return np.broadcast_to(found, shape)

    def _velocity(self, model, k) -> np.ndarray:
        axis = {"velocity_x": 0, "velocity_y": 1, "velocity_z": 2}.get(str(self.operator), model.dimension)
        if axis >= model.dimension:
            names = ", ".join(f'"velocity_{x}"' for x in "xyz"[: model.dimension])
            raise InputError(
                f'observable {self.name}: operator = "{self.operator}": use {names}, a matrix or a function'
            )
        velocity, position = model.hamiltonian_gradient(k)[:, axis], model.position_matrix(k)
        if position is None:
            return velocity
        energy = model.hamiltonian(k)
        return velocity + 1j * (energy @ position[:, axis] - position[:, axis] @ energy)


def checked_observables(observables, model) -> tuple[Observable, ...]:
    """Those asked for, with names of their own and operators that fit the model.

    Raises
    ------
    InputError
    """
    observables = tuple(observables)
    for o in observables:
        if not isinstance(o, Observable):
            raise InputError(f"observables: {o!r} is none; give sidejump.Observable(name, operator, unit)")
        o.matrices(model, 0.37 * model.k_scale * np.ones((2, model.dimension)) * np.array([[1.0], [-0.6]]))
    names = [o.name for o in observables]
    if len(set(names)) < len(names):
        raise InputError(f"observables: names must differ, these are {', '.join(names)}")
    return observables
