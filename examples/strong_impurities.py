"""Strong impurities in the massive Dirac model: the T-matrix in place of the first order of the potential.

`sidejump gallery strong_impurities` runs it; by itself it writes results/strong_impurities.png.
"""

import sys
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import sidejump as sj

MASS, VELOCITY, LEVEL, CUTOFF = 0.05, 3.0, 0.1, 1.0  # eV, eV angstrom, eV, 1/angstrom
warnings.simplefilter("ignore", sj.SidejumpWarning)
model = sj.MassiveDirac(mass=MASS, velocity=VELOCITY)
k2 = LEVEL**2 - MASS**2


def computed(strength, **treatment):
    """Hall angle of skew scattering, side jump and Gaussian part (e^2/h), and their standard errors: shape (3, 2)."""
    impurities = sj.impurity(correlation="zero_range", density=1e11, strength=strength, dimension=2, **treatment)
    ds = sj.anomalous_hall(
        model,
        impurities,
        chemical_potential=LEVEL,
        temperatures=[1],
        energy_nodes=1,
        skew_scattering="static",
    ).isel(temperature=0)
    yx, xx = ds.sel(a="y", b="x"), ds.sel(a="x", b="x")
    parts = [(float(yx[f"sigma_{p}"]), float(yx[f"sigma_{p}_error"])) for p in ("skew", "side_jump", "gaussian_skew")]
    along = float(xx.sigma_boltzmann)
    (skew, error), *others = parts
    angle = skew / along
    return [(angle, np.hypot(error, angle * float(xx.sigma_boltzmann_error)) / along), *others]


def closed(strength):
    """The Hall angle from T = diag(t_1, t_2)."""
    logarithm = np.log((VELOCITY * CUTOFF) ** 2 / k2 - 1) + 1j * np.pi
    weights = 0.5 + np.array([1, -1]) * MASS / LEVEL / 2
    green = -weights * LEVEL / (2 * np.pi * VELOCITY**2) * logarithm
    t1, t2 = (100 * strength / (1 - 100 * strength * g) for g in green)
    across = weights.prod() * np.conj(t1) * t2
    along = np.abs(weights[0] * t1) ** 2 + np.abs(weights[1] * t2) ** 2
    return across.imag / (along - across.real)


figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 3.8), layout="constrained")
size = np.geomspace(0.05, 50, 13)
strengths = np.concatenate([-size[::-1], size])
found = np.array([computed(u, treatment="t_matrix", cutoff=CUTOFF) for u in strengths])
first = np.array([computed(u) for u in (-0.05, 0.05)])
fine = np.geomspace(0.03, 60, 400)
fine = np.concatenate([-fine[::-1], fine])
left.plot(fine, closed(fine), "k-", lw=0.8, label="closed form")
weak = np.abs(fine) < 1.5
left.plot(fine[weak], first[1, 0, 0] * fine[weak] / 0.05, "--", color="#999999", label="first order")
left.errorbar(strengths, *found[:, 0].T, fmt="v", color="#aa1133", label="T-matrix", capsize=2)
left.set(ylabel=r"$\sigma^{skew}_{yx}/\sigma_{xx}$", title="(a) Hall angle of skew scattering", ylim=(-0.6, 0.3))
for column, marker, color, label in ((1, "o", "#d55e00", "side jump"), (2, "^", "#56b4e9", "Gaussian skew")):
    right.errorbar(strengths, *found[:, column].T, fmt=marker, color=color, label=label, capsize=2)
    right.axhline(first[1, column, 0], color=color, ls="--", lw=0.8)
right.set(ylabel=r"$\sigma_{yx}$ ($e^2/h$)", title="(b) parts of the order 1; dashed: first order")
for axes in (left, right):
    axes.set_xscale("symlog", linthresh=0.05)
    axes.set(xlabel=r"strength of an impurity (eV nm$^2$)", xticks=[-10, -1, -0.1, 0.1, 1, 10])
    axes.set_xticklabels(["\N{MINUS SIGN}10", "\N{MINUS SIGN}1", "\N{MINUS SIGN}0.1", "0.1", "1", "10"])
    axes.grid(alpha=0.25)
    axes.legend()
target = Path(sys.argv[1] if len(sys.argv) > 1 else "results/strong_impurities.png")
target.parent.mkdir(parents=True, exist_ok=True)
figure.savefig(target, dpi=160)
