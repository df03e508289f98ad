"""How wrong a result is: replicas, levels, terms with errors, and what brings their sum to a tolerance."""

from .estimates import Estimate
from .study import Case, Study, estimate, plan

__all__ = ["Case", "Estimate", "Study", "estimate", "plan"]
