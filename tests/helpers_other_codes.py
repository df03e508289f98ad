"""Files of other programs beside what these programs printed of them: deviations, for tests and the validation page."""

import re
from pathlib import Path

import numpy as np


def averaged(g, energies_k, energies_kq, omega):
    """|g| in meV as EPW prints it: root mean square over degenerate states (10 microeV)."""
    square = np.abs(g) ** 2
    for axis, levels in ((1, energies_kq), (2, energies_k), (3, omega)):
        same = (np.abs(levels[:, :, None] - levels[:, None, :]) < 1e-5).astype(float)
        same /= same.sum(axis=2, keepdims=True)
        square = np.moveaxis(np.einsum("pab,pb...->pa...", same, np.moveaxis(square, axis, 1)), 1, axis)
    return 1e3 * np.sqrt(square)


def compare_with_epw(data, table):
    """Columns q, k, band at k, band at k + q, mode (from 1), E_k, E_k+q, omega, |g|: largest deviations."""
    rows, index = np.unique(table[:, :6], axis=0, return_inverse=True)
    index = index.ravel()
    q, k = rows[:, :3], rows[:, 3:]
    at_k, at_kq, omega = data.energies(k), data.energies(k + q), data.phonon_energies(q)
    g = averaged(data.coupling(k, q, images="file"), at_k, at_kq, omega)
    n, m, nu = (table[:, 6:9].astype(int) - 1).T
    energy = np.abs(np.stack([at_k[index, n] - table[:, 9], at_kq[index, m] - table[:, 10]])).max()
    phonon = np.abs(np.abs(1e3 * omega[index, nu]) - np.abs(table[:, 11])).max()
    return energy, phonon, np.abs(g[index, m, n, nu] - table[:, 12]).max(), omega[index, nu]


def table_of_lead(path: Path) -> np.ndarray:
    """The coupling that EPW printed for lead, columns as :func:`compare_with_epw` takes them."""
    rows, q, k = [], None, None
    for line in Path(path).read_text().splitlines():
        found = re.match(r"\s+i([qk]) =\s+\d+ coord\.:(.*)", line)
        if found:
            point = [float(x) for x in found[2].split()]
            q, k = (point, None) if found[1] == "q" else (q, point)
        elif k is not None and len(line.split()) == 7 and line.split()[0].isdigit():
            rows.append([*q, *k, *map(float, line.split())])
    table = np.array(rows)
    table[:, :3] = np.where(np.abs(table[:, :3] - 1 / 3) < 1e-6, 0.33333333, table[:, :3])  # as in its q list
    return table


def compare_with_perturbo(data, output, bands=slice(None)):
    """Largest deviations of bands (eV), phonons (meV) and the relative one of |g|, and the scale of |g| (meV).

    `output(kind)` gives the section of Perturbo's pert_output.yml: ``bands``, ``phdisp`` or ``ephmat``.
    """

    def table(found, key=None):
        return np.array([found[i] if key is None else found[i][key] for i in sorted(found)]).T

    reference = output("bands")
    energies = data.energies(np.array(reference["k-point coordinates"])) - table(reference["band index"])
    reference = output("phdisp")
    q = np.array(reference[next(key for key in reference if key.endswith("point coordinates"))])
    phonons = np.abs(1e3 * data.phonon_energies(q) - table(reference["band index"])).max()
    reference = output("ephmat")
    k, q = (np.array(reference[f"{x}-point coordinates"]) for x in "kq")
    k, q = np.repeat(k, len(q), axis=0), np.tile(q, (len(k), 1))
    g = data.coupling(k, q, images="file")[:, bands, bands]
    found = 1e3 * np.sqrt(np.sum(np.abs(g) ** 2, axis=(1, 2)) / g.shape[1])
    printed = table(reference["phonon mode"], "e-ph matrix elements")
    omega = table(reference["phonon mode"], "phonon energy")
    phonons = max(phonons, np.abs(1e3 * data.phonon_energies(q) - omega).max())
    # where g vanishes by symmetry what is printed is rounding
    coupling = ((np.abs(found - printed) - 1e-6) / np.maximum(np.abs(printed), 1e-12)).max()
    return np.abs(energies).max(), phonons, max(coupling, 0.0), printed.max()
