"""Surfaces of a range of energies from one mesh: closed forms, and shells."""

import numpy as np
import pytest

from sidejump import TightBinding
from sidejump.groups.operations import Operations
from sidejump.surfaces.cells import CellMesh
from sidejump.surfaces.fermi import fermi_shell
from sidejump.surfaces.window import EnergyWindow, _counts


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
    energies = [-1.9, -1.2, 0.3, 1.7]
    window = EnergyWindow(model, energies, spacing=0.25, operations=operations)
    for energy in energies:
        shell = fermi_shell(model, energy, spacing=0.15)
        speed = shell.area / (shell.weight * (2 * np.pi) ** 3)
        expected = shell.weight @ speed**2 / shell.weight.sum()
        assert window.mean_square_speed(energy) == pytest.approx(expected, rel=0.02)


def test_small_pockets_have_cells():
    """Near the bottom of the band ``(hbar v)^2 = 4 a^2 hop (E - bottom)``, in a pocket much smaller than a cell."""
    window = EnergyWindow(cubic(), [-2.94], spacing=0.5)
    expected = 4 * 2.0**2 * 0.5 * 0.06
    assert window.mean_square_speed(-2.94) == pytest.approx(expected, rel=0.05)


def test_no_surface_no_speed():
    window = EnergyWindow(cubic(), [-3.2, -2.9], spacing=0.5)
    assert window.mean_square_speed(-3.2) == 0.0
    assert window.mean_square_speed(-2.9) > 0.0


def test_a_pocket_within_a_wide_range_does_not_halve_all_cells(monkeypatch):
    """Cells of the other energies stay as they are: the zone at the finest level has 4096 times as many."""
    asked, find = [], CellMesh.node_energies

    def counted(self, cells, level):
        asked.append(len(cells))
        return find(self, cells, level)

    monkeypatch.setattr(CellMesh, "node_energies", counted)
    window = EnergyWindow(cubic(), [-2.997, 0.3], spacing=0.25)
    assert len(asked) == 5 and max(asked) < 4000
    assert window.mean_square_speed(-2.997) == pytest.approx(4 * 2.0**2 * 0.5 * 0.003, rel=0.05)
    assert window.mean_square_speed(0.3) == pytest.approx(
        EnergyWindow(cubic(), [0.3], spacing=0.25).mean_square_speed(0.3), rel=1e-3
    )


def test_cells_are_no_more_than_memory_holds():
    for lengths, spacing, most in [((2.0, 2.0, 0.2), 0.008, 1e5), ((2.0, 2.0, 2.0), 0.01, 2e4)]:
        counts = _counts(np.array(lengths), spacing, most, 1)
        assert 0.9 * most < counts.prod() < 1.3 * most
    np.testing.assert_array_equal(_counts(np.array([2.0, 2.0, 1.0]), 0.1, 1e5, 3), [21, 21, 12])
