"""What each phonon mode takes of the vertices of pairs; modes of one-atom cells in closed form.

With V_c and W_c = D_a V_c along displacement c, mode nu has the strength |sum_c e_c V_c|^2 and the shift
- Im (sum_c e_c V_c)* (sum_c e_c W_c), both times 1/omega; the projector P = e e^+ is all they depend on.

Closed form for real 3 x 3 dynamical matrices D: of the three eigenvalues ``2p cos(phi + 2 pi n/3)`` of the traceless
part B = D - tr D/3 one, t, is always farther than p from the others.  Its projector P = adj(B - t)/tr adj(B - t) is
safe.  What remains in the plane normal to it, K = B - t P + (t/2)(1 - P), has the eigenvalues +-g with
g^2 = tr K^2/2, and the projectors (1 - P)/2 +- K/2g.  Where these two modes are degenerate K vanishes and each gets
half of what both scatter: only the sum matters.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from array_api_compat import array_namespace

_PAIRS = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]  # elements of a symmetric 3 x 3 matrix, as kept here
_FULL = np.array([[0, 1, 2], [1, 3, 4], [2, 4, 5]])  # where they are


@dataclass(frozen=True)
class PairModes:
    """Modes of P pairs.

    Attributes
    ----------
    omega : ndarray, shape (modes, P)
        eV, ascending; negative for imaginary modes.
    per_energy : ndarray, shape (modes, P)
        1 / |omega|, and 0 for modes without an amplitude, 1/eV.
    excluded : int
        Number of imaginary modes without an amplitude.
    """

    omega: np.ndarray
    per_energy: np.ndarray
    excluded: int

    def take(self, index):
        """The modes of other pairs: `index` (P',) into these."""
        arrays: dict[str, Any] = {n: x[..., index] for n, x in vars(self).items() if isinstance(x, np.ndarray)}
        return replace(self, **arrays)

    def of_each_mode(self, planes) -> np.ndarray:
        """Strength and shift of each mode, times omega.

        Parameters
        ----------
        planes : ndarray, shape (1 + d, 3 nat, 2, P)
            Real and imaginary parts of V_c and D_a V_c.

        Returns
        -------
        ndarray, shape (modes, 1 + d, P)
        """
        raise NotImplementedError

    def amplitudes(self, planes) -> np.ndarray:
        """``V_nu = sum_c e_c V_c`` and its derivatives, (1 + d, modes, P), complex, each mode with a phase of its own;
        `planes` as above."""
        raise NotImplementedError


@dataclass(frozen=True)
class ProjectedModes(PairModes):
    """`projectors` (2, 6, P) on the mode apart and on the lower of the other two; `top` (P,): the former is highest."""

    projectors: np.ndarray
    top: np.ndarray

    def of_each_mode(self, planes):
        products = _products(planes)
        apart, lower = np.einsum("vkp,xkp->vxp", self.projectors, products)
        total = products[:, 0] + products[:, 3] + products[:, 5]
        # strengths: rounding makes none negative and leaves the sum
        np.clip(apart[0], 0, total[0], out=apart[0])
        np.clip(lower[0], 0, total[0] - apart[0], out=lower[0])
        upper = total - apart - lower
        result = np.empty((3, *total.shape), dtype=total.dtype)
        result[0] = np.where(self.top, lower, apart)
        result[1] = np.where(self.top, upper, lower)
        result[2] = np.where(self.top, apart, upper)
        return result

    def amplitudes(self, planes):
        rows = np.arange(self.projectors.shape[-1])
        whole = self.projectors[:, _FULL].transpose(0, 3, 1, 2)  # (2, P, 3, 3)
        # the longest column is the mode; where the other two are degenerate, any two directions across the first do
        columns = [x[rows, :, np.einsum("pcc->pc", x).argmax(axis=1)] for x in whole]
        apart = columns[0] / np.linalg.norm(columns[0], axis=1, keepdims=True)
        lower = columns[1] - apart * (apart * columns[1]).sum(axis=1, keepdims=True)
        lower /= np.linalg.norm(lower, axis=1, keepdims=True)
        upper = np.cross(apart, lower)
        top = self.top[:, None]
        modes = np.where(top, lower, apart), np.where(top, upper, lower), np.where(top, apart, upper)
        complex_planes = planes[:, :, 0] + 1j * planes[:, :, 1]
        return np.einsum("vpc,xcp->xvp", np.stack(modes), complex_planes, optimize=True)


@dataclass(frozen=True)
class VectorModes(PairModes):
    """Real and (where there is one) imaginary parts of the eigenvectors, each (3 nat, modes, P)."""

    real: np.ndarray
    imag: np.ndarray | None

    def of_each_mode(self, planes):
        v_re, v_im = self._parts(planes)
        result = v_im[0] * v_re - v_re[0] * v_im
        result[0] = v_re[0] ** 2 + v_im[0] ** 2
        return result.swapaxes(0, 1)

    def amplitudes(self, planes):
        v_re, v_im = self._parts(planes)
        return v_re + 1j * v_im

    def _parts(self, planes):
        re, im = planes[:, :, 0], planes[:, :, 1]
        v_re = np.einsum("cvp,xcp->xvp", self.real, re)
        v_im = np.einsum("cvp,xcp->xvp", self.real, im)
        if self.imag is not None:
            v_re -= np.einsum("cvp,xcp->xvp", self.imag, im)
            v_im += np.einsum("cvp,xcp->xvp", self.imag, re)
        return v_re, v_im


def _products(planes):
    """``Re V_c* V_d`` and ``- Im V_c* W_d``, both summed over (c, d) and (d, c): shape (1 + d, 6, P)."""
    value, derivative = planes[0], planes[1:]
    turned = np.stack([value[:, 1], -value[:, 0]], axis=1)  # Im V*W is a product with these
    result = np.empty((len(planes), 6, planes.shape[-1]), dtype=planes.dtype)
    for i, (c, d) in enumerate(_PAIRS):
        np.einsum("rp,rp->p", value[c], value[d], out=result[0, i])
        np.einsum("rp,arp->ap", turned[c], derivative[:, d], out=result[1:, i])
        if c != d:
            result[0, i] *= 2
            result[1:, i] += np.einsum("rp,arp->ap", turned[d], derivative[:, c])
    return result


def real_symmetric_projectors(planes):
    """Modes of real symmetric 3 x 3 matrices (theory at the head of the file).

    Parameters
    ----------
    planes : array, shape (6, P)
        Elements xx, xy, xz, yy, yz, zz.

    Returns
    -------
    values : array, shape (3, P)
        Eigenvalues, ascending.
    projectors : array, shape (2, 6, P)
        On the mode that lies apart, and on the lower of the other two.
    top : array of bool, shape (P,)
        Whether the mode apart is the highest (else the lowest).
    """
    xp = array_namespace(planes)
    tiny = 1e-30
    a, d, e, b, f, c = (planes[i, ...] for i in range(6))
    mean = (a + b + c) / 3
    a, b, c = a - mean, b - mean, c - mean
    p = xp.sqrt((a * a + b * b + c * c + 2 * (d * d + e * e + f * f)) / 6)
    # in units of p; where D is a multiple of one, p is rounding and all stays small
    inverse = 1 / (p + (xp.finfo(planes.dtype).eps * xp.abs(mean) + tiny))
    a, b, c, d, e, f = (x * inverse for x in (a, b, c, d, e, f))
    dd, ee, ff, de = d * d, e * e, f * f, d * e
    half = 0.5 * (c * (a * b - dd) - a * ff - b * ee) + de * f
    top = half >= 0
    t = 2 * xp.cos(xp.acos(xp.minimum(xp.abs(half), xp.ones_like(half))) / 3)
    t = xp.where(top, t, -t)
    x, y, z = a - t, b - t, c - t
    adjugate = [y * z - ff, e * f - d * z, d * f - e * y, x * z - ee, de - f * x, x * y - dd]
    norm = 1 / (adjugate[0] + adjugate[3] + adjugate[5])  # at least 3 in these units
    apart = [element * norm for element in adjugate]
    rest, back = 0.5 * t, -1.5 * t
    k = [element + back * other for element, other in zip((a + rest, d, e, b + rest, f, c + rest), apart, strict=True)]
    g = xp.sqrt(0.5 * (k[0] * k[0] + k[3] * k[3] + k[5] * k[5]) + (k[1] * k[1] + k[2] * k[2] + k[4] * k[4]))
    turn = 0.5 / (g + 256 * xp.finfo(planes.dtype).eps)  # near rounding K is no direction
    lower = [-0.5 * other - element * turn for other, element in zip(apart, k, strict=True)]
    for i in (0, 3, 5):
        lower[i] += 0.5
    first, last, t = mean - p * (rest + g), mean - p * (rest - g), mean + p * t
    values = xp.stack([xp.where(top, first, t), xp.where(top, last, first), xp.where(top, t, last)])
    return values, xp.stack([xp.stack(apart), xp.stack(lower)]), top
