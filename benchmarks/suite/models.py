"""The suite: name and :class:`Case` of every model.

Spin-orbit gaps of the four cubic ferromagnets: 8, 20, 40 and 80 meV.
"""

from __future__ import annotations

from functools import partial

import sidejump as sj

from . import continuum, crystals, planes
from .case import TEMPERATURES, Case, phonons


def acoustic(sound: float, dimension: int = 3):
    """Acoustic phonons alone."""
    return lambda: [phonons(sound, dimension)]


def with_impurities(sound: float, density: float, dimension: int = 3):
    """Acoustic phonons and zero-range impurities (cm^-3 or cm^-2)."""
    return lambda: [
        phonons(sound, dimension),
        sj.impurity(correlation="zero_range", density=density, strength=1.0, dimension=dimension),
    ]


def with_optical(sound: float, dimension: int = 3):
    """Acoustic phonons and an optical branch of 25 meV."""
    return lambda: [
        phonons(sound, dimension),
        sj.optical_deformation_potential(
            deformation_potential=2.0,
            phonon_energy=0.025,
            mass_density=7800.0 if dimension == 3 else 7.6e-7,
            dimension=dimension,
        ),
    ]


UNSETTLED = "at 300 K own and independent shells differ by 0.5 % and more, and no third method tells which is right"

CASES = {
    "dirac_2d": Case(planes.dirac, 0.2, acoustic(2500.0, 2)),
    "rashba_2d": Case(planes.rashba, 0.2, acoustic(3000.0, 2), temperatures=TEMPERATURES[:-1], without=UNSETTLED),
    "haldane": Case(
        planes.haldane, 0.42, with_impurities(3000.0, 1e10, 2), temperatures=TEMPERATURES[:-1], without=UNSETTLED
    ),
    "quantum_hall": Case(planes.quantum_hall, -1.0, with_optical(2500.0, 2)),
    "ferromagnet_8": Case(partial(crystals.ferromagnet, 0.008), -0.9, acoustic(3000.0)),
    "ferromagnet_20": Case(partial(crystals.ferromagnet, 0.02), -0.9, acoustic(3000.0)),
    "ferromagnet_40": Case(partial(crystals.ferromagnet, 0.04), -0.9, acoustic(3000.0)),
    "ferromagnet_80": Case(partial(crystals.ferromagnet, 0.08), -0.9, acoustic(3000.0)),
    "bcc": Case(crystals.body_centred, -0.6, acoustic(4000.0)),
    "t2g": Case(crystals.t2g, -0.6, acoustic(3000.0)),
    "fcc_p": Case(crystals.fcc_p, -1.29, acoustic(3000.0)),
    "layers": Case(crystals.layers, 0.75, with_impurities(2500.0, 1e16)),
    "kagome": Case(crystals.kagome, -1.02, acoustic(2500.0)),
    "weyl_small": Case(partial(crystals.weyl, 1.2), 0.2, acoustic(2500.0), refined={"geometry": "averaged"}),
    "weyl_large": Case(partial(crystals.weyl, 1.2), 0.35, acoustic(2500.0), refined={"geometry": "averaged"}),
    "weyl_continuum": Case(continuum.weyl, 0.3, acoustic(2500.0)),
    "rashba_3d": Case(continuum.rashba, 0.2, with_optical(3000.0), refined={"spacing": 0.05}),
    "dirac_3d": Case(continuum.dirac, 0.32, acoustic(2500.0), refined={"spacing": 0.03}),
}
