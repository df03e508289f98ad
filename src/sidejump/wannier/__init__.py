"""Electrons, phonons and their coupling from first principles in the Wannier basis.

One container (`container.ElectronPhonon`), and what is computed from it and judged in it; files are in `formats`.
"""
