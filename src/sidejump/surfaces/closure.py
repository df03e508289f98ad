"""What velocities sum to over a connected piece of an isoenergy surface, which topology fixes.

With ``w = dS / (|grad e| (2 pi)^d)`` the sum of ``w v`` is an integral of the unit normal,

    sum_s w_s v_s = (2 pi)^-d int n dS = R / (2 pi V),

with R a vector of the direct lattice and V the volume of its cell: R = 0 for a closed pocket, and the class of a piece
that winds around the zone.  A quadrature misses that by its error, and what it leaves acts as a force on the whole
piece: where cold phonons no longer carry electrons from one pocket to another nothing balances it, and the conductivity
diverges.  So the difference is taken out, from all points of the piece alike.

Pieces are found for one shell; carried along to other energies they may join or come apart.  Those whose sum is far
from that of a whole piece are taken together there.
"""

from __future__ import annotations

import numpy as np

from ..groups.operations import Operations
from .components import Components

_WHOLE = 0.1  # of the sum of w |v|: a carried piece whose sum is farther off has lost a part


def closed_velocities(
    weight, velocity, components: Components, operations: Operations | None = None, cell=None
) -> np.ndarray:
    """Velocities of which ``sum w v`` over every component is what topology says.

    Parameters
    ----------
    weight : ndarray, shape (S, n)
        On n shells, on which points have the components of one of them; those of all images together where there are
        `operations`.
    velocity : ndarray, shape (S, n, d)
        eV angstrom.
    components : Components
    operations : Operations, optional
    cell : array, shape (d, d), optional
        Direct lattice vectors, rows, angstrom; without them every piece is closed.

    Returns
    -------
    ndarray, shape (S, n, d)
    """
    s, n, d = velocity.shape
    count = len(components.closed)
    matrices = np.eye(d)[None] if operations is None else operations.matrices
    turn = matrices[components.turn]
    # as seen from the representative of the orbit
    flow = weight[..., None] * np.einsum("sba,snb->sna", turn, velocity)
    speed = weight * np.linalg.norm(velocity, axis=2)
    share = components.keeps.mean(axis=1)  # of the orbit that the representative is
    kept = components.keeps / components.keeps.sum(axis=1, keepdims=True)
    invariant = np.einsum("cg,gab->cab", kept, matrices)

    def sums(values):
        columns = values.reshape(s, -1).T
        found = [np.bincount(components.label, x, minlength=count) for x in columns]
        return share[:, None] * np.stack(found, axis=1)

    total = np.einsum("cab,cnb->cna", invariant, sums(flow).reshape(count, n, d))
    whole, size = sums(weight), sums(speed)
    off = total - _allowed(total, cell)
    off = np.where(components.closed[:, None, None], off, 0.0)
    if n > 1:
        torn = np.linalg.norm(off, axis=2) > _WHOLE * size
        off = np.where(torn[..., None], (torn[..., None] * off).sum(axis=0), off)
        whole = np.where(torn, (torn * whole).sum(axis=0), whole)
    excess = off / np.where(whole > 0, whole, 1.0)[..., None]
    return velocity - np.einsum("sab,snb->sna", turn, excess[components.label])


def _allowed(total, cell) -> np.ndarray:
    """The nearest values that the sums (..., d) can have."""
    if cell is None:
        return np.zeros_like(total)
    quantum = np.asarray(cell) / (2 * np.pi * abs(np.linalg.det(cell)))
    return np.rint(total @ np.linalg.inv(quantum)) @ quantum
