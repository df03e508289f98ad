"""The Wigner-Seitz sets of EPW files without `wigner.fmt`: for every mesh that could be meant, compared with the files.

Several meshes can have sets of one size (4 and 5 points along the edges of a cube).  Values are not divided by the
degeneracy, so that at vectors that differ by a vector of the supercell they are equal: that tells them apart.
"""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..wannier.images import mesh_class, minimal_images
from .wigner import Rule, WignerSeitz, named


def rebuild(
    folder: Path,
    hoppings,
    constants,
    n_g: int,
    *,
    cell,
    positions,
    centres,
    alat,
    k_mesh=None,
    q_mesh=None,
    use_ws: bool | None = None,
) -> tuple[WignerSeitz, list[str]]:
    """Wigner-Seitz sets with as many vectors as the files hold, and warnings.

    Parameters
    ----------
    folder : Path
        For messages.
    hoppings, constants : array, shape (nRe, N, N), (nRq, 3 nat, 3 nat)
        H(R) and C(R) as stored.
    n_g : int
        Number of vectors of the coupling.
    cell, positions, centres : array
        Angstrom.
    alat : float
        Unit of length of the run, angstrom, which sets EPW's tolerance for ties.
    k_mesh, q_mesh, use_ws : optional
        Taken for granted where given.

    Raises
    ------
    InputError
        If no mesh, or more than one, fits.
    """
    origin = np.zeros((1, 3))
    rules = []
    if not use_ws:
        rules.append(Rule(origin, origin, alat))
    if use_ws is not False:
        rules += [Rule(positions, centres, alat), Rule(positions, centres, alat, "middle")]
    found: list[WignerSeitz] = []
    for rule in rules:
        electron = _fitting(cell, hoppings, lambda mesh, r=rule: r.electrons(cell, mesh), k_mesh)
        phonon = _fitting(cell, constants, lambda mesh, r=rule: r.phonons(cell, mesh), q_mesh)
        fits = [
            WignerSeitz(sets_k[0], sets_k[1], sets_q[0], sets_q[1], coupling[0], coupling[1], k, q)
            for (k, sets_k), (q, sets_q) in itertools.product(electron, phonon)
            if not any(np.mod(k, q)) and len((coupling := rule.coupling(cell, q))[0]) == n_g
        ]
        if fits:
            found.append(_coarsest(folder, fits))
            k_mesh, q_mesh = found[0].k_mesh, found[0].q_mesh  # for the other rules
    if not found:
        raise InputError(
            f"{folder}: no wigner.fmt, and no Wigner-Seitz cell of {named('k_mesh', k_mesh)} and "
            f"{named('q_mesh', q_mesh)} has the {len(hoppings)}, {len(constants)} and {n_g} vectors of epwdata.fmt; "
            "give the meshes of the run as k_mesh and q_mesh"
        )
    first = found[0]
    if all(first.same(other) for other in found[1:]):
        return first, []
    assumed = "use_ws = .false." if first.re_degeneracy.shape[1] == 1 else "use_ws = .true., cells of the bra,"
    return first, [f"the numbers of vectors leave open which Wigner-Seitz cells EPW used: {assumed} assumed"]


def _coarsest(folder, fits) -> WignerSeitz:
    """The fit with the fewest mesh points: its ties are tested by the values, those of a finer mesh may be none."""
    sizes = [int(np.prod(f.k_mesh) * np.prod(f.q_mesh)) for f in fits]
    best = [f for f, size in zip(fits, sizes, strict=True) if size == min(sizes)]
    if len(best) > 1:
        raise InputError(
            f"{folder}: its numbers of vectors fit several meshes, k {best[0].k_mesh} with q {best[0].q_mesh} and "
            f"k {best[1].k_mesh} with q {best[1].q_mesh}; give k_mesh and q_mesh"
        )
    return best[0]


def _anisotropy(cell, mesh) -> float:
    """Largest over smallest distance of mesh points, 1 for an even mesh."""
    spacing = np.linalg.norm(np.linalg.inv(cell), axis=0) / np.asarray(mesh)
    return float(spacing.max() / spacing.min())


def _fitting(cell, values, build, given):
    """Meshes, most even first, whose set fits `values` (nR, ...), with the set; none much less even than the first."""
    count = len(values)
    if given is not None:
        meshes = [tuple(int(n) for n in given)] if math.prod(given) <= count else []  # as many vectors at least
    else:
        meshes = _plausible(cell, count)
    found: list[tuple] = []
    for mesh in sorted(meshes, key=lambda m: _anisotropy(cell, m)):
        if found and _anisotropy(cell, mesh) > 1.5 * _anisotropy(cell, found[0][0]):
            break
        # the first pair (no shift) has at most as many vectors as the union: a cheap test
        if len(minimal_images(cell, mesh, np.zeros(3))[0]) <= count:
            sets = build(mesh)
            if len(sets[0]) == count and _periodic(sets[0], values, mesh):
                found.append((mesh, sets))
    return found


def _periodic(vectors, values, mesh) -> bool:
    """Whether values agree at vectors that the supercell makes equivalent."""
    classes = mesh_class(vectors, mesh)
    first = np.unique(classes, return_index=True)[1]
    where = np.searchsorted(classes[first], classes)
    return bool(np.abs(values - values[first][where]).max() < 1e-6 * np.abs(values).max() + 1e-12)


def _plausible(cell, count):
    """Meshes that may give `count`, with one number for axes of one length and spacings within a factor of two.

    Meshes of one layer count as well.  A set has at least as many vectors as the mesh has points, and more by what
    lies near its surface.
    """
    length = np.linalg.norm(np.linalg.inv(cell), axis=0)
    edge = np.linalg.norm(cell, axis=1)
    result = []
    for free in ([0, 1, 2], [0, 1]):
        if len(free) == 2 and edge[2] < edge[:2].max():
            continue  # a layer has its normal along the longest edge
        most = int(np.ceil(3 * count ** (1 / len(free))))
        mesh = np.ones((most ** len(free), 3), dtype=int)
        mesh[:, free] = np.array(list(itertools.product(range(1, most + 1), repeat=len(free))))
        total = mesh.prod(axis=1)
        keep = (total <= count) & (count <= total * np.prod(1 + 4 / mesh, axis=1))
        spacing = length[free] / mesh[:, free]
        keep &= spacing.max(axis=1) < 2 * spacing.min(axis=1)
        for i, j in itertools.combinations(free, 2):
            if max(abs(length[i] / length[j] - 1), abs(edge[i] / edge[j] - 1)) < 1e-3:
                keep &= mesh[:, i] == mesh[:, j]
        result += [tuple(m) for m in mesh[keep].tolist()]
    return sorted(set(result))
