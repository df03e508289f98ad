"""``_wsvec.dat``: the supercell images of every matrix element, written by Wannier90 with ``use_ws_distance``.

For each R, m, n it lists how many translations T share the element, and these: H_mn(R) goes to R + T in equal parts.
"""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from ..text_numbers import integers


def parse_wsvec(text: str, n: int) -> np.ndarray:
    """Table (R, m, n, number of T, T) of every translation listed: shape (nT, 9).

    Parameters
    ----------
    text : str
    n : int
        Number of Wannier functions of the Hamiltonian.

    Raises
    ------
    ValueError
        If the file is truncated or an index is that of no function.
    """
    values = integers(text.partition("\n")[2].split()).tolist()
    rows, position = [], 0
    while position < len(values):
        if len(values) < position + 6:
            raise ValueError("the last element has no translations")
        key, count = values[position : position + 5], values[position + 5]
        end = position + 6 + 3 * count
        if count < 1 or end > len(values):
            raise ValueError(f"{count} translations of element ({key[3]}, {key[4]}) at R = {key[:3]}")
        rows += [[*key, count, *values[i : i + 3]] for i in range(position + 6, end, 3)]
        position = end
    table = np.array(rows, dtype=int).reshape(-1, 9)
    if len(table) == 0:
        raise ValueError("no element")
    if table[:, 3:5].min() < 1 or table[:, 3:5].max() > n:
        wrong = table[np.argmax(((table[:, 3:5] < 1) | (table[:, 3:5] > n)).any(axis=1))].tolist()
        raise ValueError(
            f"element ({wrong[3]}, {wrong[4]}) at R = {wrong[:3]}, the Hamiltonian has {n} Wannier functions"
        )
    return table


def with_images(path, table, vectors, hoppings, positions):
    """Vectors, H(R) and r(R) (or None) with every element shared by its images.

    Raises
    ------
    InputError
        If the table is not that of these matrices.
    """
    index = {tuple(r): i for i, r in enumerate(vectors.tolist())}
    foreign = next((r for r in table[:, :3].tolist() if tuple(r) not in index), None)
    if foreign is not None:
        raise InputError(f"{path}: R = {foreign} is not in the Hamiltonian file; use files of one run")
    source = np.array([index[tuple(r)] for r in table[:, :3].tolist()])
    m, n, share = table[:, 3] - 1, table[:, 4] - 1, 1.0 / table[:, 5]
    total = np.zeros(hoppings.shape)
    np.add.at(total, (source, m, n), share)
    wrong = np.argwhere(np.abs(total - 1) > 1e-9)
    if len(wrong):
        i, a, b = wrong[0]
        times = "does not list" if total[i, a, b] == 0 else "lists twice"
        raise InputError(
            f"{path}: {times} element ({a + 1}, {b + 1}) at R = {vectors[i].tolist()}; the file is truncated or of "
            "another run"
        )
    if len(np.unique(table[:, [0, 1, 2, 3, 4, 6, 7, 8]], axis=0)) != len(table):
        raise InputError(f"{path}: lists a translation of an element twice; the file is damaged")
    targets, inverse = np.unique(table[:, :3] + table[:, 6:9], axis=0, return_inverse=True)
    place = (inverse.ravel(), m, n)
    new_h = np.zeros((len(targets), *hoppings.shape[1:]), dtype=complex)
    np.add.at(new_h, place, hoppings[source, m, n] * share)
    if positions is None:
        return targets, new_h, None
    new_r = np.zeros((len(targets), *positions.shape[1:]), dtype=complex)
    for axis in range(positions.shape[1]):
        np.add.at(new_r[:, axis], place, positions[source, axis, m, n] * share)
    return targets, new_h, new_r
