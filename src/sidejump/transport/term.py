"""What a term of a result is: one step that computes a part of it at many temperatures."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType
from typing import cast

import numpy as np
from scipy.interpolate import PchipInterpolator

from ..kinetics.response import KineticResponse
from .problem import Problem
from .settings import Size
from .tensors import Change

NODE_CHANGES = "node_changes"
"""What further energy nodes change of the conductivity and of the side jump."""

SPACING = "spacing"
"""That of the points (1/angstrom), which makes the spread of near temperatures alike or not."""

POINTS = "points"
"""How many there are: levels that have as many are one."""

FOLLOWED = "followed_change"
"""What phonons may change that take electrons from a shell to one of unlike topology, where both are taken to be
one."""

GREEN = "green_change"
"""What the accuracy of the Green function of strong impurities may change."""

UNRESOLVED = "unresolved"
"""What momentum transfers within a patch leave out where a coupling diverges."""

MESH_STEP = "mesh_step"
"""What the last mesh of the integrals over all states added to the Gaussian part of skew scattering, (R, d)."""

UNREPORTED = frozenset({NODE_CHANGES, SPACING, POINTS, FOLLOWED, GREEN, UNRESOLVED, MESH_STEP})
"""All of these: facts for the errors alone."""

_FACTS = {NODE_CHANGES: [np.nan, np.nan], SPACING: np.nan, POINTS: np.nan, FOLLOWED: np.nan, GREEN: np.nan,
          "energy_nodes": 0, "node_change": np.nan,
          "inelastic_change": np.nan, "carrier_density": np.nan, "electron_density": np.nan, "hole_density": np.nan,
          "hot_spot_change": np.nan, "geometry_difference": np.nan, "window_change": np.nan}  # fmt: skip


@dataclass
class Outcome:
    """One replica of a term at n temperatures.

    Attributes
    ----------
    responses : list of KineticResponse
        Of a first term; empty for the others.
    changes : list of Change
        Of the other terms.
    facts : dict of list
        What is reported of each temperature.
    sizes : list of Size
    """

    responses: list[KineticResponse] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    facts: dict[str, list] = field(default_factory=dict)
    sizes: list[Size] = field(default_factory=list)


Advance = Callable[[float], None]
"""Called with the fraction of the work that a step has done."""


class Term(abc.ABC):
    """One of the terms.

    Attributes
    ----------
    name : str
    first : bool
        Whether it is a response, to which the changes of others are added.
    together : bool
        Whether pairs of states serve all problems of `evaluate_each`.
    by_shell : bool
        Whether temperatures that use different shells share nothing.
    whole : bool
        Whether these shells hold all images of their points.
    start : dict of float
        By the dimension, what divides the spacings on the coarsest level.  Contours converge exponentially and cost
        little.
    """

    name: str
    first: bool = False
    together: bool = False
    by_shell: bool = False
    whole: bool = False
    start: Mapping[int, float] = MappingProxyType({2: 0.7, 3: 0.35})

    @abc.abstractmethod
    def evaluate(self, problem: Problem, temperatures: np.ndarray, advance: Advance) -> Outcome:
        """One replica, on points as `problem` lays them, at temperatures (K)."""

    def groups(self, problem: Problem, temperatures: np.ndarray) -> list[list[int]]:
        """Temperatures (K; their places) that share what is computed, from hot to cold: replicas of one group need
        nothing of another, and have values of their own before those of colder ones, which take longer. Contours cost
        little, and are all computed at once."""
        if not self.by_shell or problem.model.dimension == 2:
            return [list(range(len(temperatures)))]
        return [sorted(members) for _, members in by_spacing(problem, temperatures, whole=self.whole)]

    def evaluate_each(self, problems: Sequence[Problem], temperatures: np.ndarray, advance: Advance) -> list[Outcome]:
        """One replica of each of several problems, on the points of the first, which differ in how strongly their
        scatterers couple (:meth:`.Problem.differs_in_strength`)."""
        share = 1 / len(problems)
        return [self.evaluate(problem, temperatures, lambda done: advance(share * done)) for problem in problems]

    def blank(self, temperatures) -> Outcome:
        """What is yet to be filled in."""
        count = len(temperatures)
        facts = {name: [blank] * count for name, blank in _FACTS.items()}
        nothing = cast("list", [None] * count)
        return Outcome(nothing, [], facts, [Size()] * count) if self.first else Outcome([], nothing, facts)


def by_spacing(problem: Problem, temperatures, *, whole: bool = False) -> list[tuple[float, list[int]]]:
    """Temperatures that use one shell, or one of the `whole` ones, from hot to cold: (spacing, temperatures).

    The coldest last: it takes the finest shell and the most memory.
    """
    known = problem.whole_spacings if whole else problem.spacings
    spacings = [known.at(t) for t in temperatures]
    order = sorted(range(len(temperatures)), key=lambda i: -temperatures[i])
    return [(h, [i for i in order if spacings[i] == h]) for h in sorted(set(spacings), reverse=True)]


def spread(temperatures, members, step: float) -> list[int]:
    """Some of `members`, ordered from hot to cold, with both ends and no step in T larger than it must be."""
    chosen = [members[0]]
    for last, i in pairwise(members):
        if temperatures[chosen[-1]] > step * temperatures[i] and last != chosen[-1]:
            chosen.append(last)
    return chosen if members[-1] == chosen[-1] else [*chosen, members[-1]]


def interpolated(temperatures, sampled, known: list[Change], members) -> list[Change]:
    """Changes `known` at the temperatures of `sampled` (from hot to cold) at those of `members`, in log T."""
    if len(sampled) == 1:
        return known * len(members)
    smooth = PchipInterpolator(
        np.log(temperatures[sampled])[::-1], np.array([change.tensors for change in known])[::-1]
    )
    return [Change.of(tensors) for tensors in smooth(np.log(temperatures[members]))]
