"""What is known of observables without a computation: steady states, turned spins, Kramers pairs, static disorder."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.spatial.transform import Rotation
from scipy.special import expit

import sidejump as sj
from helpers_models import random_wannier
from sidejump import PAULI, Observable
from sidejump.app.observed import RESPONSES
from sidejump.bands.states import solve_states
from sidejump.groups.multiplets import Multiplets
from sidejump.groups.representation import spin_rotation
from sidejump.interactions.vertex import pair_vertex
from sidejump.intrinsic.berry import band_curvature
from sidejump.units import HBAR2_OVER_2M, KB
from test_hot_spots import MU, ferromagnet, phonons
from test_observables import GRAPHENE_LIKE, IMPURITIES
from test_reduced import p_model

MASS, ALPHA = 0.6, 0.8
STRENGTH = ALPHA / (2 * HBAR2_OVER_2M / MASS)  # m alpha / hbar^2, 1/angstrom


def rashba(exchange):
    return sj.RashbaFerromagnet(effective_mass=MASS, rashba=ALPHA, exchange=exchange)


def parts_of(ds, name):
    """Boltzmann part, and the sum of all that is of order zero, of an observable: (nT, d) each, and their errors."""
    one = ds.sel(observable=name)
    errors = (
        one.response_boltzmann_error.values,
        np.hypot(one.response_side_jump_error, one.response_intrinsic_error).values,
    )
    return (one.response_boltzmann.values, (one.response_side_jump + one.response_intrinsic).values), errors


@pytest.mark.parametrize("scatterer", [IMPURITIES, GRAPHENE_LIKE], ids=["impurities", "inelastic phonons"])
@pytest.mark.parametrize("exchange", [0.0, 0.2])
def test_the_spins_of_the_rashba_model_are_stationary(scatterer, exchange):
    """d s_y / dt = 2 (m alpha j_y^z - M s_x) = 0 and d s_x / dt = 2 (m alpha j_x^z + M s_y) = 0 for what keeps spins,
    order by order: tau^1 (Boltzmann), and tau^0 without skew scattering, whose Gaussian part keeps them by itself."""
    ds = sj.anomalous_hall(
        rashba(exchange),
        scatterer,
        chemical_potential=0.3,
        temperatures=[10.0, 60.0],
        observables=[sj.spin_current("yz"), sj.spin_current("xz"), sj.spin("x"), sj.spin("y")],
    )
    for current, spin, sign in (("yz", "x", 1), ("xz", "y", -1)):
        flow, flow_error = parts_of(ds, f"spin_current_{current}")
        moment, moment_error = parts_of(ds, f"spin_{spin}")
        for order in (0, 1):
            left, right = STRENGTH * flow[order], sign * exchange * moment[order]
            error = STRENGTH * flow_error[order] + exchange * moment_error[order]
            size = max(np.abs(right).max(), 1e-3 if order else 0.0)
            assert (np.abs(left - right) < 3 * error + 2e-5 * size).all()
            assert np.abs(left - right).max() < 1e-3 * size + 1e-9
    intrinsic = ds.response_intrinsic.sel(observable="spin_current_yz", b="x").values
    assert np.abs(intrinsic).min() > 0.01  # what cancels is there


def total_torque(model, k):
    """``[s, H(k)] / i``: what the whole Hamiltonian does to the spin."""
    spin, h = 0.5 * model.spin, model.hamiltonian(k)[:, None]
    return -1j * (spin @ h - h @ spin)


@pytest.mark.parametrize("symmetry", ["auto", "off"])
def test_the_spin_of_a_crystal_is_stationary(symmetry):
    """In three dimensions, with hot spots, irreducible points and the thermal window; all three components."""
    rule = sj.torque("x").rule
    torques = [Observable(f"torque_{c}", total_torque, "eV", rule, c) for c in "xyz"]
    ds = sj.anomalous_hall(
        ferromagnet(0.3),
        phonons(),
        chemical_potential=MU,
        temperatures=[300.0],
        observables=torques,
        symmetry=symmetry,
        energy_nodes=1,
        tolerance=0.1,
        accuracy=0.3 if symmetry == "auto" else 0.6,
    )
    assert (ds.attrs["symmetry_operations"] > 1) == (symmetry == "auto")
    intrinsic, jump = ds.response_intrinsic.values[0], ds.response_side_jump.values[0]
    size = np.abs(intrinsic).max()
    assert size > 1e-4
    error = np.hypot(ds.response_side_jump_error.values[0], ds.response_intrinsic_error.values[0])
    assert (np.abs(intrinsic + jump) < 3 * error + 1e-6 * size).all()
    assert error.max() < 0.2 * size
    np.testing.assert_allclose(ds.response_side_jump_distribution, 0.0, atol=1e-9 * size)


def test_turned_spins_turn_the_response():
    """H' = U H U^+ with a rotation U of the spins: s' = R s and j' = R j, all parts."""
    rotation = Rotation.from_rotvec([0.4, -0.9, 0.7]).as_matrix()
    turn = spin_rotation(rotation)
    plain = rashba(0.05)

    def hamiltonian(k):
        return turn @ plain.hamiltonian(k) @ turn.conj().T

    same, other = (
        sj.FunctionModel(h, dimension=2, n_orbitals=2, spin=PAULI, search_half_width=1.0)
        for h in (plain.hamiltonian, hamiltonian)
    )
    observables = [*(sj.spin(c) for c in "xyz"), *(sj.spin_current("y" + c) for c in "xyz")]
    found = [
        sj.anomalous_hall(
            m,
            IMPURITIES,
            chemical_potential=0.2,
            temperatures=[10.0],
            observables=observables,
            geometry="shared",
            tolerance=0.1,
            intrinsic_tolerance=0.02,
            accuracy=0.5,
        )
        for m in (same, other)
    ]
    for part in (name for name in RESPONSES if name in found[0]):
        mine, turned = (ds[part].values[0].reshape(2, 3, 2) for ds in found)
        expected = np.einsum("ab,ibf->iaf", rotation, mine)
        np.testing.assert_allclose(turned, expected, rtol=0, atol=2e-4 * np.abs(expected).max() + 1e-9)
        assert np.abs(turned[:, :2]).max() > 0


def spin_hall_of_all_states(model, mu, temperature, count):
    """Intrinsic response of the spin current yz to a force along x: Kubo's sum over a uniform mesh of the zone."""
    axis = (np.arange(count) + 0.5) / count
    mesh = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3) @ model.reciprocal_cell
    total = 0.0
    for k in np.array_split(mesh, len(mesh) // 8000 + 1):
        h, v, position = model.hamiltonian(k)[:, None], model.hamiltonian_gradient(k), model.position_matrix(k)
        if position is not None:
            v = v + 1j * (h @ position - position @ h)
        energy, u = np.linalg.eigh(h[:, 0])
        adjoint = u.conj().swapaxes(1, 2)
        current = 0.25 * (v[:, 1] @ model.spin[2] + model.spin[2] @ v[:, 1])
        gap = energy[:, :, None] - energy[:, None]
        inverse = np.where(np.abs(gap) > 1e-6, 1 / np.where(gap == 0, 1.0, gap) ** 2, 0.0)
        product = (adjoint @ current @ u) * (adjoint @ v[:, 0] @ u).conj() * inverse
        total += 2 * np.einsum("kn,knm->", expit((mu - energy) / (KB * temperature)), product).imag
    return total / (len(mesh) * np.linalg.det(model.cell))


def test_kramers_pairs_carry_spin_and_no_hall_current():
    """p orbitals with spin-orbit coupling, time reversal and inversion: the spin Hall effect has its intrinsic part by
    a sum over the zone; its scattering part has numbers in two dimensions (:mod:`test_kramers_spin_hall`)."""
    model = p_model("sc", (0, 0, 0))
    ds = sj.anomalous_hall(
        model,
        phonons(),
        chemical_potential=0.1,
        temperatures=[300.0],
        observables=[sj.spin_current("yz"), sj.spin_current("xz"), sj.spin("z"), sj.velocity("y")],
        tolerance=0.3,
        energy_nodes=1,
        geometry="shared",
        accuracy=0.6,
        levels=0,
        intrinsic_tolerance=0.01,
    )
    total = ds.response_intrinsic + ds.response_side_jump
    hall = total.sel(observable="spin_current_yz", b="x").item()
    assert abs(hall) > 1e-4
    intrinsic = ds.response_intrinsic.sel(observable="spin_current_yz", b="x").item()
    assert intrinsic == pytest.approx(spin_hall_of_all_states(model, 0.1, 300.0, 40), rel=0.02)
    other = total.sel(observable="spin_current_xz", b="y").item()
    assert other == pytest.approx(-hall, rel=0.02)
    assert np.abs(total.sel(observable=["velocity_y", "spin_z"])).max() < 1e-3 * abs(hall)
    assert np.abs(ds.sigma_side_jump).max() < 1e-9 * np.abs(ds.sigma_boltzmann).max()


# --- static disorder ----------------------------------------------------------------------------------------------


def own(model, k):
    """An operator without any symmetry."""
    x, y = k.T[:, :, None, None]
    return (0.3 + y) * PAULI[0] + (x - 0.2 * y) * PAULI[1] + (0.7 * x * y - 0.4) * PAULI[2]


def radial_panels(resonances, width, end):
    """Gauss nodes and weights from 0 to `end`, gathered around resonances down to a part of their width."""
    edges = {0.0, end}
    for r in resonances:
        steps = 0.3 * width * 2.0 ** np.arange(24)
        edges |= {r, *(x for x in (*(r - steps), *(r + steps)) if 0 < x < end)}
    edges = np.array(sorted(edges))
    node, weight = np.polynomial.legendre.leggauss(6)
    half = 0.5 * np.diff(edges)[:, None]
    return (edges[:-1, None] + half * (1 + node)).ravel(), (half * weight).ravel()


def test_static_disorder_by_the_t_matrix():
    """Eq. C50, second order in the T-matrix of zero-range impurities, against eq. C48: on the energy shell the
    interband part of the program, off it a principal value, which is the change of |V|^2 with O in second-order
    perturbation theory."""
    model, mu, s = rashba(0.05), 0.3, 2e-4
    rows = Multiplets.of([Observable("own", own)])
    angles = 2 * np.pi * np.arange(96) / 96
    radius = [brentq(lambda r, n=n: model_energy(model, r)[n] - mu, 1e-3, 2.0) for n in (0, 1)]
    # the initial state: of the upper band, at an odd angle
    start = radius[1] * np.array([[np.cos(0.4), np.sin(0.4)]])
    initial = solve_states(model, start, np.array([1]), observables=rows)

    # on the shell
    on_shell = 0.0
    for n, r in enumerate(radius):
        circle = r * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        final = solve_states(model, circle, np.full(96, n), observables=rows)
        speed = np.linalg.norm(final.velocity, axis=1)
        weight = r * (2 * np.pi / 96) / (speed * (2 * np.pi) ** 2)
        on_shell += 2 * np.pi * (pair_vertex(initial, final, np.eye(2))[1][2, 0] * weight).sum()

    # everywhere, with a finite s
    grid, weight = radial_panels(radius, s / np.abs(np.diff(radius)).item() / 5, 3.0)
    k = (grid[:, None, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)).reshape(-1, 2)
    weight = np.repeat(grid * weight * (2 * np.pi / 96) / (2 * np.pi) ** 2, 96)
    energy, u = np.linalg.eigh(model.hamiltonian(k))
    both, states = np.linalg.eigh(model.hamiltonian(start))
    level, v, other, gap = both[0, 1], states[0][:, 1], states[0][:, 0], both[0, 1] - both[0, 0]
    o = u.conj().swapaxes(1, 2) @ own(model, k) @ u
    here = v.conj() @ own(model, start)[0] @ other  # A_lj
    h, h_other = u.conj().swapaxes(1, 2) @ v, u.conj().swapaxes(1, 2) @ other  # <l'|H|l>, <l'|H|j>
    x = level - energy
    # C50: both of l', l'' at k', and l' the other band at k
    first = np.einsum("ka,kb,kab->kab", h.conj() / (x - 1j * s), h / (x + 1j * s), o)
    first = first[:, 0, 1] + first[:, 1, 0]
    second = 2 * (h_other.conj() * h * here / ((gap + 1j * s) * (x + 1j * s))).sum(axis=1).real
    t_matrix = weight @ (first.real + second)
    # C48: Z = H_ll' (<l'|H|a_l> + <a_l'|H|l>)
    between = energy[:, ::-1] - energy
    turned = o[:, [0, 1], [1, 0]] * h[:, ::-1] / -between  # A_l'j <j|H|l> / (e_l' - e_j)
    z = h.conj() * (h_other * np.conj(here) / gap + turned)
    shell_part = weight @ (-2 * z.imag * s / (x**2 + s**2)).sum(axis=1)
    principal = weight @ (2 * z.real * x / (x**2 + s**2)).sum(axis=1)
    size = abs(on_shell)
    assert size > 1e-3
    assert shell_part == pytest.approx(on_shell, abs=5e-3 * size)
    assert t_matrix == pytest.approx(shell_part + principal, abs=5e-3 * size)
    assert abs(principal) > 0.05 * size  # what is left out is not small by itself
    # it is what O, as a part of H, changes in the second-order shift of the level by |V|^2 alone
    step = 1e-4
    moved = []
    for sign in (1, -1):
        _, w = np.linalg.eigh(model.hamiltonian(k) + sign * step * own(model, k))
        _, w0 = np.linalg.eigh(model.hamiltonian(start) + sign * step * own(model, start))
        overlap = np.abs(w.conj().swapaxes(1, 2) @ w0[0][:, 1]) ** 2
        moved.append(weight @ (overlap * x / (x**2 + s**2)).sum(axis=1))
    assert principal == pytest.approx((moved[0] - moved[1]) / (2 * step), abs=1e-4 * size)


def model_energy(model, r):
    return np.linalg.eigvalsh(model.hamiltonian(np.array([[r, 0.0]])))[0]


def two_dirac_models(splitting):
    """Opposite masses for opposite spins along z, which are conserved: H = v (kx tx + ky ty) + m tz sz + h sz."""
    turns = [np.kron(np.eye(2), t) for t in PAULI]
    spin = np.stack([np.kron(s, np.eye(2)) for s in PAULI])

    def hamiltonian(k):
        x, y = k[:, 0, None, None], k[:, 1, None, None]
        return 3.0 * (x * turns[0] + y * turns[1]) + 0.1 * spin[2] @ turns[2] + splitting * spin[2]

    return sj.FunctionModel(hamiltonian, dimension=2, spin=spin, search_half_width=0.3)


def test_the_spin_hall_effect_of_degenerate_bands_is_that_of_both_apart():
    """Hall currents of both spins, opposite."""
    arguments = {"chemical_potential": 0.2, "temperatures": [10.0], "observables": [sj.spin_current("yz")]}
    arguments["geometry"] = "shared"
    pairs = sj.anomalous_hall(two_dirac_models(0.0), IMPURITIES, **arguments)
    apart = sj.anomalous_hall(two_dirac_models(1e-5), IMPURITIES, **arguments)
    one = sj.anomalous_hall(sj.MassiveDirac(mass=0.1, velocity=3.0), IMPURITIES, **arguments | {"observables": []})
    hall = one.sigma_side_jump.sel(a="y", b="x").item() / sj.units.conductivity_unit(2)[0]
    for ds in (pairs, apart):
        assert ds.response_side_jump[0, 0, 0].item() == pytest.approx(hall, rel=1e-3)  # two spins, 1/2 each
        expected = one.sigma_intrinsic.sel(a="y", b="x").item() / sj.units.conductivity_unit(2)[0]
        assert ds.response_intrinsic[0, 0, 0].item() == pytest.approx(expected, rel=1e-3)


def test_the_torque_of_a_field_is_that_of_the_spin():
    """[s, b.sigma]/i = 2 b x s, of a field on top of any model, and of a model's own: whatever the response is."""
    field = np.array([0.02, -0.03, 0.05])
    plain = sj.RashbaFerromagnet(effective_mass=MASS, rashba=ALPHA, exchange=0.05)
    model = sj.WithZeeman(plain, field)
    observables = [*(sj.spin(c) for c in "xyz"), *(sj.torque(c) for c in "xyz")]
    ds = sj.anomalous_hall(
        model, IMPURITIES, chemical_potential=0.3, temperatures=[10.0], observables=observables, geometry="shared",
        tolerance=0.1, intrinsic_tolerance=0.02, accuracy=0.5,
    )  # fmt: skip
    whole = field + [0, 0, -0.05]
    np.testing.assert_allclose(model.exchange_field, whole)
    for part in (name for name in RESPONSES if name in ds):
        spin, torque = ds[part].values[0].reshape(2, 3, 2)
        expected = 2 * np.cross(whole, spin, axisb=0, axisc=0)
        np.testing.assert_allclose(torque, expected, rtol=0, atol=1e-9 + 1e-4 * np.abs(expected).max())
    assert np.abs(ds.response_boltzmann).max() > 0.1


def test_the_orbital_moment_of_dirac_electrons():
    """m_z = e eps Omega / hbar of two bands with one energy up and down: L = -2 m eps Omega / hbar^2 of either."""
    model = sj.MassiveDirac(mass=0.1, velocity=3.0)
    k = np.random.default_rng(1).normal(size=(5, 2)) * 0.05
    moment = sj.orbital_moment("z").matrices(model, k)
    energy, u = np.linalg.eigh(model.hamiltonian(k))
    found = np.einsum("kmn,kml,kln->kn", u.conj(), moment, u).real
    berry = band_curvature(model, k)[2][:, 0]
    np.testing.assert_allclose(found, -energy * berry / HBAR2_OVER_2M, rtol=1e-8)
    np.testing.assert_allclose(np.abs(found), 0.5 * 0.1 * 9.0 / energy**2 / HBAR2_OVER_2M, rtol=1e-10)


def test_the_orbital_moment_of_a_current_in_a_tilted_cone():
    """Boltzmann part: the closed form of the moment on the ellipse, with g of overlaps of spins solved as a matrix."""
    mass, velocity, tilt, mu, strength = 0.1, 3.0, 0.9, 0.2, 1e-5 * 2.0**2 * 1e4
    ds = sj.anomalous_hall(
        sj.MassiveDirac(mass=mass, velocity=velocity, tilt=(tilt, 0.0)),
        sj.impurity(correlation="zero_range", density=1e11, strength=2.0, dimension=2),
        chemical_potential=mu,
        temperatures=[1],
        energy_nodes=1,
        tolerance=1e-3,
        observables=[sj.orbital_moment("z")],
    ).sel(observable="orbital_moment_z", temperature=1)
    angle = 2 * np.pi * (np.arange(200) + 0.5) / 200
    x, y = np.cos(angle), np.sin(angle)
    # mu - tilt k x = (velocity^2 k^2 + mass^2)^(1/2)
    a, b, c = velocity**2 - tilt**2 * x**2, 2 * mu * tilt * x, mass**2 - mu**2
    k = (-b + np.sqrt(b**2 - 4 * a * c)) / (2 * a)
    energy = np.hypot(velocity * k, mass)
    spin = np.stack([velocity * k * x, velocity * k * y, mass + 0 * k]) / energy
    slope = tilt * x + velocity**2 * k / energy
    weight = k / slope * (angle[1] - angle[0]) / (2 * np.pi) ** 2
    rates = 2 * np.pi * strength * 0.5 * (1 + spin.T @ spin) * weight
    drift = np.stack([tilt + velocity**2 * k * x / energy, velocity**2 * k * y / energy])
    g = np.linalg.lstsq(np.diag(rates.sum(axis=1)) - rates, drift.T, rcond=None)[0]
    g -= weight @ g / weight.sum()
    moment = 0.5 * mass * velocity**2 / energy**2 / HBAR2_OVER_2M
    expected = (weight * moment) @ g
    assert abs(expected[1]) < 1e-10 * abs(expected[0])
    found = ds.response_boltzmann.values
    assert found[0] == pytest.approx(expected[0], rel=2e-3)
    assert abs(found[1]) < 1e-6 * abs(found[0])
    # across the tilt intrinsic part and side jump are all there is
    across = ds.response_intrinsic.values + ds.response_side_jump.values
    assert abs(across[0]) < 1e-6 * abs(across[1])


def test_the_orbital_moment_does_not_depend_on_the_gauge_of_the_orbitals():
    """Orbitals off the origin, with the position matrix that says so."""
    model = random_wannier(3, 3)
    assert model.position_matrix(np.zeros((1, 3))) is not None
    k = np.random.default_rng(2).random((4, 3)) @ model.reciprocal_cell
    energy, u = np.linalg.eigh(model.hamiltonian(k))
    moment = sj.orbital_moment("z").tensor(model, k)
    found = np.einsum("kmn,kcml,kln->kcn", u.conj(), moment, u).real
    # the sum of the current between bands, by its definition
    v = u.conj().swapaxes(1, 2)[:, None] @ sj.velocity("x").tensor(model, k) @ u[:, None]
    gap = energy[:, :, None] - energy[:, None, :] + np.eye(3) * 1e9
    for c, (a, b) in enumerate(((1, 2), (2, 0), (0, 1))):
        expected = 2 * np.einsum("knm,kmn->kn", v[:, a] / -gap, v[:, b]).imag * -1 / (2 * HBAR2_OVER_2M)
        np.testing.assert_allclose(found[:, c], expected, rtol=0, atol=1e-9 * np.abs(found).max())
