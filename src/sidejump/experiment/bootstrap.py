"""The spread of estimates over data sets like the one measured: a check of their covariance.

With declared uncertainties a data set is the fitted one with noise of that size on every measured number, and is fitted
anew. Without them it is the law with the scaled residuals of the points, each with a random sign (the wild bootstrap).
"""

from __future__ import annotations

import numpy as np

from .estimate import ONE, Estimator
from .likelihood import Likely
from .scatter import Scatter


def bootstrap(estimator: Estimator, fitted: Likely | Scatter, samples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Half widths of the middle 68.3 % of coefficients (P,) and of R(T) (G,).

    Parameters
    ----------
    estimator : Estimator
    fitted : Likely or Scatter
        Of :meth:`Estimator.estimate`.
    samples : int
        Data sets; at least 2.
    seed : int
    """
    rng = np.random.default_rng(seed)
    equations = estimator.equations
    coefficients, common = [], []
    for _ in range(samples):
        if isinstance(fitted, Likely):
            noise = equations.deviation * rng.standard_normal(len(fitted.z))
            values = estimator.values(fitted.z + noise)
        else:
            values = estimator.shifted(fitted.scaled * rng.choice([-1.0, 1.0], len(fitted.residual)))
        coefficients.append(values[0])
        common.append(values[1])
    levels = 50 * (1 - ONE), 50 * (1 + ONE)
    widths = (0.5 * np.subtract(*np.percentile(values, levels[::-1], axis=0)) for values in (coefficients, common))
    one, two = widths
    return one, two
