"""The size of what is compared."""

import numpy as np


def root_mean_square(x) -> float:
    """Root of the mean square of all elements."""
    return float(np.sqrt(np.mean(np.abs(x) ** 2)))
