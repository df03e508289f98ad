"""Models that a Python file of the user's makes."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

from sidejump.bands.own_file import load_own
from sidejump.errors import InputError
from sidejump.pairs.fingerprint import fingerprint

MODEL = """
import numpy as np
import sidejump as sj

MASS = 0.1

def hamiltonian(k):
    kx, ky = k[:, 0, None, None], k[:, 1, None, None]
    return 3.0 * (kx * sj.PAULI[0] + ky * sj.PAULI[1]) + MASS * sj.PAULI[2]

model = sj.FunctionModel(hamiltonian, dimension=2, search_half_width=0.3)
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a model.py"
    path.write_text(MODEL)
    return path


def test_it_is_the_model_of_the_file(file):
    k = np.array([[0.1, 0.2]])
    energies = np.linalg.eigvalsh(load_own(file).hamiltonian(k))[0]
    assert np.allclose(energies, np.array([-1, 1]) * np.hypot(0.1, 3.0 * np.hypot(0.1, 0.2)))


def test_other_processes_can_have_it(file, tmp_path):
    (tmp_path / "pickled").write_bytes(pickle.dumps(load_own(file)))
    program = "import pickle, sys; print(pickle.load(open(sys.argv[1], 'rb')).hamiltonian.__self__.h.__name__)"
    found = subprocess.run([sys.executable, "-c", program, tmp_path / "pickled"], capture_output=True, text=True)
    assert found.stdout == "hamiltonian\n", found.stderr


def test_an_edited_file_is_another_model(file):
    """Its function is the same to the letter: what changed is a number of the module."""
    before = fingerprint(load_own(file))
    assert fingerprint(load_own(file)) == before
    file.write_text(MODEL.replace("MASS = 0.1", "MASS = 0.2"))
    assert fingerprint(load_own(file)) != before


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        (MODEL, "modle", 'defines no "modle"; did you mean "model"?'),
        (MODEL, "MASS", "MASS = 0.1: give an electron model"),
        (MODEL.replace("0.1", "1/0", 1), "model", "a model.py, line 5: ZeroDivisionError: division by zero"),
        (MODEL.replace("= 0.1", "= (", 1), "model", "line 5: SyntaxError"),
        (MODEL.replace("* sj.PAULI[2]", "* 1j * sj.PAULI[2]"), "model", "Hermitian"),
    ],
)
def test_what_is_wrong_is_one_sentence(file, text, name, words):
    file.write_text(text)
    with pytest.raises(InputError) as error:
        load_own(file, name)
    assert words in str(error.value) and str(error.value).startswith(str(file)) and "\n" not in str(error.value)


def test_no_such_file(tmp_path):
    with pytest.raises(InputError, match="sidejump init own"):
        load_own(tmp_path / "x.py")
