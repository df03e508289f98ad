"""Magnons of a ferromagnet through the exchange with its electrons: an electron that absorbs one flips its spin.

Local spins S that point along n and the exchange splitting Delta that they make, ``H = -(Delta/2) sigma.S(r) / S``.
With ``S^- = (2 S)^(1/2) a^+`` (Holstein and Primakoff) what is across n is

    H = V0 N^(-1/2) sum_q (s^- a_q e^(iqr) + s^+ a_q^+ e^(-iqr)),      V0^2 = Delta^2 / (2 rho),

rho the spin of the magnet per area or volume.  A magnon takes one from the spin of the magnet along n: an electron that
absorbs one lowers its own by one, one that emits a magnon raises it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..bands.vertex import SpinLowering
from ..rules import checked, vertex_elements
from ..units import density_from_cm
from .base import Branch, PowerLaw, Scatterer, require_dimension
from .parameters import MagnonParameters


def magnons(
    *,
    stiffness: float,
    exchange_splitting: float,
    spin_density: float,
    dimension: int,
    gap: float = 0.0,
    spin_direction=None,
    lowering=None,
) -> Scatterer:
    """``|V0|^2 = Delta^2 / (2 rho)``, magnon energy ``gap + D q^2``; the spin of the electron flips.

    Parameters
    ----------
    stiffness : float
        D, eV angstrom^2.
    exchange_splitting : float
        Delta, by which the local spins part the electrons' spins, eV; its sign is in no rate.
    spin_density : float
        rho, the magnet's spin (in hbar) per area or volume: S times the number of local spins, cm^-2 or cm^-3.
    dimension : int
        2 or 3.
    gap : float
        Of the magnons (anisotropy, field), eV.
    spin_direction : sequence of 3 floats, optional
        n, along which the local spins point; z if left out.  Magnetic moments of electrons are opposite to their spins.
    lowering : array, shape (N, N), optional
        The operator that an absorbed magnon acts through, in place of ``s^-`` about `spin_direction` of the model's own
        spin; its adjoint acts where one is emitted.

    Returns
    -------
    Scatterer

    Raises
    ------
    InputError
        If a parameter breaks the rules of an input file.
    """
    optional = {"spin_direction": spin_direction, "lowering": lowering}
    given = checked(
        MagnonParameters,
        "magnons",
        stiffness=stiffness,
        exchange_splitting=exchange_splitting,
        spin_density=spin_density,
        gap=gap,
        **{name: value for name, value in optional.items() if value is not None},
    )
    density = density_from_cm(given.spin_density, require_dimension(dimension))
    coupling = given.exchange_splitting**2 / (2 * density)
    branch = Branch(PowerLaw(coupling, 0), MagnonEnergy(given.gap, given.stiffness), silent=coupling == 0)
    vertex = SpinLowering(given.spin_direction) if given.lowering is None else vertex_elements(given.lowering)
    return Scatterer("magnons", dimension, (branch,), vertex, singular=True, directed=True, stiffness=given.stiffness)


@dataclass(frozen=True)
class MagnonEnergy:
    """``gap + D q^2`` of |q| in 1/angstrom.

    Attributes
    ----------
    gap, stiffness : float
        eV, eV angstrom^2.
    """

    gap: float
    stiffness: float

    def __call__(self, q):
        return self.gap + self.stiffness * np.asarray(q, dtype=float) ** 2
