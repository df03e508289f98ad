"""Observables with impurities that turn spins: the Kubo formula with the ladder of impurity lines.

Zero-range impurities of two kinds, one of them coupled to a spin, in the Rashba ferromagnet.  For weak disorder what
the ladder adds to the bubble of bare bands is side jump and Gaussian skew scattering, of the current and of any
observable: the interband part that scattering induces, both distributions, and two scatterings in a row.  Nothing of it
is used by the program, which has no Green functions: neither vertices nor rates nor a kinetic equation are here.
"""

import numpy as np
import pytest
from scipy.optimize import brentq

import sidejump as sj
from test_skew_scattering import EXCHANGE, KINETIC, MASS, PAULI, RASHBA

ANGLES = 2 * np.pi * np.arange(16) / 16  # integrands hold no harmonics beyond the seventh
NODE, WEIGHT = np.polynomial.legendre.leggauss(16)
MODEL = sj.RashbaFerromagnet(effective_mass=MASS, rashba=RASHBA, exchange=EXCHANGE)
OBSERVABLES = [sj.spin_current("yz"), sj.spin("x"), sj.velocity("y")]
STRENGTHS = {"identity": 1.0, "sigma_x": 0.7}
"""Density times strength squared of each kind, relative."""

SPINS = {"identity": PAULI[0], "sigma_x": PAULI[1]}


def lines(energy):
    """Radius, density of states and spin along z of the Fermi lines."""
    found = []
    for band, sign in ((0, -1), (1, 1)):
        if sign > 0 and energy < EXCHANGE:
            continue
        k = brentq(lambda r, s=sign: KINETIC * r**2 + s * np.hypot(RASHBA * r, EXCHANGE) - energy, 0, 5)
        _, u = np.linalg.eigh(MODEL.hamiltonian(np.array([[k, 0.0]])))
        state = u[0, :, band]
        speed = 2 * KINETIC * k + sign * RASHBA**2 * k / np.hypot(RASHBA * k, EXCHANGE)
        found.append((k, k / (2 * np.pi * speed), (state.conj() @ PAULI[3] @ state).real))
    return found


def responses(energy, disorder, *, ladder=True):
    """chi of the observables to a force along x, of the order of unity, without those of the Fermi sea: the bubble of
    retarded and advanced lines, of bands with one width for both spins, or with the width of the impurities and the
    ladder."""
    # -Im of the local Green function, and of the self-energy
    local = np.pi * sum(0.5 * n * (PAULI[0] + s * PAULI[3]) for _, n, s in lines(energy))
    width = disorder * sum(STRENGTHS[v] * SPINS[v] @ local @ SPINS[v] for v in STRENGTHS)
    if not ladder:
        width = 0.5 * np.trace(width) * PAULI[0]
    edges = {0.0, 2.0, 8.0, 40.0, 200.0, 2000.0}
    size = float(np.abs(width).max())
    for k, *_ in lines(energy):
        steps = size * 2.0 ** np.arange(-1, 24)
        edges |= {x for x in (k, *(k + steps), *(k - steps)) if 0 < x < 2.0}
    edges = np.array(sorted(edges))
    half = 0.5 * np.diff(edges)[:, None]
    radius = (edges[:-1, None] + half * (1 + NODE)).ravel()
    measure = np.repeat((half * WEIGHT).ravel() * radius / (2 * np.pi * len(ANGLES)), len(ANGLES))
    k = (radius[:, None, None] * np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)).reshape(-1, 2)
    h, drive = MODEL.hamiltonian(k), MODEL.hamiltonian_gradient(k)[:, 0]
    retarded = np.linalg.inv(energy * PAULI[0] + 1j * width - h)
    advanced = retarded.conj().swapaxes(1, 2)
    rows = np.stack([o.matrices(MODEL, k) for o in OBSERVABLES])
    inner = retarded @ drive @ advanced
    bubble = np.einsum("p,opij,pji->o", measure, rows, inner, optimize=True)
    if not ladder:
        return bubble.real / (2 * np.pi)
    # X = int G^R (v + sum_s d_s W X W) G^A, a matrix of the spin
    apply = np.einsum("p,pij,pkl->ikjl", measure, retarded, advanced.swapaxes(1, 2), optimize=True).reshape(4, 4)
    scatter = disorder * sum(n * np.kron(SPINS[v], SPINS[v].T) for v, n in STRENGTHS.items())
    x = np.linalg.solve(np.eye(4) - apply @ scatter, np.einsum("p,pij->ij", measure, inner).reshape(4))
    dressed = (scatter @ x).reshape(2, 2)
    more = np.einsum("p,opij,pjk,kl,pli->o", measure, rows, retarded, dressed, advanced, optimize=True)
    return (bubble + more).real / (2 * np.pi)


@pytest.mark.parametrize("energy", [0.03, 0.3])
def test_impurities_that_turn_spins(energy):
    weak, weaker = (responses(energy, w) - responses(energy, w, ladder=False) for w in (4e-3, 2e-3))
    expected = 2 * weaker - weak
    ds = sj.anomalous_hall(
        MODEL,
        [
            sj.impurity(correlation="zero_range", density=1e11, strength=s**0.5, skewness=0.0, dimension=2, vertex=v)
            for v, s in STRENGTHS.items()
        ],
        chemical_potential=energy,
        temperatures=[1],
        energy_nodes=1,
        tolerance=1e-4,
        observables=OBSERVABLES,
        skew_scattering="static",
    ).sel(b="x")
    one = ds.isel(temperature=0).sel(observable=[o.name for o in OBSERVABLES])
    found = (one.response_side_jump + one.response_gaussian_skew).values
    print(
        energy,
        expected,
        found,
        one.response_side_jump.values,
        one.response_gaussian_skew.values,
        one.response_intrinsic.values,
        one.response_boltzmann.values,
    )
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=1e-4 * np.abs(expected).max())
