"""Electrons and magnons: side jump of the massive Dirac model, resistivity of two spheres.

`sidejump gallery magnons` runs it; by itself it writes results/magnons.png.
"""

import sys
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import sidejump as sj

warnings.simplefilter("ignore", sj.SidejumpWarning)


figure, (left, right, last) = plt.subplots(1, 3, figsize=(13.0, 3.8), layout="constrained")
dirac = sj.MassiveDirac(mass=0.05, velocity=3.0)
layer = {"stiffness": 0.3, "exchange_splitting": 0.1, "spin_density": 1e15, "gap": 1e-3, "dimension": 2}
phonons = sj.acoustic_deformation_potential(
    deformation_potential=5.0, sound_velocity=2000.0, mass_density=7.6e-7, dimension=2
)
temperatures = np.geomspace(20, 300, 4)


def side_jump(axis, scatterers, color, label, **choices):
    ds = sj.anomalous_hall(
        dirac,
        scatterers,
        chemical_potential=0.1,
        temperatures=temperatures,
        tolerance=0.05,
        geometry="shared",
        **({"energy_nodes": 3} | choices),
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


yx = side_jump(left, phonons, "#0072b2", "side jump, phonons")
side_jump(left, [phonons, sj.magnons(**layer)], "#cc79a7", "both")
side_jump(left, sj.magnons(**layer), "#d55e00", "magnons")
left.plot(yx.temperature, yx.sigma_intrinsic, "k:", lw=1, label="intrinsic part")
left.set(xscale="log", xlabel="temperature (K)", ylabel=r"$\sigma_{yx}$ ($e^2/h$)")
left.set_title("(a) massive Dirac model, magnet along its mass", fontsize=10)
left.legend(fontsize=8)

inclined = sj.magnons(**layer, spin_direction=(0.0, 0.6, 0.8))
side_jump(right, inclined, "#999999", "quasi-elastic", energy_nodes=1)
side_jump(right, inclined, "#d55e00", "inelastic")
right.set(xscale="log", xlabel="temperature (K)", ylabel=r"side jump $\sigma_{yx}$ ($e^2/h$)")
right.set_title("(b) magnet inclined by 37 degrees", fontsize=10)
right.legend(fontsize=8)


STIFFNESS = 0.3  # eV angstrom^2


def spheres(splitting):
    """Parabolic bands of either spin in three dimensions, parted by the exchange."""

    def bands(k):
        kinetic = 3.8 * (k**2).sum(axis=1)[:, None, None]
        return kinetic * np.eye(2) + 0.5 * splitting * sj.PAULI[2]

    return sj.FunctionModel(bands, dimension=3, spin=sj.PAULI, search_half_width=0.6)


def law(splitting, temperatures):
    """Eq. (M7) of the theory page, without its factor."""
    up, down = np.sqrt((0.5 + 0.5 * splitting * np.array([1, -1])) / 3.8)
    found = []
    for t in temperatures:
        least = STIFFNESS * (up - down) ** 2 / (sj.units.KB * t)
        y = least + np.linspace(1e-6, 40, 20001)
        found.append(t**2 * np.sum((y - least) * y / (4 * np.sinh(np.minimum(y / 2, 300)) ** 2)))
    return np.array(found)


hot = np.geomspace(30, 300, 6)
for splitting, color, label in ((1e-4, "#0072b2", "bands alike"), (0.5, "#d55e00", "parted by 0.5 eV")):
    ds = sj.anomalous_hall(
        spheres(splitting),
        sj.magnons(stiffness=STIFFNESS, exchange_splitting=0.1, spin_density=1e22, gap=0.0, dimension=3),
        chemical_potential=0.5,
        temperatures=hot,
        tolerance=0.05,
        geometry="shared",
        energy_nodes=1,
        accuracy=2.0,  # short transfers count: points twice as close
        time=60,
    )
    resistivity = ds.resistivity.sel(a="x", b="x")
    error = resistivity * ds.sigma_boltzmann_error.sel(a="x", b="x") / ds.sigma_boltzmann.sel(a="x", b="x")
    last.errorbar(hot, resistivity, error, fmt="o", ms=4, color=color, capsize=2, label=label)
    line = law(splitting, hot)
    label = "(M7), $T^2$" if splitting < 0.1 else "(M7), activated"
    last.plot(hot, resistivity[-1].item() * line / line[-1], ":", lw=1, color=color, label=label)
last.set(xscale="log", yscale="log", xlabel="temperature (K)", ylabel=r"$\rho_{xx}$ ($\mu\Omega$ cm)")
last.set_title("(c) spheres of either spin", fontsize=10)
last.legend(fontsize=8)

for axis in (left, right):
    axis.set_xticks([20, 50, 100, 300], ["20", "50", "100", "300"])
    axis.xaxis.minorticks_off()
last.set_xticks([30, 100, 300], ["30", "100", "300"])
last.xaxis.minorticks_off()

target = Path(sys.argv[1] if len(sys.argv) > 1 else "results/magnons.png")
target.parent.mkdir(parents=True, exist_ok=True)
figure.savefig(target, dpi=150)
