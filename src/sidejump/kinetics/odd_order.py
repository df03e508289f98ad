"""What odd rates of zero-range impurities add at the order n^0, beside the 1/n of skew scattering (S8 to S11).

With ``T = A + iB``, E(g) = sum_l w_l g_l u_l u_l^+ and the even and odd distributions g and h of the field,

    s(X) = n (A X A + B X B),                    t(X) = i n (B X A - A X B),
    S_l(g) = s(E(g)) - g_l s(E(1)),              N_l(g) = t(E(g)) - g_l t(E(1)),

collisions scatter ``D+ + D-`` into a point, as a matrix between the bands, D+ = S(g) + N(h), D- = S(h) + N(g).  Of the
responses that are odd in the number of odd rates:

* on the energy shell the symmetric shift with h, and the squares of D+ and D-, beyond S(g) and its square, which side
  jump and Gaussian part have (:mod:`.skew`);
* off it, ``p = s(E(g)) + t(E(h))`` and ``q = s(E(h)) + t(E(g))`` in two Green functions at one k
  (:mod:`..interactions.green_pairs`): of a third band, and of all states that are not on the shell;
* the width of all states in the T-matrix itself, ``dT = T K[i n B] T``, whose rates are odd as well.

Bands are those with the mean potential n A.  Of impurities alone: what other scatterers do together with odd rates is
left out.  Of the power that the field spends impurities take, with the elements of S and N within the bands,

    - 2 pi sum_l w_l g_l <u_l|S_l(g) + N_l(h)|u_l>,

all of it where nothing else scatters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..bands.observables import Velocity
from ..interactions.green_pairs import green_pairs
from ..interactions.point_impurity import PointKind
from ..interactions.single_impurity import PointPotential
from ..pairs.sample import Sample, Surface


@dataclass(frozen=True)
class _Kind:
    """Impurities of one kind at an energy: their density, angstrom^-d, and A and B, eV angstrom^d, (N, N)."""

    density: float
    dispersive: np.ndarray
    absorptive: np.ndarray

    def even(self, x) -> np.ndarray:
        """s of matrices (..., N, N)."""
        return self.density * (self.dispersive @ x @ self.dispersive + self.absorptive @ x @ self.absorptive)

    def odd(self, x) -> np.ndarray:
        """t of the same."""
        found = self.absorptive @ x @ self.dispersive - self.dispersive @ x @ self.absorptive
        return 1j * self.density * found


@dataclass(frozen=True)
class _Distribution:
    """That of R responses on a surface, for one function of the energy.

    Attributes
    ----------
    surface : Surface
        Of L points, K states with their images.
    even, odd, all_even, all_odd : (L, R), (K, R)
        g and h.
    thermal : float
    """

    surface: Surface
    even: np.ndarray
    odd: np.ndarray
    all_even: np.ndarray
    all_odd: np.ndarray
    thermal: float

    def sums(self, values) -> np.ndarray:
        """E of values (K, R): shape (R, N, N)."""
        u = self.surface.everywhere.vectors
        return np.einsum("k,kr,kmi,kmj->rij", self.surface.all_weights, values, u, u.conj(), optimize=True)

    def power(self, d: int) -> float:
        """``sum_l w_l g_l v_l`` over the directions of the field."""
        own = self.surface.own
        weight = self.surface.weight * own.multiplicity
        return float(np.einsum("l,la,la->", weight, self.even[:, :d], own.velocity))

    @cached_property
    def both_sums(self) -> tuple[np.ndarray, np.ndarray]:
        """E of g and of h."""
        return self.sums(self.all_even), self.sums(self.all_odd)


@dataclass(frozen=True)
class OddOrderZero:
    """What odd rates add at the order n^0.

    Attributes
    ----------
    response : ndarray, shape (R, d)
        Of rows to a field along each direction, ``e^2/hbar angstrom^(2-d)``.
    mesh_step : ndarray, shape (R, d)
        What the last mesh of the integrals over all states added to it.
    share : float
        Of the power that the field spends, what goes to these impurities: their share in the resistance.
    """

    response: np.ndarray
    mesh_step: np.ndarray
    share: float


def odd_order_zero(model, sample: Sample, kinds: Sequence[PointKind], even, odd, thermal_weight, rows) -> OddOrderZero:
    """The response of R rows to a field along each direction.

    Parameters
    ----------
    model : ElectronModel
    sample : Sample
    kinds : sequence of PointKind
        Of one cut-off, if they have any.
    even, odd : ndarray, shape (S, m, R)
        Parts of the distribution.
    thermal_weight : ndarray, shape (S, m)
    rows : Multiplets
        Observables, the rows after the d directions of the current.
    """
    d = sample.velocity.shape[-1]
    distributions = list(_distributions(sample, even, odd, thermal_weight))
    energies = np.array([some.surface.energy for some in distributions])
    different, which = np.unique(energies, return_inverse=True)
    # of the velocity it is the integral of a derivative: what a cut-off leaves of it is none of the current
    moves = [isinstance(rows.tensors[part.tensor].operator, Velocity) for part in rows.parts]
    asked = [(rows.tensors[p.tensor], p.basis) for p, its in zip(rows.parts, moves, strict=True) if not its]
    still = d + np.flatnonzero(~np.repeat(moves, [len(part.basis) for part in rows.parts]).astype(bool))
    together = _together(kinds)
    integrals, step = green_pairs(together, different, asked)
    total, moved = np.zeros((2, even.shape[2], d))
    taken = spent = 0.0
    for some, i in zip(distributions, which.ravel(), strict=True):
        here = [_Kind(k.density, *(k.amplitude * part[0] for part in k.parts([different[i]]))) for k in kinds]
        found, power = _on_shell(model, some, here, d)
        total += some.thermal * found
        taken += some.thermal * power
        spent += some.thermal * some.power(d)
        for what, of in ((total, integrals), (moved, step)):  # linear in the integrals
            off, across = _off_shell(some, here, together.orbitals, of.tensor[i], d)
            off[still] += np.einsum("aij,bji->ab", of.operators[i], across[:d]).real
            what += some.thermal * off
    return OddOrderZero(total, moved, taken / spent)


def _distributions(sample: Sample, even, odd, thermal) -> Iterator[_Distribution]:
    for surface in sample.surfaces():
        for f, weight in enumerate(surface.of(thermal)[0]):
            g, h = surface.of(even)[:, f], surface.of(odd)[:, f]
            images = sample.everywhere(g), sample.everywhere(h, reverse=True)
            yield _Distribution(surface, g, h, *images, float(weight))


def _together(kinds: Sequence[PointKind]) -> PointPotential:
    """The orbitals that impurities of any kind act on."""
    orbitals = tuple(sorted({o for kind in kinds for o in kind.potential.orbitals}))
    return replace(kinds[0].potential, orbitals=orbitals)


def _on_shell(model, some: _Distribution, kinds: Sequence[_Kind], d: int) -> tuple[np.ndarray, float]:
    """What is on the energy shell, (R, d), and the power that impurities take."""
    sums = dict(zip("gh", some.both_sums, strict=True))
    [rho] = some.sums(np.ones((len(some.all_even), 1)))
    own, weight = some.surface.own, some.surface.weight
    # all bands at each point, those of the group left out
    energies, vectors = np.linalg.eigh(model.hamiltonian(own.k))
    inside = (np.abs(own.vectors.conj() @ vectors) ** 2).sum(axis=1) > 0.5
    gap = own.energy[:, None] - energies
    inverse = np.where(inside, 0.0, 1 / np.where(inside, 1.0, gap))

    def applied(name, values, parity):
        """S or N of a distribution on u: (R, L, m, N)."""
        made = sum(getattr(kind, parity)(sums[name]) for kind in kinds)
        lost = sum(getattr(kind, parity)(rho) for kind in kinds)
        turned = np.einsum("rij,kmj->rkmi", made, own.vectors, optimize=True)
        return turned - values.T[:, :, None, None] * (own.vectors @ lost.T)

    g, h = some.even, some.odd
    usual, symmetric = applied("g", g, "even"), applied("h", h, "odd")
    unlike = applied("h", h, "even") + applied("g", g, "odd")
    # the shift of each row with h, and what it does to the distribution
    shift = 2 * np.pi * np.einsum("l,blmi,lami->ab", weight, symmetric.conj(), own.covariant, optimize=True).imag
    found = shift[:, :d] - shift[:d, :].T

    def square(x):
        between = np.einsum("lin,rlmi->rlmn", vectors.conj(), x, optimize=True)
        weights = inverse * weight[:, None]
        return np.einsum("almn,blmn,ln->ab", between.conj(), between[:d], weights, optimize=True).imag

    squares = square(usual + symmetric) - square(usual) - square(unlike)
    within = np.einsum("lmi,rlmi->lr", own.vectors.conj(), (usual + symmetric)[:d], optimize=True).real
    power = -2 * np.pi * np.einsum("l,la,la->", weight, g[:, :d], within)
    return found - (2 * np.pi) ** 2 * squares, float(power)


def _off_shell(some: _Distribution, kinds: Sequence[_Kind], orbitals, tensor, d: int) -> tuple[np.ndarray, np.ndarray]:
    """What goes through all states, (R, d), and q (R, n, n)."""
    at = np.ix_(orbitals, orbitals)
    g, h = some.both_sums
    p, q = (np.sum([k.even(x) + k.odd(y) for k in kinds], axis=0)[:, at[0], at[1]] for x, y in ((g, h), (h, g)))

    def pairs(x):
        """K of matrices (..., n, n)."""
        return np.einsum("ijkl,...jk->...il", tensor, x, optimize=True)

    def trace(x, y):
        return np.einsum("aij,bji->ab", x, y).real

    found = 2 * np.pi * (trace(p, pairs(q[:d])) - trace(q, pairs(p[:d])))
    # the widths of all states in T
    width = np.zeros_like(kinds[0].dispersive)
    width[at] = pairs(np.sum([1j * k.density * k.absorptive for k in kinds], axis=0)[at])
    both = some.all_even[:, :, None] * some.all_odd[:, None, :d]
    both = both - some.all_odd[:, :, None] * some.all_even[:, None, :d]
    between = some.sums(both.reshape(len(both), -1))
    for kind in kinds:
        t = kind.dispersive + 1j * kind.absorptive
        dt = t @ width @ t
        a, b = 0.5 * (dt + dt.conj().T), -0.5j * (dt - dt.conj().T)
        varied = [_Kind(kind.density, kind.dispersive + x * a, kind.absorptive + x * b) for x in (0.5, -0.5)]

        def even(x, varied=varied):
            return varied[0].even(x) - varied[1].even(x)

        def uneven(x, varied=varied):
            return varied[0].odd(x) - varied[1].odd(x)

        found += 2 * np.pi * (trace(g, even(h[:d]) + uneven(g[:d])) - trace(h, even(g[:d]) + uneven(h[:d])))
        found += 2 * kind.density * np.einsum("rij,ji->r", between, b).real.reshape(found.shape)
    return found, q
