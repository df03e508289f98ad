"""The general machinery against closed forms, exact values and invariances, on the massive Dirac model."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit

from helpers_models import random_wannier
from sidejump.bands.base import ElectronModel
from sidejump.bands.dirac import MassiveDirac
from sidejump.bands.states import solve_states
from sidejump.energy.basis import EnergyBasis
from sidejump.errors import InputError
from sidejump.interactions import acoustic_deformation_potential, impurity
from sidejump.interactions.base import Branch, Scatterer
from sidejump.interactions.vertex import pair_vertex
from sidejump.kinetics.collision import CollisionOperator
from sidejump.kinetics.response import growing_share
from sidejump.kinetics.solve import solve as linear_solve
from sidejump.pairs.strips import join_blocks
from sidejump.reference import dirac
from sidejump.surfaces.fermi import fermi_shell
from sidejump.transport import TransportSettings, run_transport
from sidejump.units import KB

MODEL = MassiveDirac(mass=1.0, velocity=1.0)
MU, K_FERMI = 2.0, 3**0.5


def phonons(sound, coupling=1.0):
    return Scatterer(
        "debye", 2, (Branch(lambda q: 0.5 * coupling * sound * q, lambda q: sound * q),), "identity", sound
    )


def solve(sound, t, *, model=MODEL, coupling=1.0, scatterers=None, **settings):
    temperatures = np.atleast_1d(t) * 2 * sound * K_FERMI / KB
    scatterers = scatterers or [phonons(sound, coupling)]
    return run_transport(
        model, scatterers, chemical_potential=MU, temperatures=temperatures, settings=TransportSettings(**settings)
    )


def side_jump(result):
    return 2 * np.pi * (result.side_jump_velocity + result.side_jump_distribution)


def test_one_node_is_the_closed_form():
    t = [0.05, 0.1, 0.2, 0.5, 1.0, 5.0]
    result = solve(0.005, t, energy_nodes=1)
    expected = [dirac.phonon_side_jump(x, 0.5) for x in t]
    np.testing.assert_allclose(side_jump(result)[:, 1, 0], expected, rtol=1e-6)
    np.testing.assert_allclose(side_jump(result)[:, 0, 1], -np.array(expected), rtol=1e-6)


@pytest.mark.parametrize(
    ("sound", "t", "nodes", "sj", "sxx"),
    [
        (0.005, 0.2, 9, 0.3348037, 137.9416),
        (0.02, 0.1, 9, 0.2382223, 324.4020),
        (0.02, 1.0, 7, 0.422034, 2.074749),
    ],
)
def test_exact_inelastic_values(sound, t, nodes, sj, sxx):
    result = solve(sound, t, energy_nodes=nodes)
    assert side_jump(result)[0, 1, 0] == pytest.approx(sj, rel=1e-4)
    assert result.boltzmann[0, 0, 0] == pytest.approx(sxx, rel=1e-4)
    assert result.report["onsager_error"] < 1e-12
    assert result.report["conservation_error"] < 1e-12


def test_automatic_nodes_stop_when_the_result_stands_still():
    result = solve(0.005, 0.2, energy_nodes="auto", tolerance=1e-3)
    assert result.report["node_change"][0] < 1e-3 and result.report["energy_nodes"][0] > 3
    assert side_jump(result)[0, 1, 0] == pytest.approx(0.3348037, rel=1e-3)


def test_shared_geometry_at_small_sound_velocity():
    result = solve(0.005, 0.2, energy_nodes=5, geometry="shared")
    assert side_jump(result)[0, 1, 0] == pytest.approx(0.33489, rel=1e-4)


def test_conjugate_gradients_agree_with_the_factorisation(monkeypatch):
    direct = solve(0.02, 0.1, energy_nodes=5)
    monkeypatch.setattr("sidejump.kinetics.solve.DENSE_LIMIT", 0)
    iterative = solve(0.02, 0.1, energy_nodes=5)
    assert iterative.report["method"] == "conjugate gradients"
    np.testing.assert_allclose(side_jump(iterative), side_jump(direct), atol=1e-9)


def lattice(mu, **settings):
    """Random two-dimensional lattice at 300 K, where contours join 2 kT below 0.1 eV and stay as they are at 0.3 eV."""
    static = Scatterer("static", 2, (Branch(lambda q: 1e-3 * np.exp(-((0.5 * q) ** 2))),))
    result = run_transport(
        random_wannier(2, 3, position=False), [phonons(0.01), static], chemical_potential=mu, temperatures=[300.0],
        settings=TransportSettings(geometry="own", **settings),
    )  # fmt: skip
    return result, " ".join(result.report["warnings"])


def test_more_nodes_stay_definite_and_change_little():
    few, many = lattice(0.3, energy_nodes=5), lattice(0.3, energy_nodes=9)
    assert "semidefinite" not in few[1] + many[1]
    np.testing.assert_allclose(few[0].boltzmann, many[0].boltzmann, rtol=6e-4)


def test_band_edge_some_kt_away_does_not_disturb():
    """Band edge 8 kT below the chemical potential, acoustic phonons: positive, and right with few nodes."""
    t = 1 / 8 / (2 * 0.02 * K_FERMI)
    few, many = solve(0.02, t, energy_nodes=5, geometry="own"), solve(0.02, t, energy_nodes=9, geometry="own")
    assert not few.report["warnings"] and not many.report["warnings"]
    np.testing.assert_allclose(side_jump(few), side_jump(many), atol=1e-4)


def test_indefinite_operator_is_solved_and_judged(monkeypatch):
    """A saddle some 2 kT away leaves negative rates: said where they carry more of the result than the tolerance."""
    for mu in (0.08, 0.1):
        direct, said = lattice(mu, energy_nodes=5)
        share = direct.report["growing_share"][0]
        assert 0 < share < 5e-3 and ("semidefinite" in said) == (share > TransportSettings().tolerance)
        assert direct.report["residual"] < 1e-6
    monkeypatch.setattr("sidejump.kinetics.solve.DENSE_LIMIT", 0)
    iterative, said = lattice(0.1, energy_nodes=5)
    assert iterative.report["method"] == "minimal residuals"
    assert iterative.report["growing_share"][0] == pytest.approx(direct.report["growing_share"][0], rel=0.05, abs=1e-6)
    np.testing.assert_allclose(iterative.boltzmann, direct.boltzmann, rtol=1e-5)
    np.testing.assert_allclose(iterative.side_jump_velocity, direct.side_jump_velocity, rtol=1e-4, atol=1e-6)


def test_a_negative_rate_counts_by_what_it_carries_of_the_result():
    """100 K, 12 kT above the edge: five nodes leave a negative rate in isotropic modes, which no field excites."""
    model = MassiveDirac(mass=0.1, velocity=3.0)
    scatterers = [
        acoustic_deformation_potential(
            deformation_potential=5.0, sound_velocity=2000.0, mass_density=7.6e-7, dimension=2
        )
    ]
    settings = TransportSettings(geometry="own", energy_nodes=5)
    found = run_transport(model, scatterers, chemical_potential=0.2, temperatures=[100.0], settings=settings)
    more = run_transport(
        model, scatterers, chemical_potential=0.2, temperatures=[100.0], settings=replace(settings, energy_nodes=9)
    )
    assert found.report["warnings"] == [] and found.report["growing_share"][0] < 1e-10
    np.testing.assert_allclose(side_jump(found), side_jump(more), atol=1e-3)


def test_modes_that_grow_are_found_by_both_solvers():
    rng = np.random.default_rng(1)
    vectors = np.linalg.qr(np.column_stack([np.ones(40), rng.normal(size=(40, 39))]))[0]
    rates = np.concatenate([[0.0, -0.2], np.linspace(0.5, 2, 38)])
    matrix = (vectors * rates) @ vectors.T
    diagonal = np.diag(matrix).reshape(40, 1, 1)
    pairs = np.diag(np.diag(matrix)) - matrix
    strips = join_blocks([(slice(0, 40), slice(0, 40), pairs)])
    operator = CollisionOperator(strips, diagonal, np.zeros((40, 1, 1)), np.float64)
    drive, jump = vectors[:, [1, 2]], vectors[:, [3, 4]]
    for limit in (0, 100):
        g, info = linear_solve(operator, drive, measure=np.ones(40), dense_limit=limit)
        np.testing.assert_allclose(g, drive / [-0.2, 0.5], rtol=1e-5, atol=1e-5)
        share = growing_share(info["growing"], drive, jump, drive.T @ g, 1.0)
        assert share == pytest.approx(1.0, rel=0.02)  # all of the largest element
        _, info = linear_solve(operator, vectors[:, [2, 3]], measure=np.ones(40), dense_limit=limit)
        assert growing_share(info["growing"], vectors[:, [2, 3]], jump, np.eye(2), 1.0) < 1e-3


@pytest.mark.parametrize("interval", [(-40.0, 40.0), (-7.0, 40.0), (-2.0, 5.0), (-0.3, 0.2)])
def test_nodes_are_gauss_points_of_the_thermal_weight(interval):
    """Without a band edge in sight, and between two: integrals of ``f (1 - f) tau^p`` are exact up to p = 2 n - 1, so
    that every weight is positive.
    """
    for n in (2, 5, 9, 15):
        basis = EnergyBasis(n, interval)
        assert np.all(basis.thermal_weight > 0) and interval[0] < basis.nodes.min() <= basis.nodes.max() < interval[1]
        for p in (0, 1, n, 2 * n - 1):
            found = np.sum(basis.thermal_weight * np.tanh(basis.nodes / 6) ** p)
            pieces = np.clip([interval[0], -10, 0, 10, interval[1]], *interval)
            expected = sum(
                quad(lambda x, p=p: expit(x) * expit(-x) * np.tanh(x / 6) ** p, a, b, epsrel=1e-12)[0]
                for a, b in itertools.pairwise(pieces)
            )
            assert found == pytest.approx(expected, rel=1e-8, abs=1e-9)


@pytest.mark.parametrize(("density", "strength"), [(1e11, 1.0), (3e12, 0.2)])
def test_zero_range_impurities(density, strength):
    defects = impurity(correlation="zero_range", density=density, strength=strength, dimension=2)
    result = solve(0.005, 0.01, scatterers=[defects], energy_nodes=1)
    assert side_jump(result)[0, 1, 0] == pytest.approx(dirac.zero_range_side_jump(0.5), rel=1e-6)


def test_coupling_scales_only_the_longitudinal_part():
    weak, strong = solve(0.02, 0.3, energy_nodes=3), solve(0.02, 0.3, coupling=7.0, energy_nodes=3)
    np.testing.assert_allclose(side_jump(weak), side_jump(strong), atol=1e-11)
    np.testing.assert_allclose(weak.boltzmann, 7 * strong.boltzmann, rtol=1e-10, atol=1e-9)


def test_reversed_magnetisation():
    flipped = solve(0.02, 0.3, model=MassiveDirac(mass=-1.0, velocity=1.0), energy_nodes=3)
    straight = solve(0.02, 0.3, energy_nodes=3)
    np.testing.assert_allclose(side_jump(flipped), -side_jump(straight), atol=1e-10)
    np.testing.assert_allclose(flipped.boltzmann, straight.boltzmann, rtol=1e-9, atol=1e-7)


def test_rotation_of_a_tilted_cone():
    angle = 0.7
    c, s = np.cos(angle), np.sin(angle)
    along = solve(0.02, 0.5, model=MassiveDirac(mass=1.0, velocity=1.0, tilt=(0.3, 0.0)), energy_nodes=1)
    turned = solve(0.02, 0.5, model=MassiveDirac(mass=1.0, velocity=1.0, tilt=(0.3 * c, 0.3 * s)), energy_nodes=1)
    rotation = np.array([[c, -s], [s, c]])
    assert np.ptp(np.diag(along.boltzmann[0])) > 0.004 * along.boltzmann[0, 0, 0]
    for name in ("boltzmann", "side_jump_velocity", "side_jump_distribution"):
        a, b = getattr(along, name)[0], getattr(turned, name)[0]
        np.testing.assert_allclose(rotation @ a @ rotation.T, b, atol=1e-6 * np.abs(a).max())


@pytest.mark.parametrize("approximation", ["serta", "mrta"])
def test_relaxation_times_for_comparison(approximation):
    exact = solve(0.005, 5.0, energy_nodes=1).boltzmann[0, 0, 0]
    relaxed = solve(0.005, 5.0, energy_nodes=1, approximation=approximation).boltzmann[0, 0, 0]
    if approximation == "mrta":  # exact for one circular contour and elastic scattering
        assert relaxed == pytest.approx(exact, rel=1e-8)
    else:
        assert relaxed < 0.95 * exact


def test_triple_table_sums_to_the_pair_table():
    basis = EnergyBasis(5)
    y = np.array([0.1, 1.0, 5.0, 20.0])
    np.testing.assert_allclose(basis.triple(y).sum(axis=-2), basis.pair(y), atol=1e-10)
    np.testing.assert_allclose(basis.functions(np.linspace(-5, 5, 7)).sum(axis=0), 1, atol=1e-12)


def test_one_node_table_is_the_quasi_elastic_kernel():
    y = np.array([0.3, 2.0, 8.0])
    number = 1 / np.expm1(y)
    # int dx f [N (1 - f(x+y)) + (N+1)(1 - f(x-y))] = 2 y N (N + 1)
    np.testing.assert_allclose(EnergyBasis(1).pair(y)[:, 0, 0], 2 * y * number * (number + 1), rtol=1e-7)


class Random(ElectronModel):
    """Quadratic random Hamiltonian with a random constant position matrix."""

    dimension, n_orbitals = 3, 5

    def __init__(self, seed):
        rng = np.random.default_rng(seed)

        def hermitian(*shape):
            m = rng.normal(size=(*shape, 5, 5)) + 1j * rng.normal(size=(*shape, 5, 5))
            return m + m.conj().swapaxes(-1, -2)

        self.h0, self.h1, self.a = 2 * hermitian(), hermitian(3), 0.3 * hermitian(3)

    def hamiltonian(self, k):
        return self.h0 + np.einsum("ka,aij->kij", k, self.h1)

    def hamiltonian_gradient(self, k):
        return np.broadcast_to(self.h1, (len(k), 3, 5, 5))

    def position_matrix(self, k):
        return np.broadcast_to(self.a, (len(k), 3, 5, 5))


def test_shift_is_the_finite_difference_of_a_gauge_invariant_phase():
    model, rng, step = Random(3), np.random.default_rng(0), 1e-4
    k, other = rng.normal(size=(1, 3)), rng.normal(size=(1, 3))
    n, m = np.array([1]), np.array([3])
    strength, shift = pair_vertex(solve_states(model, k, n), solve_states(model, other, m), np.eye(5))

    def vector(k, band):
        return solve_states(model, k, band).vectors[0, 0]

    for axis in range(3):
        d = step * np.eye(3)[axis]
        # V(+) V(-)^* closed by the links u(-)^+ u(+) of both ends: every eigenvector appears with its conjugate
        plus = np.vdot(vector(other + d, m), vector(k + d, n))
        minus = np.vdot(vector(other - d, m), vector(k - d, n))
        link = np.vdot(vector(k + d, n), vector(k - d, n)) * np.vdot(vector(other - d, m), vector(other + d, m))
        phase = np.angle(plus * minus.conjugate() * link) / (2 * step)
        centres = [np.vdot(vector(p, b), model.a[axis] @ vector(p, b)).real for p, b in ((k, n), (other, m))]
        expected = -(phase + centres[0] - centres[1])
        assert shift[axis, 0, 0] / strength[0, 0] == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_pair_quantities_do_not_depend_on_phases_and_are_antisymmetric():
    from dataclasses import replace

    model, rng = Random(5), np.random.default_rng(1)
    a = solve_states(model, rng.normal(size=(4, 3)), np.array([0, 1, 2, 3]))
    b = solve_states(model, rng.normal(size=(3, 3)), np.array([4, 2, 0]))
    phase = np.exp(1j * rng.uniform(0, 6, 4))
    turned = replace(a, vectors=a.vectors * phase[:, None, None], covariant=a.covariant * phase[:, None, None, None])
    w = model.h0
    strength, shift = pair_vertex(a, b, w)
    same = pair_vertex(turned, b, w)
    back = pair_vertex(b, a, w)
    np.testing.assert_allclose(same[0], strength, rtol=1e-12)
    np.testing.assert_allclose(same[1], shift, atol=1e-12 * np.abs(shift).max())
    np.testing.assert_allclose(back[0].T, strength, rtol=1e-12)
    np.testing.assert_allclose(-back[1].transpose(0, 2, 1), shift, atol=1e-12 * np.abs(shift).max())


class Sphere(ElectronModel):
    """One parabolic band, ``e = k^2``."""

    dimension, n_orbitals = 3, 1

    def hamiltonian(self, k):
        return (k**2).sum(1)[:, None, None] + 0j

    def hamiltonian_gradient(self, k):
        return 2 * k[:, :, None, None] + 0j


def test_contour_weights_are_spectral():
    shell = fermi_shell(MODEL, MU, spacing=10.0, minimum=32)
    assert shell.weight.sum() == pytest.approx(MU / (2 * np.pi), rel=1e-12)
    assert shell.area.sum() == pytest.approx(2 * np.pi * K_FERMI, rel=1e-10)
    tilted = MassiveDirac(mass=1.0, velocity=1.0, tilt=(0.4, 0.2))
    coarse, fine = (fermi_shell(tilted, MU, spacing=10.0, minimum=n, turn=None).weight.sum() for n in (48, 128))
    assert coarse == pytest.approx(fine, rel=1e-9)


def test_sphere_converges():
    errors = []
    for spacing in (0.3, 0.15):
        shell = fermi_shell(Sphere(), 1.0, spacing=spacing)
        errors.append(abs(shell.weight.sum() * 4 * np.pi**2 - 1))
        np.testing.assert_allclose((shell.k**2).sum(1), 1, atol=1e-8)
    assert errors[1] < 2e-3 and errors[1] < 0.6 * errors[0]


def test_gap_and_bad_temperature_are_refused():
    with pytest.raises(InputError, match="gap"):
        run_transport(MODEL, [phonons(0.01)], chemical_potential=0.5, temperatures=[10.0])
    with pytest.raises(InputError, match="positive"):
        run_transport(MODEL, [phonons(0.01)], chemical_potential=2.0, temperatures=[-1.0])
