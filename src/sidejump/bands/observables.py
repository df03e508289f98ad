"""What else an electric field drives: the response of any Hermitian operator O(k).

The charge current is always computed.  An observable of one's own is one object of :class:`Observable`; ready-made ones
are in :mod:`.ready_made`.  Its density answers to the force F = -eE on the electrons, ``<O>_b = chi_b F_b``, with the
parts of the velocity (eqs C41 to C50):

    chi_b = sum_l <O>_l (g^n_l,b + g^a_l,b) + sum_ll' P_ll' dO_ll' g^n_l,b + intrinsic,
    dO_ll' = - Im V_l'l^* (<u_l'|W|a_l> + <a_l'|W|u_l>),     |a_l> = sum_j |u_j> <u_j|O|u_l> / (e_l - e_j),

a_l in place of D_a u_l of the coordinate shift.  The intrinsic part is that of the Berry curvature with O in place of
one velocity (:mod:`sidejump.intrinsic.operator`).  With O the velocity along a these are sigma_ab.

Under an operation S of the crystal, and t = 1 or, with time reversal, -1, the components of O turn by a :class:`Rule`.

Not covered: the off-shell part of the correction by scattering, which renormalises what is there without it; bands
outside of the model, which the position matrix of Wannier functions knows of and O does not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..errors import InputError
from ..notebook import card
from ..rules import require_finite

_HERMITIAN = 1e-9  # of the largest element
AXES = "xyz"


@dataclass(frozen=True)
class Rule:
    """How the components of an observable transform under the operations of a crystal.

    With S (proper or not) they turn as a tensor, ``O -> det(S)^axial S x ... x S O``; time reversal multiplies them
    with `time_reversal`.

    Attributes
    ----------
    rank : int
        0 for one number, 1 for a vector, 2 for what has two directions.
    axial : bool
        Whether inversion gives the sign that a product of `rank` polar vectors has not.
    time_reversal : {1, -1}

    Examples
    --------
    The velocity, the spin, and the current of spin:

    >>> import sidejump as sj
    >>> rules = sj.Rule(1, time_reversal=-1), sj.Rule(1, axial=True, time_reversal=-1), sj.Rule(2, axial=True)
    >>> sj.velocity("x").rule == rules[0], sj.spin("x").rule == rules[1], sj.spin_current("xz").rule == rules[2]
    (True, True, True)
    """

    rank: int
    axial: bool = False
    time_reversal: int = 1

    def __post_init__(self):
        if type(self.rank) is not int or not 0 <= self.rank <= 3:
            raise InputError(f"rule: rank = {self.rank!r}: give 0, 1, 2 or 3, the number of directions of the operator")
        if self.time_reversal not in (1, -1):
            raise InputError(f"rule: time_reversal = {self.time_reversal!r}: give 1 or -1, the sign it brings")

    def turns(self, rotations) -> np.ndarray:
        """``det(S)^axial S x ... x S`` of operations S (n, 3, 3): shape (n, 3^rank, 3^rank)."""
        rotations = np.asarray(rotations, dtype=float)
        found = np.linalg.det(rotations)[:, None, None] if self.axial else np.ones((len(rotations), 1, 1))
        for _ in range(self.rank):
            size = found.shape[1] * 3
            found = np.einsum("nab,ncd->nacbd", found, rotations).reshape(len(rotations), size, size)
        return found

    @property
    def odd(self) -> bool:
        """Whether the sign of time reversal is left over where operations are written as they act on k.

        With M = -S for an operation with time reversal, ``O(Mk) = s^odd det(M)^axial M x ... x M O(k)``, s = -1.
        """
        return bool((self.rank + self.axial + (self.time_reversal < 0)) % 2)


VELOCITY, SPIN = Rule(1, time_reversal=-1), Rule(1, axial=True, time_reversal=-1)


@dataclass(frozen=True)
class Velocity:
    """``hbar v``, of the bands of the model: eV angstrom."""

    ready_made: ClassVar[bool] = True

    def __call__(self, model, k) -> np.ndarray:
        """Shape (n, 3, N, N); zero across a plane."""
        gradient, position = model.hamiltonian_gradient(k), model.position_matrix(k)
        if position is not None:
            energy = model.hamiltonian(k)[:, None]
            gradient = gradient + 1j * (energy @ position - position @ energy)
        return np.pad(gradient, [(0, 0), (0, 3 - model.dimension), (0, 0), (0, 0)])

    def carried(self, model, k) -> np.ndarray:
        """What moves along each direction: see :meth:`Observable.carried`."""
        moves = np.eye(3)[:, : model.dimension, None, None]
        whole = moves * np.eye(model.n_orbitals, dtype=complex)
        return np.broadcast_to(whole, (len(k), *whole.shape))


@dataclass(frozen=True, eq=False)
class Observable:
    """A Hermitian operator whose response to an electric field is asked for.

    Attributes
    ----------
    name : str
        In the result.
    operator : callable, ndarray of shape (N, N), or str
        ``operator(model, k)``, k (n, d) in 1/angstrom, gives Hermitian matrices (n, N, N) in the basis of the
        orbitals, with a rule of rank p all components, (n, 3, ..., 3, N, N); or matrices between orbitals, those of
        different sites at their nearest images (:mod:`.lattice_operator`); or "velocity_x", "velocity_y", "velocity_z":
        ``hbar`` times the velocity, eV angstrom.
    unit : str
        Of the operator.
    rule : Rule, optional
        How it transforms. Without one the symmetry of a crystal is not used to reduce its points.
    component : str
        Which one is meant, one axis for each direction: "yz" of rank 2.
    conductivity : (int, str), optional
        Of what flows: its response times this sign, in the unit of the conductivity after this word, is what is shown.

    Examples
    --------
    The current along y of spin along z:

    >>> import sidejump as sj
    >>> def spin_current(model, k):
    ...     v = model.hamiltonian_gradient(k)[:, 1]
    ...     return 0.5 * (v @ sj.PAULI[2] + sj.PAULI[2] @ v)
    >>> sj.Observable("spin current", spin_current, "eV angstrom").name
    'spin current'

    The same, ready-made, with its rule: ``sj.spin_current("yz")``.
    """

    name: str
    operator: Callable[[Any, np.ndarray], np.ndarray] | np.ndarray | str
    unit: str = "1"
    rule: Rule | None = None
    component: str = ""
    conductivity: tuple[int, str] | None = None

    def _repr_html_(self) -> str:
        rule = "none: the symmetry of a crystal is not used" if self.rule is None else self.rule
        return card(f"Observable {self.name}", {"unit": self.unit, "component": self.component or "-", "rule": rule})

    def __post_init__(self):
        if isinstance(self.operator, str):
            word, _, axis = self.operator.partition("_")
            if word != "velocity" or axis not in tuple(AXES):
                names = ", ".join(f'"velocity_{x}"' for x in AXES)
                raise InputError(
                    f'observable {self.name}: operator = "{self.operator}": use {names}, a matrix or a function'
                )
            for key, value in (("operator", Velocity()), ("rule", VELOCITY), ("component", axis)):
                object.__setattr__(self, key, value)
        if self.rule is not None and not isinstance(self.rule, Rule):
            raise InputError(f"observable {self.name}: rule = {self.rule!r}: give sidejump.Rule(rank, ...)")
        rank = 0 if self.rule is None else self.rule.rank
        if len(self.component) != rank or set(self.component) - set(AXES):
            wanted = f"{rank} of the letters x, y, z" if rank else "none: the operator has no direction"
            raise InputError(f'observable {self.name}: component = "{self.component}": give {wanted}')

    @property
    def ready_made(self) -> bool:
        """Whether operator and rule are those of the program."""
        return bool(getattr(self.operator, "ready_made", False))

    @property
    def place(self) -> int:
        """Of the component among all."""
        found = 0
        for axis in self.component:
            found = 3 * found + AXES.index(axis)
        return found

    def same_tensor(self, other: Observable) -> bool:
        """Whether both are components of one tensor."""
        plain = isinstance(self.operator, np.ndarray) or isinstance(other.operator, np.ndarray)
        same = self.operator is other.operator or (not plain and self.operator == other.operator)
        return bool(same and self.rule == other.rule)

    def tensor(self, model, k) -> np.ndarray:
        """All components of O at k (n, d): shape (n, 3^rank, N, N).

        Raises
        ------
        InputError
            If what the operator gives has another shape, is not finite or not Hermitian.
        """
        operator: Any = self.operator
        rank, n = 0 if self.rule is None else self.rule.rank, model.n_orbitals
        found = np.asarray(operator(model, k) if callable(operator) else operator, dtype=complex)
        require_finite(found, f"observable {self.name}: the operator")
        if not callable(operator) and found.shape[-2:] == (n, n):
            found = model.lattice_operator(found)(k)
        shape = (len(k), *(3,) * rank, n, n)
        if found.shape not in (shape, shape[1:]):
            raise InputError(f"observable {self.name}: matrices of shape {found.shape}, {shape} or {shape[1:]} needed")
        off = np.abs(found - np.conj(np.swapaxes(found, -1, -2))).max(initial=0.0)
        if off > _HERMITIAN * np.abs(found).max(initial=0.0):
            raise InputError(f"observable {self.name}: not Hermitian by {off:.2g}; add the conjugate and halve")
        return np.broadcast_to(found, shape).reshape(len(k), 3**rank, n, n)

    def carried(self, model, k) -> np.ndarray | None:
        """X of ``O = {v_a, X_a} / 2``, summed over a, at k (n, d): (n, 3^rank, d, N, N); None of what is no flow.

        A vertex W that does not commute with the position r, as of first-principles coupling, is part of the velocity,
        and adds ``i [X_a r_a, W]`` to such an O.
        """
        found = getattr(self.operator, "carried", None)
        return None if found is None else found(model, k)

    def matrices(self, model, k) -> np.ndarray:
        """The component that is meant, at k (n, d): shape (n, N, N)."""
        return self.tensor(model, k)[:, self.place]


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
        require = getattr(o.operator, "require", None)
        if require is not None:
            require(model, o)
        o.matrices(model, 0.37 * model.k_scale * np.ones((2, model.dimension)) * np.array([[1.0], [-0.6]]))
        if isinstance(o.operator, Velocity):
            require_in_plane(model, o)
    names = [o.name for o in observables]
    if len(set(names)) < len(names):
        raise InputError(f"observables: names must differ, these are {', '.join(names)}")
    return observables


def require_in_plane(model, observable: Observable) -> None:
    """Refuse what flows across a plane: the first axis of a component is that of a velocity.

    Raises
    ------
    InputError
    """
    if AXES.index(observable.component[0]) >= model.dimension:
        raise InputError(
            f'observable {observable.name}: component = "{observable.component}": nothing flows along z in two '
            "dimensions; the first letter is x or y"
        )
