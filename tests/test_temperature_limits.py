"""Scatterers that stand for the limits of low and high temperature (eqs 13 to 15)."""

import numpy as np
import pytest

from helpers_abinitio import Toy
from helpers_models import random_wannier
from sidejump import (
    PAULI,
    ElectronPhononScatterer,
    FunctionModel,
    InputError,
    MassiveDirac,
    RashbaFerromagnet,
    Weyl,
    impurity,
)
from sidejump.bands.momentum import MomentumTransfer
from sidejump.bands.states import solve_states
from sidejump.interactions.base import Branch, Scatterer
from sidejump.interactions.limits import CurvatureShift, HighTemperatureLimit, SmallAngleShift
from sidejump.interactions.sources import pair_sources
from sidejump.reference import dirac
from sidejump.transport import TransportSettings, run_transport
from sidejump.units import KB

SOUND = 0.01


def phonons(dimension, vertex="identity"):
    branch = Branch(lambda q: 0.5 * SOUND * q, lambda q: SOUND * q)
    return Scatterer("debye", dimension, (branch,), sound_velocity=SOUND, vertex=vertex)


def solve(model, scatterer, mu, temperatures, **settings):
    settings = TransportSettings(energy_nodes=1, **settings)
    return run_transport(model, [scatterer], chemical_potential=mu, temperatures=temperatures, settings=settings)


def hall(result):
    """Antisymmetric yx element of the side jump."""
    sigma = result.side_jump_velocity + result.side_jump_distribution
    return 0.5 * (sigma[:, 1, 0] - sigma[:, 0, 1])


def source_of(scatterer, model):
    [source] = pair_sources([scatterer], model, MomentumTransfer(model.reciprocal_cell, model.dimension))
    return source


@pytest.mark.parametrize("mass", [0.5, -1.2])
def test_curvature_alone_gives_eq_14_at_any_temperature(mass):
    """On a circle Omega is constant, and ``Omega x q`` is solved by ``g = E.(Omega x k)`` whatever the rates are."""
    model, mu = MassiveDirac(mass=mass, velocity=1.0), 2.0
    expected = dirac.smooth_side_jump(mass / mu)
    t_bg = 2 * SOUND * np.sqrt(mu**2 - mass**2) / KB
    # of one shell: the hottest window reaches the band edge, and its mean over energies is another number
    temperatures = t_bg * np.array([0.05, 0.3, 5.0])
    found = 2 * np.pi * hall(solve(model, CurvatureShift(phonons(2)), mu, temperatures, geometry="shared"))
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    full = 2 * np.pi * hall(solve(model, phonons(2), mu, t_bg * np.array([5.0])))
    assert abs(full[0] / expected - 1) > 0.3  # the full shift is not that of the curvature


@pytest.mark.parametrize(
    "model",
    [
        MassiveDirac(mass=0.7, velocity=1.0),
        Weyl(velocity=2.0, node=0.2),
        random_wannier(position=False),
        random_wannier(),
        random_wannier(2, 3, seed=1),
    ],
)
def test_full_shift_becomes_that_of_the_curvature(model):
    """``- Im V* D V / |V|^2 = Omega x q`` up to q^2 of it, and k' a reciprocal vector further on is the same."""
    d, band = model.dimension, model.n_orbitals - 1
    start = np.random.default_rng(5).normal(size=(6, d)) * 0.4
    lattice = np.zeros(d) if model.cell is None else model.reciprocal_cell[0]
    direction = np.array([0.6, -0.7, 0.4])[:d]
    errors = []
    for step in (2e-3, 1e-3):
        k = np.concatenate([start, start + step * direction + lattice])
        states = solve_states(model, k, np.full(len(k), band))
        full, curvature = (
            source_of(s, model).prepared(states).evaluate(slice(0, 6), slice(6, 12), np.inf)[0]
            for s in (phonons(d), CurvatureShift(phonons(d)))
        )
        full, curvature = (np.diagonal(c.shift / c.strength, axis1=1, axis2=2) for c in (full, curvature))
        errors.append(np.abs(full - curvature).max() / np.abs(curvature).max())
    assert errors[1] < 1e-5 and errors[0] / errors[1] == pytest.approx(4, rel=0.05)


def doubled(k):
    """The massive Dirac Hamiltonian twice: bands in pairs."""
    x, y = k[:, 0, None, None], k[:, 1, None, None]
    return np.kron(x * PAULI[0] + y * PAULI[1] + 0.7 * PAULI[2], np.eye(2))


def random_vertex(n):
    one, other = np.random.default_rng(11).normal(size=(2, n, n))
    return np.eye(n) + 0.4 * (one + one.T + 1j * (other - other.T))


@pytest.mark.parametrize(
    "model",
    [
        MassiveDirac(mass=0.7, velocity=1.0),
        Weyl(velocity=2.0, node=0.2),
        random_wannier(),
        random_wannier(2, 3, seed=1),
        FunctionModel(doubled, dimension=2),
    ],
)
def test_full_shift_of_a_matrix_becomes_that_of_small_angles(model):
    """What a matrix adds to ``Omega x q`` is of the same order; both together leave q^2, of pairs of bands too."""
    d, band = model.dimension, model.n_orbitals - 1
    start = np.random.default_rng(5).normal(size=(6, d)) * 0.4
    scatterer = phonons(d, random_vertex(model.n_orbitals))
    errors, beyond = [], []
    for step in (2e-3, 1e-3):
        k = np.concatenate([start, start + step * np.array([0.6, -0.7, 0.4])[:d]])
        states = solve_states(model, k, np.full(len(k), band))
        full, curvature, small = (
            np.diagonal(
                source_of(s, model).prepared(states).evaluate(slice(0, 6), slice(6, 12), np.inf)[0].shift,
                axis1=1,
                axis2=2,
            )
            for s in (scatterer, CurvatureShift(scatterer), SmallAngleShift(scatterer))
        )
        errors.append(np.abs(full - small).max() / np.abs(full).max())
        beyond.append(np.abs(full - curvature).max() / np.abs(full).max())
    assert min(beyond) > 0.05
    assert errors[1] < 1e-4 and errors[0] / errors[1] == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize("sigma_z", [0.5, -1.0, None])
def test_cold_phonons_of_a_matrix_reach_the_limit_of_small_angles(sigma_z):
    """On a circle ``sigma_yx = - (e^2/h) k^2 (Omega + dl/dk)``, ``l = b k / 2 e (a e + b m)``, and T^2 off it."""
    m, mu = 1.0, 2.0
    a, b = (1.0, sigma_z) if sigma_z is not None else (0.0, 1.0)
    k = np.sqrt(mu**2 - m**2)
    # the derivative of lambda by hand
    below = a * mu + b * m
    slope = b * (m**2 * below - a * mu * k**2) / (2 * mu**3 * below**2) if a else b * m**2 / (2 * m * mu**3)
    expected = -(k**2) * (-m / (2 * mu**3) + slope)
    model, scatterer = MassiveDirac(mass=m, velocity=1.0), phonons(2, a * np.eye(2) + b * PAULI[2])
    t = np.array([0.01, 0.02]) * 2 * SOUND * k / KB
    found = 2 * np.pi * hall(solve(model, scatterer, mu, t, geometry="shared"))
    limit = 2 * np.pi * hall(solve(model, SmallAngleShift(scatterer), mu, t, geometry="shared"))
    assert abs(expected - dirac.smooth_side_jump(m / mu)) > 0.05  # eq. 14 is another number
    for numbers in (found, limit):
        change = numbers - expected
        assert abs(change[0]) < 5e-3
        assert abs(change[1] - 4 * change[0]) < 0.05 * abs(change[1]) + 1e-6


@pytest.mark.parametrize("model", ["gap", "two bands", "Weyl"])
def test_the_limit_is_approached_as_the_square_of_temperature(model):
    """Also where the curvature is not constant, on two sheets, and on a surface that is not round."""
    rashba = RashbaFerromagnet(effective_mass=1.0, rashba=0.5, exchange=0.1)
    model, mu, t, settings = {
        "gap": (rashba, 0.0, np.array([0.5, 1.0]), {}),
        "two bands": (rashba, 0.3, np.array([0.25, 0.5]), {}),
        "Weyl": (Weyl(velocity=2.0, node=0.2), 0.3, np.array([0.5, 1.0]), {"spacing": 0.03, "levels": 0}),
    }[model]
    full, limit = (
        hall(solve(model, s, mu, t, geometry="shared", **settings))
        for s in (phonons(model.dimension), SmallAngleShift(phonons(model.dimension)))
    )
    change = np.abs(full / limit - 1)
    assert change[1] < 0.04 and change[1] / change[0] == pytest.approx(4, rel=0.05)


def test_no_curvature_no_limit_to_miss():
    """Without magnetisation nothing is left but rounding, which is no dependence on the direction of q."""
    model = RashbaFerromagnet(effective_mass=1.0, rashba=0.5, exchange=0.0)
    limit = solve(model, SmallAngleShift(phonons(2)), 0.2, [5.0], geometry="shared")
    assert np.abs(limit.side_jump_velocity).max() < 1e-6
    with pytest.raises(InputError, match="depends on the direction"):  # sigma_z has no element within a band at q = 0
        solve(model, SmallAngleShift(phonons(2, PAULI[2])), 0.2, [5.0], geometry="shared")


def gauge_invariant_phase(data, middle, q, vectors, band):
    """``arg V`` of each mode less that of parallel transport along q, by overlaps; `vectors` (3 nat, modes)."""
    model, steps = data.electrons, np.linspace(-0.5, 0.5, 9)
    k = middle + steps[:, None] * q
    u = np.linalg.eigh(model.hamiltonian(k))[1][:, :, band]
    line = np.prod(np.einsum("sn,sn->s", u[:-1].conj(), u[1:]))
    ends = u[[0, -1]] * np.exp(1j * k[[0, -1]] @ np.asarray(model.site_positions).T)
    crystal = np.linalg.inv(data.reciprocal_cell)
    [vertex] = data.wannier_vertex(k[0] @ crystal, q @ crystal)
    return np.angle(np.einsum("cv,m,cmn,n->v", vectors, ends[1].conj(), vertex, ends[0]) * line)


def test_the_phase_of_first_principles_coupling_is_of_the_order_of_the_curvature():
    """Of acoustic phonons ``dr = Omega x q - d arg V / dk`` by differences, both of the order of q."""
    data, band, size = Toy().data(), 0, 1e-5
    direction, middle = np.array([0.6, -0.7, 0.4]), np.array([0.3, 0.5, -0.2])
    scatterer, shifts = ElectronPhononScatterer(data, tolerance=0.0), []
    for length in (0.02, 0.04):
        q = length * direction
        vectors = data.phonons.solve(q[None])[1] / np.sqrt(np.repeat(data.phonons.masses, 3))[:, None]
        ends = solve_states(data.electrons, middle + np.array([[-0.5], [0.5]]) * q, np.array([band, band]))
        full, curved = (
            [c.shift[:, 0, 0] / c.strength[0, 0] for c in prepared.evaluate(slice(0, 1), slice(1, 2), np.inf)]
            for prepared in (
                source_of(s, data.electrons).prepared(ends) for s in (scatterer, CurvatureShift(scatterer))
            )
        )
        turns = np.stack(
            [
                gauge_invariant_phase(data, middle + h, q, vectors[0], band)
                - gauge_invariant_phase(data, middle - h, q, vectors[0], band)
                for h in size * np.eye(3)
            ],
            axis=1,
        )
        turns = (turns + np.pi) % (2 * np.pi) - np.pi
        np.testing.assert_allclose(full, curved - turns / (2 * size), rtol=1e-2, atol=1e-2 * np.abs(full).max())
        assert np.abs(np.subtract(full, curved)[:3]).max() > 3 * np.abs(curved[0]).max()
        shifts.append(np.array(full[:3]) / length)
    np.testing.assert_allclose(*shifts, rtol=0.1, atol=0.02)  # but for q^2 of them


def test_no_limit_of_small_angles_where_the_shift_is_not_of_the_first_order():
    """First-principles coupling at small q depends on the direction of q; magnons shift by a length."""
    toy = Toy().from_meshes()
    k = np.random.default_rng(3).random((4, 3)) @ toy.electrons.reciprocal_cell
    states = solve_states(toy.electrons, k, np.zeros(4, dtype=int))
    with pytest.raises(InputError, match="CurvatureShift"):
        source_of(SmallAngleShift(ElectronPhononScatterer(toy, tolerance=0.0)), toy.electrons).prepared(states)
    spins = Scatterer("spins", 2, phonons(2).branches, np.array([[0, 0], [1, 0]]), SOUND, directed=True)
    with pytest.raises(InputError, match="different operators"):
        source_of(SmallAngleShift(spins), MassiveDirac(mass=0.7, velocity=1.0))


@pytest.mark.parametrize("coupling", ["model", "first principles"])
def test_the_shift_of_the_curvature_between_two_sets(coupling):
    toy = Toy().from_meshes()
    model = toy.electrons if coupling == "first principles" else random_wannier()
    inner = ElectronPhononScatterer(toy, tolerance=0.0) if coupling == "first principles" else phonons(3)
    source = source_of(CurvatureShift(inner), model)
    k = np.random.default_rng(3).random((9, 3)) @ model.reciprocal_cell
    states = solve_states(model, k, np.zeros(9, dtype=int))
    whole = source.prepared(states).evaluate(slice(0, 4), slice(4, 9), np.inf)
    there = source.crossed(states[:4], states[4:]).evaluate(slice(0, 4), slice(0, 5), np.inf)
    back = source.crossed(states[4:], states[:4]).evaluate(slice(0, 5), slice(0, 4), np.inf)
    for c, a, b in zip(whole, there, back, strict=True):
        assert np.abs(c.shift).max() > 0
        np.testing.assert_allclose(a.shift, c.shift, atol=1e-4 * np.abs(c.shift).max())
        np.testing.assert_allclose(-b.shift.swapaxes(1, 2), c.shift, atol=1e-4 * np.abs(c.shift).max())
        np.testing.assert_allclose(a.strength, c.strength, rtol=1e-4, atol=1e-6 * c.strength.max())


@pytest.mark.parametrize("dimension", [2, 3])
def test_hot_phonons_reach_the_limit(dimension):
    """The correction falls as 1/T^2; the conductivity is the limit's over kT."""
    model, mu = (MassiveDirac(mass=1.0, velocity=1.0), 2.0) if dimension == 2 else (Weyl(velocity=2.0, node=0.2), 0.1)
    settings = {} if dimension == 2 else {"spacing": 0.06, "levels": 0}
    t = np.array([200.0, 400.0]) * (2 if dimension == 2 else 0.3) * SOUND / KB / 10
    hot = solve(model, phonons(dimension), mu, t, geometry="shared", **settings)
    limit = solve(model, HighTemperatureLimit(phonons(dimension)), mu, [300.0], geometry="shared", **settings)
    change = np.abs(hall(hot) / hall(limit) - 1)
    assert change[1] < 1e-3 and change[0] / change[1] == pytest.approx(4, rel=0.2)
    ratio = np.trace(hot.boltzmann, axis1=1, axis2=2) * KB * t / np.trace(limit.boltzmann[0])
    assert ratio[1] == pytest.approx(1, rel=1e-3)


def test_cold_phonons_reach_eq_14():
    """The correction falls as T^2: the overlap differs from 1 by q^2 of the thermal phonons."""
    mass, mu = 1.0, 2.0
    t = np.array([0.01, 0.02]) * 2 * SOUND * np.sqrt(mu**2 - mass**2) / KB
    found = 2 * np.pi * hall(solve(MassiveDirac(mass=mass, velocity=1.0), phonons(2), mu, t, geometry="shared"))
    change = found / dirac.smooth_side_jump(mass / mu) - 1
    assert change[0] < 1e-2 and change[1] / change[0] == pytest.approx(4, rel=0.05)


def test_static_scatterers_have_no_limit():
    static = impurity(dimension=2, correlation="zero_range", density=1e12, strength=0.5)
    with pytest.raises(InputError, match="no phonons"):
        solve(MassiveDirac(mass=1.0, velocity=1.0), HighTemperatureLimit(static), 2.0, [300.0])
