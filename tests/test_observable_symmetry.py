"""Observables under the group of a crystal: folded onto irreducible points, and rules that are put to the test."""

from dataclasses import replace

import numpy as np
import pytest

import sidejump as sj
from sidejump import InputError, Observable, Rule
from sidejump.bands.ready_made import components
from sidejump.groups.multiplets import Multiplets
from sidejump.groups.operations import exact_operations, identity
from sidejump.groups.rules import violations
from sidejump.transport import TransportSettings, shared
from sidejump.transport.hot_spots import HotSpots, hot_spot_changes
from sidejump.transport.problem import Problem
from sidejump.transport.shared import SharedShell
from sidejump.units import KB
from test_hot_spots import MU, ferromagnet, phonons
from test_reduced import everywhere, p_model, thinned

PARTS = ("boltzmann", "side_jump_velocity", "side_jump_distribution")
ALL = [
    *(sj.velocity(c) for c in components("velocity", 3)),
    *(sj.spin(c) for c in components("spin", 3)),
    *(sj.spin_current(c) for c in components("spin_current", 3)),
    Observable("density", np.eye(6), rule=Rule(0)),
]
SOME = [sj.spin_current("yz"), sj.spin("y"), sj.velocity("y")]

CASES = {
    "cubic": (p_model("bcc"), 0.1, ["identity"], ALL),
    "hexagonal": (p_model("hexagonal"), 0.6, ["identity"], ALL),
    "without inversion": (p_model("sc", inversion=False), 0.1, ["identity", "sigma_z"], ALL),
    "one axis": (p_model("sc", (0.1, 0.2, 0.3)), 0.1, ["identity"], ALL),
    "nonmagnetic": (p_model("sc", (0, 0, 0), inversion=False), 0.1, ["identity"], ALL),
    "Kramers pairs": (p_model("sc", (0, 0, 0)), 0.1, ["identity"], ALL),
    "some": (p_model("bcc"), 0.1, ["identity"], SOME),
}


def problem_of(model, mu, vertices, observables, **settings):
    scatterers = [replace(phonons(), vertex=v) for v in vertices]
    chosen = {"tolerance": 1e-4, "spacing": 0.6, **settings}
    return Problem(model, scatterers, mu, TransportSettings(**chosen), observables)


@pytest.mark.parametrize("name", CASES)
def test_irreducible_points_give_what_all_points_give(name, monkeypatch):
    # of traces: what matrices within groups add is compared in test_group_matrices.py
    monkeypatch.setattr(shared, "with_matrices", lambda problem, stream, kernels, response, *rest: response)
    model, mu, vertices, observables = CASES[name]
    problem = problem_of(model, mu, vertices, observables)
    # without a magnet fewer points leave an equation near singular
    shell = thinned(problem.shell(mu, 0.6, levels=0), 2 if name in ("nonmagnetic", "Kramers pairs") else 4)
    assert len(shell.operations) > 1
    kt = KB * 300
    # the same points, each image by itself
    other = problem_of(model, mu, vertices, observables, symmetry="off")
    nodes = 1 if name == "without inversion" else 3  # its pockets hardly exchange electrons: an equation near singular
    reduced = SharedShell(problem, shell, kt).solve(kt, nodes)[0]
    whole = SharedShell(other, everywhere(shell), kt).solve(kt, nodes)[0]
    asked = [[p.multiplets.asked(getattr(r, x), 3) for x in PARTS] for p, r in ((problem, reduced), (other, whole))]
    for part, found, expected in zip(PARTS, *asked, strict=True):
        rows = [slice(0, 6), slice(6, 9), slice(9, None)] if observables is ALL else [slice(0, None)]
        whole_size = np.abs(expected).max() if part == "boltzmann" else np.abs(whole.side_jump_velocity).max()
        for some in rows:  # observables of one unit have one size, unless symmetry forbids them
            size = max(np.abs(expected[some]).max(), 1e-2 * whole_size)
            np.testing.assert_allclose(found[some], expected[some], rtol=0, atol=1e-4 * size + 1e-14)
    if observables is ALL:
        largest = [np.abs(x).max() for x in asked[0]]
        np.testing.assert_allclose(asked[0][0][3:6], asked[0][0][:3], rtol=0, atol=2e-2 * largest[0])
        assert np.abs(asked[0][0][-1]).max() < 1e-10 * largest[0]
        even = np.abs(asked[0][1][9:-1]).max()  # of the currents of spin
        assert even > 1e-6
    if name == "Kramers pairs":  # no Hall current, but one of spin
        assert np.abs(asked[1][1][:9]).max() < 1e-5 * even > 1e3 * np.abs(asked[0][1][:9]).max()


@pytest.mark.parametrize("name", ["cubic", "without inversion", "some"])
def test_hot_spots_give_what_all_points_give(name):
    model, mu, vertices, observables = CASES[name]
    problem = problem_of(model, mu, vertices, observables)
    other = problem_of(model, mu, vertices, observables, symmetry="off")
    coarse, fine = (thinned(problem.shell(mu, spacing, levels=0), step) for spacing, step in ((0.7, 4), (0.5, 5)))
    assert len(coarse) != len(fine)
    kt, found = KB * 300, []
    for p, c, f in ((problem, coarse, fine), (other, everywhere(coarse), everywhere(fine))):
        solver = SharedShell(p, c, kt)
        response = solver.solve(kt, 1)[0]
        jump = HotSpots(p, f).on_fine(solver, [kt], [response])[0].side_jump
        rows = p.multiplets.asked(jump[:, :3], 3)
        drives = p.multiplets.asked(jump[:3].T, 3)
        # with what the residual adds, to observables and what they drive as well
        [change] = hot_spot_changes(p, solver, f, [kt], [response])
        found.append((rows, drives, *(p.multiplets.asked(part, 3) for part in change.tensors)))
    for mine, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=2e-4 * np.abs(theirs).max())


def test_symmetry_forbids_and_leaves():
    """A cubic crystal magnetised along z: of the currents of spin along z the two transverse ones, opposite."""
    model, mu, vertices, _ = CASES["cubic"]
    problem = problem_of(model, mu, vertices, [sj.spin_current(c) for c in components("spin_current", 3)])
    shell = problem.shell(mu, 0.6, levels=0)
    response = SharedShell(problem, shell, KB * 300).solve(KB * 300, 1)[0]
    even = problem.multiplets.asked(response.side_jump_velocity + response.side_jump_distribution, 3)[3:]
    even = even.reshape(3, 3, 3)  # flow, spin, field
    scale = np.abs(even).max()
    assert scale > 0
    assert even[1, 2, 0] == pytest.approx(-even[0, 2, 1], abs=1e-9 * scale)
    allowed = {tuple(i) for i in np.argwhere(np.abs(even) > 1e-9 * scale)}
    assert allowed <= {(0, 1, 2), (1, 0, 2), (0, 2, 1), (1, 2, 0), (2, 0, 1), (2, 1, 0)}


def test_parts_are_irreducible_and_shared():
    operations = exact_operations(p_model("bcc"), energy=0.1)
    found = Multiplets.of([sj.spin_current("yz")], operations)
    assert [len(p.basis) for p in found.parts] == [2]
    everything = Multiplets.of(ALL[:-1], operations)
    assert max(len(p.basis) for p in everything.parts) <= 2 and len(everything) == 15
    rng = np.random.default_rng(0)
    tensors = rng.normal(size=(3 + len(everything), 2))
    asked = everything.asked(tensors, 3)
    np.testing.assert_allclose(np.linalg.norm(asked[3:]), np.linalg.norm(tensors[3:]))
    alone = Multiplets.of(SOME, None)
    assert [len(p.basis) for p in alone.parts] == [1, 1, 1]
    np.testing.assert_array_equal(alone.asked(tensors[:6], 3), tensors[:6])


def test_rules_of_ready_made_observables_are_those_of_the_models():
    for model in (p_model("bcc"), p_model("hexagonal"), p_model("sc", inversion=False), p_model("sc", (0, 0, 0))):
        operations = exact_operations(model, energy=0.1)
        for o in (sj.velocity("x"), sj.spin("x"), sj.spin_current("xx"), sj.orbital_moment("x")):
            assert violations(model, o, operations, 0.1).max() < 1e-6


WRONG = {
    "axial": Rule(1, axial=False, time_reversal=-1),
    "time reversal": Rule(1, axial=True, time_reversal=1),
    "scalar": Rule(0),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_rule_is_one_sentence(name):
    model = p_model("bcc")
    rule = WRONG[name]

    def spins(m, k):
        found = np.broadcast_to(0.5 * m.spin, (len(k), 3, 6, 6))
        return found if rule.rank else found[:, 0]

    observable = Observable("own spin", spins, rule=rule, component="z"[: rule.rank])
    problem = problem_of(model, 0.1, ["identity"], [observable])
    with pytest.raises(InputError, match=r"observable own spin: Rule\(.* % of its size; correct rank"):
        _ = problem.operations
    right = replace(
        observable, rule=Rule(1, axial=True, time_reversal=-1), component="z", operator=sj.spin("z").operator
    )
    assert problem_of(model, 0.1, ["identity"], [right]).operations is not None


def test_an_observable_without_a_rule_keeps_all_points():
    model = p_model("bcc")
    free = Observable("spin", 0.5 * model.spin[2])
    assert problem_of(model, 0.1, ["identity"], [free]).operations is None
    assert len(problem_of(model, 0.1, ["identity"], [sj.spin("z")]).operations) == 16


def test_operations_that_do_not_turn_the_spins_are_left_out():
    """Without spin-orbit coupling the bands of a magnet have the symmetry of the crystal, its spins have not."""
    model = p_model("sc", spin_orbit=0.0)
    assert len(exact_operations(model, energy=0.1)) == 48
    problem = problem_of(model, 0.1, ["identity"], [sj.spin("z")])
    operations = problem.operations or identity(3)
    assert violations(model, sj.spin("z"), operations, 0.1).max() < 1e-6
    assert len(operations) < 48


def test_runs_with_and_without_symmetry_agree():
    """Different discretisations of one surface, each with its error."""
    found = []
    for symmetry in ("auto", "off"):
        ds = sj.anomalous_hall(
            ferromagnet(0.3),
            phonons(),
            chemical_potential=MU,
            temperatures=[300.0],
            observables=[sj.velocity("y"), sj.spin_current("yz")],
            symmetry=symmetry,
            energy_nodes=1,
            geometry="shared",
            tolerance=0.1,
            accuracy=0.3,
            intrinsic_tolerance=0.1,
        )
        found.append(ds)
    for part in ("boltzmann", "side_jump"):
        a, b = (ds[f"response_{part}"].values[0] for ds in found)
        da, db = (ds[f"response_{part}_error"].values[0] for ds in found)
        assert (np.abs(a - b) < 4 * np.hypot(da, db) + 1e-6 * np.abs(b).max()).all()


RASHBA = sj.RashbaFerromagnet(effective_mass=0.6, rashba=0.8, exchange=0.05)
IMPURITIES = sj.impurity(correlation="zero_range", density=1e11, strength=1.0, dimension=2)


@pytest.mark.parametrize("rule", [Rule(1, axial=True), Rule(2, axial=True)])
def test_rules_are_tested_where_no_points_are_reduced(rule):
    """The magnetised Rashba model has mirrors together with time reversal."""
    shape = (2, 2) if rule.rank == 1 else (3, 2, 2)

    def operator(model, k):
        return np.broadcast_to(0.5 * model.spin.reshape(3, *((1,) * (rule.rank - 1)), 2, 2), (len(k), 3, *shape))

    component = "y" * rule.rank
    own = Observable("s", operator, rule=rule, component=component)
    with pytest.raises(InputError, match=r"observable s: Rule\(.* of its size"):
        sj.Study(RASHBA, (IMPURITIES,), (0.15,), np.array([10.0]), observables=(own,))
    right = Observable("s", sj.spin("y").operator, rule=sj.spin("y").rule, component="y")
    sj.Study(RASHBA, (IMPURITIES,), (0.15,), np.array([10.0]), observables=(right,))
