"""Laws of measured films: their statistics at the rates they claim, and against independent solutions."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import least_squares
from scipy.special import stdtrit

import sidejump as sj
from sidejump.errors import InputError, SidejumpWarning
from sidejump.experiment.equations import Equations
from sidejump.experiment.estimate import Errors, Estimator
from sidejump.experiment.inversion import conductivity, resistivity
from sidejump.experiment.laws import LAWS, law_of
from sidejump.experiment.scatter import FEW, Scatter
from sidejump.experiment.synthetic import TRUE
from sidejump.experiment.temperatures import grouped, low

pytestmark = pytest.mark.filterwarnings(
    "ignore::sidejump.errors.SidejumpWarning"
)  # those that are tested are asked for

SETS = 400
WARM = np.array([5.0, 20.0, 40.0, 80.0, 140.0, 220.0, 300.0])


def rising(t):
    """A remainder that changes with temperature, as that of phonons does."""
    return 900 + 200 * np.tanh(t / 100)


def truth(law):
    return np.array([TRUE[name] for name in law_of(law).terms])


def estimates(films, law, upto=None):
    temperatures = grouped(films)
    chosen = np.ones(len(films.film), bool)
    if law == "skew":
        chosen, _ = low(films, temperatures, upto)
    return Estimator(Equations(films, law_of(law, films.parts)), chosen, temperatures), temperatures


def held(found, errors, true):
    """Whether one and two error bars hold the truth."""
    return np.array([np.abs(found - true) <= errors.one, np.abs(found - true) <= errors.two])


def rates(law, upto=None, sets=SETS, **noise):
    """How often the truth is within one and two error bars: of coefficients (2, P), of R(T) (2, G), of points (2,)."""
    coefficients, common, points = [], [], []
    for seed in range(sets):
        films = sj.synthetic_films(law, remainder=rising, temperatures=WARM, seed=seed, **noise)
        estimator, temperatures = estimates(films, law, upto)
        found, _ = estimator.estimate()
        coefficients.append(held(found.coefficients, found.coefficient_errors, truth(law)))
        if law == "skew":
            common.append(held(found.common, found.common_errors, rising(temperatures.value)))
            points.append(held(found.remainder, found.remainder_errors, rising(films.temperature)).mean(axis=1))
    return [np.mean(x, axis=0) if x else None for x in (coefficients, common, points)]


def near(rate, sets):
    """Within three and a half standard deviations of the rate of so many data sets."""
    return pytest.approx(rate, abs=3.5 * np.sqrt(rate * (1 - rate) / sets))


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(
    "noise", [{}, {"noise_xx": 0.01, "noise_yx": 0.02, "thickness_error": 0.03}], ids=["fine", "all"]
)
def test_declared_errors_hold_the_truth_at_their_rates(law, noise):
    """Errors that differ from point to point, in rho_xx on both sides of the law, and of a film as a whole."""
    coefficients, common, points = rates(law, **noise)
    held_by_one, held_by_two = near(0.683, SETS), near(0.954, SETS)
    for one, two in [*coefficients.T, *(common.T if law == "skew" else [])]:
        assert one == held_by_one and two == held_by_two
    if law == "skew":
        assert points[0] == pytest.approx(0.683, abs=0.03) and points[1] == pytest.approx(0.954, abs=0.02)


@pytest.mark.parametrize("law", ["skew", "hou"])
@pytest.mark.parametrize("residual", ["of the coldest point", "with an error"])
def test_errors_of_rho_0_are_shared_by_a_film(law, residual):
    """rho_0 that is not exact: a function of one of the points, or a number of its own."""
    inside, rng = [], np.random.default_rng(8)
    for seed in range(SETS // 2):
        films = sj.synthetic_films(law, remainder=rising, temperatures=WARM, noise_xx=0.01, seed=seed)
        if residual == "with an error":
            noisy = films.residual * (1 + 0.02 * rng.standard_normal(films.residual.shape))
            films = replace(films, residual=noisy, residual_error=0.02 * films.residual)
        else:
            films = replace(films, residual=None)
        found, _ = estimates(films, law)[0].estimate()
        inside.append(held(found.coefficients, found.coefficient_errors, truth(law)))
    for one, two in np.mean(inside, axis=0).T:
        assert one == near(0.683, SETS // 2) and two == near(0.954, SETS // 2)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("uneven", [2.0, 1.0])
def test_scatter_gives_errors_at_their_rates(law, uneven):
    """Nothing declared: errors of rho_yx that are alike, or differ from point to point by up to a factor 40."""
    coefficients, common, _ = rates(law, upto=50.0 if law == "skew" else None, declared=False, uneven=uneven)
    held_by_one, held_by_two = near(0.683, SETS), near(0.954, SETS)
    for one, two in [*coefficients.T, *(common.T if law == "skew" else [])]:
        assert one == held_by_one and two == held_by_two


def test_scatter_of_few_points_gives_no_error_that_is_too_small():
    """Five films at one temperature, two numbers: three degrees of freedom."""
    coefficients, common, _ = rates("skew", declared=False)
    for one, two in [*coefficients.T, *common.T]:
        assert one == near(0.683, SETS) and two > 0.954 - 3.5 * np.sqrt(0.954 * 0.046 / SETS)


def test_inversion_is_that_of_the_tensor():
    rng = np.random.default_rng(0)
    for a, h in rng.normal(size=(5, 2)):
        sigma = np.linalg.inv([[a, -h], [h, a]])
        found = conductivity(np.array([a]), np.array([h]))
        assert found.xx[0] == pytest.approx(sigma[0, 0]) and found.yx[0] == pytest.approx(sigma[1, 0])
        np.testing.assert_allclose(np.ravel(resistivity(found.xx, found.yx)), [a, h])


FILM, PARTS = ["a"] * 4 + ["b"] * 5, {"a": {"i": 0.4, "j": 0.5}, "b": {"i": 0.2, "j": 0.6}}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("residual", [None, {"a": 0.9, "b": 0.5}, PARTS], ids=["coldest", "declared", "parts"])
def test_slopes_of_the_equations(law, residual):
    rng = np.random.default_rng(1)
    t = np.concatenate([np.linspace(5, 50, 4), np.linspace(5, 50, 5)])
    films = sj.measured_films(
        FILM, t, 1 + t / 20, 0.3 * rng.normal(size=9), hall="E_y/j_x", magnetisation="+z", unit="ohm cm", rho_0=residual
    )
    equations = Equations(films, law_of(law, films.parts))
    coefficients = rng.normal(size=len(equations.law.terms))
    z = equations.measured * (1 + 0.05 * rng.random(len(equations.measured)))

    def off(z):
        point = equations.at(z)
        return 1.3 * point.sigma.yx - point.design @ coefficients

    steps = 1e-6 * np.eye(len(z))
    numeric = np.stack([(off(z + step) - off(z - step)) / 2e-6 for step in steps], axis=1)
    exact = equations.jacobian(equations.at(z), coefficients, 1.3).toarray()
    np.testing.assert_allclose(exact, numeric, atol=3e-9)


def exact_films(law, **changes):
    options = {"noise_xx": 0, "noise_yx": 0, "declared": False, "remainder": rising} | changes
    return sj.synthetic_films(law, **options)


@pytest.mark.parametrize("law", LAWS)
def test_films_without_noise_give_the_coefficients(law):
    found = sj.separate(exact_films(law), law, samples=0)
    np.testing.assert_allclose(found.term_value, truth(law), rtol=1e-9)
    if law == "skew":
        np.testing.assert_allclose(found.common_remainder, rising(found.temperature), rtol=1e-9)
        np.testing.assert_allclose(found.remainder, rising(found.point_temperature), rtol=1e-9)
    np.testing.assert_allclose(found["skew"] + found.remainder, found.sigma_yx)


def test_shitade_nagaosa_is_a_case_of_hou():
    """x_0 = rho_0/rho: beta x_0^2 + b = (beta + b) x_0^2 + 2 b x_0 x_T + b x_T^2."""
    films = exact_films("shitade-nagaosa")
    alpha, beta, b = truth("shitade-nagaosa")
    found = sj.separate(films, "hou", samples=0)
    np.testing.assert_allclose(found.term_value, [alpha, beta + b, 2 * b, b], rtol=1e-9)


def test_several_static_parts():
    """Two static scatterers and phonons: eight terms of the quadratic surface of Hou et al."""
    law = law_of("hou", ("interface", "defects"))
    rng = np.random.default_rng(2)
    count, t = 9, np.array([5.0, 100.0, 200.0, 300.0])
    parts = rng.uniform(0.2e-6, 3e-6, (count, 2))
    film = np.repeat(np.arange(count), len(t))
    s = 1 / (parts.sum(axis=1)[film] + np.tile(1e-8 * t, count))
    coefficients = np.array([1e-3, -5e-4, 300.0, 500.0, 700.0, -200.0, 900.0, 1100.0])
    rho = [1e6 * x for x in resistivity(s, law.design(s, parts[film]) @ coefficients)]
    names = [f"f{i}" for i in film]
    rho_0 = {f"f{i}": dict(zip(law.parts, 1e6 * parts[i], strict=True)) for i in range(count)}
    films = sj.measured_films(names, np.tile(t, count), *rho, hall="E_y/j_x", magnetisation="+z", rho_0=rho_0)
    found = sj.separate(films, "hou", samples=0)
    assert tuple(found.term.values) == law.terms and len(law.terms) == 8
    np.testing.assert_allclose(found.term_value, coefficients, rtol=1e-6)


def test_invariance():
    """Units, sign conventions and the order of the points change nothing but the sign."""
    films = sj.synthetic_films("hou", noise_yx=0.02)
    reference = sj.separate(films, "hou", samples=0)
    order = np.random.default_rng(0).permutation(len(films.film))
    names = [films.names[i] for i in films.film[order]]
    rho_0 = {name: float(1e-2 * films.residual[i, 0]) for i, name in enumerate(films.names)}

    def again(hall, magnetisation):
        arrays = (films.rho_xx, films.rho_yx, films.rho_xx_error, films.rho_yx_error)
        xx, yx, xx_error, yx_error = (0.01 * x[order] for x in arrays)  # ohm m
        given = {"rho_xx_error": xx_error, "rho_yx_error": yx_error, "rho_0": rho_0}
        other = sj.measured_films(
            names, films.temperature[order], xx, yx, hall=hall, magnetisation=magnetisation, unit="ohm m", **given
        )
        return sj.separate(other, "hou", samples=0)

    for hall, magnetisation, sign in [
        ("E_y/j_x", "+z", 1),
        ("E_x/j_y", "+z", -1),
        ("E_y/j_x", "-z", -1),
        ("E_x/j_y", "-z", 1),
    ]:
        found = again(hall, magnetisation)
        np.testing.assert_allclose(found.term_value, sign * reference.term_value, rtol=1e-7)
        np.testing.assert_allclose(found.term_error, reference.term_error, rtol=1e-7)


def test_sheets():
    """Layers: resistances in ohm, conductivities in e^2/h."""
    films = sj.measured_films(
        ["a", "a", "b", "b"], [5, 100, 5, 100], [100, 150, 300, 350], [1, 2, 5, 7],
        hall="E_y/j_x", magnetisation="+z", unit="ohm", rho_0={"a": 100, "b": 300},
    )  # fmt: skip
    found = sj.separate(films, samples=0)
    assert found.attrs["units"] == "e^2/h" and found.rho_xx.attrs["units"] == "h/e^2"
    assert found.sigma_xx[0] == pytest.approx(25812.80745930451 * 100 / (100**2 + 1))
    assert found.sigma_yx[0] == pytest.approx(-25812.80745930451 / (100**2 + 1))


def test_errors_in_all_numbers_are_those_of_the_whole_likelihood():
    """Against a minimisation over measured numbers and coefficients together, which knows nothing of the iteration."""
    films = sj.synthetic_films(
        "shitade-nagaosa", thickness=(6, 12, 40), temperatures=(5, 100, 300), noise_xx=0.02, noise_yx=0.03,
        thickness_error=0.05, seed=3,
    )  # fmt: skip
    estimator, _ = estimates(films, "shitade-nagaosa")
    found, _ = estimator.estimate()
    equations = estimator.equations
    n, scale = equations.points, truth("shitade-nagaosa")
    free = np.flatnonzero((equations.deviation > 0) & (np.arange(len(equations.measured)) // n != 1))

    def distances(x):
        z = equations.measured.copy()
        z[free] = equations.measured[free] + x[3:] * equations.deviation[free]
        point = equations.at(z)
        # rho_yx follows from the law: rho_yx = -sigma_yx / (sigma_xx^2 + sigma_yx^2), sigma_xx near 1/rho_xx
        film_scale = z[-equations.count :][films.film]
        h, a = z[n : 2 * n] / film_scale, z[:n] / film_scale
        for _ in range(8):
            s = a / (a**2 + h**2)
            sigma = equations.law.design(s, point.parts) @ (x[:3] * scale)
            h = -2 * sigma * a**2 / (1 + np.sqrt(1 - 4 * (sigma * a) ** 2))
        hall = (film_scale * h - equations.measured[n : 2 * n]) / equations.deviation[n : 2 * n]
        return np.concatenate([x[3:], hall])

    whole = least_squares(
        distances, np.concatenate([np.ones(3), np.zeros(len(free))]), xtol=1e-14, ftol=1e-14, gtol=1e-12
    )
    np.testing.assert_allclose(found.coefficients, whole.x[:3] * scale, rtol=2e-6)
    assert found.misfit == pytest.approx(2 * whole.cost, rel=1e-6)
    # curvature of the likelihood, to first order
    spread = np.sqrt(np.diag(np.linalg.inv(whole.jac.T @ whole.jac))[:3]) * np.abs(scale)
    np.testing.assert_allclose(found.coefficient_errors.one, spread, rtol=1e-3)


def test_errors_of_rho_yx_alone_are_weighted_least_squares():
    films = sj.synthetic_films("hou", noise_xx=1e-9, noise_yx=0.02, seed=1)
    estimator, _ = estimates(films, "hou")
    found, _ = estimator.estimate()
    equations = estimator.equations
    point = equations.at(equations.measured)
    _, error = equations.errors_of_conductivity()
    columns = point.design / error[:, None]
    np.testing.assert_allclose(
        found.coefficients, np.linalg.lstsq(columns, point.sigma.yx / error, rcond=None)[0], rtol=1e-4
    )
    np.testing.assert_allclose(found.covariance, np.linalg.inv(columns.T @ columns), rtol=1e-3)


def test_scatter_has_no_bias_and_the_distribution_of_all_signs():
    """With whole matrices, and with every set of signs in place of random ones."""
    rng = np.random.default_rng(5)
    n, spread = 12, np.geomspace(0.3, 3, 12)
    x, y = rng.normal(size=(n, 3)), spread * rng.normal(size=12)
    inverse = np.linalg.pinv(x)
    scatter = Scatter.of(x, inverse, y)
    error, freedom = scatter.error(inverse)
    maker = np.eye(n) - x @ inverse
    g = maker @ maker.T
    d = inverse**2 / np.diag(g)
    residual = maker @ y
    np.testing.assert_allclose(error, np.sqrt(d @ residual**2))
    # the mean of the squares, for noise that is the same everywhere, is the variance of the estimate
    np.testing.assert_allclose(d @ np.diag(g), np.sum(inverse**2, axis=1))
    np.testing.assert_allclose(freedom, [(v @ np.diag(g)) ** 2 / (v @ g**2 @ v) for v in d])
    assert scatter.pooled() == pytest.approx(np.sqrt(np.sum(scatter.residual**2) / 9))
    signs = 1 - 2.0 * ((np.arange(2**n) >> np.arange(n)[:, None]) & 1)
    noise = (residual / np.sqrt(np.diag(g)))[:, None] * signs
    ratio = np.abs(inverse @ noise) / np.sqrt(d @ (maker @ noise) ** 2)
    exact = np.quantile(ratio, (0.683, 0.954), axis=1)
    many = scatter.factors(inverse, (0.683, 0.954), np.full(3, FEW))
    np.testing.assert_allclose(many, exact, rtol=0.05)
    few = scatter.factors(inverse, (0.683,), np.full(3, 2.0))
    assert few == pytest.approx(stdtrit(2.0, 0.5 + 0.683 / 2))


def test_bars_of_few_residuals_are_wider():
    known, few = Errors.of(np.array([1.0])), Errors.of(np.array([1.0]), np.array([3.0]))
    assert known.one[0] == pytest.approx(1) and known.two[0] == pytest.approx(2)
    assert few.one[0] == pytest.approx(1.1969, abs=1e-3) and few.two[0] == pytest.approx(3.3068, abs=1e-3)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("declared", [True, False])
def test_the_bootstrap_agrees_with_the_covariance(law, declared):
    films = sj.synthetic_films(law, remainder=rising, temperatures=np.linspace(5, 300, 12), declared=declared, seed=4)
    found = sj.separate(films, law, low_temperature=60.0 if law == "skew" else None, samples=300)
    deviation = np.sqrt(np.diag(found.covariance))
    np.testing.assert_allclose(found.term_error_bootstrap, deviation, rtol=0.25)
    if law == "skew" and declared:
        ratio = found.common_remainder_error_bootstrap / found.common_remainder_error
        assert 0.8 < float(ratio.min()) and float(ratio.max()) < 1.25


def test_skew_scattering_comes_from_low_temperatures_only():
    """Phonons that leave another remainder bias a fit over all temperatures, not the one at the coldest."""
    films = exact_films("hou")
    alpha = truth("hou")[0]
    cold = sj.separate(films, samples=0)
    assert float(cold.term_value[0]) == pytest.approx(alpha, rel=1e-3)
    with pytest.warns(SidejumpWarning, match="phonons have up to 9"):
        warm = sj.separate(films, low_temperature=300.0, samples=0)
    assert abs(float(warm.term_value[0]) / alpha - 1) > 0.02


def test_the_hall_angle_is_not_small():
    """With a Hall angle of 0.3 the inversion to first order would be 10 % off."""
    films = exact_films("skew", coefficients={"alpha_0": 0.3}, remainder=0.0, temperatures=(5, 10))
    found = sj.separate(films, samples=0)
    assert float(found.term_value[0]) == pytest.approx(0.3, rel=1e-9)


# what the data cannot tell


def films_of(rows, **more):
    film, t, xx, yx = zip(*rows, strict=True)
    return sj.measured_films(film, t, xx, yx, hall="E_y/j_x", magnetisation="+z", **more)


TWO_FILMS = [("a", 5, 1.3, 0.002), ("a", 100, 3.3, 0.012), ("b", 5, 2.3, 0.005), ("b", 100, 4.3, 0.02)]
RHO_0 = {"a": 1.3, "b": 2.3}


@pytest.mark.parametrize(
    ("law", "rows", "more", "words"),
    [
        ("skew", TWO_FILMS[:2], {}, "one film"),
        ("hou", TWO_FILMS[:2], {}, "one film"),
        ("skew", TWO_FILMS, {"rho_0": {"a": 1.3, "b": 1.3}}, "same residual resistivity"),
        ("skew", [*TWO_FILMS[:2], ("b", 7, 2.3, 0.005), ("b", 140, 4.3, 0.02)], {}, "no two films share a temperature"),
        (
            "hou",
            [("a", 5, 1.3, 0.002), ("b", 5, 2.3, 0.005), ("c", 5, 3.3, 0.007)],
            {},
            "do not determine gamma_0_T, beta_T",
        ),
        ("shitade-nagaosa", TWO_FILMS[::2], {}, "do not determine"),
    ],
)
def test_what_is_not_determined_is_said(law, rows, more, words):
    with pytest.raises(InputError, match=words) as caught:
        sj.separate(films_of(rows, **more), law, samples=0)
    assert "\n" not in str(caught.value)


def test_the_terms_that_are_determined():
    rows = [
        (name, 5, rho, 1e-3 * rho + 2e-4 * rho**2) for name, rho in (("a", 1.3), ("b", 2.3), ("c", 3.3), ("d", 4.0))
    ]
    with pytest.warns(SidejumpWarning, match="gamma_0_T, beta_T not determined"):
        found = sj.separate(films_of(rows), "hou", partial=True, samples=0)
    assert found.term_determined.values.tolist() == [1, 1, 0, 0]
    np.testing.assert_allclose(found.term_value[:2], [-1e-3, -200.0], rtol=1e-3)
    assert np.isnan(found.term_value[2:]).all() and np.isnan(found.term_error[2:]).all()


def test_as_many_terms_as_points():
    with pytest.warns(SidejumpWarning, match="nothing is left to take errors from"):
        found = sj.separate(films_of(TWO_FILMS), samples=0)
    assert np.isnan(found.term_error).all() and np.isfinite(found.term_value).all()


def warned(films, law="skew", **keys):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = sj.separate(films, law, samples=0, **keys)
    assert [str(w.message) for w in caught] == found.attrs["warnings"]
    return " / ".join(found.attrs["warnings"])


def test_figures_that_look_wrong_are_said():
    assert warned(sj.synthetic_films("hou", seed=2), "hou") == ""
    # a remainder that depends on temperature is none of a law with constants
    said = warned(sj.synthetic_films("skew", remainder=rising), "shitade-nagaosa")
    assert "chi squared is" in said and "do not change with temperature" in said
    # phonons and static scatterers leave different remainders
    assert "remainders of the films differ" in warned(sj.synthetic_films("hou", noise_yx=0.001))
    # rho_0 from a point that is not cold
    rows = [(f, t, r + 0.01 * t, 0.01) for f, r in (("a", 1.0), ("b", 2.0)) for t in (20, 60)]
    assert "rho_0 of film a is taken at 20 K" in warned(films_of(rows))
    assert "above the smallest rho " in warned(films_of(TWO_FILMS, rho_0={"a": 1.4, "b": 2.3}))
    # films that noise alone tells apart
    alike = sj.synthetic_films(thickness=(10, 10.05), noise_xx=0.02)
    assert "times the noise of rho_xx and rho_0" in warned(alike)


def test_rho_is_not_rho_0():
    with pytest.raises(InputError, match="one number for each film"):
        films_of(TWO_FILMS, rho_0=[row[2] for row in TWO_FILMS])


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"law": "smit"}, 'law = "smit": use "skew"'),
        ({"law": "hou", "low_temperature": 10.0}, "a key of law 'skew'"),
        ({"low_temperature": 1.0}, "no point is at or below 1 K"),
        ({"low_temperature": float("nan")}, "must be above 0"),
        ({"match": -1.0}, "from 0 to 1"),
        ({"samples": 1}, "whole number"),
        ({"samples": 2.5}, "whole number"),
        ({"seed": -1}, "whole number from 0"),
    ],
)
def test_keys_that_are_refused(keys, words):
    with pytest.raises(InputError, match=words):
        sj.separate(films_of(TWO_FILMS), **keys)


def test_errors_as_large_as_the_numbers():
    rng = np.random.default_rng(0)
    rows = [(f, t, r + 0.01 * t, 0.01 * rng.normal()) for f, r in (("a", 1.0), ("b", 2.0)) for t in (5, 60)]
    films = films_of(rows, rho_xx_error=[3.0] * 4, rho_yx_error=[1e-6] * 4, rho_0={"a": 1.0, "b": 2.0})
    try:
        assert "noise" in warned(films, "hou")
    except InputError as error:
        assert "does not settle" in str(error)


# against a computed result


@pytest.fixture(scope="module")
def result():
    """A result in two dimensions, and films of the same."""
    impurities = sj.impurity(correlation="zero_range", density=1e11, strength=1.0, dimension=2)
    model = sj.MassiveDirac(mass=0.1, velocity=3.0)
    return sj.anomalous_hall(model, impurities, chemical_potential=0.2, temperatures=[40, 5, 20], energy_nodes=1)


def sheet_films(value):
    """Films whose remainder is `value` of temperature in e^2/h."""
    rows = []
    for name, rho_0 in (("a", 0.01), ("b", 0.02), ("c", 0.04)):
        for t in (5.0, 10.0, 20.0, 80.0):
            s = 1 / (rho_0 + 1e-4 * t)
            rows.append((name, t, *resistivity(s, 2e-3 * rho_0 * s**2 + value(t))))
    rho_0 = {"a": 0.01, "b": 0.02, "c": 0.04}
    return films_of(rows, unit="h/e^2", rho_0=rho_0)


def test_the_remainder_over_what_was_computed(result):
    yx = result.sel(a="y", b="x").sortby("temperature")
    at = {5.0: 0, 20.0: 1}

    def value(t):
        return float(yx.sigma_intrinsic_plus_side_jump[at[t]]) + 0.1 if t in at else 0.5

    with pytest.warns(SidejumpWarning, match="no value at 80 K"):
        found = sj.separate(sheet_films(value), computed=result, samples=0)
    for t, i in at.items():
        here = found.sel(temperature=t)
        assert float(here.common_computed) == pytest.approx(float(yx.sigma_intrinsic_plus_side_jump[i]), rel=1e-9)
        assert float(here.common_difference) == pytest.approx(0.1, abs=1e-7)
        expected = np.hypot(here.common_remainder_error, yx.sigma_intrinsic_plus_side_jump_error[i])
        assert float(here.common_difference_error) == pytest.approx(float(expected))
    between = float(found.sel(temperature=10.0).common_computed)
    low_end, high_end = sorted(float(x) for x in yx.sigma_intrinsic_plus_side_jump[:2])
    assert low_end <= between <= high_end
    assert np.isnan(found.sel(temperature=80.0).common_difference)
    rows = found.point_temperature == 5.0
    np.testing.assert_allclose(found.difference[rows], 0.1, atol=1e-7)


def test_computed_results_that_do_not_fit(result):
    films = sheet_films(lambda t: -0.5)
    with pytest.warns(SidejumpWarning, match="opposite sign"):
        sj.separate(films, computed=result, samples=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*no value at 80 K")
        found = sj.separate(films, computed=result, reverse=True, samples=0)
    assert float(found.common_computed[0]) < 0
    phonons = result.assign_attrs(scatterers='["acoustic deformation potential"]', warnings=["a", "b"])
    said = warned(films, computed=phonons, reverse=True)
    assert "computed with acoustic deformation potential alone, while static scatterers have 83 to" in said
    assert "the computed result has 2 warnings of its own" in said
    with pytest.raises(InputError, match="that of a layer"):
        sj.separate(films_of(TWO_FILMS), computed=result, samples=0)
    scan = result.expand_dims(chemical_potential=[0.1])
    with pytest.raises(InputError, match="is a scan"):
        sj.separate(films, computed=scan, samples=0)
    with pytest.raises(InputError, match="compute at temperatures of the films"):
        sj.separate(films, computed=result.assign_coords(temperature=[400.0, 200.0, 300.0]), samples=0)
    unknown = result.copy(deep=True)
    unknown.sigma_intrinsic_plus_side_jump[:] = np.nan
    with pytest.raises(InputError, match="no value that is trusted"):
        sj.separate(films, computed=unknown, samples=0)
