"""A function H(k) of the user, called on a few points and judged: what is wrong becomes one sentence.

Looked at are the call itself, the shape, type and size of what comes back, whether it is Hermitian, a function of each
k alone, and computed in double precision; without a cell, whether it grows as a k.p Hamiltonian does or repeats as
that of a lattice.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable

import numpy as np
from array_api_compat import array_namespace

from ..errors import InputError

POINTS = 5  # unlike any number of dimensions: rows of k taken for its columns show in the shape
STEP = 3e-3  # of k_scale, for derivatives
_HALVINGS, _STILL = 8, 1e-6  # of the step, and the relative change that ends them
HERMITIAN = 1e-8  # of the largest element
_SMALL_STEP = 1e-6  # of k_scale: a second difference over it is rounding
_ROUGH = 1e-9  # second difference, of the largest element, of a function computed in single precision (6e-8) or worse
_FAR = (10.0, 100.0, 1000.0)  # times k_scale: where a k.p Hamiltonian has grown or settled
_GROWN = 1.5  # ratio of the largest elements from one of these to the next


def sample_points(dimension: int, k_scale: float) -> np.ndarray:
    """The k points (5, d), 1/angstrom, on which a function is judged; the last is k = 0."""
    k = k_scale * np.random.default_rng(1).uniform(-0.5, 0.5, (POINTS, dimension))
    k[-1] = 0.0
    return k


def call(function: Callable, k: np.ndarray, name: str) -> np.ndarray:
    """What `function` returns for k (nk, d), as complex128.

    Raises
    ------
    InputError
        If it cannot be called with one array, raises, or does not return an array of finite numbers.
    """
    takes = f"it is called with one array k of shape (nk, {k.shape[1]})"
    if not callable(function):
        raise InputError(f"{name} = {function!r} is not a function; give one of k, of shape (nk, {k.shape[1]})")
    needed = _arguments(function)
    if needed is not None and needed != 1:
        raise InputError(f"{name} takes {needed} arguments, but {takes}: take k and use k[:, 0], k[:, 1]")
    before = k.copy()
    try:
        value = function(k)
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"{name}(k) raised {type(error).__name__}: {error}; {takes} in 1/angstrom and returns (nk, N, N)"
        ) from error
    if not np.array_equal(before, k):
        raise InputError(f"{name}(k) changes its argument k; work on a copy")
    if not hasattr(value, "shape") or not hasattr(value, "dtype"):
        raise InputError(f"{name}(k) returns a {type(value).__name__}; return an array of shape (nk, N, N), in eV")
    value = np.asarray(value)
    if value.dtype.kind not in "fciu":
        raise InputError(f"{name}(k) returns an array of {value.dtype}; return numbers (complex128)")
    if value.dtype.kind in "fc" and np.finfo(value.dtype).eps > np.finfo(float).eps:
        raise InputError(
            f"{name}(k) returns {value.dtype}, whose rounding the search for shells cannot work with; compute in "
            "double precision and return complex128 (or float64)"
        )
    return value.astype(complex)


def judged_sample(function: Callable, k: np.ndarray, n: int | None, name: str = "h") -> np.ndarray:
    """H (nk, N, N) at k (nk, d) of a function that passes for a Hamiltonian.

    Parameters
    ----------
    n : int or None
        N; found from the shape when None.
    name : str
        Of the function, for the sentence.

    Raises
    ------
    InputError
        In one sentence, for the first thing that is wrong.
    """
    sample = call(function, k, name)
    expected = f"expected ({len(k)}, N, N)" if n is None else f"expected {(len(k), n, n)}"
    right = sample.ndim == 3 and len(sample) == len(k) and sample.shape[1] == sample.shape[2] == (n or sample.shape[1])
    if not right or not sample.shape[1]:
        raise InputError(
            f"{name}(k) has shape {sample.shape} for k of shape {k.shape}; {expected}: one matrix for each row of k"
        )
    require_finite(sample, k, name)
    size = np.abs(sample).max() or 1.0
    skew = np.abs(sample - sample.conj().swapaxes(1, 2))
    if skew.max() > HERMITIAN * size:
        _, i, j = np.unravel_index(np.argmax(skew), skew.shape)
        raise InputError(
            f"{name}(k) is not Hermitian for real k: elements [{i}, {j}] and [{j}, {i}] are not each other's "
            f"conjugate, by {skew.max():.2g} eV"
        )
    one_by_one = [call(function, row[None], name) for row in k]
    if any(x.shape != sample[:1].shape for x in one_by_one) or (
        np.abs(np.concatenate(one_by_one) - sample).max() > HERMITIAN * size
    ):
        raise InputError(
            f"{name}(k) of a row of k depends on the other rows; it must be a function of each wave vector alone"
        )
    return sample


def judged_gradient(function: Callable, hamiltonian: Callable, k: np.ndarray, k_scale: float, name: str) -> None:
    """Raise InputError unless `function` is the gradient (nk, d, N, N) of `hamiltonian` at k (nk, d)."""
    given, reference = call(function, k, name), differences(hamiltonian, k, k_scale)
    if given.shape != reference.shape:
        raise InputError(f"{name}(k) has shape {given.shape}; expected {reference.shape}, (nk, d, N, N)")
    if not np.abs(given - reference).max() <= allowed_difference(hamiltonian, reference, k, k_scale):
        raise InputError(f"{name}(k) is not the derivative of the Hamiltonian; leave it out to have it computed")


def differences(hamiltonian: Callable, k, k_scale: float):
    """Gradient (nk, d, N, N) by central differences of fourth order.

    The step is halved until the result stands still: long hops change within a small part of `k_scale`.
    """
    step = STEP * k_scale
    found = _differences(hamiltonian, k, step)
    for _ in range(_HALVINGS):
        step *= 0.5
        before, found = found, _differences(hamiltonian, k, step)
        if abs(found - before).max() <= _STILL * abs(found).max():
            break
    return found


def _differences(hamiltonian: Callable, k, step: float):
    xp = array_namespace(k)
    columns = []
    for direction in np.eye(k.shape[1]):
        shift = xp.asarray(step * direction)
        near = hamiltonian(k + shift) - hamiltonian(k - shift)
        far = hamiltonian(k + 2 * shift) - hamiltonian(k - 2 * shift)
        columns.append((8 * near - far) / (12 * step))
    return xp.stack(columns, axis=1)


def allowed_difference(hamiltonian: Callable, reference, k, k_scale: float) -> float:
    """How far a gradient may be from `reference`, by differences, eV angstrom."""
    return float(1e-5 * (np.abs(reference).max() + np.abs(hamiltonian(k)).max() / k_scale))


def require_model(model) -> None:
    """Raise InputError for a model, of the user's own class perhaps, whose matrices are not a Hamiltonian and its
    gradient."""
    if model.dimension not in (2, 3):
        raise InputError(f"{type(model).__name__}.dimension = {model.dimension!r}: give 2 or 3")
    k = sample_points(model.dimension, model.k_scale)
    names = [f"{type(model).__name__}.{name}" for name in ("hamiltonian", "hamiltonian_gradient")]
    judged_sample(model.hamiltonian, k, model.n_orbitals, names[0])
    judged_gradient(model.hamiltonian_gradient, model.hamiltonian, k[:-1], model.k_scale, names[1])


def require_finite(matrices, k, name: str = "h") -> None:
    """Raise InputError, with the first k, where a matrix holds NaN or infinity."""
    good = np.isfinite(np.asarray(matrices)).reshape(len(k), -1).all(axis=1)
    if not good.all():
        place = ", ".join(f"{x:.6g}" for x in np.asarray(k)[np.argmin(good)])
        raise InputError(f"{name}(k) is not finite at k = ({place}) 1/angstrom: mend the function there")


def require_smooth(function: Callable, k: np.ndarray, k_scale: float) -> None:
    """Raise InputError for a function that is noise on the scale on which shells are found."""
    step = _SMALL_STEP * k_scale * np.eye(k.shape[1])[0]
    k = k[:-1]  # k = 0 may be a corner
    middle = call(function, k, "h")

    def second(shift):
        return float(np.abs(call(function, k + shift, "h") - 2 * middle + call(function, k - shift, "h")).max())

    size = np.abs(middle).max() or 1.0
    noise = second(step)
    # of a smooth function, hops over many cells included, it is sixteen times as large over four times the step
    if noise > _ROUGH * size and second(4 * step) < 8 * noise:
        raise InputError(
            f"h(k) jumps by {noise:.1g} eV between points {step[0]:.1g} 1/angstrom apart: compute it in double "
            "precision, without rounding or noise"
        )


def looks_periodic(function: Callable, dimension: int, k_scale: float) -> bool:
    """Whether H(k) neither grows nor settles far out, as no k.p Hamiltonian does and every lattice's.

    Compared are the largest element and the root mean square change from point to point on spheres of radii that
    grow tenfold: a polynomial grows on, a regularised k.p Hamiltonian stops changing.
    """
    centre = call(function, np.zeros((1, dimension)), "h")[0]
    offset = np.trace(centre) / len(centre) * np.eye(len(centre))  # a zero of energy does not grow
    rng = np.random.default_rng(2)
    unit = rng.normal(size=(64, dimension))
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    near = call(function, k_scale * rng.uniform(-1, 1, (64, dimension)), "h")
    spread = [float(np.std(near, axis=0).max())]
    size = []
    for factor in _FAR:
        with np.errstate(all="ignore"):
            here = call(function, factor * k_scale * unit, "h")
            beside = call(function, factor * k_scale * unit * (1 + 1.0 / factor), "h")  # k_scale further out
        if not (np.isfinite(here).all() and np.isfinite(beside).all()):
            return False
        size.append(float(np.abs(here - offset).max()))
        spread.append(float(np.sqrt(np.mean(np.abs(beside - here) ** 2, axis=0)).max()))
    bounded = max(size) < _GROWN * min(size)
    return bounded and min(spread[1:]) > 0.1 * max(spread) > 0


def _arguments(function: Callable) -> int | None:
    """How many arguments a function cannot do without; None where it does not say."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # compiled functions
        return None
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters):
        return None
    required = [p for p in parameters if p.default is inspect.Parameter.empty and p.kind in positional]
    if len(required) == 0 and any(p.kind in positional for p in parameters):
        return 1
    return len(required)
