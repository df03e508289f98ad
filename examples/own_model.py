"""Functions H(k) of one's own: warped surface states of a topological insulator with an exchange gap, and a lattice.

The lattice is Haldane's honeycomb in the convention H(k + G) = H(k); the sites of its orbitals are given beside it.
"""

import numpy as np

import sidejump as sj

sx, sy, sz = sj.PAULI


def warped(k):
    """k (nk, 2) in 1/angstrom; H (nk, 2, 2) in eV."""
    kx, ky = k[:, 0, None, None], k[:, 1, None, None]
    return 3.0 * (kx * sy - ky * sx) + (0.05 + 40.0 * (kx**3 - 3 * kx * ky**2)) * sz


model = sj.FunctionModel(warped, dimension=2, spin=sj.PAULI, search_half_width=0.3)
phonons = sj.acoustic_deformation_potential(
    deformation_potential=10.0, sound_velocity=2900.0, mass_density=7.7e-6, dimension=2
)
defects = sj.impurity(correlation="gaussian", density=1e11, strength=5.0, correlation_length=1.0, dimension=2)

for scatterers in ([phonons], [phonons, defects]):
    ds = sj.anomalous_hall(
        model, scatterers, chemical_potential=0.2, temperatures=[10, 30, 100], energy_nodes=3, tolerance=1e-2
    )
    print(", ".join(s.name for s in scatterers))
    for t in ds.temperature.values:
        here = ds.sel(temperature=t)
        intrinsic, side_jump = (float(here[f"sigma_{n}"].sel(a="y", b="x")) for n in ("intrinsic", "side_jump"))
        xx = float(here.sigma_boltzmann.sel(a="x", b="x"))
        print(f"  {t:5.0f} K  sigma_xx {xx:9.2f}  intrinsic {intrinsic:7.4f}  side jump {side_jump:7.4f}  e^2/h")

cell = np.array([[2.46, 0.0], [1.23, 2.1304]])  # rows, angstrom
sites = np.array([[1 / 3, 1 / 3], [2 / 3, 2 / 3]]) @ cell


def honeycomb(k):
    """k (nk, 2) in 1/angstrom; H (nk, 2, 2) in eV, without the phases of the sites."""
    phase = k @ cell.T
    mass = -0.1 * (np.sin(phase[:, 0]) - np.sin(phase[:, 1]) + np.sin(phase[:, 1] - phase[:, 0]))
    h = np.zeros((len(k), 2, 2), dtype=complex)
    h[:, 0, 0], h[:, 1, 1] = mass, -mass
    h[:, 0, 1] = -1 - np.exp(-1j * phase[:, 0]) - np.exp(-1j * phase[:, 1])
    h[:, 1, 0] = -1 - np.exp(1j * phase[:, 0]) - np.exp(1j * phase[:, 1])
    return h


haldane = sj.FunctionModel(honeycomb, dimension=2, cell=cell, sites=sites)
ds = sj.anomalous_hall(haldane, [defects], chemical_potential=0.4, temperatures=[50], energy_nodes=1)
print(f"honeycomb, {haldane.gauge} gauge: side jump {float(ds.sigma_side_jump.sel(a='y', b='x')[0]):.4f} e^2/h")
