"""What a caller in Python hands to a run, held to the rules of an input file."""

from __future__ import annotations

from dataclasses import asdict
from reprlib import repr as shortened

import numpy as np
from pydantic import ValidationError

from ..errors import InputError
from ..rules import require_sizes
from ..transport import TransportSettings
from .schema import ExpertInput, SolverInput
from .sentences import first_sentence

_LEAST_MEMORY = 1e3  # bytes: a number below is meant in GB
_LEAST_POINTS = 4  # three make no more than a triangle of a Fermi line


def check_settings(settings: TransportSettings) -> None:
    """Settings that an input file also has obey the same rules; the others have their own.

    Raises
    ------
    InputError
        For the first setting that is wrong.
    """
    for section, loc in ((SolverInput, ("solver",)), (ExpertInput, ("solver", "expert"))):
        shared = set(section.model_fields) - {"intrinsic", "memory", "expert", "time", "executor", "workers"}
        given = {k: v for k, v in asdict(settings).items() if k in shared and v is not None}
        try:
            section.model_validate(given)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise InputError(first_sentence([dict(first) | {"loc": (*loc, *first["loc"])}])) from None
    if settings.heat and settings.energy_nodes == 1:
        raise InputError(
            'energy_nodes = 1: the heat current asks for how carriers of different energies differ; use "auto" or at '
            "least 3, or leave the heat current out"
        )
    if settings.heat and settings.geometry in ("shared", "averaged"):
        raise InputError(
            f'geometry = "{settings.geometry}": the heat current asks for how shells of different energies differ; use '
            '"auto", "own" or "independent", or leave the heat current out'
        )
    if settings.heat and settings.skew_scattering != "off":
        raise InputError(
            f'skew_scattering = "{settings.skew_scattering}": the heat current has no part of skew scattering; leave '
            "one of the two out, and run the other by itself"
        )
    _require_number("memory", settings.memory, "bytes; 6 GB is 6e9", least=_LEAST_MEMORY)
    _require_number("degeneracy", settings.degeneracy, "eV; bands closer than this form one group")
    _require_number("minimum", settings.minimum, "fewest points on a contour", whole=True, least=_LEAST_POINTS)


def check_limits(tolerance, seconds) -> None:
    """The accuracy that is asked for, and the time that it may take.

    Raises
    ------
    InputError
        If either is no positive number.
    """
    _require_number("tolerance", tolerance, "relative standard error wanted")
    if tolerance >= 1:
        raise InputError(f"tolerance = {tolerance}: must be below 1 (relative standard error wanted)")
    if seconds is not None:
        _require_number("time", seconds, "seconds")


def check_replicas(numbers) -> None:
    """Refuse numbers of replicas that are no range of them.

    Raises
    ------
    InputError
    """
    if not isinstance(numbers, range) or numbers.step != 1 or numbers.start < 0:
        raise InputError(f"replicas = {numbers!r}: give a range of numbers from 0 on, range(8, 16) for 8 to 15")


def _require_number(name: str, value, meaning: str, *, whole: bool = False, least: float = 0.0) -> None:
    kind = (int, np.integer) if whole else (int, float, np.integer, np.floating)
    if isinstance(value, bool) or not isinstance(value, kind):
        raise InputError(f"{name} = {shortened(value)}: give a {'whole' if whole else 'plain'} number ({meaning})")
    if not np.isfinite(value) or value < least or value <= 0:
        bound = f"at least {least:g}" if least else "above 0"
        raise InputError(f"{name} = {value} must be finite and {bound} ({meaning})")


def checked_temperatures(values) -> np.ndarray:
    """Temperatures as an array (nT,), K, in the order given.

    Raises
    ------
    InputError
        If they are not positive finite numbers, each once.
    """
    try:
        temperatures = np.atleast_1d(np.asarray(values, dtype=float))
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"temperatures = {shortened(values)}: give a list of numbers (K)") from None
    if temperatures.ndim != 1 or not len(temperatures):
        raise InputError(f"temperatures = {temperatures.tolist()} must be a list of positive numbers (K)")
    wrong = temperatures[~(np.isfinite(temperatures) & (temperatures > 0))]
    if len(wrong):
        raise InputError(f"temperatures holds {wrong[0]}; each must be positive and finite (K)")
    _require_sizes("temperatures", temperatures, "K", zero=False)
    unique, counts = np.unique(temperatures, return_counts=True)
    if counts.max() > 1:
        raise InputError(f"temperatures lists {unique[counts > 1][0]:g} K twice; give each once")
    return temperatures


def _require_sizes(name: str, values: np.ndarray, unit: str, *, zero: bool = True) -> None:
    try:
        require_sizes(values, f"{name} holds a number ", zero=zero)
    except ValueError as error:
        raise InputError(f"{error} ({unit})") from None


def checked_levels(name: str, values, unit: str) -> tuple[float, ...]:
    """A number or a list of them, each once, in the order given.

    Raises
    ------
    InputError
        If they are not finite numbers, or one occurs twice.
    """
    try:
        levels = np.atleast_1d(np.asarray(values, dtype=float))
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{name} = {shortened(values)}: give a number or a list of numbers ({unit})") from None
    if levels.ndim != 1 or not len(levels):
        raise InputError(f"{name} = {levels.tolist()}: give a number or a list of numbers ({unit})")
    wrong = levels[~np.isfinite(levels)]
    if len(wrong):
        raise InputError(f"{name} holds {wrong[0]}; each must be finite ({unit})")
    _require_sizes(name, levels, unit)
    unique, counts = np.unique(levels, return_counts=True)
    if counts.max() > 1:
        raise InputError(f"{name} lists {unique[counts > 1][0]:g} {unit} twice; give each once")
    return tuple(levels.tolist())
