"""Pairs of states on shells: their geometry in blocks, order, contraction, images under operations, and storage."""
