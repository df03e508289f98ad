"""One road from a pair of states to the response: what differs is how many energies a point has, and the group."""

from dataclasses import replace

import numpy as np
import pytest

import sidejump as sj
from sidejump.energy.basis import energy_basis
from sidejump.groups.operations import identity
from sidejump.kinetics.fold import Fold
from sidejump.kinetics.response import kinetic_response
from sidejump.kinetics.sums import RateSums, rate_sums
from sidejump.pairs.contraction import RowSums, add_row_sums, contract
from sidejump.pairs.stream import PairStream
from sidejump.surfaces.components import Components
from sidejump.transport import TransportSettings
from sidejump.transport.problem import Problem
from sidejump.transport.shared import SharedShell
from sidejump.units import KB
from test_hot_spots import MU, ferromagnet, phonons

KT = KB * 60.0
PHONONS = sj.acoustic_deformation_potential(
    deformation_potential=5.0, sound_velocity=2000.0, mass_density=7.6e-7, dimension=2
)
IMPURITIES = sj.impurity(correlation="zero_range", density=1e10, strength=1.0, dimension=2)
PARTS = ("boltzmann", "side_jump_velocity", "side_jump_distribution")


def plane(**settings):
    model = sj.MassiveDirac(mass=0.1, velocity=3.0, tilt=(0.3, 0.1))
    problem = Problem(model, [PHONONS, replace(IMPURITIES, vertex="sigma_z")], 0.2, TransportSettings(**settings))
    return problem, problem.shell(0.2, problem.spacings.base)


def carried(problem, shell, nodes: int) -> PairStream:
    """Points with an energy for each node, all of which lie where the energy of the shell has them."""
    k, weight = (np.repeat(x[:, None], nodes, axis=1) for x in (shell.k, shell.weight))
    sample = problem.sampled(shell, k, weight)
    return PairStream(sample, sample.prepared(problem.sources), problem.q_max(shell.k), levels=False)


@pytest.mark.parametrize("nodes", [1, 5])
def test_energies_that_share_a_surface_are_a_shared_shell(nodes):
    problem, shell = plane()
    expected, _ = SharedShell(problem, shell, KT).solve(KT, nodes)
    stream, basis = carried(problem, shell, nodes), energy_basis(nodes)
    floors = [problem.z_floor(shell, source) for source in problem.sources]
    kernels = [{(0, 0): problem.kernel(i, basis, KT, stream.q_max, floor)} for i, floor in enumerate(floors)]
    fold = Fold()
    [sums] = rate_sums(stream, [kernels], lambda _: RateSums(len(shell), nodes, 2, fold))
    found = kinetic_response(sums, stream.sample, basis.thermal_weight)
    assert found.conservation_error < 1e-13
    for part in PARTS:
        scale = np.abs(getattr(expected, part)).max()
        np.testing.assert_allclose(getattr(found, part), getattr(expected, part), rtol=0, atol=2e-5 * scale)


def test_a_group_of_one_operation_is_no_group():
    """Vectors on all points, folded by the identity, in place of numbers: three right-hand sides as one."""
    model = ferromagnet()
    problem = Problem(model, [phonons()], MU, TransportSettings(symmetry="off", accuracy=0.5))
    shell = problem.shell(MU, problem.spacings.base, levels=0)
    parts = shell.components
    keeps = np.ones((len(parts.closed), 1), dtype=bool)
    folded = replace(
        shell,
        operations=identity(3),
        components=Components(parts.label, np.zeros_like(parts.label), keeps, parts.closed),
    )
    for t, nodes in ((60.0, 3), (300.0, 1)):
        plain, one = SharedShell(problem, shell, KB * t), SharedShell(problem, folded, KB * t)
        assert one.unknowns(1) == 3 * plain.unknowns(1)
        expected, found = (s.solve(KB * t, nodes)[0] for s in (plain, one))
        for part in PARTS:
            scale = np.abs(getattr(expected, part)).max()
            np.testing.assert_allclose(getattr(found, part), getattr(expected, part), rtol=0, atol=1e-5 * scale)


def test_mirrored_pairs_are_those_of_the_exchanged_sets():
    problem, shell = plane(accuracy=3.0)
    solver = SharedShell(problem, shell, KT)
    basis = energy_basis(3, even=True)
    kernels = [solver.kernel(i, basis, KT) for i in range(2)]
    cuts = [k.cutoff for k in kernels]
    task = next(t for t in solver.stream.tasks(cuts) if t.rows != t.columns)
    turned = replace(task, rows=task.columns, columns=task.rows)
    for block, other in zip(*(solver.stream.blocks(t, cuts) for t in (task, turned)), strict=True):
        here, there = (contract(b, kernels[b.source]) for b in (block, other))
        np.testing.assert_allclose(here.rates, there.rates.transpose(1, 0, 3, 2), rtol=2e-5)
        np.testing.assert_allclose(here.out_columns, there.out_rows, rtol=2e-5)
        scale = np.abs(there.jump_rows).max()
        np.testing.assert_allclose(-here.jump_columns, there.jump_rows, rtol=0, atol=2e-5 * scale)


@pytest.mark.parametrize("nodes", [1, 3, 5])
def test_row_sums_are_those_of_the_contraction(nodes):
    problem, shell = plane()
    solver = SharedShell(problem, shell, KT)
    kernels = [[solver.kernel(i, energy_basis(nodes, even=True), kt) for kt in (KT, 2 * KT)] for i in range(2)]
    cuts, m = [max(k.cutoff for k in some) for some in kernels], (nodes + 1) // 2
    for task in solver.stream.tasks(cuts)[:3]:
        for block in solver.stream.blocks(task, cuts):
            count = task.rows.stop - task.rows.start
            ones = np.ones((m, solver.sample.count, 1), dtype=np.float32)
            both = [RowSums.none(ones, count, 2, 1) for _ in range(2)]
            left = np.ones(count, dtype=np.float32)
            add_row_sums(both, block, kernels[block.source], left, [ones, 2 * ones])
            for factor, kernel, sums in zip((1, 2), kernels[block.source], both, strict=True):
                whole = contract(block, kernel)
                size = factor * whole.rates.sum(axis=(1, 3))
                np.testing.assert_allclose(sums.rates[..., 0], size, rtol=0, atol=1e-5 * np.abs(size).max())
                jump = factor * whole.jump_rows.transpose(2, 1, 0)
                np.testing.assert_allclose(sums.shifts[..., 0], jump, rtol=0, atol=1e-5 * np.abs(jump).max())
                out = factor * whole.out_rows
                np.testing.assert_allclose(sums.out, out, rtol=0, atol=1e-5 * np.abs(out).max())
                back = whole.rates[0, 0].sum(axis=0)
                assert len(sums.back) == (solver.sample.count if nodes == 1 else 0)
                if nodes == 1:
                    np.testing.assert_allclose(sums.back[task.columns], back, rtol=0, atol=1e-5 * np.abs(back).max())


def test_each_pair_is_in_one_task():
    """Of the pairs with images those and their mirror images, once; with all operations as many as there are."""
    problem = Problem(ferromagnet(), [phonons()], MU, TransportSettings(accuracy=0.25))
    shell = problem.shell(MU, problem.spacings.base, levels=0)
    solver = SharedShell(problem, shell, KB * 300)
    near, count = solver.sample.near, len(shell)
    found = np.zeros((count, solver.sample.images, count), dtype=int)
    for task in near.tasks(1e9):
        for g in task.images:
            found[task.rows, g, task.columns] += 1
            if near.mirrored(task, g):
                found[task.columns, near.inverse[g], task.rows] += 1
    np.testing.assert_array_equal(found, 1)
