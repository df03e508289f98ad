"""Phonons and impurities together: what each does to the scattering rate, and what neither may change."""

import numpy as np
import pytest

import sidejump as sj
from sidejump.interactions.impurity import denser
from sidejump.interactions.limits import HighTemperatureLimit
from sidejump.transport import TransportSettings, run_transport
from sidejump.transport.problem import Problem
from sidejump.transport.shares import rate_shares
from sidejump.units import KB

ROUND = sj.MassiveDirac(mass=0.1, velocity=3.0)
TILTED = sj.MassiveDirac(mass=0.1, velocity=3.0, tilt=(0.8, 0.3))
RASHBA = sj.RashbaFerromagnet(effective_mass=0.6, rashba=1.0, exchange=0.05)
MU = 0.2


def phonons(potential=5.0, sound=2000.0, **more):
    return sj.acoustic_deformation_potential(
        deformation_potential=potential, sound_velocity=sound, mass_density=7.6e-7, dimension=2, **more
    )


def impurities(strength=1.0, length=None, **more):
    correlation = "zero_range" if length is None else "gaussian"
    given = {"density": 1e11, "correlation_length": length} | more
    return sj.impurity(correlation=correlation, strength=strength, dimension=2, **given)


def solved(model, scatterers, temperatures):
    settings = TransportSettings(energy_nodes=1, geometry="shared")
    return run_transport(model, scatterers, chemical_potential=MU, temperatures=temperatures, settings=settings)


def hall(result):
    sigma = result.side_jump_velocity + result.side_jump_distribution
    return 0.5 * (sigma[:, 1, 0] - sigma[:, 0, 1])


@pytest.mark.parametrize("model", [ROUND, TILTED, RASHBA], ids=["round", "tilted", "Rashba"])
def test_hot_phonons_do_what_zero_range_impurities_do(model):
    """Eq. 15: ``|V|^2 2 kT / omega`` of a deformation potential does not depend on q."""
    expected = hall(solved(model, [impurities()], [30.0]))
    limit = hall(solved(model, [HighTemperatureLimit(phonons())], [30.0]))
    hot = hall(solved(model, [phonons()], [1e6]))  # (T_BG / T)^2 is below rounding
    both = hall(solved(model, [phonons(), impurities(density=1e16)], [1e6]))
    np.testing.assert_allclose(np.concatenate([limit, hot, both]), np.repeat(expected, 3), rtol=1e-7)


SILENT = {
    "of another vertex": (impurities(0.0, 40.0, vertex="sigma_z"), [phonons()]),
    "fast phonons": (phonons(0.0, 5e4), [phonons()]),
    "phonons beside impurities": (phonons(0.0), [impurities()]),
}


@pytest.mark.parametrize("case", SILENT)
def test_a_mechanism_of_zero_strength_changes_nothing(case):
    """Nor where the points lie, as a faster sound would, nor what is elastic."""
    silent, others = SILENT[case]
    asked = {"chemical_potential": MU, "temperatures": [1, 30], "tolerance": 0.05, "accuracy": 0.5}
    expected, found = (sj.anomalous_hall(TILTED, s, **asked) for s in (others, [silent, *others]))
    for name in ("sigma_boltzmann", "sigma_side_jump", "sigma_side_jump_error", "resistivity"):
        np.testing.assert_array_equal(found[name], expected[name])


@pytest.mark.parametrize("length", [None, 3.0])
def test_shares_are_what_a_change_of_density_does(length):
    """``x = - d ln(tr sigma) / d ln n`` on a surface where the time between collisions is no number."""
    static, kt = impurities(3.0, length), KB * 30
    settings = TransportSettings(energy_nodes=1)
    shares = rate_shares(Problem(TILTED, [phonons(), static], MU, settings), kt)
    np.testing.assert_allclose(shares.sum(), 1, rtol=1e-12)
    assert np.all(shares > 0.04)
    step = 1e-3
    more, less = (solved(TILTED, [phonons(), denser(static, np.exp(x))], [30.0]).boltzmann[0] for x in (step, -step))
    np.testing.assert_allclose(shares[1], -np.log(np.trace(more) / np.trace(less)) / (2 * step), rtol=2e-3)


def test_shares_on_a_circle_are_those_of_matthiessen():
    mechanisms, kt = [phonons(), impurities(), impurities(length=2.0)], KB * 100
    shares = rate_shares(Problem(ROUND, mechanisms, MU, TransportSettings(energy_nodes=1)), kt)
    rho = [1 / solved(ROUND, [one], [100.0]).boltzmann[0, 0, 0] for one in mechanisms]
    whole = 1 / solved(ROUND, mechanisms, [100.0]).boltzmann[0, 0, 0]
    np.testing.assert_allclose(shares, rho / whole, rtol=1e-5)


def test_density():
    twice = impurities(density=2e11, skewness=0.5)
    [made], [expected] = denser(impurities(skewness=0.5), 2.0).branches, twice.branches
    q = np.linspace(0, 1, 5)
    np.testing.assert_allclose(made.coupling(q), expected.coupling(q), rtol=1e-14)
    np.testing.assert_allclose(made.third_moment, expected.third_moment, rtol=1e-14)
    with pytest.raises(sj.InputError, match="no density"):
        denser(phonons(), 2.0)
