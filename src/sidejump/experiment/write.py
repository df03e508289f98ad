"""Films as comma-separated text that says itself what it holds: what :func:`read_films` reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..outputs import TABLES, check_target, comma_separated, write_whole
from ..units import RESISTIVITY_UNIT, RESISTIVITY_UNITS
from .films import STATIC, Films


def write_films(films: Films, path, *, force: bool = False) -> Path:
    """Write films as comma-separated text, a line for each point.

    Parameters
    ----------
    films : Films
    path : path
        Ends in .csv.
    force : bool
        Replace a file that exists.

    Raises
    ------
    InputError
        If the file exists and `force` is not set, or it cannot be written.
    """
    path = check_target(path, force=force, endings=TABLES)
    columns = _columns(films)
    signs = "# hall: E_y/j_x\n# magnetisation: +z\n"
    write_whole(path, (signs + comma_separated(columns, zip(*columns.values(), strict=True))).encode())
    return path


def _columns(films: Films) -> dict[str, list]:
    unit = RESISTIVITY_UNIT[films.dimension]
    factor = 1 / RESISTIVITY_UNITS[unit][0]
    found: dict[str, list] = {"film": [films.names[i] for i in films.film]}

    def add(name: str, values, unit: str, by: float = factor) -> None:
        if values is not None:
            found[f"{name} ({unit})"] = [float(by * x) for x in values]

    if np.all(np.isfinite(films.thickness)):
        add("thickness", films.thickness[films.film], "nm", 1.0)
    add("temperature", films.temperature, "K", 1.0)
    add("rho_xx", films.rho_xx, unit)
    add("rho_yx", films.rho_yx, unit)
    add("rho_xx_error", films.rho_xx_error, unit)
    add("rho_yx_error", films.rho_yx_error, unit)
    for k, part in enumerate(films.parts):
        name = "rho_0" if part == STATIC else f"rho_0_{part}"
        add(name, None if films.residual is None else films.residual[films.film, k], unit)
        add(f"{name}_error", None if films.residual_error is None else films.residual_error[films.film, k], unit)
    if np.any(films.scale_error):
        add("thickness_error", 100 * films.scale_error[films.film], "%", 1.0)
    return found
