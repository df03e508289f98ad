"""Figure of the decay with distance of what a Wannier interpolation is made of."""

from __future__ import annotations

import matplotlib
from matplotlib.figure import Figure

from ..wannier.container import ElectronPhonon
from ..wannier.decay import decay_arrays


def decay_figure(data: ElectronPhonon, path, images: str = "hermitian"):
    """Plot `decay_arrays` on a logarithmic scale and save it; returns the path."""
    arrays = decay_arrays(data, images)
    panels = (
        ("hamiltonian", "|H|", "distance of the Wannier functions (Å)", "eV"),
        ("force_constants", "|C|", "distance of the atoms (Å)", "eV/Å$^2$"),
        ("coupling_electrons", "|g|", "distance of the Wannier functions (Å)", "eV/Å"),
        ("coupling_phonons", "|g|", "distance of the atom from the nearer function (Å)", "eV/Å"),
    )
    with matplotlib.rc_context({"font.size": 9, "axes.grid": True, "grid.alpha": 0.25, "savefig.dpi": 200}):
        figure = Figure(figsize=(8.0, 5.6), layout="constrained")
        for axes, (name, title, label, unit) in zip(figure.subplots(2, 2).flat, panels, strict=True):
            distance, size = arrays[name]
            axes.semilogy(distance, size, "o", ms=4, color="#0072b2")
            axes.set(xlabel=label, ylabel=f"largest {title} ({unit})", xlim=(0, None))
        figure.savefig(path)
    return path
