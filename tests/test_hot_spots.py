"""Shells of several finenesses: hot spots, the ladder of spacings, the thermal window."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.spatial import cKDTree
from scipy.special import expit

from sidejump import PAULI, InputError
from sidejump.bands.base import ElectronModel
from sidejump.bands.states import shell_states
from sidejump.bands.tight_binding import TightBinding
from sidejump.bands.weyl import Weyl
from sidejump.energy.thermal import thermal_nodes
from sidejump.interactions.base import Branch, Scatterer
from sidejump.surfaces.placement import placement
from sidejump.transport import TransportSettings, run_transport
from sidejump.transport.hot_spots import HotSpots, with_hot_spots
from sidejump.transport.problem import Problem
from sidejump.transport.shared import SharedShell
from sidejump.units import KB, conductivity_unit


def phonons(dimension=3, sound=0.01):
    return Scatterer("debye", dimension, (Branch(lambda q: 0.5 * sound * q, lambda q: sound * q),), "identity", sound)


def ferromagnet(spin_orbit=0.08):
    """Simple cubic lattice whose spin bands cross on a surface of k space; spin-orbit coupling opens a small gap."""
    builder = TightBinding(2.8 * np.eye(3), [((0, 0, 0), 1)], spinful=True)
    for axis in range(3):
        # the majority spin moves easily along z, the minority spin in the plane
        spin = 0.25 * PAULI[2] * (1.0 if axis == 2 else -0.5)
        builder.hop(0, 0, np.eye(3, dtype=int)[axis], -0.4 * np.eye(2) - spin - 0.5j * spin_orbit * PAULI[axis])
    return builder.onsite(0, 0.1 * PAULI[2]).build()


MU = -0.9
WEYL = Weyl(velocity=2.0, node=0.2, tilt=(0.0, 0.3, 0.5))
CASES = {"lattice": (ferromagnet(), MU, {}), "weyl": (WEYL, 0.1, {"spacing": 0.08})}


def problem_of(name, **settings):
    model, mu, more = CASES[name]
    return Problem(model, [phonons()], mu, TransportSettings(**({"symmetry": "off"} | more | settings)))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("t", "nodes"), [(100.0, 1), (400.0, 1), (100.0, 3), (300.0, 5)])
def test_fine_equal_to_coarse_is_the_plain_side_jump(name, t, nodes):
    problem = problem_of(name)
    shell = problem.shell(problem.mu, problem.spacings.base, levels=0)
    solver = SharedShell(problem, shell, KB * t)
    # a second temperature in the same pass, with a distribution of its own, must not disturb the first
    kts = [KB * t, KB * 1.5 * t]
    responses = [solver.solve(kt, nodes)[0] for kt in kts]
    response = responses[0]
    found = [x.side_jump for x in HotSpots(problem, shell).on_fine(solver, kts, responses, [nodes, nodes])]
    scale = np.abs(response.side_jump_velocity).max()
    assert scale > 0
    np.testing.assert_allclose(found[0], response.side_jump_velocity, rtol=0, atol=2e-4 * scale)
    alone = [x.side_jump for x in HotSpots(problem, shell).on_fine(solver, kts[1:], responses[1:], [nodes])]
    np.testing.assert_allclose(found[1], alone[0], rtol=0, atol=1e-6 * scale)


def test_fine_shell_reaches_the_plain_solution_on_it():
    """The shift on the fine shell with g from the coarse one is what the fine shell gives when g is solved on it."""
    kt = KB * 300.0
    problem = problem_of("lattice", turn=0.35, symmetry="auto")
    coarse_shell, fine = (problem.shell(MU, 4 * problem.spacings.base, levels=l, several=True) for l in (1, 2))
    assert len(fine) > 1.8 * len(coarse_shell)
    coarse = SharedShell(problem, coarse_shell, kt)
    plain = coarse.solve(kt, 1)[0]
    found = HotSpots(problem, fine).on_fine(coarse, [kt], [plain])[0].side_jump
    whole = SharedShell(problem, fine, kt).solve(kt, 1)[0].side_jump_velocity
    assert np.abs(found - whole).max() < 0.03 * np.abs(whole).max()
    same = HotSpots(problem, coarse_shell).on_fine(coarse, [kt], [plain])[0].side_jump
    scale = np.abs(plain.side_jump_velocity).max()
    np.testing.assert_allclose(same, plain.side_jump_velocity, rtol=0, atol=1e-5 * scale)


def _hottest(problem, shell) -> float:
    """The largest angle by which a state turns over the patch that its point stands for, radians."""
    states = shell_states(problem.model, shell.k, shell.band, problem.settings.degeneracy)
    return float((np.linalg.norm(states.covariant[:, :, 0], axis=(1, 2)) * np.sqrt(shell.patch)).max())


@pytest.mark.parametrize("replica", range(6))
def test_no_point_in_a_hot_spot_stands_for_a_large_cell(replica):
    """Seen from the centre of its cell alone states turned by 1.5 to 10.6 radians over the patch of a point, and one
    of these six replicas had a side jump off by four times the value."""
    problem = Problem(ferromagnet(0.02), [phonons()], MU, TransportSettings()).laid(0.35, replica)
    fine = problem.fine_shell(MU, problem.spacings.base)
    assert _hottest(problem, fine) < 1.2 * problem.settings.turn / problem.settings.accuracy


def test_they_take_the_spread_from_an_unrefined_shell():
    """Of five ways to lay the points: 13 % of the mean without them, 2 % with them."""
    kt, spreads = KB * 300.0, []
    for replica in range(5):
        problem = problem_of("lattice", symmetry="auto").laid(0.7, replica)
        coarse_shell, fine = (problem.shell(MU, 2 * problem.spacings.base, levels=l, several=True) for l in (0, 2))
        coarse = SharedShell(problem, coarse_shell, kt)
        plain = coarse.solve(kt, 1)[0]
        found = HotSpots(problem, fine).on_fine(coarse, [kt], [plain])[0].side_jump
        spreads.append([x[0, 1] - x[1, 0] for x in (plain.side_jump_velocity, found)])
    plain_spread, spread = np.std(spreads, axis=0, ddof=1) / np.mean(spreads, axis=0)
    assert plain_spread > 0.1
    assert spread < 0.3 * plain_spread


def test_the_run_uses_them():
    """run_transport with splits of the shift alone against one that splits the distribution's shell as far."""
    model, mu, _ = CASES["weyl"]
    common = dict(chemical_potential=mu, temperatures=[300.0])
    refined = run_transport(
        model, [phonons()], **common,
        settings=TransportSettings(energy_nodes=1, geometry="shared", levels=3, spacing=0.12),
    )  # fmt: skip
    plain = run_transport(
        model, [phonons()], **common,
        settings=TransportSettings(energy_nodes=1, geometry="shared", levels=0, spacing=0.06),
    )  # fmt: skip
    assert np.isnan(plain.report["hot_spot_change"][0]) and refined.report["hot_spot_change"][0] > 0
    scale = np.abs(plain.side_jump_velocity).max()
    np.testing.assert_allclose(refined.side_jump_velocity, plain.side_jump_velocity, atol=0.05 * scale)
    np.testing.assert_allclose(refined.side_jump_distribution[0], -refined.side_jump_velocity[0].T, atol=1e-3 * scale)


class Moved(ElectronModel):
    """A model in another frame of k: the mesh of the search then has another origin, and no operation is left."""

    def __init__(self, model, origin):
        self.model, self.origin, self.dimension = model, origin, model.dimension
        self.n_orbitals, self.cell, self.spin = model.n_orbitals, model.cell, model.spin

    def hamiltonian(self, k):
        return self.model.hamiltonian(k + self.origin)

    def hamiltonian_gradient(self, k):
        return self.model.hamiltonian_gradient(k + self.origin)

    def hamiltonian_hessian(self, k):
        return self.model.hamiltonian_hessian(k + self.origin)


def test_cold_side_jump_whatever_the_origin_of_the_mesh():
    """Converged: 673.2 S/cm. With the shift summed over a shell of the base spacing, on which cold phonons are not
    resolved, these origins give 640 and 573."""
    found = []
    for seed in (0, 1):
        origin = np.random.default_rng(seed).random(3) @ ferromagnet().reciprocal_cell
        result = run_transport(
            Moved(ferromagnet(), origin), [phonons(sound=0.0329)], chemical_potential=MU, temperatures=[10.0],
            settings=TransportSettings(energy_nodes=1, geometry="shared", symmetry="off"),
        )  # fmt: skip
        sigma = result.side_jump_velocity[0] + result.side_jump_distribution[0]
        found.append(conductivity_unit(3)[0] * 0.5 * (sigma[1, 0] - sigma[0, 1]))
    np.testing.assert_allclose(found, 673.2, rtol=0.015)


@pytest.mark.parametrize("symmetry", ["auto", "off"])
@pytest.mark.parametrize("finer", [1.0, 0.5])
def test_no_cell_of_the_fine_shell_is_coarser(symmetry, finer):
    """Every point of the solved shell has a point of the fine one next to it that stands for no larger a patch."""
    problem = problem_of("lattice", symmetry=symmetry, turn=0.2)
    spacing = finer * problem.spacings.base
    solved, fine = problem.solved_shell(MU, spacing), problem.fine_shell(MU, spacing)
    assert len(fine) >= len(solved)
    distance, nearest = cKDTree(fine.k).query(solved.k)
    assert distance.max() < spacing
    large = fine.patch[nearest] > 1.5 * solved.patch  # slivers beside a large patch are no cells of their own
    assert solved.area[large].sum() < 0.02 * solved.area.sum()
    assert fine.patch.max() < 1.01 * solved.patch.max()


@pytest.mark.parametrize("replica", range(6))
def test_replicas_of_symmetric_meshes_are_other_points_of_the_same_shell(replica):
    """None holds many more irreducible points than the plain mesh, and each has its density of states."""
    plain = problem_of("lattice", symmetry="auto")
    problem = problem_of("lattice", symmetry="auto", replica=replica)
    reference, shell = (p.solved_shell(MU, p.spacings.base) for p in (plain, problem))
    assert len(shell.operations) == len(reference.operations) > 1
    assert 0.7 < len(shell) / len(reference) < 1.5
    assert shell.weight.sum() == pytest.approx(reference.weight.sum(), rel=5e-3)
    distance, _ = cKDTree(reference.k).query(shell.k)
    assert np.median(distance) > 0


def test_replicas_of_one_level_use_meshes_of_their_own():
    stretches = [placement(replica).stretch for replica in range(16)]
    assert len({(first, last) for first, _, last in stretches}) == 16
    assert all(len({s[0] for s in stretches[i : i + 4]}) == 4 for i in (0, 4, 8, 12))
    assert np.min(stretches) == 0  # no mesh is coarser than what is asked for


# --- the ladder of spacings -----------------------------------------------------------------------------------------


def test_spacings_of_cold_phonons_in_three_dimensions():
    """Half the spacing at most once; below, it is known how far apart the points remain."""
    problem = problem_of("lattice")
    base, sound = problem.spacings.base, problem.scatterers[0].sound_velocity
    crossover = 0.45 * base * sound / KB  # T below which kT / c holds less than 1 / 0.45 cells
    ladder = [problem.spacings.at(t) for t in (10 * crossover, 1.01 * crossover, 0.99 * crossover, 0.51 * crossover)]
    np.testing.assert_allclose(ladder, [base, base, base / 2, base / 2])
    assert all(problem.spacings.coarseness(t) <= 1.0 for t in (10 * crossover, 1.01 * crossover, 0.51 * crossover))
    assert problem.spacings.at(0.25 * crossover) == pytest.approx(base / 2)
    assert problem.spacings.coarseness(0.25 * crossover) == pytest.approx(2.0)


def test_spacings_in_two_dimensions():
    """A ladder of square roots of two, as far down as it takes, never above what is asked for."""
    from sidejump import MassiveDirac

    model = MassiveDirac(mass=1.0, velocity=1.0)
    problem = Problem(model, [phonons(2)], 2.0, TransportSettings())
    temperatures = np.geomspace(0.05, 500, 60)
    spacing = np.array([problem.spacings.at(t) for t in temperatures])
    assert np.all(np.diff(spacing) >= 0) and spacing[-1] == problem.spacings.base
    wanted = KB * temperatures / problem.scatterers[0].sound_velocity / 1.2
    cold = wanted < problem.spacings.base
    assert cold.any() and not cold.all()
    assert np.all(spacing[cold] <= wanted[cold] * (1 + 1e-9))
    assert np.all(spacing[cold] > wanted[cold] / np.sqrt(2) * (1 - 1e-9))
    steps = np.log2(problem.spacings.base / spacing[cold]) * 2
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-9)
    assert not problem.warnings


@pytest.mark.parametrize("accuracy", [1.0, 2.0])
def test_accuracy_divides_every_spacing(accuracy):
    problem, plain = problem_of("weyl", accuracy=accuracy), problem_of("weyl")
    assert problem.spacings.base == pytest.approx(plain.spacings.base / accuracy)
    t = 0.6 * 0.45 * plain.spacings.base * plain.scatterers[0].sound_velocity / KB
    assert problem.spacings.at(t) == pytest.approx(plain.spacings.at(t) / accuracy)


def coarse_noise(shells, level):
    """Spread (e^2/hbar/angstrom) of the side jump that placements of the distribution's shell alone make, on the
    points of one fine shell at a level: what is of the second order in the distribution."""
    problem = Problem(ferromagnet(0.008), [phonons()], MU, TransportSettings(energy_nodes=1))
    laid = [problem.laid(0.35 * 2 ** (level / 2), number) for number in range(5)]
    fine, kt, found = laid[0].fine_shell(MU, laid[0].spacings.base), KB * 300.0, []
    for one in laid:
        solver = SharedShell(one, shells(one), kt, residuals=True)
        plain = solver.solve(kt, 1)[0]
        found.append(with_hot_spots(one, solver, fine, [kt], [plain], one.spacings.base)[0].side_jump_velocity[1, 0])
    return np.std(found, ddof=1)


@pytest.mark.parametrize(
    "shells",
    [lambda p: p.shells_of_change(MU)[0], lambda p: p.solved_shell(MU, p.spacings.base)],
    ids=["thermal window", "Fermi surface"],
)
def test_what_the_distribution_is_off_by_falls_with_the_levels(shells):
    """Gaps of 8 meV, which no level of a run resolves on the shell of the distribution without splits that follow:
    the spread would be the same two levels on."""
    assert coarse_noise(shells, 2) < 0.4 * coarse_noise(shells, 0)


@pytest.mark.parametrize("level", [0, 2, 4])
def test_the_distribution_has_no_more_splits_than_the_shift(level):
    problem = Problem(ferromagnet(), [phonons()], MU, TransportSettings(levels=2)).laid(0.35 * 2 ** (level / 2), 0)
    coarse, fine = problem.solved_shell(MU, problem.spacings.base), problem.fine_shell(MU, problem.spacings.base)
    assert (coarse is fine) == (level > 0)


def test_static_scatterers_ask_for_no_fine_shell():
    static = Scatterer("static", 3, (Branch(lambda q: 1.0 + 0 * q),))
    problem = Problem(WEYL, [static], 0.1, TransportSettings(spacing=0.1))
    assert problem.spacings.at(1e-3) == problem.spacings.base


def test_cold_shell_in_a_run():
    """Two temperatures on two rungs; the colder takes more states, and the warning is in the report."""
    model, mu, more = CASES["weyl"]
    base, sound = more["spacing"], 0.01
    crossover = 0.45 * base * sound / KB
    settings = TransportSettings(energy_nodes=1, geometry="shared", levels=0, **more)
    one = dict(chemical_potential=mu, settings=settings)
    hot = run_transport(model, [phonons()], temperatures=[1.5 * crossover], **one)
    cold = run_transport(model, [phonons()], temperatures=[0.8 * crossover], **one)
    assert cold.report["states"] > 2 * hot.report["states"]
    assert not any("farther apart" in w for w in hot.report["warnings"] + cold.report["warnings"])
    both = run_transport(model, [phonons()], temperatures=[1.5 * crossover, 0.3 * crossover], **one)
    assert any("farther apart" in w for w in both.report["warnings"])
    np.testing.assert_allclose(both.boltzmann[0], hot.boltzmann[0], rtol=1e-6, atol=1e-6 * hot.boltzmann.max())


# --- memory ---------------------------------------------------------------------------------------------------------


def test_what_does_not_fit_is_refused():
    model, mu, more = CASES["weyl"]
    settings = TransportSettings(energy_nodes=1, geometry="shared", levels=0, memory=5e3, **more)
    with pytest.raises(InputError) as refusal:
        run_transport(model, [phonons()], chemical_potential=mu, temperatures=[300.0], settings=settings)
    sentence = str(refusal.value)
    assert sentence.startswith("memory = 5e-06 GB is too little: the pairs of 300 K need ")
    assert sentence.endswith("raise memory, the lowest temperature or spacing")


def test_a_problem_is_that_of_the_arguments():
    """Arguments that contradict a given problem are refused; its warnings are not those of the report."""
    model, mu, more = CASES["weyl"]
    settings, scatterers = TransportSettings(energy_nodes=1, geometry="shared", levels=0, **more), [phonons()]
    problem = Problem(model, scatterers, mu, settings)

    def run(model=model, scatterers=scatterers, mu=mu, **more):
        return run_transport(model, scatterers, chemical_potential=mu, temperatures=[300.0], problem=problem, **more)

    wrong = (
        (dict(model=ferromagnet()), "model"),
        (dict(scatterers=[phonons()]), "scatterers"),
        (dict(mu=0.2), "chemical_potential"),
        (dict(settings=replace(settings, levels=2, turn=0.1)), r"settings \(turn, levels\)"),
    )
    for arguments, name in wrong:
        with pytest.raises(InputError, match=f"problem was made for another {name}"):
            run(**arguments)
    report = run().report
    report["warnings"].append("mine")
    assert "mine" not in problem.warnings and "mine" not in run(settings=settings).report["warnings"]


# --- the thermal window ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8])
def test_thermal_nodes_integrate_polynomials(n):
    """Gauss's rule for ``f (1 - f)``: exact up to degree 2n - 1, and not beyond."""
    x, weights = thermal_nodes(n)
    assert len(x) == n and np.all(weights > 0)
    np.testing.assert_allclose(x, -x[::-1], atol=1e-10)
    for degree in range(2 * n + 1):
        exact = 2 * quad(lambda e, p=degree: e**p * expit(e) * expit(-e), 0, 60, epsabs=0, epsrel=1e-13, limit=200)[0]
        exact = 0.0 if degree % 2 else exact
        found = np.sum(weights * x**degree)
        size = np.sum(weights * np.abs(x) ** degree)
        if degree < 2 * n:
            assert found == pytest.approx(exact, rel=1e-10, abs=1e-10 * size)
        else:
            assert abs(found - exact) > 1e-3 * exact
    assert np.sum(weights) == pytest.approx(1)
    if n > 1:  # Sommerfeld's second moment
        assert np.sum(weights * x**2) == pytest.approx(np.pi**2 / 3, rel=1e-10)
