"""Whether data are of a layer or of a bulk crystal, where the files do not say it.

The short-ranged numbers of a file know nothing of it; what changes is which electrons a run takes (`planar`) and, in
polar crystals, which long-range part is put back.  EPW's files do not tell: `system_2d = 'gaussian'` is an input of
the run alone.  Perturbo's files do.
"""

from __future__ import annotations

from dataclasses import replace

from ..errors import InputError
from .checks import ONE_Q_POINT
from .container import ElectronPhonon

GAUSSIAN = "the long-range part of the layer is taken to be the Gaussian one (system_2d = 'gaussian')"


def of_dimension(data: ElectronPhonon, layer: bool | None) -> ElectronPhonon:
    """`data` taken for a layer or a bulk crystal; as they are for None.

    Raises
    ------
    InputError
        If the long-range part is that of the other, and the writing code says so.
    """
    if layer is None or layer == data.two_dimensional:
        return data
    if not data.phonons.polar:
        return replace(data, two_dimensional=layer)
    if not layer or data.family != "epw":
        kind = "layer" if data.two_dimensional else "bulk crystal"
        raise InputError(
            f"two_dimensional = {str(layer).lower()}: the long-range part of the coupling in {data.source} "
            f"is that of a {kind}; leave the key out, or let the writing code take out the other one"
        )
    return as_gaussian_layer(data)


def as_gaussian_layer(data: ElectronPhonon) -> ElectronPhonon:
    """`data` of EPW with the long-range part of `system_2d = 'gaussian'`, which has one Gaussian in every version."""
    phonons = replace(data.phonons, two_dimensional=True, axes=(*data.phonons.axes[:2], False))
    warnings = [w for w in data.warnings if not w.startswith(ONE_Q_POINT)]
    if GAUSSIAN not in warnings:
        warnings.append(GAUSSIAN)
    return replace(data, phonons=phonons, two_dimensional=True, coupling_alpha=None, warnings=warnings)
