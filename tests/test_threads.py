"""Threads share the work and change no digit: searches, blocks and sums are those of one thread."""

import numpy as np
import pytest

from sidejump.interactions.base import Branch, Scatterer
from sidejump.kinetics.response import PARTS
from sidejump.transport import TransportSettings, run_transport
from test_hot_spots import MU, ferromagnet, phonons
from test_skew import DIRAC, zero_range


def in_the_plane():
    debye = Scatterer("debye", 2, (Branch(lambda q: 0.005 * q, lambda q: 0.01 * q),), "identity", 0.01)
    return run_transport(
        DIRAC,
        [zero_range(), debye],
        chemical_potential=0.1,
        temperatures=[50.0, 100.0],
        settings=TransportSettings(skew_scattering="static", minimum=24, energy_nodes=3),
    )


def in_space():
    return run_transport(
        ferromagnet(),
        [phonons(), zero_range(dimension=3, density=1e19)],
        chemical_potential=MU,
        temperatures=[300.0],
        settings=TransportSettings(skew_scattering="static", geometry="shared", levels=1, accuracy=0.3, energy_nodes=1),
    )


@pytest.mark.parametrize("transport", [in_the_plane, in_space])
def test_digits_do_not_depend_on_threads(threads, transport):
    threads(1)
    one = transport()
    threads(3)
    three = transport()
    for name in (*PARTS, "skew"):
        np.testing.assert_array_equal(getattr(one, name), getattr(three, name), err_msg=name)
    assert np.any(one.skew)
