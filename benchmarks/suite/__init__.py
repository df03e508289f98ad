"""Models with broken time reversal on which error bars are judged, and their converged results."""
