"""Band edges next to the chemical potential: where the carriers of a semiconductor are."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit

from ..bands.extent import enclosing_half_width
from ..bands.remembered import remembered
from ..bands.states import band_energies
from ..errors import InputError
from ..units import KB
from .simplex import band_minima

REACH = 30.0
"""Distance of a band edge from the chemical potential, in kT, beyond which it has no carriers."""

_CLOSE, _INSIDE = 1.5, 2.0  # kT from an edge: closer shells are too small to start from; where to start instead
_NARROW = 0.25  # of the width of a band: half-way there may be a saddle
_RANDOM = 4000  # k points
_DECADE = 24  # radii
_RAYS = 24  # of the samples of a k.p model
_TRIALS = 8  # searches for each edge, in parts of k space of their own


@dataclass(frozen=True)
class Carriers:
    """Where the shells of a temperature are.

    Attributes
    ----------
    energy : float   of the shell the others are carried from, eV
    edge : float     of the bands that hold the carriers, eV; -inf or inf where none is near
    """

    energy: float
    edge: float


@dataclass(frozen=True)
class Edges:
    """Of the bands at the chemical potential (`inside`), or else of the gap around it.

    Attributes
    ----------
    inside : bool
    lower, upper : float
        Inside: lowest and highest energy that every band there reaches. In a gap: top of the bands below, bottom of
        the bands above. Infinite where there is none.
    lowest, highest : float
        Inside: lowest and highest energy that any band there reaches. In a gap: as `lower` and `upper`.
    below, above : (float, float)
        Of the bands on the other side of a gap below or above those at the chemical potential, or of the gap around
        it: the edge next to the gap, and where the band of this edge ends. Infinite where there are none, or no gap.
    """

    inside: bool
    lower: float
    upper: float
    lowest: float
    highest: float
    below: tuple[float, float] = (-np.inf, -np.inf)
    above: tuple[float, float] = (np.inf, np.inf)

    def distance(self, mu: float) -> float:
        """From `mu` in a gap to the nearer edge, eV."""
        return min(self.upper - mu, mu - self.lower)

    @property
    def outermost(self) -> Edges:
        """Beyond these all bands at the chemical potential have ended."""
        return replace(self, lower=self.lowest, upper=self.highest)


def sample(model, reach: float) -> np.ndarray:
    """k points on which bands are looked at: random ones and the corners k = -k of a crystal, rays of a k.p model.

    The rays go from far inside the model's own scale to far beyond `reach`, the |k| (1/angstrom) of its shells.
    """
    d = model.dimension
    generator = np.random.default_rng(0)
    if model.cell is not None:
        corners = np.stack(np.meshgrid(*[[0.0, 0.5]] * d, indexing="ij"), axis=-1).reshape(-1, d)
        return np.concatenate([corners, generator.random((_RANDOM, d))]) @ model.zone_axes
    rays = generator.normal(size=(_RAYS, d))
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    first, last = 1e-3 * min(model.k_scale, reach), 1e2 * max(model.k_scale, reach)
    radii = np.geomspace(first, last, 1 + int(np.ceil(_DECADE * np.log10(last / first))))
    radii = np.concatenate([[0.0], radii])
    return (radii[:, None, None] * rays).reshape(-1, d)


def sample_at(model, energy: float) -> np.ndarray:
    """The same as far as the shells of a model at an energy (eV) lie."""
    return sample(model, 0.0 if model.cell is not None else enclosing_half_width(model, energy))


@remembered
def nearest_edges(model, mu: float) -> Edges:
    """Edges around the chemical potential `mu` (eV)."""
    k = sample_at(model, mu)
    energies = band_energies(model, k)
    low, high = energies.min(axis=0), energies.max(axis=0)
    # a pocket may hide between the samples: the two bands next to the gap are followed to their ends
    upper, lower = np.flatnonzero(low > mu)[:1], np.flatnonzero(high < mu)[-1:]
    followed = extrema(model, k, energies, [*upper, *lower], [1] * len(upper) + [-1] * len(lower))
    low[upper], high[lower] = followed[: len(upper)], followed[len(upper) :]
    inside = (low <= mu) & (high >= mu)
    below, above = (-np.inf, -np.inf), (np.inf, np.inf)
    if (high < mu).any():
        band = int(np.argmax(np.where(high < mu, high, -np.inf)))
        below = float(high[band]), float(low[band])
    if (low > mu).any():
        band = int(np.argmin(np.where(low > mu, low, np.inf)))
        above = float(low[band]), float(high[band])
    if not inside.any():
        return Edges(False, below[0], above[0], below[0], above[0], below, above)
    bands = np.flatnonzero(inside)
    bottoms, tops = (x.tolist() for x in ends(model, k, energies, bands))
    if below[0] > min(bottoms):
        below = (-np.inf, -np.inf)
    if above[0] < max(tops):
        above = (np.inf, np.inf)
    return Edges(True, max(bottoms), min(tops), min(bottoms), max(tops), below, above)


def ends(model, k, energies, bands) -> tuple[np.ndarray, np.ndarray]:
    """Bottoms and tops of bands, eV, as :func:`extrema` finds them, all at once."""
    found = extrema(model, k, energies, [*bands, *bands], [1] * len(bands) + [-1] * len(bands))
    return found[: len(bands)], found[len(bands) :]


def extrema(model, k, energies, bands, signs) -> np.ndarray:
    """Minima (sign 1) and maxima (-1) of bands, eV, from the best of the samples k with `energies` in several parts of
    k space: next to one valley there may be many samples better than all of a deeper one that is narrow.

    Of a band of a k.p model that goes on beyond the samples, far from its shells, their best is as good as any.
    """
    bands, signs = np.asarray(bands, dtype=int), np.asarray(signs, dtype=int)
    if not len(bands):
        return np.zeros(0)
    value = signs * energies[:, bands]  # (samples, n)
    best = _best_of_parts(model, k, value)
    found = value[best[:, 0], np.arange(len(bands))]
    if model.cell is not None:
        edge = np.linalg.norm(model.zone_axes, axis=1).min() / _RANDOM ** (1 / model.dimension)
        followed, steps = np.arange(len(bands)), np.full(len(bands), edge)
    else:  # rays: the radial distance of neighbours, or the model's own scale at the centre
        radii = np.linalg.norm(k, axis=1)
        steps = np.where(radii[best[:, 0]] > 0, 0.1 * radii[best[:, 0]], 1e-2 * model.k_scale)
        followed = np.flatnonzero(radii[best[:, 0]] < (1 - 1e-9) * radii.max())
    if len(followed):
        each = np.repeat(followed, best.shape[1])
        _, lowest = descend(model, k[best[followed].ravel()], bands[each], signs[each], steps[each])
        found[followed] = np.minimum(found[followed], lowest.reshape(len(followed), -1).min(axis=1))
    return signs * found


def _best_of_parts(model, k, values) -> np.ndarray:
    """Places of the best samples of each column of `values` (samples, n), the best first, each of another part of k
    space: rays of a k.p model, octants of the cell of a crystal; shape (n, trials)."""
    if model.cell is None:
        part = np.arange(len(k)) % _RAYS
    else:
        octants = (k @ np.linalg.inv(model.zone_axes)) % 1.0 >= 0.5
        part = octants @ (1 << np.arange(model.dimension))
    order = np.argsort(values, axis=0)
    firsts = [[column[np.argmax(part[column] == p)] for p in np.unique(part)] for column in order.T]
    return np.array(
        [sorted(some, key=lambda i: column[i])[:_TRIALS] for some, column in zip(firsts, values.T, strict=True)]
    )


def descend(model, starts, bands, signs, steps) -> tuple[np.ndarray, np.ndarray]:
    """Places (n, d) of the minima of `signs` times the energy of bands that are next to starts (n, d), and values."""
    return band_minima(model, starts, bands, signs, steps, within=1e-6, flat=1e-9, evaluations=400)


def carriers(edges: Edges, mu: float, kt: float) -> Carriers:
    """The shell to start from at kT (eV).

    Raises
    ------
    InputError
        If no band comes within reach.
    """
    if edges.inside:
        below, above = (mu - edges.lower) / kt, (edges.upper - mu) / kt
        if below < _CLOSE and below < above:
            return Carriers(min(edges.lower + _INSIDE * kt, 0.5 * (edges.lower + edges.upper)), edges.lower)
        if above < _CLOSE and above < below:
            return Carriers(max(edges.upper - _INSIDE * kt, 0.5 * (edges.lower + edges.upper)), edges.upper)
        return Carriers(mu, edges.lower if below < above else edges.upper)
    sign = 1 if edges.upper - mu < mu - edges.lower else -1
    edge = edges.upper if sign > 0 else edges.lower
    if not edges.distance(mu) < REACH * kt:
        nearest = "no band is near" if not np.isfinite(edge) else f"the nearest band edge is at {edge:.6g} eV"
        raise InputError(
            f"no electronic state at the chemical potential {mu} eV, nor within {REACH:g} kT of it at "
            f"{kt / KB:.4g} K: it lies in a gap or outside the bands, {nearest}; move chemical_potential "
            "(fermi_energy) towards a band"
        )
    return Carriers(edge + sign * _INSIDE * kt, edge)


def other_sides(edges: Edges, mu: float, kt: float, least: float) -> list[Carriers]:
    """What to start from across a gap at kT (eV), beside :func:`carriers`, where there are carriers as well.

    Parameters
    ----------
    least : float
        Thermal weight of their states, relative to that of the bands at the chemical potential or next to it, up to
        which they are left out.
    """
    nearest, known = 0.0, np.nan
    if not edges.inside:
        nearest, known = edges.distance(mu), carriers(edges, mu, kt).edge
    found = []
    for sign, (edge, end) in ((-1, edges.below), (1, edges.above)):
        distance = sign * (edge - mu)
        if edge != known and expit(-distance / kt) > least * expit(-nearest / kt):
            found.append(Carriers(edge + sign * min(_INSIDE * kt, _NARROW * abs(end - edge)), edge))
    return found
