"""k.p models by the name an input file uses; a new model is a file and a line here.  Crystals come from files."""

from __future__ import annotations

from collections.abc import Callable

from .base import ElectronModel
from .dirac import MassiveDirac
from .luttinger import Luttinger
from .rashba import RashbaFerromagnet
from .weyl import Weyl

MODELS: dict[str, Callable[..., ElectronModel]] = {
    "massive_dirac": MassiveDirac,
    "rashba_ferromagnet": RashbaFerromagnet,
    "weyl": Weyl,
    "luttinger": Luttinger,
}
"""What to call with the parameters of an `[electrons]` section."""
