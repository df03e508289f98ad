"""Edges of bands where a valley that is easily seen hides a deeper one."""

import numpy as np
import pytest

import sidejump as sj
from sidejump.bands.lattice import LatticeModel
from sidejump.surfaces.edges import nearest_edges
from sidejump.transport.side import band_ends


@pytest.mark.parametrize("sign", [1, -1])
def test_weyl_nodes_at_two_energies(sign):
    """The tilt puts one node at +0.08 eV and the other at -0.08: both bands reach from or to either."""
    model = sj.Weyl(velocity=2.0, node=0.2, tilt=(0.0, 0.3, sign * 0.4))
    edges = nearest_edges(model, 0.1)
    assert edges.inside and edges.lowest == pytest.approx(-0.08, abs=1e-6)
    low, high = band_ends(model, 0.06, 0, 1)
    assert (low, high) == pytest.approx((-0.08, 0.08), abs=1e-6)


def test_the_deeper_of_two_valleys_is_found():
    """A band with a wide valley at 0.1 eV and a narrow one, the deepest, at 0: cosines of a ring."""
    n, place = 12, 0.7
    x = np.arange(-n, n + 1)
    wide = 0.5 * (x == 0) - 0.2 * (abs(x) == 1)  # 0.1 at k = 0
    narrow = -0.6 * (1 - abs(x) / (n + 1)) * np.exp(-2j * np.pi * x * place) / (n + 1)
    vectors = np.array([[i, j, k] for i in x for j, k in ((0, 0),)])
    line = (wide + narrow).astype(complex)
    across = np.array([[0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
    hops = np.concatenate([line, np.full(4, -0.1)])
    model = LatticeModel(np.eye(3) * 3.0, np.concatenate([vectors, across]), hops[:, None, None])
    fine = np.zeros((4000, 3))
    fine[:, 0] = np.linspace(0, 2 * np.pi / 3.0, 4000)
    deepest = model.hamiltonian(fine)[:, 0, 0].real.min()
    low, _ = band_ends(model, deepest + 0.2, 0)
    assert low == pytest.approx(deepest, abs=1e-6)
