"""Long vectors at small angles tell the same lattice as short ones: the same numbers come out for the same work."""

from __future__ import annotations

import numpy as np
import pytest

import sidejump as sj
from sidejump.bands.lattice import LatticeModel
from sidejump.bands.momentum import MomentumTransfer
from sidejump.groups.operations import exact_operations
from sidejump.intrinsic.integrate import reduced_zone
from sidejump.surfaces.irreducible import symmetric_axes, zone_vectors
from sidejump.transport.problem import Problem
from sidejump.transport.settings import TransportSettings


def told_by(model: LatticeModel, steps) -> LatticeModel:
    """The same crystal with the lattice vectors ``steps @ cell``."""
    steps = np.array(steps)
    assert abs(np.linalg.det(steps)) == pytest.approx(1)
    vectors = model.vectors @ np.rint(np.linalg.inv(steps)).astype(int)
    return LatticeModel(steps @ model.cell, vectors, model.hoppings, sites=model.site_positions, spin=model.spin)


def cubic() -> LatticeModel:
    lattice = sj.TightBinding(2.8 * np.eye(3), [((0, 0, 0), 1)], spinful=True).onsite(0, 0.2 * sj.PAULI[2])
    for axis in range(3):
        spin = 0.2 * sj.PAULI[2] * (1.0 if axis == 2 else -0.5)
        lattice.hop(0, 0, np.eye(3, dtype=int)[axis], -0.4 * np.eye(2) - spin - 0.1j * sj.PAULI[axis])
    return lattice.build()


def oblique() -> LatticeModel:
    """A layer without any symmetry but that of its translations."""
    lattice = sj.TightBinding([[3.0, 0.0], [0.8, 3.4]], [((0, 0), 1)], spinful=True).onsite(0, 1.2 * sj.PAULI[2])
    for axis, size in enumerate((0.3, 0.35)):
        hop = -0.1 * np.eye(2) - size * sj.PAULI[2] - 0.4j * sj.PAULI[axis]
        lattice.hop(0, 0, np.eye(2, dtype=int)[axis], hop)
    return lattice.build()


PHONONS = {"deformation_potential": 8.0, "sound_velocity": 5000.0}


def test_the_same_numbers():
    model = oblique()
    phonons = sj.acoustic_deformation_potential(mass_density=2e-6, dimension=2, **PHONONS)
    plain, told = (
        sj.anomalous_hall(m, [phonons], chemical_potential=-0.6, temperatures=[150.0], tolerance=0.2)
        for m in (model, told_by(model, [[1, 0], [-5, 1]]))
    )
    assert np.abs(plain.sigma_side_jump.values).max() > 1e-3 * np.abs(plain.sigma_intrinsic.values).max() > 0
    assert told.attrs["states"] == plain.attrs["states"]
    for name in ("sigma_boltzmann", "sigma_side_jump", "sigma_intrinsic"):
        values, size = plain[name].values, np.abs(plain[name].values).max()
        np.testing.assert_allclose(told[name].values, values, atol=1e-5 * size, err_msg=name)


@pytest.mark.parametrize("symmetry", ["auto", "off"])
def test_the_same_points_of_a_surface(symmetry):
    model = cubic()
    phonons = sj.acoustic_deformation_potential(mass_density=5000.0, dimension=3, **PHONONS)
    settings = TransportSettings(symmetry=symmetry, accuracy=0.35)
    plain, told = (
        problem.shell(problem.mu, problem.spacings.base)
        for m in (model, told_by(model, [[1, 4, 0], [0, 1, 0], [-5, -20, 1]]))
        for problem in [Problem(m, [phonons], -1.0, settings)]
    )
    assert len(told) == len(plain) > 50
    zone = MomentumTransfer(model.reciprocal_cell, 3)
    np.testing.assert_allclose(zone.first_zone(told.k - plain.k), 0, atol=1e-8)
    np.testing.assert_allclose(told.weight, plain.weight, rtol=1e-6)


def test_as_many_operations_reduce_the_mesh():
    """Axes that rotations permute are found, and all zones of the box that they span."""
    model = cubic()
    told = told_by(model, [[1, 0, 0], [0, 1, 0], [3, 0, 1]])
    operations = exact_operations(model, energy=-1.0)
    (axes, kept), (axes_told, kept_told) = (symmetric_axes(m.reciprocal_cell, operations) for m in (model, told))
    assert len(kept_told) == len(kept) == len(operations) > 4
    np.testing.assert_allclose(axes_told, axes, atol=1e-12)
    assert len(zone_vectors(axes, told.reciprocal_cell)) == len(zone_vectors(axes, model.reciprocal_cell))
    zone, zone_told = reduced_zone(model, -1.0), reduced_zone(told, -1.0)
    np.testing.assert_allclose(zone_told.centres @ zone_told.axes, zone.centres @ zone.axes, atol=1e-12)
