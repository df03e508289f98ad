"""What a conductivity must not depend on: phases, origin, home cells, orientation, units; and what must change sign."""

import numpy as np
import pytest
import xarray as xr
from scipy import constants

from helpers_models import random_wannier, rashba_lattice
from sidejump import (
    PAULI,
    FunctionModel,
    LatticeModel,
    Luttinger,
    MassiveDirac,
    WithZeeman,
    acoustic_deformation_potential,
    anomalous_hall,
    impurity,
    optical_deformation_potential,
    polar_optical,
)
from sidejump.accuracy.replica import Task
from sidejump.accuracy.study import Study, plan
from sidejump.bands.quadratic import QuadraticModel
from sidejump.bands.tight_binding import TightBinding
from sidejump.bands.weyl import Weyl
from sidejump.interactions.base import Branch, Scatterer
from sidejump.intrinsic import intrinsic_conductivity
from sidejump.transport import TransportSettings, run_transport
from sidejump.units import KB, conductivity_unit

PARTS = ("boltzmann", "side_jump_velocity", "side_jump_distribution")


def phonons(dimension, sound=0.01, coupling=1.0):
    branch = Branch(lambda q: 0.5 * coupling * sound * q, lambda q: sound * q)
    return Scatterer("debye", dimension, (branch,), "identity", sound)


def static(dimension):
    return Scatterer("static", dimension, (Branch(lambda q: 1e-3 * np.exp(-((0.5 * q) ** 2))),))


def solve(model, mu, t=300.0, scatterers=None, **settings):
    """Parts of the conductivity (3, d, d) and the report."""
    settings.setdefault("energy_nodes", 1)
    # one shell, the same for all: windows over critical energies are known to the digits of these
    settings = (dict(geometry="shared", levels=1) if model.dimension == 3 else dict(geometry="own")) | settings
    scatterers = scatterers or [phonons(model.dimension), static(model.dimension)]
    result = run_transport(
        model, scatterers, chemical_potential=mu, temperatures=[t], settings=TransportSettings(**settings)
    )
    return np.stack([getattr(result, name)[0] for name in PARTS]), result.report


def same(found, expected, tolerance):
    """Each part relative to its own largest element."""
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * np.abs(b).max())


def ferromagnet(magnetisation=(0.0, 0.0, 0.3), spin_orbit=0.25):
    """Simple cubic lattice, one orbital, spin-orbit coupling ``sin(k) . sigma`` and an exchange field."""
    builder = TightBinding(2.8 * np.eye(3), [((0, 0, 0), 1)], spinful=True)
    for axis in range(3):
        builder.hop(0, 0, np.eye(3, dtype=int)[axis], -0.4 * np.eye(2) - 0.5j * spin_orbit * PAULI[axis])
    builder.onsite(0, np.tensordot(np.asarray(magnetisation), PAULI, 1))
    return builder.build()


def matrices(model):
    """R, H(R) and the whole position matrix r(R) of a lattice model."""
    positions = model.residual_positions.copy()
    home = np.flatnonzero(~model.vectors.any(axis=1))[0]
    positions[home] += np.stack([np.diag(c) for c in model.site_positions.T])
    return model.vectors, model.hoppings, positions


# --- phases ---------------------------------------------------------------------------------------------------------


def scrambled(seed):
    """numpy's eigh with random phases, and random unitary mixing of neighbours that are degenerate."""
    original, rng = np.linalg.eigh, np.random.default_rng(seed)

    def eigh(matrix):
        values, vectors = original(matrix)
        if not np.iscomplexobj(matrix):  # not a Hamiltonian
            return values, vectors
        vectors = vectors * np.exp(2j * np.pi * rng.random(values.shape))[..., None, :]
        for n in range(values.shape[-1] - 1):
            angle, phase = 2 * np.pi * rng.random((2, *values.shape[:-1]))
            angle = np.where(values[..., n + 1] - values[..., n] < 1e-9, angle, 0.0)[..., None]
            c, s = np.cos(angle), np.sin(angle) * np.exp(1j * phase)[..., None]
            a, b = vectors[..., n].copy(), vectors[..., n + 1].copy()
            vectors[..., n], vectors[..., n + 1] = c * a + s * b, -s.conj() * a + c * b
        return values, vectors

    return eigh


@pytest.mark.parametrize(
    "model, mu",
    [
        (MassiveDirac(mass=0.1, velocity=3.0, tilt=(0.4, -0.2)), 0.2),
        (WithZeeman(rashba_lattice(), (0.1, 0.0, 0.2)), -0.9),
        (random_wannier(2, 3), 0.1),
    ],
)
def test_phases_of_the_eigenvectors(monkeypatch, model, mu):
    expected, _ = solve(model, mu, energy_nodes=3, geometry="own")
    monkeypatch.setattr(np.linalg, "eigh", scrambled(1))
    found, _ = solve(model, mu, energy_nodes=3, geometry="own")
    assert np.abs(expected[1]).max() > 0
    same(found, expected, 1e-9)


def test_phases_in_three_dimensions(monkeypatch):
    """Pairs in single precision."""
    expected, _ = solve(ferromagnet(), -1.5, accuracy=0.5)
    monkeypatch.setattr(np.linalg, "eigh", scrambled(2))
    found, _ = solve(ferromagnet(), -1.5, accuracy=0.5)
    same(found, expected, 2e-5)


def test_mixing_of_degenerate_states(monkeypatch):
    """Two copies of one model: every state is a group of two, conductivities double, whatever basis eigh returns."""
    single = MassiveDirac(mass=0.1, velocity=3.0)
    twice = [np.kron(m, np.eye(2)) for m in (0.1 * PAULI[2], 3.0 * PAULI[0], 3.0 * PAULI[1])]
    double = QuadraticModel(twice[0], np.stack(twice[1:]), np.zeros((2, 2, 4, 4)))
    double.search_half_width = 0.2
    expected, _ = solve(single, 0.2, energy_nodes=1)
    # scattering between the copies is absent: V is diagonal in them, and so is a trace over the group
    plain, _ = solve(double, 0.2, energy_nodes=1)
    monkeypatch.setattr(np.linalg, "eigh", scrambled(3))
    found, _ = solve(double, 0.2, energy_nodes=1)
    same(found, plain, 1e-9)
    same(found[:1], 2 * expected[:1], 1e-7)
    same([found[1] + found[2]], [2 * (expected[1] + expected[2])], 1e-7)


# --- reciprocity and conservation -----------------------------------------------------------------------------------


@pytest.mark.parametrize("model, mu", [(random_wannier(2, 3), 0.1), (random_wannier(3, 2), 0.2)])
def test_onsager_and_conservation(model, mu):
    parts, report = solve(model, mu)
    plane = model.dimension == 2
    assert report["onsager_error"] < (1e-10 if plane else 1e-4)
    assert report["conservation_error"] < (1e-12 if plane else 1e-5)
    same([parts[2]], [-parts[1].T], 1e-10 if plane else 1e-4)
    same([parts[0]], [parts[0].T], 1e-10 if plane else 1e-4)
    assert np.linalg.eigvalsh(parts[0]).min() > 0
    total = parts[1] + parts[2]
    assert np.abs(total).max() > 1e-3 * np.abs(parts[1]).max() > 0
    same([total], [-total.T], 1e-10 if plane else 1e-4)


# --- choices of the lattice -----------------------------------------------------------------------------------------


def shifted_origin(model, shift):
    vectors, hoppings, positions = matrices(model)
    home = np.flatnonzero(~vectors.any(axis=1))[0]
    positions[home] += np.asarray(shift)[:, None, None] * np.eye(model.n_orbitals)
    return LatticeModel(model.cell, vectors, hoppings, positions, model.site_positions + shift)


def other_home_cells(model, cells):
    """Orbital n replaced by its copy in cell `cells[n]`."""
    vectors, hoppings, positions = matrices(model)
    n = model.n_orbitals
    table = {}
    for r, h, p in zip(vectors, hoppings, positions, strict=True):
        for i in range(n):
            for j in range(n):
                # <i R_i|H|j R_j + R'> = H_ij(R' + R_j - R_i)
                entry = table.setdefault(tuple(r - cells[j] + cells[i]), (np.zeros_like(h), np.zeros_like(p)))
                entry[0][i, j], entry[1][:, i, j] = h[i, j], p[:, i, j]
    moved = np.asarray(cells) @ model.cell
    home = table[(0,) * model.dimension]
    for axis in range(model.dimension):
        home[1][axis] += np.diag(moved[:, axis])
    keys = sorted(table)
    return LatticeModel(
        model.cell, keys, [table[k][0] for k in keys], [table[k][1] for k in keys], model.site_positions + moved
    )


def rotated(model, rotation):
    vectors, hoppings, positions = matrices(model)
    turned = np.einsum("ab,rbmn->ramn", rotation, positions)
    return LatticeModel(model.cell @ rotation.T, vectors, hoppings, turned, model.site_positions @ rotation.T)


def sites_in_the_position_matrix(model):
    """The lattice gauge for the intrinsic part; scattering by a scalar potential belongs to the atomic one."""
    return LatticeModel(model.cell, *matrices(model))


CHANGES = {
    "origin": lambda m: shifted_origin(m, np.array([0.7, -1.3, 0.4])[: m.dimension]),
    "home cells": lambda m: other_home_cells(
        m, np.array([[1, 0, -1], [0, -2, 0], [1, 1, 0]])[: m.n_orbitals, : m.dimension]
    ),
}


@pytest.mark.parametrize("dimension, n, mu, tolerance", [(2, 3, 0.1, 1e-9), (3, 2, 0.2, 2e-5)])
@pytest.mark.parametrize("change", CHANGES)
def test_choice_of_the_unit_cell(change, dimension, n, mu, tolerance):
    model = random_wannier(dimension, n)
    other = CHANGES[change](model)
    expected, _ = solve(model, mu)
    found, _ = solve(other, mu)
    assert np.abs(expected[1] + expected[2]).max() > 0
    same(found, expected, tolerance)
    sea = [np.asarray(intrinsic_conductivity(m, mu, 300.0, mesh=12)) for m in (model, other)]
    np.testing.assert_allclose(sea[1], sea[0], atol=1e-10 * np.abs(sea[0]).max())


def test_sites_matter_for_scattering():
    """Moving the sites into the position matrix changes what a scalar potential is, not the intrinsic part."""
    model = random_wannier(2, 3)
    other = sites_in_the_position_matrix(model)
    sea = [np.asarray(intrinsic_conductivity(m, 0.1, 300.0, mesh=12)) for m in (model, other)]
    np.testing.assert_allclose(sea[1], sea[0], atol=1e-10 * np.abs(sea[0]).max())
    assert np.abs(solve(other, 0.1)[0][0] / solve(model, 0.1)[0][0] - 1).max() > 1e-3


# --- orientation ----------------------------------------------------------------------------------------------------


def rotation_matrix(axis, angle):
    axis = np.asarray(axis) / np.linalg.norm(axis)
    cross = np.cross(np.eye(3), axis)
    return np.eye(3) - np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def test_rotated_crystal_in_three_dimensions():
    r = rotation_matrix([1.0, 2.0, -0.5], 0.9)
    np.testing.assert_allclose(r @ r.T, np.eye(3), atol=1e-14)
    model = random_wannier(3, 2)
    expected, _ = solve(model, 0.2)
    found, _ = solve(rotated(model, r), 0.2)
    same(found, r @ expected @ r.T, 5e-5)
    sea = [np.asarray(intrinsic_conductivity(m, 0.2, 300.0, mesh=8))[0, 0] for m in (model, rotated(model, r))]
    np.testing.assert_allclose(sea[1], r @ sea[0] @ r.T, atol=1e-10 * np.abs(sea[0]).max())


def test_rotated_crystal_in_two_dimensions():
    r = rotation_matrix([0, 0, 1], 0.8)[:2, :2]
    model = random_wannier(2, 3)
    expected, _ = solve(model, 0.1)
    found, _ = solve(rotated(model, r), 0.1)
    same(found, r @ expected @ r.T, 1e-8)


def test_rotated_continuum_model():
    """Weyl nodes along z, along x, and in a general direction, where the search box does not turn with them."""
    weyl = Weyl(velocity=2.0, node=0.2, tilt=(0.0, 0.3, 0.5))

    def turned(r):
        return FunctionModel(
            lambda k: weyl.hamiltonian(k @ r),
            gradient=lambda k: np.einsum("ab,kbmn->kamn", r, weyl.hamiltonian_gradient(k @ r)),
            dimension=3,
            search_half_width=0.6,
        )

    settings = dict(spacing=0.04, levels=0, t=100.0)
    expected, _ = solve(turned(np.eye(3)), 0.1, **settings)
    cyclic = np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]])
    found, _ = solve(turned(cyclic), 0.1, **settings)
    same(found, cyclic @ expected @ cyclic.T, 1e-6)
    r = rotation_matrix([1.0, 0.3, 0.4], 0.5)
    found, _ = solve(turned(r), 0.1, **settings)
    same(found, r @ expected @ r.T, 2e-2)


# --- magnetisation and time reversal --------------------------------------------------------------------------------


@pytest.mark.parametrize("nodes", [1, 3])
def test_reversed_magnetisation_in_two_dimensions(nodes):
    up, down = (WithZeeman(rashba_lattice(), (0.05 * s, 0.0, 0.2 * s)) for s in (1, -1))
    a, b = (solve(m, -0.9, energy_nodes=nodes, accuracy=2.0)[0] for m in (up, down))
    same([b[0]], [a[0]], 1e-6)  # the points of the contour do not turn with k -> -k
    hall_a, hall_b = a[1] + a[2], b[1] + b[2]
    assert np.abs(hall_a).max() > 1e-3
    same([hall_b], [-hall_a], 1e-5)


def test_reversed_magnetisation_in_three_dimensions():
    m = np.array([0.1, 0.05, 0.3])
    a, b = (solve(ferromagnet(s * m), -1.5)[0] for s in (1, -1))
    same([b[0]], [a[0]], 2e-4)
    same([b[1] + b[2]], [-(a[1] + a[2])], 1e-2)
    sea = [np.asarray(intrinsic_conductivity(ferromagnet(s * m), -1.5, 300.0, mesh=10)) for s in (1, -1)]
    np.testing.assert_allclose(sea[1], -sea[0], atol=1e-10 * np.abs(sea[0]).max())


@pytest.mark.parametrize(
    "model, magnetic, mu",
    [
        (rashba_lattice(), WithZeeman(rashba_lattice(), (0.0, 0.0, 0.2)), -0.9),
        (ferromagnet((0, 0, 0)), ferromagnet(), -1.5),
        (Luttinger(gamma1=4.0, gamma2=1.0, gamma3=1.5),
         Luttinger(gamma1=4.0, gamma2=1.0, gamma3=1.5, exchange=(0, 0, 0.05)), 0.3),
    ],
    ids=["rashba", "chiral cubic", "kramers pairs"],
)  # fmt: skip
def test_no_hall_effect_with_time_reversal(model, magnetic, mu):
    settings = {"spacing": 0.06} if model.cell is None else {"accuracy": 0.5 if model.dimension == 3 else 1.0}
    (parts, _), (reference, _) = (solve(m, mu, **settings) for m in (model, magnetic))
    hall, allowed = parts[1] + parts[2], reference[1] + reference[2]
    assert np.abs(hall).max() < 1e-6 * np.abs(allowed).max()
    mesh = {"tolerance": 0.2} if model.cell is None else {"mesh": 12}
    sea, allowed = (np.asarray(intrinsic_conductivity(m, mu, 300.0, **mesh)) for m in (model, magnetic))
    assert np.abs(sea).max() < 1e-10 * np.abs(allowed).max()


# --- coupling and units ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("geometry, tolerance", [("own", 1e-12), ("shared", 1e-7)])
def test_strength_of_all_couplings(geometry, tolerance):
    """Phonons and impurities twelve times as strong: a twelfth of the current, the same side jump.

    Pairs of shared shells are kept in single precision, whose rounding (6e-8 for a pair) depends on the strength.
    """

    def scatterers(factor):
        root = factor**0.5
        return [
            acoustic_deformation_potential(
                deformation_potential=5.0 * root, sound_velocity=3000.0, mass_density=1e-6, dimension=2
            ),
            optical_deformation_potential(
                deformation_potential=3.0 * root, phonon_energy=0.02, mass_density=1e-6, dimension=2
            ),
            impurity(correlation="gaussian", density=1e11 * factor, strength=1.0, correlation_length=0.5, dimension=2),
        ]

    model = WithZeeman(rashba_lattice(), (0.0, 0.0, 0.2))
    weak, strong = (solve(model, -0.9, 100.0, scatterers(f), energy_nodes=3, geometry=geometry)[0] for f in (1.0, 12.0))
    same([strong[0]], [weak[0] / 12], tolerance)
    same(strong[1:], weak[1:], tolerance)


@pytest.mark.parametrize(
    "dimension, geometry, tolerance", [(2, "own", 1e-12), (2, "shared", 1e-7), (3, "shared", 2e-5)]
)
def test_length_scale(dimension, geometry, tolerance):
    """A lattice three times as large, phonons three times as slow in 1/angstrom: sigma goes as length^(2 - d)."""
    model = rashba_lattice().with_onsite(0.2 * PAULI[2]) if dimension == 2 else ferromagnet()
    large = LatticeModel(3 * model.cell, model.vectors, model.hoppings)
    mu = -0.9 if dimension == 2 else -1.5

    def source(scale):
        # |V0|^2 has the dimension eV^2 length^d; q length stays
        strength = 1e-3 * scale**dimension
        branch = Branch(lambda q: strength * scale * q, lambda q: 0.01 * scale * q)
        return [Scatterer("debye", dimension, (branch,), "identity", 0.01 * scale)]

    settings = {"geometry": geometry, "accuracy": 1.0 if dimension == 2 else 0.5}
    small_parts, _ = solve(model, mu, scatterers=source(1.0), **settings)
    large_parts, _ = solve(large, mu, scatterers=source(3.0), **settings)
    same(large_parts, small_parts * 3.0 ** (2 - dimension), tolerance)


def test_units_of_conductivity():
    assert conductivity_unit(2) == (2 * np.pi, "e^2/h")
    factor, label = conductivity_unit(3)
    # e^2/h in siemens over an angstrom in centimetres
    assert label == "S/cm" and factor == pytest.approx(2 * np.pi / constants.value("von Klitzing constant") / 1e-8)


IN_OTHER_UNITS = {2: (rashba_lattice().with_onsite(0.2 * PAULI[2]), -0.9), 3: (ferromagnet(), -1.5)}


def in_other_units(dimension, energy=1.0, length=1.0):
    """Arguments of a study in which all energies and lengths are so many times as large."""
    model, mu = IN_OTHER_UNITS[dimension]
    model = LatticeModel(length * model.cell, model.vectors, energy * model.hoppings)
    strength, sound = energy**2 * length**dimension, 0.01 * energy * length
    debye = Branch(lambda q: 5e-3 * strength * length * q, lambda q: sound * q)
    static = Branch(lambda q: 1e-3 * strength * np.exp(-((0.5 * length * q) ** 2)))
    scatterers = [
        Scatterer("debye", dimension, (debye,), "identity", sound),
        Scatterer("static", dimension, (static,)),
    ]
    return dict(
        model=model,
        interactions=scatterers,
        chemical_potential=energy * mu,
        temperatures=energy * np.array([100.0, 300.0] if dimension == 2 else [300.0]),
    )


UNITS_SETTINGS = {"energy_nodes": 1, "geometry": "shared", "levels": 1, "accuracy": 0.7}
UNITS_TOLERANCE = {2: 0.05, 3: 0.3}  # two levels, and one


def solved(arguments) -> xr.Dataset:
    """The dataset of a study."""
    model, scatterers = arguments["model"], arguments["interactions"]
    mu, temperatures = arguments["chemical_potential"], arguments["temperatures"]
    return anomalous_hall(
        model, scatterers, chemical_potential=mu, temperatures=temperatures, intrinsic_mesh=6,
        tolerance=UNITS_TOLERANCE[model.dimension], **UNITS_SETTINGS,
    )  # fmt: skip


CONDUCTIVITIES = ("sigma_boltzmann", "sigma_side_jump_velocity", "sigma_side_jump_distribution", "sigma_intrinsic")


@pytest.fixture(scope="module", params=[2, 3])
def in_plain_units(request):
    """Dimension, arguments and dataset of a study."""
    arguments = in_other_units(request.param)
    return request.param, arguments, solved(arguments)


def test_a_result_is_the_mean_of_its_replicas_in_its_unit(in_plain_units):
    dimension, plain, dataset = in_plain_units
    factor, label = conductivity_unit(dimension)
    assert dataset.attrs["units"] == label
    model, mu, temperatures = (plain[name] for name in ("model", "chemical_potential", "temperatures"))
    settings, tolerance = TransportSettings(**UNITS_SETTINGS), UNITS_TOLERANCE[dimension]
    [case] = plan(Study(model, plain["interactions"], (mu,), temperatures, tolerance, settings=settings))
    [name] = dataset.term.values
    for i in range(len(temperatures)):
        level, count = int(dataset.term_level[0, i]), int(dataset.term_replicas[0, i])
        found = [case.compute(Task(name, level, number, (i,))).values[0] for number in range(count)]
        for part, values in zip(CONDUCTIVITIES, factor * np.mean(found, axis=0), strict=False):
            np.testing.assert_allclose(dataset[part].values[i], values, rtol=0, atol=1e-9 * np.abs(values).max())
    sea = np.asarray(intrinsic_conductivity(model, mu, temperatures, mesh=6))
    np.testing.assert_allclose(dataset.sigma_intrinsic.values, sea[0], rtol=0, atol=1e-9 * np.abs(sea).max())


@pytest.mark.parametrize("energy, length, tolerance", [(1.0, 2.0, 1e-8), (4.0, 1.0, 1e-7)])
def test_a_study_in_other_units(in_plain_units, energy, length, tolerance):
    """Powers of two: exact in floating point, but for points that lie on their energy to so many eV, and in three
    dimensions for what sums in single precision make of a last digit of a point."""
    dimension, _, dataset = in_plain_units
    other = solved(in_other_units(dimension, energy, length))
    for part in CONDUCTIVITIES:
        size, factor = np.abs(dataset[part].values).max(), length ** (2 - dimension)
        assert size > 1e-3
        for name in (part, f"{part}_error"):
            found, expected = other[name].values / factor, dataset[name].values
            np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * size)


def test_units_of_the_couplings():
    """``|V0|^2`` from SI formulas, times the area or volume, in eV^2 angstrom^d."""
    hbar, e, angstrom, vacuum = constants.hbar, constants.e, constants.angstrom, constants.epsilon_0
    q = 0.3  # 1/angstrom
    for d, density in ((2, 7.6e-7), (3, 5000.0)):
        per = e**2 * angstrom**d  # J^2 m^d to eV^2 angstrom^d
        branch = acoustic_deformation_potential(
            deformation_potential=5.0, sound_velocity=2000.0, mass_density=density, dimension=d
        ).branches[0]
        expected = (5.0 * e) ** 2 * hbar * (q / angstrom) / (2 * density * 2000.0) / per
        assert branch.coupling(q) == pytest.approx(expected, rel=1e-12)
        assert branch.phonon_energy(q) == pytest.approx(hbar * 2000.0 * q / angstrom / e, rel=1e-12)
        branch = optical_deformation_potential(
            deformation_potential=3.0, phonon_energy=0.05, mass_density=density, dimension=d
        ).branches[0]
        expected = (3.0 * e / angstrom) ** 2 * hbar**2 / (2 * density * 0.05 * e) / per
        assert branch.coupling(q) == pytest.approx(expected, rel=1e-12)
        assert branch.phonon_energy(q) == 0.05
        branch = impurity(correlation="zero_range", density=1e12, strength=0.2, dimension=d).branches[0]
        expected = 1e12 * 1e2**d * (0.2 * e * 1e-9**d) ** 2 / per
        assert branch.coupling(q) == pytest.approx(expected, rel=1e-12)
        branch = impurity(
            correlation="screened_coulomb", density=1e12, charge=2.0, dielectric_constant=5.0, screening_length=0.7,
            dimension=d,
        ).branches[0]  # fmt: skip
        k, inverse = q / angstrom, 1 / 0.7e-9
        potential = 2 * e**2 / (vacuum * 5.0) * (1 / (2 * (k + inverse)) if d == 2 else 1 / (k**2 + inverse**2))
        assert branch.coupling(q) == pytest.approx(1e12 * 1e2**d * potential**2 / per, rel=1e-9)
    branch = polar_optical(phonon_energy=0.04, dielectric_infinity=7.0, dielectric_static=10.0, dimension=3).branches[0]
    expected = e**2 / (2 * vacuum) * 0.04 * e * (1 / 7 - 1 / 10) / (q / angstrom) ** 2 / (e**2 * angstrom**3)
    assert branch.coupling(q) == pytest.approx(expected, rel=1e-9)
    assert pytest.approx(constants.k / e, rel=1e-12) == KB
