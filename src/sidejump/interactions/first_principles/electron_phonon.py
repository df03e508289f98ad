"""Phonons with first-principles coupling."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ...errors import InputError
from ...notebook import card
from ...rules import checked
from ..parameters import ElectronPhononParameters

if TYPE_CHECKING:
    from ...wannier.container import ElectronPhonon
    from .pairs import ElectronPhononPairs


@dataclass(frozen=True)
class ElectronPhononScatterer:
    """The phonons of a first-principles data set and their coupling to its electrons.

    Attributes
    ----------
    data : ElectronPhonon
    images : {"hermitian", "file"}
        Which supercell images of the coupling are used; only the Hermitian choice obeys detailed balance off the
        coarse mesh.
    tolerance : float
        Relative rms error that the low-rank form of the vertex may have (`factors`); 0: none.
    lowest_phonon_energy : float
        Phonons below (eV) do not scatter; zero but for comparisons with codes that leave them out.
    coupling_sum_rule : bool
        Impose the acoustic sum rule on the coupling: a rigid shift of the crystal does not scatter
        (`sum_rule`).
    """

    data: ElectronPhonon
    images: str = "hermitian"
    tolerance: float = 3e-4
    lowest_phonon_energy: float = 0.0
    coupling_sum_rule: bool = False
    name: str = "electron-phonon coupling"
    singular: bool = False
    resolution: float = np.inf

    def _repr_html_(self) -> str:
        names = ("images", "tolerance", "lowest_phonon_energy", "coupling_sum_rule")
        return card(self.name, {name: getattr(self, name) for name in names})

    def __post_init__(self):
        checked(
            ElectronPhononParameters,
            "electron_phonon",
            images=self.images,
            coupling_sum_rule=self.coupling_sum_rule,
            lowest_phonon_energy=self.lowest_phonon_energy,
        )
        if self.images == "file" and any(key.startswith("symmetrize_") for key in self.data.checks):
            raise InputError(
                f'images = "file": the coupling of {self.data.source} was symmetrised, which needs the Hermitian '
                "images and leaves none of the file's; leave images out, or do not symmetrise"
            )

    def source(self, model) -> ElectronPhononPairs:
        """Pairs of the states of `model`, which must be spanned by the Wannier functions of the data.

        Raises
        ------
        InputError
            If the model has another number of orbitals, another dimension or another cell.
        """
        electrons = self._pairs.model
        if model.n_orbitals != electrons.n_orbitals or model.cell is None:
            raise InputError(
                f"electron_phonon: the coupling of {self.data.source} is between {electrons.n_orbitals} Wannier "
                f"functions, the electron model has {model.n_orbitals}; use the electrons of the same files"
            )
        if model.dimension != electrons.dimension:
            raise InputError(
                f"electron_phonon: {self.data.source} has electrons in {electrons.dimension} dimensions, the electron "
                f"model has {model.dimension}; use data.model, which of a layer is the two-dimensional model"
            )
        if abs(model.cell - electrons.cell).max() > 1e-3:
            raise InputError(f"electron_phonon: the electron model and {self.data.source} have different cells")
        return self._pairs

    @cached_property
    def _pairs(self) -> ElectronPhononPairs:
        from .pairs import ElectronPhononPairs

        return ElectronPhononPairs(
            self.data, self.images, self.tolerance, self.lowest_phonon_energy, self.coupling_sum_rule
        )

    @property
    def silent(self) -> bool:
        """Whether the files hold no coupling but zeros, the field of polar modes included."""
        return self.data.long_range is None and not np.any(self.data.file_coupling.values)

    @property
    def data_warnings(self) -> list[str]:
        """What was found wrong with the data and is not mended here."""
        return [w for w in self.data.warnings if not (self.coupling_sum_rule and "coupling_sum_rule" in w)]

    @property
    def sound_velocity(self) -> float:
        """Fastest acoustic velocity, eV angstrom."""
        return self._pairs.sound_velocity()
