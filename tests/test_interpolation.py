"""Of a dense list some temperatures have hot spots and inelasticity computed, the others are interpolated between."""

import numpy as np
import pytest

from sidejump.transport import TransportSettings, fermi_surface, run_transport
from sidejump.transport.term import spread
from test_hot_spots import MU, ferromagnet, phonons

PARTS = ("boltzmann", "side_jump_velocity", "side_jump_distribution")


def solved(spin_orbit, temperatures, **settings):
    chosen = TransportSettings(**({"geometry": "shared", "accuracy": 0.6} | settings))
    return run_transport(
        ferromagnet(spin_orbit), [phonons()], chemical_potential=MU, temperatures=temperatures, settings=chosen
    )


# spin-orbit coupling (eV), lowest temperature (K), settings, the same without what is interpolated, ratio of sampling,
# least effect on the side jump, error allowed
CASES = {
    "hot spots": (0.02, 150.0, {"energy_nodes": 1}, {"energy_nodes": 1, "turn": None}, "HOT_SPOT_STEP", 0.2, 2e-3),
    "inelasticity": (
        0.08,
        75.0,
        {"energy_nodes": 3, "levels": 0, "accuracy": 0.8},
        {"energy_nodes": 1, "levels": 0, "accuracy": 0.8},
        "NODES_STEP",
        2e-2,
        6e-3,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_dense_list_against_single_temperatures(name):
    """With the small gap the side jump passes through zero near 200 K, where ratios to it cannot be interpolated."""
    gap, coldest, settings, without, step, effect, allowed = CASES[name]
    temperatures = np.geomspace(coldest, 2 * coldest, 7)
    dense = solved(gap, temperatures, **settings)
    sampled = spread(temperatures, [6, 5, 4, 3, 2, 1, 0], getattr(fermi_surface, step))
    between = [i for i in (5, 3, 1) if i not in sampled][-2:]
    assert len(sampled) > 2 and len(between) == 2
    for i in between:
        single = solved(gap, temperatures[i : i + 1], **settings)
        for part in PARTS:
            here, there = getattr(dense, part)[i], getattr(single, part)[0]
            assert np.abs(here - there).max() < allowed * np.abs(there).max()
    plain = solved(gap, temperatures[i : i + 1], **without)
    change = np.abs(plain.side_jump_velocity - single.side_jump_velocity).max()
    assert change > effect * np.abs(single.side_jump_velocity).max()
