"""Static impurities of zero range to all orders in their potential: the golden rule with the T-matrix.

At each energy the T-matrix ``T = A + iB`` of one impurity, A and B Hermitian, is a matrix between the orbitals.  With
``a = u'^+ A u`` and ``b = u'^+ B u``, impurities of density n scatter from u to u' of the same energy at the rate

    2 pi n |a + ib|^2 = 2 pi n (|a|^2 + |b|^2) - 4 pi n Im(a* b).

The first part is even: the rates of scatterers with the vertices A and B, that do not interfere, and so are sources of
pairs like any other, with their coordinate shifts.  The second part is odd, and that of skew scattering
(:mod:`sidejump.kinetics.skew`).  What scatters out of a state into all others is ``-2 n Im u^+ T u``.

Of impurities that attract and repel there are two kinds, with the T-matrices of +U and of -U.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..bands.extent import states_beyond
from ..bands.momentum import MomentumTransfer
from ..bands.states import States
from ..errors import InputError
from .base import Branch, Multiple, Scatterer
from .single_impurity import SAME_ENERGY, PointPotential, unsettled
from .sources import Load, ScalarPairs


@dataclass(frozen=True)
class PointImpurity(Scatterer):
    """Impurities ``U W delta(r)`` to all orders in U; made by :func:`.impurity`.

    Attributes
    ----------
    strength : float
        U, eV nm^d.
    skewness : float
        The number of those that are +U less the number of those that are -U, over the number of all.
    cutoff : float or None
        Largest |k| of a k.p model, 1/angstrom.
    """

    strength: float = 0.0
    skewness: float = 1.0
    cutoff: float | None = None

    def sources(self, model) -> list[PointPairs]:
        """Those of A and of B, for each sign that there is.

        Raises
        ------
        InputError
            If the cut-off is missing or has no meaning, or the vertex acts on orbitals of different sites.
        """
        potential = PointPotential.of(model, self.strength, self.cutoff, self.vertex, self.name)
        momentum = MomentumTransfer(model.reciprocal_cell, model.dimension)
        found = []
        for sign in (1, -1):
            share = 0.5 * (1 + sign * self.skewness)
            if share == 0:
                continue
            # odd rates have the third moment, and all orders after it
            branches = tuple(replace(b, coupling=Multiple(share, b.coupling), third_moment=0.0) for b in self.branches)
            kind = PointKind(potential, sign, branches)
            found += [PointPairs(kind, model, momentum, absorptive=part) for part in (False, True)]
        return found


def _too_small(cutoff: float, reach: float) -> str:
    return (
        f"cutoff = {cutoff:g}: there are states of these energies at |k| = {reach:.2g} 1/angstrom; give a cutoff well "
        "above"
    )


def require_cutoffs(scatterers, model, energy: float, *, together: bool, of_file: bool = False) -> None:
    """Refuse cut-offs of a k.p model within which not all of its states at `energy` (eV) are, and unlike ones.

    Parameters
    ----------
    scatterers : sequence
        Those of an input, in its order.
    together : bool
        Whether impurities share one Green function, as they do where odd rates are asked for.
    of_file : bool
        Whether they are sections of an input file.

    Raises
    ------
    InputError
    """
    first: tuple[str, float] | None = None
    for number, s in enumerate(scatterers, start=1):
        if not isinstance(s, PointImpurity) or s.silent or s.cutoff is None or model.cell is not None:
            continue
        place = f"[[scattering]] number {number}: impurity" if of_file else f"{s.name}, scatterer number {number}"
        reach = states_beyond(model, energy, s.cutoff)
        if reach:
            raise InputError(f"{place}: {_too_small(s.cutoff, reach)}")
        if together and first is not None and s.cutoff != first[1]:
            raise InputError(
                f"{place}: cutoff = {s.cutoff:g}: {first[0]} has {first[1]:g}, and skew scattering takes both in one "
                'Green function; give them one cutoff, or skew_scattering = "off"'
            )
        first = first or (f"number {number}", s.cutoff)


@dataclass(frozen=True)
class PointKind:
    """Impurities of one sign.

    Attributes
    ----------
    potential : PointPotential
    sign : int
        Of their potential over that of `potential`.
    branches : tuple of Branch
        ``n U^2`` as a coupling.
    """

    potential: PointPotential
    sign: int
    branches: tuple[Branch, ...]

    def parts(self, energies) -> tuple[np.ndarray, np.ndarray]:
        """A and B over U, (E, N, N) each, at energies (E,), eV."""
        found = self.potential.relative(energies, self.sign)
        adjoint = np.conj(np.swapaxes(found, 1, 2))
        return 0.5 * (found + adjoint), -0.5j * (found - adjoint)

    def out_scattering(self, states: States, energy: float) -> tuple[np.ndarray, float]:
        """Rate out of states of one energy (eV) into all others, ``-2 n Im <u|T|u>`` in the mean over their members,
        eV, and by how much the accuracy of G may change rates, relatively."""
        [absorptive] = self.parts([energy])[1]
        expected = np.einsum("smi,ij,smj->s", states.vectors.conj(), absorptive, states.vectors, optimize=True).real
        rate = -2 * self.coupling / self.amplitude * expected / states.multiplicity
        return rate, float(self.potential.doubt([energy], self.sign)[0])

    @property
    def amplitude(self) -> float:
        """U with its sign, eV angstrom^d."""
        return self.sign * self.potential.strength

    @property
    def density(self) -> float:
        """Of these impurities, angstrom^-d."""
        return self.coupling / self.potential.strength**2

    @property
    def coupling(self) -> float:
        """``n U^2``, eV^2 angstrom^d."""
        return float(sum(np.asarray(b.coupling(np.zeros(1)))[0] for b in self.branches))


class PointPairs(ScalarPairs):
    """The part of A, or of B, of impurities of one sign.

    The impurity acts on the orbitals of one site as they are: a position matrix changes shifts, not the potential.

    Attributes
    ----------
    kind : PointKind
    absorptive : bool
        Whether it is the part of B.
    """

    def __init__(self, kind: PointKind, model, momentum: MomentumTransfer, *, absorptive: bool):
        scatterer = Scatterer("impurity", model.dimension, kind.branches)
        super().__init__(model.lattice_operator(np.eye(model.n_orbitals)), [scatterer], model, momentum)
        self.kind, self.absorptive = kind, absorptive
        self._positioned = False
        self._unsettled: dict[float, float] = {}  # shared by what is prepared

    def prepare(self, states, *, single=False):
        cutoff, reach = self.kind.potential.cutoff, np.linalg.norm(states.k, axis=1).max(initial=0.0)
        if cutoff is not None and reach >= cutoff:
            raise InputError(f"impurity: {_too_small(cutoff, reach)}")
        super().prepare(states, single=single)
        self.finals = self._applied_to(self.states)

    def _applied_to(self, states):
        """A u or B u in place of u, at the energy of each state."""
        energies, which = np.unique(np.round(states.energy, SAME_ENERGY), return_inverse=True)
        matrices = self.kind.parts(energies)[int(self.absorptive)]
        self._unsettled.update(unsettled(self.kind.potential, energies))
        turned = np.swapaxes(matrices, 1, 2).astype(states.vectors.dtype)  # rows are states
        vectors, covariant = np.empty_like(states.vectors), np.empty_like(states.covariant)
        for i, matrix in enumerate(turned):
            here = np.flatnonzero(which.ravel() == i)
            vectors[here], covariant[here] = states.vectors[here] @ matrix, states.covariant[here] @ matrix
        return replace(states, vectors=vectors, covariant=covariant)

    def amplitudes(self, a, b):
        """Those of :class:`.ScalarPairs`."""
        return super().amplitudes(self._applied_to(a), b)

    def load(self, states):
        found = super().load(states)
        return Load(2 * found.bytes_per_state, found.flops_per_pair)

    def warnings(self):
        found = []
        if self._model.position_matrix(np.zeros((1, self._model.dimension))) is not None:
            found.append(
                "T-matrix of impurities: they act on the Wannier functions as they are, without the first order in the "
                "momentum transfer that the position matrix gives to those of the first order in the potential"
            )
        if not self._unsettled:
            return found
        energy, error = max(self._unsettled.items(), key=lambda item: item[1])
        return [
            *found,
            f"T-matrix of impurities: the Green function at {energy:g} eV still changed by {100 * error:.2g} % with "
            "the last mesh: an edge or a saddle of a band may be near, or there are many orbitals",
        ]
