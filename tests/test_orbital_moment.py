"""The orbital moment of a current: what is not its drift, by a Kubo formula and an integral that are not the program's.

Massive Dirac electrons, tilted along x, with weak impurities of zero range.  What the ladder adds to the bubble of bare
bands at the order 1 is side jump and Gaussian part; the operator is made here of matrix elements of r and v.
"""

import numpy as np
import pytest

import helpers_streda as streda
import sidejump as sj
from sidejump.intrinsic.operator import intrinsic_response
from sidejump.transport import Problem, TransportSettings
from sidejump.transport.shared import SharedShell
from sidejump.units import HBAR2_OVER_2M

UNIT, SX, SY, SZ = np.array([np.eye(2), *sj.PAULI])
MASS, VELOCITY, TILT = 0.1, 3.0, 0.9
GRADIENT = np.stack([VELOCITY * SX + TILT * UNIT, VELOCITY * SY])
MODEL = sj.MassiveDirac(mass=MASS, velocity=VELOCITY, tilt=(TILT, 0.0))
OBSERVABLES = [sj.orbital_moment("z")]


def bands(k):
    x, y = k[:, 0, None, None], k[:, 1, None, None]
    return VELOCITY * (x * SX + y * SY) + MASS * SZ + TILT * x * UNIT


def levels(k):
    return np.linalg.eigvalsh(bands(k))


def between_bands(k):
    """Energies, states, velocities, and the moment ``m (r x v - v x r) / 2`` in hbar, between states: r between bands
    alone."""
    energy, u = np.linalg.eigh(bands(k))
    adjoint = u.conj().swapaxes(1, 2)
    v = adjoint[:, None] @ GRADIENT @ u[:, None]
    gap = energy[:, None, :] - energy[:, :, None] + np.eye(2)
    r = 1j * v / gap[:, None] * (1 - np.eye(2))
    moment = r[:, 0] @ v[:, 1] - r[:, 1] @ v[:, 0] - v[:, 0] @ r[:, 1] + v[:, 1] @ r[:, 0]
    return energy, u, v, moment / (4 * HBAR2_OVER_2M)


def operators(k):
    """Drives, and rows: both currents and the moment."""
    _, u, _, moment = between_bands(k)
    drives = np.broadcast_to(GRADIENT[:, None], (2, len(k), 2, 2))
    return drives, np.concatenate([drives, (u @ moment @ u.conj().swapaxes(1, 2))[None]])


def ladder(rays, energy, strengths):
    """Orders -1 and 0 in ``n U^2``, the bubble of bare bands taken off the latter: (3, 2) each."""
    radii, slopes = streda.crossings(levels, rays, energy)
    outside = streda.beyond(bands, rays, energy)

    def at(width):
        k, weight = streda.points(rays, radii, slopes, width)
        return bands(k), *operators(k), weight

    whole, bare, few = [], [], np.array([2e-3, 1e-3, 5e-4]) * energy
    for strength in strengths:
        h, drives, rows, weight = at(strength * energy / 40)
        width = 0.01j * strength * UNIT
        for _ in range(8):
            green = np.linalg.inv(energy * UNIT - h + width)
            local = np.einsum("p,pij->ij", weight, green)
            width = -0.5 * strength * (local - local.conj().T)
        green = np.linalg.inv(energy * UNIT - h + width)
        whole.append(streda.with_rungs(green, drives, rows, weight, strength, UNIT.astype(complex), outside)[1])
    for width in few:
        h, drives, rows, weight = at(width)
        green = np.linalg.inv((energy + 1j * width) * UNIT - h)
        bare.append(streda.with_rungs(green, drives, rows, weight, 0.0, UNIT.astype(complex))[0])
    orders = streda.of_order(whole, strengths, (-1, 0, 1, 2))
    return orders[-1], orders[0] - streda.of_order(bare, few)[0]


def intrinsic(energy):
    """Of current along x and moment to a field along y, over the states below an energy: the curvature with O."""
    rays = streda.of_disc(1e4, 96)
    radii, _ = streda.crossings(levels, streda.of_disc(1.0, 96), energy)
    node, weight = np.polynomial.legendre.leggauss(12)
    total = 0.0
    for band in (0, 1):
        edges = np.concatenate([[0.0], np.geomspace(1e-3, 1e4, 60)]) if band == 0 else np.linspace(0, 1, 6)
        edges = edges[:, None] * (1.0 if band == 0 else radii[:, 0])
        half = 0.5 * np.diff(edges, axis=0)[:, None]
        r = edges[:-1, None] + half * (1 + node[:, None])
        e, _, v, moment = between_bands((r[..., None] * rays.directions).reshape(-1, 2))
        rows = np.stack([v[:, 0], moment], axis=1)
        curvature = 2 * (rows[:, :, band, 1 - band] * v[:, 1, 1 - band, band, None]).imag
        curvature = curvature / (e[:, band] - e[:, 1 - band])[:, None] ** 2
        measure = (half * weight[:, None] * r * rays.weights / (2 * np.pi) ** 2).ravel()
        total = total + measure @ curvature
    return total


@pytest.mark.parametrize("energy", [0.13, 0.2])
def test_the_moment_across_the_tilt(energy):
    impurities = sj.impurity(correlation="zero_range", density=1e14, strength=0.1, dimension=2, skewness=0.0)
    settings = TransportSettings(skew_scattering="static", energy_nodes=1, minimum=48)
    problem = Problem(MODEL, [impurities], energy, settings, OBSERVABLES)
    found = SharedShell(problem, problem.solved_shell(energy, problem.spacings.base), 1e-4).solve(1e-4, 1)[0]
    jump, gaussian = found.side_jump_velocity + found.side_jump_distribution, found.skew[1]
    strength = impurities.branches[0].coupling(np.zeros(1))[0]
    first, zeroth = ladder(streda.of_disc(2.0, 64), energy, np.array([4, 2, 1, 0.5]) * 1e-2)
    np.testing.assert_allclose(found.boltzmann * strength, first, atol=1e-6 * np.abs(first).max())
    for row, field in ((0, 1), (1, 0), (2, 1)):
        assert (jump + gaussian)[row, field] == pytest.approx(zeroth[row, field], rel=1e-5)
    assert min(abs(jump[2, 1]), 3 * abs(gaussian[2, 1])) > 0.3 * abs(zeroth[2, 1])
    own = intrinsic_response(MODEL, [sj.velocity("x"), *OBSERVABLES], energy, np.array([1.0]), tolerance=1e-3)
    expected = intrinsic(energy)
    np.testing.assert_allclose(own.value[0, :, 1], expected, rtol=2e-3)
    assert abs(expected[1]) > 0.2 * abs(zeroth[2, 1])
