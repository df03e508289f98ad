"""Densities of impurities computed from the same pairs of states: the same replicas, each for less work."""

from itertools import chain

import numpy as np
import pytest

import sidejump as sj
from sidejump.accuracy.study import Study, first_replicas, plan
from sidejump.interactions.impurity import denser
from sidejump.pairs.stream import PairStream
from sidejump.transport import TransportSettings
from test_hot_spots import ferromagnet

DIRAC = sj.MassiveDirac(mass=0.1, velocity=3.0)
MASS_DENSITY = {2: 7.6e-7, 3: 7000.0}
MU = {2: 0.2, 3: -0.9}


def scatterers(d, vertex="identity", correlation="zero_range", **more):
    phonons = sj.acoustic_deformation_potential(
        deformation_potential=5.0, sound_velocity=3000.0, mass_density=MASS_DENSITY[d], dimension=d
    )
    given = {"density": 1e11, "strength": 0.5} if d == 2 else {"density": 1e20, "strength": 0.05}
    return phonons, sj.impurity(correlation=correlation, dimension=d, vertex=vertex, **(given | more))


def case(model, some, temperatures=(60, 150), **settings):
    d = model.dimension
    given = TransportSettings(**({"geometry": "shared", "accuracy": 0.3} | settings))
    [found] = plan(Study(model, tuple(some), (MU[d],), np.array(temperatures, float), 0.1, settings=given))
    return found


@pytest.mark.parametrize("nodes", [1, 3])
@pytest.mark.parametrize("model", [DIRAC, ferromagnet()], ids=["plane", "hot spots"])
def test_each_is_the_replica_that_it_is_by_itself(model, nodes, monkeypatch):
    """Conductivity and side jump, what energy nodes leave, and the pairs: those of one run, not of three."""
    phonons, impurities = scatterers(model.dimension)
    mixtures = [[phonons, impurities], [phonons, denser(impurities, 10.0)], [phonons], [impurities]]
    cases = [case(model, mixture, energy_nodes=nodes) for mixture in mixtures]
    blocks, counted = [], PairStream.blocks

    def watched(*arguments):
        blocks.append(1)
        return counted(*arguments)

    monkeypatch.setattr(PairStream, "blocks", watched)
    together = first_replicas(cases)
    count = len(blocks)
    assert [len(some) for some in together] == [2, 2, 2, 0]  # nothing is inelastic in the last
    alone = [[one.compute(replica.task) for replica in some] for one, some in zip(cases, together, strict=True)]
    assert 2.9 * count < len(blocks) - count
    for mine, other in zip(chain(*together), chain(*alone), strict=True):
        scale = np.abs(other.values).max(axis=(2, 3), keepdims=True)
        np.testing.assert_allclose(mine.values / scale, other.values / scale, rtol=0, atol=2e-5)
        assert mine.task == other.task and mine.facts["energy_nodes"] == other.facts["energy_nodes"]
        for name in ("node_change", "inelastic_change"):
            np.testing.assert_allclose(mine.facts[name], other.facts[name], rtol=0.02, atol=1e-5)
    few, many = (np.mean([r.values[:, 0, 0, 0] for r in some]) for some in together[:2])
    assert few > 1.5 * many  # conductivities


def test_what_differs_in_more_than_strength():
    phonons, impurities = scatterers(2)
    first, same = case(DIRAC, [phonons, impurities]), case(DIRAC, [phonons, denser(impurities, 3.0)])
    others = [
        case(DIRAC, [phonons, scatterers(2, "sigma_z")[1]]),  # other pairs of states
        case(DIRAC, [phonons, impurities], accuracy=1.0),
        case(sj.MassiveDirac(mass=0.1, velocity=3.0), [phonons, impurities]),
        case(DIRAC, [impurities]),
        case(DIRAC, [phonons, scatterers(2, correlation="gaussian", correlation_length=100.0)[1]]),  # other points
    ]
    t = first.temperatures
    assert first.problem.differs_in_strength(same.problem, t)
    assert not any(first.problem.differs_in_strength(other.problem, t) for other in others)
    assert [len(some) for some in first_replicas([first, *others[:1], same])] == [2, 0, 2]
    assert first_replicas([first]) == [[]]
