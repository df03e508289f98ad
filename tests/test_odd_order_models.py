"""What odd rates add at the order n^0 in a lattice and in three dimensions, by the self-consistent Kubo-Streda formula.

Of that formula nothing is the program's (:mod:`helpers_streda`).  Its part of the order 1 in the density, from several
densities, less the bubble of bare bands, is side jump and Gaussian part.
"""

import numpy as np
import pytest

import helpers_streda as streda
import sidejump as sj
from sidejump.interactions import green_pairs, single_impurity
from sidejump.kinetics.odd_order import odd_order_zero
from sidejump.transport import Problem, TransportSettings, skew
from sidejump.transport.shared import SharedShell

UNIT, SX, SY, SZ = np.array([np.eye(2), *sj.PAULI])


def lattice(k):
    """A gapped square lattice: two orbitals on a site, velocities unlike along x and y, tilted."""
    x, y = k[:, 0, None, None], k[:, 1, None, None]
    rise = 2 - np.cos(x) - np.cos(y)
    return np.sin(x) * SX + 0.8 * np.sin(y) * SY + (0.15 + 0.5 * rise) * SZ + (0.4 * rise + 0.1 * np.sin(x)) * UNIT


def lattice_gradient(k):
    x, y = k[:, 0, None, None], k[:, 1, None, None]
    rise = 0.5 * SZ + 0.4 * UNIT
    return np.stack([np.cos(x) * (SX + 0.1 * UNIT) + np.sin(x) * rise, 0.8 * np.cos(y) * SY + np.sin(y) * rise], axis=1)


LATTICE = sj.FunctionModel(
    lattice, dimension=2, cell=np.eye(2), sites=np.zeros((2, 2)), gradient=lattice_gradient, spin=[SX, SY, SZ]
)
WEYL = sj.Weyl(velocity=2.0, node=0.2, tilt=(0.0, 0.0, 0.3))


def weyl(k):
    x, y, z = (k[:, a, None, None] for a in range(3))
    return 2.0 * (x * SX + y * SY) + 5.0 * (x**2 + y**2 + z**2 - 0.04) * SZ + 0.3 * z * UNIT


def weyl_gradient(k):
    x, y, z = (k[:, a, None, None] for a in range(3))
    return np.stack([2.0 * SX + 10 * x * SZ, 2.0 * SY + 10 * y * SZ, 10 * z * SZ + 0.3 * UNIT], axis=1)


SPIN = (sj.spin_current("yz"),)


def spin_current(_, v):
    """Of H that is given, in place of the program's."""
    return 0.25 * (v[1] @ SZ + SZ @ v[1])[None]


def program(model, energy, strength, cutoff, vertex, **settings):
    """Boltzmann part, conventional part, side jump and Gaussian part of current and spin current, (4, R, d)."""
    d = model.dimension
    impurities = sj.impurity(
        correlation="zero_range",
        density=10.0 ** (8 * d),
        strength=strength * 0.1**d,
        dimension=d,
        vertex=vertex,
        treatment="t_matrix",
        cutoff=cutoff,
    )
    settings = {"skew_scattering": "static", "energy_nodes": 1, "minimum": 24, "symmetry": "off"} | settings
    problem = Problem(model, [impurities], energy, TransportSettings(**settings), SPIN)
    found = SharedShell(problem, problem.solved_shell(energy, problem.spacings.base), 1e-4).solve(1e-4, 1)[0]
    jump = found.side_jump_velocity + found.side_jump_distribution
    return np.stack([found.boltzmann, found.skew[0], jump, found.skew[1]])


def formula(h, gradient, rays, energy, potential, densities, *, cutoff=False):
    """Order -1 in the density, and order 0 less the bubble of bare bands, of rows x and y of the current and the spin
    current to fields along x and y: (3, 2) each."""

    def energies(k):
        return np.linalg.eigvalsh(h(k))

    radii, slopes = streda.crossings(energies, rays, energy)

    def at(width):
        k, weight = streda.points(rays, radii, slopes, width)
        drives = np.moveaxis(gradient(k), 1, 0)[:2]
        return h(k), drives, np.concatenate([drives, spin_current(k, drives)]), weight

    outside = streda.beyond(h, rays, energy)[:2] if cutoff else None
    size, whole = 1.0, []
    for n in densities:
        found = streda.response(*at(n * size), energy, n, potential, outside)
        size = np.abs(found.matrix.imag).max()
        whole.append(found.whole)
    few, bare = np.array([2e-3, 1e-3, 5e-4]) * energy, []
    for width in few:
        bands, drives, rows, weight = at(width)
        green = np.linalg.inv((energy + 1j * width) * UNIT - bands)
        bare.append(streda.with_rungs(green, drives, rows, weight, 0.0, UNIT.astype(complex))[0])
    orders = streda.of_order(whole, densities, range(-1, len(densities) - 1))
    return orders[-1], orders[0] - streda.of_order(bare, few)[0]


def hall(tensor):
    """Of the current, antisymmetric; of the spin current."""
    return np.array([0.5 * (tensor[1, 0] - tensor[0, 1]), tensor[-1, 0]])


@pytest.fixture
def added(monkeypatch):
    """What odd rates added at the order n^0, the last first."""
    seen = []

    def kept(*arguments):
        seen.insert(0, odd_order_zero(*arguments))
        return seen[0]

    monkeypatch.setattr(skew, "odd_order_zero", kept)
    return seen


@pytest.mark.parametrize("strength", [4.0, 8.0])
def test_a_gapped_lattice(monkeypatch, added, strength):
    """Impurities that scatter the two orbitals of a site unlike, near a resonance (Hall angle 0.15) and above it."""
    for module in (single_impurity, green_pairs):
        monkeypatch.setattr(module, "_WORK", 3e5)  # of the test: Green functions of a coarser mesh
    vertex, densities = np.array([[1.0, 0.2], [0.2, 0.4]]), np.array([4, 2, 1, 0.5]) * 1e-4
    first, zeroth = formula(lattice, lattice_gradient, streda.of_square(np.pi), 0.45, strength * vertex, densities)
    boltzmann, conventional, jump, gaussian = program(LATTICE, 0.45, strength, None, vertex)
    np.testing.assert_allclose(hall(conventional + boltzmann), hall(first), rtol=2e-3)
    assert abs(hall(first)[0]) > 0.1 * first[0, 0]
    size = np.abs(hall(jump))
    np.testing.assert_allclose(hall(jump + gaussian) / size, hall(zeroth) / size, atol=5e-3)
    assert np.all(np.abs(hall(added[0].response)) > 0.1 * size)


@pytest.mark.parametrize(("vertex", "strength"), [(SZ, -100.0), (UNIT, -300.0)], ids=["magnetic", "scalar"])
def test_a_magnetic_weyl_semimetal(vertex, strength, monkeypatch, added):
    """In three dimensions, tilted along the axis, above the saddle between the nodes; Hall angles of 0.25 and -0.14."""
    for module in (single_impurity, green_pairs):
        monkeypatch.setattr(module, "_WORK", 4e6)
    rays, densities = streda.of_ball(1.0, 16, 8), np.array([4, 2, 1, 0.5]) * 2e-6
    first, zeroth = formula(weyl, weyl_gradient, rays, 0.3, strength * vertex, densities, cutoff=True)
    boltzmann, conventional, jump, gaussian = program(WEYL, 0.3, strength, 1.0, vertex, accuracy=0.7)
    np.testing.assert_allclose(hall(conventional), hall(first), rtol=5e-3)
    assert boltzmann[0, 0] == pytest.approx(first[0, 0], rel=5e-3)
    size = np.abs(hall(jump))
    np.testing.assert_allclose(hall(jump + gaussian) / size, hall(zeroth) / size, atol=4e-3)
    assert np.all(np.abs(hall(added[0].response)) > 0.06 * size)
