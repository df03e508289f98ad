"""Scattering by phonons of first-principles data: scatterer, vertex, low rank, modes, dipoles, rigid shift."""
