"""Fingerprints: the same for the same problem, another one for whatever changes a number."""

import numpy as np

from sidejump.pairs.fingerprint import fingerprint
from test_electron_phonon_pairs import ferromagnet


def test_the_fingerprint_of_data_is_that_of_its_content():
    data = ferromagnet()
    assert fingerprint(data) == fingerprint(ferromagnet())
    data.coupling_matrix()  # what is kept for later does not count
    assert fingerprint(data) == fingerprint(ferromagnet())
    data.file_coupling.values[1, 0, 0, 0, 1] *= 1 + 1e-12
    assert fingerprint(data) != fingerprint(ferromagnet())


def test_functions_and_numbers_of_other_types_differ():
    def multiple(a):
        return lambda q: a * q

    assert fingerprint(multiple(1.0)) == fingerprint(multiple(1.0)) != fingerprint(multiple(2.0))
    assert len({fingerprint(x) for x in (1, 1.0, "1", [1], (1,), None, np.array(1), {1: 1})}) == 8
