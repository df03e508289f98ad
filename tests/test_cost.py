"""The estimate before a run, next to what the run takes."""

import json
import re
import subprocess
import sys
import time
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from helpers_abinitio import Toy
from helpers_inputs import ACOUSTIC_SECTION, RASHBA_SECTION, WEYL_SECTION, acoustic_section
from sidejump import InputError, Weyl
from sidejump.accuracy import Study, plan
from sidejump.accuracy.cost import first_cost
from sidejump.accuracy.replica import Task
from sidejump.app.init import input_text
from sidejump.app.run import prepare
from sidejump.bands.dirac import MassiveDirac
from sidejump.bands.registry import MODELS
from sidejump.interactions.first_principles.electron_phonon import ElectronPhononScatterer
from sidejump.surfaces.fermi import fermi_shell
from sidejump.surfaces.flow import ShellFlow
from sidejump.surfaces.limits import SearchLimits
from sidejump.transport import TransportSettings, estimate_cost, run_transport
from sidejump.transport.fermi_surface import COARSER
from sidejump.transport.pace import pace
from sidejump.transport.problem import Problem
from sidejump.transport.shared import SharedShell
from sidejump.units import KB
from test_hot_spots import MU, ferromagnet, phonons
from test_thermal_window import lattice as square_or_cubic
from test_thermal_window import zero_range

WITHIN = 1.2  # a factor, of the whole process
WITHIN_ARRAYS = 1.35  # and of the arrays of small runs alone


def first_principles(**settings):
    data = Toy(positions=np.zeros((1, 3)), masses=np.array([20000.0]), owner=np.zeros(2, dtype=int)).data()
    return Problem(data.electrons, [ElectronPhononScatterer(data)], 0.0, TransportSettings(**settings))


def lattice(**settings):
    return Problem(ferromagnet(), [phonons()], MU, TransportSettings(**settings))


def plane(**settings):
    return Problem(MassiveDirac(mass=0.1, velocity=6.0), [phonons(2)], 0.25, TransportSettings(**settings))


def traced(problem, temperatures):
    """Peak of all arrays while the kinetic part runs, bytes, and the report."""
    tracemalloc.start()
    try:
        result = run_transport(
            problem.model,
            problem.scatterers,
            chemical_potential=problem.mu,
            temperatures=temperatures,
            settings=problem.settings,
            problem=problem,
        )
        return tracemalloc.get_traced_memory()[1], result.report
    finally:
        tracemalloc.stop()


SHARED = {"geometry": "shared"}
CASES = {
    "with symmetry": (lattice, [250.0, 300.0], SHARED | {"accuracy": 0.7, "energy_nodes": 3}),
    "with symmetry, elastic": (lattice, [250.0, 300.0], SHARED | {"accuracy": 0.8, "energy_nodes": 1}),
    "without symmetry": (lattice, [250.0, 300.0], SHARED | {"accuracy": 0.65, "energy_nodes": 3, "symmetry": "off"}),
    "pairs that are not kept": (lattice, [300.0], SHARED | {"accuracy": 0.9, "energy_nodes": 1}),
    "first principles": (
        first_principles,
        [250.0, 300.0],
        SHARED | {"accuracy": 0.6, "energy_nodes": 1, "levels": 1, "symmetry": "off"},
    ),
    "two dimensions": (plane, [20.0, 30.0], SHARED | {"accuracy": 16.0, "energy_nodes": 3}),
}


@pytest.mark.parametrize("name", CASES)
def test_memory(name):
    make, temperatures, settings = CASES[name]
    problem = make(**settings)
    cost = estimate_cost(problem, np.array(temperatures))
    peak, report = traced(problem, temperatures)
    assert peak > 2e7  # arrays, not the odd object
    assert 1 / WITHIN_ARRAYS < cost["memory_bytes"] / peak < WITHIN_ARRAYS
    assert 1 / WITHIN < cost["states"] / report["states"] < 2


@pytest.mark.parametrize(
    "name", ["surface that all share", "own shells with heat", "own shells, as many nodes as it takes"]
)
def test_memory_of_the_process(name, tmp_path):
    """The number that is printed, next to what the system says of the process after the first replica."""
    code = """
import json, sys
from sidejump.accuracy.study import plan
from sidejump.app.attributes import peak_memory
from sidejump.app.run import prepare
job = prepare(sys.argv[1])
cost, case = job.estimate(), plan(job.study)[0]
case.compute(case.controller().next_tasks()[0])
print(json.dumps([cost["peak_memory_bytes"], peak_memory()]))
"""
    (tmp_path / "input.toml").write_text(INPUTS[name])
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "input.toml")], capture_output=True, text=True, check=True
    )
    expected, found = json.loads(done.stdout.splitlines()[-1])
    assert found > 2.5e8
    assert 1 / WITHIN < expected / found < WITHIN


def test_memory_of_a_worker(tmp_path):
    """Each worker process is told what it holds, without what only the process that asks has loaded."""
    code = """
import json, sys
from sidejump.app.attributes import peak_memory
from sidejump.app.run import prepare
from sidejump.pairs.executor import make_executor
job = prepare(sys.argv[1])
cost, case = job.estimate(), job._case
with make_executor("processes", 1, shared=case) as executor:
    executor.submit(type(case).compute, case.controller().next_tasks()[0]).result()
    print(json.dumps([cost["peak_memory_bytes"], executor._backend._pool.submit(peak_memory).result()]))
"""
    (tmp_path / "input.toml").write_text(
        WEYL_SECTION + acoustic_section(5000.0) + "[temperature]\nvalues = [250]\n"
        "[solver]\nenergy_nodes = 1\nexecutor = 'processes'\nworkers = 1\n"
        "[solver.expert]\ngeometry = 'shared'\naccuracy = 4.0\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "input.toml")], capture_output=True, text=True, check=True
    )
    expected, found = json.loads(done.stdout.splitlines()[-1])
    assert 1 / WITHIN < expected / found < WITHIN


WEYL_INPUT = f"""{WEYL_SECTION}{acoustic_section(5000.0)}
[temperature]
values = [200, 250]

[solver]
energy_nodes = 1

[solver.expert]
accuracy = 12.0
geometry = "shared"
"""

# which number "auto" ends at the solution alone tells: seven here, where the memory told is that of nine
HEAT_INPUT = f"""{RASHBA_SECTION}{ACOUSTIC_SECTION}
[temperature]
values = [100]

[[observable]]
kind = "heat_current"

[solver]
energy_nodes = 7

[solver.expert]
accuracy = 8.0
"""

NODES_INPUT = f"""{RASHBA_SECTION}{ACOUSTIC_SECTION}
[temperature]
values = [20]

[solver.expert]
accuracy = 4.0
levels = 0
"""

INPUTS = {
    "surface that all share": WEYL_INPUT,
    "own shells with heat": HEAT_INPUT,
    "own shells, as many nodes as it takes": NODES_INPUT,
}


def test_shells_of_the_estimate_are_those_of_the_first_replica(monkeypatch):
    """Nothing is searched for twice, and the digits are those without an estimate."""
    study = Study(ferromagnet(0.02), [phonons()], [MU], [40.0, 300.0], tolerance=0.1)
    searched, search = [], Problem._search

    def counted(self, energy, spacing, **choices):
        searched.append((self.settings.accuracy, self.settings.replica, energy, spacing, str(sorted(choices.items()))))
        return search(self, energy, spacing, **choices)

    monkeypatch.setattr(Problem, "_search", counted)
    found = []
    for estimated in (False, True):
        [case] = plan(study)
        name = next(iter(case.terms))
        if estimated:
            first_cost(case)
        searched.clear()
        found.append(case.compute(Task(name, 0, 0, (0, 1))))
        assert bool(searched) is not estimated
    assert np.array_equal(found[0].values, found[1].values)


def test_operations():
    """Vertices of the pairs: an overlap of N orbitals and its derivatives on both sides, 8 operations a product."""
    problem = plane(geometry="shared", energy_nodes=1, accuracy=4.0)
    cost = estimate_cost(problem, np.array([20.0]))
    assert cost["flops"] / (0.5 * cost["pairs"]) == pytest.approx(8 * 5 * 2 + 12, rel=1e-6)
    twice = estimate_cost(plane(geometry="shared", energy_nodes=1, accuracy=8.0), np.array([20.0]))
    assert twice["flops"] == pytest.approx(4 * cost["flops"], rel=0.15)  # whole blocks are counted


@pytest.mark.parametrize("symmetry", ["auto", "off"])
def test_kept_pairs_make_room_for_a_larger_operator(symmetry):
    """What fits beside the operator of one node may not fit beside that of five."""
    problem = lattice(symmetry=symmetry, accuracy=0.7)
    shell, kt = problem.shell(MU, problem.spacings.base, levels=0), KB * 300
    roomy = SharedShell(problem, shell, kt)
    roomy.keep()
    (one, small), (five, large) = (roomy.solve(kt, n) for n in (1, 5))
    tight = lattice(symmetry=symmetry, accuracy=0.7, memory=0.95 * large.memory)
    solver = SharedShell(tight, shell, kt)
    solver.keep()
    again, size = solver.solve(kt, 1)
    assert size.memory == small.memory  # kept
    np.testing.assert_array_equal(again.side_jump_velocity, one.side_jump_velocity)
    again, size = solver.solve(kt, 5)
    assert size.memory < 0.9 * tight.settings.memory  # no more
    scale = np.abs(five.side_jump_velocity).max()
    np.testing.assert_allclose(again.side_jump_velocity, five.side_jump_velocity, rtol=0, atol=1e-5 * scale)


NODES = {
    "shared, two dimensions": (plane, 25.0, SHARED | {"accuracy": 4.0}),
    "own": (plane, 25.0, {"geometry": "own", "accuracy": 2.0}),
    "shared, three dimensions": (lattice, 300.0, SHARED | {"accuracy": 0.3}),
}


@pytest.mark.parametrize("name", NODES)
def test_memory_is_that_of_the_most_nodes_that_it_holds(name):
    """With "auto" nine, or the most that fit; what is beyond five is not in the time."""
    make, kelvin, settings = NODES[name]

    def cost(**more):
        return estimate_cost(make(**settings | more), np.array([kelvin]))

    found, five, seven, nine = (cost(**({} if n is None else {"energy_nodes": n})) for n in (None, 5, 7, 9))
    assert found["memory_bytes"] == pytest.approx(nine["memory_bytes"], rel=1e-6)
    if make is plane:  # in three dimensions the further nodes are on fewer points, and not what takes most
        assert found["memory_bytes"] > 1.2 * five["memory_bytes"] and found["flops"] < 1.5 * nine["flops"]
    if name == "shared, two dimensions":
        problem, kt = make(**settings), KB * kelvin
        solver = SharedShell(problem, problem.solved_shell(problem.mu, problem.spacings.at(kelvin)), kt)
        tight = cost(memory=0.5 * (solver.needs(kt, 7) + solver.needs(kt, 9)))
        assert tight["memory_bytes"] == pytest.approx(seven["memory_bytes"], rel=1e-6) != nine["memory_bytes"]
        assert tight["flops"] == pytest.approx(five["flops"])


def test_energy_nodes_are_refused_before_the_work():
    """The operator of the energy nodes is the largest of a cold run: its need is known before anything is solved."""
    roomy = lattice(energy_nodes=15, geometry="shared", accuracy=0.3)
    coarse = roomy.laid(COARSER, None)  # the further nodes are solved on fewer points
    shell = coarse.inelastic_shell(coarse.spacings.at(300.0))
    needed = SharedShell(coarse, shell, KB * 300).needs(KB * 300, 15)
    tight = lattice(energy_nodes=15, geometry="shared", accuracy=0.3, memory=0.9 * needed)
    with pytest.raises(InputError, match=r"the energy nodes of 300 K need .* or set energy_nodes = 1"):
        estimate_cost(tight, np.array([300.0]))
    enough = lattice(energy_nodes=15, geometry="shared", accuracy=0.3, memory=1.05 * needed)
    estimate_cost(enough, np.array([300.0]))
    _, report = traced(enough, [300.0])
    assert report["energy_nodes"] == [15]


def test_time_of_own_shells():
    """Counted with all shells of the rates, and by what a few pairs take: within a factor of five."""
    problem = Problem(
        Weyl(velocity=2.0, node=0.1), [phonons()], 0.05, TransportSettings(energy_nodes=3, geometry="own")
    )
    cost = estimate_cost(problem, np.array([300.0]))
    started = time.process_time()
    traced(problem, [300.0])
    assert 0.2 < cost["seconds"] / (time.process_time() - started) < 5


OFTEN = 4  # a factor that an estimate of time may be off by


def processor_time(problem, temperatures):
    """Estimate and processor time of the kinetic part, seconds."""
    temperatures = np.array(temperatures)
    cost = estimate_cost(problem, temperatures)
    started = time.process_time()
    result = run_transport(
        problem.model,
        problem.scatterers,
        chemical_potential=problem.mu,
        temperatures=temperatures,
        settings=problem.settings,
        problem=problem,
    )
    return cost["seconds"], time.process_time() - started, result.report


WINDOWS = {
    "elastic, two dimensions": (2, 0.0, zero_range(2), {"accuracy": 2.0, "tolerance": 0.01}),
    "phonons, two dimensions": (2, 0.0, phonons(2), {"energy_nodes": 3, "tolerance": 0.01}),
    "three dimensions": (3, 1.0, zero_range(3), {"turn": None, "tolerance": 0.005}),
    "loosely, two dimensions": (2, 0.0, phonons(2), {"energy_nodes": 3, "tolerance": 0.1}),
    "loosely, three dimensions": (3, 1.0, zero_range(3), {"turn": None, "tolerance": 0.1, "geometry": "independent"}),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_time_of_shells_made_afresh(name):
    dimension, mu, scatterer, settings = WINDOWS[name]
    problem = Problem(square_or_cubic(dimension), [scatterer], mu, TransportSettings(**settings))
    expected, found, report = processor_time(problem, [300.0])
    assert report["geometry_used"] == ["independent"]
    assert 1 / OFTEN < expected / found < OFTEN


def test_time_of_a_small_symmetric_crystal():
    """Loosely, where shells made afresh are not needed: less than a second, which is that of searching for shells."""
    problem = Problem(square_or_cubic(3), [zero_range(3)], 1.0, TransportSettings(turn=None, tolerance=0.05))
    expected, found, report = processor_time(problem, [300.0])
    assert report["geometry_used"] == ["averaged"] and report["symmetry_operations"] == 48
    assert 1 / OFTEN < expected / found < OFTEN


@pytest.mark.parametrize("geometry", ["shared", "own", "independent"])
def test_a_slower_machine_takes_longer(geometry, monkeypatch):
    """What constants tell is in proportion to the pace of the machine, which is that of a few milliseconds of work."""
    assert 0.1 < pace() < 30 and pace() == pace()
    settings = TransportSettings(turn=None, tolerance=0.05, geometry=geometry, accuracy=0.5)
    problem = Problem(square_or_cubic(3), [zero_range(3)], 1.0, settings)
    problem.shell(problem.mu, problem.spacings.base)
    seconds = []
    for times in (0.0, 1e5, 2e5):
        monkeypatch.setattr("sidejump.transport.cost.pace", lambda times=times: times)
        seconds.append(estimate_cost(problem, np.array([300.0]))["seconds"])
    assert seconds[2] - seconds[1] == pytest.approx(seconds[1] - seconds[0], rel=0.05) and seconds[1] > 2 * seconds[0]


@pytest.mark.parametrize("name", sorted(MODELS))
def test_time_of_templates(name, tmp_path):
    """Coarse, at two temperatures or the one with the most shells; every model that needs no file."""
    text = input_text(name)
    text = re.sub(r"(?m)^values = .*$", f"values = {[300] if name == 'weyl' else [100, 300]}", text)
    text = re.sub(r"(?m)^(# )?accuracy = .*$", f"accuracy = {0.7 if name not in ('luttinger', 'weyl') else 0.35}", text)
    (tmp_path / "input.toml").write_text(text)
    job = prepare(tmp_path / "input.toml")
    settings = replace(job.settings, tolerance=0.05)
    problem = Problem(job.model, list(job.scatterers), job.chemical_potential, settings)
    expected, found, _ = processor_time(problem, job.temperatures)
    assert 1 / OFTEN < expected / found < OFTEN


@pytest.mark.parametrize("symmetry", ["auto", "off"])
def test_what_is_far_beyond_memory_is_refused_on_a_cheap_shell(symmetry, monkeypatch):
    """No shell of the spacing that is refused is ever searched for."""
    problem = lattice(geometry="shared", accuracy=3.0, energy_nodes=5, memory=2e6, symmetry=symmetry)
    spacings = []

    def search(*arguments, spacing, **others):
        spacings.append(spacing)
        return fermi_shell(*arguments, spacing=spacing, **others)

    monkeypatch.setattr("sidejump.transport.problem.fermi_shell", search)
    with pytest.raises(InputError, match=r"of 20 K need .* GB; raise memory"):
        estimate_cost(problem, np.array([20.0, 300.0]))
    assert min(spacings) > 2 * problem.spacings.at(20.0)


def test_the_early_refusal_is_never_more_than_the_need():
    """Memory that suffices by the count on the shells themselves is not refused on the cheap one."""
    for symmetry in ("auto", "off"):
        roomy = lattice(energy_nodes=3, geometry="shared", symmetry=symmetry, accuracy=0.4)
        shell = roomy.solved_shell(MU, roomy.spacings.at(100.0))
        needed = SharedShell(roomy, shell, KB * 100).needs(KB * 100, 1)
        coarse = roomy.laid(COARSER, None)
        inelastic = coarse.inelastic_shell(coarse.spacings.at(100.0))
        needed = max(needed, SharedShell(coarse, inelastic, KB * 100).needs(KB * 100, 3))
        tight = lattice(energy_nodes=3, geometry="shared", symmetry=symmetry, accuracy=0.4, memory=1.01 * needed)
        estimate_cost(tight, np.array([100.0]))


def test_searches_that_go_on_for_too_long_end_with_a_sentence():
    with pytest.raises(InputError, match=r"has taken 2000 cells and not ended: raise spacing"):
        fermi_shell(ferromagnet(), MU, spacing=0.05, limits=SearchLimits(cells=2000))
    model = MassiveDirac(mass=0.1, velocity=6.0)
    shell = fermi_shell(model, 0.25, spacing=0.02)
    with pytest.raises(InputError, match=r"cannot be carried beyond .* in 5 steps: the bands are too rough"):
        ShellFlow(model, shell, 0.15, 0.35, steps=5)
    with pytest.raises(InputError, match=r"more than 0 separate contours at 0.25 eV"):
        fermi_shell(model, 0.25, spacing=0.02, limits=SearchLimits(contours=0))
    with pytest.raises(InputError, match=r"would take \d+ points, .* the most are 20: raise spacing"):
        fermi_shell(model, 0.25, spacing=0.02, limits=SearchLimits(points=20))


def test_shells_of_too_many_points_are_refused():
    for temperature, accuracy in ((1e-4, 1.0), (300.0, 1e6)):
        with pytest.raises(InputError, match=r"points.*raise spacing or the lowest temperature"):
            estimate_cost(plane(accuracy=accuracy), np.array([temperature]))


def test_where_memory_holds_one_node_on_all_points_fewer_points_hold_more():
    """What three nodes change is there all the same, from points of the level below."""

    def solved(**settings):
        problem = lattice(geometry="shared", accuracy=0.7, **settings)
        result = run_transport(
            problem.model, problem.scatterers, chemical_potential=MU, temperatures=[60.0], problem=problem
        )
        return np.array([result.boltzmann[0, 0, 0], result.side_jump_velocity[0, 0, 1]]), result.report

    roomy = lattice(geometry="shared", accuracy=0.7)
    shell = roomy.solved_shell(MU, roomy.spacings.at(60.0))
    tight = 0.95 * SharedShell(roomy, shell, KB * 60).needs(KB * 60, 3)
    (one, _), (three, _) = (solved(energy_nodes=n) for n in (1, 3))
    found, report = solved(energy_nodes=3, memory=tight)
    assert report["energy_nodes"] == [3] and report["memory_bytes"] < tight
    assert (np.abs(three / one - 1) > 0.05).all()
    np.testing.assert_allclose(found / one - 1, three / one - 1, rtol=0.25)


@pytest.mark.parametrize("nodes", [5, 7])
def test_nodes_that_good_points_do_not_hold_are_found_on_few(nodes):
    """Memory that holds one node on all points and three on those of the level below, but not so many: it was
    refused."""
    roomy = lattice(geometry="shared", accuracy=0.3)
    needed = SharedShell(roomy, roomy.solved_shell(MU, roomy.spacings.at(150.0)), KB * 150).needs(KB * 150, 1)
    problem = lattice(geometry="shared", accuracy=0.3, energy_nodes=nodes, memory=1.3 * needed)
    result = run_transport(problem.model, problem.scatterers, chemical_potential=MU, temperatures=[150.0],
                           problem=problem)  # fmt: skip
    assert result.report["energy_nodes"] == [nodes]


def test_pairs_and_operators_take_what_memory_there_is():
    """Pairs are kept where they fit beside the operator; where they do not, no more operators share a pass than memory
    holds.  The responses are the same."""
    kelvin, responses, kept, most = [300.0, 150.0, 60.0], [], [], []
    kts = [KB * t for t in kelvin]
    for share in (np.inf, None):
        problem = lattice(geometry="shared", accuracy=0.5, symmetry="off")
        solver = SharedShell(problem, problem.shell(MU, 0.45 * problem.spacings.base, levels=0), kts[0])
        needed = solver.needs(kts[0], 1)
        problem.share = share or 1.5 * needed
        solver.keep()
        solved = list(solver.solve_each(kts, 1))
        responses.append([r.boltzmann for r, _ in solved])
        most.append(max(size.memory for _, size in solved))
        kept.append(problem.keeps(0.4 * needed, needed))
        assert not problem.keeps(0.6 * needed, needed) or share == np.inf
    assert kept == [True, True] and most[1] <= 1.5 * needed < most[0]
    np.testing.assert_allclose(responses[1], responses[0], rtol=1e-5)
