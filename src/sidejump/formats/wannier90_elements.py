"""The numbers of ``_tb.dat`` and ``_hr.dat``: every element is put where the indices on its own line say.

After a title come the number N of Wannier functions, the number nR of lattice vectors and their degeneracies, each
beginning a line whose rest, once they are complete, is a comment (as it is for Fortran).  ``_tb.dat`` has the lattice
vectors before them.  Then

    _hr.dat    N^2 nR lines "R1 R2 R3 m n Re Im"
    _tb.dat    for each R a line "R1 R2 R3" and N^2 lines "m n Re Im"; after these the same with three complex numbers,
               the position matrix, which some programs leave out

Vectors and pairs may come in any order, each once: Wannier90 has m fastest, WannierTools n.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from ..files import require_room
from ..text_numbers import counts, floats, floats_of, integers, leading

_H, _R = 2, 6  # numbers after the indices of a row


@dataclass(frozen=True)
class Elements:
    """What a file holds, as it is written: not divided by the degeneracies.

    Attributes
    ----------
    cell : ndarray, shape (3, 3), or None
        angstrom; None in ``_hr.dat``.
    vectors : ndarray of int, shape (nR, 3)
    degeneracy : ndarray of int, shape (nR,), or None
        None where the file leaves it out.
    hoppings : ndarray, shape (nR, N, N)
        ``<m 0|H|n R>``, eV.
    positions : ndarray, shape (nR, 3, N, N), or None
        ``<m 0|r|n R>``, angstrom.
    order : str
        Of the rows, in words: that of a program, if it is that of one.
    """

    cell: np.ndarray | None
    vectors: np.ndarray
    degeneracy: np.ndarray | None
    hoppings: np.ndarray
    positions: np.ndarray | None
    order: str


def announced(head: str, with_cell: bool) -> int:
    """Numbers that a file holds by the counts in its first lines; `with_cell` for ``_tb.dat``.

    Raises
    ------
    ValueError
        If these lines hold no counts.
    """
    lines = _Lines(head)
    if with_cell:
        for _ in range(3):
            lines.take(3)
    n, n_r = lines.counts()
    return 11 + n_r * (10 + n * n * (12 if with_cell else 7))


def parse_tb(text: str, path) -> Elements:
    """Content of a ``_tb.dat``; `path` for messages.

    Raises
    ------
    ValueError
        If it is truncated, or elements are missing, given twice or of no function (InputError among them).
    """
    lines = _Lines(text)
    cell = floats([word for _ in range(3) for word in lines.take(3)]).reshape(3, 3)
    n, n_r = lines.counts()
    require_room(path, 4 * n * n * n_r, len(text))
    sizes = [n_r * (3 + n * n * (2 + width)) for width in (_H, _R)]
    expected = (sizes[0], sum(sizes))
    degeneracy = _degeneracy(lines, n_r, expected)
    rows = _blocks(lines, n, n_r) if lines.count in expected else _blocks_of_lines(lines)
    labels, values = rows[_H]
    order = _order(labels, n)
    vectors, hoppings = _placed(labels, values, n, n_r, "")
    if _R not in rows:
        return Elements(cell, vectors, degeneracy, hoppings[:, 0], None, order)
    labels, values = rows[_R]
    others, positions = _placed(labels, values, n, n_r, " of the position matrix")
    index = {tuple(r): i for i, r in enumerate(others.tolist())}
    missing = next((r for r in vectors.tolist() if tuple(r) not in index), None)
    if missing is not None:
        raise ValueError(f"the position matrix lacks R = {missing}, which the Hamiltonian has")
    positions = positions[[index[tuple(r)] for r in vectors.tolist()]]
    return Elements(cell, vectors, degeneracy, hoppings[:, 0], positions, order)


def parse_hr(text: str, path) -> Elements:
    """Content of a ``_hr.dat``; `path` for messages.

    Raises
    ------
    ValueError
        If it is truncated, or elements are missing, given twice or of no function (InputError among them).
    """
    lines = _Lines(text)
    n, n_r = lines.counts()
    require_room(path, 7 * n * n * n_r, len(text))
    degeneracy = _degeneracy(lines, n_r, (7 * n * n * n_r,))
    body = lines.numbers(lines.count != 7 * n * n * n_r)
    if len(body) % 7:
        raise ValueError(f"{7 * n * n * n_r} numbers expected after the degeneracies, {len(body)} found")
    body = body.reshape(-1, 7)
    labels = _whole(body[:, :5])
    vectors, hoppings = _placed(labels, body[:, 5:], n, n_r, "")
    return Elements(None, vectors, degeneracy, hoppings[:, 0], None, _order(labels, n))


def parse_r(text: str, path, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Lattice vectors (nR, 3) and ``<m 0|r|n R>`` (nR, 3, N, N), angstrom, of a ``_r.dat`` of `n` functions.

    Raises
    ------
    ValueError
        If it is truncated, or elements are missing, given twice or of no function (InputError among them).
    """
    lines = _Lines(text)
    (functions,) = counts(lines.take(1), ("the number of Wannier functions",))
    if functions != n:
        raise ValueError(f"{functions} Wannier functions, the Hamiltonian has {n}")
    body = lines.numbers(lines.count % 11 not in (0, 1))
    if len(body) % 11 == 1:  # Wannier90 2 does not give the number of lattice vectors
        body = body[1:]
    if len(body) % (11 * n * n) or not len(body):
        raise ValueError(f"rows of 11 numbers expected, {n * n} for each lattice vector; {len(body)} numbers found")
    body = body.reshape(-1, 11)
    return _placed(_whole(body[:, :5]), body[:, 5:], n, len(body) // (n * n), " of the position matrix")


class _Lines:
    """The lines of a file after its title, taken as Fortran's list-directed input takes them."""

    def __init__(self, text: str):
        self._lines = text.split("\n")
        self._next = 1

    def take(self, count: int) -> list[str]:
        """The next `count` numbers, over as many lines as they need; the rest of the last one is a comment."""
        found: list[str] = []
        while len(found) < count:
            if self._next >= len(self._lines):
                raise ValueError(f"{count} numbers expected, {len(found)} found")
            line = self._lines[self._next]
            words = leading(line)
            if not words and line.strip():
                raise ValueError(f'a number expected, "{line.strip()[:40]}" found')
            found += words
            self._next += 1
        return found[:count]

    def counts(self) -> list[int]:
        """The numbers of Wannier functions and of lattice vectors, on lines of their own or alone on one."""
        names = ("the number of Wannier functions", "the number of lattice vectors")
        while self._next < len(self._lines) and not self._lines[self._next].strip():
            self._next += 1
        both = self._lines[self._next].split() if self._next < len(self._lines) else []
        words = self.take(1)
        return counts(both if len(both) == 2 and len(leading(" ".join(both))) == 2 else words + self.take(1), names)

    @property
    def rest(self) -> list[str]:
        """The lines that are left."""
        return self._lines[self._next :]

    @property
    def count(self) -> int:
        """Number of words that are left."""
        return sum(len(line.split()) for line in self.rest)

    def numbers(self, commented: bool) -> np.ndarray:
        """All numbers that are left; `commented`: without what follows them on a line."""
        lines = [" ".join(_row(line)) for line in self.rest] if commented else self.rest
        return floats_of("\n".join(lines))


def _row(line: str) -> list[str]:
    """Numbers of a row without the comment behind them, which must not begin like one more number."""
    words = leading(line)
    following = line.replace(",", " ").split()[len(words) : len(words) + 1]
    if following and re.match(r"[+-]?\d*\.?\d", following[0]):
        floats(following)
    return words


def _degeneracy(lines: _Lines, n_r: int, expected: tuple[int, ...]) -> np.ndarray | None:
    """Degeneracies; None where just the matrix elements, as many numbers as `expected`, are left."""
    if lines.count in expected:
        return None
    numbers = integers(lines.take(n_r))
    if np.any(numbers < 1):
        raise ValueError(f"a degeneracy of {numbers.min()}; each is at least 1")
    return numbers


def _blocks(lines: _Lines, n: int, n_r: int) -> dict:
    """Labels (R, m, n) and numbers of every row of H and, if it is there, of r, by their width."""
    body, found = lines.numbers(False), {}
    for width in (_H, _R):
        size = n_r * (3 + n * n * (2 + width))
        if len(body):
            block = body[:size].reshape(n_r, -1)
            entries = block[:, 3:].reshape(n_r, n * n, 2 + width)
            vectors = np.repeat(block[:, None, :3], n * n, axis=1)
            labels = _whole(np.concatenate([vectors, entries[..., :2]], axis=-1)).reshape(-1, 5)
            found[width] = (labels, entries[..., 2:].reshape(-1, width))
            body = body[size:]
    return found


def _blocks_of_lines(lines: _Lines) -> dict:
    """The same line by line, where comments follow the numbers or rows are missing."""
    labels: dict[int, list] = {_H: [], _R: []}
    values: dict[int, list] = {_H: [], _R: []}
    vector: list[float] | None = None
    for line in lines.rest:
        numbers = floats(words).tolist() if (words := _row(line)) else []
        if len(numbers) == 3:
            vector = numbers
        elif vector is not None and len(numbers) - 2 in labels:
            labels[len(numbers) - 2].append([*vector, *numbers[:2]])
            values[len(numbers) - 2].append(numbers[2:])
        elif numbers or line.strip():
            raise ValueError(f'"{line.strip()[:60]}" is neither R (3 numbers) nor a row of H (4) or of r (8)')
    if not labels[_H]:
        raise ValueError("no matrix element")
    return {w: (_whole(np.array(labels[w])), np.array(values[w])) for w in labels if labels[w]}


def _whole(numbers: np.ndarray) -> np.ndarray:
    wrong = (numbers != np.round(numbers)) | (np.abs(numbers) > 2.0**31)
    if wrong.any():
        raise ValueError(f"{numbers[wrong][0]:.12g} stands where a lattice vector or an index should")
    return numbers.astype(int)


def _placed(labels, values, n: int, n_r: int, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Vectors (nR, 3) in the order in which they appear, and complex matrices (nR, c, N, N)."""
    pairs = labels[:, 3:]
    if pairs.min() < 1 or pairs.max() > n:
        wrong = labels[np.argmax(((pairs < 1) | (pairs > n)).any(axis=1))]
        raise ValueError(f"element {_element(wrong, what)}: the file has {n} Wannier functions")
    vectors, first, inverse = np.unique(labels[:, :3], axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), dtype=int)
    rank[order] = np.arange(len(order))
    vectors, row = vectors[order], rank[inverse.ravel()]
    if len(vectors) > n_r:
        raise ValueError(f"{len(vectors)} lattice vectors{what}, its header announces {n_r}")
    flat = (row * n + pairs[:, 0] - 1) * n + pairs[:, 1] - 1
    times = np.bincount(flat, minlength=len(vectors) * n * n).reshape(-1, n, n)
    if times.max() > 1:
        i, a, b = np.argwhere(times > 1)[0]
        if np.all(times[i] > 1):
            raise ValueError(f"R = {vectors[i].tolist()}{what} is listed {times[i].min()} times; it may come once")
        raise ValueError(f"element {_element((*vectors[i], a + 1, b + 1), what)} is given {times[i, a, b]} times")
    if not times.all():
        i, a, b = np.argwhere(times == 0)[0]
        raise ValueError(
            f"element {_element((*vectors[i], a + 1, b + 1), what)} is missing ({int((times == 0).sum())} in all)"
        )
    if len(vectors) < n_r:
        raise ValueError(f"{len(vectors)} lattice vectors{what}, its header announces {n_r}")
    result = np.empty((values.shape[1] // 2, times.size), dtype=complex)
    result[:, flat] = (values[:, 0::2] + 1j * values[:, 1::2]).T
    return vectors, np.ascontiguousarray(result.reshape(-1, n_r, n, n).swapaxes(0, 1))


def _order(labels, n: int) -> str:
    """Which index runs faster, the same for every R."""
    pairs = labels[: len(labels) // (n * n) * n * n, 3:].reshape(-1, n * n, 2)
    first = np.stack([np.tile(np.arange(n), n), np.repeat(np.arange(n), n)], axis=1) + 1
    if n == 1:
        return "one function"
    if len(pairs) and np.all(pairs == first):
        return "first index fastest, as Wannier90 writes"
    if len(pairs) and np.all(pairs == first[:, ::-1]):
        return "second index fastest, as WannierTools writes"
    return "of no program that is known"


def _element(label, what: str) -> str:
    *r, m, n = (int(x) for x in label)
    return f"({m}, {n}){what} at R = {r}"
