"""What the sum of intrinsic part and side jump lacks: the Rashba ferromagnet with both subbands, zero-range impurities.

The whole Hall conductivity of weak disorder is that of the Kubo formula with the ladder of impurity lines, which holds
intrinsic part, side jump and Gaussian skew scattering.  It vanishes (Nunner et al., Phys. Rev. B 76, 235312 (2007)).
"""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad_vec
from scipy.optimize import brentq

import sidejump as sj

MASS, RASHBA, EXCHANGE = 0.6, 1.0, 0.05
KINETIC = sj.units.HBAR2_OVER_2M / MASS
PAULI = np.array([np.eye(2), *sj.PAULI])
ANGLES = np.arange(8) * np.pi / 4  # integrands hold no higher harmonics than the third


def splitting(k):
    return np.hypot(RASHBA * k, EXCHANGE)


def kubo(energy, disorder, spin=1.0):
    """sigma_yx in e^2/h without and with the ladder; `disorder`: density times strength squared; `spin`: times the part
    of the self-energy that depends on spin."""
    lines = [(brentq(lambda k: KINETIC * k**2 - splitting(k) - energy, 0, 5), -1)]
    if energy > EXCHANGE:
        lines.append((brentq(lambda k: KINETIC * k**2 + splitting(k) - energy, 0, 5), 1))
    rate = np.zeros(2)  # of the unit matrix and of sigma_z in the self-energy
    for k, sign in lines:
        speed = 2 * KINETIC * k + sign * RASHBA**2 * k / splitting(k)
        rate += disorder * k / (4 * speed) * np.array([1, -sign * EXCHANGE / splitting(k)])
    width = 1j * (rate[0] * PAULI[0] + spin * rate[1] * PAULI[3])
    sx, sy, sz = PAULI[1:]

    def integrand(k):
        x, y = (k * f(ANGLES)[:, None, None] for f in (np.cos, np.sin))
        h = KINETIC * k**2 * PAULI[0] + RASHBA * (x * sy - y * sx) - EXCHANGE * sz
        retarded, advanced = (np.linalg.inv(energy * PAULI[0] + s * width - h) for s in (1, -1))
        vx, vy = 2 * KINETIC * x * PAULI[0] + RASHBA * sy, 2 * KINETIC * y * PAULI[0] - RASHBA * sx
        bubble = np.einsum("pij,pjk,pkl,pli->", vy, retarded, vx, advanced)
        left = np.einsum("pij,pjk,akl,pli->a", vy, retarded, PAULI, advanced)
        right = 0.5 * np.einsum("aij,pjk,pkl,pli->a", PAULI, retarded, vx, advanced)
        rung = 0.5 * np.einsum("aij,pjk,bkl,pli->ab", PAULI, retarded, PAULI, advanced)
        return k / (2 * np.pi * len(ANGLES)) * np.concatenate([[bubble], left, right, rung.ravel()])

    near = [k + w * rate[0] for k, _ in lines for w in (-150, -15, -2, 2, 15, 150)]
    edges = sorted([0, *(k for k in near if k > 0), 1, 3, 10, 30, 100])
    parts = sum(quad_vec(integrand, a, b, epsabs=1e-10, epsrel=1e-8)[0] for a, b in pairwise(edges))
    bubble, left, right, rung = parts[0], parts[1:5], parts[5:9], parts[9:].reshape(4, 4)
    ladder = left @ np.linalg.solve(np.eye(4) - disorder * rung, disorder * right)
    return bubble.real, (bubble + ladder).real


@pytest.mark.parametrize("energy", [0.1, 0.3])
def test_rashba_ferromagnet_with_both_subbands(energy):
    bubble, whole = kubo(energy, 1e-3)
    ds = sj.anomalous_hall(
        sj.RashbaFerromagnet(effective_mass=MASS, rashba=RASHBA, exchange=EXCHANGE),
        sj.impurity(correlation="zero_range", density=1e11, strength=1.0, dimension=2),
        chemical_potential=energy,
        temperatures=[2],
        energy_nodes=1,
        tolerance=5e-5,
        intrinsic_tolerance=1e-5,
        skew_scattering="static",
    ).sel(a="y", b="x")
    intrinsic = float(ds.sigma_intrinsic[0])
    assert bubble == pytest.approx(intrinsic, rel=1e-3)
    assert abs(whole) < 1e-4 * abs(intrinsic)
    # so that what is missing is minus what is there, as large as each of the parts
    assert float(ds.sigma_side_jump[0]) == pytest.approx(-2 * intrinsic, rel=1e-4)
    assert float(ds.sigma_intrinsic_plus_side_jump[0]) == pytest.approx(-intrinsic, rel=2e-4)
    if energy == 0.1:
        assert float(ds.sigma_intrinsic_plus_side_jump[0]) == pytest.approx(0.2157, abs=2e-4)
    # and the Gaussian part is that, as the ladder has no third moment
    assert float(ds.sigma_gaussian_skew[0]) == pytest.approx(intrinsic, rel=2e-4)
    assert abs(float(ds.sigma_skew[0])) < 1e-8


@pytest.mark.parametrize("energy", [0.0, 0.03])
def test_rashba_ferromagnet_with_one_subband(energy):
    """Side jump and Gaussian part are together what disorder adds to the bubble of bare bands (that of a width without
    spin), in the limit of weak disorder from two strengths."""
    weak, weaker = (kubo(energy, w)[1] - kubo(energy, w, spin=0.0)[0] for w in (1e-2, 5e-3))
    ds = sj.anomalous_hall(
        sj.RashbaFerromagnet(effective_mass=MASS, rashba=RASHBA, exchange=EXCHANGE),
        sj.impurity(correlation="zero_range", density=1e11, strength=1.0, skewness=0.0, dimension=2),
        chemical_potential=energy,
        temperatures=[1],
        energy_nodes=1,
        tolerance=1e-4,
        skew_scattering="static",
    ).sel(a="y", b="x")
    side_jump, gaussian = float(ds.sigma_side_jump[0]), float(ds.sigma_gaussian_skew[0])
    assert side_jump + gaussian == pytest.approx(2 * weaker - weak, rel=2e-3)
    assert abs(gaussian) > 0.5 * abs(side_jump)
