"""Sums over pairs of states, and who computes them."""
