"""Models by their name in the input file: a new one is a new file and a line here."""

from .dirac import MassiveDirac
from .luttinger import Luttinger
from .rashba import RashbaFerromagnet

MODELS = {
    "massive_dirac": MassiveDirac,
    "rashba_ferromagnet": RashbaFerromagnet,
    "luttinger": Luttinger,
}
