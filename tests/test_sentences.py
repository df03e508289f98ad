"""What is refused is named with its key and value, the unit that is asked for, and the nearest word that is known."""

import copy

import numpy as np
import pytest

import sidejump as sj
from sidejump.app.cli import main
from sidejump.app.config import validate
from sidejump.bands.spin_order import spin_matrices
from sidejump.errors import InputError
from sidejump.pairs.executor import make_executor

INPUT = {
    "electrons": {"model": "massive_dirac", "mass": 0.1, "velocity": 3.0, "chemical_potential": 0.2},
    "scattering": [{"kind": "impurity", "correlation": "zero_range", "density": 1e11, "strength": 1.0}],
    "temperature": {"values": [20]},
}


def changed(*path_and_value):
    *path, key, value = path_and_value
    whole = copy.deepcopy(INPUT)
    inner = whole
    for step in path:
        inner = inner[step] if isinstance(inner, list) else inner.setdefault(step, {})
    inner[key] = value
    return whole


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("elektrons", {}), ("[elektrons]", 'did you mean "electrons"')),
        (("electrons", "model", "masive_dirac"), ('model = "masive_dirac"', 'did you mean "massive_dirac"')),
        (("electrons", "velocty", 3.0), ('[electrons] unknown key "velocty"', 'did you mean "velocity"')),
        (("electrons", "velocity", -3.0), ("velocity = -3.0", "above 0", "eV angstrom")),
        (("electrons", "mass", "0.1"), ('mass = "0.1"', "plain number", "eV")),
        (("scattering", 0, "kind", "impurities"), ("number 1", 'kind = "impurities"', 'did you mean "impurity"')),
        (("scattering", 0, "correlation", "gausian"), ('"gausian"', 'did you mean "gaussian"')),
        (("scattering", 0, "vertex", "sigma"), ('vertex = "sigma"', 'did you mean "sigma_', "matrix")),
        (("temperature", "values", [-5]), ("values, number 1 = -5", "above 0", "`unit`")),
        (("temperature", "unit", "k"), ('unit = "k"', 'did you mean "K"')),
        (("solver", "executor", "MPI"), ('executor = "MPI"', 'did you mean "mpi"')),
        (("solver", "energy_nodes", "Auto"), ('"Auto"', "whole number", 'did you mean "auto"')),
        (("solver", "mesh", 20), ('[solver] unknown key "mesh"', "belongs into [solver.intrinsic]")),
        (("electrons", "tolerance", 0.1), ("belongs into [solver] or [solver.intrinsic]",)),
        (("solver", "expert", {"geometri": "own"}), ("[solver.expert]", 'did you mean "geometry"')),
        (("output", "checkpoint", "yes"), ('checkpoint = "yes"', "true or false")),
    ],
)
def test_input_files(change, words):
    with pytest.raises(InputError) as error:
        validate(changed(*change))
    for word in words:
        assert word in str(error.value), str(error.value)


def model():
    return sj.MassiveDirac(mass=0.1, velocity=3.0)


def scatterer(**changes):
    chosen = {"correlation": "zero_range", "density": 1e11, "strength": 1.0, "dimension": 2}
    return sj.impurity(**(chosen | changes))


def hall(**settings):
    return sj.anomalous_hall(model(), [scatterer()], chemical_potential=0.2, temperatures=[20], **settings)


def executor(kind):
    with make_executor(kind):
        pass


@pytest.mark.parametrize(
    ("refused", "words"),
    [
        (lambda: hall(energy_node=1), ("energy_node ", '"energy_nodes"')),
        (lambda: hall(temperature=[20]), ("temperature ", '"temperatures"')),
        (lambda: hall(geometry="owm"), ('"owm"', '"own"')),
        (lambda: hall(executor="thread"), ('executor = "thread"', '"threads"')),
        (lambda: hall(approximation="exat"), ('"exat"', 'did you mean "exact"')),
        (lambda: executor("procceses"), ('"procceses"', 'did you mean "processes"')),
        (lambda: scatterer(vertex="sigma_zz"), ('"sigma_zz"', 'did you mean "sigma_z"')),
        (lambda: sj.synthetic_films("hous"), ('law = "hous"', 'did you mean "hou"')),
        (lambda: sj.synthetic_films("skew", coefficients={"alpha_1": 1.0}), ('"alpha_1"', 'did you mean "alpha_0"')),
        (lambda: sj.synthetic_films("skew", unit="uohm cm "), ('unit = "uohm cm "', 'did you mean "uohm cm"')),
        (lambda: spin_matrices("blok", 4), ('spin_ordering = "blok"', 'did you mean "block"')),
        (
            lambda: sj.FunctionModel(lambda k: np.zeros((len(k), 1, 1)), dimension=2, cell=np.eye(2), gauge="atomik"),
            ('gauge = "atomik"', 'did you mean "atomic"'),
        ),
    ],
)
def test_python(refused, words):
    with pytest.raises(InputError) as error:
        refused()
    for word in words:
        assert word in str(error.value), str(error.value)


def test_names_of_the_package():
    with pytest.raises(AttributeError, match="did you mean 'anomalous_hall'"):
        sj.anomalus_hall  # noqa: B018


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rum"], ("rum", "did you mean 'run'", "sidejump --help")),
        (["run", "x.toml", "--tolerence", "1"], ("--tolerence", "--tolerance", "sidejump run --help")),
        (["run", "x.toml", "--tolerance", "1%"], ('--tolerance "1%"', "plain number", "Relative standard error")),
        (["run", "x.toml", "--time", "1h"], ('--time "1h"', "plain number", "Seconds")),
        (["init", "wanier90"], ('"wanier90"', 'did you mean "wannier90"')),
        (["init", "weyl", "-s", "impuriti"], ('"impuriti"', 'did you mean "impurity"')),
        (["separate", "x.csv", "--law", "skeww"], ('law = "skeww"', 'did you mean "skew"')),
    ],
)
def test_command_line(empty_folder, capsys, arguments, words):
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and not list(empty_folder.iterdir())
    for word in words:
        assert word in err, err
