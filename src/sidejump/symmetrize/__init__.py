"""Gauge and averages that give first-principles data the symmetry of their crystal."""
