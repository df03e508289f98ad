"""What a distribution with one number for a group of degenerate bands cannot say of an observable.

Within Kramers pairs a spin or a current of spin differs from state to state, and scattering may fill them unlike: the
distribution of a group is a matrix.  The program has its trace.  The interband part of an observable between groups is
whole with that; what the traceless part of the distribution carries is missing, in the anomalous distribution a half of
the side jump where spin is conserved.
"""

from __future__ import annotations

import numpy as np

from ..bands.states import shell_states
from .problem import Problem

_SAMPLE = 64  # states
_ALIKE = 1e-6  # of the size of an operator: differences within groups that are rounding


def coherence_sentences(problem: Problem) -> list[str]:
    """For observables that differ within degenerate bands at the Fermi surface, a sentence each."""
    if not problem.observables or not problem.edges.inside:
        return []
    shell = problem.coarse_shell(problem.mu)
    chosen = np.linspace(0, len(shell) - 1, min(_SAMPLE, len(shell))).astype(int)
    states = shell_states(problem.model, shell.k[chosen], shell.band[chosen], problem.settings.degeneracy)
    members = states.vectors.shape[1]
    if members == 1:
        return []
    names = []
    for o in problem.observables:
        whole = o.matrices(problem.model, states.k)
        inside = states.vectors.conj() @ whole @ states.vectors.swapaxes(1, 2)
        mean = np.trace(inside, axis1=1, axis2=2) / states.multiplicity
        filled = np.arange(members) < states.multiplicity[:, None]
        inside = inside - mean[:, None, None] * np.eye(members) * filled[:, None]
        if np.linalg.norm(inside) > _ALIKE * np.linalg.norm(whole):
            names.append(o.name)
    if not names:
        return []
    differ = "differs" if len(names) == 1 else "differ"
    return [
        f"{', '.join(names)} {differ} within degenerate bands: that scattering fills them unlike is left out, and the "
        "side jump of the distribution is not complete"
    ]
