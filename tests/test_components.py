"""Connected pieces of shells, what velocities sum to over them, and pockets that cold phonons no longer connect."""

from dataclasses import replace

import numpy as np
import pytest

import sidejump as sj
from sidejump.bands.states import energies_and_velocities
from sidejump.bands.tight_binding import TightBinding
from sidejump.groups.operations import exact_operations
from sidejump.interactions.base import Branch, Scatterer
from sidejump.surfaces.closure import closed_velocities
from sidejump.surfaces.components import Components
from sidejump.surfaces.fermi import fermi_shell
from sidejump.transport import TransportSettings, run_transport
from sidejump.transport.problem import Problem
from sidejump.transport.shared import SharedShell
from sidejump.units import KB


def phonons(sound=0.02, dimension=3):
    branch = Branch(lambda q: 0.5 * sound * q, lambda q: sound * q)
    return Scatterer("debye", dimension, (branch,), "identity", sound)


def cubic(tx=1.0, ty=1.0, tz=1.0):
    builder = TightBinding(3.0 * np.eye(3), [((0, 0, 0), 1)])
    for axis, t in enumerate((tx, ty, tz)):
        builder.hop(0, 0, np.eye(3, dtype=int)[axis], -t)
    return builder.build()


def kagome(flux=0.1, along=0.05):
    """Stacked ferromagnet on the kagome lattice; without `along` one layer."""
    cell = np.array([[5.0, 0, 0], [2.5, 2.5 * 3**0.5, 0], [0, 0, 5.0]])
    d = 3 if along else 2
    builder = TightBinding(cell[:d, :d], [(site[:d], 1) for site in ((0, 0, 0), (0.5, 0, 0), (0, 0.5, 0))])
    bonds = [(0, 1, (0, 0, 0)), (0, 1, (-1, 0, 0)), (1, 2, (0, 0, 0)), (1, 2, (1, -1, 0)), (2, 0, (0, 0, 0))]
    for i, j, vector in [*bonds, (2, 0, (0, 1, 0))]:
        builder.hop(i, j, vector[:d], -(1 + 1j * flux))
    for i in range(3 if along else 0):
        builder.hop(i, i, (0, 0, 1), -along)
    return builder.build()


def weyl():
    """Two small tilted pockets far apart, around Weyl nodes on the z axis."""
    x, y, z = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    one, mass = np.eye(2), 2.0
    builder = TightBinding(4.0 * np.eye(3), [((0, 0, 0), 2)])
    builder.onsite(0, (2 * mass - np.cos(1.7)) * z)
    builder.hop(0, 0, (1, 0, 0), x / 2j - mass / 2 * z + 0.3 * one / 2j)
    builder.hop(0, 0, (0, 1, 0), 0.8 * y / 2j - mass / 2 * z + 0.15 * one / 2j)
    builder.hop(0, 0, (0, 0, 1), z / 2 + 0.1 * one / 2j)
    return builder.build()


def sums(model, shell):
    """Sum of w v over each representative component in units of R / (2 pi V), before and after."""
    _, v = energies_and_velocities(model, shell.k, shell.band)
    found = shell.components
    operations = shell.operations
    m = np.eye(3)[None] if operations is None else operations.matrices
    new = closed_velocities(shell.weight[:, None], v[:, None], found, operations, model.cell)[:, 0]
    quantum = model.cell / (2 * np.pi * abs(np.linalg.det(model.cell)))
    result = []
    for velocity in (v, new):
        total = np.zeros((len(found.closed), 3))
        for i in range(len(velocity)):
            # all images of the point that lie on the representative
            for g in range(len(m)):
                if any(np.allclose(m[g] @ m[found.turn[i]], x) for x in m[found.keeps[found.label[i]]]):
                    total[found.label[i]] += shell.weight[i] / len(m) * m[g] @ velocity[i]
        result.append(total @ np.linalg.inv(quantum))
    return result


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize(
    ("model", "energy", "pieces", "windings"),
    [
        (cubic(), -3.5, 1, [(0, 0, 0)]),
        (cubic(), 0.3, 1, [(0, 0, 0)]),  # necks in all directions: one closed piece all the same
        (cubic(0.2, 0.2, 1.0), 0.0, 2, [(0, 0, 1), (0, 0, -1)]),  # two sheets that wind around the zone
        (kagome(), -0.75, 2, [(0, 0, 0)]),
        (weyl(), 0.15, 2, [(0, 0, 0)]),
    ],
)
def test_velocities_sum_to_a_lattice_vector(model, energy, pieces, windings, symmetric):
    operations = exact_operations(model, energy=energy) if symmetric else None
    shell = fermi_shell(model, energy, spacing=0.12, levels=1, operations=operations)
    found = shell.components
    assert found.closed.all()
    if pieces:
        assert np.sum(found.keeps.shape[1] / found.keeps.sum(axis=1)) == pieces
    before, after = sums(model, shell)
    np.testing.assert_allclose(after, np.round(after), atol=1e-9)
    np.testing.assert_allclose(before, after, atol=0.02)
    assert {tuple(np.abs(row).round().astype(int)) for row in after} <= {tuple(np.abs(w)) for w in windings}


def test_small_pockets_are_pieces_of_their_own():
    model = weyl()
    shell = fermi_shell(model, 0.15, spacing=0.1)
    label = shell.components.label
    assert len(set(label)) == 2
    reciprocal = model.reciprocal_cell
    for piece in set(label):  # each fits into a small part of the zone
        k = shell.k[label == piece]
        away = (k - k[0]) @ np.linalg.inv(reciprocal)
        assert np.abs((away - np.round(away)) @ reciprocal).max() < 0.35


def test_carried_pieces_that_come_apart_are_taken_together():
    weight, velocity = np.ones((4, 2)), np.zeros((4, 2, 2))
    velocity[:, 0, 0] = [1, -1.02, 1, -0.98]  # two closed contours
    velocity[:, 1, 0] = [1, 0.8, -1, -0.82]  # one, which the labels of the other energy cut in two
    new = closed_velocities(weight, velocity, Components.plain([0, 0, 1, 1]))
    np.testing.assert_allclose(new[:, 0, 0], [1.01, -1.01, 0.99, -0.99])
    np.testing.assert_allclose(new[:, 1, 0], velocity[:, 1, 0] + 0.005)


# --- pockets far apart ------------------------------------------------------------------------------------------------


def conductivity(model, energy, temperatures, sound=0.02, **settings):
    given = TransportSettings(**({"energy_nodes": 1, "geometry": "shared", "symmetry": "off"} | settings))
    result = run_transport(
        model, [phonons(sound)], chemical_potential=energy, temperatures=temperatures, settings=given
    )
    return result, np.array([np.diag(x) for x in result.boltzmann])


def test_pockets_at_the_corners_of_the_zone():
    """10 K: 3.6e5, 1.0e6 with 0.7, and 1.1e5, 2.9e5 with 1, while the quadrature drove each pocket as a whole.

    On irreducible points, where no constant on a pocket is allowed in the plane: 18 570.
    """
    model = kagome()
    exact = conductivity(model, -0.75, [40.0, 10.0], symmetry="auto")[1]
    for accuracy in (0.7, 1.0):
        result, found = conductivity(model, -0.75, [40.0, 10.0], accuracy=accuracy)
        np.testing.assert_allclose(found[:, :2], exact[:, :2], rtol=0.07)
        assert result.report["growing_share"] == [0.0, 0.0]


def test_far_pockets_add_up():
    """Cold, the pockets are independent: the conductivity is the sum of those of the pockets one by one."""
    model, kt = kagome(), KB * 10.0
    problem = Problem(model, [phonons()], -0.75, TransportSettings(symmetry="off"))
    shell = problem.shell(-0.75, problem.spacings.base, levels=1)
    whole = SharedShell(problem, shell, kt).solve(kt, 1)[0].boltzmann
    total = np.zeros((3, 3))
    for piece in range(2):
        mine = shell.components.label == piece
        arrays = {name: getattr(shell, name)[mine] for name in ("k", "band", "weight", "area", "sheet")}
        alone = replace(shell, **arrays, components=Components.plain(np.zeros(mine.sum(), dtype=int)))
        total += SharedShell(problem, alone, kt).solve(kt, 1)[0].boltzmann
    np.testing.assert_allclose(whole, total, rtol=0, atol=2e-5 * np.abs(total).max())


def test_the_iteration_finds_what_the_factorisation_does(monkeypatch):
    """Before, residuals of 26 and conductivities of 1e5 instead of 4300."""
    model = weyl()
    settings = {"sound": 0.05, "accuracy": 0.7}
    _, direct = conductivity(model, 0.15, [18.6, 10.0, 4.0], **settings)
    monkeypatch.setattr("sidejump.kinetics.solve.DENSE_LIMIT", 10)
    result, found = conductivity(model, 0.15, [18.6, 10.0, 4.0], **settings)
    assert "gradients" in result.report["method"]
    np.testing.assert_allclose(found, direct, rtol=2e-3)


def test_every_energy_conserves_its_particles():
    """Elastic scattering near a band edge, on shells of their own: threefold symmetry holds (92.8, 537 before)."""
    cell = kagome(along=0).cell
    builder = TightBinding(cell, [((0, 0), 1), ((0.5, 0), 1), ((0, 0.5), 1)])
    for i, j, vectors in [(0, 1, [(0, 0), (-1, 0)]), (1, 2, [(0, 0), (1, -1)]), (2, 0, [(0, 0), (0, 1)])]:
        for vector in vectors:
            builder.hop(i, j, vector, -0.2 * (1 + 0.1j))
    impurities = sj.impurity(density=1e11, strength=1.0, dimension=2, correlation="zero_range")
    settings = TransportSettings(energy_nodes=7, geometry="own")
    sigma = run_transport(
        builder.build(), [impurities], chemical_potential=-0.32, temperatures=[300.0], settings=settings
    ).boltzmann[0]
    np.testing.assert_allclose(sigma[0, 0], sigma[1, 1], rtol=0.02)


@pytest.mark.parametrize(("along", "energy", "winding"), [(1.0, -2.5, 0), (0.3, 0.0, 1)])
def test_contours_are_pieces_whose_sums_are_exact_already(along, energy, winding):
    """Two dimensions: spectral contours, closed and open, need no correction, and get none."""
    builder = TightBinding(np.array([[3.0, 0.0], [0.7, 2.5]]), [((0, 0), 1)])
    model = builder.hop(0, 0, (1, 0), -1.0).hop(0, 0, (0, 1), -along).build()
    shell = fermi_shell(model, energy, spacing=0.05)
    _, v = energies_and_velocities(model, shell.k, shell.band)
    new = closed_velocities(shell.weight[:, None], v[:, None], shell.components, None, model.cell)[:, 0]
    np.testing.assert_allclose(new, v, atol=1e-9)
    total = [
        (shell.weight[:, None] * new)[shell.components.label == c].sum(axis=0) for c in set(shell.components.label)
    ]
    counted = np.abs(np.array(total) @ np.linalg.inv(model.cell)) * 2 * np.pi * abs(np.linalg.det(model.cell))
    np.testing.assert_allclose(counted.max(axis=1), winding, atol=1e-9)
