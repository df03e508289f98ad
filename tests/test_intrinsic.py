"""The intrinsic part: closed forms, Chern numbers, Berry flux through plaquettes, and its own error estimate."""

import itertools

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.linalg import block_diag
from scipy.special import expit

from helpers_models import haldane, random_wannier, rashba_lattice
from sidejump import FunctionModel, MassiveDirac, RashbaFerromagnet, TightBinding, WithZeeman
from sidejump.bands.base import PAULI
from sidejump.bands.weyl import Weyl
from sidejump.errors import InputError
from sidejump.intrinsic import band_curvature, intrinsic_conductivity
from sidejump.intrinsic.crossing import averaged_crossings
from sidejump.intrinsic.integrate import reduced_zone
from sidejump.intrinsic.occupation import cell_fermi, fermi
from sidejump.reference import dirac
from sidejump.units import HBAR2_OVER_2M, KB, conductivity_unit
from test_reduced import p_model

MASS, VELOCITY = 0.1, 3.0


def hall(model, mu, temperatures, **options):
    """sigma_yx in e^2/h of a two-dimensional model, shape (n_mu, n_T), and the whole result."""
    result = intrinsic_conductivity(model, mu, temperatures, **options)
    return result.conductivity[..., 1, 0], result


# --- massive Dirac model --------------------------------------------------------------------------------------------


def cold(mu, mass=MASS):
    """sigma_yx at T = 0, e^2/h: ``Delta / 2 |mu|`` outside the gap, one half within."""
    return 0.5 * mass / max(abs(mu), abs(mass))


def warm(mu, temperature, mass=MASS):
    """Average of the above over ``-f'``."""
    kt = KB * temperature
    edges = np.clip([(-abs(mass) - mu) / kt, -mu / kt, (abs(mass) - mu) / kt], -45, 45)
    points = np.unique([-45, -10, 0, 10, 45, *edges])
    return sum(
        quad(lambda x: expit(x) * expit(-x) * cold(mu + kt * x, mass), a, b, epsabs=1e-14, epsrel=1e-12)[0]
        for a, b in itertools.pairwise(points)
    )


@pytest.mark.parametrize("mass", [0.1, -0.1])
def test_dirac_at_zero_temperature(mass):
    """Within the gap and in both bands."""
    mu = np.array([-0.5, -0.2, -0.101, -0.05, 0.0, 0.09, 0.11, 0.2, 0.7])
    found, result = hall(MassiveDirac(mass=mass, velocity=VELOCITY), mu, 0.0, tolerance=1e-9)
    np.testing.assert_allclose(found[:, 0], [cold(m, mass) for m in mu], rtol=0, atol=1e-8)
    assert result.converged and result.error.max() < 1e-8
    assert found[7, 0] == pytest.approx(dirac.intrinsic_conductivity(mass / 0.2), abs=1e-8)
    np.testing.assert_allclose(result.conductivity, -np.swapaxes(result.conductivity, -1, -2), atol=1e-16)


def test_dirac_at_finite_temperature():
    mu, temperatures = np.array([-0.2, 0.0, 0.08, 0.15, 0.3]), np.array([30.0, 300.0, 900.0])
    found, _ = hall(MassiveDirac(mass=MASS, velocity=VELOCITY), mu, temperatures, tolerance=1e-9)
    expected = [[warm(m, t) for t in temperatures] for m in mu]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8)
    assert abs(expected[1][2] - 0.5) > 1e-2  # the gap is not wide for 900 K


def test_tilt_moves_the_fermi_sea():
    """Within the gap nothing changes; above it, the contour integral of the connection ``-(1 - cos) dphi / 2``."""
    tilt, mu = 0.8, 0.25
    model = MassiveDirac(mass=MASS, velocity=VELOCITY, tilt=(tilt, 0.0))
    phi = 2 * np.pi * np.arange(256) / 256
    t = tilt / VELOCITY * np.cos(phi)
    # v k of the contour: (mu - t v k)^2 = (v k)^2 + mass^2
    vk = (-mu * t + np.sqrt(mu**2 * t**2 + (1 - t**2) * (mu**2 - MASS**2))) / (1 - t**2)
    upper = -0.5 * np.mean(1 - MASS / np.hypot(vk, MASS))
    found, _ = hall(model, [0.0, mu], 0.0, tolerance=1e-9)
    np.testing.assert_allclose(found[:, 0], [0.5, 0.5 + upper], atol=1e-8)
    assert abs(0.5 + upper - cold(mu)) > 1e-3


def test_rashba_ferromagnet():
    """Both bands end at k = 0: ``(M/2) (1/h_- - 1/h_+)`` of the two circles, ``h = |Zeeman and spin-orbit field|``."""
    model = RashbaFerromagnet(effective_mass=0.6, rashba=0.8, exchange=0.05)
    a, alpha, exchange = HBAR2_OVER_2M / 0.6, 0.8, 0.05
    for mu in (0.0, 0.12):
        expected = 0.0
        for square in np.roots([a**2, -(2 * a * mu + alpha**2), mu**2 - exchange**2]):
            if square > 0:
                band = np.sign(mu - a * square)
                # int_0^k of Omega = band M alpha^2 / 2 h^3
                expected += 0.5 * band * (1 - exchange / np.sqrt(exchange**2 + alpha**2 * square))
        found, _ = hall(model, mu, 0.0, tolerance=1e-8)
        assert found[0, 0] == pytest.approx(expected, abs=1e-6)


def test_weyl_nodes():
    """Planes between the nodes are quantum Hall insulators: ``sigma_yx = - e^2 k_0 / 2 pi^2 hbar`` at their energy.

    With the lower band of ``H = d(k) . sigma`` full, sigma_yx of a plane is ``1 / 4 pi`` times the solid angle that d
    sweeps, in e^2/h, counted with the sign of ``d . (dx d x dy d)``.  That sign is the massive Dirac model's: there the
    triple product is the mass, d sweeps half the sphere, and sgn(mass) / 2 is what driven states carry (below).
    Here ``d = (v k_x, v k_y, B k^2 + m)`` with ``k^2 = k_x^2 + k_y^2``, ``m = B (k_z^2 - k_0^2)``, B > 0: the triple
    product is ``v^2 (m - B k^2)``, negative everywhere between the nodes, where d goes from the south to the north pole
    and sweeps the sphere once: -1.  Beyond the nodes both ends are the north pole: 0.
    """
    result = intrinsic_conductivity(Weyl(velocity=0.5, node=0.1, axial_velocity=1.5), 0.0, 0.0, tolerance=2e-3)
    expected = -0.1 / (2 * np.pi**2) * conductivity_unit(3)[0]
    sigma = result.conductivity[0, 0]
    assert result.unit == "S/cm"
    assert sigma[1, 0] == pytest.approx(expected, rel=1e-3) and sigma[0, 1] == pytest.approx(-expected, rel=1e-3)
    np.testing.assert_allclose(sigma[:, 2], 0, atol=1e-6 * abs(expected))


# --- lattices -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mass, t2", [(0.2, 0.1), (0.2, -0.1), (0.9, 0.1)])
@pytest.mark.parametrize("options, allowed", [({"mesh": 150}, 1e-6), ({"tolerance": 2e-3}, 2e-3)])
def test_haldane_chern_number(mass, t2, options, allowed):
    """One quantum within the gap while ``|mass| < 3 sqrt(3) |t2|``, none beyond; the sign is that of driven states."""
    found, result = hall(haldane(mass, t2), 0.0, 0.0, **options)
    driven = current_of_driven_states(mass, t2)
    assert driven == pytest.approx(round(driven), abs=0.05)
    assert abs(round(driven)) == (abs(mass) < 3 * np.sqrt(3) * abs(t2))
    assert found[0, 0] == pytest.approx(round(driven), abs=allowed)
    assert result.converged


@pytest.mark.parametrize("mass", [0.5, -0.3])
def test_sign_of_the_dirac_model(mass):
    """Within the gap, from the current of driven states: no Berry curvature anywhere."""
    model = MassiveDirac(mass=mass, velocity=1.0)
    k = 30.0 * abs(mass) * np.linspace(-1, 1, 161) ** 3
    spacing = np.gradient(k)
    grid = np.stack(np.meshgrid(k, k, indexing="ij"), -1).reshape(-1, 2)
    weight = np.outer(spacing, spacing).ravel() / (2 * np.pi) ** 2
    driven = 2 * np.pi * np.sum(weight * driven_velocity(model, grid))
    assert driven == pytest.approx(0.5 * np.sign(mass), abs=0.05)
    found, _ = hall(model, 0.0, 0.0, tolerance=1e-6)
    assert found[0, 0] == pytest.approx(0.5 * np.sign(mass), abs=1e-6)


def driven_velocity(model, k):
    """``d<v_y>/dE_x`` of the lowest band by perturbation theory: knows no convention about Berry curvatures.

    ``i du/dt = H(k(t)) u`` with ``dk_x/dt = E``.  To first order ``u = n + delta``, ``(H - e_n) delta = i dn/dt``
    without its part along n, and ``<m|dn/dt> = E <m|H_x|n> / (e_n - e_m)``: so
    ``delta_m = - i E <m|H_x|n> / (e_m - e_n)^2``, and the velocity changes by ``2 Re <n|H_y|delta>``.
    j_y / E_x is e^2 times this whatever the sign of the charge.
    """
    energy, u = np.linalg.eigh(model.hamiltonian(k))
    hx, hy = (
        np.einsum("kmi,kmn,knj->kij", u.conj(), model.hamiltonian_gradient(k)[:, axis], u, optimize=True)
        for axis in (0, 1)
    )
    delta = -1j * hx[:, 1:, 0] / (energy[:, 1:] - energy[:, :1]) ** 2
    return 2 * np.sum(hy[:, 0, 1:] * delta, axis=1).real


def current_of_driven_states(mass, t2, n=48):
    """sigma_yx of the filled lower band of the Haldane model, e^2/h."""
    model = haldane(mass, t2)
    grid = np.stack(np.meshgrid(np.arange(n), np.arange(n), indexing="ij"), -1).reshape(-1, 2) / n
    velocity = driven_velocity(model, grid @ model.reciprocal_cell)
    return 2 * np.pi * velocity.mean() / abs(np.linalg.det(model.cell))


@pytest.mark.parametrize(
    "model, mu, temperature", [(haldane(0.9, 0.1), 0.0, 0.0), (haldane(0.2), 0.5, 300.0), (haldane(0.2), 0.0, 300.0)]
)
def test_a_part_that_vanishes_converges(model, mu, temperature):
    """Curvatures of the two valleys cancel, with and without time reversal, in the gap and in a band."""
    found, result = hall(model, mu, temperature, tolerance=5e-3)
    assert result.converged and result.points < 30_000
    assert abs(found[0, 0]) < result.error[0, 0] < 2e-4


def links(model, k, step, u):
    """Overlaps ``<u_n(k)|u_n(k + step)>`` of every band between corners, position matrix between them included."""
    a = np.einsum("a,kamn->kmn", step, model.position_matrix(k + step / 2))
    values, vectors = np.linalg.eigh(a)
    transport = np.einsum("kmi,ki,kni->kmn", vectors, np.exp(-1j * values), vectors.conj())
    here, there = u
    return np.einsum("kmb,kmn,knb->kb", here.conj(), transport, there)


def plaquette_flux(model, corner, edges):
    """Berry flux of every band through parallelograms: the phase of the product of four overlaps, (nk, N)."""
    corners = [corner, corner + edges[0], corner + edges[0] + edges[1], corner + edges[1]]
    u = [np.linalg.eigh(model.hamiltonian(k))[1] for k in corners]
    product = 1.0
    for i, step in enumerate([edges[0], edges[1], -edges[0], -edges[1]]):
        product = product * links(model, corners[i], step, (u[i], u[(i + 1) % 4]))
    return -np.angle(product)


@pytest.mark.parametrize("dimension", [2, 3])
def test_curvature_with_position_matrix_is_the_flux_through_a_plaquette(dimension):
    model = random_wannier(dimension, 4)
    rng = np.random.default_rng(5)
    k = rng.normal(size=(6, dimension))
    h = 2e-3
    _, _, curvature = band_curvature(model, k)
    for c, (i, j) in enumerate([(1, 2), (2, 0), (0, 1)] if dimension == 3 else [(0, 1)]):

        def flux(h, i=i, j=j):
            edges = h * np.eye(dimension)[[i, j]]
            return plaquette_flux(model, k - edges.sum(axis=0) / 2, edges) / h**2

        expected = (4 * flux(h / 2) - flux(h)) / 3
        np.testing.assert_allclose(curvature[:, c], expected, atol=1e-5 * np.abs(expected).max())


def test_lattice_with_position_matrix_is_the_sum_of_plaquettes():
    """Flux of all plaquettes of the zone with the occupation at their centres, two meshes extrapolated."""
    model, mu, temperature = random_wannier(2, 3), 0.1, 2000.0

    def conductivity(n):
        edges = model.reciprocal_cell / n
        grid = np.stack(np.meshgrid(np.arange(n), np.arange(n), indexing="ij"), -1).reshape(-1, 2)
        corner = grid @ edges
        flux = plaquette_flux(model, corner, edges)
        energy = np.linalg.eigvalsh(model.hamiltonian(corner + edges.sum(axis=0) / 2))
        orientation = np.sign(np.linalg.det(edges))
        # - e^2/hbar int d^2k/(2 pi)^2 f Omega for xy, hence + for yx; times 2 pi for e^2/h
        return orientation * np.sum(flux * expit(-(energy - mu) / (KB * temperature))) / (2 * np.pi)

    coarse, fine = conductivity(60), conductivity(120)
    expected = (4 * fine - coarse) / 3
    found, _ = hall(model, mu, temperature, tolerance=2e-3)
    assert found[0, 0] == pytest.approx(expected, rel=2e-3)
    without, _ = hall(random_wannier(2, 3, position=False), mu, temperature, mesh=80)
    assert abs(without[0, 0] - expected) > 0.01 * abs(expected)  # the position matrix matters
    dense, _ = hall(model, mu, temperature, mesh=120)
    assert dense[0, 0] == pytest.approx(expected, rel=1e-5)


# --- crossings in three dimensions ----------------------------------------------------------------------------------


def weyl_lattice(node):
    """Two Weyl nodes at ``k_z = +-node`` (in units of 1/a) on a simple cubic lattice of 3 angstrom."""
    x, y, z = PAULI
    builder = TightBinding(3.0 * np.eye(3), [((0.0, 0.0, 0.0), 2)])
    builder.onsite(0, -(2 + np.cos(node)) * z)
    builder.hop(0, 0, (1, 0, 0), z / 2 + x / 2j).hop(0, 0, (0, 1, 0), z / 2 + y / 2j).hop(0, 0, (0, 0, 1), z / 2)
    return builder.build()


@pytest.mark.parametrize("node", [0.7, 1.9])
def test_weyl_nodes_of_a_lattice(node):
    """Planes between the nodes have Chern number one, also where the nodes lie within unresolved cells."""
    result = intrinsic_conductivity(weyl_lattice(node), 0.0, 0.0, tolerance=1e-2, start_mesh=7)
    exact = 2 * node / 3.0 / (2 * np.pi) ** 2 * conductivity_unit(3)[0]
    assert abs(result.conductivity[0, 0, 1, 0]) == pytest.approx(exact, abs=float(result.error[0, 0]))
    assert result.converged
    assert result.points < 60_000


def test_irreducible_cells_are_enough():
    """The sum over the cells that symmetry leaves is that over the zone, from a sixth of the points, and what symmetry
    forbids is nothing."""
    model = weyl_lattice(1.2)
    exact = 2 * 1.2 / 3.0 / (2 * np.pi) ** 2 * conductivity_unit(3)[0]
    whole = intrinsic_conductivity(model, 0.0, 0.0, tolerance=1e-2, start_mesh=9)
    reduced = intrinsic_conductivity(model, 0.0, 0.0, tolerance=1e-2)
    for result in (whole, reduced):
        assert result.converged
        sigma = np.asarray(result)[0, 0]
        assert abs(sigma[1, 0]) == pytest.approx(exact, abs=float(result.error[0, 0]))
    assert abs(np.asarray(reduced)[0, 0, 2]).max() < 1e-12 * exact
    assert reduced.points < whole.points / 6


@pytest.mark.parametrize("elsewhere", [60.0, -60.0])
def test_energies_without_curvature_prove_no_symmetry(elsewhere):
    """Where nothing, or all, is occupied both signs of every operation seem to hold; the sum is of all energies."""
    model = weyl_lattice(1.2)
    both = intrinsic_conductivity(model, [0.0, elsewhere], 0.0, tolerance=3e-2)
    alone = intrinsic_conductivity(model, 0.0, 0.0, tolerance=3e-2)
    assert np.asarray(both)[0, 0, 1, 0] == pytest.approx(np.asarray(alone)[0, 0, 1, 0]) != 0.0


def test_a_weak_magnet_next_to_a_deep_level():
    """Curvatures that are small against the range of the bands are no rounding."""
    inner = p_model("bcc", (0, 0, 0.01), 0.003)
    deep = FunctionModel(
        lambda k: np.array([block_diag(h, -300.0 * np.eye(1)) for h in inner.hamiltonian(k)]),
        dimension=3,
        cell=inner.cell,
        n_orbitals=7,
        sites=np.zeros((7, 3)),
    )
    zone = reduced_zone(deep, 0.3)
    assert zone.kept is not None and zone.kept[2, 2] == pytest.approx(1.0)


@pytest.mark.parametrize("lattice", ["hexagonal", "fcc", "bcc"])
def test_operations_that_exchange_axes(lattice):
    """Hexagonal and face-centred cells: shares add up to the zone, and a smooth sum is that of a uniform mesh."""
    model = p_model(lattice)
    zone = reduced_zone(model, -1.0)
    assert zone.kept is not None and zone.share.sum() == pytest.approx(1.0, abs=1e-12)
    cell = abs(np.linalg.det(zone.edges(zone.widths[:1])[0]))
    assert len(zone.centres) < 0.2 * abs(np.linalg.det(model.reciprocal_cell)) / cell
    reduced = intrinsic_conductivity(model, -1.0, 3000.0, tolerance=1e-2)
    mesh = intrinsic_conductivity(model, -1.0, 3000.0, mesh=48)
    np.testing.assert_allclose(np.asarray(reduced), np.asarray(mesh), atol=float(reduced.error[0, 0]))


def test_close_bands_averaged_over_a_cell():
    """The mean over a cell of two linear bands next to a direct sum, Fermi level and monopole within the cells."""
    rng = np.random.default_rng(3)
    n, size = 12, 40
    gap, energy = rng.uniform(0.02, 0.3, n), rng.normal(scale=0.1, size=n)
    slope, image = rng.normal(scale=0.3, size=(n, 3)), rng.normal(scale=0.3, size=(n, 3, 3))
    temperatures = [0.0, 1500.0]

    def occupation(x, spread):
        return cell_fermi(x, spread, [0.0], temperatures, quick=True)[0]

    found = averaged_crossings(energy, gap, slope, image, occupation)
    grid = (np.arange(size) + 0.5) / size - 0.5
    offsets = np.stack(np.meshgrid(grid, grid, grid, indexing="ij"), -1).reshape(-1, 3)
    expected = np.empty_like(found)
    for i in range(n):
        d = offsets @ image[i] + [0, 0, gap[i] / 2]
        length = np.linalg.norm(d, axis=1)
        middle = energy[i] + offsets @ slope[i]
        f = fermi(middle - length, [0.0], temperatures)[0] - fermi(middle + length, [0.0], temperatures)[0]
        expected[:, i] = f @ (d / (2 * length**3)[:, None]) / len(offsets)
    off, size = (np.linalg.norm(x, axis=(1, 2)) for x in (found - expected, expected))
    assert np.all(off < 0.25 * size)


# --- several levels at once, and the error estimate -----------------------------------------------------------------

LEVELS, TEMPERATURES = np.array([-1.2, -0.9, -0.3]), np.array([0.0, 400.0])
LATTICE = WithZeeman(rashba_lattice(), (0.0, 0.0, 0.2))


def test_one_pass_is_as_good_as_separate_ones():
    together, _ = hall(LATTICE, LEVELS, TEMPERATURES, mesh=40)
    for i, mu in enumerate(LEVELS):
        alone, _ = hall(LATTICE, mu, TEMPERATURES, mesh=40)
        np.testing.assert_allclose(together[i], alone[0], atol=1e-13)
    model = MassiveDirac(mass=MASS, velocity=VELOCITY)
    mu = [0.0, 0.15, 0.4]
    together, _ = hall(model, mu, TEMPERATURES, tolerance=1e-7)
    for i, m in enumerate(mu):
        alone, _ = hall(model, m, TEMPERATURES, tolerance=1e-7)
        np.testing.assert_allclose(together[i], alone[0], atol=2e-7)


def test_one_refined_pass_agrees_within_its_errors():
    together, result = hall(LATTICE, LEVELS, TEMPERATURES, tolerance=1e-2)
    for i, mu in enumerate(LEVELS):
        alone, single = hall(LATTICE, mu, TEMPERATURES, tolerance=1e-2)
        allowed = result.error[i] + single.error[0]
        assert np.all(np.abs(together[i] - alone[0]) <= allowed)


def test_error_estimate_is_honest():
    """The error made is below the one stated, which meets the tolerance."""
    floor = 1e-4  # e^2/h
    reference, fine = hall(LATTICE, LEVELS, TEMPERATURES, tolerance=2e-3, floor=floor)
    assert fine.converged
    for tolerance in (1e-1, 3e-2, 1e-2):
        found, result = hall(LATTICE, LEVELS, TEMPERATURES, tolerance=tolerance, floor=floor)
        made, stated = np.abs(found - reference), result.error
        assert np.all(made <= stated + fine.error)
        assert np.all(stated <= tolerance * np.maximum(np.abs(found), 1e-4))
    assert result.points < fine.points


def test_error_estimate_of_continuum_models():
    model = MassiveDirac(mass=MASS, velocity=VELOCITY, tilt=(0.8, 0.3))
    reference, _ = hall(model, [0.15, 0.4], TEMPERATURES, tolerance=1e-9)
    for tolerance in (1e-2, 1e-4):
        found, result = hall(model, [0.15, 0.4], TEMPERATURES, tolerance=tolerance)
        assert np.all(np.abs(found - reference) <= result.error + 1e-9)


def test_too_few_points_are_admitted():
    result = intrinsic_conductivity(LATTICE, LEVELS, TEMPERATURES, tolerance=1e-6, max_points=6000)
    assert not result.converged and result.points < 20000
    assert result.error.max() > 0


def test_bad_input():
    with pytest.raises(InputError, match="negative"):
        intrinsic_conductivity(LATTICE, 0.0, -1.0)
    for mu, t in ((np.nan, 0.0), (np.inf, 0.0), (0.0, np.nan), ([], 0.0), (0.0, [])):
        with pytest.raises(InputError, match="chemical_potentials"):
            intrinsic_conductivity(LATTICE, mu, t)
    with pytest.raises(InputError, match="floor"):
        intrinsic_conductivity(LATTICE, 0.0, 0.0, floor=np.nan)
    with pytest.raises(InputError, match=r"k\.p model"):
        intrinsic_conductivity(MassiveDirac(mass=MASS, velocity=VELOCITY), 0.0, 0.0, mesh=10)
    with pytest.raises(InputError, match="tolerance"):
        intrinsic_conductivity(LATTICE, 0.0, 0.0, tolerance=0.0)
