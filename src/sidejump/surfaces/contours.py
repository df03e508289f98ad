"""Isoenergy contours in two dimensions with spectral quadrature.

Marching squares finds every contour of every band; each is then described by a smooth periodic parameter, its points
moved onto the exact energy, and ``dk/dtheta`` taken by FFT, so that integrals converge exponentially.  The parameter
follows the velocity: a contour that passes a saddle of the band at a distance delta has weights ``1/|v|`` that change
over delta, which points at equal distances would miss; ``|M t| / |v|`` (M the inverse mass, t the tangent) tells.
"""

from __future__ import annotations

from dataclasses import dataclass

import contourpy
import numpy as np

from ..bands.remembered import remembered
from ..bands.states import band_energies, energies_and_velocities, solve_states
from ..errors import InputError
from .components import Components
from .domain import search_domain
from .limits import USUAL_LIMITS, SearchLimits
from .masses import velocity_and_inverse_mass
from .newton import move_onto
from .pockets import small_pockets
from .shell import Shell

_GRIDS = (97, 193, 385, 769)  # a finer one is used when the contours of the coarser one jump between two contours
_OVERSAMPLING = 512
_ROUND = 0.75  # of the fewest points on a contour: those of a full turn where a contour bends, as a circle has them
_ROUNDING = 1e-16  # modes of this relative size are noise
_BLOCK = 16  # modes of a series that are summed at once, a power of two
_PER_CHANGE = 4.0  # points where the velocity changes by itself
_ACROSS = 0.8  # cosine between a step and the velocity
_UNSEEN = 0.25  # of the distance of neighbours: no change of the velocity within less is believed
_UNEVEN = 0.2  # of the mean distance, in the density of points
_RESOLVED = 0.1  # changes of the velocity between neighbours
_CLUSTERING = 8  # rounds in which the points gather where the velocity changes


def contour_shell(
    model,
    energy,
    *,
    spacing,
    turn,
    minimum,
    degeneracy,
    phase: float = 0.0,
    limits: SearchLimits = USUAL_LIMITS,
) -> Shell | None:
    """All contours of all bands at `energy`; None if there are none."""
    curves, unresolved = _found(model, energy, degeneracy, limits.contours)
    if not curves:
        return None
    parts = [curve.points(model, energy, spacing, turn, minimum, phase, limits.points) for curve in curves]
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
    k : (n, 2)          on the exact energy, uniform in the integral of :func:`_changes`
    period : (2,)       what k gains in one turn
    grid_step : float   longest step of a point
    turning : (n,)      how fast the state turns along the curve, angstrom
    slowing : (n,)      how fast the velocity changes along the curve, angstrom
    bending : (n,)      curvature of the curve, angstrom
    jumps : bool        whether the points change to another contour
    rough : bool        whether the points are too few for what the velocity does
    """

    band: int
    members: int
    k: np.ndarray
    period: np.ndarray
    grid_step: float
    turning: np.ndarray
    slowing: np.ndarray
    bending: np.ndarray
    jumps: bool
    rough: bool

    def points(self, model, energy, spacing, turn, minimum, phase, most):
        """Points, weights, lengths and the number of points off the energy."""
        speed = _speed(self.k, self.period)
        density = np.maximum(1.0 / spacing, _PER_CHANGE * self.slowing)
        if turn is not None:
            density = np.maximum(density, _widened(self.turning) / turn)
            density = np.maximum(density, _widened(self.bending) * _ROUND * minimum / (2 * np.pi))
        density = _smoothed(density)
        count = max(minimum, int(np.ceil((speed * density).mean())))
        count += count % 2
        if count > most:
            raise InputError(
                f"the shell at {energy:.6g} eV would take {count} points, {spacing:.2g} 1/angstrom apart; the most are "
                f"{most}: raise spacing or the lowest temperature"
            )
        k = _uniform(self.k, self.period, density, count, phase)
        k, v, error = move_onto(model, k, np.full(count, self.band), energy, largest_step=self.grid_step)
        arc = _speed(k, self.period) / count
        weight = self.members * arc / (np.linalg.norm(v, axis=1) * (2 * np.pi) ** 2)
        return k, weight, arc, int((error > 1e-8).sum())


@remembered  # shells of few energies follow each other, in several spacings, for every replica again
def _found(model, energy, degeneracy, most: int) -> tuple[list[_Curve], int]:
    """All contours, and how many of them jump to another one even on the finest grid."""
    origin, axes = search_domain(model, energy)
    curves: list[_Curve] = []
    for grid in _GRIDS:
        curves, broken, rough = [], 0, False
        lines = _polylines(model, energy, origin, axes, grid)
        if len(lines) > most:
            raise InputError(
                f"more than {most} separate contours at {energy:.6g} eV: bands this rough cannot be followed; "
                "a lattice needs cell=, and search_half_width narrows the search of a k.p model"
            )
        for band, line, period, grid_step in lines:
            curve = _curve(model, energy, band, line, period, grid_step, degeneracy)
            if curve is not None:
                curves.append(curve)
                broken += curve.jumps
                rough |= curve.rough
                if (broken or rough) and grid != _GRIDS[-1]:
                    break
        if not (broken or rough):
            break
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
    clustered = _clustered(model, energy, k, band, period, grid_step)
    rough = clustered is None
    if clustered is not None:
        k, bands = clustered, np.full(len(clustered), band)
    for _ in range(4):
        changes = np.ones(len(k)) if rough else _changes(model, k, bands, period)
        rate = _speed(k, period) * changes
        if np.ptp(rate) < 1e-12 * rate.mean():
            break
        k, _, _ = move_onto(model, _uniform(k, period, changes), bands, energy, largest_step=grid_step)
    states = solve_states(model, k, bands, degeneracy=degeneracy)
    change = np.zeros((len(k), 2))
    if not rough:  # every step is short beside the distances over which the velocity turns
        change = _change(model, k, bands, period)
        jumps = jumps or bool((_across(k, energies_and_velocities(model, k, bands)[1], period)[0] > _ACROSS).any())
    slowing, bending = np.linalg.norm(change, axis=1), np.abs(change[:, 0])
    return _Curve(band, members, k, period, grid_step, states.interband, slowing, bending, jumps, rough)


def _change(model, k, bands, period) -> np.ndarray:
    """How fast the velocity changes along the curve, ``M t / |v|`` of the tangent t: shape (n, 2), angstrom.

    The part along t is the curvature.
    """
    v, mass = velocity_and_inverse_mass(model, k, bands)
    square = np.maximum((v**2).sum(axis=1), 1e-300)[:, None]
    tangent = np.stack([-v[:, 1], v[:, 0]], axis=1)
    change = np.einsum("sab,sb->sa", mass, tangent) / square
    along = np.stack([(change * tangent).sum(axis=1), (change * v).sum(axis=1)], axis=1) / np.sqrt(square)
    # no faster than the points may ever resolve
    step = np.linalg.norm(np.roll(k, -1, axis=0) - np.roll(k, 1, axis=0) + _ends(len(k)) * period, axis=1)
    return along / np.sqrt(1 + (_UNSEEN * step[:, None]) ** 2 * (along**2).sum(axis=1, keepdims=True))


def _ends(n: int) -> np.ndarray:
    """1 where the neighbours of a point of a closed curve of n points are those of different turns, shape (n, 1)."""
    ends = np.zeros((n, 1))
    ends[[0, -1]] = 1.0
    return ends


def _changes(model, k, bands, period) -> np.ndarray:
    """Density of points (n,), 1/angstrom, with which everything on the curve is smooth."""
    length = _speed(k, period).mean()
    return np.sqrt((2 * np.pi / length) ** 2 + (_change(model, k, bands, period) ** 2).sum(axis=1))


def _clustered(model, energy, k, band, period, grid_step) -> np.ndarray | None:
    """The points gathered, by and by, where the velocity changes: what is narrow is seen only once points are there.

    None where that does not come to an end: points are on the other side of a saddle, on another contour, or bands
    cross.
    """
    for _ in range(_CLUSTERING):
        n, closed = len(k), np.concatenate([k, k[:1] + period])
        changes = _changes(model, k, np.full(n, band), period)
        step = np.linalg.norm(np.diff(closed, axis=0), axis=1)
        share = np.concatenate([[0.0], np.cumsum(step * 0.5 * (changes + np.roll(changes, -1)))])
        more = 2 if share[-1] > _RESOLVED * n and n < 4 * _OVERSAMPLING else 1
        if more == 1 and np.ptp(np.diff(share)) < _UNEVEN * share[-1] / n:
            return k
        wanted = share[-1] * np.arange(more * n) / (more * n)
        k = np.stack([np.interp(wanted, share, closed[:, a]) for a in (0, 1)], axis=1)
        k, _, _ = move_onto(model, k, np.full(len(k), band), energy, largest_step=grid_step)
    return None


def _jumps(k, v, period) -> bool:
    """Whether the points change to another contour: a long step along the velocity."""
    across, length = _across(k, v, period)
    return bool(np.any((across > _ACROSS) & (length > 5 * np.median(length))))


def _across(k, v, period):
    """Cosine between the step from each point to the next and the velocity, and the length of the step."""
    step = np.diff(np.concatenate([k, k[:1] + period]), axis=0)
    length = np.linalg.norm(step, axis=1)
    return np.abs(np.einsum("ka,ka->k", step, v)) / np.maximum(length * np.linalg.norm(v, axis=1), 1e-300), length


def _fourier(k, period):
    """Fourier coefficients of the periodic part, the lower half of the modes only (a smooth parameter)."""
    n = len(k)
    theta = np.arange(n) / n
    c = np.fft.fft(k - theta[:, None] * period, axis=0) / n
    m = np.fft.fftfreq(n, 1 / n)
    return c, m


def _speed(k, period):
    c, m = _fourier(k, period)
    m = np.where(np.abs(m) == len(k) / 2, 0, m)  # the highest mode has no derivative
    derivative = np.fft.ifft(c * (2j * np.pi * m)[:, None] * len(k), axis=0).real + period
    return np.linalg.norm(derivative, axis=1)


def _uniform(k, period, density=None, count=None, phase=0.0):
    """Points uniform in the integral of `density` over arc length, from a smooth closed curve.

    The first lies `phase` steps along it.
    """
    n = len(k)
    c, m = _fourier(k, period)
    # of real functions: modes m and -m are conjugate
    curve = _series(2 * c, (m > 0) & (m < n / 4) & (np.abs(c).max(axis=1) > _ROUNDING * np.abs(c).max()))
    rate = _speed(k, period) * (1.0 if density is None else density)
    # s(theta) by spectral integration, then inverted by Newton
    r = np.fft.fft(rate) / n
    total = r[0].real
    keep = (m > 0) & (m < n / 4) & (np.abs(r) > _ROUNDING * total)
    primitive = np.divide(2 * r, 2j * np.pi * m, out=np.zeros_like(r), where=keep)
    both = _series(np.stack([primitive, 2 * r], axis=1), keep)
    target = (np.arange(count or n) + phase) / (count or n) * total
    grid = np.arange(n + 1) / n
    # started where the rate may vary much: from the uniform points Newton would not get there
    theta = np.interp(target, total * grid + _at(grid, both)[0] - primitive.sum().real, grid)  # phase < 1
    for _ in range(30):
        s, slope = _at(theta, both)
        s += total * theta - primitive.sum().real
        step = (s - target) / np.maximum(slope + total, 0.1 * total)
        theta = theta - step
        if np.abs(step).max() < 1e-12:  # Newton: the next step would be rounding
            break
    return c[0].real + _at(theta, curve).T + theta[:, None] * period


def _series(coefficients, keep) -> np.ndarray:
    """Coefficients (n, ...) of the modes from 0 on to the last that is kept, the others of them zero."""
    last = int(np.flatnonzero(keep).max(initial=0)) + 1
    return np.where(keep[:last, None], coefficients[:last], 0.0)


def _at(theta, series) -> np.ndarray:
    """Real part of ``sum_m c_m exp(2 pi i m theta)`` of series (modes, s) at theta (n,): shape (s, n).

    Modes are summed in blocks, each a product of matrices, and the blocks as a polynomial.
    """
    modes, s = series.shape
    blocks = -(-modes // _BLOCK)
    filled = np.zeros((blocks, _BLOCK, s), dtype=complex)
    filled.reshape(-1, s)[:modes] = series
    power = np.exp(2j * np.pi * theta)[:, None]
    powers = np.ones((len(theta), 1), dtype=complex)
    while powers.shape[1] < _BLOCK:
        powers = np.concatenate([powers, powers * power], axis=1)
        power = power**2
    parts = (powers @ filled.swapaxes(0, 1).reshape(_BLOCK, -1)).reshape(-1, blocks, s)
    total = parts[:, -1]
    for block in range(blocks - 2, -1, -1):
        total = total * power + parts[:, block]
    return total.real.T


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
