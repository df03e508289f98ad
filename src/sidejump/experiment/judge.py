"""What a reader has to know of data and fit before trusting the numbers, in sentences with their figures."""

from __future__ import annotations

import numpy as np
from scipy.special import chdtrc

from ..errors import InputError
from .equations import Equations
from .estimate import Estimates, Estimator
from .films import Films
from .identify import Identified
from .temperatures import Temperatures

PLATEAU = 0.01
"""Relative change of rho_0 towards zero temperature, or excess of rho_0 over rho, from which on a sentence says so."""

STATIC = 0.9
"""Share rho_0/rho from which on a temperature counts as low."""

_SAME = 1e-9  # of residual resistivities

UNLIKELY = 1e-3
"""Probability of a chi squared below which it is said."""

ABOVE_NOISE = 3.0
"""Size of a combination of terms, in units of its noise, below which its coefficients are said to be doubtful."""


def require_films(films: Films, law: str) -> None:
    """Skew scattering and what static scatterers leave are told apart by films alone.

    Raises
    ------
    InputError
        If there is one film, or all have the same residual resistivity.
    """
    if len(films.names) < 2:
        raise InputError(
            f"{films.source}: holds one film ({films.names[0]}); law '{law}' needs two or more with different residual "
            "resistivities, which tell skew scattering from the remainder"
        )
    if np.ptp(residual_of(films)) <= _SAME * residual_of(films).max():
        raise InputError(
            f"{films.source}: all films have the same residual resistivity; films of different ones tell "
            "skew scattering from the remainder"
        )


def require_determined(
    films: Films, names: tuple[str, ...], skew: int, found: Identified, *, partial: bool
) -> list[str]:
    """Stop where the data do not determine a term, unless the others are asked for; returns sentences.

    Raises
    ------
    InputError
        If terms are not determined and `partial` is not set, or skew scattering is among them.
    """
    open_terms = [name for name, known in zip(names, found.determined, strict=False) if not known]
    if not open_terms:
        return []
    words = f"{films.source}: the data do not determine {', '.join(open_terms)} ({_why(films)})"
    if any(name in names[:skew] for name in open_terms):
        raise InputError(f"{words}; skew scattering cannot be subtracted: measure films of other residual resistivity")
    if not partial:
        raise InputError(f"{words}; measure more films or temperatures, or take the others alone with --partial")
    return [f"{', '.join(open_terms)} not determined by these data ({_why(films)}), and left out"]


def _why(films: Films) -> str:
    """The likeliest reason."""
    if np.all(np.abs(films.rho / residual_of(films)[films.film] - 1) < PLATEAU):
        return "rho is rho_0 everywhere: no phonons scatter"
    if len(films.parts) >= len(films.names):
        return f"{len(films.names)} films for {len(films.parts)} parts of the residual resistivity"
    return "the terms are proportional to each other on these films and temperatures"


def residual_of(films: Films) -> np.ndarray:
    """Residual resistivity of each film, all parts together, shape (F,)."""
    return films.rho[films.coldest] if films.residual is None else films.residual.sum(axis=1)


def of_residual(films: Films) -> list[str]:
    """Whether rho_0 is on the plateau, and below rho."""
    sentences = []
    rho_0 = residual_of(films)
    for i, name in enumerate(films.names):
        rows = np.flatnonzero(films.film == i)
        order = rows[np.argsort(films.temperature[rows])]
        if films.residual is not None:
            excess = rho_0[i] / films.rho[rows].min() - 1
            if excess > PLATEAU:
                sentences.append(f"rho_0 of film {name} is {100 * excess:.2g} % above the smallest rho of the film")
            continue
        t, rho = films.temperature[order], films.rho[order]
        later = np.flatnonzero(t > t[0])
        if not len(later):
            continue
        second = later[0]
        fall = (rho[second] / rho[0] - 1) * t[0] ** 2 / (t[second] ** 2 - t[0] ** 2)
        if abs(fall) > PLATEAU:
            sentences.append(
                f"rho_0 of film {name} is taken at {t[0]:g} K, where rho is not constant: with T^2 through "
                f"its two coldest points it would be {100 * abs(fall):.2g} % "
                f"{'smaller' if fall > 0 else 'larger'}; give rho_0"
            )
    return sentences


def of_low_temperatures(films: Films, chosen: np.ndarray) -> list[str]:
    """Whether skew scattering is determined where static scatterers are all there is, as its law needs."""
    share = residual_of(films)[films.film[chosen]] / films.rho[chosen]
    if share.min() >= STATIC:
        return []
    return [
        f"skew scattering is determined from points where phonons have up to {100 * (1 - share.min()):.2g} % of the "
        "resistivity: what they and static scatterers leave differs, and goes into alpha; measure colder or lower --low"
    ]


def of_fit(estimator: Estimator, estimates: Estimates, found: Identified, temperatures: Temperatures) -> list[str]:
    """Whether the law describes the data, and stands above their noise."""
    films, law = estimator.equations.films, estimator.equations.law
    sentences = []
    if not films.declared:
        if estimates.freedom <= 0:
            sentences.append("as many terms as points: nothing is left to take errors from; declare uncertainties")
        return sentences
    if estimates.freedom > 0 and chdtrc(estimates.freedom, estimates.misfit) < UNLIKELY:
        constant = "; its coefficients do not change with temperature, side jump does" * (not law.has_free_remainder)
        sentences.append(
            f"chi squared is {estimates.misfit / estimates.freedom:.3g} per degree of freedom ({estimates.freedom}): "
            f"law '{law.name}' does not describe the data within the declared uncertainties, or these are too small"
            f"{constant}"
        )
    several = temperatures.films > 1
    total, free = float(np.sum(estimates.disagreement[several])), int(np.sum(temperatures.films[several] - 1))
    if law.has_free_remainder and free > 0 and chdtrc(free, total) < UNLIKELY:
        sentences.append(
            f"the remainders of the films differ at one temperature by more than their errors (chi squared "
            f"{total / free:.3g} per degree of freedom): static scatterers and phonons leave different remainders, and "
            "their shares differ from film to film; law 'hou' knows the shares"
        )
    weakest, ratio = _weakest(estimator, found)
    if ratio < ABOVE_NOISE:
        sentences.append(
            f"the films tell {', '.join(weakest)} apart by {ratio:.2g} times the noise of rho_xx and rho_0: these "
            "terms and their errors are doubtful"
        )
    return sentences


def _weakest(estimator: Estimator, found: Identified) -> tuple[list[str], float]:
    """The combination of terms that stands least above its noise, and how far, in standard deviations of a point."""
    equations: Equations = estimator.equations
    size = len(equations.law.terms)
    point = equations.at(equations.measured)
    columns, worst, names = estimator.columns(), np.inf, list(equations.law.terms)
    for direction in found.directions[: found.rank]:
        signal = columns @ direction
        slope = equations.jacobian(point, direction[:size], hall=0.0)[estimator.chosen]
        spread = slope.multiply(equations.deviation[None, :]).tocsr()
        noise = float(spread.multiply(spread).sum())
        if noise > 0 and np.sum(signal**2) < worst**2 * noise:
            worst = float(np.sqrt(np.sum(signal**2) / noise))
            held = np.abs(direction[:size]) * np.linalg.norm(columns[:, :size], axis=0)
            names = [name for name, part in zip(equations.law.terms, held, strict=True) if part > 0.1 * held.max()]
    return names, worst
