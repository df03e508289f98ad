"""Sections of input files that tests share."""

RASHBA_SECTION = """
[electrons]
model = "rashba_ferromagnet"
effective_mass = 0.6
rashba = 0.8
exchange = 0.05
chemical_potential = 0.15
"""

WEYL_SECTION = """
[electrons]
model = "weyl"
velocity = 2.0
node = 0.2
tilt = [0.0, 0.3, 0.5]
chemical_potential = 0.1
"""


def acoustic_section(mass_density: float) -> str:
    """Acoustic phonons; kg/m^2 in two dimensions, kg/m^3 in three."""
    return f"""
[[scattering]]
kind = "acoustic_deformation_potential"
deformation_potential = 5.0
sound_velocity = 2000.0
mass_density = {mass_density}
"""


ACOUSTIC_SECTION = acoustic_section(7.6e-7)
"""Two-dimensional."""
