"""The remainder of measured films over what is computed: synthetic films, which hold 0.1 e^2/h that no run knows of.

`sidejump gallery separation_computed` runs it; by itself it writes results/separation_computed.png.
"""

import sys

import numpy as np

import sidejump as sj
from sidejump.plot.separation import separation_figure

model = sj.MassiveDirac(mass=0.1, velocity=3.0)
phonons = sj.acoustic_deformation_potential(
    deformation_potential=5.0, sound_velocity=2000.0, mass_density=7.6e-7, dimension=2
)
temperatures = [4, 8, 16, 32, 64]
computed = sj.anomalous_hall(model, [phonons], chemical_potential=0.2, temperatures=temperatures, energy_nodes=1)
yx = computed.sigma_intrinsic_plus_side_jump.sel(a="y", b="x")

films = sj.synthetic_films(
    "skew",
    {"alpha_0": 1e-3},
    remainder=lambda t: np.interp(t, yx.temperature, yx) - 0.1,
    unit="h/e^2",
    residual=lambda d: 0.002 + 0.05 / d,
    phonons=lambda t: 1e-8 * t**4,
    temperatures=temperatures,
)
found = sj.separate(films, computed=computed)
for t, value, error in zip(
    found.temperature.values, found.common_difference.values, found.common_difference_error.values, strict=True
):
    print(f"{t:6.1f} K  remainder less computed {value:.3f} +- {error:.3f} e^2/h")
separation_figure(found, sys.argv[1] if len(sys.argv) > 1 else "results/separation_computed.png")
