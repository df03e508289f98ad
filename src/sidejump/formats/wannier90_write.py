"""Write a `_tb.dat` as Wannier90 does: lattice vectors, H(R) and the position matrix."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from ..bands.lattice import LatticeModel
from ..errors import InputError, SidejumpWarning
from ..files import PACKED
from ..wannier.position import position_elements

_PER_LINE = 15  # degeneracies

NO_SPIN = "a _tb.dat has no place for the spin of the orbitals; read it with spin_ordering, or with the .spn beside it"


def write_wannier90(model: LatticeModel, file, *, title: str = "written by sidejump", force: bool = False) -> Path:
    """A crystal as ``seedname_tb.dat``, packed if the name ends in ``.gz`` or ``.bz2``; returns the path.

    Degeneracies are 1: weights and images are in the matrices already, and no ``_wsvec.dat`` belongs to the file.  All
    digits of double precision are kept.

    Parameters
    ----------
    model : LatticeModel
        Three-dimensional; without a position matrix its sites are written as the centres of one, and if all sites are
        at zero as well the file ends after H, as files of other programs do.
    file : path
    title : str
        The first line.
    force : bool
        Replace an existing file.

    Raises
    ------
    InputError
        If the model is two-dimensional, or the file exists.

    Warns
    -----
    SidejumpWarning
        The file has no place for the spin of the orbitals; a model that has one loses it.
    """
    path = Path(file)
    if path.exists() and not force:
        raise InputError(f"{path} exists already: give force=True to replace it, or another name")
    if model.dimension != 3:
        raise InputError(f"{path}: Wannier90's files hold crystals with three lattice vectors; the model has two")
    if model.spin is not None or model.spin_models is not None:
        warnings.warn(f"{path.name}: {NO_SPIN}", SidejumpWarning, stacklevel=2)
    n = model.n_orbitals
    columns, rows = (x.ravel() + 1 for x in np.meshgrid(np.arange(n), np.arange(n), indexing="ij"))  # m fastest
    vectors, matrices = _matrices(model)
    with PACKED.get(path.suffix, open)(path, "wt") as stream:
        stream.write(f" {title}\n")
        np.savetxt(stream, np.asarray(model.cell), fmt="%24.16e")
        stream.write(f"{n}\n{len(vectors)}\n")
        for start in range(0, len(vectors), _PER_LINE):
            stream.write("    1" * len(vectors[start : start + _PER_LINE]) + "\n")
        for values in matrices:
            for r, here in zip(vectors, values, strict=True):
                stream.write("\n" + " ".join(f"{x:4d}" for x in r) + "\n")
                # (components, m, n) to rows (m, n) with m fastest
                parts = here.transpose(2, 1, 0).reshape(n * n, -1)
                numbers = np.ascontiguousarray(parts).view(float)
                np.savetxt(
                    stream,
                    np.column_stack([rows, columns, numbers]),
                    fmt=["%5d", "%5d"] + ["%24.16e"] * numbers.shape[1],
                )
    return path


def _matrices(model: LatticeModel) -> tuple[np.ndarray, list[np.ndarray]]:
    """R with 0 among them; H and, if it is known, r with the centres on its diagonal: (nR, components, N, N)."""
    vectors, hoppings, full = model.vectors, model.hoppings, position_elements(model)
    if vectors.any(axis=1).all():  # such a model has no position matrix, which is one at home
        vectors, hoppings = (np.concatenate([np.zeros_like(x[:1]), x]) for x in (vectors, hoppings))
    if full is None and np.any(model.site_positions):  # the curvature depends on where the functions are
        full = np.zeros((len(vectors), 3, *hoppings.shape[1:]), dtype=complex)
        full[~vectors.any(axis=1)] = [np.diag(x) for x in model.site_positions.T]
    return vectors, [hoppings[:, None], *([] if full is None else [full])]
