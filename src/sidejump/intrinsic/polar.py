"""Fermi sea of a k.p model, whose k space is unbounded: rays from the origin, cut where bands cross the Fermi level.

Along each ray the integrand ``k^(d-1) sum_n f_n Omega_n`` is smooth between the radii where a band passes one of
the *break energies*: the chemical potentials themselves, where f jumps at T = 0, and a ladder of energies around
them at the scale of kT.  Each piece gets a Gauss-Legendre rule, the last one mapped to infinity.  Angles get the
trapezoid rule (2D) or a product rule on the sphere (3D), both spectral.

Not covered: a sea that does not converge as k grows (a single Weyl node with a tilt); the error says so, and
`cutoff` bounds k to a disc or ball.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..bands.states import band_energies
from ..units import KB
from .berry import band_curvature
from .occupation import fermi

_SCAN = 96  # radii at which the bands are first looked at
_LADDER = np.array([1.5, 4.0, 9.0, 18.0, 36.0])


def directions(dimension: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors and weights of a rule on the circle or the sphere, exact to order ~ n."""
    angle = 2 * np.pi * (np.arange(n) + 0.5) / n
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    if dimension == 2:
        return circle, np.full(n, 2 * np.pi / n)
    z, w = np.polynomial.legendre.leggauss(n // 2)
    rho = np.sqrt(1 - z**2)
    vectors = np.concatenate([rho[:, None, None] * circle, np.broadcast_to(z[:, None, None], (len(z), n, 1))], -1)
    return vectors.reshape(-1, 3), np.repeat(w * 2 * np.pi / n, n)


def break_energies(chemical_potentials, temperatures) -> np.ndarray:
    """Energies at which the occupation needs a new piece: mu, and mu plus or minus a ladder of kT."""
    offsets = [0.0]
    thermal = [KB * t for t in np.unique(temperatures) if t > 0]
    if thermal:
        reached = 0.0
        for kt in thermal:  # rungs of higher temperatures only where the lower ones have ended
            offsets += [rung * kt for rung in _LADDER if rung * kt > 1.4 * reached]
            reached = max(offsets)
    offset = np.unique(np.concatenate([np.array(offsets), -np.array(offsets)]))
    return np.unique(np.add.outer(np.asarray(chemical_potentials, dtype=float), offset))


def _crossings(model, unit, radii, levels):
    """Radii on every ray where some band equals some level: (ray, radius), by bisection of all at once."""
    d = unit.shape[1]
    energy = band_energies(model, (unit[:, None] * radii[:, None]).reshape(-1, d)).reshape(len(unit), len(radii), -1)
    level: list[np.ndarray] = []
    found_ray: list[np.ndarray] = []
    found_interval: list[np.ndarray] = []
    found_band: list[np.ndarray] = []
    for number, value in enumerate(levels):
        above = energy > value
        found = np.nonzero(above[:, 1:] != above[:, :-1])
        found_ray.append(found[0])
        found_interval.append(found[1])
        found_band.append(found[2])
        level.append(np.full(len(found[0]), number))
    ray, interval, band = (np.concatenate(x) for x in (found_ray, found_interval, found_band))
    value = levels[np.concatenate(level)]
    if not len(ray):
        return ray, np.empty(0)
    low, high = radii[interval], radii[interval + 1]
    up = energy[ray, interval, band] > value
    for _ in range(54):
        middle = (low + high) / 2
        here = np.take_along_axis(band_energies(model, unit[ray] * middle[:, None]), band[:, None], axis=1)[:, 0]
        same = (here > value) == up
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return ray, (low + high) / 2


def polar_rule(model, levels, *, n_angle, n_radial, cutoff=None) -> tuple[np.ndarray, np.ndarray]:
    """Points k (nk, d) of all of k space, or up to `cutoff`, and weights (nk,) of ``int d^dk/(2 pi)^d``.

    Every ray is cut where a band crosses one of the energies `levels` (eV).
    """
    d = model.dimension
    unit, angular = directions(d, n_angle)
    scale = model.k_scale
    end = np.inf if cutoff is None else float(cutoff)
    outer = 64.0 * max(scale, model.search_half_width or 0.0) if cutoff is None else end
    radii = np.append(0.0, np.geomspace(1e-3 * min(scale, outer), outer, _SCAN))
    ray, crossing = _crossings(model, unit, radii, levels)
    fixed = scale * 2.0 ** np.arange(-3, 12)
    fixed = np.append(0.0, fixed[fixed < outer])
    x, w = np.polynomial.legendre.leggauss(n_radial)
    x, w = (x + 1) / 2, w / 2
    k_list, weight_list = [], []
    for number in range(len(unit)):
        edges = np.unique(np.concatenate([fixed, crossing[ray == number], [outer]]))
        lower, width = edges[:-1, None], np.diff(edges)[:, None]
        r, jacobian = (lower + width * x).ravel(), (width * w).ravel()
        if end == np.inf:
            # r = outer / (1 - x)
            r = np.append(r, outer / (1 - x))
            jacobian = np.append(jacobian, outer * w / (1 - x) ** 2)
        k_list.append(r[:, None] * unit[number])
        weight_list.append(angular[number] * jacobian * r ** (d - 1))
    return np.concatenate(k_list), np.concatenate(weight_list) / (2 * np.pi) ** d


def polar_integral(
    model,
    chemical_potentials,
    temperatures,
    *,
    n_angle,
    n_radial,
    cutoff=None,
    chunk=8192,
    curvature: Callable = band_curvature,
    occupation: Callable = fermi,
):
    """``int d^dk/(2 pi)^d sum_n f_n Omega_n`` over all of k space, or up to `cutoff`.

    `curvature`: gives energies, velocities and Omega at k points of the model; `occupation`: what stands for f, of
    energies, chemical potentials and temperatures.

    Returns
    -------
    ndarray, shape (n_mu, n_T, components)
        Units angstrom^(2-d).
    points : int
    """
    levels = break_energies(chemical_potentials, temperatures)
    k, weight = polar_rule(model, levels, n_angle=n_angle, n_radial=n_radial, cutoff=cutoff)
    total = 0.0
    for i in range(0, len(k), chunk):
        energy, _, omega = curvature(model, k[i : i + chunk])
        f = occupation(energy, chemical_potentials, temperatures)
        total = total + np.einsum("mtpn,pcn,p->mtc", f, omega, weight[i : i + chunk], optimize=True)
    return total, len(k)


def converged_polar(
    model,
    chemical_potentials,
    temperatures,
    *,
    tolerance,
    max_points,
    floor,
    cutoff=None,
    progress=None,
    curvature: Callable = band_curvature,
    occupation: Callable = fermi,
):
    """The integral with rules refined together until it stands still.

    Returns
    -------
    value : ndarray, shape (n_mu, n_T, components)
    error : ndarray, shape (n_mu, n_T)
    points : int
    """
    n_angle, n_radial, points, previous = (8 if model.dimension == 2 else 6), 8, 0, None
    while True:
        value, used = polar_integral(
            model,
            chemical_potentials,
            temperatures,
            n_angle=n_angle,
            n_radial=n_radial,
            cutoff=cutoff,
            curvature=curvature,
            occupation=occupation,
        )
        points += used
        if previous is not None:
            error = np.linalg.norm(value - previous, axis=-1)
            worst = float(np.max(error / np.maximum(np.linalg.norm(value, axis=-1), floor)))
            if progress is not None:
                progress(points, worst)
            if worst <= tolerance or points + 3 * used > max_points:
                return value, error, points
        previous = value
        n_angle, n_radial = 2 * n_angle, min(n_radial + 6, 32)
