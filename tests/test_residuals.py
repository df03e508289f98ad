"""What the residual of the equation on a finer shell adds: the distribution of a coarse one no longer matters in first
order."""

from dataclasses import replace

import numpy as np
import pytest

import sidejump as sj
from sidejump import Observable
from sidejump.errors import TooLarge
from sidejump.transport import TransportSettings
from sidejump.transport.hot_spots import HotSpots, hot_spot_changes, with_hot_spots
from sidejump.transport.problem import Problem
from sidejump.transport.shared import SharedShell, operator_bytes
from sidejump.units import KB
from test_hot_spots import MU, WEYL, ferromagnet, phonons

KT = KB * 300


def problem_of(model=None, mu=MU, *, observables=(), **settings):
    return Problem(model or ferromagnet(), [phonons()], mu, TransportSettings(**settings), list(observables))


def across(side_jump) -> float:
    return side_jump[0, 1] - side_jump[1, 0]


def changed(problem, coarse, fine, kt=KT):
    """Solver and response of C, and the response with F."""
    solver = SharedShell(problem, coarse, kt)
    found = solver.solve(kt, 1)[0]
    [with_fine] = with_hot_spots(problem, solver, fine, [kt], [found])
    return solver, found, with_fine


@pytest.mark.parametrize(("model", "mu", "settings"), [(ferromagnet(), MU, {}), (WEYL, 0.1, {"spacing": 0.1})])
def test_on_the_points_of_the_solution_there_is_none(model, mu, settings):
    problem = problem_of(model, mu, accuracy=0.5, **settings)
    shell = problem.shell(mu, problem.spacings.base, levels=0)
    _, found, same = changed(problem, shell, replace(shell, k=shell.k.copy()))
    assert found.anomalous is not None
    for part, expected in zip(same.tensors, found.tensors, strict=True):
        np.testing.assert_allclose(part, expected, rtol=0, atol=2e-6 * np.abs(expected).max())


def test_the_result_is_that_of_the_solution_on_the_fine_shell():
    """Errors of the distribution count squared: half of the points, three times fewer, six times fewer."""
    problem = problem_of(turn=0.35)
    base = 2 * problem.spacings.base
    fine = problem.shell(MU, base, levels=2, several=True)
    whole = SharedShell(problem, fine, KT).solve(KT, 1)[0]
    errors = []
    for factor, levels in ((1.0, 0), (1.5, 0)):
        coarse = problem.shell(MU, factor * base, levels=levels, several=True)
        assert len(coarse) < 0.25 * len(fine)
        _, found, with_fine = changed(problem, coarse, fine)
        size = across(whole.side_jump_velocity)
        alone, residual = (abs(across(r.side_jump_velocity) / size - 1) for r in (found, with_fine))
        plain = HotSpots(problem, fine).on_fine(SharedShell(problem, coarse, KT), [KT], [found])[0].side_jump
        summed = abs(across(plain) / size - 1)
        off, left = (np.abs(r.boltzmann / whole.boltzmann[0, 0] - np.eye(3) * np.diag(whole.boltzmann)
                            / whole.boltzmann[0, 0]).max() for r in (found, with_fine))  # fmt: skip
        errors.append((alone, summed, residual, off, left))
    (alone, summed, residual, off, left), coarser = errors
    assert alone > 5e-3 and summed > 4e-3 and residual < 1e-3
    assert left < 0.05 * off
    assert coarser[0] > 0.2 and coarser[1] > 0.03 and coarser[2] < 0.01
    assert coarser[4] < 0.3 * coarser[3]


@pytest.mark.parametrize("symmetry", ["off", "auto"])
def test_it_is_the_same_for_the_velocity_as_an_observable(symmetry):
    """Both halves of its side jump are those of the current; of a part of it, that part."""
    share = [0.6, 0.0, 0.8]
    along = Observable("along", lambda model, k: np.tensordot(share, model.hamiltonian_gradient(k), (0, 1)))
    observables = [*(sj.velocity(x) for x in "xyz"), *([along] if symmetry == "off" else [])]
    problem = problem_of(accuracy=0.35, symmetry=symmetry, observables=observables)
    coarse, fine = (problem.shell(MU, x * problem.spacings.base, levels=0) for x in (1.2, 1.0))
    solver = SharedShell(problem, coarse, KT)
    found = solver.solve(KT, 1)[0]
    for response in (found, replace(found, anomalous=None)):  # as where memory does not hold the anomalous equation
        [change] = hot_spot_changes(problem, solver, fine, [KT], [response])
        for number, part in enumerate(change.tensors):
            asked = problem.multiplets.asked(part, 3)
            size = np.abs(part[:3]).max()
            # the sum of velocities over every piece of a surface is made exact, that of an observable is what it is:
            # the drives of the Boltzmann part differ, and of all points the currents
            precision = {"auto": 1e-4, "off": 5e-3}[symmetry] * size if number else 0.05 * size
            assert precision > 0
            np.testing.assert_allclose(asked[3:6], asked[:3], rtol=0, atol=precision)
            if symmetry == "off":
                np.testing.assert_allclose(asked[6], share @ asked[:3], rtol=0, atol=precision)


def test_without_the_anomalous_equation_the_side_jump_grows_as_the_conductivity():
    problem = problem_of(accuracy=0.5)
    coarse, fine = (problem.shell(MU, x * problem.spacings.base, levels=0) for x in (1.3, 1.0))
    solver = SharedShell(problem, coarse, KT)
    found = solver.solve(KT, 1)[0]
    [with_residual] = with_hot_spots(problem, solver, fine, [KT], [found])
    [grown] = with_hot_spots(problem, solver, fine, [KT], [replace(found, anomalous=None)])
    [plain] = HotSpots(problem, fine).on_fine(solver, [KT], [found])
    np.testing.assert_allclose(grown.boltzmann, with_residual.boltzmann)
    growth = np.diag(grown.boltzmann) / np.diag(found.boltzmann)
    assert np.abs(growth - 1).max() > 1e-5
    np.testing.assert_allclose(across(grown.side_jump_velocity), across(plain.side_jump * growth), rtol=1e-6)


def test_memory_decides_at_every_temperature_and_the_share_of_it_never():
    """What others leave of it is enough or not: then it is computed again with all of the memory."""
    problem = problem_of(accuracy=0.3)
    shell, kts = problem.shell(MU, problem.spacings.base, levels=0), [KT, KT / 2, KT / 3]
    solver = SharedShell(problem, shell, KT)
    needed, with_anomalous = (
        operator_bytes(solver.pairs_within(KT)[1], 1, problem.fold(shell.operations), 3, check=check)
        for check in (False, True)
    )
    assert needed < 0.6 * with_anomalous

    def solved(memory, share):
        of_memory = problem_of(accuracy=0.3, memory=memory * with_anomalous)
        of_memory.share = share * with_anomalous
        found = SharedShell(of_memory, shell, KT, residuals=True).solve_each(kts, 1)
        return [r.anomalous is not None for r, _ in found]

    assert solved(0.9, 0.9) == [False] * 3
    assert solved(1.1, 1.1) == solved(100.0, 1.1) == [True] * 3
    with pytest.raises(TooLarge):
        solved(100.0, 0.9)


def test_phonons_that_the_points_do_not_resolve_leave_the_distribution_as_it_is():
    """With the residual the conductivity of points far too coarse for 3 K would be twelve times that of C, where C is
    nine times off."""
    model, base = ferromagnet(0.3), problem_of(ferromagnet(0.3)).spacings.base
    problem, kt = problem_of(model, accuracy=0.35), KB * 3
    coarse, fine = (problem.shell(MU, x * base, levels=0) for x in (5.0, 3.0))
    solver = SharedShell(problem, coarse, kt, residuals=True)
    found = solver.solve(kt, 1)[0]
    [wild], [left] = (with_hot_spots(problem, solver, fine, [kt], [found], spacing) for spacing in (None, 5.0 * base))
    np.testing.assert_array_equal(left.boltzmann, found.boltzmann)
    assert np.abs(wild.boltzmann).max() > 2 * np.abs(found.boltzmann).max()
    ladder = problem_of(model).spacings
    thermal = ladder.base / ladder.coarseness(300.0)
    assert ladder.resolves(1.2 * thermal, 300.0) and not ladder.resolves(1.3 * thermal, 300.0)


def test_whole_shells_are_those_of_the_plain_spacing():
    """Only where symmetry leaves few points are they twice as close; ladders end at the same spacing."""
    problem = problem_of(accuracy=0.35)
    folded, whole = problem.spacings, problem.whole_spacings
    assert folded.closer == 2.0 and whole.closer == 1.0
    assert whole.at(300.0) == pytest.approx(2 * folded.at(300.0)) and whole.at(1.0) == pytest.approx(folded.at(1.0))
    other = problem_of(accuracy=0.35, symmetry="off")
    assert other.spacings.base == whole.base
    plain, all_images = other.shell(MU, whole.base), problem.shell(MU, whole.base, whole=True)
    assert len(plain) == len(all_images) and all_images.operations is None
