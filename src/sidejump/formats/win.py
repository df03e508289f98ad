"""Wannier90's input file, ``SEEDNAME.win``, as wannier90.x reads it.

Case does not matter; ``!`` and ``#`` begin comments; a keyword is followed by ``=``, ``:`` or a blank; a block stands
between lines that begin with ``begin`` and ``end`` and hold its name, with a blank, an underscore or nothing between.

Not covered: units other than angstrom and bohr, ``symmetrized`` projections.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..files import read_text, reading, text_size
from ..text_numbers import floats, integers, leading
from ..units import BOHR

_SIZE = text_size(1_000_000)  # bytes: most of a .win are its k points


@dataclass(frozen=True)
class Win:
    """Content of a ``.win``; every part is read when it is asked for.

    Attributes
    ----------
    path : Path
        For messages.
    lines : list of str
        Without comments and blank lines.
    """

    path: Path
    lines: list[str]

    @property
    def projections(self) -> str | None:
        """Entries of the projections, a line each, or None."""
        block = self._block("projections")
        return "\n".join(block) if block else None

    @cached_property
    def atoms(self) -> list[tuple[str, str, tuple[float, ...]]] | None:
        """Symbol, "f" (crystal) or "c" (Cartesian, angstrom), and three numbers for every atom; or None."""
        found = []
        for name, kind in (("atoms_frac", "f"), ("atoms_cart", "c")):
            scale = 1.0
            for number, line in enumerate(self._block(name) or []):
                words = line.replace(",", " ").split()
                if number == 0 and len(words) == 1:
                    scale = BOHR if words[0].lower().startswith("bohr") else 1.0
                    continue
                values = leading(" ".join(words[1:]))
                if len(values) < 3:
                    raise InputError(f'{self.path}: "{line.strip()}" in {name} is no atom')
                with reading(self.path, "Wannier90's input"):
                    found.append((words[0], kind, tuple((scale * floats(values[:3])).tolist())))
        return found or None

    @cached_property
    def mesh(self) -> tuple[int, int, int] | None:
        """``mp_grid``, or None."""
        value = self._value("mp_grid")
        if value is None:
            return None
        with reading(self.path, "Wannier90's input"):
            numbers = integers(leading(value))
        if len(numbers) != 3 or numbers.min() < 1:
            raise InputError(f"{self.path}: mp_grid = {value.strip()}; three positive whole numbers belong there")
        return int(numbers[0]), int(numbers[1]), int(numbers[2])

    @cached_property
    def n_functions(self) -> int | None:
        """``num_wann``, or None."""
        value = self._value("num_wann")
        if value is None:
            return None
        with reading(self.path, "Wannier90's input"):
            words = leading(value)
            if not words:
                raise ValueError(f"num_wann = {value.strip() or 'nothing'}, no whole number")
            return int(integers(words[:1])[0])

    @cached_property
    def use_ws_distance(self) -> bool | None:
        """``use_ws_distance``, or None where it is left to the default of the version."""
        value = self._value("use_ws_distance")
        return None if value is None else "t" in value.lower()

    @cached_property
    def translated_centres(self) -> bool:
        """``translate_home_cell``: whether the centres of ``_centres.xyz`` are moved into the cell."""
        value = self._value("translate_home_cell")
        return value is not None and "t" in value.lower()

    @property
    def has_cell(self) -> bool:
        """Whether there is a block of lattice vectors."""
        return bool(self._block("unit_cell_cart"))

    @cached_property
    def cell(self) -> np.ndarray:
        """Lattice vectors as rows, angstrom, from ``unit_cell_cart``.

        Raises
        ------
        InputError
            If there is no such block, or it is not three vectors of three numbers.
        """
        block = self._block("unit_cell_cart")
        if not block:
            raise InputError(
                f"{self.path}: has no block unit_cell_cart; give cell (angstrom; of `sidejump info` --cell)"
            )
        unit = "" if leading(block[0]) else block[0].split()[0].lower()
        if unit and not unit.startswith(("ang", "bohr")):
            raise InputError(f'{self.path}: unit_cell_cart is in "{unit[:20]}"; use ang or bohr')
        rows = [leading(line) for line in (block[1:] if unit else block)]
        if len(rows) != 3 or any(len(row) != 3 for row in rows):
            raise InputError(
                f"{self.path}: unit_cell_cart holds {[len(row) for row in rows]} numbers a line; three lattice vectors "
                "of three numbers belong there"
            )
        with reading(self.path, "Wannier90's input"):
            return floats([word for row in rows for word in row]).reshape(3, 3) * (
                BOHR if unit.startswith("bohr") else 1.0
            )

    def _value(self, keyword: str) -> str | None:
        found = [m.group(1) for line in self.lines if (m := re.match(rf"\s*{keyword}(?:\s*[=:]|\s)(.*)", line, re.I))]
        if len({value.strip().lower() for value in found}) > 1:
            raise InputError(f"{self.path}: gives {keyword} twice, with different values; keep one")
        return found[0] if found else None

    def _block(self, name: str) -> list[str] | None:
        first, last = (
            [i for i, line in enumerate(self.lines) if re.match(rf"\s*{word}[\s_]*{name}\b", line, re.I)]
            for word in ("begin", "end")
        )
        if not first:
            return None
        if len(first) > 1 or len(last) != 1 or last[0] < first[0]:
            raise InputError(f"{self.path}: the block {name} must begin once and end once after that")
        return self.lines[first[0] + 1 : last[0]]


def read_win(path) -> Win:
    """Read Wannier90's input file.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    lines = [re.split(r"[!#]", line)[0] for line in read_text(path, _SIZE).splitlines()]
    return Win(Path(path), [line for line in lines if line.strip()])
