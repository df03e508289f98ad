"""Carry the points of closed shells around band extrema to other energies, each along its ray from the extremum.

    k(e) = k0 + r n,      w = r^(d-1) dOmega / (|v.n| (2 pi)^d)

with r from Newton's method.  Solid angles stay as they are, so that the quadrature is as good at every energy as on the
first shell, where gradient lines of anisotropic pockets would crowd; no second derivatives, which nearly degenerate
bands make large.

Bands of one group (`degeneracy`) that are split share their points, which lie at the mean energy of the group: its mean
density of states is then off in the second order of the splitting only.

Not covered: shells that a ray leaves and enters again, and valleys that do not exist on the first shell.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.integrate import lebedev_rule
from scipy.spatial.transform import Rotation

from ..bands.momentum import MomentumTransfer
from ..bands.states import band_energies, energies_and_velocities, group_range, mean_energies_and_velocities
from .components import Components
from .flow import NOTHING
from .placement import FIRST, Placement
from .shell import Shell

_ALONG = (0.15, 0.3, 0.45, 0.6, 0.75, 0.9)  # of the way from the extremum
_VALLEYS = 48
_STEPS = 40
_SETTLED = 1e-9  # eV
_APART = 1e-4  # 1/angstrom: extrema closer are one
_LEBEDEV = ((7, 26), (11, 50), (17, 110), (23, 194), (29, 302), (35, 434), (41, 590), (47, 770), (53, 974), (59, 1202))
"""Order and number of points of the rules used."""

MOST_POINTS = _LEBEDEV[-1][1]


class ShellRays:
    """Points and weights at any energy on one side of an extremum.

    Parameters
    ----------
    model : ElectronModel
    shell : Shell
    centre : (S, d)
        Extremum of each point, the same image of the zone.
    degeneracy : float
        Bands closer than this (eV) at the points of `shell` form one group, all along the ray.

    Attributes
    ----------
    lowest, highest : float
        Energies (eV) that can be asked for.
    warnings : list of str
    """

    lowest, highest = -np.inf, np.inf

    def __init__(self, model, shell: Shell, centre, degeneracy: float):
        self.model, self.shell, self._centre, self._degeneracy = model, shell, centre, degeneracy
        self.warnings: list[str] = []
        away = shell.k - centre
        self._radius = np.linalg.norm(away, axis=1)
        self._ray = away / self._radius[:, None]
        self._group = group_range(band_energies(model, shell.k), shell.band, degeneracy)
        self._edge, _ = mean_energies_and_velocities(model, centre, *self._group)
        _, velocity = energies_and_velocities(model, shell.k, shell.band)  # that of the weights
        slope = (velocity * self._ray).sum(axis=1)
        self._factor = shell.weight * np.abs(slope) / self._radius ** (shell.k.shape[1] - 1)

    def _evaluate(self, radius):
        """Energy of the group and its derivative along the ray."""
        k = self._centre + radius[:, None] * self._ray
        energy, velocity = mean_energies_and_velocities(self.model, k, *self._group)
        return energy, (velocity * self._ray).sum(axis=1)

    def at(self, energies):
        """k (S, n, d) and weight (S, n) on the shells at `energies` (eV)."""
        energies = np.asarray(energies, dtype=float)
        k = np.empty((len(self.shell), len(energies), self.shell.k.shape[1]))
        weight = np.empty(k.shape[:2])
        for i, energy in enumerate(energies):
            radius, slope, found = self._solve(energy)
            k[:, i] = self._centre + radius[:, None] * self._ray
            full = self._factor * radius ** (k.shape[2] - 1) / np.maximum(np.abs(slope), 1e-30)
            weight[:, i] = np.where(found, full, NOTHING * self.shell.weight)
        return k, weight

    def _solve(self, energy):
        """Radius and slope where the ray meets `energy`, and whether it does.

        Newton's method in ``r^2``, of which the energy is nearly a linear function, kept between bounds.
        """
        sign = np.sign(self.shell.energy - self._edge)
        wanted = sign * (energy - self._edge)
        scale = np.abs(self.shell.energy - self._edge)
        radius = self._radius * np.sqrt(np.maximum(wanted / scale, 1e-12))
        low, high = np.zeros_like(radius), np.full_like(radius, np.inf)
        for _ in range(_STEPS):
            e, slope = self._evaluate(radius)
            error = sign * (e - energy)
            high, low = np.where(error > 0, radius, high), np.where(error > 0, low, radius)
            if np.all(np.abs(error) < _SETTLED):
                break
            rate = np.maximum(sign * slope, 1e-100) / (2 * radius)
            new = np.sqrt(np.maximum(radius**2 - error / rate, 0.0))
            between = np.where(np.isfinite(high), 0.5 * (low + high), 1.3 * radius)
            radius = np.where((new > low) & (new < np.minimum(high, 1.5 * radius)), new, between)
        e, slope = self._evaluate(radius)
        found = (np.abs(e - energy) < 1e-3 * np.maximum(np.abs(wanted), 1e-9)) & (wanted > 0) & (sign * slope > 0)
        return radius, slope, found


def shell_rays(model, shell: Shell, extrema, degeneracy: float = 1e-6, *, closed: bool = False) -> ShellRays | None:
    """Rays for a shell all of whose points surround extrema; None where some do not.

    Parameters
    ----------
    extrema : callable
        ``extrema(k, band)``: extrema (d,) of the band downhill or uphill of k (d,), to be tried one after the other.
    degeneracy : float
        See :class:`ShellRays`.
    closed : bool
        3D: take extrema only around which components of the shell, of known points without symmetry, lie as a whole. A
        surface around a maximum may as well be seen from the minimum outside it, and one around two minima from either.
    """
    zone = MomentumTransfer(model.reciprocal_cell, model.dimension)
    centre, k = np.full(shell.k.shape, np.nan), shell.k.copy()
    for _ in range(_VALLEYS):
        left = np.flatnonzero(np.isnan(centre[:, 0]))
        if not len(left):
            return ShellRays(model, replace(shell, k=k), centre, degeneracy)
        for k0 in extrema(shell.k[left[0]], int(shell.band[left[0]])):
            away = zone.first_zone(shell.k[left] - k0)
            inside = _monotonic(model, k0, away, shell.band[left])
            if inside[0] and (not closed or _surrounded(model, shell, left[inside], k0, away[inside], degeneracy)):
                break
        else:
            return None
        centre[left[inside]] = k0  # one for all images of a valley
        k[left[inside]] = k0 + away[inside]
    return None


def _surrounded(model, shell: Shell, index, centre, away, degeneracy: float) -> bool:
    """3D: whether the points `index` are whole components, which rays from the extremum meet in all directions."""
    if shell.components is None:
        return False
    label = shell.components.label
    if np.isin(label, label[index]).sum() > len(index):
        return False
    radius, (directions, _) = np.linalg.norm(away, axis=1).mean(), _directions(0)
    bands = np.unique(shell.band[index])
    return all(_around(model, shell.energy, centre, radius, b, directions, degeneracy)[1][2].all() for b in bands)


def _directions(points: int) -> tuple[np.ndarray, np.ndarray]:
    """Directions (n, 3) and solid angles (n,) of a Lebedev rule of at least so many points."""
    order = next((n for n, count in _LEBEDEV if count >= points), _LEBEDEV[-1][0])
    directions, solid = lebedev_rule(order)
    return directions.T, solid


def _around(model, energy: float, centre, radius: float, band: int, directions, degeneracy: float):
    """Rays from one extremum in given directions, and where they meet an energy (see `ShellRays._solve`)."""
    count = len(directions)
    start, blank = centre + radius * directions, np.ones(count)
    shell = Shell(energy, start, np.full(count, band), blank, blank, np.zeros(count, dtype=int))
    rays = ShellRays(model, shell, np.repeat(centre[None], count, axis=0), degeneracy)
    rays._radius = np.full(count, radius)
    return rays, rays._solve(energy)


def _monotonic(model, start, away, band) -> np.ndarray:
    """Whether the energy only rises (falls) from the extremum to each point."""
    levels = [_own(band_energies(model, start + f * away), band) for f in (0.0, *_ALONG, 1.0)]
    steps = np.diff(levels, axis=0)
    return np.all(steps > 0, axis=0) | np.all(steps < 0, axis=0)


def _own(energies, band):
    return energies[np.arange(len(band)), band]


def evenly_sampled(rays: ShellRays, points: int, placed: Placement = FIRST) -> ShellRays:
    """Each closed shell sampled afresh, at the directions of a Lebedev rule of at least so many points (3D).

    The rules have cubic symmetry and integrate smooth functions over the sphere exponentially well; what they leave is
    different in every direction that a rule is turned to.
    """
    directions, solid = _directions(points)
    directions = Rotation.from_quat(placed.turn).apply(directions)
    shell, d = rays.shell, rays.shell.k.shape[1]
    pieces = []
    key = np.column_stack([np.round(rays._centre / _APART), shell.band])
    _, which = np.unique(key, axis=0, return_inverse=True)
    which = which.reshape(-1)
    for valley in range(which.max() + 1):
        here = which == valley
        first = int(np.argmax(here))
        mean, centre = float(np.mean(rays._radius[here])), rays._centre[first]
        piece, (radius, slope, found) = _around(
            rays.model, shell.energy, centre, mean, int(shell.band[first]), directions, rays._degeneracy
        )
        centre, band = piece._centre, piece.shell.band
        sheet = np.full(len(solid), shell.sheet[first])
        if not found.all():
            return rays
        k = centre + radius[:, None] * directions
        _, velocity = mean_energies_and_velocities(rays.model, k, *piece._group)
        factor = solid / (2 * np.pi) ** d
        weight = factor * radius ** (d - 1) / np.abs(slope)
        # bands of a degenerate group that have no points of their own
        members = max(1, round(shell.weight[here].sum() / weight.sum()))
        factor, weight = members * factor, members * weight
        area = solid * radius ** (d - 1) * np.linalg.norm(velocity, axis=1) / np.abs(slope)
        pieces.append((k, band, weight, area, sheet, centre, factor))
    k, band, weight, area, sheet, centre, factor = (np.concatenate(x) for x in zip(*pieces, strict=True))
    components = Components.plain(np.repeat(np.arange(len(pieces)), len(solid)))
    fresh = Shell(shell.energy, k, band, weight, area, sheet, components=components)
    new = ShellRays(rays.model, fresh, centre, rays._degeneracy)
    new._factor = factor
    return new
