"""`sidejump check`: the invariances hold on inputs of every kind, and each test can fail."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import sidejump as sj
from helpers_models import random_wannier
from sidejump.app import invariances
from sidejump.app.cli import main
from sidejump.app.run import Job, prepare
from sidejump.bands.transformed import Transformed, transformed_lattice
from sidejump.interactions.first_principles.electron_phonon import ElectronPhononScatterer
from sidejump.transport import TransportSettings
from sidejump.wannier.position import position_elements
from test_converge import INPUT

NAMES = ["Hermiticity", "velocity", "sum rule", "conservation", "Onsager", "symmetry", "gauge", "coupling", "sign of M"]
SETTINGS = TransportSettings(energy_nodes=1, accuracy=0.4, geometry="shared")
COARSE = INPUT | {"solver": {"energy_nodes": 1, "expert": {"accuracy": 0.4}}}


def silent(*_):
    pass


def findings(job):
    return {found.name: found for found in invariances.check(job, silent)}


def finding(job, name):
    """One of them, without those that come after it."""
    return next(found for found in invariances.check(job, silent) if found.name == name)


@pytest.fixture
def dirac():
    return prepare(COARSE)


def impurity(**options):
    return sj.impurity(correlation="zero_range", density=1e11, strength=1.0, dimension=2, **options)


def spinful():
    """Rashba electrons in a field with components that complex conjugation turns."""
    sx, sy, sz = sj.PAULI

    def h(k):
        kx, ky = k[:, 0, None, None], k[:, 1, None, None]
        return 6.0 * (kx**2 + ky**2) * np.eye(2) + 1.0 * (kx * sy - ky * sx) + 0.05 * sz + 0.01 * sy

    return sj.FunctionModel(h, dimension=2, spin=sj.PAULI, search_half_width=0.5)


JOBS = {
    "k.p": lambda: prepare(COARSE),
    "vertex": lambda: Job(spinful(), [impurity(), impurity(vertex="sigma_y")], 0.3, [50.0], SETTINGS),
    "matrix": lambda: Job(
        spinful(),
        [impurity(vertex=np.array([[1.0, -0.4j], [0.4j, 0.2]]))],
        0.3,
        [50.0],
        SETTINGS,
    ),
    "lattice": lambda: Job(random_wannier(2, 2), [impurity()], 0.1, [20.0], replace(SETTINGS, geometry="auto")),
}


@pytest.mark.parametrize("kind", JOBS)
def test_invariances_hold(kind):
    found = findings(JOBS[kind]())
    assert list(found) == NAMES
    failed = {name: (x.found, x.allowed) for name, x in found.items() if not x.passed}
    assert not failed
    for name in ("gauge", "coupling"):  # the same points: rounding
        assert found[name].found < 1e-6


def test_a_hall_current_that_does_not_turn_is_found(monkeypatch, dirac):
    """Of the Dirac electrons the magnetisation is their mass: what forgets to turn it fails."""
    seen = invariances._seen
    monkeypatch.setattr(invariances, "_seen", lambda job, phases, reverse: seen(job, phases, False))
    found = findings(dirac)
    assert not found["sign of M"].passed and found["sign of M"].found == pytest.approx(2.0, rel=1e-6)
    assert found["gauge"].passed


def test_a_side_jump_that_knows_the_strength_is_found(monkeypatch, dirac):
    class Wrong(invariances._Times):
        def __call__(self, q):
            return self.factor * (1 + np.asarray(q)) * self.function(q)

    monkeypatch.setattr(invariances, "_Times", Wrong)
    assert not finding(dirac, "coupling").passed


def test_a_gauge_that_the_vertex_does_not_follow_is_found(monkeypatch):
    monkeypatch.setattr(invariances, "_scatterer_seen", lambda scatterer, *_: scatterer)
    assert not finding(JOBS["matrix"](), "gauge").passed


def test_a_velocity_that_is_none_is_found(monkeypatch):
    model = spinful()
    gradient = model.hamiltonian_gradient
    monkeypatch.setattr(model, "hamiltonian_gradient", lambda k: 1.01 * gradient(k))
    velocity = next(x for x in invariances._matrices(model) if x.name == "velocity")
    assert not velocity.passed and velocity.found == pytest.approx(0.01, rel=0.02)


def test_matrices_that_are_not_hermitian_are_found(monkeypatch):
    model = spinful()
    hamiltonian = model.hamiltonian
    monkeypatch.setattr(model, "hamiltonian", lambda k: hamiltonian(k) + 1e-3j * sj.PAULI[0])
    hermitian = next(invariances._matrices(model))
    assert hermitian.name == "Hermiticity" and not hermitian.passed


@pytest.mark.parametrize(
    "model",
    [
        sj.MassiveDirac(mass=0.1, velocity=3.0),
        sj.Luttinger(gamma1=6.98, gamma2=2.06, gamma3=2.93, exchange=(0.0, 0.0, 0.03)),
        random_wannier(3, 2),
        sj.FunctionModel(lambda k: 6.0 * (k**2).sum(axis=1)[:, None, None], dimension=2, search_half_width=0.3),
    ],
    ids=["two bands", "four bands", "lattice", "one band"],
)
def test_the_sum_rule_of_second_derivatives(model):
    assert invariances._curved(model).found < 1e-4
    names = ("dimension", "k_scale", "search_half_width", "hamiltonian")
    wrong = SimpleNamespace(**{name: getattr(model, name) for name in names})
    wrong.hamiltonian_gradient = lambda k: 1.05 * model.hamiltonian_gradient(k)
    assert not invariances._curved(wrong).passed


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [("Onsager", "onsager_violation", 0.5), ("symmetry", "forbidden_side_jump", 0.5), ("conservation", None, 1e-3)],
)
def test_what_a_run_says_of_itself_is_judged(dirac, name, key, value):
    own = dirac.changed(temperatures=[20.0]).run(silent)
    assert all(x.passed and x.found is not None for x in invariances._inside(own))
    if key is None:
        own.attrs["conservation_error"] = value
    else:
        own[key] = own[key] * 0 + value
    assert [x.name for x in invariances._inside(own) if not x.passed] == [name]


def test_a_row_for_symmetry_where_there_is_no_side_jump(dirac):
    own = dirac.changed(temperatures=[20.0]).run(silent)
    own["forbidden_side_jump"] = own.forbidden_side_jump * np.nan
    row = next(x for x in invariances._inside(own) if x.name == "symmetry")
    assert row.passed and row.found is None and "not tried" in row.words


def test_first_principles(demo_data):
    data, level = demo_data
    settings = TransportSettings(energy_nodes=1, accuracy=0.3, geometry="shared")
    found = findings(Job(data.model, [ElectronPhononScatterer(data)], level, [150.0], settings))
    assert all(x.passed for x in found.values()), found
    broken = data.phonons.force_constants.copy()
    broken[0, 0, 0] += 1e-3
    other = replace(data, phonons=replace(data.phonons, force_constants=broken))
    rigid = [x for x in invariances._data([ElectronPhononScatterer(other)]) if x.name == "sum rule"]
    assert not rigid[0].passed


@pytest.fixture
def demo_data():
    from test_demo import NAMES as files
    from test_demo import ROOT

    data = sj.read_compact(ROOT / "app" / "demo_case" / files[1])
    return data, data.fermi_energy


def test_lattice_and_wrapper_are_one():
    model, rng = random_wannier(3, 3), np.random.default_rng(3)
    phases = np.exp(2j * np.pi * rng.random(3))
    k = rng.normal(size=(5, 3))
    for reverse in (False, True):
        a = transformed_lattice(model, position_elements(model), phases, reverse)
        b = Transformed(model, phases, reverse=reverse)
        for name in ("hamiltonian", "hamiltonian_gradient", "position_matrix", "position_gradient", "position_curl"):
            x, y = getattr(a, name)(k), getattr(b, name)(k)
            assert np.abs(x - y).max() < 1e-10 * max(np.abs(x).max(), 1)


def test_from_the_command_line(empty_folder, capsys, monkeypatch):
    assert main(["init", "dirac"]) == 0
    path = empty_folder / "dirac.toml"
    path.write_text(re.sub(r"(?m)^values = .*$", "values = [20]", path.read_text()))
    assert main(["check", "dirac.toml", "-q"]) == 0
    out = capsys.readouterr().out
    assert out.count("pass") == len(NAMES) and "not tried" not in out and "FAIL" not in out
    monkeypatch.setattr(invariances, "_CONSERVED", -1.0)
    for changed in ("_seen", "_stronger"):  # what runs of its own would find is not looked at
        monkeypatch.setattr(invariances, changed, lambda *_: None)
    assert main(["check", "dirac.toml", "-q"]) == 2
    said = capsys.readouterr()
    assert "FAIL" in said.out and "tests failed: conservation" in said.err
