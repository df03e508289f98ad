"""What electric fields and gradients of temperature drive, in a result:

    j_a   = sigma_ab E_b   + alpha_ab (-d_b T),        alpha   thermoelectric, A/(m K); of a layer A/K
    J^Q_a = T beta_ab E_b  + kappa0_ab (-d_b T),       beta    peltier, the same unit; kappa0 thermal, W/(m K) or W/K

and what follows where no charge flows: ``E = S grad T``, ``S = sigma^-1 alpha``, and ``kappa = kappa0 - T beta S``.
"""

from __future__ import annotations

import numpy as np

from ..units import LORENZ, conductivity_unit, siemens

_KINETIC = ("boltzmann", "side_jump_velocity", "side_jump_distribution", "side_jump")

HEAT = {
    "thermoelectric": "current that a gradient of temperature drives, j_a = alpha_ab (-d_b T)",
    "peltier": "heat current that a field drives, over T: J_a = T beta_ab E_b; by Onsager's relation alpha",
    "thermal": "heat current that a gradient of temperature drives at zero field, J_a = kappa0_ab (-d_b T)",
}

DERIVED = {
    "seebeck": "field of a gradient of temperature where no charge flows, E_a = S_ab d_b T",
    "thermal_conductivity": "heat current of electrons where no charge flows, J_a = kappa_ab (-d_b T)",
}

VARIABLES = (
    *DERIVED,
    *(name for flow in HEAT for name in (flow, *(f"{flow}_{part}" for part in (*_KINETIC, "intrinsic")))),
)
"""Of a result, each with its error."""

CONDUCTION = tuple(n for flow in HEAT for n in (flow, f"{flow}_boltzmann")) + (*DERIVED, "lorenz_ratio")
"""What cannot be trusted where the longitudinal conductivity cannot."""

ACROSS = tuple(n for flow in HEAT for n in (flow, *(f"{flow}_{part}" for part in _KINETIC[1:]))) + tuple(DERIVED)
"""What cannot be trusted where the side jump cannot."""

_DIMS = ("temperature", "a", "b")


def heat_units(dimension: int) -> dict[str, str]:
    """Units of the variables."""
    over = "" if dimension == 2 else "m "
    current, heat = (f"{u}/{'K' if not over else '(m K)'}" for u in ("A", "W"))
    return {
        "thermoelectric": current,
        "peltier": current,
        "thermal": heat,
        "seebeck": "V/K",
        "thermal_conductivity": heat,
        "lorenz_ratio": "1",
    }


def in_si(found, temperatures) -> tuple[np.ndarray, np.ndarray]:
    """Intrinsic alpha and kappa0 (2, nT, d, d) and their errors (2, nT), of :class:`..intrinsic.heat.IntrinsicHeat`."""
    d, t = found.value.shape[-1], np.asarray(temperatures, dtype=float)
    factor = siemens(d) * np.stack([-1 / t, 1 / t])
    return factor[:, :, None, None] * found.value, np.abs(factor) * found.error


def intrinsic_of(dataset) -> tuple[np.ndarray, np.ndarray]:
    """The same of a result."""
    names = ("thermoelectric_intrinsic", "thermal_intrinsic")
    errors = [dataset[f"{name}_error"].values.max(axis=(1, 2)) for name in names]
    return np.stack([dataset[name].values for name in names]), np.stack(errors)


def add_heat(dataset, kinetic, intrinsic, intrinsic_error) -> None:
    """All parts with standard errors, their sums and what follows from these.

    Parameters
    ----------
    kinetic : ndarray, shape (2, nT, 4, 3, d, d)
        Of :class:`..transport.settings.TransportResult`.
    intrinsic, intrinsic_error : ndarray, shape (2, nT, d, d), (2, nT)
        alpha and kappa0, in the units of the result.
    """
    d, t = kinetic.shape[-1], dataset.temperature.values[:, None, None]
    units, whole = heat_units(d), {}
    known = dict(zip(("thermoelectric", "peltier", "thermal"), zip(intrinsic[[0, 0, 1]], intrinsic_error[[0, 0, 1]],
                                                                   strict=True), strict=True))  # fmt: skip
    for (name, text), row, sign in zip(HEAT.items(), (1, 0, 2), (-1, -1, 1), strict=True):
        parts = siemens(d) * kinetic[:, :, :, row] / t[None, :, None]
        found = {part: (sign * parts[0, :, i], parts[1, :, i]) for i, part in enumerate(_KINETIC)}
        value, error = known[name]
        across = np.broadcast_to(error[:, None, None] * (1 - np.eye(d)), value.shape)
        found["intrinsic"] = value, across
        summed = [found[part] for part in ("boltzmann", "side_jump", "intrinsic")]
        whole[name] = sum(x for x, _ in summed), np.sqrt(sum(e**2 for _, e in summed))
        _add(dataset, name, whole[name], text, units[name])
        for part, both in found.items():
            _add(dataset, f"{name}_{part}", both, f"{part.replace('_', ' ')} part of: {text}", units[name])
    factor = siemens(d) / conductivity_unit(d)[0]
    sigma = factor * (dataset.sigma_boltzmann + dataset.sigma_intrinsic_plus_side_jump).values
    error = factor * np.hypot(dataset.sigma_boltzmann_error, dataset.sigma_intrinsic_plus_side_jump_error).values
    regular = np.isfinite(sigma).all(axis=(1, 2)) & (np.abs(np.linalg.det(np.nan_to_num(sigma))) > 0)
    inverse = np.full_like(sigma, np.nan)
    inverse[regular] = np.linalg.inv(sigma[regular])
    (alpha, alpha_error), (beta, beta_error), (kappa, kappa_error) = whole.values()
    seebeck = inverse @ alpha  # dS = sigma^-1 (d alpha - d sigma S)
    seebeck_error = np.sqrt(inverse**2 @ (alpha_error**2 + error**2 @ seebeck**2))
    _add(dataset, "seebeck", (seebeck, seebeck_error), DERIVED["seebeck"], units["seebeck"])
    open_circuit = kappa - t * beta @ seebeck
    spread = np.sqrt(kappa_error**2 + t**2 * (beta_error**2 @ seebeck**2 + beta**2 @ seebeck_error**2))
    name = "thermal_conductivity"
    _add(dataset, name, (open_circuit, spread), DERIVED[name], units[name])
    charge, charge_error, heat, heat_error = (
        np.trace(x, axis1=1, axis2=2) for x in (sigma, error, open_circuit, spread)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = heat / (LORENZ * t[:, 0, 0] * charge)
        # elements of one tensor err together; those of the two in part, as if not at all is the larger error
        ratio_error = np.abs(ratio) * np.hypot(heat_error / heat, charge_error / charge)
    text = "thermal conductivity over T and the conductivity (means of the diagonals), over pi^2/3 (k_B/e)^2"
    dataset["lorenz_ratio"] = ("temperature", ratio, {"long_name": text, "units": "1"})
    attrs = {"long_name": "standard error of lorenz_ratio", "units": "1"}
    dataset["lorenz_ratio_error"] = ("temperature", ratio_error, attrs)


def _add(dataset, name: str, both, text: str, unit: str) -> None:
    for label, values, words in zip((name, f"{name}_error"), both, (text, f"standard error of {name}"), strict=True):
        dataset[label] = (_DIMS, np.array(values), {"long_name": words, "units": unit})
