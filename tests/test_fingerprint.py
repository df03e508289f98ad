"""Fingerprints: the same for the same problem, another one for whatever changes a number."""

import importlib
import json
import sys
from collections import OrderedDict
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pytest

import sidejump as sj
from sidejump.pairs.digest import same
from sidejump.pairs.fingerprint import fingerprint
from test_electron_phonon_pairs import ferromagnet


def test_the_fingerprint_of_data_is_that_of_its_content():
    data = ferromagnet()
    assert fingerprint(data) == fingerprint(ferromagnet())
    data.coupling_matrix()  # what is kept for later does not count
    assert fingerprint(data) == fingerprint(ferromagnet())
    data.file_coupling.values[1, 0, 0, 0, 1] *= 1 + 1e-13
    assert same(fingerprint(data), fingerprint(ferromagnet()))  # up to rounding
    data.file_coupling.values[1, 0, 0, 0, 1] *= 1 + 1e-6
    assert not same(fingerprint(data), fingerprint(ferromagnet()))


def test_functions_and_numbers_of_other_types_differ():
    def multiple(a):
        return lambda q: a * q

    assert fingerprint(multiple(1.0)) == fingerprint(multiple(1.0)) != fingerprint(multiple(2.0))
    assert len({fingerprint(x) for x in (1, 1.0, "1", [1], (1,), None, np.array(1), {1: 1})}) == 8


CODE = """
import numpy as np
import pytest
MASS = 0.1
def scaled(k):
    return MASS * k
def hamiltonian(k, velocity=3.0, *, tilt=0.5):
    "Words for the reader."
    parts = [x * 2.0 for x in (1.0, 4.0)]
    return scaled(k) * velocity + tilt * np.abs(k) + sum(parts)
class Model:
    shift = 7.0
    def __init__(self):
        self.cell = np.eye(2)
    def hamiltonian(self, k):
        return 6.0 * hamiltonian(k)
"""


def written(text: str, name: str):
    found: dict = {}
    exec(compile(text, "users.py", "exec"), found)
    return found[name]


@pytest.mark.parametrize(
    "made", [lambda x: x["hamiltonian"], lambda x: x["Model"](), lambda x: x["Model"]().hamiltonian]
)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("MASS = 0.1", "MASS = 0.2"),  # a number of the module, in a function that the function calls
        ("velocity=3.0", "velocity=3.1"),
        ("tilt=0.5", "tilt=0.6"),
        ("x * 2.0", "x * 2.5"),  # in code within the code
        ("(1.0, 4.0)", "(1.0, 4.5)"),
        ("np.abs(k)", "np.sign(k)"),
        ("return MASS", "return -MASS"),
    ],
)
def test_whatever_changes_a_number_of_code_by_users_counts(made, old, new):
    def of(text):
        found: dict = {}
        exec(compile(text, "users.py", "exec"), found)
        return fingerprint(made(found))

    assert CODE.count(old) == 1
    assert of(CODE) == of(CODE) == of(CODE.replace("Words", "Other words")) != of(CODE.replace(old, new))


@pytest.mark.parametrize(("old", "new"), [("6.0 *", "6.5 *"), ("shift = 7.0", "shift = 8.0")])
def test_methods_and_numbers_of_a_class_by_users_count(old, new):
    assert fingerprint(written(CODE, "Model")()) != fingerprint(written(CODE.replace(old, new), "Model")())


NAMED = """
import sidejump as sj
class Plain:
    def __init__(self, value):
        self.{name} = value
class Model(sj.ElectronModel):
    dimension = n_orbitals = 2
    def __init__(self, value):
        self.{name} = value
    def hamiltonian(self, k):
        return self.{name} * sj.PAULI[2] + 0 * k[:, :1, None]
    hamiltonian_gradient = hamiltonian
"""
HEIRS = """
import sidejump as sj
from sidejump.wannier.container import ElectronPhonon
class Lattice(sj.LatticeModel):
    pass
class Data(ElectronPhonon):
    pass
"""


@pytest.mark.parametrize("name", ["source", "checks", "warnings", "_cache", "mass"])
@pytest.mark.parametrize("kind", ["Plain", "Model"])
def test_attributes_of_users_count_whatever_their_names(kind, name):
    made = written(NAMED.format(name=name), kind)
    assert fingerprint(made(0.1)) == fingerprint(made(0.1)) != fingerprint(made(0.2))


def test_heirs_of_what_derives_and_warns_leave_out_the_same():
    """What a class of this program keeps for later, and says, is no number of the problem in one by a user either."""
    heir = written(HEIRS, "Data")
    fields = {name: getattr(ferromagnet(), name) for name in ferromagnet().__dataclass_fields__ if name != "_cache"}
    data = heir(**fields)
    before = fingerprint(data)
    data.coupling_matrix()
    assert "_cache" in vars(data) and fingerprint(data) == before
    assert fingerprint(heir(**(fields | {"source": "elsewhere", "warnings": ["of another reader"]}))) == before
    lattice = written(HEIRS, "Lattice")(np.eye(2), np.zeros((1, 2)), np.ones((1, 1, 1)))
    before = fingerprint(lattice)
    lattice.warnings = ("words",)
    assert fingerprint(lattice) == before


BASES = """
from dataclasses import dataclass
class Root:
    stiffness = 2.0
class Base(Root):
    shift = 7.0
class Model(Base):
    def hamiltonian(self, k):
        return self.shift * k
class Plain(Base):
    pass
class Heir(Model):
    pass
@dataclass
class Record(Base):
    gap: float = 5.0
class Slotted:
    __slots__ = ("mass",)
    def __init__(self):
        self.mass = 3.0
    def hamiltonian(self, k):
        return self.mass * k
class SlottedHeir(Slotted):
    __slots__ = "_more"
"""


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("shift = 7.0", "shift = 8.0", ("Model", "Plain", "Heir", "Record")),
        ("stiffness = 2.0", "stiffness = 2.5", ("Model", "Plain", "Heir", "Record")),
        ("self.shift * k", "self.shift + k", ("Model", "Heir")),
        ("self.mass = 3.0", "self.mass = 4.0", ("Slotted", "SlottedHeir")),
    ],
)
@pytest.mark.parametrize("place", ["text", "module"])
def test_what_classes_of_users_inherit_counts(tmp_path, monkeypatch, old, new, names, place):
    """Of bases without a method of their own too, and of heirs that add nothing; in a file or in a notebook."""
    assert BASES.count(old) == 1

    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # of another text in the same second

    def of(text, name):
        if place == "text":
            return fingerprint(written(text, name)())
        (tmp_path / "users_bases.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        importlib.invalidate_caches()
        monkeypatch.delitem(sys.modules, "users_bases", raising=False)
        return fingerprint(importlib.import_module("users_bases").__dict__[name]())

    for name in names:
        assert of(BASES, name) == of(BASES, name) != of(BASES.replace(old, new), name)
    other = "Model" if "Slotted" in names else "Slotted"
    assert of(BASES, other) == of(BASES.replace(old, new), other)


@pytest.mark.parametrize(
    "kind", [int, np.ndarray, np.float64, OrderedDict, Path, sj.MassiveDirac, sj.Branch, type(None)]
)
def test_classes_of_libraries_are_their_names(kind):
    """Those of C, of the standard library, of others and of this one."""
    assert (
        json.loads(fingerprint(kind))["content"]
        == blake2b(f"tuple ({0!r}: {type(kind).__name__} {kind!r} ".encode() + b")", digest_size=16).hexdigest()
    )
