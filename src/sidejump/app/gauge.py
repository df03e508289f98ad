"""`sidejump gauge`: the pieces of appendix D in several gauges, as a table."""

from __future__ import annotations

from ..reference.lyo_holstein import gauge_table


def table(job, gauges: int) -> str:
    """Of a job, or of the first one of a scan.

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
    head = f"Hall conductivity yx, e^2/h, at {job.chemical_potential:g} eV and {t:g} K; up to integers\n"
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
