"""Electron models: providers of H(k), its derivatives and the position matrix; eigenstates built from them."""
