"""How far a model breaks the symmetry it should have: point group, time reversal, inversion.

A rotation S that keeps the magnetisation m (an axial vector, ``det(S) S m = m``) asks for ``e(Sk) = e(k)``; one
that turns m round holds together with time reversal and asks for ``e(-Sk) = e(k)``.  Energies cannot tell time
reversal from inversion, both of which map k to -k.  Two axial vectors of the occupied states can, being odd in k
under time reversal and even under inversion: the spin ``sum_n f_n <sigma>_n`` where the model knows it, and

    sum_{n != m} (f_m - f_n) Im(v_a,nm v_b,mn) / ((e_n - e_m)^2 + w^2),

the Berry curvature but for the width w, also that of the Fermi function f, which keeps near-degeneracies from
dominating: what is compared is symmetry, not a conductivity.  That they are small or cancel does not show that time
reversal holds; only an antiunitary operator does (:mod:`.intertwiner`).

k.p models are sampled on their own scale and, where an energy is given, out to its shells.

Crystals take their group from the sites (spglib), k.p models the better of the square and hexagonal (2D) or cubic
and hexagonal (3D) groups with their main axis along z.  In two dimensions only operations within the plane count.

Not covered: matrix elements of rotations (only energies and traces are compared), translations that do not fit the
cell, magnetic order that is not one direction.
"""

from __future__ import annotations

import itertools

import numpy as np
import spglib
from scipy.special import expit

from ..bands.extent import enclosing_half_width
from ..bands.states import band_energies
from ..errors import InputError
from .intertwiner import operation_matrix
from .mean_square import root_mean_square
from .spglib_calls import of_spglib

TURN = 0.15  # how far (sine) m may be from the direction an operation keeps or reverses
TRIED = 12  # random k points at which exact operations are tried
_MAGNETIC = 1e-6  # net moment or curvature, of its rms, below which there is no magnetisation
REVERSAL_NOISE = 0.03  # violation of time reversal that is noise of Wannier functions: real sets have up to 0.014
_NOISE = 1e-9  # curvature below this fraction of what its terms add up to without their signs is rounding
_WIDTH = 0.02  # w, of the range of energies
_NEAR = 0.5  # eV: bands this close to `energy` count as near it
_SPECIES = 0.05  # eV: sites of one species have mean on-site energies within this


def symmetry_report(model, magnetisation=None, *, energy: float | None = None, n_samples: int = 20, seed: int = 0):
    """Violations of the symmetry of the lattice and magnetisation, of time reversal and of inversion.

    Parameters
    ----------
    model : ElectronModel
    magnetisation : sequence of 3 floats, optional
        Direction of the magnetisation; estimated from the net spin, or else from the net Berry curvature, when not
        given. Zero for a model that should be time-reversal invariant.
    energy : float, optional
        Occupied states are those below this, eV: the Fermi energy. The middle of the bands when not given.
    n_samples : int
        Random k points, each with all its images.
    seed : int
        Of the random k points.

    Returns
    -------
    dict
        ``lattice_point_group`` : Hermann-Mauguin symbol.
        ``energy`` : as given.
        ``time_reversal`` : whether the model obeys time reversal to rounding (in a magnet without spin-orbit coupling
        together with a turn of the spins).
        ``magnetisation`` : three numbers, zeros without a net one, as with time reversal and in antiferromagnets;
        ``magnetisation_source`` : "given", "spin", "curvature" or "none".
        ``operations``, ``operations_kept`` : number of operations of the point group, and of those among them that
        keep or (with time reversal) reverse the magnetisation.
        ``point_group_violation_eV``, ``point_group_violation_rms_eV`` : largest and root mean square difference of
        energies that those operations make equal.
        ``point_group_violation_near_energy_rms_eV`` : the same for the bands within 0.5 eV of `energy`; None when
        `energy` is not given or no band comes so close.
        ``worst_operation`` : the one with the largest rms difference.
        ``lattice_operations_broken`` : operations of the point group that do not hold on their own, with the rms
        difference in eV (above 1e-6 eV).
        ``reversal_energy_violation_eV`` : rms difference of e(k) and e(-k).
        ``time_reversal_violation``, ``inversion_violation`` : between 0 (exact) and 1 (curvature or spin has no
        part of the right parity), the larger of what energies, curvature and spin show.
    """
    symbol, families = point_groups(model)
    rng = np.random.default_rng(seed)
    base = sample_points(model, n_samples, rng, energy)
    reversal = operation_matrix(model, sample_points(model, TRIED, rng, energy), reversal=True) is not None
    candidates = [_Orbits(model, base, group, energy) for group in families]
    # k.p models have no lattice: the family they obey better, whatever magnetisation is claimed
    own = [_group_report(orbits, None, reversal)["point_group_violation_rms_eV"] for orbits in candidates]
    best = min(range(len(own)), key=lambda i: (round(own[i], 9), i))
    report = _group_report(candidates[best], magnetisation, reversal)
    found = {"lattice_point_group": symbol[best], "energy": energy, "time_reversal": reversal}
    return found | report | _reversal_report(candidates[best])


class _Orbits:
    """Energies, occupied curvature and spin at every image ``+-S k`` of the sampled points.

    Arrays have axes (sign, operation, sample, ...), sign 0 for S k and 1 for -S k.
    """

    def __init__(self, model, base, operations, energy):
        self.operations = operations  # (n, 3, 3) Cartesian
        d = model.dimension
        images = np.einsum("oab,kb->oka", operations[:, :d, :d], base)
        k = np.stack([images, -images])
        flat, shape = k.reshape(-1, d), k.shape[:3]
        bands = band_energies(model, base)
        self.energy = energy
        level = 0.5 * (bands.min() + bands.max()) if energy is None else energy
        width = _WIDTH * (bands.max() - bands.min()) + 1e-6
        parts = [observables(model, flat[i : i + 256], level, width) for i in range(0, len(flat), 256)]
        energies, curvature, size = (np.concatenate([p[c] for p in parts]) for c in range(3))
        spin = np.concatenate([p[3] for p in parts]) if model.has_spin else None
        self.energies = energies.reshape(*shape, -1)
        noise = not root_mean_square(curvature) > _NOISE * root_mean_square(
            size
        )  # both are zero where bands are flat in one direction
        self.curvature = None if noise else curvature.reshape(*shape, 3)
        self.spin = None if spin is None or root_mean_square(spin) < _NOISE else spin.reshape(*shape, 3)


def observables(model, k, level, width):
    """Energies (nk, N), occupied curvature (nk, 3), the size of its terms (nk, 3), occupied spin (nk, 3) or None."""
    energies, u = np.linalg.eigh(model.hamiltonian(k))
    left = u.conj().swapaxes(1, 2)
    gap = energies[:, :, None] - energies[:, None, :]  # e_n - e_m
    v = left[:, None] @ model.hamiltonian_gradient(k) @ u[:, None]
    position = model.position_matrix(k)
    if position is not None:
        v = v + 1j * gap[:, None] * (left[:, None] @ position @ u[:, None])
    occupation = expit((level - energies) / width)
    weight = (occupation[:, None, :] - occupation[:, :, None]) / (gap**2 + width**2)
    curvature, size = np.zeros((len(k), 3)), np.zeros((len(k), 3))
    for c, (a, b) in enumerate([(1, 2), (2, 0), (0, 1)]):
        if max(a, b) < model.dimension:
            curvature[:, c] = np.sum(weight * np.imag(v[:, a] * v[:, b].conj()), axis=(1, 2))
            size[:, c] = np.sum(np.abs(v[:, a] * v[:, b]) / (gap**2 + width**2), axis=(1, 2))
    if not model.has_spin:
        return energies, curvature, size, None
    expectation = np.einsum("kmn,kcml,kln->kcn", u.conj(), model.spin_operator(k), u, optimize=True).real
    return energies, curvature, size, np.einsum("kn,kcn->kc", occupation, expectation)


def _group_report(orbits: _Orbits, magnetisation, reversal: bool) -> dict:
    direction, source = _direction(orbits, magnetisation, reversal)
    reference = orbits.energies[0, _identity(orbits.operations)]
    near = np.zeros(reference.shape, dtype=bool)
    if orbits.energy is not None:
        near = np.abs(reference - orbits.energy) < _NEAR
    rms, largest, close, names = [], [], [], []
    broken = {}
    for i, s in enumerate(orbits.operations):
        difference = orbits.energies[:, i] - reference  # (sign, sample, band)
        name = operation_name(s)
        alone = root_mean_square(difference[0])
        if alone > 1e-6:
            broken[name] = alone
        image = np.linalg.det(s) * s @ direction
        keeps = np.linalg.norm(image - direction) < TURN
        reverses = np.linalg.norm(image + direction) < TURN
        # without magnetisation both hold
        for applies, change, label in ((keeps, difference[0], name), (reverses, difference[1], name + "'")):
            if applies:
                rms.append(root_mean_square(change))
                largest.append(np.abs(change).max())
                close.append(root_mean_square(change[near]) if near.any() else 0.0)
                names.append(label)
    return {
        "magnetisation": [float(x) for x in direction],
        "magnetisation_source": source,
        "operations": len(orbits.operations),
        "operations_kept": len({name.removesuffix("'") for name in names}),
        "point_group_violation_eV": float(np.max(largest)),
        "point_group_violation_rms_eV": float(np.sqrt(np.mean(np.square(rms)))),
        "point_group_violation_near_energy_rms_eV": root_mean_square(close) if near.any() else None,
        "worst_operation": names[int(np.argmax(rms))],
        "lattice_operations_broken": dict(sorted(broken.items(), key=lambda item: -item[1])),
    }


def _reversal_report(orbits: _Orbits) -> dict:
    at_k, at_minus_k = orbits.energies
    energy = root_mean_square(at_k - at_minus_k)
    spread = float(np.std(at_k))
    share = energy / (energy + spread) if spread else 0.0  # no band disperses
    odd, even = [share], [share]
    for vector in (orbits.curvature, orbits.spin):
        if vector is not None:
            odd.append(root_mean_square(vector[0] + vector[1]) / (2 * root_mean_square(vector)))
            even.append(root_mean_square(vector[0] - vector[1]) / (2 * root_mean_square(vector)))
    return {
        "reversal_energy_violation_eV": energy,
        "time_reversal_violation": float(min(max(odd), 1.0)),
        "inversion_violation": float(min(max(even), 1.0)),
    }


def _direction(orbits: _Orbits, given, reversal: bool) -> tuple[np.ndarray, str]:
    if given is not None:
        m = np.asarray(given, dtype=float)
        return m / (np.linalg.norm(m) or 1.0), "given"
    for vector, source in ((orbits.spin, "spin"), (None if reversal else orbits.curvature, "curvature")):
        if vector is None:
            continue
        # the samples have the full symmetry of the group: what is left after the sum is the magnetisation
        net = vector[0].mean(axis=(0, 1)) + vector[1].mean(axis=(0, 1))
        if np.linalg.norm(net) > _MAGNETIC * root_mean_square(vector):
            return net / np.linalg.norm(net), source
    return np.zeros(3), "none"


def point_groups(model) -> tuple[list[str], list[np.ndarray]]:
    """Symbols and operations (n, 3, 3), Cartesian, of the point groups to try."""
    if model.cell is not None:
        symbol, operations = _crystal_group(model)
        return [symbol], [operations]
    cubic = np.array(
        [
            np.diag(signs)[list(order)]
            for order in itertools.permutations(range(3))
            for signs in itertools.product((1.0, -1.0), repeat=3)
        ]
    )
    angle = np.pi * np.arange(6) / 3
    turns = np.stack([_turn_z(a) for a in angle])
    plane = np.concatenate([turns, turns @ np.diag([1.0, -1.0, 1.0])])
    hexagonal = np.concatenate([plane, plane @ np.diag([1.0, 1.0, -1.0])])
    if model.dimension == 2:
        return ["4mm", "6mm"], [cubic[cubic[:, 2, 2] == 1], plane]
    return ["m-3m", "6/mmm"], [cubic, hexagonal]


def _crystal_group(model) -> tuple[str, np.ndarray]:
    d = model.dimension
    lattice = np.eye(3) * 3.7 * np.abs(model.cell).max()  # 2D: a spacing between layers unlike the cell's lengths
    lattice[:d, :d] = model.cell
    sites, first, inverse = np.unique(np.round(model.site_positions, 3), axis=0, return_index=True, return_inverse=True)
    positions = np.zeros((len(sites), 3))
    positions[:, :d] = model.site_positions[first] @ np.linalg.inv(model.cell)
    numbers = _species(model, inverse.ravel(), len(sites))
    data = of_spglib(spglib.get_symmetry_dataset, (lattice, positions, numbers), symprec=1e-3)
    if data is None:
        raise InputError("symmetry: spglib finds no lattice; two sites of the model coincide or the cell is singular")
    rotations = np.unique(data.rotations, axis=0)
    operations = np.einsum("ia,oij,bj->oab", lattice, rotations, np.linalg.inv(lattice))
    if d == 2:
        in_plane = operations[:, 2, 2] > 0
        rotations, operations = rotations[in_plane], operations[in_plane]
    point_group = of_spglib(spglib.get_pointgroup, rotations)
    return "?" if point_group is None else point_group[0].strip(), operations


def _species(model, site, n_sites) -> list[int]:
    """Numbers that tell the species apart: by the orbital count and the mean on-site energy."""
    mean = np.zeros(n_sites)
    if hasattr(model, "hoppings"):
        home = np.flatnonzero(~np.asarray(model.vectors).any(axis=1))[0]
        onsite = np.diag(model.hoppings[home]).real
        mean = np.array([onsite[site == s].mean() for s in range(n_sites)])
    known: list[tuple[int, float]] = []
    numbers = []
    for s in range(n_sites):
        count = int(np.sum(site == s))
        found = (i for i, (c, e) in enumerate(known) if c == count and abs(e - mean[s]) < _SPECIES)
        number = next(found, len(known))
        if number == len(known):
            known.append((count, mean[s]))
        numbers.append(number + 1)
    return numbers


def sample_points(model, n, rng, energy: float | None = None) -> np.ndarray:
    """Random k (n, d), 1/angstrom: in the zone of a crystal, within the own scale of a k.p model or, every other one
    where an `energy` (eV) is given, within the box of its shells."""
    if model.cell is not None:
        return rng.random((n, model.dimension)) @ model.reciprocal_cell
    direction = rng.normal(size=(n, model.dimension))
    largest = np.full(n, model.search_half_width or 2 * model.k_scale)
    if energy is not None:
        largest[1::2] = enclosing_half_width(model, energy)
    radius = largest * rng.random(n) ** (1 / model.dimension)
    return direction / np.linalg.norm(direction, axis=1, keepdims=True) * radius[:, None]


def operation_name(s) -> str:
    """``4 [0 0 1]``: a quarter turn; ``-4 [0 0 1]``: with inversion; ``1``, ``-1``, ``m [1 0 0]``.

    The axis is Cartesian, in whole numbers where there are such and a unit vector otherwise; a turn the other way
    carries its power, as in ``6^5``.

    >>> operation_name(np.diag([1.0, -1.0, 1.0]))
    'm [0 1 0]'
    """
    improper = np.linalg.det(s) < 0
    proper = -s if improper else s
    angle = np.arccos(np.clip((np.trace(proper) - 1) / 2, -1, 1))
    if angle < 1e-6:
        return "-1" if improper else "1"
    axis = np.linalg.svd(proper - np.eye(3))[2][2]
    axis = axis * np.sign(axis[np.argmax(np.abs(axis) > 1e-6)])
    whole = axis / np.abs(axis)[np.abs(axis) > 1e-6].min()
    simple = np.allclose(whole, np.round(whole), atol=1e-3)
    digits = [f"{x:.0f}" for x in whole] if simple else [f"{x:.2f}" for x in axis]
    label = f"[{' '.join('0' if x in ('-0', '-0.00', '0.00') else x for x in digits)}]"
    if abs(angle - np.pi) < 1e-6:
        return f"{'m' if improper else '2'} {label}"
    twist = np.array([proper[2, 1] - proper[1, 2], proper[0, 2] - proper[2, 0], proper[1, 0] - proper[0, 1]]) @ axis
    fold = round(2 * np.pi / angle)
    power = "" if twist > 0 else f"^{fold - 1}"
    return f"{'-' if improper else ''}{fold}{power} {label}"


def _turn_z(angle) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])


def _identity(operations) -> int:
    return int(np.argmin(np.abs(operations - np.eye(3)).sum(axis=(1, 2))))
