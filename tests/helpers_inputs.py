"""Sections of input files that tests share."""

RASHBA_SECTION = """
[electrons]
model = "rashba_ferromagnet"
effective_mass = 0.6
rashba = 0.8
exchange = 0.05
chemical_potential = 0.15
"""

ACOUSTIC_SECTION = """
[[scattering]]
kind = "acoustic_deformation_potential"
deformation_potential = 5.0
sound_velocity = 2000.0
mass_density = 7.6e-7
"""
"""Two-dimensional."""
