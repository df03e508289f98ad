"""Shells of their own on small pockets that lie away from any band edge."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from suite.models import CASES

from sidejump import LatticeModel, Weyl
from sidejump.surfaces.rays import evenly_sampled, shell_rays
from sidejump.transport import Problem, TransportSettings, run_transport
from sidejump.transport.own import OwnShells
from sidejump.transport.side import find_rays
from sidejump.units import KB
from test_geometries import cubic, phonons

KT = KB * 300


def pockets(name, **settings):
    """Side jump (its Hall part) and conductivities xx, zz of a Weyl lattice of the suite at 300 K, and the report."""
    case = CASES[name]
    found = run_transport(
        case.model(),
        case.scatterers(),
        chemical_potential=case.chemical_potential,
        temperatures=[300.0],
        settings=TransportSettings(**({"tolerance": 0.01, "replica": 0} | settings)),
    )
    jump = found.side_jump_velocity[0] + found.side_jump_distribution[0]
    return np.array([0.5 * (jump[1, 0] - jump[0, 1]), *np.diag(found.boltzmann[0])[[0, 2]]]), found.report


@pytest.mark.parametrize(("name", "other"), [("weyl_small", "independent"), ("weyl_large", "averaged")])
def test_shells_of_their_own_agree_with_others(name, other):
    """They were 10 % off: gradient lines crowd on pockets that grow fivefold within the thermal window."""
    own, report = pockets(name, accuracy=0.7)
    assert report["geometry_used"] == ["own"] and report["node_change"][0] < 0.01
    np.testing.assert_allclose(own, pockets(name, accuracy=0.7, geometry=other)[0], rtol=0.02)


def test_nodes_settle():
    """With rates on the nodes of the distribution alone, modes that grow carried up to three quarters of xx."""
    found = [pockets("weyl_small", geometry="own", accuracy=0.7, energy_nodes=n) for n in (3, 7)]
    assert all(report["growing_share"][0] < 5e-3 for _, report in found)
    for values, _ in found[1:]:
        np.testing.assert_allclose(values, found[0][0], rtol=0.02)


def start(model, mu, **settings):
    """Problem and shell that others are carried from."""
    problem = Problem(model, [phonons(3)], mu, TransportSettings(**settings))
    return problem, problem.shell(mu, problem.spacings.base, whole=True)


@pytest.mark.parametrize("mu", [-4.5, 4.5])
def test_pockets_of_either_sign_are_seen_from_inside(mu):
    """Around the centre of the zone and around its corner: from the centre, the latter is eight caps."""
    problem, shell = start(cubic(), mu)
    rays = find_rays(problem, shell, 0)
    assert rays is not None
    centre = problem.momentum.first_zone(rays._centre[:1])[0]
    np.testing.assert_allclose(np.abs(centre), 0.0 if mu < 0 else np.pi / 3, atol=1e-4)
    own = OwnShells(problem, shell, KT)
    assert own.shell.weight.sum() == pytest.approx(shell.weight.sum(), rel=0.02)


def test_a_surface_around_two_minima_is_not_counted_twice():
    """Every ray from either node meets it: carried along rays of both it has twice its states."""
    problem, shell = start(Weyl(velocity=2.0, node=0.1, tilt=(0.0, 0.1, 0.2)), 0.3)
    nodes = [np.array([0.0, 0.0, z]) for z in (0.1, -0.1)]
    twice = evenly_sampled(shell_rays(problem.model, shell, lambda k, band: nodes), 110)
    assert twice.shell.weight.sum() == pytest.approx(2 * shell.weight.sum(), rel=0.02)
    assert find_rays(problem, shell, 0) is None and find_rays(problem, shell, 1) is None


def test_every_replica_turns_its_rays():
    """Their spread is an error bar: with the same directions in all of them it was zero, and the error was not."""
    problem, shell = start(Weyl(velocity=2.0, node=0.2, tilt=(0.0, 0.3, 0.5)), 0.05)
    shells = [OwnShells(problem.laid(0.5, n), shell, KT).shell for n in range(8)]
    states = np.array([s.weight.sum() for s in shells])
    assert len({len(s) for s in shells}) == 1 and np.ptp(shells[0].k[0] - shells[1].k[0]) > 0.01
    exact = OwnShells(problem.laid(3.0, 0), shell, KT).shell.weight.sum()
    assert 0 < np.std(states) < 0.02 * exact
    assert abs(states.mean() - exact) < 2.5 * np.std(states, ddof=1) / np.sqrt(len(states))


def test_open_surfaces_have_no_rays():
    """A cylinder along z."""
    one = cubic()
    flat = one.hoppings * np.where(np.abs(one.vectors[:, 2]) > 0, 0.05, 1.0)[:, None, None]
    problem, shell = start(LatticeModel(one.cell, one.vectors, flat), -2.5)
    assert find_rays(problem, shell, 0) is None
