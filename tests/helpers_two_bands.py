"""Both bands of the massive Dirac model: closed forms averaged over energies, and the exact ladder of one phonon.

Energies are those of both signs, ``|e| > Delta``; a state has the pseudospin ``n = (v k, Delta) / e``, and two states
the overlap ``(1 + n.n')/2``. Nothing here knows shells, pairs or bases of energies.
"""

from itertools import pairwise

import numpy as np
from scipy.integrate import quad
from scipy.special import expit

from sidejump.reference import dirac


def thermal_average(function, mass, mu, kt):
    """``int de (-f0') function(|e|)`` over both bands."""
    return sum(band_average(function, mass, mu, kt, sign) for sign in (1, -1))


def band_average(function, mass, mu, kt, sign):
    """The same over the upper band (`sign` 1) or the lower one (-1)."""

    def integrand(root):
        e = mass + root**2
        x = (sign * e - mu) / kt
        return 2 * root * function(e) * expit(x) * expit(-x) / kt

    return quad(integrand, 0, np.sqrt(60 * kt + abs(mu)), epsabs=0, epsrel=1e-11, limit=400)[0]


def zero_range(mass, velocity, mu, kt, strength):
    """sigma_xx (e^2/h) and the side jump sigma_yx (e^2/h) of zero-range impurities, exact."""

    def longitudinal(e):
        form = dirac.zero_range_conductivity(mass / e, fermi_energy=e, velocity=velocity, strength=strength)
        return 2 * np.pi * form

    # the curvatures of the bands are opposite, and so are their velocities at one k: the side jumps have one sign
    return (
        thermal_average(longitudinal, mass, mu, kt),
        thermal_average(lambda e: dirac.zero_range_side_jump(mass / e), mass, mu, kt),
    )


def carriers(mass, velocity, mu, kt):
    """Electrons and holes, 1/angstrom^2."""

    def count(mu):
        return quad(
            lambda e: e / (2 * np.pi * velocity**2) * expit((mu - e) / kt), mass, mass + 60 * kt + abs(mu), epsabs=0
        )[0]

    return count(mu), count(-mu)


def ladder(mass, velocity, mu, kt, phonon, coupling, impurities=0.0, *, bridges=True, nodes=40):
    """sigma_xx and side jump sigma_yx (e^2/h) of one optical phonon with constant ``|V0|^2 = coupling``.

    Energies that differ by a multiple of the phonon's are a system of linear equations; `impurities`: ``n U^2`` of
    static zero-range ones. `bridges` False: without scattering from one band to the other.
    """
    cuts = np.unique(np.concatenate([[0.0, phonon], np.mod([mass, -mass], phonon)]))
    x, w = np.polynomial.legendre.leggauss(nodes)
    angle = 0.25 * np.pi * (1 + x)
    total = np.zeros(2)
    for low, high in pairwise(cuts):
        start = low + (high - low) * np.sin(angle) ** 2
        weights = 0.25 * np.pi * w * (high - low) * np.sin(2 * angle)
        for first, weight in zip(start, weights, strict=True):
            total += weight * _rungs(first, mass, velocity, mu, kt, phonon, coupling, impurities, bridges)
    return 2 * np.pi * total


def _rungs(first, mass, velocity, mu, kt, phonon, coupling, impurities, bridges):
    """Contribution of the energies ``first + m phonon``, per energy of `first`."""
    reach = 40 * kt + abs(mu) + 3 * phonon
    steps = np.arange(-int(reach / phonon), int(reach / phonon) + 1)
    energy = first + phonon * steps
    energy = energy[np.abs(energy) > mass]
    x = (energy - mu) / kt
    density = np.abs(energy) / (2 * np.pi * velocity**2)
    k = np.sqrt(energy**2 - mass**2) / velocity
    speed = velocity**2 * k / energy
    bose = 1 / np.expm1(phonon / kt)
    change = energy - energy[:, None]
    exchanged = np.abs(np.abs(change) - phonon) < 1e-6 * phonon
    strength = 2 * np.pi * coupling * (bose + (change < 0)) * expit(x) / expit(x)[:, None] * exchanged
    strength += 2 * np.pi * impurities * np.eye(len(energy))
    if not bridges:
        strength[energy * energy[:, None] < 0] = 0.0
    i, j = np.nonzero(strength)
    plain, forward, shift = _angular(k[i], energy[i], k[j], energy[j], mass, velocity)
    rate = strength[i, j] * density[j]
    matrix = np.diag(np.bincount(i, rate * plain, len(energy)))
    matrix[i, j] -= rate * forward
    jump = np.bincount(i, rate * shift, len(energy))
    normal = np.linalg.solve(matrix, speed)
    thermal = density * expit(x) * expit(-x) / kt
    return np.array([0.5 * thermal @ (speed * normal), thermal @ (jump * normal)])


def _angular(k, e, other_k, other, mass, velocity, count=24):
    """Means over the angle of the overlap, of the overlap times its cosine, and of ``|V|^2 dr`` along the azimuth.

    For pairs of initial and final states, each shape (n,).
    """
    phi = 2 * np.pi * np.arange(count) / count + 0 * k[:, None]
    k, e, other_k, other = (a[:, None] for a in (k, e, other_k, other))

    def spin(q, energy, phi):
        d = np.stack([velocity * q * np.cos(phi), velocity * q * np.sin(phi), mass + 0 * phi], axis=-1)
        return d / energy[..., None]

    n, final = spin(k, e, 0 * phi), spin(other_k, other, phi)
    # d n / d k_y of the pseudospin at the energy's own band: that of d / |d|, with its sign
    mine, its = (_turn(q, energy, a, mass, velocity) for q, energy, a in ((k, e, 0 * phi), (other_k, other, phi)))
    shift = (final * np.cross(mine, n)).sum(-1) + (n * np.cross(final, its)).sum(-1)
    overlap = 0.5 * (1 + (n * final).sum(axis=-1))
    return overlap.mean(axis=1), (overlap * np.cos(phi)).mean(axis=1), -0.25 * shift.mean(axis=1)


def _turn(q, energy, phi, mass, velocity):
    """Derivative of the pseudospin with k_y, the band held fixed."""
    d = np.stack([velocity * q * np.cos(phi), velocity * q * np.sin(phi), mass + 0 * phi], axis=-1)
    slope = velocity * np.array([0.0, 1.0, 0.0]) / energy[..., None]
    return slope - d * (d[..., 1:2] * velocity) / energy[..., None] ** 3
