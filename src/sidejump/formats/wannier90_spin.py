"""Spin matrices of Wannier functions as they are, from Wannier90's ``SEEDNAME.spn`` and ``SEEDNAME.chk``.

`.spn` holds ``<psi_m|sigma|psi_n>`` between the Bloch states of the coarse mesh, `.chk` the matrices U that make
Wannier functions of them (of the states in the window, U_opt, then U):

    S(k) = (U_opt U)^+ sigma(k) U_opt U,     S(R) = 1/N sum_k exp(-ik.R) S(k),

with the images of least distance between the centres.  Spinors times orbitals, the `spin_ordering` of a file, are an
approximation of them: projections onto up and down functions stay such only roughly.

Unformatted files have records as Fortran writes them, of either byte order; `.spn` may be text as well.

Not covered: `.chk.fmt`.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..bands.lattice import LatticeModel
from ..errors import InputError
from ..files import find_packed, plain_name, read_bytes, reading
from ..wannier.images import mesh_class
from ..wannier.mesh_transform import to_vectors
from ..wannier.position import position_elements

_CENTRES = 1e-2  # angstrom: centres of one run agree to printed digits
_BEYOND = 1e-3  # of 1: what an eigenvalue of a spin may exceed it by
_CHECKPOINT = "a checkpoint of Wannier90 (SEEDNAME.chk)"
_MATRICES = "spin matrices of pw2wannier90 (SEEDNAME.spn)"


@dataclass(frozen=True)
class Checkpoint:
    """What makes Wannier functions of Bloch states.

    Attributes
    ----------
    cell : ndarray, shape (3, 3)
        Lattice vectors as rows, angstrom.
    mesh : tuple of int
    states : ndarray, shape (N_k, bands, N)
        Columns: the Wannier functions in the Bloch states, at the points of :func:`sidejump.wannier.images.mesh_cells`.
    centres : ndarray, shape (N, 3)
        Angstrom.
    order : ndarray of int, shape (N_k,)
        Number in the file of each of these points.
    """

    cell: np.ndarray
    mesh: tuple[int, ...]
    states: np.ndarray
    centres: np.ndarray
    order: np.ndarray


class _Records:
    """Records of an unformatted Fortran file, in turn."""

    def __init__(self, content: bytes):
        self.content, self.place = content, 0
        sizes = [int.from_bytes(content[:4], order) for order in ("little", "big")]
        self.order, self.letter = ("little", "<") if sizes[0] <= sizes[1] else ("big", ">")

    def next(self) -> bytes:
        """The content of the next record."""
        size = int.from_bytes(self.content[self.place : self.place + 4], self.order)  # type: ignore[arg-type]
        start = self.place + 4
        end = start + size
        if len(self.content) < end + 4 or self.content[end : end + 4] != self.content[start - 4 : start]:
            raise ValueError(f"the record at byte {self.place} has no end")
        self.place = end + 4
        return self.content[start:end]

    def array(self, kind: str, *shape: int) -> np.ndarray:
        """The next record as numbers in Fortran's order."""
        found = np.frombuffer(self.next(), dtype=self.letter + kind)
        return found.reshape(shape, order="F")

    def number(self) -> int:
        """The next record, one whole number."""
        return int(self.array("i4", 1)[0])


def read_checkpoint(path) -> Checkpoint:
    """Read ``SEEDNAME.chk``, unformatted, plain or packed.

    Raises
    ------
    InputError
        If it is damaged, of another format, or the run was not finished.
    """
    with reading(path, _CHECKPOINT, "write it again with Wannier90 3"):
        records = _Records(read_bytes(path))
        records.next()
        bands = records.number()
        excluded = records.number()
        records.array("i4", excluded)
        cell = np.array(records.array("f8", 3, 3))  # vectors as rows
        records.next()
        points = records.number()
        mesh = tuple(int(n) for n in records.array("i4", 3))
        k = records.array("f8", 3, points).T
        records.number()
        functions = records.number()
        stage = records.next().decode("ascii").strip()
        disentangled = bool(records.number())
        if points != np.prod(mesh):
            raise ValueError(f"{points} k points, a mesh of {mesh}")
        if stage != "postwann":
            raise InputError(f'{path}: is of a run that ended at "{stage}"; finish it, or write it again')
        if disentangled:
            records.next()
            window = records.array("i4", bands, points).T.astype(bool)
            records.array("i4", points)
            chosen = records.array("c16", bands, functions, points)
        u = records.array("c16", functions, functions, points)
        records.next()
        centres = records.array("f8", 3, functions).T
        states = np.zeros((points, bands, functions), dtype=complex)
        for i in range(points):
            if disentangled:
                inside = np.flatnonzero(window[i])
                states[i, inside] = chosen[: len(inside), :, i] @ u[:, :, i]
            else:
                states[i] = u[:, :, i]
        place = np.rint(k * mesh)
        if np.abs(k * mesh - place).max() > 1e-4:
            raise ValueError("its k points are not those of the mesh")
        order = np.empty(points, dtype=int)
        order[mesh_class(place.astype(int), mesh)] = np.arange(points)
    return Checkpoint(cell, mesh, states[order], centres, order)


def read_spin_matrices(path) -> np.ndarray:
    """Read ``SEEDNAME.spn``: ``<psi_m|sigma|psi_n>``, shape (N_k, 3, bands, bands), in the order of the file.

    Raises
    ------
    InputError
        If it is damaged or of another format.
    """
    with reading(path, _MATRICES, "write it again with pw2wannier90"):
        content = read_bytes(path)
        if b"\x00" in content[:64]:
            records = _Records(content)
            records.next()
            bands, points = (int(n) for n in records.array("i4", 2))
            half = bands * (bands + 1) // 2
            values = np.stack([records.array("c16", 3, half).T for _ in range(points)])
        else:
            lines = content.split(b"\n", 2)
            bands, points = (int(x) for x in lines[1].split())
            half = bands * (bands + 1) // 2
            numbers = np.array(lines[2].replace(b"D", b"E").split(), dtype=float)
            values = (numbers[::2] + 1j * numbers[1::2]).reshape(points, half, 3)
        found = np.zeros((points, 3, bands, bands), dtype=complex)
        column, row = np.tril_indices(bands)  # the file runs over n <= m of each m
        found[:, :, row, column] = values.transpose(0, 2, 1)
        found[:, :, column, row] = values.conj().transpose(0, 2, 1)
        if not np.isfinite(found).all():
            raise ValueError("numbers that are not finite")
    return found


def with_spin_matrices(model: LatticeModel, spn, file) -> LatticeModel:
    """The model of `file` with the spin of its Wannier functions as :meth:`LatticeModel.spin_operator`.

    Parameters
    ----------
    model : LatticeModel
    spn : path
        ``SEEDNAME.spn``; ``SEEDNAME.chk`` is beside it.
    file : path
        ``SEEDNAME_tb.dat``, for messages.

    Raises
    ------
    InputError
        If a file is missing or damaged, or they are not of one run.
    """
    path = Path(spn)
    stem = plain_name(path).removesuffix(".spn")
    checkpoint = find_packed(path.parent, f"{stem}.chk")
    if checkpoint is None:
        raise InputError(f"{path}: needs {stem}.chk beside it, of the run that made the Wannier functions")
    found, sigma = read_checkpoint(checkpoint), read_spin_matrices(path)
    if sigma.shape[0] != len(found.states) or sigma.shape[2] != found.states.shape[1]:
        raise InputError(
            f"{path}: {sigma.shape[2]} bands at {sigma.shape[0]} k points, {checkpoint.name} has "
            f"{found.states.shape[1]} at {len(found.states)}; use files of one run"
        )
    _require_one_run(checkpoint, found, model, file)
    largest = np.abs(np.linalg.eigvalsh(sigma)).max()
    if largest > 1 + _BEYOND:
        raise InputError(f"{path}: a spin matrix has the eigenvalue {largest:.4g}, beyond 1; the file is damaged")
    u = found.states[:, None]
    on_mesh = u.conj().swapaxes(2, 3) @ sigma[found.order] @ u
    vectors, values = to_vectors(on_mesh, found.mesh, found.cell, found.centres)
    other = copy(model)
    other.spin_models = tuple(
        LatticeModel(model.cell, vectors, values[:, c], sites=model.site_positions) for c in range(3)
    )
    return other


def _require_one_run(checkpoint, found: Checkpoint, model, file) -> None:
    n = model.n_orbitals
    if found.states.shape[2] != n:
        raise InputError(f"{checkpoint}: has {found.states.shape[2]} Wannier functions, {file} has {n}")
    if np.abs(found.cell - np.asarray(model.cell)).max() > 1e-3 * np.abs(found.cell).max():
        raise InputError(f"{checkpoint}: has another cell than {file}; use files of one run")
    elements = position_elements(model)
    if elements is None:
        return
    home = elements[np.flatnonzero(~model.vectors.any(axis=1))[0]]
    apart = np.abs(found.centres - np.einsum("amm->ma", home).real).max()
    if apart > _CENTRES:
        raise InputError(
            f"{checkpoint}: its Wannier centres are up to {apart:.2g} angstrom from those of {file}; use files of one "
            "run"
        )
