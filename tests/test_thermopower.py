"""Mott's relation on the Fermi surface: closed forms, own shells of a run, symmetry."""

from dataclasses import replace

import numpy as np
import pytest

import sidejump as sj
from sidejump.transport import TransportSettings
from sidejump.transport.problem import Problem
from sidejump.transport.thermopower import on_surface, slopes
from sidejump.units import HBAR2_OVER_2M, KB, conductivity_unit
from test_heat import parabolic_band
from test_hot_spots import ferromagnet

DIRAC = sj.MassiveDirac(mass=0.05, velocity=3.0)
PHONONS = sj.acoustic_deformation_potential(
    deformation_potential=5.0, sound_velocity=2000.0, mass_density=7.6e-7, dimension=2
)
IMPURITIES = sj.impurity(correlation="zero_range", density=1e11, strength=1.0, dimension=2)
IN_SOLIDS = sj.acoustic_deformation_potential(
    deformation_potential=5.0, sound_velocity=2000.0, mass_density=5000.0, dimension=3
)


def found(model, scatterers, mu, t, **settings):
    problem = Problem(model, scatterers, mu, TransportSettings(**settings))
    return slopes(problem.laid(1.0, None), KB * np.atleast_1d(t))


def test_static_impurities_obey_motts_relation():
    """Both slopes are that of the closed form."""
    mu, mass = 0.2, 0.05
    got = found(DIRAC, [IMPURITIES], mu, [2.0, 20.0])
    np.testing.assert_allclose(got.of_heat, got.of_charge, rtol=2e-3)

    def side_jump(e):  # yx, e^2/h
        return 2 * mass * (e**2 - mass**2) / (e * (e**2 + 3 * mass**2))

    def along(e):
        return (e**2 - mass**2) / (e**2 + 3 * mass**2)

    step = 1e-4
    slope = (along(mu + step) - along(mu - step)) / (2 * step) / along(mu)
    np.testing.assert_allclose(got.of_charge[:, 0] / got.conductivity[:, 0], slope, rtol=1e-3)
    slope = (side_jump(mu + step) - side_jump(mu - step)) / (2 * step) / side_jump(mu)
    np.testing.assert_allclose(got.of_charge[:, 1] / got.conductivity[:, 1], slope, rtol=1e-3)


def test_surfaces_without_common_points_have_the_same_slope():
    mu, step, kts = 0.2, 2e-3, [KB * 4.0]
    low, high = (
        on_surface(Problem(DIRAC, [PHONONS], mu + s * step, TransportSettings()).laid(1.0, None), kts) for s in (-1, 1)
    )
    got = found(DIRAC, [PHONONS], mu, [4.0])
    np.testing.assert_allclose((high - low) / (2 * step), got.of_charge, rtol=2e-2)
    np.testing.assert_allclose(0.5 * (low + high), got.conductivity, rtol=1e-3)


def test_own_shells_of_a_run():
    """The thermopower and the side jump of the Nernst effect of a run with the heat current, cold and warm."""
    t = np.array([4.0, 8.0])
    got = found(DIRAC, [PHONONS], 0.2, t)
    ds = sj.anomalous_hall(DIRAC, PHONONS, chemical_potential=0.2, temperatures=t, heat=True, tolerance=0.01)
    scale = sj.units.siemens(2) * np.pi**2 / 3 * KB**2 * t
    expected = [ds.thermoelectric_boltzmann[:, 0, 0], ds.thermoelectric_side_jump[:, 1, 0]]
    np.testing.assert_allclose(-scale[:, None] * got.of_heat, np.transpose(expected), rtol=2e-2)
    ratio = got.of_heat / got.of_charge
    assert np.all(ratio[:, 0] < 0.92) and np.all(ratio[:, 1] < 0.5)
    np.testing.assert_allclose(got.conductivity[:, 0] * conductivity_unit(2)[0], ds.sigma_boltzmann[:, 0, 0], rtol=1e-2)


def test_equipartition_in_three_dimensions():
    """Hot phonons on a parabolic band, ``1/tau ~ k``: ``sigma ~ e``, and Mott's relation."""
    mu = 0.5
    sound = IN_SOLIDS.sound_velocity
    t = 8 * sound * np.sqrt(mu * 0.3 / HBAR2_OVER_2M) / KB
    got = found(parabolic_band(0.3), [IN_SOLIDS], mu, [t], accuracy=0.5)
    assert got.of_charge[0, 0] == pytest.approx(got.conductivity[0, 0] / mu, rel=1e-2)
    assert got.of_heat[0, 0] == pytest.approx(got.of_charge[0, 0], rel=1e-2)
    cold = found(parabolic_band(0.3), [IN_SOLIDS], mu, [t / 40], accuracy=0.5)
    assert cold.of_heat[0, 0] < 0.8 * cold.of_charge[0, 0]


def test_irreducible_points_of_a_crystal():
    """Points that stand for their images give what all of them give, the side jump too: one surface written out."""
    model, mu, results = ferromagnet(), 0.5, []
    reduced, whole = (
        Problem(
            model, [IN_SOLIDS], mu, TransportSettings(accuracy=0.15 if symmetry == "auto" else 0.3, symmetry=symmetry)
        ).laid(1.0, None)
        for symmetry in ("auto", "off")
    )
    shell = replace(reduced.inelastic_shell(reduced.spacings.base), components=None)
    turns = shell.operations.matrices
    n = len(turns)
    assert n == 8
    columns = {name: np.tile(getattr(shell, name), n) for name in ("band", "sheet")}
    columns |= {name: np.tile(getattr(shell, name), n) / n for name in ("weight", "area")}
    written_out = replace(shell, k=np.concatenate([shell.k @ m.T for m in turns]), operations=None, **columns)
    for problem, points in ((reduced, shell), (whole, written_out)):
        problem.inelastic_shell = lambda _, points=points: points
        got = slopes(problem, [KB * 60.0], nodes=5)
        results.append(np.stack([got.conductivity[0], got.of_charge[0], got.of_heat[0]]))
    np.testing.assert_allclose(*results, rtol=2e-3)
    assert np.abs(results[0]).min() > 0 and abs(results[0][2, 0] / results[0][1, 0] - 1) > 0.05
