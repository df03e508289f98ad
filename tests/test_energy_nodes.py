"""What a given number of energy nodes leaves is part of the error, or said to be none."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import sidejump as sj
from helpers_constants import CASES
from sidejump.app.terminal import print_table
from sidejump.transport.geometry_choice import choose_geometries
from sidejump.transport.problem import Problem
from sidejump.transport.settings import TransportSettings
from sidejump.transport.terms import planned
from test_error_bars import World

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from suite.exact import dirac_2d

MASS, VELOCITY, MU, SOUND = 0.05, 3.0, 0.2, 2500.0
POTENTIAL, DENSITY = 4.0, 7.6e-7
TEMPERATURES = [5.0, 12.0, 30.0]
PHONONS = sj.acoustic_deformation_potential(
    deformation_potential=POTENTIAL, sound_velocity=SOUND, mass_density=DENSITY, dimension=2
)
PARTS = {"sigma_boltzmann": (0, 0), "sigma_side_jump": (1, 0)}


def solved(nodes, **more):
    options = {"chemical_potential": MU, "temperatures": TEMPERATURES, "geometry": "shared", "intrinsic_tolerance": 0.1}
    return sj.anomalous_hall(
        sj.MassiveDirac(mass=MASS, velocity=VELOCITY), PHONONS, energy_nodes=nodes, **options, **more
    )


@pytest.fixture(scope="module")
def exact():
    """The integral equation, which has no energy nodes of this kind, nor shells."""
    found = dirac_2d(
        TEMPERATURES, mass=MASS, velocity=VELOCITY, chemical_potential=MU, potential=POTENTIAL, sound=SOUND,
        density=DENSITY,
    )  # fmt: skip
    return {"sigma_boltzmann": found["boltzmann xx"][0], "sigma_side_jump": found["side jump yx"][0]}


@pytest.mark.parametrize("nodes", [2, 3])
def test_too_few_nodes_are_in_the_error(nodes, exact):
    """Cold phonons, few nodes: 0.06 % to 15 % off, in numbers of points that leave nothing."""
    with pytest.warns(sj.SidejumpWarning, match="energy nodes may change"):
        found = solved(nodes, tolerance=1e-4)
    for part, element in PARTS.items():
        off = np.abs(found[part].values[:, *element] - exact[part])
        error = found[f"{part}_error"].values[:, *element]
        assert (off < 1.5 * error).all(), (part, off / error)
        assert (off > 0.2 * error).all(), (part, off / error)
    assert (found.node_change > 1e-5).all()


def test_one_node_is_a_theory_whose_errors_are_within_it(exact, capsys):
    """Said where errors are shown, with the size of what they do not hold."""
    found = solved(1, tolerance=1e-3)
    off = np.max([np.abs(found[p].values[:, *e] / exact[p] - 1) for p, e in PARTS.items()], axis=0)
    np.testing.assert_allclose(found.inelastic_change, off, rtol=0.3)
    assert (found.sigma_boltzmann_error[:, 0, 0] < 0.01 * found.sigma_boltzmann[:, 0, 0] * off).all()
    assert found.attrs["warnings"] == []
    print_table(found)
    shown = " ".join(capsys.readouterr().out.split())
    assert f"three nodes change the result by up to {100 * float(found.inelastic_change.max()):.2g} % (5 K)" in shown
    assert "inelastic_change" not in solved("auto")


@pytest.mark.parametrize("geometry", ["own", "shared", "independent"])
def test_every_term_says_what_its_nodes_leave(geometry):
    """On the coarsest level alone; as the number of the program's own choice is said to leave something."""
    for nodes, name in ((3, "node_change"), (1, "inelastic_change")):
        settings = TransportSettings(energy_nodes=nodes, geometry=geometry)
        problem = Problem(sj.MassiveDirac(mass=MASS, velocity=VELOCITY), [PHONONS], MU, settings)
        temperatures = np.array([12.0])
        [(term, _)] = planned(problem, choose_geometries(problem, temperatures)[0])
        found = [
            term.evaluate(problem.laid(0.7, 0, coarsest=coarsest), temperatures, lambda _: None).facts[name][0]
            for coarsest in (True, False)
        ]
        assert 1e-5 < found[0] < 0.1
        assert np.isnan(found[1])


@pytest.mark.parametrize(("given", "part"), [(np.inf, 0.2), (0.05, 0.05)])
def test_what_no_second_number_tells_is_not_taken_for_nothing(given, part):
    """Memory holds one node alone: what more of them change is as unknown as the bias of a level without another."""
    world = World()
    plain = world.replica

    def unsettled(task):
        found = plain(task)
        known = given if task.level == 0 else np.nan  # finer levels leave it to the first
        facts = {"node_change": [known] * len(task.where)} if task.term == "a" else {}
        return replace(found, facts=facts)

    world.replica = unsettled
    controller = world.controller(0.01)
    found = controller.run(world.compute)
    np.testing.assert_allclose(found.relative_floors()["energy nodes"][:, 0], part)
    assert (found.relative_error()[:, 0] > part).all()


def test_three_dimensions():
    """Quasi-elastic, and with three nodes, whose effect is a term of its own, on a crystal."""
    model, scatterers, mu, _, options = CASES["crystal"]()
    options = options | {"chemical_potential": mu, "temperatures": [30.0, 300.0], "tolerance": 0.3}
    one, three = (sj.anomalous_hall(model, scatterers, **(options | {"energy_nodes": n})) for n in (1, 3))
    assert one.energy_nodes.values.tolist() == [1, 1] and three.energy_nodes.values.tolist() == [3, 3]
    assert np.isnan(one.node_change).all() and "inelastic_change" not in three
    change = [np.abs(one[p] - three[p]).max(("a", "b")).values / np.abs(three[p]).max(("a", "b")).values for p in PARTS]
    assert one.inelastic_change.values == pytest.approx(np.max(change, axis=0), rel=0.5)
    assert 0.01 < one.inelastic_change[0] < 1 and 3 * one.inelastic_change[1] < one.inelastic_change[0]
    assert (three.node_change < 0.5 * one.inelastic_change).all() and (three.node_change > 0).all()
