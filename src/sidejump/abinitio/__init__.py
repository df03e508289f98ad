"""Electrons, phonons and their coupling from first-principles files in the Wannier basis.

One container (`container.ElectronPhonon`), thin readers and writers for each family of files (`formats` tells them
apart), and what is computed from them.
"""
