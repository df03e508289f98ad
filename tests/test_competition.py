"""Phonons and impurities together: what each does to the scattering rate, and what neither may change."""

import matplotlib.figure
import numpy as np
import pytest
from scipy import constants

import sidejump as sj
from sidejump.app import results
from sidejump.app.cli import main
from sidejump.app.competition import competition, crossing, crossing_error
from sidejump.app.run import prepare
from sidejump.interactions.impurity import denser
from sidejump.interactions.limits import HighTemperatureLimit
from sidejump.reference import dirac
from sidejump.transport import TransportSettings, run_transport
from sidejump.transport.problem import Problem
from sidejump.transport.shared import SharedShell
from sidejump.transport.shares import shares_of_mixtures
from sidejump.units import KB

ROUND = sj.MassiveDirac(mass=0.1, velocity=3.0)
TILTED = sj.MassiveDirac(mass=0.1, velocity=3.0, tilt=(0.8, 0.3))
RASHBA = sj.RashbaFerromagnet(effective_mass=0.6, rashba=1.0, exchange=0.05)
MU = 0.2


def phonons(potential=5.0, sound=2000.0, **more):
    return sj.acoustic_deformation_potential(
        deformation_potential=potential, sound_velocity=sound, mass_density=7.6e-7, dimension=2, **more
    )


def impurities(strength=1.0, length=None, **more):
    correlation = "zero_range" if length is None else "gaussian"
    given = {"density": 1e11, "correlation_length": length} | more
    return sj.impurity(correlation=correlation, strength=strength, dimension=2, **given)


def solved(model, scatterers, temperatures):
    settings = TransportSettings(energy_nodes=1, geometry="shared")
    return run_transport(model, scatterers, chemical_potential=MU, temperatures=temperatures, settings=settings)


def rate_shares(problem, kt):
    """Those of one problem at one temperature."""
    return shares_of_mixtures(problem, [problem.scatterers], [kt])[0, 0]


def hall(result):
    sigma = result.side_jump_velocity + result.side_jump_distribution
    return 0.5 * (sigma[:, 1, 0] - sigma[:, 0, 1])


@pytest.mark.parametrize("model", [ROUND, TILTED, RASHBA], ids=["round", "tilted", "Rashba"])
def test_hot_phonons_do_what_zero_range_impurities_do(model):
    """Eq. 15: ``|V|^2 2 kT / omega`` of a deformation potential does not depend on q."""
    expected = hall(solved(model, [impurities()], [30.0]))
    limit = hall(solved(model, [HighTemperatureLimit(phonons())], [30.0]))
    hot = hall(solved(model, [phonons()], [1e6]))  # (T_BG / T)^2 is below rounding
    both = hall(solved(model, [phonons(), impurities(density=1e16)], [1e6]))
    np.testing.assert_allclose(np.concatenate([limit, hot, both]), np.repeat(expected, 3), rtol=1e-7)


SILENT = {
    "of another vertex": (impurities(0.0, 40.0, vertex="sigma_z"), [phonons()]),
    "fast phonons": (phonons(0.0, 5e4), [phonons()]),
    "phonons beside impurities": (phonons(0.0), [impurities()]),
}


@pytest.mark.parametrize("case", SILENT)
def test_a_mechanism_of_zero_strength_changes_nothing(case):
    """Nor where the points lie, as a faster sound would, nor what is elastic."""
    silent, others = SILENT[case]
    asked = {"chemical_potential": MU, "temperatures": [1, 30], "tolerance": 0.05, "accuracy": 0.5}
    expected, found = (sj.anomalous_hall(TILTED, s, **asked) for s in (others, [silent, *others]))
    for name in ("sigma_boltzmann", "sigma_side_jump", "sigma_side_jump_error", "resistivity"):
        np.testing.assert_array_equal(found[name], expected[name])


@pytest.mark.parametrize("length", [None, 3.0])
def test_shares_are_what_a_change_of_density_does(length):
    """``x = - d ln(tr sigma) / d ln n`` on a surface where the time between collisions is no number."""
    static, kt = impurities(3.0, length), KB * 30
    settings = TransportSettings(energy_nodes=1)
    shares = rate_shares(Problem(TILTED, [phonons(), static], MU, settings), kt)
    np.testing.assert_allclose(shares.sum(), 1, rtol=1e-12)
    assert np.all(shares > 0.04)
    step = 1e-3
    more, less = (solved(TILTED, [phonons(), denser(static, np.exp(x))], [30.0]).boltzmann[0] for x in (step, -step))
    np.testing.assert_allclose(shares[1], -np.log(np.trace(more) / np.trace(less)) / (2 * step), rtol=2e-3)


@pytest.mark.parametrize("vertex", ["identity", "sigma_z"])
def test_pairs_of_one_mixture_serve_the_others(vertex, monkeypatch):
    """As each density by itself; they are laid down once where all couple through one matrix, else computed again."""
    kept, kts = [], [KB * 30, KB * 50]
    served = SharedShell.of

    def watched(solver, problem):
        other = served(solver, problem)
        kept.append(other._kept is not None)
        return other

    monkeypatch.setattr(SharedShell, "of", watched)
    mixtures = [[phonons(), impurities(x, vertex=vertex)] for x in (0.5, 3.0)]
    problems = [Problem(TILTED, mixture, MU, TransportSettings(energy_nodes=1)) for mixture in mixtures]
    found = shares_of_mixtures(problems[0], mixtures, kts)
    assert len(kept) == 6 and kept == ([True] * 6 if vertex == "identity" else [True, False, False] * 2)
    alone = [[rate_shares(problem, kt) for kt in kts] for problem in problems]
    np.testing.assert_allclose(found, alone, rtol=1e-9)
    assert np.all(found[0, :, 0] > 1.2 * found[1, :, 0])


def test_shares_on_a_circle_are_those_of_matthiessen():
    mechanisms, kt = [phonons(), impurities(), impurities(length=2.0)], KB * 100
    shares = rate_shares(Problem(ROUND, mechanisms, MU, TransportSettings(energy_nodes=1)), kt)
    rho = [1 / solved(ROUND, [one], [100.0]).boltzmann[0, 0, 0] for one in mechanisms]
    whole = 1 / solved(ROUND, mechanisms, [100.0]).boltzmann[0, 0, 0]
    np.testing.assert_allclose(shares, rho / whole, rtol=1e-5)


def test_density():
    twice = impurities(density=2e11, skewness=0.5)
    [made], [expected] = denser(impurities(skewness=0.5), 2.0).branches, twice.branches
    q = np.linspace(0, 1, 5)
    np.testing.assert_allclose(made.coupling(q), expected.coupling(q), rtol=1e-14)
    np.testing.assert_allclose(made.third_moment, expected.third_moment, rtol=1e-14)
    with pytest.raises(sj.InputError, match="no density"):
        denser(phonons(), 2.0)


def test_the_crossing_of_hot_phonons():
    """``n U^2 = D^2 kT / (rho c^2)``: both rates without q, on a circle."""
    static, temperatures = impurities(density=1e13), np.array([600.0, 1300.0])
    settings = TransportSettings(energy_nodes=1)
    shares = [rate_shares(Problem(ROUND, [phonons(), static], MU, settings), KB * t)[1] for t in temperatures]
    ratio = 1e17 * (1e-18) ** 2 * 7.6e-7 * 2000.0**2 / 5.0**2  # of n U^2 to D^2 / (rho c^2), J
    assert crossing(temperatures, shares) == pytest.approx(ratio / constants.k, rel=1e-4)


def test_no_crossing_and_several():
    t = np.array([20.0, 5.0, 10.0])
    assert np.isnan(crossing(t, [0.9, 0.6, 0.7])) and np.isnan(crossing(t[:1], [0.4]))
    assert 10 < crossing(t, [0.0, 1.0, 0.8]) < 20  # nothing is left at 20 K
    assert 10 < crossing(t, [0.8, 0.8, 0.2]) < 20  # the second of two
    power = 1 / (1 + (t / 7.0) ** 3)
    assert crossing(t, power) == pytest.approx(7.0, rel=1e-12)


def section(kind, **more):
    if kind == "impurity":
        return {"kind": kind, "correlation": "zero_range", "density": 1e11, "strength": 1.0} | more
    given = {"deformation_potential": 5.0, "sound_velocity": 2000.0, "mass_density": 7.6e-7}
    return {"kind": "acoustic_deformation_potential"} | given | more


INPUT = {
    "electrons": {"model": "massive_dirac", "mass": 0.1, "velocity": 3.0, "chemical_potential": 0.2},
    "scattering": [section("phonons"), section("impurity"), section("impurity", strength=0.0)],
    "temperature": {"values": [30, 2]},
    "solver": {
        "tolerance": 0.05,
        "energy_nodes": 1,
        "intrinsic": {"tolerance": 0.1},
        "expert": {"accuracy": 0.3, "geometry": "shared"},
    },
}


def test_few_and_many_impurities_are_the_limits():
    found = competition(prepare(INPUT), [1e-8, 1.0, 1e8], None, lambda _: None)
    assert found.temperature.values.tolist() == [2, 30] and found.static.values.tolist() == [False, True]
    few, some, many = found.sigma_side_jump.sel(a="y", b="x").values
    impure, hot = found.limit_side_jump.sel(a="y", b="x").values
    np.testing.assert_allclose(few, hot, rtol=1e-6)
    np.testing.assert_allclose(many, impure, rtol=1e-6)
    assert few[0] < some[0] < many[0] and abs(few[0] / many[0] - 1) > 0.2
    np.testing.assert_allclose(found.share.sum("mechanism"), 1, rtol=1e-12)
    assert np.all(np.diff(found.share.sel(mechanism="zero_range impurity"), axis=0) > 0)


@pytest.mark.parametrize("beside", [[], ["phonons"]], ids=["alone", "beside phonons"])
def test_magnons_are_called_magnons(beside):
    given = {"kind": "magnons", "stiffness": 0.3, "gap": 1e-3, "exchange_splitting": 0.1, "spin_density": 1e15}
    scatterers = [given, section("impurity"), *map(section, beside)]
    job = prepare(INPUT | {"scattering": scatterers, "temperature": {"values": [60]}})
    found = competition(job, [1.0], None, lambda _: None)
    words = "phonons and magnons" if beside else "magnons"
    assert found.limit.values.tolist() == ["impurities", words]
    without = job.changed(scatterers=[s for s in job.scatterers if s.name == "magnons"])
    with pytest.raises(sj.InputError, match="has magnons but no impurities"):
        competition(without, [1.0], None, lambda _: None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("competition")
    filled = INPUT | {
        "electrons": INPUT["electrons"] | {"chemical_potential": 0.0, "carrier_density": 2e12},
        "temperature": {"values": [30, 60]},
    }
    for name, given in (
        ("filled", filled | {"scattering": INPUT["scattering"][:2]}),
        ("clean", INPUT | {"scattering": [section("phonons")], "temperature": {"values": [60]}}),
    ):
        results.write(prepare(given).run(), folder / f"{name}.nc")
    return folder


@pytest.mark.parametrize("kind", ["competition", "mechanisms"])
def test_at_a_fixed_carrier_density(folder, tmp_path, monkeypatch, capsys, kind):
    """One chemical potential for each temperature."""
    figures = []
    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", lambda figure, *_, **__: figures.append(figure))
    times = ["--times", "5"] if kind == "competition" else []
    assert main(["plot", str(folder / "filled.nc"), "-k", kind, "-o", str(tmp_path / "x.png"), *times]) == 0
    [figure] = figures
    assert all("(" in axes.get_ylabel() for axes in figure.axes)
    if kind == "competition":
        assert "5e+11 cm^-2" in capsys.readouterr().err
        density, kelvin = figure.axes[2].collections[0].get_offsets()[0]
        assert density == pytest.approx(5e11) and 30 < kelvin < 60


def test_limits_in_the_picture_of_temperature(folder, tmp_path, monkeypatch):
    """Eq. 14 and the limit of eq. 15 on a circle, but for the window of kT."""
    figures = []
    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", lambda figure, *_, **__: figures.append(figure))
    assert main(["plot", str(folder / "clean.nc"), "--limits", "-o", str(tmp_path / "x.png")]) == 0
    bars = {str(x.get_label()): x for x in figures[0].axes[0].containers}
    found = [next(x for label, x in bars.items() if words in label) for words in ("eqs 13, 14", "eq. 15")]
    [cold], [hot] = (x.lines[0].get_ydata() for x in found)
    assert all(np.ptp(x.lines[2][0].get_segments()[0][:, 1]) > 0 for x in found)
    assert cold == pytest.approx(dirac.smooth_side_jump(0.5), rel=0.02)
    assert hot == pytest.approx(dirac.zero_range_side_jump(0.5), rel=0.02)


@pytest.mark.parametrize(
    ("source", "arguments", "words"),
    [
        ("clean", ["-k", "competition"], "phonons but no impurities"),
        ("clean", ["-k", "scaling", "--times", "2"], "--times"),
        ("clean", ["-k", "scaling", "--limits"], "--limits"),
        ("filled", ["-k", "competition", "--times", "-1"], "above zero"),
        ("filled", ["-k", "competition", "--times", "inf"], "above zero"),
    ],
)
def test_what_cannot_compete(folder, tmp_path, capsys, source, arguments, words):
    assert main(["plot", str(folder / f"{source}.nc"), "-o", str(tmp_path / "x.png"), *arguments]) == 2
    assert words in capsys.readouterr().err


def test_shares_on_irreducible_points():
    """What a change of density does, where one point stands for its images."""
    builder = sj.TightBinding(3 * np.eye(3), [((0.0, 0.0, 0.0), 1)])
    for lattice in np.eye(3, dtype=int):
        builder.hop(0, 0, tuple(lattice), -0.5)
    hot = sj.acoustic_deformation_potential(
        deformation_potential=5.0, sound_velocity=4000.0, mass_density=7000.0, dimension=3
    )
    static = sj.impurity(correlation="gaussian", density=1e20, strength=0.3, correlation_length=0.3, dimension=3)

    def problem(factor):
        settings = TransportSettings(energy_nodes=1, accuracy=0.15, geometry="shared")
        return Problem(builder.build(), [hot, denser(static, factor)], -1.0, settings)

    def conductivity(factor):
        changed = problem(factor)
        shell = SharedShell(changed, changed.solved_shell(-1.0, changed.spacings.at(100)), KB * 100)
        return np.trace(shell.resolved(KB * 100)[0].boltzmann)

    assert problem(1.0).operations is not None
    slope = -np.log(conductivity(np.exp(1e-2)) / conductivity(np.exp(-1e-2))) / 2e-2
    assert rate_shares(problem(1.0), KB * 100)[1] == pytest.approx(slope, rel=1e-3)


def test_the_error_of_a_crossing():
    """None where odds are a power of T; elsewhere it holds the bend between two temperatures and coarser points."""
    t = np.geomspace(2.0, 60.0, 6)
    power = 1 / (1 + (t / 7.0) ** 3)
    assert crossing_error(t, power, power) == pytest.approx(0, abs=1e-9)
    coarse = 1 / (1 + (t / 7.1) ** 3)
    assert crossing_error(t, power, coarse) == pytest.approx(0.1, rel=1e-6)
    log = np.log(t / 7.0)
    bent = 1 / (1 + np.exp(3 * log + 0.5 * log**2))  # a half at 7 K, between two of the temperatures
    assert 0 < abs(crossing(t, bent) - 7.0) < 2 * crossing_error(t, bent, bent) < 0.2 * 7.0
    assert np.isnan(crossing_error(t[:2], power[:2], power[:2])) and np.isnan(crossing_error(t, 0 * t, 0 * t))


def test_scaling_over_densities(folder, tmp_path, monkeypatch):
    """A row for each density and temperature; the resistivity is the inverse of what the table itself sums up to."""
    figures = []
    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", lambda figure, *_, **__: figures.append(figure))
    arguments = ["-k", "scaling", "--times", "1", "--times", "4", "--csv", str(tmp_path / "x.csv")]
    assert main(["plot", str(folder / "filled.nc"), "-o", str(tmp_path / "x.png"), *arguments]) == 0
    rows = np.genfromtxt(tmp_path / "x.csv", delimiter=",", names=True, deletechars="")
    assert rows["density_of_impurities_(cm^-2)"].tolist() == [1e11, 1e11, 4e11, 4e11]
    assert rows["temperature_(K)"].tolist() == [30, 60, 30, 60]
    hall_name = "sigma_intrinsic_plus_side_jump"
    sigma = np.array(
        [[rows[f"sigma_boltzmann_{a}{b}_(e^2/h)"] + rows[f"{hall_name}_{a}{b}_(e^2/h)"] for b in "xy"] for a in "xy"]
    )
    rho = np.linalg.inv(np.moveaxis(sigma, -1, 0))
    np.testing.assert_allclose(rows["resistivity_yx_(h/e^2)"], rho[:, 1, 0], rtol=1e-10)
    # at the density of the result itself it is the result, but for the smaller tolerance of the picture's runs
    given = results.read(folder / "filled.nc").sel(a="y", b="x")
    error = rows[f"{hall_name}_error_yx_(e^2/h)"][:2] + given.sigma_intrinsic_plus_side_jump_error.values
    assert np.all(np.abs(rows[f"{hall_name}_yx_(e^2/h)"][:2] - given.sigma_intrinsic_plus_side_jump.values) <= error)
    panel = figures[0].axes[0]
    assert len(panel.containers) == 2 and "sigma_{xx}^2" in panel.get_xlabel()
    drawn = np.sort(np.concatenate([c.lines[0].get_xdata() for c in panel.containers]))
    np.testing.assert_allclose(drawn, np.sort(rows["sigma_boltzmann_xx_(e^2/h)"] ** 2), rtol=1e-10)


def test_no_fermi_surface_no_shares():
    """A semiconductor has side jumps and their limits; what it has no surface for is said."""
    electrons = INPUT["electrons"] | {"chemical_potential": 0.0, "mass": 0.03}
    solver = {"tolerance": 0.3, "intrinsic": {"tolerance": 0.3}, "expert": {"accuracy": 0.3}}
    said = []
    job = prepare(
        INPUT | {"electrons": electrons, "scattering": INPUT["scattering"][:2], "solver": solver}
        | {"temperature": {"values": [300]}}
    )  # fmt: skip
    found = competition(job, [1.0], None, said.append)
    assert np.isnan(found.share).all() and np.isnan(found.crossing).all()
    assert np.isfinite(found.sigma_side_jump).all() and sum("no Fermi surface" in words for words in said) == 1
