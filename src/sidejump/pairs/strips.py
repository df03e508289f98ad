"""Blocks of a symmetric matrix over pairs of points, joined so that one matrix product handles all columns of a row.

Cold phonons scatter through a small angle: many small blocks, each too small for the matrix library.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from ..freed import return_freed
from ..threads import by_threads

_WIDE = 512
"""Columns of a block that the matrix library has enough with: joined to others it would be copied for nothing."""


@dataclass(frozen=True)
class Strip:
    """The blocks of one set of rows.

    Attributes
    ----------
    rows : slice                 of points
    columns : ndarray of int, shape (J,)
        Points, in blocks, ascending.
    mirrored : bool
        Whether the transpose belongs to the matrix as well (blocks off the diagonal).
    values : ndarray, shape (A * m, J * m)
    """

    rows: slice
    columns: np.ndarray
    mirrored: bool
    values: np.ndarray

    def unknowns(self, m: int) -> tuple[slice, np.ndarray]:
        """Rows and columns in terms of (point, basis function)."""
        columns = (self.columns[:, None] * m + np.arange(m)).ravel()
        return slice(self.rows.start * m, self.rows.stop * m), columns


def join_blocks(blocks: list[tuple[slice, slice, np.ndarray]]) -> list[Strip]:
    """Strips of blocks (rows, columns, values), of one where it is wide; empties `blocks`, so that the memory is not
    taken twice."""
    by_rows: dict = defaultdict(lambda: defaultdict(list))
    while blocks:
        rows, columns, values = blocks.pop()
        alone = columns.start if values.shape[1] >= _WIDE else -1
        by_rows[rows.start, rows.stop, rows != columns, alone][columns.start, columns.stop].append(values)

    def joined(key) -> Strip:
        parts = by_rows.pop(key)
        places = sorted(parts)
        points = np.concatenate([np.arange(*place) for place in places])
        # several sources may scatter between the same points
        each = [sum(parts[place][1:], parts[place][0]) for place in places]
        parts.clear()
        values = each[0]
        if len(each) > 1:
            values = np.concatenate(each, axis=1)
            each.clear()
            return_freed()
        start, stop, mirrored, _ = key
        return Strip(slice(start, stop), points, mirrored, values)

    strips = by_threads(joined, sorted(by_rows))  # copies as fast as memory allows
    return_freed()
    return strips
