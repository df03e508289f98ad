"""Models by the name an input file uses; a new model is a file and a line here."""

from __future__ import annotations

from collections.abc import Callable

from .base import ElectronModel
from .dirac import MassiveDirac
from .luttinger import Luttinger
from .rashba import RashbaFerromagnet
from .wannier90 import read_wannier90
from .weyl import Weyl

MODELS: dict[str, Callable[..., ElectronModel]] = {
    "massive_dirac": MassiveDirac,
    "rashba_ferromagnet": RashbaFerromagnet,
    "weyl": Weyl,
    "luttinger": Luttinger,
    "wannier90": read_wannier90,
}
"""What to call with the parameters of an `[electrons]` section."""
