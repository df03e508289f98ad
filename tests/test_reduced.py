"""Irreducible points: operations found, cells and their shares, and responses equal to those of all points."""

from dataclasses import replace

import numpy as np
import pytest

from helpers_models import random_wannier
from sidejump import PAULI, impurity
from sidejump.bands.tight_binding import TightBinding
from sidejump.groups.kinetic import kinetic_operations
from sidejump.groups.operations import exact_operations, is_group
from sidejump.surfaces.components import Components
from sidejump.surfaces.fermi import fermi_shell
from sidejump.surfaces.irreducible import divisor, irreducible_cells, symmetric_axes
from sidejump.transport import TransportSettings, run_transport
from sidejump.transport.problem import Problem
from sidejump.transport.shared import SharedShell
from sidejump.units import KB
from test_hot_spots import ferromagnet, phonons

P_ORBITALS = np.array(
    [[[0, 0, 0], [0, 0, -1j], [0, 1j, 0]], [[0, 0, 1j], [0, 0, 0], [-1j, 0, 0]], [[0, -1j, 0], [1j, 0, 0], [0, 0, 0]]]
)

LATTICES = {
    "sc": np.eye(3),
    "bcc": 0.5 * np.array([[1, 1, 1], [-1, 1, 1], [-1, -1, 1]]),
    "fcc": 0.5 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]),
    "hexagonal": np.array([[1, 0, 0], [-0.5, 3**0.5 / 2, 0], [0, 0, 1.1]]),
    "orthorhombic": np.diag([1, 1.1, 1.15]),
}


def p_model(lattice="bcc", moment=(0, 0, 0.3), spin_orbit=0.15, inversion=True):
    """p orbitals with sigma and pi hops, spin-orbit coupling and an exchange field; s in p without inversion."""
    cell = 2.9 * np.asarray(LATTICES[lattice], dtype=float)
    builder = TightBinding(cell, [((0, 0, 0), 3)], spinful=True)
    vectors = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), -1).reshape(-1, 3)
    length = np.linalg.norm(vectors @ cell, axis=1)
    shells = np.unique(np.round(length[length > 0], 6))[: 4 if lattice == "orthorhombic" else 2]
    for r, l in zip(vectors, length, strict=True):
        rank = np.flatnonzero(np.abs(shells - l) < 1e-3)
        if len(rank) and tuple(r) > tuple(-r):
            along = r @ cell / l
            sigma = np.outer(along, along)
            hop = (0.55 * sigma - 0.12 * (np.eye(3) - sigma)) * 0.4 ** rank[0]
            builder.hop(0, 0, r, np.kron(hop, np.eye(2)))
    onsite = np.kron(np.eye(3), np.einsum("a,aij->ij", np.asarray(moment, dtype=float), PAULI))
    onsite = onsite + spin_orbit * sum(np.kron(l, s) for l, s in zip(P_ORBITALS, PAULI, strict=True))
    if not inversion:  # a magnetoelectric term: odd in k, even under time reversal with spin
        for axis in range(3):
            r = np.eye(3, dtype=int)[axis]
            builder.hop(0, 0, r, 0.05j * np.kron(np.eye(3), PAULI[axis]))
    return builder.onsite(0, onsite).build()


@pytest.mark.parametrize(
    ("model", "count", "reversing"),
    [
        (p_model("bcc"), 16, 8),
        (p_model("fcc", (0.2, 0.2, 0.2)), 12, 6),
        (p_model("sc", (0.1, 0.2, 0.3)), 2, 0),
        (p_model("hexagonal"), 24, 12),
        (p_model("orthorhombic"), 8, 4),
        (p_model("sc", inversion=False), 8, 4),
        (random_wannier(3, 4), 1, 0),
    ],
)
def test_operations_of_magnetic_crystals(model, count, reversing):
    operations = exact_operations(model, energy=0.1)
    assert is_group(operations) and len(operations) == count
    assert int(np.sum(operations.signs == -1)) == reversing
    np.testing.assert_allclose(operations.matrices[0], np.eye(3), atol=1e-12)


def test_time_reversal_with_inversion_leaves_nothing_odd():
    operations = exact_operations(p_model("bcc", (0, 0, 0)), energy=0.1)
    assert len(operations) == 48 and not operations.signs.any()


@pytest.mark.parametrize("lattice", LATTICES)
def test_irreducible_cells_stand_for_one_zone(lattice):
    model = p_model(lattice)
    reciprocal = model.reciprocal_cell
    axes, operations = symmetric_axes(reciprocal, exact_operations(model))
    assert len(operations) == {"hexagonal": 12, "orthorhombic": 8}.get(lattice, 16)
    # axes are reciprocal vectors
    coefficients = axes @ np.linalg.inv(reciprocal)
    np.testing.assert_allclose(coefficients, np.round(coefficients), atol=1e-9)
    counts = np.full(3, 4 * divisor(axes, reciprocal))
    cells, share = irreducible_cells(axes, counts, reciprocal, operations)
    zones = abs(np.linalg.det(coefficients))
    assert share.sum() == pytest.approx(counts.prod() / zones)
    assert len(cells) < 4 * counts.prod() / zones / len(operations)
    # whole and irreducible shells have the same density of states
    whole, part = (fermi_shell(model, 0.6, spacing=0.2, levels=0, operations=o) for o in (None, operations))
    assert part.operations is not None and len(part) < len(whole) / 3
    assert part.weight.sum() == pytest.approx(whole.weight.sum(), rel=0.02)
    assert part.area.sum() == pytest.approx(whole.area.sum(), rel=0.02)
    # the mean of an invariant function over all centres is that over irreducible ones
    k = (np.indices(counts).reshape(3, -1).T + 0.5) / counts @ axes
    energies = np.sort(np.linalg.eigvalsh(model.hamiltonian(k)), axis=1) ** 2
    some = np.linalg.eigvalsh(model.hamiltonian((cells + 0.5) / counts @ axes)) ** 2
    weight = share[tuple(cells.T)]
    np.testing.assert_allclose(weight @ some / weight.sum(), energies.mean(axis=0), rtol=1e-9)


def everywhere(shell):
    """The shell with all images as points of their own."""
    turns = shell.operations.matrices
    n = len(turns)
    return replace(
        shell,
        k=np.concatenate([shell.k @ m.T for m in turns]),
        **{name: np.tile(getattr(shell, name), n) for name in ("band", "sheet")},
        **{name: np.tile(getattr(shell, name), n) / n for name in ("weight", "area")},
        operations=None,
        components=components_everywhere(shell),
    )


def thinned(shell, step=4):
    """Every `step`-th point: sums over irreducible points are those over all images, whichever points there are."""
    return replace(
        shell,
        **{name: getattr(shell, name)[::step] for name in ("k", "band", "weight", "area", "sheet")},
        components=shell.components.take(slice(None, None, step)),
    )


def components_everywhere(shell):
    """The component of every image: ``g t`` of the representative, told by where that operation takes it."""
    found, m = shell.components, shell.operations.matrices
    labels = []
    for g in m:
        images = g @ m[found.turn]
        # the coset: the least operation that takes the representative there
        names = []
        for image, keeps in zip(images, found.keeps[found.label], strict=True):
            same = np.abs((image @ m[keeps])[:, None] - m).max(axis=(2, 3)).argmin(axis=1)
            names.append(same.min())
        labels.append(found.label * len(m) + names)
    return Components.plain(np.unique(np.concatenate(labels), return_inverse=True)[1].reshape(-1))


CASES = {
    "bcc": (p_model("bcc"), 0.1, ["identity"]),
    "hexagonal": (p_model("hexagonal"), 0.6, ["identity"]),
    "no inversion": (p_model("sc", inversion=False), 0.1, ["identity", "sigma_z"]),
    "general axis": (p_model("sc", (0.1, 0.2, 0.3)), 0.1, ["identity"]),
    "polar axis": (p_model("sc", (0.2, 0.2, 0.2), inversion=False), 0.1, ["identity"]),
}


@pytest.mark.parametrize("name", CASES)
def test_equal_to_all_points(name):
    model, mu, vertices = CASES[name]
    scatterers = [phonons() if v == "identity" else replace(phonons(), vertex=v) for v in vertices]
    problem = Problem(model, scatterers, mu, TransportSettings(tolerance=1e-4, spacing=0.6))
    shell = thinned(problem.shell(mu, 0.6, levels=0))
    assert shell.operations is not None
    several, all_points = SharedShell(problem, shell, KB * 400), SharedShell(problem, everywhere(shell), KB * 400)
    for t, nodes in ((60.0, 1), (400.0, 3)):
        reduced, size = several.solve(KB * t, nodes)
        whole, _ = all_points.solve(KB * t, nodes)
        assert size.states == len(shell) * len(shell.operations) * ((nodes + 1) // 2)
        assert reduced.conservation_error < 1e-5
        for part in ("boltzmann", "side_jump_velocity", "side_jump_distribution"):
            expected = getattr(whole, part)
            np.testing.assert_allclose(getattr(reduced, part), expected, rtol=0, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("approximation", ["serta", "mrta"])
def test_relaxation_times_equal_to_those_of_all_points(approximation):
    model, mu, _ = CASES["bcc"]
    problem = Problem(model, [phonons()], mu, TransportSettings(spacing=0.6, approximation=approximation))
    shell = problem.shell(mu, 0.6, levels=0)
    reduced, _ = SharedShell(problem, shell, KB * 300).solve(KB * 300, 3)
    whole, _ = SharedShell(problem, everywhere(shell), KB * 300).solve(KB * 300, 3)
    np.testing.assert_allclose(reduced.boltzmann, whole.boltzmann, rtol=0, atol=1e-5 * whole.boltzmann.max())
    scale = np.abs(whole.side_jump_velocity).max()
    np.testing.assert_allclose(reduced.side_jump_velocity, whole.side_jump_velocity, rtol=0, atol=1e-5 * scale)


def test_kept_pairs_change_nothing():
    model, mu, _ = CASES["bcc"]
    problem = Problem(model, [phonons()], mu, TransportSettings(spacing=0.6))
    shell = problem.shell(mu, 0.6, levels=0)
    fresh, kept = SharedShell(problem, shell, KB * 300), SharedShell(problem, shell, KB * 300)
    kept.keep()
    for t in (50, 300):
        a, b = (s.solve(KB * t, 1)[0] for s in (fresh, kept))
        np.testing.assert_allclose(a.side_jump_velocity, b.side_jump_velocity, rtol=1e-6, atol=1e-12)


def test_the_anomalous_equation_is_a_check_of_the_first_temperature():
    model, mu, _ = CASES["bcc"]
    problem = Problem(model, [phonons()], mu, TransportSettings(spacing=0.6, levels=0))
    solver = SharedShell(problem, problem.shell(mu, 0.6, levels=0), KB * 300)
    (first, size), (second, less) = solver.solve_each([KB * 300, KB * 200], 1)
    assert 0 < first.onsager_error < 1e-4 and second.onsager_error == 0.0
    assert less.memory < 0.6 * size.memory
    solved, _ = solver.solve(KB * 200, 1)
    scale = np.abs(solved.side_jump_velocity).max()
    np.testing.assert_allclose(second.side_jump_velocity, solved.side_jump_velocity, atol=1e-6 * scale)
    np.testing.assert_allclose(second.side_jump_distribution, solved.side_jump_distribution, atol=1e-4 * scale)


def test_scatterers_that_break_the_symmetry_reduce_it():
    """A vertex sigma_x keeps, of the group of a magnetisation along z, what leaves it up to its sign."""
    model = p_model("bcc")
    shell = fermi_shell(model, 0.1, spacing=0.4, levels=0)
    plain = Problem(model, [phonons()], 0.1, TransportSettings())
    operations, error = kinetic_operations(plain, lambda _: shell)
    assert len(operations) == 16 and error < 1e-9
    across = Problem(model, [replace(phonons(), vertex="sigma_x")], 0.1, TransportSettings())
    operations, error = kinetic_operations(across, lambda _: shell)
    assert len(operations) == 8 and error < 1e-9
    # a matrix without any symmetry
    matrix = np.diag(np.arange(6.0)) + np.diag(np.ones(5), 1) + np.diag(np.ones(5), -1)
    skew = impurity(correlation="zero_range", density=1e20, strength=1e-3, vertex=matrix, dimension=3)
    operations, _ = kinetic_operations(Problem(model, [skew], 0.1, TransportSettings()), lambda _: shell)
    assert len(operations) < 8


def test_runs_with_and_without_symmetry_agree():
    """Both discretise the same surface in different ways: they approach each other."""
    results = [
        run_transport(
            ferromagnet(0.3),
            [phonons()],
            chemical_potential=-0.9,
            temperatures=[300.0],
            settings=TransportSettings(energy_nodes=1, geometry="shared", spacing=0.14, symmetry=symmetry),
        )
        for symmetry in ("auto", "off")
    ]
    assert [r.report["symmetry_operations"] for r in results] == [8, 1]  # the chiral hops leave rotations
    np.testing.assert_allclose(results[0].boltzmann[0, 0, 0], results[1].boltzmann[0, 0, 0], rtol=0.01)
    jumps = [r.side_jump_velocity[0, 1, 0] for r in results]
    assert jumps[0] == pytest.approx(jumps[1], rel=0.05)
    # what symmetry forbids is zero
    assert np.abs(results[0].side_jump_velocity[0, 2]).max() < 1e-9 * abs(jumps[0])
