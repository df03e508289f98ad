"""First-principles data of layers: the two-dimensional model, rates, shifts, and the conductivity by other means."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import brentq

from helpers_abinitio import LAYER, LAYER_POSITIONS, Layer, Toy, turned
from sidejump.app.run import prepare, run
from sidejump.bands.lattice import LatticeModel
from sidejump.bands.states import solve_states
from sidejump.errors import InputError
from sidejump.formats.compact import write_compact
from sidejump.interactions.base import Branch, Scatterer
from sidejump.interactions.first_principles.electron_phonon import ElectronPhononScatterer
from sidejump.interactions.first_principles.pairs import ElectronPhononPairs
from sidejump.symmetrize.symmetrized import symmetrized
from sidejump.transport import TransportSettings, run_transport
from sidejump.units import HBAR2_OVER_2M, KB
from sidejump.wannier.container import Atoms, ElectronPhonon, mesh_points
from sidejump.wannier.coupling import Coupling
from sidejump.wannier.phonons import Phonons
from sidejump.wannier.planar import in_space

LEVEL = -3.1  # eV: one pocket around k = 0 of the lowest band


def transport(data, *, level=LEVEL, temperature=300.0, **settings):
    chosen = {"energy_nodes": 1, "geometry": "shared", "turn": None} | settings
    scatterer = ElectronPhononScatterer(data, tolerance=0.0)
    return run_transport(
        data.model,
        [scatterer],
        chemical_potential=level,
        temperatures=[temperature],
        settings=TransportSettings(**chosen),
    )


def side_jump(result):
    return result.side_jump_velocity[0] + result.side_jump_distribution[0]


# --- another way to the same number -------------------------------------------------------------------------------


def crystal(data, k):
    return in_space(k) @ data.cell.T / (2 * np.pi)


def circle(data, level, count):
    """Points of the pocket on rays of equal angles, their weights and velocities, from energies alone."""
    angle = 2 * np.pi * np.arange(count) / count
    rays = np.stack([np.cos(angle), np.sin(angle)], axis=1)

    def energy(k):
        return data.energies(crystal(data, np.atleast_2d(k)))[:, 0]

    radius = np.array([brentq(lambda r, e=e: energy(r * e)[0] - level, 0.3, 0.95, xtol=1e-13) for e in rays])
    k, step = radius[:, None] * rays, 1e-4
    v = np.stack([(energy(k + step * a) - energy(k - step * a)) / (2 * step) for a in np.eye(2)], axis=1)
    # dk^2 = r dr dtheta, dr = de / (v.e)
    return k, radius / np.einsum("ka,ka->k", v, rays) * (2 * np.pi / count) / (2 * np.pi) ** 2, v


def amplitudes(data, k, other):
    """Eigenvectors in the gauge of the sites and vertices (modes, of the lowest band) of pairs k -> other."""
    g = data.coupling(crystal(data, k), crystal(data, other - k))[:, 0, 0]
    _, u = data.eigenstates(crystal(data, other))
    _, first = data.eigenstates(crystal(data, k))
    sites = data.electrons.site_positions[:, :2]
    phase = (np.exp(-1j * x @ sites.T) for x in (k, other))
    start, end = (x[:, :, 0] * p for x, p in zip((first, u), phase, strict=True))
    return g, start, end


def shifts(data, k, other, step=1e-4):
    """``- Im V* D_a V / |V|^2`` of each mode by the phase of V around a small loop: (pairs, modes, 2)."""
    found = []
    for e in np.eye(2):
        plus, minus = (amplitudes(data, k + s * e, other + s * e) for s in (step, -step))
        overlap = [np.einsum("pn,pn->p", minus[i].conj(), plus[i]) for i in (1, 2)]
        # V = u'^+ M u: the phase of V(+) against V(-), with both states carried along
        loop = plus[0] * minus[0].conj() * (overlap[1] * overlap[0].conj())[:, None]
        found.append(-np.angle(loop) / (2 * step))
    return np.stack(found, axis=-1)


def by_hand(data, level, kt, count=32):
    """Quasi-elastic conductivity and side-jump velocity part of one pocket, ``e^2/hbar``, from a dense matrix."""
    k, weight, v = circle(data, level, count)
    i, j = (x.ravel() for x in np.indices((count, count)))
    apart = i != j
    i, j = i[apart], j[apart]
    area = abs(np.linalg.det(data.cell[:2, :2]))
    g = amplitudes(data, k[i], k[j])[0]
    y = data.phonon_energies(crystal(data, k[j] - k[i])) / kt
    n = 1 / np.expm1(y)
    rates = 2 * np.pi * area * np.abs(g) ** 2 * 2 * y * n * (n + 1)  # int de f (1 - f') of emission and absorption
    full, jump = np.zeros((count, count)), np.zeros((count, count, 2))
    full[i, j] = rates.sum(axis=1)
    jump[i, j] = np.einsum("pm,pma->pa", rates, shifts(data, k[i], k[j]))
    operator = np.diag(full @ weight) - full * weight
    g = np.linalg.lstsq(operator, v, rcond=None)[0]
    return np.einsum("s,sa,sb->ab", weight, v, g), np.einsum("s,sta,t,sb->ab", weight, jump, weight, g)


def test_conductivity_and_side_jump_by_hand():
    data = Layer().data()
    expected, jump = (data.model.spin_degeneracy * x for x in by_hand(data, LEVEL, 300 * KB))
    found = transport(data)
    np.testing.assert_allclose(found.boltzmann[0], expected, atol=1e-5 * expected[0, 0])
    assert np.abs(jump).max() > 1e-3
    np.testing.assert_allclose(found.side_jump_velocity[0], jump, atol=1e-4 * np.abs(jump).max())


def test_stack_of_layers_that_do_not_talk():
    """As a three-dimensional crystal: the conductivity of a layer over its height."""
    cell = LAYER.copy()
    cell[2, 2] = 4.5
    data = Layer(cell).data()
    found = transport(replace(data, two_dimensional=False), accuracy=0.85, symmetry="off")
    expected = transport(data)
    size = np.abs(expected.boltzmann).max()
    np.testing.assert_allclose(4.5 * found.boltzmann[0, :2, :2], expected.boltzmann[0], atol=3e-3 * size)
    assert np.abs(found.boltzmann[0, 2]).max() < 1e-12 * size
    jump = side_jump(expected)[0, 1]
    assert 4.5 * side_jump(found)[0, 1] == pytest.approx(jump, rel=1e-2)


# --- invariances --------------------------------------------------------------------------------------------------


def test_turned_layer():
    expected = transport(Layer().data())
    turn, layer = turned(0.7)
    found = transport(layer.data())
    for name in ("boltzmann", "side_jump_velocity"):
        reference = turn[:2, :2] @ getattr(expected, name)[0] @ turn[:2, :2].T
        np.testing.assert_allclose(getattr(found, name)[0], reference, atol=1e-4 * np.abs(reference).max())


def test_time_reversal():
    """Without a flux both parts of the side jump have no Hall component; with the opposite one it changes sign."""
    found = transport(Layer(flux=0.0).data())
    assert np.abs(side_jump(found)).max() < 1e-6
    there, back = (side_jump(transport(Layer(flux=f).data()))[0, 1] for f in (1.2, -1.2))
    assert abs(there) > 1e-3 and back == pytest.approx(-there, rel=1e-3)


@pytest.fixture(scope="module", params=["short-ranged", "polar"])
def pairs(request):
    """Source of pairs of some random states of a layer, and these states."""
    layer = Layer()
    data = layer.data()
    if request.param == "polar":
        charges = np.stack([np.diag([1.6, 1.4, 0.2]), np.diag([-1.0, -0.8, -0.1]), np.diag([-0.6, -0.6, -0.1])])
        phonons = layer.phonons(
            born_charges=charges, dielectric=np.diag([4.0, 3.5, 1.2]), alpha=0.4, two_dimensional=True
        )
        data = replace(data, phonons=phonons)
    k = np.random.default_rng(3).random((9, 2)) @ data.model.reciprocal_cell
    bands = np.random.default_rng(4).integers(0, 3, 9)
    states = solve_states(data.model, k, bands)
    return ElectronPhononPairs(data, "hermitian", 0.0).prepared(states), states, bands


def test_channels_are_the_modes_of_the_container(pairs):
    """|g|^2 of the container at (k, 0) and (q, 0) times the area of the cell, for each of all nine modes."""
    source, states, bands = pairs
    data = source.data
    channels = source.evaluate(slice(0, 4), slice(4, 9), np.inf)
    assert len(channels) == 9
    area = np.linalg.norm(np.cross(data.cell[0], data.cell[1]))
    i, j = (x.ravel() for x in np.indices((4, 5)))
    q = crystal(data, states.k[4 + j] - states.k[i])
    g = data.coupling(crystal(data, states.k[i]), q)[np.arange(20), bands[4 + j], bands[i]]
    found = np.stack([c.strength[i, j] for c in channels], axis=-1)
    np.testing.assert_allclose(found, area * np.abs(g) ** 2, atol=1e-4 * found.max())
    energies = np.stack([c.z[i, j] for c in channels], axis=-1)
    np.testing.assert_allclose(energies, np.abs(data.phonon_energies(q)), rtol=1e-5)
    assert np.abs(g[:, :3]).max() > 0.01 * np.abs(g).max()


def test_exchange_of_the_two_states(pairs):
    source = pairs[0]
    there = source.evaluate(slice(0, 4), slice(4, 9), np.inf)
    back = source.evaluate(slice(4, 9), slice(0, 4), np.inf)
    for a, b in zip(there, back, strict=True):
        assert a.shift.shape == (2, 4, 5)
        np.testing.assert_allclose(a.strength, b.strength.T, rtol=1e-4, atol=1e-6 * a.strength.max())
        np.testing.assert_allclose(a.shift, -b.shift.swapaxes(1, 2), atol=1e-5 * np.abs(a.shift).max())
        np.testing.assert_allclose(a.z, b.z.T, rtol=1e-5)


def test_symmetrized_layer():
    """A flat layer with a flux has its mirror plane; the average leaves it as it is but for images between the mesh."""
    flat = LAYER_POSITIONS * [1, 1, 0] + [0, 0, 3.0]
    data = Layer(positions=flat).data()
    symmetric, report = symmetrized(data, projections="A:s|B:s|C:s", magnetisation=(0, 0, 1.0))
    assert len(report["symmetry_operations"]) == 2 and symmetric.model.dimension == 2
    np.testing.assert_allclose(symmetric.energies(mesh_points((3, 3, 1))), data.energies(mesh_points((3, 3, 1))))
    expected, found = transport(data), transport(symmetric)
    np.testing.assert_allclose(found.boltzmann, expected.boltzmann, atol=1e-2 * expected.boltzmann.max())
    jump = side_jump(expected)[0, 1]
    assert abs(jump) > 1e-3 and side_jump(found)[0, 1] == pytest.approx(jump, rel=5e-2)


# --- flexural waves -----------------------------------------------------------------------------------------------


def flexural(side=3.0, stiffness=0.3):
    """One atom on a square lattice whose out-of-plane waves are quadratic, with V_z = i D sin(q_x a)/a."""
    cell = np.diag([side, side, 10.0])
    cells = np.array([(i, j, 0) for i in range(-2, 3) for j in range(-2, 3)])
    square = {(0, 0): 4.0, (1, 0): -1.0, (-1, 0): -1.0, (0, 1): -1.0, (0, -1): -1.0}
    constants = np.zeros((25, 3, 3))
    for n, (i, j, _) in enumerate(cells):
        constants[n, 0, 0] = constants[n, 1, 1] = square.get((i, j), 0.0)
        twice = (a * square.get((i - x, j - y), 0.0) for (x, y), a in square.items())
        constants[n, 2, 2] = stiffness * sum(twice)
    values = np.zeros((25, 3, 1, 1, 1), dtype=complex)
    for x in (-1, 1):
        values[np.flatnonzero((cells == (x, 0, 0)).all(axis=1)), 2] = x / side
    hoppings = np.array([square.get((i, j), 0.0) / 4 for i, j, _ in cells])[:, None, None]
    masses = np.array([4e4])
    return ElectronPhonon(
        LatticeModel(cell, cells, hoppings),
        Phonons(cell, np.zeros((1, 3)), masses, cells, constants),
        Coupling(np.zeros((1, 3), dtype=int), cells, values),
        Atoms(("X",), np.zeros((1, 3)), masses),
        np.zeros((1, 3)),
        (5, 5, 1),
        (5, 5, 1),
        two_dimensional=True,
        source="flexural",
    )


def test_rates_of_flexural_waves():
    """V ~ q and omega ~ q^2: rates are as 1/q^2 down to a quarter of the spacing of the points."""
    data = flexural()
    omega = np.abs(data.phonon_energies([[0.01, 0, 0], [0.02, 0, 0]]))[:, 0]
    assert omega[1] == pytest.approx(4 * omega[0], rel=1e-2)
    steps = 0.01 * np.array([0, 0.3, 1, 2, 3, 4, 5])
    k = np.array([0.3, 0.1]) + steps[:, None] * np.array([1.0, 0.0])
    states = solve_states(data.model, k, np.zeros(len(k), dtype=int))
    lowest = ElectronPhononPairs(data, "file").prepared(states).evaluate(slice(0, 1), slice(0, 7), np.inf)[0]
    rates = lowest.strength[0, 1:] / lowest.z[0, 1:]
    np.testing.assert_allclose(rates * steps[1:] ** 2, rates[-1] * steps[-1] ** 2, rtol=0.03)


@pytest.mark.parametrize(("geometry", "nodes"), [("shared", 1), ("own", 3)])
def test_einstein_phonons_are_a_model_scatterer(geometry, nodes):
    """One energy and a constant potential: the conductivity of the model scatterer, inelastic or not."""
    data = flexural()
    constants, values = np.zeros((25, 3, 3)), np.zeros_like(data.file_coupling.values)
    constants[12], values[12] = 6 * np.eye(3), 2.0  # R = 0
    phonons = replace(data.phonons, force_constants=constants)
    coupling = Coupling(data.file_coupling.re_vectors, data.file_coupling.rp_vectors, values)
    data = replace(data, phonons=phonons, file_coupling=coupling)
    omega = float(data.phonon_energies(np.zeros((1, 3)))[0, 0])
    square = 3 * 2.0**2 * HBAR2_OVER_2M / (4e4 * omega) * 9.0  # the area
    scatterer = ElectronPhononScatterer(data, images="file")
    branch = Branch(lambda q: square + 0 * q, lambda q: omega + 0 * q)
    model = Scatterer("optical", 2, (branch,), sound_velocity=scatterer.sound_velocity)  # that sets the shell
    settings = TransportSettings(energy_nodes=nodes, geometry=geometry)
    found, expected = (
        run_transport(data.model, [s], chemical_potential=0.6, temperatures=[300.0], settings=settings).boltzmann[0]
        for s in (scatterer, model)
    )
    np.testing.assert_allclose(found, expected, atol=2e-4 * expected.max())
    assert omega > 0.5 * 300 * KB


# --- from a file to the result, and what is refused ---------------------------------------------------------------


def test_run_from_a_file(tmp_path):
    """Two dimensions throughout, in e^2/h; the same numbers as without a file; nothing to warn of."""
    solver = {"energy_nodes": 1, "intrinsic": {"mesh": 12}, "expert": {"geometry": "shared", "turn": 6.0}}
    found = run(section(Layer().data(), tmp_path) | {"solver": solver})
    assert found.sigma_boltzmann.attrs["units"] == "e^2/h" and list(found.a.values) == ["x", "y"]
    expected = transport(Layer().data()).boltzmann[0]
    np.testing.assert_allclose(found.sigma_boltzmann.values[0] / (2 * np.pi), expected, atol=1e-3 * expected.max())
    assert found.attrs["warnings"] == []


def tilted():
    return LAYER + np.array([[0, 0, 0], [0, 0, 0], [0.5, 0, 0]])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (lambda: Layer(tilted()).data(), "third lattice vector along z"),
        (lambda: replace(Toy().data(), two_dimensional=True), "third lattice vector along z"),
        (lambda: replace(Toy(cell=np.diag([3.0, 3.0, 4.0])).data(), two_dimensional=True), "crosses the boundary"),
    ],
)
def test_cells_that_are_no_layers(data, words):
    with pytest.raises(InputError, match=words):
        ElectronPhononScatterer(data()).source(data().electrons)


def test_model_of_another_dimension():
    data = Layer().data()
    with pytest.raises(InputError, match="electrons in 2 dimensions, the electron model has 3; use data"):
        ElectronPhononScatterer(data).source(data.electrons)


def section(data, folder, **keys):
    write_compact(data, folder / "layer.h5")
    electrons = {"model": "compact", "file": str(folder / "layer.h5"), "fermi_energy": LEVEL} | keys
    return {"electrons": electrons, "scattering": [{"kind": "electron_phonon"}], "temperature": {"values": [300]}}


def test_polar_layer_says_what_is_missing(tmp_path):
    layer = Layer()
    charges = np.stack([np.eye(3), -np.eye(3), 0 * np.eye(3)])
    phonons = layer.phonons(born_charges=charges, dielectric=4 * np.eye(3), two_dimensional=True)
    polar = replace(layer.data(), phonons=phonons)
    assert any("screening by its carriers" in w for w in prepare(section(polar, tmp_path)).warnings)
    with pytest.raises(InputError, match="two_dimensional = false: the long-range part"):
        prepare(section(polar, tmp_path, two_dimensional=False))


def test_layer_whose_files_do_not_say_so(tmp_path):
    data = Layer().data(two_dimensional=False)
    job = prepare(section(data, tmp_path))
    assert job.model.dimension == 3 and any("two_dimensional = true" in w for w in job.warnings)
    job = prepare(section(data, tmp_path, two_dimensional=True))
    assert job.model.dimension == 2 and job.warnings == []
