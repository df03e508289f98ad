"""Isoenergy contours in two dimensions with spectral quadrature.

Marching squares finds every contour of every band; each is then described by a smooth periodic parameter, its points
moved onto the exact energy, and ``dk/dtheta`` taken by FFT, so that integrals converge exponentially.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass

import contourpy
import numpy as np

from ..electrons.states import band_energies, solve_states
from .components import Components
from .domain import search_domain
from .newton import move_onto
from .pockets import small_pockets
from .shell import Shell

_GRIDS = (97, 193, 385, 769)  # a finer one is used when the contours of the coarser one jump between two contours
_OVERSAMPLING = 512
_ROUND = 0.75  # of the fewest points on a contour: those of a full turn where a contour bends, as a circle has them
_ROUNDING = 1e-16  # modes of this relative size are noise


def contour_shell(model, energy, *, spacing, turn, minimum, degeneracy) -> Shell | None:
    """All contours of all bands at `energy`; None if there are none."""
    curves, unresolved = _found(model, energy, degeneracy)
    if not curves:
        return None
    parts = [curve.points(model, energy, spacing, turn, minimum) for curve in curves]
    k, weight, area = (np.concatenate([p[i] for p in parts]) for i in range(3))
    counts = [len(p[0]) for p in parts]
    sheet = np.repeat(np.arange(len(parts)), counts)
    return Shell(
        energy=energy,
        k=k,
        band=np.repeat([c.band for c in curves], counts),
        weight=weight,
        area=area,
        sheet=sheet,
        unconverged=sum(p[3] for p in parts),
        unresolved=unresolved,
        components=Components.plain(sheet),
    )


@dataclass(frozen=True)
class _Curve:
    """One contour as a smooth curve.

    Attributes
    ----------
    band : int          lowest of its group
    members : int       bands of the group
    k : (n, 2)          on the exact energy, uniform in arc length
    period : (2,)       what k gains in one turn
    grid_step : float   longest step of a point
    turning : (n,)      how fast the state turns along the curve, angstrom
    bending : (n,)      curvature of the curve, angstrom
    jumps : bool        whether the points change to another contour
    """

    band: int
    members: int
    k: np.ndarray
    period: np.ndarray
    grid_step: float
    turning: np.ndarray
    bending: np.ndarray
    jumps: bool

    def points(self, model, energy, spacing, turn, minimum):
        """Points, weights, lengths and the number of points off the energy."""
        length = _speed(self.k, self.period).mean()
        density = np.full(_OVERSAMPLING, 1.0 / spacing)
        if turn is not None:
            density = np.maximum(density, _widened(self.turning) / turn)
            density = np.maximum(density, _widened(self.bending) * _ROUND * minimum / (2 * np.pi))
        density = _smoothed(density)
        count = max(minimum, int(np.ceil(length * density.mean())))
        count += count % 2
        k = _uniform(self.k, self.period, density, count)
        k, v, error = move_onto(model, k, np.full(count, self.band), energy, largest_step=self.grid_step)
        arc = _speed(k, self.period) / count
        weight = self.members * arc / (np.linalg.norm(v, axis=1) * (2 * np.pi) ** 2)
        return k, weight, arc, int((error > 1e-8).sum())


_last: list = []
# the contours found last: shells of one energy and several spacings follow each other


def _found(model, energy, degeneracy) -> tuple[list[_Curve], int]:
    """All contours, and how many of them jump to another one even on the finest grid."""
    origin, axes = search_domain(model, energy)
    # a model can be changed: energies at some points tell
    probe = band_energies(model, origin + np.random.default_rng(0).random((64, 2)) @ axes)
    if _last:
        known, *key, seen, result = _last
        if known() is model and key == [energy, degeneracy] and np.array_equal(seen, probe):
            return result
    curves: list[_Curve] = []
    for grid in _GRIDS:
        curves, broken = [], 0
        for band, line, period, grid_step in _polylines(model, energy, origin, axes, grid):
            curve = _curve(model, energy, band, line, period, grid_step, degeneracy)
            if curve is not None:
                curves.append(curve)
                broken += curve.jumps
                if broken and grid != _GRIDS[-1]:
                    break
        if not broken:
            break
    _last[:] = [weakref.ref(model), energy, degeneracy, probe, (curves, broken)]
    return curves, broken


def _polylines(model, energy, origin, axes, grid):
    """Closed lines (band, points, G, step), the last point equal to the first plus G; step: how far they may err."""
    t = np.linspace(0, 1, grid)
    crystal = np.stack(np.meshgrid(t, t, indexing="xy"), axis=-1)
    # off the symmetry lines, where levels could touch the grid exactly
    offset = np.array([0.0137, 0.0071]) if model.cell is not None else np.zeros(2)
    k = origin + (crystal.reshape(-1, 2) + offset) @ axes
    energies = band_energies(model, k).reshape(grid, grid, -1)
    step = float(np.linalg.norm(axes, axis=1).max() / (grid - 1))
    found: dict[int, list] = {}
    for band in range(energies.shape[-1]):
        z = energies[..., band]
        if not z.min() < energy < z.max():
            continue
        pieces = contourpy.contour_generator(t, t, z).lines(energy)
        closed = _stitch([np.asarray(line) for line in pieces], model.cell is not None)
        found[band] = [(origin + (c + offset) @ axes, p @ axes, step) for c, p in closed]
    for pocket in small_pockets(model, energy, k.reshape(grid, grid, 2), energies, step):
        lines = found.setdefault(pocket.band, [])
        size = float(np.linalg.norm(pocket.line - pocket.centre, axis=1).min())
        same = [i for i, line in enumerate(lines) if _same(line[0], pocket, axes, model.cell is not None, step)]
        for i in same[:1]:
            lines.pop(i)
        lines.append((pocket.line, np.zeros(2), 0.5 * size))
    return [(band, *line) for band, lines in found.items() for line in lines]


def _same(line, pocket, axes, periodic, step) -> bool:
    """Whether a line of the grid is the contour of `pocket`, up to the error of the grid."""
    offset = line - pocket.centre
    if periodic:
        offset = offset - np.round(offset.mean(axis=0) @ np.linalg.inv(axes)) @ axes
    angle = np.arctan2(offset[:, 1], offset[:, 0])
    around = pocket.line[:-1] - pocket.centre
    known = np.arctan2(around[:, 1], around[:, 0])
    order = np.argsort(known)
    radius = np.interp(angle, known[order], np.linalg.norm(around, axis=1)[order], period=2 * np.pi)
    return bool(np.abs(np.linalg.norm(offset, axis=1) - radius).max() < 0.75 * step)


def _stitch(lines, periodic):
    """Join open lines across the cell boundary into closed ones; returns (crystal points, winding)."""
    closed = [(line, np.zeros(2)) for line in lines if np.allclose(line[0], line[-1])]
    open_ = [line for line in lines if not np.allclose(line[0], line[-1])]
    if not periodic:
        return closed
    while open_:
        chain = open_.pop(0)
        while True:
            gap = chain[-1] - chain[0]
            if np.allclose(gap, np.round(gap), atol=1e-7) and len(chain) > 2:
                break
            for i, line in enumerate(open_):
                shift = chain[-1] - line[0]
                if np.allclose(shift, np.round(shift), atol=1e-7):
                    chain = np.concatenate([chain, (open_.pop(i) + np.round(shift))[1:]])
                    break
            else:
                chain = None
                break
        if chain is not None:
            closed.append((chain, np.round(chain[-1] - chain[0])))
    return closed


def _curve(model, energy, band, line, period, grid_step, degeneracy) -> _Curve | None:
    """A smooth curve through a line of the grid, or None for a repeated member of a degenerate group."""
    bands = np.full(_OVERSAMPLING, band)
    knots = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    keep = np.concatenate([[True], np.diff(knots) > 1e-12 * knots[-1]])
    line, knots = line[keep], knots[keep]
    theta = np.linspace(0, 1, _OVERSAMPLING, endpoint=False)
    k = np.stack([np.interp(theta * knots[-1], knots, line[:, a]) for a in (0, 1)], axis=1)
    k, v, _ = move_onto(model, k, bands, energy, largest_step=grid_step)
    jumps = _jumps(k, v, period)
    joined = (np.diff(band_energies(model, k[::16]), axis=1) < degeneracy).all(axis=0)
    if band > 0 and joined[band - 1]:
        return None
    members = 1 + int(np.cumprod(joined[band:]).sum())
    for _ in range(4):
        speed = _speed(k, period)
        if np.ptp(speed) < 1e-12 * speed.mean():
            break
        k, _, _ = move_onto(model, _uniform(k, period), bands, energy, largest_step=grid_step)
    states = solve_states(model, k, bands, degeneracy=degeneracy)
    return _Curve(band, members, k, period, grid_step, states.interband, _curvature(k, period), jumps)


def _jumps(k, v, period) -> bool:
    """Whether the points change to another contour: a long step along the velocity."""
    step = np.diff(np.concatenate([k, k[:1] + period]), axis=0)
    length = np.linalg.norm(step, axis=1)
    along = np.abs(np.einsum("ka,ka->k", step, v)) / np.maximum(length * np.linalg.norm(v, axis=1), 1e-300)
    return bool(np.any((along > 0.8) & (length > 5 * np.median(length))))


def _fourier(k, period):
    """Fourier coefficients of the periodic part, the lower half of the modes only (a smooth parameter)."""
    n = len(k)
    theta = np.arange(n) / n
    c = np.fft.fft(k - theta[:, None] * period, axis=0) / n
    m = np.fft.fftfreq(n, 1 / n)
    return c, m


def _speed(k, period):
    return np.linalg.norm(_derivatives(k, period)[0], axis=1)


def _curvature(k, period):
    """Angle by which the tangent turns along the curve, per length."""
    first, second = _derivatives(k, period)
    turned = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    return np.abs(turned) / np.maximum(np.linalg.norm(first, axis=1) ** 3, 1e-300)


def _derivatives(k, period):
    """First and second derivative of the curve by its parameter, each (n, 2)."""
    c, m = _fourier(k, period)
    m = np.where(np.abs(m) == len(k) / 2, 0, m)  # the highest mode has no derivative
    wave = (2j * np.pi * m)[:, None]
    first = np.fft.ifft(c * wave * len(k), axis=0).real + period
    return first, np.fft.ifft(c * wave**2 * len(k), axis=0).real


def _uniform(k, period, density=None, count=None):
    """Points uniform in the integral of `density` over arc length, from a smooth closed curve."""
    n = len(k)
    c, m = _fourier(k, period)
    low = (np.abs(m) < n / 4) & (np.abs(c).max(axis=1) > _ROUNDING * np.abs(c).max())
    c, m = c[low], m[low]
    rate = _speed(k, period) * (1.0 if density is None else density)
    # s(theta) by spectral integration, then inverted by Newton
    r = np.fft.fft(rate) / n
    mr = np.fft.fftfreq(n, 1 / n)
    total = r[0].real
    keep = (mr != 0) & (np.abs(mr) < n / 4) & (np.abs(r) > _ROUNDING * total)
    primitive, modes = r[keep] / (2j * np.pi * mr[keep]), mr[keep]
    target = np.arange(count or n) / (count or n) * total
    grid = np.arange(n + 1) / n
    wave = np.exp(2j * np.pi * grid[:, None] * modes)
    # started where the rate may vary much: from the uniform points Newton would not get there
    theta = np.interp(target, total * grid + (wave @ primitive - primitive.sum()).real, grid)
    for _ in range(30):
        wave = np.exp(2j * np.pi * theta[:, None] * modes)
        s = total * theta + (wave @ primitive - primitive.sum()).real
        slope = total + (wave @ r[keep]).real
        step = (s - target) / np.maximum(slope, 0.1 * total)
        theta = theta - step
        if np.abs(step).max() < 1e-12:  # Newton: the next step would be rounding
            break
    return (np.exp(2j * np.pi * theta[:, None] * m) @ c).real + theta[:, None] * period


def _widened(values, modes: int = 24):
    """Largest value within a neighbourhood, so that a narrow hot spot is refined on both sides."""
    reach = len(values) // (4 * modes)
    return np.max([np.roll(values, s) for s in range(-reach, reach + 1)], axis=0)


def _smoothed(density, modes: int = 24):
    """A positive, band-limited version of the point density."""
    if np.ptp(density) < 1e-6 * density.max():
        return np.full_like(density, density.mean())
    c = np.fft.fft(np.log(density))
    m = np.fft.fftfreq(len(density), 1 / len(density))
    return np.exp(np.fft.ifft(c * np.exp(-((m / modes) ** 2))).real)
