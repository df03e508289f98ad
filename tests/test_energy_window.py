"""Surfaces of a range of energies from one mesh: closed forms, and shells."""

import numpy as np
import pytest

from sidejump import TightBinding
from sidejump.groups.operations import Operations
from sidejump.surfaces.fermi import fermi_shell
from sidejump.surfaces.window import EnergyWindow


def cubic():
    lattice = TightBinding(np.diag([2.0, 2.0, 2.0]), [((0, 0, 0), 1)])
    for vector in np.eye(3, dtype=int):
        lattice.hop(0, 0, tuple(vector.tolist()), -0.5)
    return lattice.build()


def of_cube() -> Operations:
    turns = [np.eye(3)[list(p)] * s for p in ((0, 1, 2), (1, 2, 0), (2, 0, 1)) for s in (1, -1)]
    return Operations(np.array(turns), np.ones(len(turns), dtype=int))


@pytest.mark.parametrize("operations", [None, of_cube()], ids=["plain", "symmetric"])
def test_speeds_are_those_of_shells(operations):
    model = cubic()
    window = EnergyWindow(model, -2.0, 2.0, spacing=0.25, operations=operations)
    for energy in (-1.9, -1.2, 0.3, 1.7):
        shell = fermi_shell(model, energy, spacing=0.15)
        speed = shell.area / (shell.weight * (2 * np.pi) ** 3)
        expected = shell.weight @ speed**2 / shell.weight.sum()
        assert window.mean_square_speed(energy) == pytest.approx(expected, rel=0.02)


def test_small_pockets_have_cells():
    """Near the bottom of the band ``(hbar v)^2 = 4 a^2 hop (E - bottom)``, in a pocket much smaller than a cell."""
    window = EnergyWindow(cubic(), -2.96, -2.92, spacing=0.5)
    expected = 4 * 2.0**2 * 0.5 * 0.06
    assert window.mean_square_speed(-2.94) == pytest.approx(expected, rel=0.05)


def test_no_surface_no_speed():
    window = EnergyWindow(cubic(), -3.4, -2.8, spacing=0.5)
    assert window.mean_square_speed(-3.2) == 0.0
    assert window.mean_square_speed(-2.9) > 0.0
