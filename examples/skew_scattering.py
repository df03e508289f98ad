"""Skew scattering of a massive Dirac model: with the density of impurities, and with temperature.

`sidejump gallery skew` runs it; by itself it writes results/skew.png.
"""

import sys
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import sidejump as sj

MASS, VELOCITY, LEVEL, STRENGTH = 0.05, 3.0, 0.1, 0.2  # eV, eV angstrom, eV, eV nm^2
warnings.simplefilter("ignore", sj.SidejumpWarning)
model = sj.MassiveDirac(mass=MASS, velocity=VELOCITY)
k2 = LEVEL**2 - MASS**2


def hall(ds, part):
    """sigma_yx in e^2/h and its error."""
    return ds[f"sigma_{part}"].sel(a="y", b="x"), ds[f"sigma_{part}_error"].sel(a="y", b="x")


figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 3.8), layout="constrained")
densities = np.geomspace(1e11, 1e14, 7)
found = []
for density in densities:
    impurities = sj.impurity(correlation="zero_range", density=density, strength=STRENGTH, dimension=2)
    found.append(
        sj.anomalous_hall(
            model,
            impurities,
            chemical_potential=LEVEL,
            temperatures=[2],
            energy_nodes=1,
            skew_scattering="static",
        )
    )
styles = {"skew": ("v", "#aa1133", "conventional skew"), "gaussian_skew": ("^", "#56b4e9", "Gaussian skew"),
          "side_jump": ("o", "#d55e00", "side jump"), "intrinsic": ("s", "#0072b2", "intrinsic")}  # fmt: skip
dirac = MASS / LEVEL / 2  # e^2/h
closed = {
    "skew": k2**2 * MASS / (4 * MASS**2 + k2) ** 2 / (densities * 1e-16 * STRENGTH * 100),
    "gaussian_skew": dirac * 3 * k2**2 / (4 * MASS**2 + k2) ** 2,
    "side_jump": dirac * 4 * k2 / (4 * MASS**2 + k2),
    "intrinsic": dirac,
}
for part, (marker, color, label) in styles.items():
    values, errors = (np.array([float(hall(ds, part)[i][0]) for ds in found]) for i in (0, 1))
    left.errorbar(densities, values, errors, fmt=marker, color=color, label=label, capsize=2)
    left.plot(densities, closed[part] + 0 * densities, "-", color=color, lw=0.8)
words = r"Hall conductivity $\sigma_{yx}$ ($e^2/h$)"
left.set(xscale="log", yscale="log", xlabel="density of impurities (cm$^{-2}$)", ylabel=words)
left.set_title("(a) impurities at 2 K; lines: closed forms")
left.legend()

ds = sj.run(Path(__file__).with_name("skew.toml"))
for part, (marker, color, label) in styles.items():
    values, errors = hall(ds, part)
    right.errorbar(ds.temperature, values, errors, fmt=f"{marker}-", color=color, label=label, capsize=2)
values, errors = hall(ds, "anomalous")
right.errorbar(ds.temperature, values, errors, fmt="k-", label="sum", capsize=2)
right.set(xscale="log", xlabel="temperature (K)", ylabel=words, title="(b) impurities and phonons")
right.legend()
for axes in (left, right):
    axes.grid(alpha=0.25)
target = Path(sys.argv[1] if len(sys.argv) > 1 else "results/skew.png")
target.parent.mkdir(parents=True, exist_ok=True)
figure.savefig(target, dpi=160)
