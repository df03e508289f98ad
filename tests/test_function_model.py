"""A user's H(k): both conventions of a lattice, and one sentence for what cannot be used."""

import copy
import pickle

import numpy as np
import pytest

import sidejump as sj
from helpers_models import MODELS, points, warped
from sidejump import InputError
from sidejump.bands.user_function import require_model
from sidejump.transport import Problem, TransportSettings
from sidejump.transport.own import OwnShells
from sidejump.units import KB, conductivity_unit

CELL = np.array([[2.46, 0.0], [1.23, 2.1304]])
SITES = np.array([[1 / 3, 1 / 3], [2 / 3, 2 / 3]])  # units of the lattice vectors
SECOND = [(1, 0), (0, -1), (-1, 1)]


def lattice():
    """Haldane's model hop by hop, with a mass: in the atomic gauge."""
    builder = sj.TightBinding(CELL, [(site, 1) for site in SITES]).onsite(0, 0.02).onsite(1, -0.02)
    for vector in [(0, 0), (-1, 0), (0, -1)]:
        builder.hop(0, 1, vector, -1.0)
    for vector in SECOND:
        builder.hop(0, 0, vector, 0.05j).hop(1, 1, vector, -0.05j)
    return builder.build()


def periodic(k):
    """The same with H(k + G) = H(k)."""
    phase = k @ CELL.T
    diagonal = 0.02 - 0.1 * sum(np.sin(phase @ np.array(v)) for v in SECOND)
    h = np.zeros((len(k), 2, 2), dtype=complex)
    h[:, 0, 0], h[:, 1, 1] = diagonal, -diagonal
    h[:, 0, 1] = -1 - np.exp(-1j * phase[:, 0]) - np.exp(-1j * phase[:, 1])
    h[:, 1, 0] = -1 - np.exp(1j * phase[:, 0]) - np.exp(1j * phase[:, 1])
    return h


def atomic(k):
    """The same with H(k + G) = exp(-iG.tau) H(k) exp(iG.tau)."""
    angle = k @ (SITES @ CELL).T
    return np.exp(-1j * angle)[:, :, None] * periodic(k) * np.exp(1j * angle)[:, None, :]


def of(h, **options):
    return sj.FunctionModel(h, dimension=2, **({"cell": CELL, "sites": SITES @ CELL} | options))


@pytest.mark.parametrize("h, gauge", [(periodic, "periodic"), (atomic, "atomic")])
def test_both_conventions_are_the_lattice_model(h, gauge):
    model, expected = of(h), lattice()
    assert model.gauge == gauge and model.gradient_method == "complex"
    k = points(expected)
    for name in ("hamiltonian", "hamiltonian_gradient"):
        np.testing.assert_allclose(getattr(model, name)(k), getattr(expected, name)(k), atol=1e-12)
    second = expected.hamiltonian_hessian(k)
    np.testing.assert_allclose(model.hamiltonian_hessian(k), second, atol=1e-6 * np.abs(second).max())
    assert of(h, gauge=gauge).gauge == gauge
    own = of(h, gradient=lambda x: derivative(h, x))
    assert own.gradient_method == "given"
    np.testing.assert_allclose(own.hamiltonian_gradient(k), expected.hamiltonian_gradient(k), atol=1e-9)


def derivative(h, k, step=1e-3):
    near, far = ([h(k + s * d) - h(k - s * d) for d in np.eye(2)] for s in (step, 2 * step))
    return np.stack([(8 * a - b) / (12 * step) for a, b in zip(near, far, strict=True)], axis=1)


def test_side_jump_depends_on_the_sites_and_not_on_the_convention():
    defects = sj.impurity(correlation="zero_range", density=1e11, strength=1.0, dimension=2)

    def hall(model):
        problem = Problem(model, [defects], 0.4, TransportSettings(energy_nodes=1, geometry="own"))
        shells = OwnShells(problem, problem.shell(0.4, problem.spacings.base, whole=True), KB * 50)
        found = shells.solve(KB * 50, 1)[0]
        side_jump = conductivity_unit(2)[0] * (found.side_jump_velocity + found.side_jump_distribution)
        intrinsic = sj.intrinsic_conductivity(model, 0.4, [50], mesh=12).conductivity[0, 0]
        return side_jump, intrinsic, found.boltzmann

    expected = hall(lattice())
    assert expected[0][1, 0] < -0.1
    for h in (periodic, atomic):
        for found, wanted in zip(hall(of(h)), expected, strict=True):
            np.testing.assert_allclose(found, wanted, atol=1e-10 * np.abs(wanted).max())
    together = hall(of(periodic, sites=np.zeros((2, 2))))
    assert together[0][1, 0] < 1.5 * expected[0][1, 0]  # all orbitals on one site is another crystal


ONE = {"cell": None, "sites": None}


@pytest.mark.parametrize(
    "build, words",
    [
        (lambda: of(periodic, sites=None), ["sites= is missing", "2 orbitals", "np.zeros((2, 2))"]),
        (lambda: of(atomic, sites=SITES), ["neither convention", "units of the lattice vectors"]),
        (lambda: of(atomic, sites=1.1 * SITES @ CELL), ["neither convention", "element [", "eV", "G = ["]),
        (lambda: of(atomic, gauge="periodic"), ['not of gauge = "periodic"', 'it is that of gauge = "atomic"']),
        (lambda: of(periodic, gauge="atomic"), ['not of gauge = "atomic"', "differs"]),
        (lambda: of(periodic, gauge="lattice"), ['"periodic" or "atomic"']),
        (lambda: of(periodic, sites=[[0, 0], CELL[0] + CELL[1]]), ["fits both conventions", "gauge ="]),
        (lambda: of(periodic, sites=np.zeros((3, 2))), ["sites has shape (3, 2)", "(2, 2)"]),
        (lambda: of(periodic, cell=[[1, 0], [2, 0]]), ["no volume"]),
        (lambda: of(periodic, cell=None), ["give cell="]),
        (lambda: of(periodic, **ONE), ["neither grows nor settles", "cell="]),
        (lambda: of(periodic, **ONE, search_half_width=0.3), ["neither grows nor settles", "cell="]),
        (lambda: of(lambda k: periodic(k).astype(np.complex64)), ["complex64", "double precision"]),
        (lambda: of(lambda k: periodic(k).real.astype(np.float32)), ["float32", "double precision"]),
        (lambda: of(lambda k: periodic(k).astype(np.complex64).astype(complex)), ["jumps by", "double precision"]),
        (lambda: of(lambda k: periodic(k).tolist()), ["returns a list"]),
        (lambda: of(lambda kx, ky: periodic(kx)), ["takes 2 arguments", "k[:, 0]"]),
        (lambda: of(lambda k: 1 / 0), ["raised ZeroDivisionError", "(nk, 2)"]),
        (lambda: of(lambda k: k.nothing), ["raised AttributeError"]),
        (lambda: of(lambda k: periodic(k)[0]), ["shape (2, 2)", "expected (5, N, N)"]),
        (lambda: of(lambda k: np.array([[k[0], k[1]], [k[1], k[0]]])), ["shape (2, 2, 2)"]),
        (lambda: of(lambda k: periodic(k) * np.nan), ["not finite at k"]),
        (lambda: of(lambda k: periodic(k) * 1j), ["not Hermitian", "element"]),
        (lambda: of(lambda k: periodic(k - k.mean(axis=0))), ["depends on the other rows"]),
        (lambda: of(lambda k: np.multiply(k, 2, out=k)[:, :, None] * np.eye(2)), ["changes its argument"]),
        (lambda: of(lambda k: np.full((len(k), 2, 2), "x")), ["numbers"]),
        (lambda: of(7), ["not a function"]),
        (lambda: of(periodic, gradient=lambda k: periodic(k)), ["gradient(k) has shape"]),
        (lambda: of(periodic, gradient=lambda k: [1]), ["gradient(k) returns a list"]),
        (lambda: of(periodic, spin=[[[0, 1], [0, 0]]] * 3), ["spin", "Hermitian"]),
        (lambda: of(warped, **ONE, search_half_width=-1), ["search_half_width"]),
        (lambda: sj.FunctionModel(warped, dimension=True), ["2 or 3"]),
    ],
)
def test_one_sentence(build, words):
    with pytest.raises(sj.InputError) as caught:
        build()
    sentence = str(caught.value)
    assert all(word in sentence for word in words), sentence
    assert "\n" not in sentence


def test_k_p_functions_are_not_taken_for_lattices():
    """Neither polynomials nor those that level off."""
    cone = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]], dtype=complex)

    def regularised(k):
        k2 = np.sum(k**2, axis=1)[:, None, None]
        return k2 / (1 + k2) * cone

    for h in (warped, regularised, lambda k: k[:, :1, None] * cone + 0j * k[:, 1:, None]):
        assert sj.FunctionModel(h, dimension=2, search_half_width=0.3).gauge is None


class Wrong(sj.ElectronModel):
    """A user's own class whose gradient is that of another Hamiltonian."""

    dimension, n_orbitals, cell = 2, 2, CELL

    def hamiltonian(self, k):
        return atomic(k)

    def hamiltonian_gradient(self, k):
        return np.zeros((len(k), 2, 2, 2))


def test_models_of_other_classes_are_judged():
    defects = sj.impurity(correlation="zero_range", density=1e11, strength=1.0, dimension=2)
    with pytest.raises(sj.InputError, match=r"Wrong\.hamiltonian_gradient"):
        sj.anomalous_hall(Wrong(), [defects], chemical_potential=0.4, temperatures=[50])


@pytest.mark.parametrize("name", MODELS)
def test_models_are_stored_copied_and_shown(name):
    model = MODELS[name]()
    k = points(model)
    expected = model.hamiltonian_gradient(k)
    for other in (pickle.loads(pickle.dumps(model)), copy.copy(model), copy.deepcopy(model)):
        np.testing.assert_array_equal(other.hamiltonian_gradient(k), expected)
    assert repr(model).startswith(f"{type(model).__name__}(dimension={model.dimension}")


@pytest.mark.parametrize(
    "build, words",
    [
        (lambda: sj.MassiveDirac(mass=np.nan, velocity=1.0), "mass = NaN"),
        (lambda: sj.MassiveDirac(mass="0.1", velocity=1.0), "plain number"),
        (lambda: sj.MassiveDirac(mass=0.1, velocity=1.0, tilt=(np.inf, 0)), "tilt"),
        (lambda: sj.MassiveDirac(mass=0.1, velocity=1.0, tilt=(1.0, 0)), "open"),
        (lambda: sj.Weyl(velocity=np.inf, node=0.1), "velocity"),
        (lambda: sj.Luttinger(gamma1=7, gamma2=2, gamma3=2, exchange=(0, 0)), "exchange"),
        (lambda: sj.RashbaFerromagnet(effective_mass=1, rashba=None, exchange=0.1), "rashba"),
    ],
)
def test_models_obey_the_rules_of_input_files(build, words):
    with pytest.raises(sj.InputError, match=words):
        build()


@pytest.mark.parametrize("reach", [1, 8, 20])
def test_long_hops_are_a_model_too(reach):
    """Derivatives by differences must follow hops over many cells, of the package's models and of functions alike."""
    builder = sj.TightBinding(4.0 * np.eye(2), [((0, 0), 1)]).hop(0, 0, (0, 1), -0.5)
    model = builder.hop(0, 0, (reach, 0), -0.5).build()
    require_model(model)
    function = sj.FunctionModel(
        model.hamiltonian, gradient=model.hamiltonian_gradient, dimension=2, cell=model.cell, sites=np.zeros((1, 2))
    )
    assert function.gradient_method == "given"
    with pytest.raises(InputError, match="not the derivative"):
        sj.FunctionModel(
            model.hamiltonian,
            gradient=lambda k: 1.01 * model.hamiltonian_gradient(k),
            dimension=2,
            cell=model.cell,
            sites=np.zeros((1, 2)),
        )


def test_zero_of_energy_is_no_period():
    """A k.p Hamiltonian far from the zero of energy still grows."""

    def h(k):
        return 3.0 * (k[:, 0, None, None] * sj.PAULI[0] + k[:, 1, None, None] * sj.PAULI[1]) + 1e4 * np.eye(2)

    assert sj.FunctionModel(h, dimension=2).cell is None


def test_shape_is_judged_for_every_batch():
    def h(k):
        value = k[:, 0, None, None] * sj.PAULI[0] + k[:, 1, None, None] * sj.PAULI[1]
        return value if len(k) < 200 else value[:-1]

    model = sj.FunctionModel(h, dimension=2)
    with pytest.raises(InputError, match=r"has shape \(299, 2, 2\) for 300 wave vectors"):
        model.hamiltonian(np.ones((300, 2)))
