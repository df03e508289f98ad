"""Numbers that change results: half of each, or twice, moves what a run says by less than its error bar."""

import numpy as np
import pytest

from sidejump import MassiveDirac, acoustic_deformation_potential, anomalous_hall
from test_invariance import ferromagnet

PARTS = ("sigma_boltzmann", "sigma_side_jump")

CASES = {
    "plane": (
        lambda: MassiveDirac(mass=0.1, velocity=3.0, tilt=(0.4, -0.2)),
        {"chemical_potential": 0.2, "temperatures": [300.0], "geometry": "own", "tolerance": 0.05},
        {"deformation_potential": 5.0, "sound_velocity": 3000.0, "mass_density": 7.6e-7, "dimension": 2},
    ),
    "crystal": (
        lambda: ferromagnet((0.0, 0.0, 0.3), 0.1),
        {"chemical_potential": -1.0, "temperatures": [60.0], "energy_nodes": 3, "geometry": "shared",
         "accuracy": 0.6, "tolerance": 0.4, "intrinsic_mesh": 6},
        {"deformation_potential": 5.0, "sound_velocity": 3000.0, "mass_density": 7000.0, "dimension": 3},
    ),
}  # fmt: skip


def solved(name):
    model, options, scattering = CASES[name]
    return anomalous_hall(model(), acoustic_deformation_potential(**scattering), **options)


@pytest.fixture(scope="module")
def plain():
    return {name: solved(name) for name in CASES}


@pytest.mark.parametrize(
    ("case", "constant", "other"),
    [
        ("plane", "sidejump.transport.side.FARTHEST", 12.5),
        ("crystal", "sidejump.energy.kernel.LEVELS", 32767),
        ("plane", "sidejump.accuracy.replica.FINER", 2**0.25),
    ],
)
def test_half_of_a_constant_is_within_the_error(plain, monkeypatch, case, constant, other):
    monkeypatch.setattr(constant, other)
    found, expected = solved(case), plain[case]
    changes = []
    for part in PARTS:
        change = np.abs(found[part].values - expected[part].values).max()
        changes.append(change / expected[f"{part}_error"].values.max())
    assert 0 < max(changes) < 1, changes
