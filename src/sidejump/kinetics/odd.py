"""Odd rates in the kinetic equation, to all orders: impurities of zero range with their T-matrix A + iB.

The rates ``w^a(l -> l') = -w^a(l' -> l) = -4 pi n Im <u|A|u'><u'|B|u>`` add to L an antisymmetric operator,

    (C g)_l = sum_l' w^a(l -> l') g_l' = -4 pi n w_l Im <u_l|A E B|u_l>,       E = sum_l' w_l' g_l' u_l' u_l'^+,

which is known by its products: E is a matrix between the orbitals.  L is even, C is odd, and the solution of
``(L + C) g = drive`` has a part of either kind,

    g_even = (1 - K^2)^-1 L^-1 drive,     g_odd = K g_even,     K = - L^-1 C.

K is antisymmetric where L is the scalar product, so that 1 - K^2 is symmetric there and at least one: conjugate
gradients converge.  Operations of a crystal turn even parts without the sign of time reversal, odd ones with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..bands.states import States
from ..errors import InputError
from ..interactions.point_impurity import PointKind
from ..pairs.sample import Sample, Surface

_MOST = 60
"""Steps to the even part."""


@dataclass(frozen=True)
class _Scattered:
    """A surface, its vectors, and the matrices A and B of each kind of impurities there."""

    surface: Surface
    vectors: np.ndarray
    matrices: list[tuple[np.ndarray, np.ndarray]]


class OddRates:
    """The operator C.

    Parameters
    ----------
    sample : Sample
    kinds : sequence of PointKind
    thermal : ndarray, shape (m,) or (S, n)
        Weights of the functions of the energy, or of the nodes of each point.
    functions : ndarray, shape (sides, m, n), or None
        As :func:`.response.kinetic_response` takes them.
    """

    def __init__(self, sample: Sample, kinds: Sequence[PointKind], thermal, functions):
        self._sample, self._functions = sample, functions
        s, n = sample.count, sample.energies
        self._measure = sample.weight * np.broadcast_to(thermal, (s, np.shape(thermal)[-1]))
        self._members = sample.states.multiplicity[: s * n].reshape(s, n)
        self._scattered: list[_Scattered] = []
        for surface in sample.surfaces():
            matrices = []
            for kind in kinds:
                dispersive, absorptive = (x[0] for x in kind.parts([surface.energy]))
                matrices.append((4 * np.pi * kind.coupling * dispersive, absorptive))
            self._scattered.append(_Scattered(surface, surface.everywhere.vectors.astype(complex), matrices))

    def __call__(self, g: np.ndarray, odd: bool) -> np.ndarray:
        """C g for g (S m, R), the response to drives that turn as currents do; `odd`: with the sign of time reversal
        beside, as parts that odd rates make."""
        d, s = g.shape[1], self._sample.count
        g = g.reshape(s, -1, d)
        functions = None if self._functions is None else self._functions[self._sample.side]
        if functions is not None:
            g = np.einsum("sfn,sfr->snr", functions, g)
        found = np.zeros_like(g)
        for some in self._scattered:
            surface = some.surface
            own, here = some.vectors[: surface.count], surface.of(g)
            each = [_applied(some, own, self._sample.everywhere(here[:, f], reverse=odd)) for f in range(here.shape[1])]
            found[surface.points, surface.nodes] = np.stack(each, axis=1)
        found *= (self._measure / self._members)[:, :, None]
        if functions is not None:
            found = np.einsum("sfn,snr->sfr", functions, found)
        return found.reshape(-1, d)

    def on(self, states: States, g: np.ndarray, odd: bool) -> np.ndarray:
        """C g at other states (P) of the surface that all energies share, over their weights, (P, m, R), for g (S, m,
        R) on its own points."""
        [some], members = self._scattered, states.multiplicity[:, None]
        each = [
            _applied(some, states.vectors, self._sample.everywhere(g[:, f], reverse=odd)) for f in range(g.shape[1])
        ]
        return np.stack([part / members for part in each], axis=1)


def _applied(some: _Scattered, own: np.ndarray, g: np.ndarray) -> np.ndarray:
    """``-4 pi n Im <u|A E B|u>`` summed over the members of states `own` (P, members, N), shape (P, R), for g of all
    points and images of a surface, shape (S, R)."""
    _, members, orbitals = some.vectors.shape
    u, found = some.vectors.reshape(-1, orbitals), np.empty((len(own), g.shape[1]))
    for a, column in enumerate(g.T):
        weighted = u * np.repeat(some.surface.all_weights * column, members)[:, None]
        matrix = weighted.T @ u.conj()
        middle = sum(x @ matrix @ y for x, y in some.matrices)
        found[:, a] = -np.einsum("smi,smi->s", own.conj(), own @ middle.T).imag
    return found


def even_and_odd(
    first: np.ndarray,
    drive: np.ndarray,
    rates: Callable,
    solved: Callable,
    tolerance: float,
    sets: Sequence[np.ndarray],
    *,
    odd: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Parts of the solution of ``(L + C) g = drive``.

    Parameters
    ----------
    first : ndarray, shape (N, R)
        ``L^-1 drive``.
    drive : ndarray, shape (N, R)
    rates : callable
        ``rates(g, odd)``: C g, where g is odd or not, see :class:`OddRates`.
    solved : callable
        ``solved(b, odd)``: L^-1 b, where b is odd or not.
    tolerance : float
        Relative residual.
    sets : sequence of ndarray
        Columns of the drives, a row (c,) for those that are one vector; of all columns.
    odd : bool
        Whether `drive` is odd, as what drives the side jump of the distribution; the parts are then those of the kind
        of `drive` first.

    Returns
    -------
    same, other : ndarray, shape (N, R)
        The part of the kind of `drive`, and that of the other kind.
    """
    of_vector, vectors = np.zeros(first.shape[1], dtype=int), 0
    for columns in sets:
        of_vector[columns] = vectors + np.arange(len(columns))[:, None]
        vectors += len(columns)

    def product(a, b):
        return np.bincount(of_vector, (a * b).sum(axis=0), vectors)[of_vector]

    def turned(x, kind):
        """K x, and C x."""
        pushed = rates(x, kind)
        return -solved(pushed, not kind), pushed

    # conjugate gradients in the scalar product of L for (1 - K^2) x = first, with L x carried along, of all drives
    # side by side
    def applied(x, lx):
        other, _ = turned(x, odd)
        again, pushed = turned(other, not odd)
        return x - again, lx + pushed, other

    x, lx = first.copy(), drive.copy()
    change, lchange, other = applied(x, lx)
    rest, lrest = first - change, drive - lchange
    goal = tolerance**2 * product(first, drive)
    direction, ldirection, square = rest, lrest, product(rest, lrest)
    for _ in range(_MOST):
        active = square > goal  # what is there stays
        if not active.any():
            break
        change, lchange, moved = applied(direction, ldirection)
        step = np.where(active, square / np.where(active, product(direction, lchange), 1.0), 0.0)
        x, other = x + step * direction, other + step * moved
        rest, lrest = rest - step * change, lrest - step * lchange
        before, square = square, np.where(active, product(rest, lrest), square)
        ratio = np.where(active, square / np.where(active, before, 1.0), 0.0)
        direction, ldirection = rest + ratio * direction, lrest + ratio * ldirection
    else:
        raise InputError(
            f"odd rates of impurities: their equation is not solved after {_MOST} steps; scattering is far more to one "
            "side than to the other, or a cutoff, strength or density is wrong"
        )
    return x, other
