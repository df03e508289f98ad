"""Exact inelastic Bloch-Boltzmann equation of the isotropic massive Dirac model with acoustic phonons.

Independent of the shells, pairs and solver of the package.  For an isotropic model the distribution driven by
a field along x is ``g(e) cos(phi)``, so eq. 2b becomes an integral equation in the energy alone,

    v(e) = sum_{+-} int dphi  R_{+-}(e, phi) [ g(e) - cos(phi) g(e') ],    e' = e +- c |k' - k|,

where e' is solved for every angle, and R holds the rate, the Pauli factor and the Jacobian.  It is solved by
collocation at Gauss-Legendre nodes in ``tanh((e - mu) / 6kT)``.  The side-jump velocity (eq. 12) is the same
integral with the coordinate shift of eq. 3, in the explicit gauge
``u = (cos(theta/2), sin(theta/2) exp(i phi))``.

Units ``hbar = v = 1``; ``lambda^2 = 2 |V0(q)|^2 / omega_q = 1`` (eq. B5).  Upper band only: ``mu > |Delta|``,
and states below the band edge, of weight ``exp(-(mu - |Delta|) / kT)``, are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

RANGE = 30.0  # thermal energies kept on either side of mu
STRETCH = 6.0  # scale of the tanh map, in kT


@dataclass(frozen=True)
class ExactDirac:
    """Solution of the integral equation.

    Attributes
    ----------
    sigma_xx : float
        Longitudinal conductivity, e^2/hbar, at ``lambda^2 = v = 1``.
    side_jump_velocity, side_jump_distribution : float
        The two parts of sigma_yx in e^2/h; equal by Onsager's relation.
    thermoelectric, thermal : float
        ``<x> sigma`` and ``<x^2> sigma``, x = (e - mu)/kT, as sigma_xx: what the drive ``x v`` of a gradient of
        temperature makes of the currents of charge and of heat. alpha_xx is ``-k_B/e`` times the first, kappa0 over T
        ``(k_B/e)^2`` times the second.
    """

    sigma_xx: float
    side_jump_velocity: float
    side_jump_distribution: float
    thermoelectric: float
    thermal: float

    @property
    def side_jump(self) -> float:
        """Side-jump conductivity sigma_yx in e^2/h."""
        return self.side_jump_velocity + self.side_jump_distribution

    @property
    def lorenz_ratio(self) -> float:
        """kappa without a current over T and sigma, over the Lorenz number."""
        return (self.thermal - self.thermoelectric**2 / self.sigma_xx) / self.sigma_xx / (np.pi**2 / 3)


def solve_exact(
    sound_ratio: float,
    t_over_tbg: float,
    *,
    mass: float = 1.0,
    chemical_potential: float = 2.0,
    n_energies: int = 40,
    n_angles: int = 240,
) -> ExactDirac:
    """Solve the integral equation.

    Parameters
    ----------
    sound_ratio : float
        ``c / v``, below the Fermi velocity over v.
    t_over_tbg : float
        ``T / T_BG`` with ``T_BG = 2 c k_F``.
    mass, chemical_potential : float
        Delta and mu, in one unit.
    n_energies, n_angles : int
        Collocation nodes and angles in (0, pi).

    Raises
    ------
    ValueError
        If mu is not above the gap or c not below the Fermi velocity.
    """
    if chemical_potential <= abs(mass):
        raise ValueError(f"chemical_potential = {chemical_potential} must exceed |mass| = {abs(mass)}")
    k_fermi = np.sqrt(chemical_potential**2 - mass**2)
    if not 0 < sound_ratio < k_fermi / chemical_potential:
        raise ValueError(f"sound_ratio = {sound_ratio} must be positive and below the Fermi velocity over v")
    kt = 2 * sound_ratio * k_fermi * t_over_tbg
    # Where the band is slower than sound (just above its edge) e' need not be unique: stay above.
    slowest = abs(mass) / np.sqrt(1 - (1.2 * sound_ratio) ** 2)
    lowest = max(-RANGE, (slowest - chemical_potential) / kt)
    basis = _TanhBasis(n_energies, lowest, RANGE)

    x = basis.nodes
    energy = chemical_potential + kt * x
    k = np.sqrt(energy**2 - mass**2)
    operator = np.zeros((n_energies, n_energies))
    transverse = np.zeros(n_energies)
    for i in range(n_energies):
        for sign in (1, -1):
            angle, weight = _angles(n_angles, k[i], sound_ratio, kt, abs(x[i]))
            final, valid = _final_energy(energy[i], angle, sign * sound_ratio, mass, slowest)
            angle, weight, final = angle[valid], weight[valid], final[valid]
            rate, shift = _rate_and_shift(energy[i], final, angle, sign, sound_ratio, kt, mass, x[i])
            x_final = (final - chemical_potential) / kt
            operator[i, i] += np.sum(weight * rate)
            bounded = np.clip(x_final, lowest, RANGE)
            operator[i] -= (weight * rate * np.cos(angle)) @ basis.interpolate(bounded)
            transverse[i] += np.sum(weight * shift)

    group_velocity = k / energy
    normal, heat, anomalous = np.linalg.solve(
        operator, np.stack([group_velocity, x * group_velocity, transverse], axis=1)
    ).T
    # -f0' de times the density of states
    thermal = basis.weights / (4 * np.cosh(x / 2) ** 2) * energy / (2 * np.pi)
    return ExactDirac(
        sigma_xx=float(np.sum(thermal * normal * group_velocity) / 2),
        side_jump_velocity=float(np.sum(thermal * normal * transverse) * np.pi),
        side_jump_distribution=float(np.sum(thermal * anomalous * group_velocity) * np.pi),
        thermoelectric=float(np.sum(thermal * heat * group_velocity) / 2),
        thermal=float(np.sum(thermal * heat * group_velocity * x) / 2),
    )


@cache
def _legendre(n: int):
    """Nodes and weights on [-1, 1]; those of one number of angles serve at every energy."""
    return np.polynomial.legendre.leggauss(n)


class _TanhBasis:
    """Gauss-Legendre nodes in ``tanh(x / 6)`` between two energies, with barycentric interpolation."""

    def __init__(self, n: int, lowest: float, highest: float):
        lo, hi = np.tanh(lowest / STRETCH), np.tanh(highest / STRETCH)
        node, weight = _legendre(n)
        self._centre, self._half = (hi + lo) / 2, (hi - lo) / 2
        self._t = node
        self._barycentric = (-1.0) ** np.arange(n) * np.sqrt((1 - node**2) * weight)
        tau = self._centre + self._half * node
        self.nodes = STRETCH * np.arctanh(tau)
        self.weights = weight * self._half * STRETCH / (1 - tau**2)

    def interpolate(self, x):
        """Values of the Lagrange polynomials, shape (len(x), n)."""
        t = (np.tanh(x / STRETCH) - self._centre) / self._half
        distance = t[:, None] - self._t
        distance = np.where(distance == 0, 1e-300, distance)
        terms = self._barycentric / distance
        return terms / terms.sum(axis=1, keepdims=True)


def _angles(n, k, sound, kt, x):
    """Angles in (0, pi) and weights, dense where phonons of a few kT scatter."""
    node, weight = _legendre(n)
    s = (node + 1) / 2
    reach = min(1.0, (x + 40.0) * kt / (2 * sound * k) * 1.1)
    top = 2 * np.arcsin(reach)
    # angle = top s^2: half of the points in the lowest quarter, where the thermal phonons are at low T
    return top * s**2, weight * top * s


def _final_energy(energy, angle, slope, mass, slowest):
    """Solve ``e' = e + slope |k' - k|`` at fixed angle by Newton's method; mark where it exists."""
    k = np.sqrt(energy**2 - mass**2)
    final = np.full_like(angle, energy)
    for _ in range(50):
        kk = np.sqrt(final**2 - mass**2)
        q = np.sqrt((k - kk) ** 2 + 4 * k * kk * np.sin(angle / 2) ** 2)
        residual = final - energy - slope * q
        along = (kk - k * np.cos(angle)) / np.maximum(q, 1e-300)  # dq/dk'
        derivative = 1 - slope * along * final / np.maximum(kk, 1e-300)
        step = residual / derivative
        final = np.maximum(final - step, slowest)
        if np.max(np.abs(step)) < 1e-13 * energy:  # quadratic: the next step would be rounding
            break
    return final, np.abs(step) < 1e-10 * energy


def _rate_and_shift(energy, final, angle, sign, sound, kt, mass, x):
    """Rate with Pauli factor per angle, and rate times transverse coordinate shift; both signs of phi."""
    k, kk = np.sqrt(energy**2 - mass**2), np.sqrt(final**2 - mass**2)
    q = np.sqrt((k - kk) ** 2 + 4 * k * kk * np.sin(angle / 2) ** 2)
    omega = sound * q
    y = omega / kt
    bose = 1 / np.expm1(np.minimum(y, 700.0))
    occupation = bose if sign > 0 else bose + 1
    x_final = x + sign * y
    pauli = np.exp(np.logaddexp(0, -x) - np.logaddexp(0, -x_final))
    slope = (kk - k * np.cos(angle)) / q * final / kk  # dq/de'
    jacobian = final / np.abs(1 - sign * sound * slope)  # e' de' from k' dk', and the delta function
    # (2 pi) |V0|^2 [jacobian] / (2 pi)^2 dphi, twice for +-phi; |V0|^2 = omega / 2
    bare = 2 * (omega / 2) * occupation * pauli * jacobian / (2 * np.pi)
    vertex, vertex_shift = _overlap_and_shift(energy, final, k, kk, angle, mass)
    return bare * vertex, bare * vertex_shift


def _overlap_and_shift(energy, final, k, kk, angle, mass):
    """``|V|^2`` and ``|V|^2 dr_y`` (eq. 3) for k along x and k' at `angle`, ``V = <u'|u>``."""
    theta, theta_f = np.arctan2(k, mass), np.arctan2(kk, mass)
    c, s = np.cos(theta / 2), np.sin(theta / 2)
    cf, sf = np.cos(theta_f / 2), np.sin(theta_f / 2)
    phase = np.exp(-1j * angle)
    v = c * cf + s * sf * phase
    # y components of (grad_k + grad_k') V; d theta / dk = mass / e^2
    around = 1j * s * sf * phase * (1 / k - np.cos(angle) / kk)
    radial = np.sin(angle) * mass / final**2 / 2 * (-c * sf + s * cf * phase)
    connection = -(sf**2) * np.cos(angle) / kk + s**2 / k  # A'_y - A_y
    square = np.abs(v) ** 2
    return square, square * connection - np.imag(np.conj(v) * (around + radial))
