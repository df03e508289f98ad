"""Numbers that nothing can be computed with: every public constructor refuses them by name, with what to give."""

import warnings

import numpy as np
import pytest

import sidejump as sj
from sidejump.app.run import prepare
from test_converge import INPUT
from test_scatterers import COULOMB, VALID, in_a_file

K_P = {
    sj.MassiveDirac: {"mass": 0.1, "velocity": 3.0},
    sj.RashbaFerromagnet: {"effective_mass": 0.6, "rashba": 1.0, "exchange": 0.05},
    sj.Weyl: {"velocity": 2.0, "node": 0.1, "axial_velocity": 1.0},
    sj.Luttinger: {"gamma1": 7.0, "gamma2": 2.0, "gamma3": 2.9},
}
NUMBERS = [
    *((getattr(sj, kind), values | {"dimension": 2}, key) for kind, values in VALID.items() for key in values),
    *((sj.impurity, COULOMB | {"dimension": 3}, key) for key in COULOMB),
    (sj.impurity, VALID["impurity"] | {"dimension": 2, "skewness": 0.5}, "skewness"),
    *((kind, values, key) for kind, values in K_P.items() for key in values),
]
NUMBERS = [(make, values, key) for make, values, key in NUMBERS if isinstance(values[key], float)]


def refused(make) -> str:
    """The sentence, with no word from NumPy on the way."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(sj.InputError) as caught:
            make()
    return str(caught.value)


@pytest.mark.parametrize("value", [1e200, 1e308, -1e200, 1e60, 1e-200, 5e-324, 10**400, np.nan, np.inf, "1", 1j])
@pytest.mark.parametrize(
    ("make", "values", "key"), NUMBERS, ids=[f"{make.__name__}-{key}-{n}" for n, (make, _, key) in enumerate(NUMBERS)]
)
def test_parameters_of_scatterers_and_models(make, values, key, value):
    sentence = refused(lambda: make(**values | {key: value}))
    assert f"{key} = " in sentence
    if isinstance(value, float) and np.isfinite(value) and value > 0:
        assert "too large" in sentence or "too small" in sentence


@pytest.mark.parametrize(
    ("make", "values", "key"), NUMBERS, ids=[f"{make.__name__}-{key}-{n}" for n, (make, _, key) in enumerate(NUMBERS)]
)
def test_what_is_large_and_small_is_computed_with(make, values, key):
    """Far beyond all that is measured, within what floating-point numbers hold."""
    for value in (1e30, 1e-30):
        if key in ("dielectric_infinity", "gamma1", "gamma2", "gamma3", "dielectric_static"):  # relative to others
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            made = make(**values | {key: value})
            for branch in getattr(made, "branches", ()):
                assert np.isfinite(branch.coupling(np.array([1e-3, 1.0]))).all() and branch.reach > 0


def test_files_have_the_same_bounds():
    sentence = refused(lambda: in_a_file("impurity", VALID["impurity"] | {"strength": 1e200}))
    assert "strength = 1e+200: too large to be computed with; give at most 1e+50" in sentence and "eV nm^2" in sentence
    sentence = refused(lambda: in_a_file("impurity", VALID["impurity"] | {"density": 1e-200}))
    assert "density = 1e-200: too small to be computed with; give at least 1e-50 (cm^-2" in sentence


HOPS = {
    "cell": np.eye(2),
    "vectors": np.array([[0, 0], [1, 0], [-1, 0]]),
    "hoppings": np.ones((3, 1, 1)),
    "positions": np.zeros((3, 2, 1, 1)),
    "sites": np.zeros((1, 2)),
    "spin": np.zeros((3, 1, 1)),
}


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e200])
@pytest.mark.parametrize("name", [name for name in HOPS if name != "vectors"])
def test_arrays_of_lattice_models(name, value):
    """NaN in hoppings passed for a Hermitian model."""
    array = np.array(HOPS[name], dtype=float)
    array.flat[0] = value
    assert refused(lambda: sj.LatticeModel(**HOPS | {name: array})).startswith(f"lattice model: {name} holds ")
    assert f"lattice model: {name} = " in refused(lambda: sj.LatticeModel(**HOPS | {name: [["x"]]}))


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e200, "x"])
def test_other_models_and_operators(value):
    chain = sj.TightBinding(np.eye(2), [((0.0, 0.0), 1)])
    rashba = sj.RashbaFerromagnet(effective_mass=0.6, rashba=1.0, exchange=0.0)
    dirac = sj.MassiveDirac(mass=0.1, velocity=3.0)
    assert refused(lambda: sj.TightBinding([[value, 0], [0, 1]], [((0, 0), 1)])).startswith("cell ")
    assert refused(lambda: sj.TightBinding(np.eye(2), [((value, 0), 1)])).startswith("sites ")
    assert refused(lambda: chain.onsite(0, value)).startswith("sites 0, 0: matrix ")
    assert refused(lambda: chain.hop(0, 0, (1, 0), value)).startswith("sites 0, 0: matrix ")
    assert refused(lambda: sj.WithZeeman(rashba, (0, 0, value))).startswith("zeeman (eV) ")
    for key in ("strength", "energy", "cutoff"):
        given = {"strength": 0.1, "energy": 0.2, "cutoff": 1.0} | {key: value}
        assert f"t_matrix: {key} = " in refused(lambda given=given: sj.t_matrix(dirac, **given))
    if value != "x":
        operator = sj.Observable("own", np.diag([value, 1.0]))
        assert refused(lambda: operator.tensor(dirac, np.zeros((1, 2)))).startswith(
            "observable own: the operator holds"
        )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"chemical_potential": 1e200}, "chemical_potential holds a number too large"),
        ({"chemical_potential": [0.2, 1e-200]}, "chemical_potential holds a number too small"),
        ({"chemical_potential": 10**400}, "chemical_potential = 1000"),
        ({"temperatures": [1e200]}, "temperatures holds a number too large"),
        ({"temperatures": [1e-200]}, "too small to be computed with; give at least 1e-50 (K)"),
        ({"temperatures": [10**400]}, "temperatures = [1000"),
        ({"carrier_density": 1e200}, "carrier_density holds a number too large"),
        ({"model": sj.MassiveDirac(mass=0.1, velocity=1e-15)}, r"reaches |k| = 1.8e+14 1/angstrom"),
        ({"model": sj.RashbaFerromagnet(effective_mass=0.6, rashba=1e15, exchange=0.0)}, "many powers of ten"),
        ({"model": sj.FunctionModel(lambda k: k[:, :1, None], dimension=2, search_half_width=1e9)}, "|k| = 1e+09"),
    ],
)
def test_what_a_run_is_asked_for(change, words):
    asked = {"chemical_potential": 0.2, "temperatures": [20.0]} | change
    model = asked.pop("model", sj.MassiveDirac(mass=0.1, velocity=3.0))
    impurities = sj.impurity(correlation="zero_range", density=1e11, strength=1.0, dimension=2)
    sentence = refused(lambda: sj.anomalous_hall(model, impurities, **asked))
    assert words in sentence and len(sentence) < 300


@pytest.mark.parametrize("value", [1e200, 1e-200, 10**400])
def test_levels_in_files(value):
    for levels in (value, [0.2, value]):
        electrons = INPUT["electrons"] | {"chemical_potential": levels}
        assert "[electrons] chemical_potential" in refused(lambda e=electrons: prepare(INPUT | {"electrons": e}))
