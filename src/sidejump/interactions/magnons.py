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
from ..energy.quadrature import gauss_legendre
from ..rules import checked, vertex_elements
from ..units import KB, density_from_cm
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
) -> Magnons:
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
    Magnons

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
    energy = MagnonEnergy(given.gap, given.stiffness)
    branch = Branch(PowerLaw(coupling, 0), energy, silent=coupling == 0)
    vertex = SpinLowering(given.spin_direction) if given.lowering is None else vertex_elements(given.lowering)
    return Magnons(
        "magnons",
        dimension,
        (branch,),
        vertex,
        singular=True,
        directed=True,
        stiffness=given.stiffness,
        spin_density=density,
        gap=given.gap,
    )


@dataclass(frozen=True)
class Magnons(Scatterer):
    """Magnons of one branch, and what is known of their magnet.

    Attributes
    ----------
    spin_density : float
        rho, angstrom^-d.
    gap : float
        eV.
    """

    spin_density: float = np.inf
    gap: float = 0.0

    @property
    def level(self) -> float:
        """Up to where their number, ``kT / (gap + D q^2)``, is held by the gap."""
        assert self.stiffness is not None
        return float(np.sqrt(self.gap / self.stiffness))

    def reduction(self, kt: float) -> float:
        """Part of the magnet's spin that free magnons take at kT (eV); inf where their number diverges.

        ``-(kT/4 pi D) ln(1 - z) / rho`` in two dimensions, ``(kT/4 pi D)^(3/2) Li_3/2(z) / rho`` in three (Bloch), with
        ``z = exp(-gap/kT)``.
        """
        assert self.stiffness is not None
        area = kt / (4 * np.pi * self.stiffness)
        if self.dimension == 2:
            fugacity = np.log(-np.expm1(-self.gap / kt)) if self.gap else -np.inf
            return float(-area * fugacity / self.spin_density)
        u, weight = gauss_legendre(0.0, _FARTHEST, _NODES)
        polylogarithm = 4 / np.sqrt(np.pi) * np.sum(weight * u**2 / np.expm1(u**2 + self.gap / kt))
        return float(area**1.5 * polylogarithm / self.spin_density)

    def sentences(self, temperatures) -> list[str]:
        """What a reader should know of magnons at these temperatures (K)."""
        if self.silent:
            return []
        if self.gap == 0 and self.dimension == 2:
            return [
                "magnons: without a gap their number diverges at long wavelengths, and in two dimensions there is no "
                "magnet above 0 K (Mermin and Wagner); rates out of a state then depend on the distance of the points, "
                "though what relaxes a current does not: give the gap of the anisotropy"
            ]
        warmest = float(np.max(temperatures))
        taken = self.reduction(KB * warmest)
        if taken <= _MANY:
            return []
        return [
            f"magnons: at {warmest:.4g} K they take {taken:.2g} of the spin of the magnet, and are not free where that "
            f"is more than {_MANY}: lower the temperature, or raise gap, stiffness or spin_density"
        ]


def boson_words(scatterers) -> str:
    """What moves among `scatterers`, in words: phonons, magnons or both."""
    inner = [isinstance(getattr(s, "scatterer", s), Magnons) for s in scatterers]
    return " and ".join(words for words, there in (("phonons", not all(inner)), ("magnons", any(inner))) if there)


def magnon_sentences(scatterers, temperatures) -> list[str]:
    """Those of all magnons among `scatterers`, each once."""
    inner = [getattr(s, "scatterer", s) for s in scatterers]
    return list(dict.fromkeys(x for s in inner if isinstance(s, Magnons) for x in s.sentences(temperatures)))


_MANY = 0.3  # of the magnet's spin: magnons then interact, and its transition is near
_FARTHEST, _NODES = 7.0, 120  # u^2 beyond is nothing; of the integral over u


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
