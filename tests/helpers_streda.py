"""The self-consistent Kubo-Streda formula of impurities of zero range, of any two- or three-dimensional model.

Green functions on points of k space that gather around the energy shell down to a part of its width: nothing of the
program's states, shells, rates, distributions or T-matrices is used.  With the widths ``n Im T`` of all states,

    G = (e - i n Im T - H)^-1,     T = (1 / (U W) - int G)^-1,     Im T = (T - T^+) / 2i,

the response of O to a force along b is that of retarded and advanced lines, with rungs n T (..) T^+,

    chi = Re int Tr O G (v_b + n T X T^+) G^+ / (2 pi),       X = int G (v_b + n T X T^+) G^+.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

NODE, WEIGHT = np.polynomial.legendre.leggauss(8)


@dataclass(frozen=True)
class Rays:
    """Directions from the centre of a region.

    Attributes
    ----------
    directions : ndarray, shape (n, d)
    weights : ndarray, shape (n,)
        Of the solid angle.
    ends : ndarray, shape (n,)
        Where the region ends.
    """

    directions: np.ndarray
    weights: np.ndarray
    ends: np.ndarray


def of_square(half: float, count: int = 12) -> Rays:
    """The square ``|k_a| < half``, Gauss nodes in each of its octants."""
    x, w = np.polynomial.legendre.leggauss(count)
    start = np.arange(8)[:, None] * np.pi / 4
    phi, weight = (start + np.pi / 8 * (1 + x)).ravel(), np.tile(np.pi / 8 * w, 8)
    along = np.stack([np.cos(phi), np.sin(phi)], axis=1)
    return Rays(along, weight, half / np.abs(along).max(axis=1))


def of_disc(radius: float, count: int) -> Rays:
    """The disc ``|k| < radius``."""
    phi = 2 * np.pi * (np.arange(count) + 0.5) / count
    along = np.stack([np.cos(phi), np.sin(phi)], axis=1)
    return Rays(along, np.full(count, 2 * np.pi / count), np.full(count, radius))


def of_ball(radius: float, polar: int, around: int) -> Rays:
    """The ball ``|k| < radius``."""
    z, w = np.polynomial.legendre.leggauss(polar)
    phi = 2 * np.pi * np.arange(around) / around
    rim = np.sqrt(1 - z**2)[:, None]
    along = np.stack([rim * np.cos(phi), rim * np.sin(phi), z[:, None] + 0 * phi], axis=-1).reshape(-1, 3)
    return Rays(along, np.repeat(w * 2 * np.pi / around, around), np.full(len(along), radius))


def crossings(energies: Callable, rays: Rays, energy: float, steps: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Radii at which bands pass an energy, (n, c), NaN for none, and their slopes along the rays."""
    r = np.linspace(0, 1, steps + 1)[:, None] * rays.ends
    k = (r[:, :, None] * rays.directions).reshape(-1, rays.directions.shape[1])
    above = (energies(k) > energy).reshape(*r.shape, -1)
    found = [[[] for _ in rays.ends] for _ in range(2)]
    for i, ray, band in zip(*np.nonzero(above[1:] != above[:-1]), strict=True):
        low, high = r[i, ray], r[i + 1, ray]
        rising = above[i + 1, ray, band]
        for _ in range(50):
            middle = 0.5 * (low + high)
            passed = (energies((middle * rays.directions[ray])[None])[0, band] > energy) == rising
            low, high = (low, middle) if passed else (middle, high)
        step = 1e-5 * rays.ends[ray]
        e = energies(np.array([[low - step], [low + step]]) * rays.directions[ray])[:, band]
        found[0][ray].append(low)
        found[1][ray].append(abs(e[1] - e[0]) / (2 * step))
    most = max(map(len, found[0]))
    return tuple(
        np.array([x + [np.nan] * (most - len(x)) for x in side]).reshape(len(rays.ends), most) for side in found
    )


def points(rays: Rays, radii, slopes, width: float, *, doublings: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Points k (m, d) and their weights over (2 pi)^d, panels gathered around radii down to a half of a width (eV)."""
    d = rays.directions.shape[1]
    away = 0.5 * width * 2.0 ** np.arange(doublings)
    away = np.concatenate([-away[::-1], [0.0], away])
    near = (radii[:, :, None] + away / slopes[:, :, None]).reshape(len(radii), -1)
    even = np.linspace(0, 1, 13) * rays.ends[:, None]
    edges = np.concatenate([even, np.where(np.isnan(near), 0.0, near)], axis=1)
    edges = np.sort(np.clip(edges, 0.0, rays.ends[:, None]), axis=1)
    half = 0.5 * np.diff(edges, axis=1)[:, :, None]
    r = edges[:, :-1, None] + half * (1 + NODE)
    weight = half * WEIGHT * r ** (d - 1) * rays.weights[:, None, None] / (2 * np.pi) ** d
    kept = (np.broadcast_to(half, r.shape) > 0).ravel()
    k = (r[..., None] * rays.directions[:, None, None]).reshape(-1, d)
    return k[kept], weight.ravel()[kept]


@dataclass(frozen=True)
class Response:
    """``chi`` (rows, d) in units of 1/hbar, without and with the ladder, and the matrix T."""

    bubble: np.ndarray
    whole: np.ndarray
    matrix: np.ndarray


def beyond(h: Callable, rays: Rays, energy: float) -> np.ndarray:
    """``int G (dH/dk_a) G`` over all k outside of the region, (d, N, N).

    A potential between the states of the region alone does not commute with the position, and its part of the current
    is what makes the integral of a derivative over all k vanish.  Outside there are no widths, and the integral is that
    of G on the surface.
    """
    d = rays.directions.shape[1]
    bands = h(rays.directions * rays.ends[:, None])
    green = np.linalg.inv(energy * np.eye(bands.shape[-1]) - bands)
    weight = rays.weights * rays.ends ** (d - 1) / (2 * np.pi) ** d
    return -np.einsum("n,na,nij->aij", weight, rays.directions, green)


def response(h, drives, rows, weight, energy: float, density: float, potential, outside=None) -> Response:
    """Of bands h (m, N, N), drives (d, m, N, N) and rows (r, m, N, N) at points of such weights; `potential`: U W;
    `outside` (d, N, N): of the drives, which are the first rows as well, outside of the region, as of :func:`beyond`.
    """
    unit = np.eye(h.shape[-1])
    inverse, width = np.linalg.inv(potential), 1j * density * np.abs(potential).max() * unit
    for _ in range(20):
        green = np.linalg.inv(energy * unit - h + width)
        t = np.linalg.inv(inverse - np.einsum("p,pij->ij", weight, green))
        before, width = width, -0.5 * density * (t - t.conj().T)
        if np.abs(width - before).max() < 1e-10 * np.abs(width).max():
            break
    bubble, whole = with_rungs(green, drives, rows, weight, density, t, outside)
    return Response(bubble, whole, t)


def with_rungs(green, drives, rows, weight, density: float, t, outside=None) -> tuple[np.ndarray, np.ndarray]:
    """Responses (rows, d) without rungs, and with them.

    As widths and rungs keep the number of particles, one matrix X answers to nothing: more of all states at the energy.
    There is so much of it that the density does not change.
    """
    n = green.shape[-1]
    advanced = np.conj(np.swapaxes(green, 1, 2))
    inner = green @ drives @ advanced
    right = np.einsum("p,dpij->dij", weight, inner)
    every = np.concatenate([rows, np.broadcast_to(np.eye(n), (1, *green.shape))])
    left = np.einsum("p,opij->oij", weight, advanced @ every @ green)
    if outside is not None:
        right += outside
        left[: len(outside)] += outside
    bubble = np.einsum("p,opij,dpji->od", weight, every, inner, optimize=True)
    rung = np.einsum("p,pij,pkl->iljk", weight, green, advanced, optimize=True)
    dressed = density * np.einsum("iljk,ja,kb->ilab", rung, t, t.conj()).reshape(n * n, n * n)
    u, size, vh = np.linalg.svd(np.eye(n * n) - dressed)
    size[-1] = np.inf if density else size[-1]
    x = (vh.conj().T / size @ u.conj().T @ right.reshape(len(right), -1).T).T.reshape(right.shape)

    def seen(x):
        return density * np.einsum("olk,dkl->od", left, t @ x @ t.conj().T)

    whole = bubble + seen(x)
    if density:
        more = seen(vh[-1].conj().reshape(1, n, n))
        whole = whole - more / more[-1] * whole[-1]
    return bubble[:-1].real / (2 * np.pi), whole[:-1].real / (2 * np.pi)


def of_order(values, densities, powers=(-1, 0, 1)) -> dict[int, np.ndarray]:
    """Coefficients of powers of the density, from as many values."""
    matrix = np.asarray(densities)[:, None] ** np.array(powers, dtype=float)
    found = np.linalg.solve(matrix, np.asarray(values).reshape(len(values), -1)).reshape(np.shape(values))
    return dict(zip(powers, found, strict=True))
