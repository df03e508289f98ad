"""One model of the suite with all that a run of it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import sidejump as sj

TEMPERATURES = (10.0, 20.0, 40.0, 80.0, 150.0, 300.0)


@dataclass(frozen=True)
class Case:
    """A metal.

    Attributes
    ----------
    model : callable
        Builds the electron model.
    chemical_potential : float
        eV.
    scatterers : callable
        Builds the list of scatterers.
    settings : dict
        Further arguments of :func:`sidejump.anomalous_hall`.
    refined : dict
        Settings of the reference alone, where levels of the default ones do not converge.
    temperatures : tuple of float
        K.
    without : str
        Why temperatures are left out, if any are.
    """

    model: Callable
    chemical_potential: float
    scatterers: Callable
    settings: dict = field(default_factory=dict)
    refined: dict = field(default_factory=dict)
    temperatures: tuple[float, ...] = TEMPERATURES
    without: str = ""


def phonons(sound: float, dimension: int = 3):
    """Longitudinal acoustic phonons of this sound velocity (m/s)."""
    return sj.acoustic_deformation_potential(
        deformation_potential=4.0,
        sound_velocity=sound,
        mass_density=7800.0 if dimension == 3 else 7.6e-7,
        dimension=dimension,
    )
