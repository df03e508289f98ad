"""How the side jump of cold phonons goes to its limit of small angles: as the square of the temperature.

`sidejump gallery cold_limit` runs it; by itself it writes results/cold_limit.png.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import sidejump as sj
from sidejump.transport import TransportSettings, run_transport

SOUND = 0.01  # eV angstrom


def phonons(dimension, vertex="identity"):
    """Acoustic, |V|^2 in proportion to q."""
    branch = sj.Branch(coupling=lambda q: 0.5 * SOUND * q, phonon_energy=lambda q: SOUND * q)
    return sj.Scatterer("acoustic", dimension, (branch,), sound_velocity=SOUND, vertex=vertex)


def side_jump(model, scatterer, level, temperatures, **settings):
    """Quasi-elastic, on one Fermi surface for all energies: yx."""
    settings = TransportSettings(energy_nodes=1, geometry="shared", **settings)
    result = run_transport(model, [scatterer], chemical_potential=level, temperatures=temperatures, settings=settings)
    sigma = result.side_jump_velocity + result.side_jump_distribution
    return 0.5 * (sigma[:, 1, 0] - sigma[:, 0, 1])


dirac = sj.MassiveDirac(mass=1.0, velocity=1.0)
rashba = sj.RashbaFerromagnet(effective_mass=1.0, rashba=0.5, exchange=0.1)
mixed = np.eye(2) + 0.5 * sj.PAULI[2]
cases = (
    ("Dirac", dirac, phonons(2), 2.0, (1.0, 16.0), {}),
    (r"Dirac, $W=1+\sigma_z/2$", dirac, phonons(2, mixed), 2.0, (1.0, 16.0), {}),
    ("Rashba, one band", rashba, phonons(2), 0.0, (0.25, 4.0), {}),
    ("Rashba, two bands", rashba, phonons(2), 0.3, (0.25, 1.0), {}),
    ("Weyl", sj.Weyl(velocity=2.0, node=0.2), phonons(3), 0.3, (0.4, 4.0), {"spacing": 0.03, "levels": 0}),
)
figure, axis = plt.subplots(figsize=(5.6, 4.2), layout="constrained")
for (label, model, scatterer, level, ends, settings), color in zip(
    cases, ("#0072b2", "#56b4e9", "#009e73", "#d55e00", "#cc79a7"), strict=True
):
    temperatures = np.geomspace(*ends, 7)
    full, limit = (
        side_jump(model, s, level, temperatures, **settings) for s in (scatterer, sj.SmallAngleShift(scatterer))
    )
    off = np.abs(full / limit - 1)
    power = np.log(off[1] / off[0]) / np.log(temperatures[1] / temperatures[0])
    axis.plot(temperatures, off, "o-", ms=4, color=color, label=f"{label}: $T^{{{power:.2f}}}$")
axis.set(
    xscale="log",
    yscale="log",
    xlabel="temperature (K)",
    ylabel="side jump over its cold limit, less one (size)",
)
line = np.array([0.25, 1.5])
axis.plot(line, 1e-4 * (line / line[0]) ** 2, "k:", lw=1, label="$T^2$")
axis.legend(fontsize=8, loc="lower right")

target = Path(sys.argv[1] if len(sys.argv) > 1 else "results/cold_limit.png")
target.parent.mkdir(parents=True, exist_ok=True)
figure.savefig(target, dpi=150)
