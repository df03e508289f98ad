r"""Value and standard error of a term from its replicas on a ladder of levels.

A level l is a fineness of the points, each sqrt(2) finer than the one before; a replica one way to lay them.  With
replicas y of each level at every temperature the value is the mean of the finest level, and its error

    error^2 = s^2 / n  +  b^2,

where s is the spread of the replicas and b what is left of the bias.

*Spread.*  A few replicas tell little of their own spread.  That of coarser levels counts as well: a level is taken to
have no less than a GAIN of the spread of the one before (measured, it has less), and neighbouring temperatures, whose
spread is nearly the same, count together.  The few degrees of freedom that are left widen the error as Student's
distribution does.

*Bias.*  A level alone is taken to be off by ALONE, or by a part of the spread of its replicas if that is more: where
points are so few that their places matter, how many they are does too.  The means of two levels differ by what the
finer one removes, and by the noise of both.  What the coarser one is off by is then known from both sides,

    B^2 = w s^2 + (w D)^2,    w = t^2 / (t^2 + s^2),

with D the difference over what a level removes, s its noise, and t the prior, or what of D is beyond the noise if that
is more; the finer one is off by a GAIN of it.  A small difference within large noise so says less than none would,
and a large one is never taken for noise.  Replicas of the coarser level take the noise away for little.

*Levels that are none.*  Where something else than the level decides how many points there are (the fewest that a rule
or a pocket has), two levels may lay the same ones, and agree however wrong they are.  What counts is how the points
have grown: a level is compared with the nearest one below that has so many fewer points that it is another, and is
finer than it by as much as the points say, never by more than the levels do.  Where there is none, it stands alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import stdtrit

GAIN = 0.5
"""Error of a level over that of the one before: the square of the spacing's sqrt(1/2), an upper bound."""

ALONE = 0.0075
"""Relative bias that a level is taken to have before it is compared with another: of fifteen models of the suite the
mean of two replicas of the first is off by less than 0.4 % in 95 of 100 values where they agree to 0.6 %, and by 0.6 %
at most."""

OF_SPREAD = 0.5
"""Bias that a level alone is taken to have over the spread of one of its replicas, where that is more: measured on the
same models, a bias of none would be exceeded by 3 % of the values."""

ANOTHER = 0.5
"""Of what points grow by from one level to the next, the least by which two levels differ that are compared: nearer to
one level than to none."""

WINDOW = 0.35
"""Temperatures whose logarithms are closer than about this are pooled."""


@dataclass(frozen=True)
class Samples:
    """Replicas of one level.

    Attributes
    ----------
    level : int
    where : ndarray of int, shape (n,)
        Which of all temperatures it was computed for.
    values : ndarray, shape (r, n, ...)
        One row for each replica.
    spacing : ndarray, shape (n,), optional
        Of the points; temperatures that have the same count together, or all where it is not given.
    fineness : ndarray, shape (n,), optional
        How close the points are by their number, in levels: 1 more where there are as many more as a level has.  That
        of the level itself where it is not given, or NaN.
    """

    level: int
    where: np.ndarray
    values: np.ndarray
    spacing: np.ndarray | None = None
    fineness: np.ndarray | None = None


@dataclass(frozen=True)
class Moments:
    """What is known of a quantity at every temperature.

    Attributes
    ----------
    value, error : ndarray, shape (nT, ...)
        NaN where there is no replica; error infinite where one replica of one level is all there is.
    statistical, systematic : ndarray, shape (nT, ...)
        The two parts of the error.
    coarser : ndarray, shape (nT, ...)
        What of the systematic part replicas of the level that the finest is compared with would take away.
    level, replicas : ndarray of int, shape (nT,)
        The finest level and its replicas.
    below, below_replicas : ndarray of int, shape (nT,)
        The level that it is compared with, -1 where there is none that differs from it, and its replicas.
    """

    value: np.ndarray
    error: np.ndarray
    statistical: np.ndarray
    systematic: np.ndarray
    coarser: np.ndarray
    level: np.ndarray
    replicas: np.ndarray
    below: np.ndarray
    below_replicas: np.ndarray

    def times(self, unit: np.ndarray) -> Moments:
        """In another unit, shape (nT, ...)."""
        return replace(self, **{name: unit * getattr(self, name) for name in _SIZES})


_SIZES = ("value", "error", "statistical", "systematic", "coarser")


def moments(samples: list[Samples], log_temperature: np.ndarray, unit: np.ndarray | None = None) -> Moments:
    """Value and error at every temperature.

    Parameters
    ----------
    samples : list of Samples
        Of several levels, the same one more than once where temperatures differ.
    log_temperature : ndarray, shape (nT,)
        Natural logarithm of the temperature.
    unit : ndarray, shape (nT, ...), optional
        What the spread and the bias of a value are in proportion to, for those of near temperatures: a conductivity
        that changes tenfold within the window would lend its cold spread to its warm values.
    """
    if unit is not None:
        scaled = [replace(s, values=s.values / unit[s.where]) for s in samples]
        return moments(scaled, log_temperature).times(unit)
    count, shape = len(log_temperature), samples[0].values.shape[2:]
    by_level = {}
    for level in sorted({s.level for s in samples}):
        rows: list[list[np.ndarray]] = [[] for _ in range(count)]
        for s in samples:
            if s.level == level:
                for column, i in enumerate(s.where):
                    rows[i].extend(s.values[:, column])
        by_level[level] = rows
    levels = list(by_level)
    number = {level: np.array([len(r) for r in rows]) for level, rows in by_level.items()}
    mean = {level: np.stack([np.mean(r, axis=0) if r else np.full(shape, np.nan) for r in rows])
            for level, rows in by_level.items()}  # fmt: skip
    squares = {level: np.stack([np.var(r, axis=0) * len(r) if r else np.zeros(shape) for r in rows])
               for level, rows in by_level.items()}  # fmt: skip

    finest = np.full(count, -1)
    for level in levels:
        finest[number[level] > 0] = level
    value = np.full((count, *shape), np.nan)
    statistical, systematic = np.full((count, *shape), np.inf), np.full((count, *shape), np.inf)
    coarser, below_level = np.zeros((count, *shape)), np.full(count, -1)
    near = _near(log_temperature, samples)
    expand = (...,) + (None,) * len(shape)
    fine = _fineness(samples, number)
    spread = {level: _spread(squares, number, fine, level, near, expand) for level in levels}
    expected = {x: (ALONE * GAIN ** np.minimum(fine[x], x - levels[0]))[expand] * _size(mean[x], near[x], expand)
                for x in levels}  # fmt: skip
    for top in levels:
        here = finest == top
        if not here.any():
            continue
        statistical[here] = spread[top].error[here]
        value[here] = mean[top][here]
        # one level alone says nothing of its bias
        each = spread[top].error * np.sqrt(np.maximum(number[top], 1))[expand]
        systematic[here] = np.maximum(OF_SPREAD * each, expected[top])[here]
        for low in (x for x in levels if x < top):
            step = _step(fine, low, top)
            differs = here & (number[low] > 0) & (step >= ANOTHER)
            if not differs.any():
                continue
            left = (GAIN ** np.where(differs, step, 1.0))[expand]
            prior, shared = np.maximum(expected[low], spread[low].one), np.minimum(near[low], near[top])
            bias, noise = _bias(mean, spread, prior, left, low, top, shared, expand)
            systematic[differs], coarser[differs] = bias[differs], noise[differs]
            below_level[differs] = low
    for x in (statistical, systematic, coarser):
        x[finest < 0] = np.nan
    error = np.hypot(statistical, systematic)
    replicas = np.array([number[x][i] if x >= 0 else 0 for i, x in enumerate(finest)])
    below_replicas = np.array([number[x][i] if x >= 0 else 0 for i, x in enumerate(below_level)])
    return Moments(value, error, statistical, systematic, coarser, finest, replicas, below_level, below_replicas)


@dataclass(frozen=True)
class _Spread:
    """Spread of one replica of a level and of the mean of all, (nT, ...), and that as a standard error, wider for how
    little is known of it; infinite where nothing tells."""

    one: np.ndarray
    mean: np.ndarray
    error: np.ndarray


def _fineness(samples: list[Samples], number: dict[int, np.ndarray]) -> dict[int, np.ndarray]:
    """How fine each level is, (nT,), in levels from the coarsest: by its points, or its place on the ladder where they
    are not known."""
    first = min(number)
    count = len(number[first])
    base, start = np.full(count, np.nan), np.full(count, np.nan)
    found = {}
    for level in sorted(number):
        total = np.zeros(count)
        for s in samples:
            if s.level == level:
                total[s.where] += np.nan if s.fineness is None else len(s.values) * s.fineness
        known = np.divide(total, number[level], out=np.full(count, np.nan), where=number[level] > 0)
        begins = np.isnan(start) & (number[level] > 0)
        base[begins], start[begins] = known[begins], level
        place = np.where(np.isnan(start), level, start) - first
        found[level] = place + np.where(np.isnan(known - base), level - first - place, np.maximum(known - base, 0.0))
    return found


def _step(fine: dict[int, np.ndarray], low: int, top: int) -> np.ndarray:
    """Levels by which one is finer than another, (nT,), no more than there are between them."""
    return np.clip(fine[top] - fine[low], 0.0, top - low)


def _spread(squares, number, fine, top: int, near, expand) -> _Spread:
    """Of a level, from sums of squares at its scale and their degrees of freedom, pooled over near temperatures.

    A coarser level that has the points of this one has no spread of its own to add.
    """
    total, own, degrees = np.zeros_like(squares[top]), np.zeros(len(number[top])), np.zeros(len(number[top]))
    for level in (x for x in squares if x <= top):
        step = _step(fine, level, top)
        free = np.maximum(number[level] - 1, 0) * ((step > 0) | (level == top))
        part = squares[level] * ((free > 0) * GAIN ** (2.0 * step))[expand]
        total += np.tensordot(near[level], part, axes=1)
        own += free
        degrees += near[level] @ free
    one = np.where((degrees > 0)[expand], np.sqrt(total / np.maximum(degrees, 1e-300)[expand]), np.inf)
    mean = one / np.sqrt(np.maximum(number[top], 1))[expand]
    # near temperatures share their points: they do not add as many degrees of freedom as they have replicas
    return _Spread(one, mean, mean * widening(np.maximum(own, np.minimum(degrees, 1)))[expand])


def _bias(mean, spread, prior, left, low: int, top: int, near, expand) -> tuple[np.ndarray, np.ndarray]:
    """What the bias of level `top` may be, (nT, ...), from the means of `low` and `top`, the `prior` bias of `low`, and
    what is `left` of that; and what of it replicas of `low` would take away."""
    both = np.isfinite(mean[low]) & np.isfinite(mean[top])
    difference = _pooled(near, (mean[top] - mean[low]) ** 2, expand) / (1 - left) ** 2
    noises = [np.where(both & np.isfinite(spread[x].mean), spread[x].mean, 0.0) / (1 - left) for x in (low, top)]
    prior = np.where(np.isfinite(prior), prior, 0.0)

    def off(difference, noise):
        width = np.maximum(prior**2, difference - noise)
        share = np.divide(width, width + noise, out=np.ones_like(width), where=width + noise > 0)
        return left**2 * (share * noise + share**2 * difference)

    bias = off(difference, noises[0] ** 2 + noises[1] ** 2)
    quiet = off(np.maximum(difference - noises[0] ** 2, 0.0), noises[1] ** 2)
    noise = np.sqrt(np.maximum(bias - quiet, 0.0))
    return np.where(both, np.sqrt(bias), np.inf), np.where(both, noise, 0.0)


def _size(value, near, expand) -> np.ndarray:
    """Of values (nT, ...), that of near temperatures where it is more: what passes through zero is not exact there."""
    return np.fmax(np.abs(value), np.sqrt(_pooled(near, value**2, expand)))


def _pooled(near, values, expand) -> np.ndarray:
    """Mean over near temperatures of those values (nT, ...) that are known, which at a temperature all are or none."""
    known = np.isfinite(values)
    weight = near * known.reshape(len(known), -1)[:, 0]
    share = np.maximum(weight.sum(axis=1), 1e-300)[expand]
    return np.tensordot(weight, np.where(known, values, 0.0), axes=1) / share


def _near(log_temperature, samples: list[Samples]) -> dict[int, np.ndarray]:
    """For each level weights (nT, nT) of temperatures in what is pooled, the own one 1.

    Those whose points have another spacing do not count: a shell that is twice as fine, as cold phonons ask for, has
    another spread and another bias.
    """
    weights = np.exp(-0.5 * ((log_temperature[:, None] - log_temperature) / WINDOW) ** 2)
    found = {}
    for level in {s.level for s in samples}:
        spacing = np.zeros(len(log_temperature))
        for s in samples:
            if s.level == level and s.spacing is not None:
                spacing[s.where] = s.spacing
        found[level] = np.where(np.isclose(spacing[:, None], spacing), weights, 0.0)
    return found


def widening(degrees) -> np.ndarray:
    """Half width of Student's central 68.27 %, in standard errors, of so many degrees of freedom."""
    return stdtrit(np.maximum(degrees, 1.0), 0.841344746)
