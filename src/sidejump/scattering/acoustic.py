"""Acoustic phonons through a deformation potential, isotropic Debye dispersion ``omega = c q``."""

from __future__ import annotations

from ..units import mass_density_from_si, velocity_from_si
from .base import Branch, Scatterer, require_positive


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
        If a velocity or density is not positive, or the transverse velocity is missing.
    """
    require_positive(sound_velocity=sound_velocity, mass_density=mass_density)
    density = mass_density_from_si(mass_density, dimension)
    pairs = [(deformation_potential, sound_velocity)]
    if transverse_deformation_potential:
        require_positive(transverse_sound_velocity=transverse_sound_velocity)
        assert transverse_sound_velocity is not None
        pairs.append((transverse_deformation_potential, transverse_sound_velocity))
    velocities = [velocity_from_si(c) for _, c in pairs]
    return Scatterer(
        name="acoustic deformation potential",
        dimension=dimension,
        branches=tuple(_debye(d, c, density) for (d, _), c in zip(pairs, velocities, strict=True)),
        vertex=vertex,
        sound_velocity=max(velocities),
    )


def _debye(potential: float, velocity: float, density: float) -> Branch:
    prefactor = potential**2 / (2 * density * velocity)
    return Branch(lambda q: prefactor * q, lambda q: velocity * q, silent=prefactor == 0)
