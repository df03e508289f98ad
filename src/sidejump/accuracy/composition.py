"""What the values of a result are the sum of: enough, with the replicas, for value and error of every part.

It is stored with a result, so that the replicas of several runs of one study give what one run with all of them gives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError


@dataclass(frozen=True, eq=False)
class Composition:
    """Terms of the temperatures, and what no replica of them knows.

    Attributes
    ----------
    temperatures : ndarray, shape (nT,)
        K, those with carriers.
    first : dict of bool
        By the name of the term, whether it is a response to which the others are added.
    places : dict of list of int
        Temperatures that each term is computed for.
    measured : ndarray, shape (nT,), or None
        What another geometry was measured to change, relatively; NaN where nothing was measured.
    hall : bool
        Whether symmetry allows a Hall effect.  Where it does not, what is left of the side jump is rounding, and its
        error no aim.
    """

    temperatures: np.ndarray
    first: dict[str, bool]
    places: dict[str, list[int]]
    measured: Any = None
    hall: bool = True

    def __post_init__(self):
        known = np.full(len(self.temperatures), np.nan) if self.measured is None else self.measured
        object.__setattr__(self, "measured", np.array(known, dtype=float))

    def at(self, some: list[int]) -> Composition:
        """The same of some temperatures alone, by their places."""
        places = {name: [some.index(i) for i in own if i in some] for name, own in self.places.items()}
        return Composition(self.temperatures[some], self.first, places, self.measured[some], self.hall)

    def plain(self) -> dict[str, Any]:
        """The same in the types of JSON."""
        return {
            "temperatures": np.asarray(self.temperatures, dtype=float).tolist(),
            "first": dict(self.first),
            "places": {name: [int(i) for i in places] for name, places in self.places.items()},
            "measured": [float(x) if np.isfinite(x) else None for x in self.measured],
            "hall": bool(self.hall),
        }

    @classmethod
    def of(cls, plain: Any) -> Composition:
        """What :meth:`plain` gave.

        Raises
        ------
        InputError
            If it is something else.
        """
        try:
            temperatures = np.array(plain["temperatures"], dtype=float)
            first = {str(name): bool(flag) for name, flag in plain["first"].items()}
            places = {str(name): [int(i) for i in some] for name, some in plain["places"].items()}
            measured = np.array(plain["measured"], dtype=float)
            hall = bool(plain["hall"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"composition: says no terms ({type(error).__name__}: {error})") from None
        count = len(temperatures)
        known = all(0 <= i < count for some in places.values() for i in some)
        if temperatures.ndim != 1 or measured.shape != (count,) or set(first) != set(places) or not known:
            raise InputError("composition: its terms and temperatures do not fit together")
        return cls(temperatures, first, places, measured, hall)
