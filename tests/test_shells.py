"""Isoenergy shells: orders of convergence, small pockets, exact energies, the flow between energies."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq

from helpers_models import MODELS, haldane, random_wannier
from sidejump.bands.base import ElectronModel
from sidejump.bands.dirac import MassiveDirac
from sidejump.bands.function import FunctionModel
from sidejump.bands.luttinger import Luttinger
from sidejump.bands.rashba import RashbaFerromagnet
from sidejump.bands.states import energies_and_velocities
from sidejump.bands.tight_binding import TightBinding
from sidejump.bands.weyl import Weyl
from sidejump.errors import InputError
from sidejump.formats.wannier90 import read_wannier90
from sidejump.surfaces.cells import children_values, polynomial
from sidejump.surfaces.fermi import fermi_shell
from sidejump.surfaces.flow import ShellFlow
from sidejump.surfaces.limits import SearchLimits
from sidejump.surfaces.tetrahedra import CUT_AT_ONCE, NODES, cut_cells, cut_in_turn
from sidejump.units import HBAR2_OVER_2M

IRON = Path(__file__).parents[1] / "data" / "iron" / "Fe_tb.dat.gz"
IRON_MU = 17.2745


class Sphere(ElectronModel):
    """``e = k^2``: density of states sqrt(e) / 4 pi^2, area 4 pi e."""

    dimension, n_orbitals = 3, 1

    def hamiltonian(self, k):
        return (k**2).sum(1)[:, None, None] + 0j

    def hamiltonian_gradient(self, k):
        return 2 * k[:, :, None, None] + 0j


def torus(major=1.0):
    """``e = (|k_xy| - R)^2 + k_z^2``: a tube of radius r = sqrt(e) has density pi R / 4 pi^2 and area 4 pi^2 R r."""

    def h(k):
        radius = np.sqrt(k[:, 0] ** 2 + k[:, 1] ** 2 + 1e-30)
        return ((radius - major) ** 2 + k[:, 2] ** 2)[:, None, None] + 0j

    def gradient(k):
        radius = np.sqrt(k[:, 0] ** 2 + k[:, 1] ** 2 + 1e-30)
        factor = 2 * (1 - major / radius)
        return np.stack([factor * k[:, 0], factor * k[:, 1], 2 * k[:, 2]], axis=1)[:, :, None, None] + 0j

    return FunctionModel(h, gradient=gradient, dimension=3, search_half_width=1.7)


def on_energy(model, shell):
    energies = np.linalg.eigvalsh(model.hamiltonian(shell.k))
    return np.abs(energies[np.arange(len(shell)), shell.band] - shell.energy).max()


# --- orders of convergence ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def spheres():
    return [fermi_shell(Sphere(), 1.0, spacing=h) for h in (0.2, 0.1, 0.05)]


def test_sphere_converges_faster_than_h_squared(spheres):
    weight = np.array([s.weight.sum() * 4 * np.pi**2 - 1 for s in spheres])
    area = np.array([s.area.sum() / (4 * np.pi) - 1 for s in spheres])
    assert abs(weight[0]) < 1e-3 and abs(weight[-1]) < 2e-5
    assert abs(area[0]) < 1e-4 and abs(area[-1]) < 1e-6
    assert np.log2(abs(weight[0] / weight[-1])) / 2 > 2.4
    assert np.log2(abs(area[0] / area[-1])) / 2 > 2.4
    for s in spheres:
        assert on_energy(Sphere(), s) < 1e-8
        assert s.unconverged == s.unresolved == 0


def test_torus_converges():
    """Circles of the tube touch planes of the mesh, all at one phase: the order falls to two and the sign varies."""
    model, r = torus(), 0.35
    shells = [fermi_shell(model, r**2, spacing=h, turn=None) for h in (0.4, 0.1, 0.05)]
    weight = np.abs([s.weight.sum() * 4 * np.pi - 1 for s in shells])
    area = np.abs([s.area.sum() / (4 * np.pi**2 * r) - 1 for s in shells])
    assert weight[1] < 5e-3 and weight[2] < 1e-3
    assert area[0] < 2e-3 and area[2] < 1e-4


def test_quadrature_of_a_function_converges(spheres):
    """An average over the shell (its midpoint rule): <kx^2 ky^2> = 1/15 on the sphere."""
    errors = np.abs([np.sum(s.weight * s.k[:, 0] ** 2 * s.k[:, 1] ** 2) / s.weight.sum() * 15 - 1 for s in spheres])
    assert errors[0] < 2e-2 and errors[2] < 1.5e-3
    assert np.log2(errors[0] / errors[2]) / 2 > 1.7


def test_iron():
    """Density of states and area of the Fermi surface against those of spacing 0.03/angstrom; no point is off."""
    shell = fermi_shell(read_wannier90(IRON), IRON_MU, spacing=0.25, turn=None)
    assert abs(shell.weight.sum() / 0.09382 - 1) < 1.5e-2 and abs(shell.area.sum() / 56.38 - 1) < 1.5e-2
    assert len(set(shell.band)) == 6
    assert shell.unconverged == shell.unresolved == 0


# --- against direct integration -------------------------------------------------------------------------------------


def box_count(model, energy, step, n=96, bands=slice(None)):
    """Density of states by counting states between two energies on a uniform mesh; noisy, unbiased."""
    rng = np.random.default_rng(0)
    t = (np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), -1).reshape(-1, 3) + rng.random(3)) / n
    energies = np.concatenate(
        [np.linalg.eigvalsh(model.hamiltonian(p @ model.reciprocal_cell)) for p in np.array_split(t, 64)]
    )
    inside = (np.abs(energies - energy) < step).sum()
    return inside / (2 * step * len(t) * np.linalg.det(model.cell))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_random_lattice_has_the_density_of_states_of_a_mesh(seed):
    """Oblique cells, several bands with near crossings."""
    model = random_wannier(3, 3, seed=seed)
    energy = 0.4
    shell = fermi_shell(model, energy, spacing=0.15)
    reference = box_count(model, energy, 0.05, n=64)
    assert shell.weight.sum() == pytest.approx(reference, rel=0.02)
    assert on_energy(model, shell) < 1e-7
    # weights and areas belong together: dS = (2 pi)^3 w |v|, to the error of the midpoint rule, or of three points
    for points, error in ((shell, 1e-2), (fermi_shell(model, energy, spacing=0.15, several=True), 2e-3)):
        _, v = energies_and_velocities(model, points.k, points.band)
        area = np.sum(points.weight * np.linalg.norm(v, axis=1)) * 8 * np.pi**3
        assert area == pytest.approx(points.area.sum(), rel=error)


def test_nothing_is_lost_by_following_crossed_cells_only(monkeypatch):
    """The coarse start finds what a uniformly fine mesh finds: same sheets and area."""
    for seed in (3, 4):
        model = random_wannier(3, 3, seed=seed)
        coarse = fermi_shell(model, -0.3, spacing=0.1, turn=None)
        with monkeypatch.context() as patch:  # a start from cells of the final size looks everywhere
            patch.setattr("sidejump.surfaces.surfaces._COARSE", 64)
            direct = fermi_shell(model, -0.3, spacing=0.1, turn=None)
        assert coarse.area.sum() == pytest.approx(direct.area.sum(), rel=2e-3)
        assert coarse.weight.sum() == pytest.approx(direct.weight.sum(), rel=5e-3)
        np.testing.assert_array_equal(np.unique(coarse.band), np.unique(direct.band))


# --- small pockets --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [1e-8, 1e-5, 1e-3, 0.1])
def test_dirac_pocket_of_any_size(depth):
    model = MassiveDirac(mass=1.0, velocity=1.0)
    shell = fermi_shell(model, 1 + depth, spacing=1.0)
    assert shell.weight.sum() == pytest.approx((1 + depth) / (2 * np.pi), rel=1e-10)


def cubic_band(mass_ratio=2.0):
    """A direct-gap crystal: conduction band with its minimum at 0 on a cubic lattice of 5 angstrom."""
    builder = TightBinding(5.0 * np.eye(3), [((0, 0, 0), 1)])
    for axis, t in zip(np.eye(3, dtype=int), (1.0, 1.0, mass_ratio), strict=True):
        builder.hop(0, 0, tuple(axis), -t).onsite(0, 2 * t)
    return builder.build()


@pytest.mark.parametrize("depth", [1e-6, 1e-4, 1e-2])
def test_conduction_band_minimum_of_a_crystal(depth):
    """``e = 25 (kx^2 + ky^2 + 2 kz^2)`` near the minimum: N(e) = sqrt(e) / (4 pi^2 sqrt(25 25 50))."""
    model = cubic_band()
    shell = fermi_shell(model, depth, spacing=0.1)
    expected = np.sqrt(depth) / (4 * np.pi**2 * 25**1.5 * np.sqrt(2))
    assert shell.weight.sum() == pytest.approx(expected, rel=0.02)
    assert 60 < len(shell) < 2000


def test_pocket_off_every_node_of_the_mesh():
    """The minimum of a shifted band lies at a general point."""
    shift = np.array([0.231, -0.117, 0.419])
    builder = TightBinding(5.0 * np.eye(3), [((0, 0, 0), 1)])
    for axis, phase in zip(np.eye(3, dtype=int), 5.0 * shift, strict=True):
        builder.hop(0, 0, tuple(axis), -np.exp(-1j * phase)).onsite(0, 2.0)
    model = builder.build()
    shell = fermi_shell(model, 1e-4, spacing=0.2)
    assert shell.weight.sum() == pytest.approx(np.sqrt(1e-4) / (4 * np.pi**2 * 25**1.5), rel=0.02)


@pytest.mark.parametrize("energy", [2e-4, 2e-3, 0.02, 0.04, 0.065, 0.1])
def test_weyl_pockets_neck_and_beyond(energy):
    """Cones at +-k_0 of any size, the saddle at k = 0 (0.06 eV) and the merged sheet."""
    model = Weyl(velocity=2.0, node=0.08, axial_velocity=1.5)
    b = 1.5 / 0.16

    def area(kz, e):
        c = kz**2 - 0.08**2
        p, q, r = b * b, 2 * b * b * c + 4.0, b * b * c * c - e * e
        root = q * q - 4 * p * r
        if root <= 0:
            return 0.0
        low, high = (-q - np.sqrt(root)) / (2 * p), (-q + np.sqrt(root)) / (2 * p)
        return np.pi * max(0.0, high - max(low, 0.0))

    def count(e):
        edges = np.sqrt(np.clip([0.08**2 - e / b, 0.08**2 + e / b], 0, None))
        total = sum(
            quad(area, x, y, args=(e,), epsabs=0, epsrel=1e-12, limit=200)[0] for x, y in [(0, edges[0]), edges]
        )
        return 2 * total / (2 * np.pi) ** 3

    h = 1e-3 * energy
    expected = (8 * (count(energy + h) - count(energy - h)) - count(energy + 2 * h) + count(energy - 2 * h)) / (12 * h)
    shell = fermi_shell(model, energy, spacing=0.01)
    assert shell.weight.sum() == pytest.approx(expected, rel=0.04 if energy < 0.01 else 0.01)


def test_luttinger_pockets_do_not_depend_on_the_spacing():
    model = Luttinger(gamma1=6.9, gamma2=2.0, gamma3=2.9, exchange=(0.01, 0.02, -0.03))
    fine = fermi_shell(model, -0.0555, spacing=0.001)
    for spacing in (0.02, 0.01):
        coarse = fermi_shell(model, -0.0555, spacing=spacing)
        assert coarse.weight.sum() == pytest.approx(fine.weight.sum(), rel=0.06)


@pytest.mark.parametrize("mu", [-0.0897, -0.05, -0.0201, -0.01999, 0.0, 0.0201, 0.1])
def test_rashba_rings_and_pockets(mu):
    """Mexican hat: a ring thinner than the grid, an inner pocket around the maximum at k = 0, two subbands."""
    model = RashbaFerromagnet(effective_mass=0.6, rashba=1.5, exchange=0.02)
    c = HBAR2_OVER_2M / 0.6

    def band(k, s):
        return c * k**2 + s * np.sqrt((1.5 * k) ** 2 + 0.02**2) - mu

    grid = np.linspace(0, 0.6, 60001)
    expected = 0.0
    for s in (-1, 1):
        values = band(grid, s)
        for i in np.flatnonzero(values[1:] * values[:-1] < 0):
            k = brentq(band, grid[i], grid[i + 1], args=(s,), xtol=1e-15)
            v = 2 * c * k + s * 1.5**2 * k / np.sqrt((1.5 * k) ** 2 + 0.02**2)
            expected += k / (2 * np.pi * abs(v))
    shell = fermi_shell(model, mu, spacing=0.02)
    assert shell.weight.sum() == pytest.approx(expected, rel=1e-8)
    assert shell.unresolved == 0


def test_both_valleys_of_haldane_at_the_band_edge():
    """The valley with the smaller gap (0.2 - 3 sqrt(3) 0.1) alone, or both."""
    model = haldane(0.2, 0.1)
    small = 3 * np.sqrt(3) * 0.1 - 0.2
    one = fermi_shell(model, small + 1e-6, spacing=0.1)
    two = fermi_shell(model, 3 * np.sqrt(3) * 0.1 + 0.2 + 1e-6, spacing=0.1)
    assert set(one.sheet) == {0} and len(set(two.sheet)) == 2
    assert one.area.sum() < 1e-3 * two.area.sum() * 2


def test_level_outside_the_bands_is_refused():
    with pytest.raises(InputError, match="gap"):
        fermi_shell(cubic_band(), -1e-3, spacing=0.1)
    with pytest.raises(InputError, match="gap"):
        fermi_shell(RashbaFerromagnet(effective_mass=0.6, rashba=1.5, exchange=0.02), -0.09, spacing=0.02)


# --- pieces ---------------------------------------------------------------------------------------------------------


def test_polynomial_of_a_cell_is_exact_for_quadratics():
    rng = np.random.default_rng(0)
    m, g = rng.normal(size=(3, 3)), rng.normal(size=3)

    def f(x):
        return np.einsum("...a,ab,...b->...", x, m, x) + x @ g

    values = f(NODES.astype(float))[None]
    x = rng.uniform(0, 2, (5, 3))
    value, slope = polynomial(np.repeat(values, 5, axis=0), x)
    np.testing.assert_allclose(value, f(x), atol=1e-12)
    np.testing.assert_allclose(slope, x @ (m + m.T) + g, atol=1e-12)
    halves = children_values(values)
    np.testing.assert_allclose(halves[5], f(NODES / 2 + [1, 0, 1]), atol=1e-12)


def test_cut_of_a_plane_is_exact():
    """A linear band in an oblique cell: the area of a plane through a parallelepiped."""
    steps = np.array([[0.1, 0.02, 0.0], [0.0, 0.08, 0.03], [0.01, 0.0, 0.12]])
    values = (NODES[:, 2] - 1.2)[None].astype(float)  # plane across the third axis
    cut = cut_cells(values, steps)
    area = 4 * np.linalg.norm(np.cross(steps[0], steps[1]))
    assert cut.area[0] == pytest.approx(area, rel=1e-12)
    gradient = np.linalg.norm(np.linalg.inv(steps) @ [0, 0, 1])
    assert cut.weight[0] == pytest.approx(area / gradient, rel=1e-12)
    np.testing.assert_allclose(cut.centre[0], [1, 1, 1.2], atol=1e-12)
    assert cut.coherence[0] == pytest.approx(1, rel=1e-12)


def test_points_of_a_shell_do_not_depend_on_threads(threads):
    model = MODELS["luttinger"]()
    threads(2)
    two = fermi_shell(model, 0.05, spacing=0.06)
    threads(1)
    one = fermi_shell(model, 0.05, spacing=0.06)
    np.testing.assert_array_equal(one.k, two.k)
    np.testing.assert_array_equal(one.weight, two.weight)


def test_refinement_where_the_state_turns():
    model = MODELS["luttinger"]()
    plain = fermi_shell(model, 0.05, spacing=0.05, turn=None)
    refined = fermi_shell(model, 0.05, spacing=0.05, turn=0.3, levels=2)
    assert len(refined) > 1.5 * len(plain)
    assert refined.weight.sum() == pytest.approx(plain.weight.sum(), rel=1e-2)


# --- flow -----------------------------------------------------------------------------------------------------------


def test_flow_carries_the_sphere():
    shell = fermi_shell(Sphere(), 1.0, spacing=0.3)
    flow = ShellFlow(Sphere(), shell, 0.01, 2.0)
    energies = np.array([0.011, 0.3, 1.0, 1.9])
    k, weight = flow.at(energies)
    np.testing.assert_allclose((k**2).sum(-1), np.broadcast_to(energies, k.shape[:2]), rtol=1e-7)
    np.testing.assert_allclose(weight.sum(0), shell.weight.sum() * np.sqrt(energies), rtol=1e-5)
    assert not flow.warnings


def test_flow_in_two_dimensions_gives_every_density_of_states():
    model = MassiveDirac(mass=1.0, velocity=1.0, tilt=(0.2, 0.1))
    shell = fermi_shell(model, 2.0, spacing=1.0, minimum=64)
    flow = ShellFlow(model, shell, 1.5, 2.6)
    assert np.abs(flow.density_error([1.55, 1.9, 2.5], spacing=1.0, minimum=64)).max() < 1e-8
    assert not flow.warnings


def test_flow_in_three_dimensions_gives_the_density_of_states():
    model = Weyl(velocity=2.0, node=0.08, axial_velocity=2.0)
    shell = fermi_shell(model, 0.025, spacing=0.004)
    flow = ShellFlow(model, shell, 0.015, 0.035)
    assert np.abs(flow.density_error([0.016, 0.02, 0.034], spacing=0.004)).max() < 0.02
    assert not flow.warnings


def test_flow_ends_at_a_band_edge_and_at_a_node_with_a_warning():
    model = MassiveDirac(mass=1.0, velocity=1.0)
    shell = fermi_shell(model, 1.2, spacing=1.0)
    flow = ShellFlow(model, shell, 0.8, 1.4)
    assert "end there" in flow.warnings[0]
    np.testing.assert_allclose(flow.ended[:, 0], 1.0, atol=1e-6)
    k, weight = flow.at([0.9, 1.1])
    assert np.isfinite(k).all() and weight[:, 0].sum() < 1e-8 * weight[:, 1].sum()
    assert weight[:, 1].sum() == pytest.approx(1.1 / (2 * np.pi), rel=1e-8)
    weyl = Weyl(velocity=2.0, node=0.08)
    flow = ShellFlow(weyl, fermi_shell(weyl, 0.02, spacing=0.005), -0.02, 0.02)
    assert "end there" in flow.warnings[0] and abs(flow.ended[:, 0]).max() < 1e-5


def test_flow_says_when_the_points_crowd():
    model = Weyl(velocity=2.0, node=0.08, axial_velocity=1.5)  # saddle at 0.06 eV
    flow = ShellFlow(model, fermi_shell(model, 0.03, spacing=0.005), 0.03, 0.1)
    assert any("crowd" in sentence for sentence in flow.warnings)
    assert abs(flow.density_error([0.1], spacing=0.005)[0]) > 0.05


def test_torn_contours():
    """Square lattice, ``-2 (cos kx + cos ky)``: closed around the corner above the saddles at 0, around Gamma below."""
    builder = TightBinding(np.eye(2), [((0, 0), 1)])
    model = builder.hop(0, 0, (1, 0), -1.0).hop(0, 0, (0, 1), -1.0).build()
    flow = ShellFlow(model, fermi_shell(model, 0.4, spacing=0.1), -0.8, 0.8)
    energies = [0.8, 0.4, 0.2, -0.2, -0.8]
    torn = flow.torn(energies)
    assert np.all(torn[:3] < 1.05) and np.all(torn[3:] > 1.1)
    # the sum of the weights need not tell: it is symmetric here
    assert np.abs(flow.density_error(energies[:3], spacing=0.1)).max() < 1e-3


# --- crossings of bands ---------------------------------------------------------------------------------------------


def crossing_bands(bands=(0, 1), mixing=0.0):
    """Cubic bands of opposite sign; their surfaces at 0.5 eV intersect along closed lines."""
    hops = np.array([[-1.0, -1.0, -1.0], [0.6, 0.5, 0.4]])[list(bands)]
    onsite = np.diag(np.array([0.0, 0.3])[list(bands)]) + mixing * (1 - np.eye(len(bands)))
    builder = TightBinding(3.0 * np.eye(3), [((0, 0, 0), len(bands))]).onsite(0, onsite)
    for axis in range(3):
        builder.hop(0, 0, tuple(np.eye(3, dtype=int)[axis]), np.diag(hops[:, axis]))
    return builder.build()


@pytest.mark.parametrize("mixing", [0.0, 0.005])
def test_crossings_of_bands_are_no_pockets(mixing):
    """Two bands that cross, or nearly, have the shells of the two bands alone, at a cost that does not diverge."""
    alone = [fermi_shell(crossing_bands([n]), 0.5, spacing=0.15, turn=None, levels=0) for n in (0, 1)]
    model = crossing_bands(mixing=mixing)
    both = fermi_shell(model, 0.5, spacing=0.15, turn=None, levels=0)
    assert both.unresolved == both.unconverged == 0
    assert len(both) < 3 * sum(len(s) for s in alone)
    assert both.weight.sum() == pytest.approx(sum(s.weight.sum() for s in alone), rel=5e-3)
    assert both.area.sum() == pytest.approx(sum(s.area.sum() for s in alone), rel=8e-3)
    assert on_energy(model, both) < 1e-7


def test_pockets_at_nodes_are_found_where_crossings_are_passed_over():
    """A Weyl pocket is bent by a crossing, too, but has its minimum inside."""
    model = Weyl(velocity=2.0, node=0.08, axial_velocity=2.0)
    usual = fermi_shell(model, 1e-3, spacing=0.02)
    found = fermi_shell(model, 1e-3, spacing=0.02, limits=SearchLimits(crossings=-1))
    assert found.weight.sum() == pytest.approx(usual.weight.sum(), rel=1e-2)
    # two spheres of radius e / v
    assert found.area.sum() == pytest.approx(2 * 4 * np.pi * (1e-3 / 2) ** 2, rel=2e-2)


@pytest.mark.parametrize("count", [0, 1, CUT_AT_ONCE, 9 * CUT_AT_ONCE + 5])
def test_cells_cut_in_turn_are_those_cut_at_once(count):
    """To the last digit, with the memory of a few of them."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(count, 3)) @ (NODES - 1.0).T + 0.3 * rng.normal(size=(count, 1))
    steps, peaks, found = 0.1 * np.eye(3), [], []
    for cut in (cut_cells, cut_in_turn):
        tracemalloc.start()
        found.append(cut(values, steps))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    for name, value in vars(found[0]).items():
        np.testing.assert_array_equal(vars(found[1])[name], value)
    if count > 5 * CUT_AT_ONCE:
        assert found[0].area.min() >= 0 and np.count_nonzero(found[0].area) > count / 2
        assert peaks[1] < peaks[0] / 5
