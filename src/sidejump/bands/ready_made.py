"""Observables that are asked for often, each with the rule by which it transforms.

    velocity       hbar v_a                                   eV angstrom   polar, odd under time reversal
    spin           s_c = sigma_c / 2                          hbar          axial, odd
    spin current   {hbar v_a, s_c} / 2                        eV angstrom   a polar and an axial direction, even
    orbital moment (r x v - v x r)_c m/2                      hbar          axial, odd
    torque         (s x 2b)_c = [s_c, b.sigma] / i            eV            axial, even

s and the current of spin are in units of hbar: a response of 1/8 pi to the force is a spin Hall conductivity of e/8 pi.
b is the exchange field of the model, ``b.sigma`` in H: the torque is what it does to the spin, per electron, and the
opposite of what the spin does to the magnetisation.

The orbital moment (the angular momentum, m the free electron's mass) takes the matrix elements of r between the bands
of the model, ``r_nm = i <n|dH|m> / (e_m - e_n) + A_nm``, none within a group of degenerate ones, as the orbital moment
of Bloch electrons does (Bhowal and Vignale, Phys. Rev. B 103, 195309 (2021)).

Not covered: the conserved current of spin (Shi et al., Phys. Rev. Lett. 96, 076604 (2006)), which holds the dipole of
the torque as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..errors import InputError
from ..units import HBAR2_OVER_2M
from .observables import AXES, VELOCITY, Observable, Rule, Velocity, require_in_plane
from .row_curvature import GUARD


def _spin(model, k) -> np.ndarray:
    """s = sigma / 2 in the basis of a model at k, shape (nk, 3, N, N)."""
    return 0.5 * np.asarray(model.spin_operator(k), dtype=complex)


def _require_spin(model, observable: Observable) -> None:
    if model.spin_operator(np.zeros((1, model.dimension))) is None:
        raise InputError(
            f"observable {observable.name}: the model has no spin matrices; give spin_ordering (Wannier functions that "
            "are spinors), spn (their matrices as they are), exchange or spin_orbit (data without spin), or spin= "
            "(models in Python)"
        )


@dataclass(frozen=True)
class Spin:
    """s = sigma / 2, in hbar."""

    ready_made: ClassVar[bool] = True

    def require(self, model, observable: Observable) -> None:
        """Refuse a model without spin."""
        _require_spin(model, observable)

    def __call__(self, model, k) -> np.ndarray:
        """Shape (n, 3, N, N)."""
        return _spin(model, k)


@dataclass(frozen=True)
class SpinCurrent:
    """``{hbar v_a, s_c} / 2``, the conventional current along a of spin along c: eV angstrom."""

    ready_made: ClassVar[bool] = True

    def require(self, model, observable: Observable) -> None:
        """Refuse a model without spin, and currents across a plane."""
        _require_spin(model, observable)
        require_in_plane(model, observable)

    def __call__(self, model, k) -> np.ndarray:
        """Shape (n, 3, 3, N, N): a, then c."""
        product = 0.5 * (Velocity()(model, k)[:, :, None] @ _spin(model, k)[:, None])
        return product + product.conj().swapaxes(-1, -2)

    def carried(self, model, k) -> np.ndarray:
        """What moves along each direction: see :meth:`Observable.carried`."""
        d, n = model.dimension, model.n_orbitals
        return np.einsum("ab,kcmn->kacbmn", np.eye(3)[:, :d], _spin(model, k)).reshape(len(k), 9, d, n, n)


@dataclass(frozen=True)
class Torque:
    """``[s_c, b.sigma] / i``: what the exchange field does to the spin of the electrons, eV."""

    ready_made: ClassVar[bool] = True

    def require(self, model, observable: Observable) -> None:
        """Refuse a model that does not say which part of H is its exchange field."""
        if model.spin is None or model.exchange_field is None:
            raise InputError(
                f"observable {observable.name}: the model does not say which part of its Hamiltonian is an exchange "
                "field; give zeeman or exchange in [electrons], or use model rashba_ferromagnet or luttinger"
            )

    def __call__(self, model, k) -> np.ndarray:
        """Shape (n, 3, N, N)."""
        spin = _spin(model, k)
        field = 2 * np.einsum("c,kcmn->kmn", np.asarray(model.exchange_field, dtype=float), spin)[:, None]
        return -1j * (spin @ field - field @ spin)


@dataclass(frozen=True)
class OrbitalMoment:
    """Angular momentum of the motion between the bands of a model, in hbar."""

    ready_made: ClassVar[bool] = True

    def require(self, model, observable: Observable) -> None:
        """Refuse one band, a plane for components in it, and a crystal without the position matrix."""
        if model.n_orbitals == 1:
            raise InputError(f"observable {observable.name}: a model with one band has no orbital moment")
        if model.dimension == 2 and observable.component != "z":
            raise InputError(
                f'observable {observable.name}: component = "{observable.component}": in two dimensions orbits lie in '
                'the plane; use "z"'
            )
        if model.cell is not None and model.position_matrix(np.zeros((1, model.dimension))) is None:
            raise InputError(
                f"observable {observable.name}: the model has no position matrix, which orbital moments are made of; "
                "use SEEDNAME_tb.dat (Wannier functions) or positions= (models in Python)"
            )

    def __call__(self, model, k) -> np.ndarray:
        """Shape (n, 3, N, N)."""
        energy, u = np.linalg.eigh(model.hamiltonian(k))
        bra, ket = np.conj(np.swapaxes(u, 1, 2))[:, None], u[:, None]
        v = bra @ Velocity()(model, k) @ ket
        gap = energy[:, None, None] - energy[:, None, :, None]  # e_m - e_n
        apart = np.abs(gap) >= GUARD
        r = np.where(apart, 1j * v / np.where(apart, gap, 1.0), 0.0)
        both = [r[:, a] @ v[:, b] - r[:, b] @ v[:, a] for a, b in ((1, 2), (2, 0), (0, 1))]
        moment = np.stack(both, axis=1)
        moment = 0.5 * (moment + np.conj(np.swapaxes(moment, 2, 3))) / (2 * HBAR2_OVER_2M)
        return ket @ moment @ bra


def velocity(component: str, name: str = "") -> Observable:
    """``hbar v`` along `component`: its response is the conductivity."""
    return Observable(name or f"velocity_{component}", Velocity(), "eV angstrom", VELOCITY, component, (1, ""))


def spin(component: str, name: str = "") -> Observable:
    """Density of the spin along `component`, in hbar (Edelstein effect)."""
    rule = Rule(1, axial=True, time_reversal=-1)
    return Observable(name or f"spin_{component}", Spin(), "hbar", rule, component)


def spin_current(component: str, name: str = "") -> Observable:
    """Current of spin, conventional definition: "yz" flows along y, its spin along z.

    Shown as the spin Hall conductivity ``j_a = sigma E_b`` in units of hbar/e times that of a conductivity, e > 0.
    """
    rule = Rule(2, axial=True)
    unit = "(hbar/e) "
    return Observable(name or f"spin_current_{component}", SpinCurrent(), "eV angstrom", rule, component, (-1, unit))


def torque(component: str, name: str = "") -> Observable:
    """Torque of the exchange field on the spin of the electrons, eV."""
    return Observable(name or f"torque_{component}", Torque(), "eV", Rule(1, axial=True), component)


def orbital_moment(component: str, name: str = "") -> Observable:
    """Orbital angular momentum along `component`, in hbar; the magnetic moment is its opposite in Bohr magnetons."""
    rule = Rule(1, axial=True, time_reversal=-1)
    return Observable(name or f"orbital_moment_{component}", OrbitalMoment(), "hbar", rule, component)


KINDS: dict[str, tuple[Callable[..., Observable], int]] = {
    "velocity": (velocity, 1),
    "spin": (spin, 1),
    "spin_current": (spin_current, 2),
    "torque": (torque, 1),
    "orbital_moment": (orbital_moment, 1),
}
"""By the name in an input file: what makes it, and how many letters a component has."""


def components(kind: str, dimension: int) -> tuple[str, ...]:
    """All components of a kind; currents flow in the plane of a layer."""
    _, rank = KINDS[kind]
    if kind == "orbital_moment" and dimension == 2:
        return ("z",)
    first = AXES[:dimension] if kind in ("velocity", "spin_current") else AXES
    return tuple(first) if rank == 1 else tuple(a + b for a in first for b in AXES)
