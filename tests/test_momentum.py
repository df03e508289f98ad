"""Shortest momentum transfers, and where the points of a crystal with symmetry are."""

from itertools import product

import numpy as np
import pytest

from sidejump.bands.lattice_operator import _nearest as nearest
from sidejump.bands.momentum import MomentumTransfer
from sidejump.bands.nearest import reduced
from sidejump.bands.states import solve_states
from sidejump.bands.tight_binding import TightBinding
from sidejump.groups.operations import exact_operations
from sidejump.interactions.base import Branch, Scatterer
from sidejump.interactions.sources import ScalarPairs
from sidejump.surfaces.irreducible import wedge_images
from test_reduced import p_model

CELLS = {
    "fcc": 2 * np.pi * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2.9,
    "skewed": np.array([[1.7, 0.2, 0.1], [0.9, 1.5, 0.3], [-0.4, 0.6, 1.9]]),
    "triangular": np.array([[1.0, 0.0], [0.5, 3**0.5 / 2]]),
}


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
@pytest.mark.parametrize(("spread", "single"), [(3.0, False), (0.3, False), (3.0, True)])
def test_transfers_are_the_shortest_of_all_images(cell, spread, single):
    momentum, rng = MomentumTransfer(cell, len(cell)), np.random.default_rng(1)
    for _ in range(4):
        k, other = (
            momentum.first_zone(rng.normal(size=len(cell)) + spread * rng.uniform(-1, 1, (7, len(cell)))) for _ in "ab"
        )
        images = momentum.nearby_images(k, other, np.inf)
        q, which = momentum.transfers(k, other, images, single=single)
        lattice = np.array(list(product(range(-4, 5), repeat=len(cell)))) @ cell
        every = other[None] - k[:, None]
        shortest = np.linalg.norm(every[:, :, None] + lattice, axis=-1).min(axis=-1)
        accuracy = 2e-6 if single else 1e-12
        np.testing.assert_allclose(np.linalg.norm(q, axis=0), shortest, atol=accuracy)
        taken = images[np.zeros(shortest.shape, int) if which is None else which]
        np.testing.assert_allclose(np.moveaxis(q, 0, -1), every + taken, atol=accuracy)
        np.testing.assert_allclose(momentum.lengths(k, other, images, single=single), shortest, atol=accuracy)


@pytest.mark.parametrize(
    ("short", "steps"),
    [
        ([[1.3, 0.0], [0.4, 1.7]], [[1, 0], [-5, 1]]),
        ([[1.3, 0.0], [0.4, 1.7]], [[3, 2], [4, 3]]),
        (2 * np.pi * np.linalg.inv([[2, 1.5, 0], [2, -1.5, 0], [-1, 0, 6.0]]).T, [[1, 0, 2], [0, 1, 2], [0, 0, 1]]),
        (CELLS["skewed"], [[1, 4, 0], [0, 1, 0], [-5, -20, 1]]),
    ],
    ids=["sheared", "mixed", "base-centred monoclinic", "triclinic"],
)
def test_which_vectors_tell_a_lattice_does_not_matter(short, steps):
    """Whether they are short, or span the same lattice by long vectors at small angles."""
    short = np.array(short)
    told = np.array(steps) @ short
    assert abs(np.linalg.det(steps)) == pytest.approx(1)
    momentum, d, rng = MomentumTransfer(told, len(short)), len(short), np.random.default_rng(2)
    k, other = momentum.first_zone(3 * rng.uniform(-1, 1, (2, 20, d)) @ short)
    images = momentum.nearby_images(k, other, np.inf)
    crystal = (other[None] - k[:, None]) @ np.linalg.inv(short)
    around = np.array(list(product(range(-3, 4), repeat=d)))
    rest = (crystal - np.rint(crystal))[:, :, None] + around
    shortest = np.linalg.norm(rest @ short, axis=-1).min(axis=-1)
    np.testing.assert_allclose(momentum.lengths(k, other, images), shortest, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(momentum.transfers(k, other, images)[0], axis=0), shortest, atol=1e-12)


@pytest.mark.parametrize("name", ["fcc", "triangular"])
def test_vectors_that_are_short_stay_as_they_are(name):
    np.testing.assert_array_equal(reduced(CELLS[name]), CELLS[name])


def test_images_beyond_the_reach_are_left_out():
    momentum = MomentumTransfer(2 * np.pi * np.eye(3), 3)
    k = 0.01 * np.random.default_rng(0).normal(size=(5, 3))
    assert len(momentum.nearby_images(k, k + [1.0, 0, 0], 0.5)) == 0
    assert len(momentum.nearby_images(k, k + [1.0, 0, 0], 2.0)) == 1
    assert len(momentum.nearby_images(k, k + [np.pi, 0, 0], np.inf)) == 2  # on the face of the zone


@pytest.mark.parametrize("vertex", [False, True])
def test_vertices_between_several_sites_see_the_image(vertex):
    """|u'^+ S u|^2 with u' at k' + G, of which every site has a phase of its own."""
    builder = TightBinding([[3.0, 0], [1.0, 2.5]], [((0, 0), 1), ((0.3, 0.45), 1), ((0.7, 0.2), 1)])
    rng = np.random.default_rng(3)
    for i, j, r in product(range(3), range(3), [(1, 0), (0, 1), (1, 1)]):
        builder.hop(i, j, r, complex(*rng.normal(size=2)))
    model, s = builder.build(), np.eye(3)
    if vertex:
        s = np.diag(rng.normal(size=3))  # between sites: test_vertex_between_sites
    momentum = MomentumTransfer(model.reciprocal_cell, 2)
    k, bands = momentum.first_zone(4 * rng.normal(size=(9, 2))), rng.integers(0, 3, 9)
    source = ScalarPairs(model.lattice_operator(s), (Scatterer("static", 2, (Branch(np.ones_like),)),), model, momentum)
    [found] = source.prepared(solve_states(model, k, bands)).evaluate(slice(0, 9), slice(0, 9), np.inf)
    images = momentum.nearby_images(k, k, np.inf)
    q, which = momentum.transfers(k, k, images)
    assert images[which].any()
    expected = np.empty((9, 9))
    for i, j in np.ndindex(9, 9):
        u, w = solve_states(model, np.stack([k[i], k[i] + q[:, i, j]]), bands[[i, j]]).vectors[:, 0]
        expected[i, j] = abs(np.vdot(w, s @ u)) ** 2
    np.testing.assert_allclose(found.strength, expected, atol=1e-10)
    # one pair at a time there is one image, and the phases are those of the final states
    for i, j in [(0, 1), (2, 5), (7, 3)]:
        pair = slice(i, i + 1), slice(j, j + 1)
        [alone] = source.prepared(solve_states(model, k, bands)).evaluate(*pair, np.inf)
        np.testing.assert_allclose(alone.strength, found.strength[pair], atol=1e-12)
        np.testing.assert_allclose(alone.shift, found.shift[:, pair[0], pair[1]], atol=1e-12)


@pytest.mark.parametrize("lattice", ["bcc", "hexagonal"])
def test_points_lie_in_one_convex_wedge(lattice):
    model = p_model(lattice)
    operations, momentum = exact_operations(model), MomentumTransfer(model.reciprocal_cell, 3)
    assert len(operations) > 4
    k = momentum.first_zone(5 * np.random.default_rng(2).normal(size=(60, 3)))
    there, turn = wedge_images(k, model.reciprocal_cell, operations)
    np.testing.assert_allclose(there, momentum.first_zone(np.einsum("nab,nb->na", operations.matrices[turn], k)))
    between = 0.5 * (there[:30] + there[30:])
    again, _ = wedge_images(between, model.reciprocal_cell, operations)
    np.testing.assert_allclose(again, between, atol=1e-9)  # already in the wedge


@pytest.mark.parametrize("seed", range(6))
def test_the_first_zone_is_the_nearest_image(seed):
    """In skewed cells too, where rounding to the nearest lattice point is not enough."""
    rng = np.random.default_rng(seed)
    dimension = 2 + seed % 2
    cell = np.eye(dimension) + np.tril(rng.uniform(-0.95, 0.95, (dimension, dimension)), -1)
    zone = MomentumTransfer(cell, dimension)
    k = 2 * rng.normal(size=(40, 5, dimension))
    found = zone.first_zone(k)
    steps = (found - k) @ np.linalg.inv(cell)
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-9)
    grid = np.stack(np.meshgrid(*[np.arange(-6, 7)] * dimension, indexing="ij"), -1).reshape(-1, dimension) @ cell
    nearest = np.linalg.norm(found[..., None, :] + grid, axis=-1).min(axis=-1)
    np.testing.assert_allclose(np.linalg.norm(found, axis=-1), nearest, atol=1e-12)


def test_operators_between_sites_take_the_nearest_images_of_any_cell():
    """Those of short vectors, where a crystal is told by a2 - 8 a1."""
    short, rng = np.array([[1.3, 0.0], [0.4, 1.7]]), np.random.default_rng(4)
    told, sites = np.array([[1, 0], [-8, 1]]) @ short, rng.uniform(-1, 1, (6, 2)) @ short
    found = []
    for cell in (short, told):
        images, shares = nearest(cell, sites)
        found.append({(*np.round(r @ cell, 9).tolist(), *pair): share for r, s in zip(images, shares, strict=True)
                      for pair, share in np.ndenumerate(s) if share})  # fmt: skip
    assert found[0] == found[1]
