"""`sidejump gauge`: the pieces of appendix D in several gauges, as a table and as a picture."""

from __future__ import annotations

from ..errors import InputError
from ..reference.lyo_holstein import GaugeTable, gauge_table


def pieces(job, gauges: int) -> tuple[GaugeTable, str]:
    """Those of a job, or of the first one of a scan, and at what they are.

    Parameters
    ----------
    job : Job or Scan
    gauges : int
    """
    job = getattr(job, "jobs", [job])[0]
    t = float(job.temperatures.max())
    found = gauge_table(
        job.model, job.scatterers, chemical_potential=job.chemical_potential, temperature=t, gauges=gauges
    )
    return found, f"at {job.chemical_potential:g} eV and {t:g} K"


def table(found: GaugeTable, place: str) -> str:
    """A line for each gauge."""
    head = f"Hall conductivity yx, e^2/h, {place}; up to integers\n"
    names = ("gauge", "Lyo (D4)", "Lyo (D5)", "their sum", "sj(1)", "sj(2)", "intrinsic")
    lines = [head, "".join(f"{name:>14}" for name in names)]
    for number, row in enumerate(
        zip(found.lyo_velocity, found.lyo_distribution, found.total, found.intrinsic, strict=True)
    ):
        first, second, total, intrinsic = row
        columns = (first, second, total, found.side_jump_velocity, found.side_jump_distribution, intrinsic)
        lines.append(f"{number:>14}" + "".join(f"{x:>14.8f}" for x in columns))
    jump = found.side_jump_velocity + found.side_jump_distribution
    left = max(abs(total - jump - part) for total, part in zip(found.total, found.intrinsic, strict=True))
    lines.append(f"the sum is sj(1) + sj(2) + intrinsic to {left:.1e}\n")
    return "\n".join(lines)


def draw(found: GaugeTable, place: str, path) -> None:
    """The picture.

    Raises
    ------
    InputError
        Of a single gauge, which shows nothing that moves.
    """
    from ..plot.gauge import gauge_figure

    if len(found.total) < 2:
        raise InputError("--gauges 1: the picture compares gauges; give two or more")
    gauge_figure(found, path, f"Side jump of Lyo and Holstein in random gauges, {place}, up to integers")
