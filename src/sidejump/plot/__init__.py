"""Figures: against temperature, the decay of Wannier data, the first figure of the paper."""
