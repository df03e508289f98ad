"""Figures of results, of the states behind them, of Wannier data and of the paper; charts for browsers."""
