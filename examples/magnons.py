"""Electrons and magnons: resistivity of two parabolic bands, side jump of the massive Dirac model.

`make magnons` runs it and writes results/magnons.png.
"""

import sys
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import sidejump as sj

KB, CURVATURE, LEVEL = 8.617333262e-5, 12.7, 0.2  # eV/K, hbar^2/m in eV angstrom^2, eV
warnings.simplefilter("ignore", sj.SidejumpWarning)


def ferromagnet(splitting):
    """Two parabolic bands in three dimensions, that of the spin along z lower."""

    def band(k):
        return 0.5 * CURVATURE * (k**2).sum(axis=1)[:, None, None] * np.eye(2) - 0.5 * splitting * sj.PAULI[2]

    return sj.FunctionModel(band, dimension=3, search_half_width=0.5, spin=sj.PAULI)


def closed_form(temperatures, splitting, stiffness, spin_density):
    """Resistivity of the two spheres, quasi-elastic, micro-ohm cm."""
    k = np.sqrt(2 * (LEVEL + 0.5 * splitting * np.array([1, -1])) / CURVATURE)
    x, weight = np.polynomial.legendre.leggauss(2000)
    half, weight = 0.5 * (x + 1), 0.5 * weight
    states = k / (2 * np.pi**2 * CURVATURE)
    found = []
    for kt in KB * temperatures:
        y = stiffness * ((k[0] - k[1]) ** 2 + 4 * k.prod() * half**2) / kt
        events = weight * 2 * half * y / (4 * np.sinh(np.minimum(0.5 * y, 300)) ** 2)
        out, turned = events.sum(), (events * (1 - 2 * half**2)).sum()
        strength = 2 * np.pi * 0.1**2 / (2e-24 * spin_density) * states.prod()
        drive = states * CURVATURE * k
        g = np.linalg.solve(strength * np.array([[out, -turned], [-turned, out]]), drive)
        found.append(3 / (drive @ g) * 25812.807 / (2 * np.pi) * 1e-2)  # hbar/e^2 angstrom
    return np.array(found)


figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12.5, 3.8), layout="constrained")
temperatures = np.geomspace(16, 128, 5)
fine = np.geomspace(12, 150, 60)
for splitting, stiffness, color, label in (
    (1e-4, 0.3, "#0072b2", "spheres alike"),
    (0.1, 3.0, "#d55e00", "split: $k_\\uparrow - k_\\downarrow$ = 0.045 $\\mathrm{\\AA}^{-1}$"),
):
    magnons = sj.magnons(stiffness=stiffness, exchange_splitting=0.1, spin_density=1e22, dimension=3)
    ds = sj.anomalous_hall(
        ferromagnet(splitting),
        magnons,
        chemical_potential=LEVEL,
        temperatures=temperatures,
        energy_nodes=1,
        geometry="shared",
        tolerance=0.05,
    )
    rho = 1e6 / ds.sigma_boltzmann.sel(a="x", b="x")
    error = rho * ds.sigma_boltzmann_error.sel(a="x", b="x") / ds.sigma_boltzmann.sel(a="x", b="x")
    left.errorbar(ds.temperature, rho, error, fmt="o", color=color, capsize=2, label=label)
    left.plot(fine, closed_form(fine, splitting, stiffness, 1e22), color=color, lw=1)
guide = np.array([20, 120.0])
left.plot(guide, 3 * closed_form(guide[:1], 1e-4, 0.3, 1e22) * (guide / guide[0]) ** 2, "k--", lw=0.8)
left.text(45, 4 * closed_form(np.array([45.0]), 1e-4, 0.3, 1e22)[0], "$T^2$")
left.set(xscale="log", yscale="log", xlabel="temperature (K)", ylabel=r"resistivity ($\mu\Omega$ cm)")
left.set_title("(a) two parabolic bands, 3D", fontsize=10)
left.legend(fontsize=8, loc="lower right")

dirac = sj.MassiveDirac(mass=0.05, velocity=3.0)
layer = {"stiffness": 0.3, "exchange_splitting": 0.1, "spin_density": 1e15, "gap": 1e-3, "dimension": 2}
phonons = sj.acoustic_deformation_potential(
    deformation_potential=5.0, sound_velocity=2000.0, mass_density=7.6e-7, dimension=2
)
temperatures = np.geomspace(3, 300, 9)


def side_jump(axis, scatterers, color, label, **choices):
    ds = sj.anomalous_hall(
        dirac, scatterers, chemical_potential=0.1, temperatures=temperatures, tolerance=0.02, **choices
    )
    yx = ds.sel(a="y", b="x")
    axis.errorbar(
        ds.temperature,
        yx.sigma_side_jump,
        yx.sigma_side_jump_error,
        fmt="o-",
        ms=4,
        color=color,
        capsize=2,
        label=label,
    )
    return yx


yx = side_jump(middle, phonons, "#0072b2", "side jump, phonons")
side_jump(middle, [phonons, sj.magnons(**layer)], "#cc79a7", "both")
side_jump(middle, sj.magnons(**layer), "#d55e00", "magnons")
middle.plot(yx.temperature, yx.sigma_intrinsic, "k:", lw=1, label="intrinsic part")
middle.set(xscale="log", xlabel="temperature (K)", ylabel=r"$\sigma_{yx}$ ($e^2/h$)")
middle.set_title("(b) massive Dirac model, magnet along its mass", fontsize=10)
middle.legend(fontsize=8)

inclined = sj.magnons(**layer, spin_direction=(0.0, 0.6, 0.8))
side_jump(right, inclined, "#999999", "quasi-elastic", energy_nodes=1, geometry="shared")
side_jump(right, inclined, "#d55e00", "inelastic", geometry="shared")
right.set(xscale="log", xlabel="temperature (K)", ylabel=r"side jump $\sigma_{yx}$ ($e^2/h$)")
right.set_title("(c) magnet inclined by 37 degrees", fontsize=10)
right.legend(fontsize=8)

target = Path(sys.argv[1] if len(sys.argv) > 1 else "results/magnons.png")
target.parent.mkdir(parents=True, exist_ok=True)
figure.savefig(target, dpi=150)
