"""The heat current: closed forms of zero-range impurities, Onsager's relation, Mott's, Wiedemann and Franz's."""

import numpy as np
import pytest
import xarray as xr
from scipy.integrate import quad

import sidejump as sj
from helpers_models import haldane, random_wannier
from sidejump.app.heat import add_heat
from sidejump.errors import InputError
from sidejump.intrinsic import intrinsic_conductivity
from sidejump.intrinsic.heat import intrinsic_heat
from sidejump.intrinsic.occupation import heat_moments
from sidejump.kinetics.sums import rate_sums
from sidejump.plot.heat import heat_figure
from sidejump.transport.geometry_choice import choose_geometries
from sidejump.transport.own import OwnShells
from sidejump.transport.problem import Problem
from sidejump.transport.settings import TransportSettings
from sidejump.transport.terms import INDEPENDENT
from sidejump.transport.windowed import IndependentShells
from sidejump.units import HBAR2_OVER_2M, KB, LORENZ, conductivity_unit
from test_hot_spots import ferromagnet

D, V = 0.1, 3.0
DIRAC = sj.MassiveDirac(mass=D, velocity=V)
IMPURITIES = sj.impurity(correlation="zero_range", density=1e11, strength=1.0, dimension=2)
PHONONS = sj.acoustic_deformation_potential(
    deformation_potential=5.0, sound_velocity=2000.0, mass_density=7.6e-7, dimension=2
)


def weighted(sigma, mu, kt, power, edges=(-np.inf, np.inf)):
    """``int dx x^p (-f') sigma(mu + x kT)`` between two energies."""
    low, high = (np.clip((e - mu) / kt, -45, 45) for e in edges)

    def integrand(x):
        return x**power / (4 * np.cosh(x / 2) ** 2) * sigma(mu + x * kt)

    return quad(integrand, low, high, epsabs=0, epsrel=1e-10, limit=500)[0]


def run(model=DIRAC, scatterers=IMPURITIES, mu=0.15, temperatures=(100,), **more):
    more = {"tolerance": 0.02, "heat": True} | more
    return sj.anomalous_hall(model, scatterers, chemical_potential=mu, temperatures=temperatures, **more)


@pytest.mark.parametrize(("mu", "t"), [(0.15, 40.0), (0.12, 250.0)])
def test_dirac_electrons_and_impurities_at_any_temperature(mu, t):
    """All from energy integrals of ``sigma_xx ~ k^2 v^2/(e^2 + 3 D^2)``, the side jump and the Berry curvature."""
    ds, kt, band = run(mu=mu, temperatures=[t]).isel(temperature=0), KB * t, (D, np.inf)

    def along(e):
        return (e**2 - D**2) / (e**2 + 3 * D**2)

    def jump(e):  # yx, e^2/h: -4 (D / 2 e) (v k)^2 / (e^2 + 3 D^2) up to the sign of the convention
        return 2 * D * (e**2 - D**2) / (e * (e**2 + 3 * D**2))

    zero = weighted(along, mu, kt, 0, band)
    seebeck = ds.thermoelectric_boltzmann.values[0, 0] * KB / (KB**2 * ds.sigma_boltzmann.values[0, 0])
    scale = sj.units.siemens(2) / conductivity_unit(2)[0]  # S for e^2/h
    expected = -weighted(along, mu, kt, 1, band) / zero
    assert seebeck / scale == pytest.approx(expected, rel=4e-3)
    ratio = ds.thermal_boltzmann.values[0, 0] / (scale * ds.sigma_boltzmann.values[0, 0] * KB**2 * t)
    assert ratio == pytest.approx(weighted(along, mu, kt, 2, band) / zero, rel=4e-3)
    assert ds.sigma_side_jump.values[1, 0] == pytest.approx(weighted(jump, mu, kt, 0, band), rel=4e-3)
    for power, name, sign in ((1, "thermoelectric", -1), (2, "thermal", 1)):
        exact = sign * scale * KB**power * t ** (power - 1) * weighted(jump, mu, kt, power, band)
        assert ds[f"{name}_side_jump"].values[1, 0] == pytest.approx(exact, rel=1e-2)

    def intrinsic(e):  # yx, e^2/h, at zero temperature
        return D / (2 * np.maximum(abs(e), D))

    for power, name, sign in ((1, "thermoelectric", -1), (2, "thermal", 1)):
        pieces = [(-np.inf, -D), (-D, D), band]
        exact = sum(weighted(intrinsic, mu, kt, power, piece) for piece in pieces)
        exact *= sign * scale * KB**power * t ** (power - 1)
        assert ds[f"{name}_intrinsic"].values[1, 0] == pytest.approx(exact, rel=1e-4)


@pytest.mark.parametrize("scatterers", [PHONONS, [PHONONS, IMPURITIES]], ids=["phonons", "both"])
def test_onsagers_relation_with_inelastic_phonons(scatterers):
    """The current of a gradient of temperature is the heat current of a field, part by part; the halves of the side
    jump change places.  Each is solved for by itself."""
    ds = run(scatterers=scatterers, temperatures=[20, 250], tolerance=0.1)
    for part in ("boltzmann", "side_jump"):
        one, other = ds[f"thermoelectric_{part}"].values, ds[f"peltier_{part}"].values
        assert np.abs(one).max() > 0
        assert one == pytest.approx(other, rel=1e-6, abs=1e-8 * np.abs(one).max())
    first, second = ds.thermoelectric_side_jump_velocity.values, ds.peltier_side_jump_distribution.values
    assert first == pytest.approx(second, rel=1e-6, abs=1e-8 * np.abs(first).max())


def test_wiedemann_and_franz_hold_for_impurities_and_not_for_phonons():
    """Cold phonons of small angles carry away energy before they turn the current."""
    cold = run(temperatures=[5.0], mu=0.2, tolerance=0.1)
    assert cold.lorenz_ratio.item() == pytest.approx(1, abs=2e-3)
    hall = cold.thermal_side_jump.values[0, 1, 0] / (
        LORENZ * 5.0 * sj.units.siemens(2) / conductivity_unit(2)[0] * cold.sigma_side_jump.values[0, 1, 0]
    )
    assert hall == pytest.approx(1, abs=2e-3)
    ratios = run(scatterers=PHONONS, temperatures=[5.0, 60.0], mu=0.2, tolerance=0.1).lorenz_ratio.values
    assert ratios[0] < 0.8 and abs(ratios[1] - 1) < 0.05


def test_the_nernst_signal_errs_as_the_whole_hall_conductivity_does():
    """``dS_yx = -(d sigma_yx / sigma) S_xx``, whichever part of sigma_yx it is of."""
    sigma, error, along = 20.0, 3.0, np.eye(2)[None]
    parts = {
        "boltzmann": (sigma * along, 0 * along),
        "side_jump": (0 * along, 0 * along),
        "intrinsic_plus_side_jump": (0 * along, error * (1 - along)),
    }
    names = {f"sigma_{part}{end}": ("temperature", "a", "b") for part in parts for end in ("", "_error")}
    values = [x for both in parts.values() for x in both]
    ds = xr.Dataset(
        {name: (dims, x) for (name, dims), x in zip(names.items(), values, strict=True)}, {"temperature": [50.0]}
    )
    kinetic = np.zeros((2, 1, 4, 3, 2, 2))
    kinetic[0, :, 0, 1] = along
    add_heat(ds, kinetic, np.zeros((2, 1, 2, 2)), np.zeros((2, 1)))
    assert ds.seebeck_error.values[0, 1, 0] == pytest.approx(abs(ds.seebeck.values[0, 0, 0]) * error / sigma)


def test_mott_relation_of_the_anomalous_parts():
    """``alpha = -(pi^2/3) (k_B/e) k_B T d sigma / d mu`` at low temperature."""
    t, step = 10.0, 2e-3
    ds = run(temperatures=[t], mu=0.15).isel(temperature=0)
    scale = sj.units.siemens(2) / conductivity_unit(2)[0]
    cold = {"temperatures": [t], "heat": False, "geometry": "shared", "energy_nodes": 1}
    sides = [run(mu=0.15 + s * step, **cold).isel(temperature=0) for s in (-1, 1)]
    for part in ("intrinsic", "side_jump", "boltzmann"):
        slope = (sides[1][f"sigma_{part}"].values - sides[0][f"sigma_{part}"].values) / (2 * step)
        found = ds[f"thermoelectric_{part}"].values
        row = (0, 0) if part == "boltzmann" else (1, 0)
        assert found[row] == pytest.approx(-scale * LORENZ * t * slope[row], rel=1e-2)


def test_shells_made_afresh_give_the_same_heat():
    """Another way to the same numbers, exact for what keeps the energy: a few whole shells, weighted."""
    model, kt = sj.MassiveDirac(mass=D, velocity=V), KB * 80
    problem = Problem(model, [IMPURITIES], 0.2, TransportSettings(heat=True, accuracy=0.3, tolerance=0.02))
    own = OwnShells(problem, problem.shell(0.2, problem.spacings.at(80.0), whole=True), kt).solve(kt, 9)[0]
    shells = IndependentShells(problem, kt, problem.critical(kt), problem.window_density(kt))
    afresh = shells.solve()
    for name in ("boltzmann", "side_jump_velocity", "side_jump_distribution"):
        for rows in (slice(2, 4), slice(4, 6), slice(6, 8)):
            one, other = getattr(own, name)[rows], getattr(afresh, name)[rows]
            assert other == pytest.approx(one, abs=2e-2 * np.abs(one).max())


def test_equilibrium_carries_no_side_jump_of_heat():
    """A uniform shift of the distribution is another chemical potential: sums of the shifts and of the heat that goes
    with them vanish.  Were the energy of the electron before the event taken, they would not where bands are tilted."""

    def tilted(k):
        kx, ky = k[:, 0, None, None], k[:, 1, None, None]
        sx, sy, sz = sj.PAULI
        return V * (kx * sx + ky * sy) + D * sz + (0.5 * kx + 2.0 * kx**2 + 1.5 * kx * ky) * np.eye(2)

    model, kt = sj.FunctionModel(tilted, dimension=2, search_half_width=0.2), KB * 150
    problem = Problem(model, [PHONONS], 0.15, TransportSettings(heat=True, accuracy=0.5))
    own = OwnShells(problem, problem.shell(0.15, problem.spacings.at(150.0), whole=True), kt)
    prepared = own._prepared(kt, 3)
    [sums] = rate_sums(prepared.stream, [prepared.kernels], lambda _: prepared.sums())
    total, size = sums.jump.sum(axis=(0, 1)), np.abs(sums.jump).sum(axis=(0, 1))
    rounding = 1e-9
    assert (np.abs(total) < rounding * size).all()
    before = (sums.jump[:, :, :2] * prepared.sample.heat[:, :, None]).sum(axis=(0, 1))
    assert np.abs(before).max() > 1e3 * rounding * size[2:].max()


def test_carriers_on_both_sides_of_a_gap():
    """With the chemical potential in the middle there is no thermopower, and carriers of both signs carry more heat
    than charge; a little above it all is the energy integral again."""
    t, narrow = 300.0, sj.MassiveDirac(mass=0.04, velocity=V)
    ds = run(model=narrow, mu=0.0, temperatures=[t]).isel(temperature=0)
    largest = np.sqrt(ds.thermal.values[0, 0] * t * (ds.sigma_boltzmann.values[0, 0] / sj.units.VON_KLITZING)) / t
    assert abs(ds.thermoelectric.values[0, 0]) < 1e-4 * largest
    assert ds.thermal.values[0, 0] > 0

    def along(e):
        return (e**2 - 0.04**2) / (e**2 + 3 * 0.04**2)

    kt, sides = KB * t, [(-np.inf, -0.04), (0.04, np.inf)]
    two, none = (sum(weighted(along, 0.0, kt, p, s) for s in sides) for p in (2, 0))
    ratio = ds.thermal_boltzmann.values[0, 0] * sj.units.VON_KLITZING / (ds.sigma_boltzmann.values[0, 0] * KB**2 * t)
    assert ratio == pytest.approx(two / none, rel=1e-2)


def test_entropy_of_states_and_its_mean_over_cells():
    t = 1 / KB
    for x in (-6.0, -0.4, 0.0, 2.0):
        exact = [weighted(lambda e: 1.0, 0.0, 1.0, p, (x, np.inf)) for p in (1, 2)]
        assert heat_moments(np.array([x]), np.zeros(1), 0.0, [t])[:, 0, 0] == pytest.approx(exact, abs=1e-9)
        u, w = np.polynomial.hermite_e.hermegauss(80)
        many = heat_moments(x + 1.5 * u, 0 * u, 0.0, [t])[:, 0] @ w / np.sqrt(2 * np.pi)
        assert heat_moments(np.array([x]), np.array([1.5]), 0.0, [t])[:, 0, 0] == pytest.approx(many, abs=3e-4)


def test_intrinsic_heat_of_a_lattice_is_an_integral_over_its_hall_conductivity():
    """``int de (e - mu)^p (-f') sigma(e)``, sigma of zero temperature, by another code."""
    model, mu, t = haldane(0.2, 0.1), 0.75, 300.0
    found = intrinsic_heat(model, mu, [t], tolerance=5e-3)
    kt = KB * t
    x, w = np.polynomial.legendre.leggauss(40)
    x, w = 18 * x, 18 * w
    sigma = intrinsic_conductivity(model, mu + x * kt, 0.0, tolerance=5e-3).sigma[:, 0, 1, 0]
    for power in (1, 2):
        exact = (w * x**power / (4 * np.cosh(x / 2) ** 2)) @ sigma * kt**power
        assert found.value[power - 1, 0, 1, 0] == pytest.approx(exact, rel=0.02)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"energy_nodes": 1}, "energy_nodes = 1: the heat current"),
        ({"geometry": "shared"}, 'geometry = "shared"'),
        ({"skew_scattering": "static"}, 'skew_scattering = "static": the heat current'),
    ],
)
def test_what_has_no_heat_is_refused(setting, words):
    with pytest.raises(InputError, match=words):
        run(**setting)


def parabolic_band(mass):
    def band(k):
        return (HBAR2_OVER_2M / mass * (k**2).sum(axis=1))[:, None, None].astype(complex) * np.eye(1)

    return sj.FunctionModel(band, dimension=3, search_half_width=0.4)


def test_three_dimensions_and_parabolic_bands():
    """A parabolic band with zero-range impurities: ``sigma(e) ~ e``."""
    model = parabolic_band(0.3)
    impurities = sj.impurity(correlation="zero_range", density=1e18, strength=1.0, dimension=3)
    mu, t = 0.05, 200.0
    ds = run(model=model, scatterers=impurities, mu=mu, temperatures=[t]).isel(temperature=0)
    kt = KB * t
    zero, one, two = (weighted(lambda e: e, mu, kt, p, (0.0, np.inf)) for p in (0, 1, 2))
    assert ds.seebeck.values[0, 0] == pytest.approx(-KB * one / zero, rel=5e-3)
    assert ds.lorenz_ratio.item() == pytest.approx((two / zero - (one / zero) ** 2) / (np.pi**2 / 3), rel=1e-2)
    assert ds.seebeck.attrs["units"] == "V/K" and ds.thermoelectric.attrs["units"] == "A/(m K)"


def bloch_lorenz_ratio(t_over_tbg, step=0.05, residual=0.0):
    """Of a parabolic band in three dimensions with ``|V|^2 ~ q`` and ``omega = c q``, for ``kT, c k << e_F``.

    The integral equations of conductivity and heat on a mesh of x = (e - mu)/kT, an event of energy y turns the
    momentum by ``1 - cos = y^2 / 2 Y^2``, ``Y = c k / kT``. `residual`: resistivity of static impurities over that of
    the phonons alone.
    """
    reach, x = 0.5 / t_over_tbg, np.arange(-25, 25 + step / 2, step)
    f = 1 / (1 + np.exp(x))
    matrix = np.zeros((len(x), len(x)))
    for j in range(1, int(min(2 * reach, 40) / step) + 1):
        y = j * step
        lower = np.arange(len(x) - j)
        upper = lower + j
        half = 0.5 if abs(y - 2 * reach) < step / 2 else 1.0
        rate = half * y**2 * f[lower] * (1 - f[upper]) / np.expm1(y)
        np.add.at(matrix, (np.r_[lower, upper], np.r_[lower, upper]), np.r_[rate, rate])
        np.add.at(matrix, (np.r_[lower, upper], np.r_[upper, lower]), -np.tile(rate * (1 - 0.5 * (y / reach) ** 2), 2))
    drive = f * (1 - f)
    alone = drive @ np.linalg.solve(matrix, drive)
    matrix[np.diag_indices_from(matrix)] += residual * drive / alone * drive.sum()
    charge, heat = (drive * p @ np.linalg.solve(matrix, drive * p) for p in (np.ones_like(x), x))
    return heat / charge / (np.pi**2 / 3)


def test_inelastic_phonons_in_three_dimensions():
    """The Lorenz ratio against another solution of Bloch's equation, cold and warm, and what its error says."""
    mass, mu, sound = 0.3, 0.5, 2000.0
    model = parabolic_band(mass)
    phonons = sj.acoustic_deformation_potential(
        deformation_potential=5.0, sound_velocity=sound, mass_density=5000.0, dimension=3
    )
    t_bg = 2 * phonons.sound_velocity * np.sqrt(mu * mass / HBAR2_OVER_2M) / KB
    t = np.array([0.1, 0.2])
    ds = run(model=model, scatterers=phonons, mu=mu, temperatures=t * t_bg, tolerance=0.005)
    expected = np.array([bloch_lorenz_ratio(x) for x in t])
    assert np.all(expected < 0.5)  # phonons take energy before they turn the current
    np.testing.assert_allclose(ds.lorenz_ratio, expected, rtol=5e-3)
    assert np.all(np.abs(ds.lorenz_ratio - expected) <= 2 * ds.lorenz_ratio_error + 1e-3 * expected)
    assert np.all(ds.lorenz_ratio_error < 0.12 * ds.lorenz_ratio)


def test_hot_phonons_in_three_dimensions():
    """Quasi-elastic, ``1/tau ~ k`` of equipartition: ``sigma(e) ~ e`` and the energy integrals of that."""
    mu, t = 0.05, 200.0
    phonons = sj.acoustic_deformation_potential(
        deformation_potential=5.0, sound_velocity=200.0, mass_density=5000.0, dimension=3
    )
    ds = run(model=parabolic_band(0.3), scatterers=phonons, mu=mu, temperatures=[t]).isel(temperature=0)
    zero, one, two = (weighted(lambda e: e, mu, KB * t, p, (0.0, np.inf)) for p in (0, 1, 2))
    assert ds.seebeck.values[0, 0] == pytest.approx(-KB * one / zero, rel=1e-2)
    assert ds.lorenz_ratio.item() == pytest.approx((two / zero - (one / zero) ** 2) / (np.pi**2 / 3), rel=1e-2)


def test_wannier_functions_with_a_position_matrix():
    """Wiedemann and Franz's law of cold impurities between bands without symmetry, and Onsager's relation."""
    model = random_wannier(2, 3, seed=1)
    ds = run(model=model, mu=0.26, temperatures=[5.0], tolerance=0.3, accuracy=0.4)
    assert ds.lorenz_ratio.item() == pytest.approx(1, abs=5e-3) and 0 < ds.lorenz_ratio_error.item() < 0.1
    np.testing.assert_allclose(ds.thermoelectric, ds.peltier, atol=1e-3 * np.abs(ds.thermoelectric).max().item())


def test_the_figure_shows_the_numbers_of_the_result(tmp_path, drawn):
    ds = run(temperatures=[50.0, 20.0])
    heat_figure(ds, tmp_path / "heat.svg")
    [figure] = drawn
    first, _, nernst, lorenz = figure.axes
    order = [1, 0]  # from cold to hot
    np.testing.assert_allclose(lorenz.lines[0].get_ydata(), ds.lorenz_ratio.values[order])
    bars = lorenz.containers[0].lines[2][0].get_segments()
    np.testing.assert_allclose([np.ptp(x[:, 1]) for x in bars], 2 * ds.lorenz_ratio_error.values[order])
    seebeck = ds.seebeck.values[order]
    lines = [line.get_ydata() for axes in (first, nernst) for line in axes.lines if len(line.get_xdata()) == 2]
    assert any(np.allclose(y, 1e6 * np.trace(seebeck, axis1=1, axis2=2) / 2) for y in lines)
    assert any(np.allclose(y, 0.5e6 * (seebeck[:, 1, 0] - seebeck[:, 0, 1])) for y in lines)


def test_cold_phonons_break_motts_relation():
    """Against the slope of the conductivity of runs at two chemical potentials: warm phonons obey it, cold ones do not,
    and the intrinsic part, which knows no scattering, always does."""
    t, step = [4.0, 60.0], 4e-3
    ds = run(scatterers=PHONONS, mu=0.2, temperatures=t)
    plain = {"scatterers": PHONONS, "temperatures": t, "heat": False}
    low, high = (run(mu=0.2 + s * step, **plain) for s in (-1, 1))
    scale = sj.units.siemens(2) / conductivity_unit(2)[0]

    def ratio(part, row):
        slope = (high[f"sigma_{part}"].values - low[f"sigma_{part}"].values)[:, *row] / (2 * step)
        return ds[f"thermoelectric_{part}"].values[:, *row] / (-scale * LORENZ * np.array(t) * slope)

    along, jump, intrinsic = (
        ratio(p, r) for p, r in (("boltzmann", (0, 0)), ("side_jump", (1, 0)), ("intrinsic", (1, 0)))
    )
    assert intrinsic == pytest.approx(1, abs=5e-3)
    assert along[1] == pytest.approx(1, abs=0.05) and jump[1] == pytest.approx(1, abs=0.05)
    assert along[0] < 0.85 and jump[0] < 0.7


def test_shells_made_afresh_take_irreducible_points(monkeypatch):
    """Every shell has one energy, so that its heat turns as its current does: what all points give, and in the elements
    that symmetry leaves alone."""
    monkeypatch.setattr("sidejump.transport.windowed.LEVELS", (2,))
    impurities = sj.impurity(correlation="zero_range", density=1e19, strength=0.05, dimension=3)
    kt, found = KB * 100, []
    for symmetry in ("auto", "off"):
        settings = TransportSettings(
            heat=True, accuracy=0.35 if symmetry == "auto" else 0.5, tolerance=0.5, geometry="independent",
            symmetry=symmetry,
        )  # fmt: skip
        problem = Problem(ferromagnet(), [impurities], 0.5, settings)
        assert (problem.operations is None) == (symmetry == "off")
        shells = IndependentShells(problem, kt, problem.critical(kt), problem.window_density(kt))
        found.append(shells.solve())
    charge, heat = (np.abs(found[1].boltzmann[rows]).max() for rows in (slice(0, 3), slice(9, 12)))
    for rows, size in (
        (slice(3, 6), np.sqrt(charge * heat)),
        (slice(6, 9), np.sqrt(charge * heat)),
        (slice(9, 12), heat),
    ):
        one, other = (x.boltzmann[rows] for x in found)  # of the thermopower most cancels
        assert one == pytest.approx(other, abs=0.05 * size) and np.abs(other).max() > 1e-3 * size
    heat = found[0].boltzmann[3:6]
    assert np.abs(heat - np.diag(np.diag(heat))).max() < 1e-6 * np.abs(heat).max()


def test_the_geometry_that_heat_is_left_to_takes_irreducible_points():
    """Where no rays carry shells to other energies they are made afresh and reduced, whether that was asked for or
    found: the law of Wiedemann and Franz, and nothing in the elements that symmetry forbids."""
    impurities = sj.impurity(correlation="zero_range", density=1e19, strength=0.05, dimension=3)
    problem = Problem(ferromagnet(), [impurities], 0.5, TransportSettings(heat=True, accuracy=0.4, tolerance=0.5))
    assert choose_geometries(problem, [10.0])[0] == ["independent"] and len(problem.operations) == 8
    [response] = INDEPENDENT.evaluate(problem, np.array([10.0]), lambda _: None).responses
    charge, heat = response.boltzmann[:3], response.boltzmann[9:12]
    np.testing.assert_allclose(np.diag(heat) / np.diag(charge), np.pi**2 / 3 * (KB * 10) ** 2, rtol=1e-2)
    for found in (charge, heat, response.boltzmann[3:6]):
        assert np.abs(found - np.diag(np.diag(found))).max() < 1e-6 * np.abs(found).max()
    assert charge[0, 0] == pytest.approx(charge[1, 1], rel=1e-6) and abs(charge[2, 2] / charge[0, 0] - 1) > 0.02
