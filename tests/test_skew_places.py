"""Where in the cell impurities sit: what of the Hall effect knows it, and what does not."""

import numpy as np
import pytest

import sidejump as sj
from helpers_models import random_wannier
from sidejump.bands.lattice import LatticeModel
from test_skew import response, zero_range

pytestmark = pytest.mark.usefixtures("few_points_of_two_green_functions")
KNOWN = random_wannier(dimension=2, n=3, seed=2)
ELSEWHERE = np.array([0.7, -0.4])
MU = 0.2


def wannier(sites, position=True):
    """The same hops and position matrix on other sites."""
    positions = KNOWN.residual_positions.copy()
    home = np.flatnonzero(~KNOWN.vectors.any(axis=1))[0]
    positions[home] += np.stack([np.diag(x) for x in sites.T])
    return LatticeModel(KNOWN.cell, KNOWN.vectors, KNOWN.hoppings, positions if position else None, sites)


def parts(model, **more):
    """Boltzmann part, side jump, conventional and Gaussian part."""
    found = response(model, [zero_range(**({"strength": 0.02} | more))], MU)
    return found.boltzmann, found.side_jump_velocity + found.side_jump_distribution, *found.skew


def same(one, other, accuracy=1e-9):
    return [np.abs(a - b).max() < accuracy * np.abs(b).max() for a, b in zip(one, other, strict=True)]


def test_conventional_part_alone_knows_the_place():
    """All sites moved together are impurities at another place in the cell: rates, shifts and averages of pairs of
    amplitudes stay, the product of three does not where their momentum transfers add up to a reciprocal vector."""
    sites = KNOWN.site_positions
    home = parts(wannier(sites))
    assert all(np.abs(part).max() > 1e-4 for part in home)
    moved = parts(wannier(sites + ELSEWHERE))
    assert same(moved, home) == [True, True, False, True]
    assert np.abs(moved[2] - home[2]).max() > 0.1 * np.abs(home[2]).max()
    assert all(same(parts(wannier(sites + KNOWN.cell[0] - 2 * KNOWN.cell[1])), home))


def test_a_function_on_a_lattice():
    """The same of a function of k with a cell: sites are all that tells where its orbitals are."""
    lattice = wannier(KNOWN.site_positions, position=False)

    def moved(shift):
        sites = KNOWN.site_positions + shift
        return parts(sj.FunctionModel(lattice.hamiltonian, dimension=2, n_orbitals=3, cell=KNOWN.cell, sites=sites))

    assert same(moved(ELSEWHERE), moved(np.zeros(2)), 1e-6) == [True, True, False, True]


@pytest.mark.parametrize("treatment", ["born", "t_matrix"])
def test_impurities_of_one_site_are_there(treatment):
    """Where all orbitals share a site, impurities are on it, wherever it is; and so they are of all orders, weak as the
    first order has them."""
    one, other = (parts(wannier(np.zeros((3, 2)) + x), treatment=treatment) for x in (np.zeros(2), ELSEWHERE))
    assert all(same(one, other))


def test_the_limit_of_the_first_order():
    vertex = np.array([[1.0, 0.2j, 0.0], [-0.2j, -0.6, 0.3], [0.0, 0.3, 0.5]])
    model = wannier(np.zeros((3, 2)) + ELSEWHERE, position=False)
    # what is left is of the second order: 2.6e-3 of the Gaussian part at 1e-3
    up, down = (parts(model, strength=s, vertex=vertex, treatment="t_matrix") for s in (5e-4, -5e-4))
    born = parts(model, strength=5e-4, vertex=vertex)
    mean = [0.5 * (up[i] + (-1 if i == 2 else 1) * down[i]) for i in range(4)]
    assert all(same(mean, born, 2e-3))
    assert not any(same(up, born, 1e-4))
