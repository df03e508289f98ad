"""What momentum transfers within a patch of the Fermi surface leave out of a resistance.

A patch scatters into itself, and into the patch of the other spin at the same place, with a transfer that counts as
none: momentum that is lost on the way is left out.  It is next to nothing of the whole unless the coupling diverges at
q = 0, as the number of magnons without a gap does.  Of a flat surface whose final states are all like those within a
patch of radius r it is

    int_0^r dq q^3 T(q)  /  int_0^inf dq q^3 T(q)

of the momentum lost, T the kernel at a momentum transfer q; less where final states within a patch are less like the
initial one than others are, as those of the other spin on a sphere apart.  A finer level has less of it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..energy.kernel import Kernel
from ..interactions.sources import PolarPairs, ScalarPairs
from ..kinetics.response import KineticResponse
from ..pairs.sample import Sample

_SAMPLE = 200  # initial states that are asked how they couple to those beside them


def within_patches(sample: Sample, sources, kernels: list[Kernel], response: KineticResponse) -> KineticResponse:
    """The response with what it is `unresolved` by: of a surface in three dimensions that all energies share.

    Parameters
    ----------
    sources : list of PairSource
        Prepared for its states.
    kernels : list of Kernel
        Of each, with one function of the energy.
    """
    if sample.velocity.shape[-1] != 3:
        return response
    total = lost = 0.0
    radius = float(np.sqrt(np.average(sample.patches.radius[: sample.count] ** 2, weights=sample.weight[:, 0])))
    for source, kernel in zip(sources, kernels, strict=True):
        if not isinstance(source, ScalarPairs) or (source.singular and isinstance(source, PolarPairs)):
            continue  # these have their divergence averaged over patches
        q, rate = kernel.along()
        moment = q**3 * rate
        whole = float(np.trapezoid(moment, q))
        total += whole
        if source.singular and whole > 0:
            inside = np.trapezoid(np.where(q <= radius, moment, 0.0), q)
            lost += float(inside) * _likeness(sample, source, radius)
    return replace(response, unresolved=lost / total) if lost else response


def _likeness(sample: Sample, source: ScalarPairs, radius: float) -> float:
    """How strongly states couple to those within a radius, over how strongly to all; at most one."""
    own = sample.states[np.linspace(0, sample.count - 1, min(_SAMPLE, sample.count)).astype(int)]
    pairs = source.crossed(own, sample.states, single=True, known=source)
    channels = pairs.evaluate(slice(0, len(own)), slice(0, len(sample.states)), np.inf)
    near, all_near, every, count = 0.0, 0.0, 0.0, 0.0
    for channel in channels:
        beside = (channel.z < radius) * sample.all_weights
        near, all_near = near + float(np.sum(beside * channel.strength)), all_near + float(beside.sum())
        every += float(np.sum(sample.all_weights * channel.strength))
        count += len(own) * float(sample.all_weights.sum())
    if not all_near or not every:
        return 0.0
    return min(1.0, (near / all_near) / (every / count))
