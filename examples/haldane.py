"""Haldane's honeycomb model, hop by hop: a quantised intrinsic part in the gap, and a side jump once doped."""

import sidejump as sj

honeycomb = sj.TightBinding([[2.46, 0.0], [1.23, 2.1304]], [((1 / 3, 1 / 3), 1), ((2 / 3, 2 / 3), 1)])
for vector in [(0, 0), (-1, 0), (0, -1)]:
    honeycomb.hop(0, 1, vector, -1.0)
for vector in [(1, 0), (0, -1), (-1, 1)]:
    honeycomb.hop(0, 0, vector, 0.05j).hop(1, 1, vector, -0.05j)
model = honeycomb.build()

gap = sj.intrinsic_conductivity(model, 0.0, 10.0, tolerance=1e-3)
print(f"in the gap: intrinsic {gap.conductivity[0, 0, 1, 0]:.4f} {gap.unit}")

phonons = sj.acoustic_deformation_potential(
    deformation_potential=5.0, sound_velocity=5000.0, mass_density=7.6e-7, dimension=2
)
ds = sj.anomalous_hall(
    model, [phonons], chemical_potential=0.4, temperatures=[50, 100], energy_nodes=3, intrinsic_tolerance=1e-2
)
for t in ds.temperature.values:
    here = ds.sel(temperature=t, a="y", b="x")
    print(f"{t:.0f} K: intrinsic {float(here.sigma_intrinsic):.4f}, side jump {float(here.sigma_side_jump):.4f} e^2/h")
