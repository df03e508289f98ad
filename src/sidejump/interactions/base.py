"""What every scatterer provides: branches of ``|V0(q)|^2`` and phonon energy, and one vertex matrix.

The electron-scatterer matrix element is ``V = u'^+ (V0(q) W) u`` with a constant Hermitian matrix W, the vertex,
and a coupling that depends on ``|q|`` only.  Bosons that carry a quantum number the electron has to make up for, as a
magnon carries spin, are absorbed through one operator and emitted through its adjoint: there W need not be Hermitian.
Rates of different scatterers and branches add.  A coupling that falls
within a small q (long-ranged impurity potentials) asks for points that resolve it, see :attr:`Scatterer.resolution`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..bands.vertex import SpinLowering
from ..errors import InputError
from ..notebook import card

_MOMENTA = np.geomspace(1e-6, 1e2, 4001)  # 1/angstrom, where a coupling is looked at
_NOTHING = 1e-18


@dataclass(frozen=True)
class Branch:
    """One phonon branch, or one kind of static impurity.

    Attributes
    ----------
    coupling : callable
        ``|V0(q)|^2`` in eV^2 angstrom^d for an array of ``|q|`` (1/angstrom); for impurities times their density.
    phonon_energy : callable or None
        Energy in eV for an array of ``|q|``; None for a static scatterer.
    silent : bool
        True if the prefactor of the coupling is zero, as that of a strength of zero. Not to be told from values: a
        coupling of long range falls below the smallest number within any crystal's zone, and scatters all the same.
    potential : callable or None
        Of static impurities: ``v(q)`` of one with its sign, the potential energy of an electron, eV angstrom^d.
    third_moment : float
        Their third moment is this times ``v(q) v(q') v(q'')``: the density, angstrom^-d, if all are alike.  Zero for
        what is Gaussian, as harmonic phonons are.
    """

    coupling: Callable[[np.ndarray], np.ndarray]
    phonon_energy: Callable[[np.ndarray], np.ndarray] | None = None
    silent: bool = False
    potential: Callable[[np.ndarray], np.ndarray] | None = None
    third_moment: float = 0.0

    @cached_property
    def range(self) -> float:
        """q (1/angstrom) over which the coupling falls to 1/e of its largest value; inf if it does not, or diverges."""
        with np.errstate(all="ignore"):
            coupling = np.broadcast_to(np.asarray(self.coupling(_MOMENTA), dtype=float), _MOMENTA.shape)
        largest = int(np.argmax(coupling))
        if not np.isfinite(coupling[largest]) or coupling[0] > 2 * coupling[len(coupling) // 8]:
            return np.inf
        fallen = np.flatnonzero(coupling[largest:] < coupling[largest] / np.e)
        return float(_MOMENTA[largest + fallen[0]]) if len(fallen) else np.inf

    @cached_property
    def reach(self) -> float:
        """q beyond which nothing of the coupling is left to double precision, 1/angstrom; inf if there is no such q."""
        with np.errstate(all="ignore"):
            coupling = np.broadcast_to(np.asarray(self.coupling(_MOMENTA), dtype=float), _MOMENTA.shape)
        left = np.flatnonzero(~(coupling < _NOTHING * np.nanmax(coupling)))
        return float(_MOMENTA[left[-1] + 1]) if left[-1] + 1 < len(_MOMENTA) else np.inf


@dataclass(frozen=True)
class PowerLaw:
    """``factor q^power`` of |q| in 1/angstrom; a function that can be stored and sent."""

    factor: float
    power: int

    def __call__(self, q):
        q = np.asarray(q, dtype=float)
        return np.full_like(q, self.factor) if self.power == 0 else self.factor * q**self.power


@dataclass(frozen=True)
class Multiple:
    """``factor`` times another function of |q|; a function that can be stored and sent."""

    factor: float
    function: Callable

    def __call__(self, q):
        return self.factor * self.function(q)


@dataclass(frozen=True)
class Scatterer:
    """Branches that share a vertex.

    Attributes
    ----------
    name : str
        For reports.
    dimension : int
        2 or 3.
    branches : tuple of Branch
    vertex : str, SpinLowering or ndarray, shape (N, N)
        "identity", "sigma_x", "sigma_y", "sigma_z" (spin of the model), or a Hermitian matrix; if `directed`, any
        matrix or the lowering operator of the spin.
    sound_velocity : float or None
        Fastest acoustic ``hbar c`` in eV angstrom: sets the thermal phonon wave vector; None if not acoustic.
    singular : bool
        True if ``|V0(q)|^2``, or that times the number of bosons, diverges at q = 0.
    directed : bool
        True if the vertex acts where a boson is absorbed, and its adjoint where one is emitted.
    stiffness : float or None
        D in eV angstrom^2 of bosons of energy ``gap + D q^2``: sets their thermal wave vector.
    """

    name: str
    dimension: int
    branches: tuple[Branch, ...]
    vertex: str | SpinLowering | np.ndarray = "identity"
    sound_velocity: float | None = None
    singular: bool = False
    directed: bool = False
    stiffness: float | None = None

    def _repr_html_(self) -> str:
        energies = [
            "none" if b.phonon_energy is None else f"{np.ravel(b.phonon_energy(np.ones(1)))[0]:.4g} eV"
            for b in self.branches
        ]
        vertex = f"matrix {np.shape(self.vertex)}" if isinstance(self.vertex, np.ndarray) else str(self.vertex)
        values = {"dimension": self.dimension, "vertex": vertex, "branches": len(self.branches)}
        return card(self.name, values | {"phonon energy at 1/angstrom": ", ".join(energies)})

    @property
    def silent(self) -> bool:
        """Whether it does not scatter at all."""
        return all(b.silent for b in self.branches)

    @property
    def level(self) -> float:
        """q (1/angstrom) up to which a coupling does not rise towards q = 0, though it is `singular`."""
        return 0.0

    @property
    def resolution(self) -> float:
        """q (1/angstrom) that has to be resolved: over it the coupling of some branch falls; inf if there is none."""
        return min((b.range for b in self.branches), default=np.inf)


def thermal_wave_vector(scatterer, kt: float) -> float:
    """A quarter of that of the acoustic phonons or magnons that scatter most at kT (eV), 1/angstrom; inf without these.

    Phonons of about 4 kT do, whose number of states rises with their energy as a power, and magnons of 3/2 kT.
    """
    sound, stiffness = scatterer.sound_velocity, getattr(scatterer, "stiffness", None)
    return min(kt / sound if sound else np.inf, 0.25 * (1.5 * kt / stiffness) ** 0.5 if stiffness else np.inf)


def require_dimension(dimension) -> int:
    """2 or 3, or InputError."""
    if isinstance(dimension, bool) or dimension not in (2, 3):
        raise InputError(f"dimension = {dimension!r}: give 2 or 3, the dimension of the model")
    return int(dimension)
