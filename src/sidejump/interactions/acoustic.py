"""Acoustic phonons through a deformation potential, isotropic Debye dispersion ``omega = c q``."""

from __future__ import annotations

from ..rules import checked
from ..units import mass_density_from_si, velocity_from_si
from .base import Branch, PowerLaw, Scatterer, require_dimension
from .parameters import AcousticParameters


def acoustic_deformation_potential(
    *,
    deformation_potential: float,
    sound_velocity: float,
    mass_density: float,
    dimension: int,
    transverse_deformation_potential: float = 0.0,
    transverse_sound_velocity: float | None = None,
    vertex="identity",
) -> Scatterer:
    """``|V0(q)|^2 = D^2 hbar q / (2 rho c)`` for the longitudinal branch and, if asked for, the transverse ones.

    Parameters
    ----------
    deformation_potential : float
        D of the longitudinal branch, eV.
    sound_velocity : float
        c of the longitudinal branch, m/s.
    mass_density : float
        kg/m^2 in 2D, kg/m^3 in 3D.
    dimension : int
        2 or 3.
    transverse_deformation_potential : float
        D of the transverse branches taken together (one branch in 2D, two in 3D), eV.
    transverse_sound_velocity : float, optional
        m/s; required when the transverse deformation potential is not zero.
    vertex : str or ndarray, shape (N, N)
        "identity", "sigma_x", "sigma_y", "sigma_z" (spin of the model), or a Hermitian matrix.

    Returns
    -------
    Scatterer

    Raises
    ------
    InputError
        If a parameter breaks the rules of an input file.
    """
    given = checked(
        AcousticParameters,
        "acoustic_deformation_potential",
        deformation_potential=deformation_potential,
        sound_velocity=sound_velocity,
        mass_density=mass_density,
        transverse_deformation_potential=transverse_deformation_potential,
        transverse_sound_velocity=transverse_sound_velocity,
        vertex=vertex,
    )
    density = mass_density_from_si(given.mass_density, require_dimension(dimension))
    pairs = [(given.deformation_potential, velocity_from_si(given.sound_velocity))]
    if given.transverse_deformation_potential and given.transverse_sound_velocity is not None:
        pairs.append((given.transverse_deformation_potential, velocity_from_si(given.transverse_sound_velocity)))
    return Scatterer(
        name="acoustic deformation potential",
        dimension=dimension,
        branches=tuple(
            Branch(PowerLaw(d**2 / (2 * density * velocity), 1), PowerLaw(velocity, 1), silent=d == 0)
            for d, velocity in pairs
        ),
        vertex=vertex,
        sound_velocity=max(velocity for _, velocity in pairs),
    )
