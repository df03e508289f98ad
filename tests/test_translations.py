"""Cells that are not primitive: a translation within the cell, and what folded momentum transfers leave out."""

from itertools import product

import numpy as np
import pytest

from sidejump import PAULI, LatticeModel, SidejumpWarning, TightBinding, anomalous_hall, impurity
from sidejump.groups.translations import inner_translations
from sidejump.transport import Problem, TransportSettings
from sidejump.transport.folding import folding_sentences


def body_centred(second=1.0):
    """Two atoms in a cube; the moment of the second over that of the first."""
    cube = TightBinding(2.0 * np.eye(3), [((0, 0, 0), 1), ((0.5, 0.5, 0.5), 1)], spinful=True)
    for vector in product((0, -1), repeat=3):
        cube.hop(0, 1, vector, -0.2 * np.eye(2) + 0.05 * PAULI[2])
    return cube.onsite(0, 0.3 * PAULI[2]).onsite(1, 0.3 * second * PAULI[2]).build()


def doubled_square():
    row = TightBinding([[6.0, 0], [0, 3]], [((0, 0), 1), ((0.5, 0), 1)]).hop(0, 1, (0, 0), -0.3).hop(1, 0, (1, 0), -0.3)
    return row.hop(0, 0, (0, 1), -0.3).hop(1, 1, (0, 1), -0.3).build()


@pytest.mark.parametrize(("model", "expected"), [(body_centred(), [1.0] * 3), (doubled_square(), [3.0, 0.0])])
def test_a_translation_within_the_cell_is_found(model, expected):
    [(shift, _)] = inner_translations(model)
    np.testing.assert_allclose(np.abs(shift), expected, atol=1e-12)


@pytest.mark.parametrize("model", [body_centred(-1.0), body_centred(1.001)])
def test_moments_that_differ_make_the_cell_primitive(model):
    assert inner_translations(model) == []


def test_spins_that_differ_make_the_cell_primitive():
    """Of two sites, one with spin up alone, the other with spin down: bands that know nothing of it."""
    plain = doubled_square()
    spin = np.stack([np.zeros((2, 2)), np.zeros((2, 2)), np.diag([1.0, -1.0])])
    model = LatticeModel(plain.cell, plain.vectors, plain.hoppings, sites=plain.site_positions, spin=spin)
    assert inner_translations(plain) and inner_translations(model) == []


def test_a_vertex_that_tells_the_sites_apart_makes_the_cell_primitive():
    assert inner_translations(body_centred(), [np.eye(4)])
    assert inner_translations(body_centred(), [np.diag([1.0, 1, 0, 0])]) == []


@pytest.mark.parametrize(("vertex", "said"), [("identity", 1), (np.diag([1.0, 0.0]), 0)])
def test_folded_momentum_transfers_are_said(vertex, said):
    point = impurity(correlation="zero_range", density=1e10, strength=1.0, dimension=2, vertex=vertex)
    problem = Problem(doubled_square(), [point], -0.8, TransportSettings())
    sentences = folding_sentences(problem)
    assert len(sentences) == said
    assert all("3, 0) angstrom" in s and "not primitive" in s for s in sentences)


@pytest.mark.parametrize(
    ("model", "mu", "said"),
    [
        (doubled_square(), -1.15, 0),
        (doubled_square(), 1.15, 0),  # around the corner of the primitive zone
        (body_centred(), -2.2, 0),
        (body_centred(), -1.3, 1),
    ],
)
def test_a_pocket_whose_transfers_are_short_loses_none(model, mu, said):
    point = impurity(correlation="zero_range", density=1e10, strength=1.0, dimension=model.dimension)
    assert len(folding_sentences(Problem(model, [point], mu, TransportSettings()))) == said


def test_a_run_warns():
    point = impurity(correlation="zero_range", density=1e10, strength=1.0, dimension=2)
    with pytest.warns(SidejumpWarning, match="not primitive"):
        anomalous_hall(doubled_square(), point, chemical_potential=-0.8, temperatures=[5], intrinsic_mesh=4)
