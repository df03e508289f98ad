"""From solved distributions to the three kinetic parts of the conductivity (eqs 2, 7, 8, 11, 12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from ..errors import InputError
from ..pairs.sample import Sample
from ..threads import MATRIX_THREADS
from .collision import CollisionOperator
from .fold import Fold
from .galerkin import projected
from .odd import OddRates, even_and_odd
from .solve import neutral, no_modes, solve
from .sums import RateSums

PARTS = ("boltzmann", "side_jump_velocity", "side_jump_distribution")


class Parts:
    """What has the parts of a response, each of shape (R, d)."""

    boltzmann: np.ndarray
    side_jump_velocity: np.ndarray
    side_jump_distribution: np.ndarray
    skew: np.ndarray | None

    @property
    def tensors(self) -> np.ndarray:
        """All parts, shape (3, R, d), or (5, R, d) with those of skew scattering."""
        known = np.stack([getattr(self, name) for name in PARTS])
        return known if self.skew is None else np.concatenate([known, self.skew])


def parts_of(tensors) -> dict[str, Any]:
    """The parts by name, from what :attr:`Parts.tensors` gives."""
    skew = tensors[len(PARTS) :]
    return dict(zip(PARTS, tensors, strict=False)) | {"skew": np.array(skew) if len(skew) else None}


@dataclass(frozen=True)
class KineticResponse(Parts):
    """Parts of the conductivity in ``e^2/hbar angstrom^(2-d)``, and how well they were obtained.

    The first d of R rows are the directions of the current.  Those that follow are observables O: their density is the
    row times the force on the electrons, in the unit of O times ``angstrom^(1-d)/eV``.

    Where the heat current is asked for the last 3 d rows are the heat current that the force drives, then the velocity
    and the heat current that ``-grad T / T`` drives, each in the unit of the conductivity times eV, the last eV^2.

    Attributes
    ----------
    boltzmann, side_jump_velocity, side_jump_distribution : ndarray, shape (R, d)
    rounding : float
        Side jump that rounding leaves, same unit.
    contributions : float
        Largest sum over states of the size of what a state contributes to sj(1): what cancels in it.
    onsager_error : float
        ``|sj(2)_ab + sj(1)_ba|`` relative to `scale`; zero where sj(2) is not solved for (:class:`.sums.RateSums`).
    conservation_error : float
        Largest row sum of L relative to its diagonal.
    residual, iterations, method : how the equation was solved
    distribution : ndarray, shape (S, m, R)
        g^n on the ordered points, and what takes its place where an observable is what drives.
    growing : float
        Share of the result, the larger of boltzmann and side jump, that modes of the discrete collision operator carry
        which grow instead of decaying: it does not describe relaxation there.
    skew : ndarray, shape (2, R, d), or None
        Conventional and Gaussian skew scattering, where that is asked for.
    mesh_step : ndarray, shape (R, d), or None
        What the last mesh of the integrals over all states added to the Gaussian part, where there are such integrals.
    odd : ndarray, shape (R, d), or None
        What rates that are odd add, to all orders, where there are some; the other parts are then those of the even
        part of the distribution.
    odd_distribution : ndarray, shape (S, m, R), or None
        Beside g^n, the part that odd rates make.
    anomalous : ndarray, shape (S, m, d), or None
        g^a on the ordered points without what odd rates do to it, where it is solved for; (S, m, R) with what the side
        jumps of observables drive where that is known as well (:attr:`.Fold.both`).
    without_odd : ndarray, shape (3, R, d), or None
        The first three parts as they would be without odd rates.
    heat : bool
        Whether the last rows are those of the heat current.
    doubt : float
        Relative error of the conductivity that is known of its rates: of the Green function of strong impurities.
    unresolved : float
        The same of momentum transfers shorter than the points are apart, where a coupling diverges at q = 0.
    coherence : ndarray, shape (3, R, d), or None
        What of the first three parts is that of distributions which are matrices within groups, beyond their traces.
    """

    boltzmann: np.ndarray
    side_jump_velocity: np.ndarray
    side_jump_distribution: np.ndarray
    onsager_error: float
    conservation_error: float
    residual: float
    iterations: int
    method: str
    distribution: np.ndarray | None = None
    growing: float = 0.0
    contributions: float = 0.0
    rounding: float = 0.0
    skew: np.ndarray | None = None
    mesh_step: np.ndarray | None = None
    odd: np.ndarray | None = None
    odd_distribution: np.ndarray | None = None
    anomalous: np.ndarray | None = None
    without_odd: np.ndarray | None = None
    heat: bool = False
    doubt: float = 0.0
    unresolved: float = 0.0
    coherence: np.ndarray | None = None

    @property
    def scale(self) -> float:
        """What errors of the side jump are relative to, see :func:`side_jump_scale`."""
        return side_jump_scale(self.side_jump_velocity, self.contributions, self.rounding)


def charge(tensor) -> np.ndarray:
    """The conductivity (..., d, d) of a tensor (..., R, d) with observables."""
    return tensor[..., : tensor.shape[-1], :]


CANCELLING = 0.1
"""Errors of a sum are relative to it, or to this fraction of what cancels in it if that is more."""

_LEAST_SHIFT = {np.dtype(np.float64): 1e-13, np.dtype(np.float32): 1e-8}
"""Mean shift of an event, angstrom, below which it is what rounding leaves, by the precision of the pairs.

Against the shift itself, not against the longitudinal conductivity, which weak scattering makes as large as one likes.
"""


def side_jump_scale(side_jump, contributions: float, rounding: float) -> float:
    """The size of a side jump (R, d), which symmetry may make zero, for errors to be relative to."""
    return max(float(np.abs(charge(side_jump)).max()), CANCELLING * contributions, rounding, np.finfo(float).tiny)


def side_jump_rounding(rates, normal, dtype) -> float:
    """Side jump of the least shift at every event: distribution `normal` (N, d), out-scattering `rates` (N,)."""
    return float(_LEAST_SHIFT[np.dtype(dtype)] * (np.abs(rates) @ np.abs(normal)).max())


def drive_or_nothing(jump, drive, rates, dtype):
    """`jump` (N, d), or zeros where it is only what rounding leaves.

    `drive` (N, d): velocities times weights; `rates` (N,): out-scattering of the unknowns; `dtype`: of the pairs.
    """
    time = 1 / np.where(rates > 0, rates, np.inf)
    size = np.abs(drive).sum(axis=1)
    least = _LEAST_SHIFT[np.dtype(dtype)]
    return jump if time @ (np.abs(jump).sum(axis=1) * size) > least * size.sum() else np.zeros_like(jump)


def growing_share(growing, drive, jump, boltzmann, scale: float) -> float:
    """See `KineticResponse.growing`; `growing` from :func:`.solve.solve`, drives (N, d)."""
    rates, modes = growing
    if not len(rates):
        return 0.0
    left, right = modes.T @ drive, modes.T @ jump
    longitudinal = np.einsum("na,n,nb->ab", left, 1 / rates, left)
    across = np.einsum("na,n,nb->ab", right, 1 / rates, left)
    size = max(float(np.abs(boltzmann).max()), np.finfo(float).tiny)
    return float(max(np.abs(longitudinal).max() / size, np.abs(across).max() / scale))


@threadpool_limits.wrap(limits=MATRIX_THREADS)
def kinetic_response(
    sums: RateSums,
    sample: Sample,
    thermal_weight,
    *,
    approximation: str = "exact",
    tolerance: float = 1e-10,
    functions=None,
    odd: OddRates | None = None,
) -> KineticResponse:
    """Solve for g^n and g^a and contract them with the velocity and the side-jump velocity, and with observables.

    Parameters
    ----------
    sums : RateSums
        Of all pairs of the sample; spent afterwards.
    sample : Sample
    thermal_weight : ndarray, shape (m,), or (S, nodes) with `functions`
    approximation : {"exact", "serta", "mrta"}
        The relaxation-time approximations replace L by its out-scattering (SERTA), or by the out-scattering weighted
        with ``1 - v.v'/|v|^2`` (MRTA): for comparison only.
    tolerance : float
        Relative residual of the iterative solution.
    functions : ndarray, shape (sides, m, nodes), optional
        Energy functions of the unknowns on each side of a gap, where they are fewer than the nodes of the rates.
    odd : OddRates, optional
        Rates that are odd under the exchange of initial and final state, beside those of the sums.
    """
    fold, d = sums.fold, sample.velocity.shape[-1]
    operators, conservation = sums.operators()
    nodes = np.shape(thermal_weight)[-1]
    measure: np.ndarray = np.broadcast_to(sample.weight, (sums.count, nodes)) * thermal_weight
    drive: np.ndarray = measure[:, :, None] * sample.currents
    jump: np.ndarray = sums.jump
    if functions is not None:  # no symmetry where every energy has its shell
        operators = [projected(operators[0], functions, sample.side)]
        each = functions[sample.side]
        measure, drive, jump = (np.einsum("sfn,sn...->sf...", each, x) for x in (measure, drive, jump))
    s, m = measure.shape
    drive, measure = drive.reshape(s * m, -1), measure.ravel()
    equation = _Equation(operators, fold, sample, measure, drive, approximation, tolerance)
    jump = jump.reshape(s * m, -1).copy()
    # where an operation holds with either sign, nothing odd is left
    jump[:, :d] *= bool(np.all(fold.signs != 0))

    sets, field = fold.drives(drive.shape[1]), fold.field(d)
    # a gradient of temperature does to the jump of the heat what a field does to that of the charge
    heat = np.arange(0 if sample.heat is None else d) + drive.shape[1] - d
    driven = np.concatenate([field, heat[:, None]]) if len(heat) else field
    others = [(fold.other(number), rows) for number, rows in sets] if fold.both else [(fold.reversed, driven)]
    drive = equation.balanced(drive, sets)
    jump = equation.balanced(jump, others)
    # an observable that is the same in all states drives nothing
    drive = np.where(np.linalg.norm(drive, axis=0) > 1e-13 * np.linalg.norm(equation.currents, axis=0), drive, 0.0)
    rates = np.einsum("sii->si", operators[0].diagonal).reshape(-1, fold.width).mean(axis=1)
    if not (np.isfinite(rates).all() and np.isfinite(jump).all()):
        raise InputError(
            "the rates of scattering are no finite numbers: a coupling, strength or density of the scatterers is far "
            "too large; check its unit"
        )
    jump[:, :d] = drive_or_nothing(jump[:, :d], drive[:, :d], rates, operators[0].dtype)

    normal, anomalous = np.zeros_like(drive), np.zeros_like(drive)
    # the field, then what observables drive
    asked = [(number, fold.columns(drive, rows), rows, normal) for number, rows in sets]
    if sums.anomalous:
        asked += [(number, -fold.columns(jump, rows), rows, anomalous) for number, rows in others]
    info = equation.solve(asked)

    def parts():
        g = normal[:, :d]
        sj1, sj2 = fold.average(jump.T @ g, odd=True), fold.average(drive.T @ anomalous[:, :d], odd=True)
        if not sums.anomalous:  # L is symmetric
            sj2 = -sj1.T
        return fold.average(drive.T @ g), sj1, sj2

    # without odd rates, the inverse of the same L
    to_the_jump = anomalous[:, : None if fold.both else d].reshape(s, m, -1).copy() if sums.anomalous else None
    added = beside = without_odd = None
    if odd is not None:
        without_odd = np.stack(parts())
        normal, beside = equation.with_odd(odd, normal, drive, sets)
        added = fold.average(drive.T @ beside[:, :d], odd=True)
        against = -jump[:, :d]
        anomalous[:, :d], _ = equation.with_odd(odd, anomalous[:, :d], against, [(fold.reversed, field)], reverse=True)
        beside = beside.reshape(s, m, -1)
    boltzmann, sj1, sj2 = parts()
    g = normal[:, :d]
    if len(heat):
        by_heat = normal[:, heat], normal[:, heat], anomalous[:, heat]
        flows = [*range(d), *heat]
        boltzmann, sj1, sj2 = (
            np.concatenate([by_force, rows[:, flows].T @ found])
            for by_force, rows, found in zip((boltzmann, sj1, sj2), (drive, jump, drive), by_heat, strict=True)
        )
    contributions = float((np.abs(jump[:, :d]).T @ np.abs(g)).max())
    rounding = side_jump_rounding(rates, g, operators[0].dtype)
    scale = side_jump_scale(sj1, contributions, rounding)
    # of a folded problem all directions of the field are one column
    force, answer, against = (fold.columns(x, field) for x in (drive, g, -jump))
    growing = growing_share(info[0]["growing"], force, against, force.T @ answer, fold.width * scale)
    return KineticResponse(
        boltzmann,
        sj1,
        sj2,
        float(np.abs(charge(sj2) + charge(sj1).T).max() / scale),
        conservation,
        max(i["residual"] for i in info),
        max(i["iterations"] for i in info),
        info[0]["method"],
        normal.reshape(s, m, -1),
        growing,
        contributions,
        rounding,
        odd=added,
        odd_distribution=beside,
        anomalous=to_the_jump,
        without_odd=without_odd,
        heat=bool(len(heat)),
    )


@dataclass(frozen=True)
class _Equation:
    """``L g = drive`` in every representation of a fold, of N points and functions of the energy.

    Attributes
    ----------
    operators : list of CollisionOperator
    fold : Fold
    sample : Sample
    measure : ndarray, shape (N,)
    currents : ndarray, shape (N, R)
        Times the measures.
    approximation, tolerance
        As :func:`kinetic_response` takes them.
    """

    operators: list[CollisionOperator]
    fold: Fold
    sample: Sample
    measure: np.ndarray
    currents: np.ndarray
    approximation: str
    tolerance: float

    def balanced(self, vectors, sets) -> np.ndarray:
        """A uniform shift of g carries no current, though the quadrature of the velocities leaves a little.

        `sets` as :meth:`.Fold.drives` gives them.
        """
        fold, found = self.fold, np.array(vectors)
        for number, rows in sets:
            columns, wide = fold.columns(vectors, rows), np.repeat(self.measure, rows.shape[1])
            fold.vectors(neutral(columns, wide, fold.null(number, len(self.measure))), rows, found)
        return found

    def solve(self, asked) -> list[dict]:
        """Solve for all that is `asked`: the number of the representation, the right-hand sides, their rows, and where
        the solution goes.  How each operator was solved."""
        info = []
        for number in dict.fromkeys(number for number, *_ in asked):
            some = [(columns, rows, out) for its, columns, rows, out in asked if its == number]
            together = np.hstack([columns for columns, _, _ in some])
            if number and not together.any():
                continue
            solutions, found = self._solution(number, together)
            info.append(found)
            for columns, rows, out in some:
                self.fold.vectors(solutions[:, : columns.shape[1]], rows, out)
                solutions = solutions[:, columns.shape[1] :]
        return info

    def _solution(self, number: int, columns) -> tuple[np.ndarray, dict]:
        operator = self.operators[number]
        if self.approximation == "exact":
            return folded_solution(
                operator, columns, self.sample, self.fold, self.measure, number=number, tolerance=self.tolerance
            )
        states, field = (self.measure, self.currents), self.fold.field(self.sample.velocity.shape[-1])
        return relaxation_time(operator, self.operators[0], columns, states, self.fold, field, self.approximation)

    def with_odd(self, odd: OddRates, first, drive, sets, *, reverse: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Parts of the solution with odd rates as well, see :func:`.odd.even_and_odd`; `reverse`: of an odd drive."""

        def inverse(vectors, other):
            out = np.zeros_like(vectors)
            for own, rows in sets:
                number = self.fold.other(own) if other != reverse else own
                columns = self.fold.columns(self.balanced(vectors, [(number, rows)]), rows)
                if columns.any():
                    self.fold.vectors(self._solution(number, columns)[0], rows, out)
            return out

        return even_and_odd(first, drive, odd, inverse, self.tolerance, [rows for _, rows in sets], odd=reverse)


def folded_solution(
    operator: CollisionOperator, columns, sample: Sample, fold: Fold, measure, *, number: int = 0, tolerance: float
):
    """What :func:`.solve.solve` gives for one representation of a fold.

    Parameters
    ----------
    columns : ndarray, shape (N c, r)
        Right-hand sides, as :meth:`.Fold.columns` makes them.
    measure : ndarray, shape (N,)
        Of the N points and functions of the energy.
    number : int
        Of the representation.
    tolerance : float
        Relative residual of the iterative solution.
    """
    functions = len(measure) // sample.count
    return solve(
        operator,
        columns,
        measure=np.repeat(measure, len(columns) // len(measure)),
        tolerance=tolerance,
        clusters=sample.clusters,
        null=fold.null(number, len(measure)),
        sets=fold.pieces(sample.components, number, sample.count, functions),
    )


def relaxation_time(operator, normal, columns, states, fold: Fold, field, approximation: str, members: int = 1):
    """g (N c, r) of a relaxation-time approximation for right-hand sides `columns`, and how it was obtained.

    `states`: measures (N,), and currents times measures (N, R); `field`: the rows of the velocity, see `Fold.drives`;
    `members`: so many unknowns one after the other, those of the matrix of a group, have one rate in MRTA.
    """
    info = {"method": approximation, "iterations": 0, "residual": 0.0, "growing": no_modes(operator)}
    if approximation == "serta":
        inverse = np.linalg.pinv(operator.diagonal, hermitian=True)
        return np.matmul(inverse, columns.reshape(operator.count, operator.size, -1)).reshape(columns.shape), info
    if approximation != "mrta":
        raise ValueError(f'approximation = "{approximation}": use "exact", "serta" or "mrta"')
    # v . (L v) / v^2 is the momentum-relaxation rate of each unknown
    velocity = states[1][:, : field.size] / states[0][:, None]
    applied = np.empty_like(velocity)
    fold.vectors(normal.apply(fold.columns(velocity, field)), field, applied)
    rate, square = ((velocity * x).sum(axis=1).reshape(-1, members).sum(axis=1) for x in (applied, velocity))
    rate = rate / np.maximum(square, 1e-300)
    rate = np.repeat(rate, len(columns) // len(rate))[:, None]
    return columns / np.where(rate > 0, rate, np.inf), info
