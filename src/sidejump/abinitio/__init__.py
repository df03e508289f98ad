"""Electrons, phonons and their coupling from first-principles files in the Wannier basis.

One container (`container.ElectronPhonon`), thin readers for each family of files, and what is computed from them.
"""
