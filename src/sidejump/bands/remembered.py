"""What has been found of a model is not searched again: shells, replicas and checks ask for the same."""

from __future__ import annotations

import weakref
from collections import deque
from functools import wraps

import numpy as np

from .states import band_energies

_PROBES = 64
_MOST = 64  # results of each function, the oldest are forgotten


def probe(model) -> np.ndarray:
    """Band energies (eV) at some k points, (64, bands): a model can be changed, and these tell.

    On a lattice anywhere in the cell; of a k.p model within its box, or from far inside its own scale to far outside.
    """
    generator = np.random.default_rng(0)
    if model.cell is not None:
        return band_energies(model, generator.random((_PROBES, model.dimension)) @ model.reciprocal_cell)
    directions = generator.uniform(-1, 1, size=(_PROBES, model.dimension))
    if model.search_half_width:
        return band_energies(model, model.search_half_width * directions)
    radii = model.k_scale * np.geomspace(1e-2, 1e2, _PROBES)
    return band_energies(model, radii[:, None] * directions)


def remembered(function):
    """A function of a model and of numbers whose last results are kept, for as long as the model stays what it is.

    Whether it does is what :func:`probe` says: its band energies at 64 points, `k_scale` and `search_half_width`.  Not
    noticed is a change of a mutable model (a function that reads a list or a global) which leaves those energies as
    they are to the last bit: of a feature narrower than the distance of the points, a quarter of the cell in three
    dimensions and an eighth in two, or of states alone.  Whoever changes such a model makes a new object of it instead,
    which is never taken for another one.
    """
    known: deque = deque(maxlen=_MOST)

    @wraps(function)
    def found(model, *arguments, **named):
        key = (arguments, tuple(sorted(named.items())), model.k_scale, model.search_half_width)
        seen = probe(model)
        for of, asked, energies, result in tuple(known):  # other threads may add
            if of() is model and asked == key and np.array_equal(energies, seen):
                return result
        result = function(model, *arguments, **named)
        known.append((weakref.ref(model), key, seen, result))
        return result

    return found
